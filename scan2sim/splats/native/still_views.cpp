#include "still_views.h"

#include <algorithm>

#include "frame.h"

namespace splats {

namespace {

constexpr size_t kGroups = 16;  // of cameras that see alike; with more it is not worth the memory

bool alike(const View& a, const View& b) {
    return std::equal(a.transforms, a.transforms + 16, b.transforms) && a.fx == b.fx && a.fy == b.fy && a.cx == b.cx &&
           a.cy == b.cy;
}

}  // namespace

void StillView::draw(const GaussianArrays& gaussians, const View& view, const Images& wanted) {
    const size_t count = static_cast<size_t>(view.width) * view.height;
    float* values = pixels.resize(6 * count);
    Images images = wanted;
    images.colors = values;
    images.alphas = values + 3 * count;
    images.depths = values + 4 * count;
    images.median_depths = values + 5 * count;
    images.ids = wanted.ids ? ids.resize(count) : nullptr;
    const auto frame = Pool<Frame>::take();
    frame->project(gaussians, view, *this, {nullptr, 0});
    frame->blend(gaussians, images, false);
    picture = images;
}

void StillView::copy_to(const Images& images, const View& view) const {
    const size_t count = static_cast<size_t>(view.width) * view.height;
    std::copy_n(picture.colors, 3 * count, images.colors);
    std::copy_n(picture.alphas, count, images.alphas);
    std::copy_n(picture.depths, count, images.depths);
    std::copy_n(picture.median_depths, count, images.median_depths);
    if (images.ids) std::copy_n(picture.ids, count, images.ids);
}

StillViews::StillViews(const GaussianArrays& gaussians, const std::vector<View>& views, const Images& wanted)
    : shared_(views.size(), -1) {
    if (!gaussians.object || views.size() < 2) return;
    std::vector<size_t> firsts;
    std::vector<int> counts, group(views.size());
    for (size_t c = 0; c < views.size(); ++c) {
        size_t k = 0;
        while (k < firsts.size() && !alike(views[firsts[k]], views[c])) ++k;
        if (k == firsts.size()) firsts.push_back(c), counts.push_back(0);
        ++counts[k];
        group[c] = static_cast<int>(k);
        if (firsts.size() > kGroups) return;
    }
    std::vector<int32_t> still;
    for (int64_t i = 0; i < gaussians.count; ++i)
        (gaussians.object[i] ? moving_ : still).push_back(static_cast<int32_t>(i));
    std::vector<int> place(firsts.size(), -1);
    for (size_t k = 0; k < firsts.size(); ++k) {
        if (counts[k] < 2) continue;
        place[k] = static_cast<int>(still_.size());
        still_.push_back(std::make_unique<StillView>());
        StillView& mine = *still_.back();
        const Chosen chosen{still.data(), static_cast<int64_t>(still.size())};
        mine.splats.project(gaussians, views[firsts[k]], chosen, nullptr, nullptr);
        mine.boxes.reserve(mine.splats.count());
        for (int64_t i = 0; i < mine.splats.count(); ++i) mine.boxes.emplace_back(mine.splats.splats()[i]);
        // features may be another for each camera
        if (!wanted.features) mine.draw(gaussians, views[firsts[k]], wanted);
    }
    for (size_t c = 0; c < views.size(); ++c) shared_[c] = place[group[c]];
}

}  // namespace splats
