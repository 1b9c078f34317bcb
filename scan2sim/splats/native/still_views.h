// Cameras that see the first object's Gaussians alike, as a robot's camera sees the table in every environment: those
// Gaussians are projected and sorted once.
#pragma once
#include <memory>
#include <vector>

#include "depth_sorted.h"
#include "types.h"

namespace splats {

class StillViews {
public:
    StillViews(const GaussianArrays& gaussians, const std::vector<View>& views);

    // Null if the camera shares its view with none.
    const DepthSorted* of_camera(size_t camera) const {
        return shared_[camera] < 0 ? nullptr : splats_[shared_[camera]].get();
    }
    Chosen moving() const { return {moving_.data(), static_cast<int64_t>(moving_.size())}; }

private:
    std::vector<std::unique_ptr<DepthSorted>> splats_;
    std::vector<int> shared_;  // per camera, into splats_
    std::vector<int32_t> moving_;
};

}  // namespace splats
