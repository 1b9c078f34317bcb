#include "loss.h"

#include <algorithm>

#include "dispatch.h"
#include "memory.h"

namespace splats {

namespace {

struct LossMemory {
    Buffer<float> ssim, l1, exposure;
};

constexpr int kLeastBand = 32;    // rows: each band looks at the ten before it once more
constexpr int kBandsPerThread = 2;

}  // namespace

double photometric_loss(LossInput input, float ssim_weight, float* exposure_gradient) {
    const int windows = input.height - kWindow + 1;
    const double ssim_count = 3.0 * (input.width - kWindow + 1) * windows, count = 3.0 * input.width * input.height;
    input.l1_scale = static_cast<float>((1.0 - ssim_weight) / count);
    input.ssim_scale = static_cast<float>(-ssim_weight / ssim_count);
    auto memory = Pool<LossMemory>::take();
    const LossSums sums{memory->ssim.resize(windows), memory->l1.resize(input.height),
                        memory->exposure.resize(6 * static_cast<size_t>(input.height))};
    const Kernels& run = kernels();
    const int share = input.height / (kBandsPerThread * threads()) / kLossStep * kLossStep;
    const int rows = std::max(kLeastBand, share + kLossStep);
    parallel_for((input.height + rows - 1) / rows, threads(), 1, [&](int64_t band) {
        thread_local Buffer<float> scratch;
        const int begin = static_cast<int>(band) * rows, end = std::min(input.height, begin + rows);
        run.loss_band(input, begin, end, sums,
                      scratch.resize(static_cast<size_t>(kLossScratchRows) * loss_row_length(input.width)));
    });
    if (input.gain && input.gradient)
        for (int k = 0; k < 6; ++k) {
            double sum = 0;
            for (int y = 0; y < input.height; ++y) sum += sums.exposure[6 * static_cast<size_t>(y) + k];
            exposure_gradient[k] = static_cast<float>(sum);
        }
    double ssim = 0, l1 = 0;
    for (int y = 0; y < windows; ++y) ssim += sums.ssim[y];
    for (int y = 0; y < input.height; ++y) l1 += sums.l1[y];
    return (1.0 - ssim_weight) * l1 / count + ssim_weight * (1.0 - ssim / ssim_count);
}

}  // namespace splats
