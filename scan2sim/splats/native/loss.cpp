#include "loss.h"

#include <array>
#include <vector>

#include "dispatch.h"
#include "memory.h"

namespace splats {

namespace {

struct LossMemory {
    Buffer<float> maps;
    Buffer<float> exposed;
    std::vector<double> ssim, l1;
    std::vector<std::array<double, 6>> exposure;  // per row: gradients of gain and offset
};

constexpr int kRows = 8;  // that a thread takes at a time

}  // namespace

double photometric_loss(const ImagePair& given, float ssim_weight, const Exposure& exposure, float* gradient) {
    ImagePair images = given;
    const int rows = images.height - kWindow + 1, values = 3 * (images.width - kWindow + 1);
    const int64_t row_values = 3 * static_cast<int64_t>(images.width);
    auto memory = Pool<LossMemory>::take();
    if (exposure.gain) {
        float* exposed = memory->exposed.resize(static_cast<size_t>(row_values) * images.height);
        parallel_for(images.height, threads(), kRows, [&](int64_t y) {
            const float* in = given.rendered + y * row_values;
            float* out = exposed + y * row_values;
            for (int64_t i = 0; i < row_values; i += 3)
                for (int c = 0; c < 3; ++c) out[i + c] = in[i + c] * exposure.gain[c] + exposure.offset[c];
        });
        images.rendered = exposed;
    }
    LossMaps maps{};
    if (gradient) {
        maps.stride = (values + 15) / 16 * 16;
        maps.means = memory->maps.resize(static_cast<size_t>(3 * maps.stride) * rows);
        maps.squares = maps.means + maps.stride * rows;
        maps.products = maps.squares + maps.stride * rows;
    }
    const Kernels& run = kernels();
    const size_t scratch = static_cast<size_t>(5) * loss_scratch_row(images.width);
    std::vector<double>&ssim = memory->ssim, &l1 = memory->l1;
    ssim.resize(rows);
    l1.resize(images.height);
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
    if (exposure.gain && gradient) {
        memory->exposure.resize(images.height);
        parallel_for(images.height, threads(), kRows, [&](int64_t y) {
            const float* in = given.rendered + y * row_values;
            float* slope = gradient + y * row_values;
            float sums[6] = {};
            for (int64_t i = 0; i < row_values; i += 3)
                for (int c = 0; c < 3; ++c) {
                    sums[c] += slope[i + c] * in[i + c];
                    sums[3 + c] += slope[i + c];
                    slope[i + c] *= exposure.gain[c];
                }
            for (int k = 0; k < 6; ++k) memory->exposure[y][k] = sums[k];
        });
        for (int k = 0; k < 6; ++k) {
            double sum = 0;
            for (const auto& row : memory->exposure) sum += row[k];
            exposure.gradient[k] = static_cast<float>(sum);
        }
    }
    double ssim_sum = 0, l1_sum = 0;
    for (double value : ssim) ssim_sum += value;
    for (double value : l1) l1_sum += value;
    return (1.0 - ssim_weight) * l1_sum / count + ssim_weight * (1.0 - ssim_sum / ssim_count);
}

}  // namespace splats
