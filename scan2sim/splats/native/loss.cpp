#include "loss.h"

#include <vector>

#include "dispatch.h"
#include "memory.h"

namespace splats {

namespace {

struct LossMemory {
    Buffer<float> maps;
};

constexpr int kRows = 8;  // that a thread takes at a time

}  // namespace

double photometric_loss(const ImagePair& images, float ssim_weight, float* gradient) {
    const int rows = images.height - kWindow + 1, values = 3 * (images.width - kWindow + 1);
    auto memory = Pool<LossMemory>::take();
    LossMaps maps{};
    if (gradient) {
        maps.stride = (values + 15) / 16 * 16;
        maps.means = memory->maps.resize(static_cast<size_t>(3 * maps.stride) * rows);
        maps.squares = maps.means + maps.stride * rows;
        maps.products = maps.squares + maps.stride * rows;
    }
    const Kernels& run = kernels();
    const size_t scratch = static_cast<size_t>(5) * loss_scratch_row(images.width);
    std::vector<double> ssim(rows), l1(images.height);
    parallel_for(rows, threads(), kRows, [&](int64_t y) {
        thread_local Buffer<float> row;
        ssim[y] = run.ssim_row(images, maps, static_cast<int>(y), row.resize(scratch));
    });
    const double ssim_count = static_cast<double>(rows) * values, count = 3.0 * images.width * images.height;
    const float l1_scale = static_cast<float>((1.0 - ssim_weight) / count);
    const float ssim_scale = static_cast<float>(-ssim_weight / ssim_count);
    parallel_for(images.height, threads(), kRows, [&](int64_t y) {
        thread_local Buffer<float> row;
        l1[y] = run.loss_gradient_row(images, maps, l1_scale, ssim_scale, gradient, static_cast<int>(y),
                                      row.resize(scratch));
    });
    double ssim_sum = 0, l1_sum = 0;
    for (double value : ssim) ssim_sum += value;
    for (double value : l1) l1_sum += value;
    return (1.0 - ssim_weight) * l1_sum / count + ssim_weight * (1.0 - ssim_sum / ssim_count);
}

}  // namespace splats
