// The photometric loss of splat training.
#pragma once
#include "types.h"

namespace splats {

// (1 - w) mean |a - b| + w (1 - mean SSIM); writes its gradient in the rendered image unless gradient is null.
double photometric_loss(const ImagePair& images, float ssim_weight, float* gradient);

}  // namespace splats
