// One camera's view of the Gaussians: projected, sorted by depth, listed by tile; kept for the backward pass.
#pragma once
#include <memory>

#include "cells.h"
#include "depth_sorted.h"
#include "memory.h"
#include "sorting.h"
#include "still_views.h"
#include "types.h"

namespace splats {

class Frame {
public:
    // Projects, sorts and lists. means2d (N, 2) and radii (N,) are written unless null.
    void project(const GaussianArrays& gaussians, const View& view, float* means2d, float* radii);
    // The same where the splats of all but some Gaussians are known already; if these are drawn, too, blending leaves
    // pixels alone that no other can touch.
    void project(const GaussianArrays& gaussians, const View& view, const StillView& still, Chosen moving);
    // Blends the images; with keep, what the gradient needs is kept.
    void blend(const GaussianArrays& gaussians, Images images, bool keep);
    // Adds the gradients of the parameters. Needs a blend that kept.
    void backward(const GaussianArrays& gaussians, const ImageGradients& images, const GaussianGradients& out);
    // Adds to out (N, channels) the sum over pixels of blending weight × maps (H, W, channels).
    void accumulate(const float* maps, int channels, float* out);
    // Writes the index of the Gaussian with the largest weight of each pixel, -1 = none.
    void dominant(int32_t* out);
    // Counts the pairs that blending weighs and draws.
    PairCount count();

private:
    void list(const View& view);
    TileLists lists(const GaussianArrays* gaussians) const;

    View view_{};
    int64_t intersections_ = 0;
    int tiles_x_ = 0, tiles_y_ = 0;
    DepthSorted sorted_;
    DepthSorted moving_;
    Cells changed_;                // where moving_ can change a picture that is drawn already
    bool all_ = true;              // whether all cells are blended
    Buffer<int32_t> needed_;       // ranks of the splats behind or before moving_
    Buffer<int32_t> slot_ends_;    // per rank
    Buffer<int32_t> tile_begin_;   // (tiles + 1,)
    Buffer<int32_t> ranks_;        // per intersection, by tile and depth
    Buffer<int32_t> slots_;        // per intersection
    Buffer<float> transmittance_;  // (tiles, kTilePixels)
    Buffer<int32_t> stop_;         // (tiles, kTilePixels)
    Buffer<int32_t> tile_stop_;
};

}  // namespace splats
