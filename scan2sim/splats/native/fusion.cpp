#include "fusion.h"

#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "memory.h"

namespace splats {

namespace {

constexpr int kAtOnce = 64;  // points of a row

// Weight and value of a point at depth z whose pixel is p.
inline float told(const DepthPicture& picture, const FusionWeights& weights, int64_t p, float z, float& value) {
    const float depth = picture.depth[p];
    value = 1.0f;
    if (!(depth > 0.0f)) return weights.empty;
    if (!picture.own[p]) {
        const float gap = depth - z + weights.slack;
        value = std::min(gap / weights.reach, 1.0f);
        return gap > 0.0f ? 1.0f : 0.0f;
    }
    const float gap = depth - z, trust = picture.trust ? picture.trust[p] : 1.0f;
    value = std::clamp(gap / weights.reach, -1.0f, 1.0f);
    return gap > -weights.reach ? trust : weights.hidden * trust;
}

}  // namespace

void fuse_depth(const Grid& grid, const DepthPicture& picture, const FusionWeights& weights, float* total,
                float* weight) {
    const float* r = picture.rotation;
    const auto width = static_cast<float>(picture.width), height = static_cast<float>(picture.height);
    const int64_t rows = static_cast<int64_t>(grid.shape[0]) * grid.shape[1], length = grid.shape[2];
    parallel_for(rows, threads(), 64, [&](int64_t row) {
        const float x = grid.corner[0] + static_cast<float>(row / grid.shape[1]) * grid.cell - picture.centre[0];
        const float y = grid.corner[1] + static_cast<float>(row % grid.shape[1]) * grid.cell - picture.centre[1];
        for (int64_t start = 0; start < length; start += kAtOnce) {
            const auto count = static_cast<int>(std::min<int64_t>(kAtOnce, length - start));
            float ahead[kAtOnce], column[kAtOnce], line[kAtOnce];
            for (int k = 0; k < count; ++k) {  // without branches, so that it becomes vector instructions
                const float z = grid.corner[2] + static_cast<float>(start + k) * grid.cell - picture.centre[2];
                ahead[k] = r[2] * x + r[5] * y + r[8] * z;
                column[k] = (r[0] * x + r[3] * y + r[6] * z) / ahead[k] * picture.fx + picture.cx;
                line[k] = (r[1] * x + r[4] * y + r[7] * z) / ahead[k] * picture.fy + picture.cy;
            }
            for (int k = 0; k < count; ++k) {
                if (!(ahead[k] > 1e-9f && column[k] >= 0 && line[k] >= 0 && column[k] < width && line[k] < height))
                    continue;
                const int pixel = static_cast<int>(line[k]) * picture.width + static_cast<int>(column[k]);
                float value;
                const float share = told(picture, weights, pixel, ahead[k], value);
                total[row * length + start + k] += share * value;
                weight[row * length + start + k] += share;
            }
        }
    });
}

}  // namespace splats
