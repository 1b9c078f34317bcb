#include "frame.h"

#include <algorithm>
#include "dispatch.h"

namespace splats {

namespace {

// What one camera needs for a moment.
struct Workspace {
    Buffer<float> slots;       // gradients per intersection
    Buffer<float> transforms;  // gradients per chunk
    std::vector<TilePart> tiles;
};

constexpr int kMapsAtOnce = 16;

// Threads worth waking up for so much work.
int team_for_tiles(int64_t count) { return count >= 32 ? threads() : 1; }

int tiles_across(int pixels) { return (pixels + kTile - 1) / kTile; }

}  // namespace

void Frame::project(const GaussianArrays& gaussians, const View& view, float* means2d, float* radii) {
    sorted_.project(gaussians, view, {nullptr, gaussians.count}, means2d, radii);
    all_ = true;
    list(view);
}

void Frame::project(const GaussianArrays& gaussians, const View& view, const StillView& still, Chosen moving) {
    moving_.project(gaussians, view, moving, nullptr, nullptr);
    all_ = !still.picture.colors;
    if (!all_) changed_.mark(moving_.splats(), moving_.count(), tiles_across(view.width), tiles_across(view.height));
    int32_t* needed = needed_.resize(still.boxes.size());
    int64_t count = 0;
    for (size_t rank = 0; rank < still.boxes.size(); ++rank) {
        needed[count] = static_cast<int32_t>(rank);
        count += all_ || changed_.touched(still.boxes[rank]);
    }
    sorted_.merge(still.splats, needed, count, moving_);
    list(view);
}

void Frame::list(const View& view) {
    view_ = view;
    tiles_x_ = tiles_across(view.width);
    tiles_y_ = tiles_across(view.height);
    auto work = Pool<Workspace>::take();
    const TileSort tiles{sorted_.splats(), sorted_.count(), tiles_x_, tiles_y_};
    const int team = team_for_gaussians(sorted_.count());
    intersections_ = sort_into_tiles(tiles, team, work->tiles, slot_ends_, tile_begin_, ranks_, slots_);
}

TileLists Frame::lists(const GaussianArrays* gaussians) const {
    return {sorted_.splats(),
            tile_begin_.data(),
            ranks_.data(),
            slots_.data(),
            tiles_x_,
            tiles_y_,
            view_.width,
            view_.height,
            gaussians ? gaussians->features : nullptr,
            gaussians ? gaussians->feature_count : 0,
            all_ ? nullptr : changed_.of_tiles()};
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
    const int64_t chunks = (sorted_.count() + kChunk - 1) / kChunk, row = out.transforms ? 16 * out.objects : 0;
    float* sums = work->transforms.resize(chunks * row);
    std::fill(sums, sums + chunks * row, 0.0f);
    parallel_for(chunks, team_for_gaussians(sorted_.count()), 1, [&](int64_t c) {
        run.project_backward(gaussians, view_, sorted_.splats(), slot_ends_.data(), slots, out,
                             out.transforms ? sums + c * row : nullptr, c * kChunk,
                             std::min(sorted_.count(), (c + 1) * kChunk));
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
        parallel_for((sorted_.count() + kChunk - 1) / kChunk, team_for_gaussians(sorted_.count()), 1, [&](int64_t c) {
            for (int64_t r = c * kChunk; r < std::min(sorted_.count(), (c + 1) * kChunk); ++r) {
                float* mine = out + static_cast<int64_t>(sorted_.splats()[r].id) * channels + first;
                for (int64_t slot = sorted_.splats()[r].first_slot; slot < slot_ends_[r]; ++slot)
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
