#include "frame.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "dispatch.h"
#include "sorting.h"

namespace splats {

namespace {

// What one camera needs for a moment.
struct Workspace {
    Buffer<Splat> splats;     // by Gaussian
    Buffer<int32_t> visible;  // Gaussians that touch a pixel, in order
    Buffer<uint64_t> keys;    // depth and Gaussian
    Buffer<uint64_t> swap;
    Buffer<float> slots;  // gradients per intersection
    Buffer<int64_t> starts;   // of each chunk's visible Gaussians
    Buffer<int64_t> counts;   // of digits
    Buffer<float> transforms;  // gradients per chunk
    std::vector<TilePart> tiles;
};

constexpr int64_t kChunk = 1024;  // Gaussians that a thread takes at a time
constexpr int kMapsAtOnce = 16;

// Threads worth waking up for so much work.
int team_for_gaussians(int64_t count) { return count >= 4 * kChunk ? threads() : 1; }
int team_for_tiles(int64_t count) { return count >= 32 ? threads() : 1; }

}  // namespace

void Frame::project(const GaussianArrays& gaussians, const View& view, float* means2d, float* radii) {
    view_ = view;
    tiles_x_ = (view.width + kTile - 1) / kTile;
    tiles_y_ = (view.height + kTile - 1) / kTile;
    const int64_t n = gaussians.count, chunks = (n + kChunk - 1) / kChunk;
    auto work = Pool<Workspace>::take();
    const ProjectionOut out{work->splats.resize(n), means2d, radii, nullptr};
    int32_t* visible = work->visible.resize(n);
    int64_t* starts = work->starts.resize(chunks + 1);
    starts[0] = 0;
    const Kernels& run = kernels();
    parallel_for(chunks, team_for_gaussians(n), 1, [&](int64_t c) {
        ProjectionOut mine = out;
        mine.visible = visible + c * kChunk;
        starts[c + 1] = run.project(gaussians, view_, mine, c * kChunk, std::min(n, (c + 1) * kChunk));
    });
    for (int64_t c = 0; c < chunks; ++c) starts[c + 1] += starts[c];
    visible_ = starts[chunks];

    uint64_t* keys = work->keys.resize(visible_);
    parallel_for(chunks, team_for_gaussians(n), 8, [&](int64_t c) {
        for (int64_t k = 0; k < starts[c + 1] - starts[c]; ++k) {
            const int32_t id = visible[c * kChunk + k];
            uint32_t depth;  // positive floats sort as their bits do
            std::memcpy(&depth, &out.splats[id].z, sizeof depth);
            keys[starts[c] + k] = static_cast<uint64_t>(depth) << 32 | static_cast<uint32_t>(id);
        }
    });
    sort_by_depth(keys, work->swap.resize(visible_), visible_, team_for_gaussians(visible_), work->counts);
    Splat* sorted = splats_.resize(visible_);
    parallel_for((visible_ + kChunk - 1) / kChunk, team_for_gaussians(visible_), 4, [&](int64_t c) {
        for (int64_t r = c * kChunk; r < std::min(visible_, (c + 1) * kChunk); ++r)
            sorted[r] = out.splats[static_cast<uint32_t>(keys[r])];
    });
    const TileSort tiles{sorted, visible_, tiles_x_, tiles_y_};
    intersections_ = sort_into_tiles(tiles, team_for_gaussians(visible_), work->tiles, slot_ends_, tile_begin_, ranks_,
                                     slots_);
}

TileLists Frame::lists(const GaussianArrays* gaussians) const {
    return {splats_.data(),
            tile_begin_.data(),
            ranks_.data(),
            slots_.data(),
            tiles_x_,
            tiles_y_,
            view_.width,
            view_.height,
            gaussians ? gaussians->features : nullptr,
            gaussians ? gaussians->feature_count : 0};
}

void Frame::blend(const GaussianArrays& gaussians, Images images, bool keep) {
    const int64_t tiles = static_cast<int64_t>(tiles_x_) * tiles_y_;
    if (keep) {
        images.transmittance = transmittance_.resize(tiles * kTilePixels);
        images.stop = stop_.resize(tiles * kTilePixels);
        images.tile_stop = tile_stop_.resize(tiles);
    }
    const TileLists tile_lists = lists(&gaussians);
    const Kernels& run = kernels();
    const size_t planes = (images.features ? gaussians.feature_count : 0) + (images.ids ? images.object_count : 0);
    parallel_for(tiles, team_for_tiles(tiles), 4, [&](int64_t tile) {
        thread_local Buffer<float> memory;
        run.blend_tile(tile_lists, images, static_cast<int>(tile), memory.resize(planes * kTilePixels));
    });
}

void Frame::backward(const GaussianArrays& gaussians, const ImageGradients& images, const GaussianGradients& out) {
    const int64_t tiles = static_cast<int64_t>(tiles_x_) * tiles_y_;
    const TileLists tile_lists = lists(&gaussians);
    Images forward{};
    forward.transmittance = transmittance_.data();
    forward.stop = stop_.data();
    forward.tile_stop = tile_stop_.data();
    auto work = Pool<Workspace>::take();
    float* slots = work->slots.resize(intersections_ * (kMoments + gaussians.feature_count));
    const Kernels& run = kernels();
    const size_t scratch = static_cast<size_t>(gaussians.feature_count) * (kTilePixels + run.lanes);
    parallel_for(tiles, team_for_tiles(tiles), 4, [&](int64_t tile) {
        thread_local Buffer<float> memory;
        run.backward_tile(tile_lists, forward, images, slots, static_cast<int>(tile), memory.resize(scratch));
    });
    // each chunk sums the gradients of the transforms apart, and the sums are added in order
    const int64_t chunks = (visible_ + kChunk - 1) / kChunk, row = out.transforms ? 16 * out.objects : 0;
    float* sums = work->transforms.resize(chunks * row);
    std::fill(sums, sums + chunks * row, 0.0f);
    parallel_for(chunks, team_for_gaussians(visible_), 1, [&](int64_t c) {
        run.project_backward(gaussians, view_, splats_.data(), slot_ends_.data(), slots, out,
                             out.transforms ? sums + c * row : nullptr, c * kChunk,
                             std::min(visible_, (c + 1) * kChunk));
    });
    for (int64_t c = 0; c < chunks; ++c)
        for (int64_t k = 0; k < row; ++k) out.transforms[k] += sums[c * row + k];
}

void Frame::accumulate(const float* maps, int channels, float* out) {
    const int64_t tiles = static_cast<int64_t>(tiles_x_) * tiles_y_;
    const TileLists tile_lists = lists(nullptr);
    auto work = Pool<Workspace>::take();
    const Kernels& run = kernels();
    for (int first = 0; first < channels; first += kMapsAtOnce) {
        const int now = std::min(kMapsAtOnce, channels - first);
        float* slots = work->slots.resize(intersections_ * now);
        parallel_for(tiles, team_for_tiles(tiles), 4, [&](int64_t tile) {
            thread_local Buffer<float> memory;
            run.accumulate_tile(tile_lists, maps, channels, first, now, slots, static_cast<int>(tile),
                                memory.resize(static_cast<size_t>(now) * (kTilePixels + run.lanes)));
        });
        parallel_for((visible_ + kChunk - 1) / kChunk, team_for_gaussians(visible_), 1, [&](int64_t c) {
            for (int64_t r = c * kChunk; r < std::min(visible_, (c + 1) * kChunk); ++r) {
                float* mine = out + static_cast<int64_t>(splats_[r].id) * channels + first;
                for (int64_t slot = splats_[r].first_slot; slot < slot_ends_[r]; ++slot)
                    for (int k = 0; k < now; ++k) mine[k] += slots[slot * now + k];
            }
        });
    }
}

void Frame::dominant(int32_t* out) {
    const TileLists tile_lists = lists(nullptr);
    const int64_t tiles = static_cast<int64_t>(tiles_x_) * tiles_y_;
    const Kernels& run = kernels();
    parallel_for(tiles, team_for_tiles(tiles), 4,
                 [&](int64_t tile) { run.dominant_tile(tile_lists, out, static_cast<int>(tile)); });
}

PairCount Frame::count() {
    const TileLists tile_lists = lists(nullptr);
    PairCount all{0, 0};
    for (int64_t tile = 0; tile < static_cast<int64_t>(tiles_x_) * tiles_y_; ++tile) {
        const PairCount one = kernels().count_tile(tile_lists, static_cast<int>(tile));
        all.weighed += one.weighed;
        all.drawn += one.drawn;
    }
    return all;
}

}  // namespace splats
