// The photometric loss of splat training.
#pragma once
#include "types.h"

namespace splats {

// What a photo's camera made of the light: gain and offset (3,) of each channel, or null. The gradients in gain and
// offset (6,) are written where the image's are.
struct Exposure {
    const float* gain;
    const float* offset;
    float* gradient;
};

// (1 - w) mean |a - b| + w (1 - mean SSIM) of the exposed rendered image; writes its gradient in the rendered image
// unless gradient is null.
double photometric_loss(const ImagePair& given, float ssim_weight, const Exposure& exposure, float* gradient);

}  // namespace splats
