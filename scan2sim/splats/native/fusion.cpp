#include "fusion.h"

#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "memory.h"

namespace splats {

namespace {

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
    const int64_t rows = static_cast<int64_t>(grid.shape[0]) * grid.shape[1], length = grid.shape[2];
    parallel_for(rows, threads(), 64, [&](int64_t row) {
        const float x = grid.corner[0] + static_cast<float>(row / grid.shape[1]) * grid.cell - picture.centre[0];
        const float y = grid.corner[1] + static_cast<float>(row % grid.shape[1]) * grid.cell - picture.centre[1];
        for (int64_t k = 0; k < length; ++k) {
            const float z = grid.corner[2] + static_cast<float>(k) * grid.cell - picture.centre[2];
            const float ahead = r[2] * x + r[5] * y + r[8] * z;
            if (!(ahead > 1e-9f)) continue;
            const float column = (r[0] * x + r[3] * y + r[6] * z) / ahead * picture.fx + picture.cx;
            const float line = (r[1] * x + r[4] * y + r[7] * z) / ahead * picture.fy + picture.cy;
            if (!(column >= 0 && line >= 0 && column < static_cast<float>(picture.width) &&
                  line < static_cast<float>(picture.height)))
                continue;
            const int64_t pixel = static_cast<int64_t>(line) * picture.width + static_cast<int64_t>(column);
            float value;
            const float share = told(picture, weights, pixel, ahead, value);
            total[row * length + k] += share * value;
            weight[row * length + k] += share;
        }
    });
}

}  // namespace splats
