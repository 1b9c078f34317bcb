// The photometric loss of splat training.
#pragma once
#include "types.h"

namespace splats {

// (1 - w) mean |a - b| + w (1 - mean SSIM) of the exposed rendered image; writes its gradient in the rendered image and,
// if there is an exposure, that in gain and offset (6,), unless input.gradient is null. Sets input's scales.
double photometric_loss(LossInput input, float ssim_weight, float* exposure_gradient);

}  // namespace splats
