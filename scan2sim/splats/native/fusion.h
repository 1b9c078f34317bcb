// Depth pictures averaged into a grid of signed distances.
#pragma once
#include <cstdint>

namespace splats {

struct Grid {
    int shape[3];  // values along x, y, z; z runs fastest
    float corner[3], cell;
};

struct DepthPicture {
    float rotation[9], centre[3];  // world_from_camera, row-major, and the camera's place
    float fx, fy, cx, cy;
    int width, height;
    const float* depth;  // along z, 0 = nothing there
    const bool* own;     // pixels that show the object
    const float* trust;  // how far its depth counts, or null for 1
};

struct FusionWeights {
    float reach;   // distance at which a look at a surface is cut off
    float slack;   // added to the depth of pixels that do not show the object
    float hidden;  // weight of "behind the object's surface, so inside"
    float empty;   // weight of "a pixel without any surface, so outside"
};

// Adds what one picture says of each point of the grid: weight · value in -1 (inside) to 1 (outside), and the weight.
void fuse_depth(const Grid& grid, const DepthPicture& picture, const FusionWeights& weights, float* total,
                float* weight);

}  // namespace splats
