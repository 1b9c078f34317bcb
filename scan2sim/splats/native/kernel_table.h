// The kernels that exist once per instruction set.
#pragma once
#include "types.h"

namespace splats {

struct Kernels {
    int64_t (*project)(const GaussianArrays&, const View&, const int32_t* chosen, const ProjectionOut&, int64_t begin,
                       int64_t end);
    void (*project_backward)(const GaussianArrays&, const View&, const Splat* splats, const int32_t* slot_ends,
                             const float* slots, const GaussianGradients&, float* transforms, int64_t begin, int64_t end);
    void (*blend_tile)(const TileLists&, const Images&, int tile, float* scratch);
    void (*backward_tile)(const TileLists&, const Images&, const ImageGradients&, float* slots, int tile,
                          float* scratch);
    void (*accumulate_tile)(const TileLists&, const float* maps, int total, int first, int channels, float* slots,
                            int tile, float* scratch);
    void (*dominant_tile)(const TileLists&, int32_t* out, int tile);
    PairCount (*count_tile)(const TileLists&, int tile);
    void (*loss_band)(const LossInput&, int begin, int end, const LossSums&, float* scratch);
    void (*adam_range)(float* values, const float* gradients, float* first, float* second, int64_t count,
                       const AdamRates&);
    int lanes;  // floats in a vector
};

}  // namespace splats
