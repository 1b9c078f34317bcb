// The splats of some Gaussians in one view, by depth.
#pragma once
#include <cstdint>

#include "memory.h"
#include "types.h"

namespace splats {

// Gaussians by their place in the arrays; null = all of them.
struct Chosen {
    const int32_t* ids;
    int64_t count;
};

class DepthSorted {
public:
    // Projects the chosen Gaussians and sorts those that touch a pixel. means2d (N, 2) and radii (N,) are written
    // unless null.
    void project(const GaussianArrays& gaussians, const View& view, Chosen chosen, float* means2d, float* radii);
    // Becomes the splats of b and those of a at some ranks.
    void merge(const DepthSorted& a, const int32_t* ranks, int64_t count, const DepthSorted& b);

    Splat* splats() const { return splats_.data(); }
    int64_t count() const { return count_; }

private:
    Buffer<Splat> splats_;
    Buffer<uint64_t> keys_;  // depth and Gaussian
    int64_t count_ = 0;
};

// Threads worth waking up for so many Gaussians.
int team_for_gaussians(int64_t count);

constexpr int64_t kChunk = 1024;  // Gaussians that a thread takes at a time

}  // namespace splats
