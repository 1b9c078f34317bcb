#include "depth_sorted.h"

#include <algorithm>
#include <cstring>

#include "dispatch.h"
#include "sorting.h"

namespace splats {

namespace {

// What one projection needs for a moment.
struct Workspace {
    Buffer<Splat> splats;     // by Gaussian
    Buffer<int32_t> visible;  // Gaussians that touch a pixel, in order
    Buffer<uint64_t> swap;
    Buffer<int64_t> starts;  // of each chunk's visible Gaussians
    Buffer<int64_t> counts;  // of digits
};

}  // namespace

int team_for_gaussians(int64_t count) { return count >= 4 * kChunk ? threads() : 1; }

void DepthSorted::project(const GaussianArrays& gaussians, const View& view, Chosen chosen, float* means2d,
                          float* radii) {
    const int64_t n = chosen.count, chunks = (n + kChunk - 1) / kChunk;
    auto work = Pool<Workspace>::take();
    const ProjectionOut out{work->splats.resize(gaussians.count), means2d, radii, nullptr};
    int32_t* visible = work->visible.resize(n);
    int64_t* starts = work->starts.resize(chunks + 1);
    starts[0] = 0;
    const Kernels& run = kernels();
    parallel_for(chunks, team_for_gaussians(n), 1, [&](int64_t c) {
        ProjectionOut mine = out;
        mine.visible = visible + c * kChunk;
        starts[c + 1] = run.project(gaussians, view, chosen.ids, mine, c * kChunk, std::min(n, (c + 1) * kChunk));
    });
    for (int64_t c = 0; c < chunks; ++c) starts[c + 1] += starts[c];
    count_ = starts[chunks];

    uint64_t* keys = keys_.resize(count_);
    parallel_for(chunks, team_for_gaussians(n), 8, [&](int64_t c) {
        for (int64_t k = 0; k < starts[c + 1] - starts[c]; ++k) {
            const int32_t id = visible[c * kChunk + k];
            uint32_t depth;  // positive floats sort as their bits do
            std::memcpy(&depth, &out.splats[id].z, sizeof depth);
            keys[starts[c] + k] = static_cast<uint64_t>(depth) << 32 | static_cast<uint32_t>(id);
        }
    });
    sort_by_depth(keys, work->swap.resize(count_), count_, team_for_gaussians(count_), work->counts);
    Splat* sorted = splats_.resize(count_);
    parallel_for((count_ + kChunk - 1) / kChunk, team_for_gaussians(count_), 4, [&](int64_t c) {
        for (int64_t r = c * kChunk; r < std::min(count_, (c + 1) * kChunk); ++r)
            sorted[r] = out.splats[static_cast<uint32_t>(keys[r])];
    });
}

void DepthSorted::merge(const DepthSorted& a, const int32_t* ranks, int64_t count, const DepthSorted& b) {
    count_ = count + b.count_;
    Splat* splats = splats_.resize(count_);
    uint64_t* keys = keys_.resize(count_);
    for (int64_t i = 0, j = 0; i + j < count_;) {
        const bool first = j == b.count_ || (i < count && a.keys_[ranks[i]] < b.keys_[j]);
        keys[i + j] = first ? a.keys_[ranks[i]] : b.keys_[j];
        splats[i + j] = first ? a.splats_[ranks[i]] : b.splats_[j];
        first ? ++i : ++j;
    }
}

}  // namespace splats
