#include "still_views.h"

#include <algorithm>

namespace splats {

namespace {

constexpr size_t kGroups = 16;  // of cameras that see alike; with more it is not worth the memory

bool alike(const View& a, const View& b) {
    return std::equal(a.transforms, a.transforms + 16, b.transforms) && a.fx == b.fx && a.fy == b.fy && a.cx == b.cx &&
           a.cy == b.cy;
}

}  // namespace

StillViews::StillViews(const GaussianArrays& gaussians, const std::vector<View>& views) : shared_(views.size(), -1) {
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
        place[k] = static_cast<int>(splats_.size());
        splats_.push_back(std::make_unique<DepthSorted>());
        const Chosen chosen{still.data(), static_cast<int64_t>(still.size())};
        splats_.back()->project(gaussians, views[firsts[k]], chosen, nullptr, nullptr);
    }
    for (size_t c = 0; c < views.size(); ++c) shared_[c] = place[group[c]];
}

}  // namespace splats
