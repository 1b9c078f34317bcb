// Cameras that see the first object's Gaussians alike, as a robot's camera sees the table in every environment: those
// Gaussians are projected, sorted and drawn once.
#pragma once
#include <memory>
#include <vector>

#include "cells.h"
#include "depth_sorted.h"
#include "types.h"

namespace splats {

// What does not move, in one view.
struct StillView {
    DepthSorted splats;
    std::vector<CellBox> boxes;  // of the splats
    Images picture{};            // of them alone; colors null = not drawn
    Buffer<float> pixels;
    Buffer<int32_t> ids;

    // Draws the picture.
    void draw(const GaussianArrays& gaussians, const View& view, const Images& wanted);
    // Fills the images of a camera with the picture.
    void copy_to(const Images& images, const View& view) const;
};

class StillViews {
public:
    // `wanted` says which images will be drawn.
    StillViews(const GaussianArrays& gaussians, const std::vector<View>& views, const Images& wanted);

    // Null if the camera shares its view with none.
    const StillView* of_camera(size_t camera) const {
        return shared_[camera] < 0 ? nullptr : still_[shared_[camera]].get();
    }
    Chosen moving() const { return {moving_.data(), static_cast<int64_t>(moving_.size())}; }

private:
    std::vector<std::unique_ptr<StillView>> still_;
    std::vector<int> shared_;  // per camera, into still_
    std::vector<int32_t> moving_;
};

}  // namespace splats
