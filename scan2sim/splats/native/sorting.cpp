#include "sorting.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

namespace splats {

void sort_by_depth(uint64_t* keys, uint64_t* swap, int64_t count, int threads, Buffer<int64_t>& counts) {
    constexpr int kBits = 11, kBuckets = 1 << kBits, kPasses = 3;
    constexpr int64_t kPart = 32768;  // keys worth a thread of their own
    const int parts = static_cast<int>(std::clamp<int64_t>(count / kPart, 1, threads));
    const auto begin = [&](int64_t part) { return count * part / parts; };
    int64_t* all = counts.resize(static_cast<size_t>(parts) * kBuckets);
    uint64_t *from = keys, *to = swap;
    for (int pass = 0; pass < kPasses; ++pass) {
        const int shift = 32 + pass * kBits;
        parallel_for(parts, parts, 1, [&](int64_t part) {
            int64_t* mine = all + part * kBuckets;
            std::fill(mine, mine + kBuckets, 0);
            for (int64_t i = begin(part); i < begin(part + 1); ++i) ++mine[from[i] >> shift & (kBuckets - 1)];
        });
        int64_t sum = 0;
        bool same_digit = false;
        for (int b = 0; b < kBuckets; ++b) {
            const int64_t before = sum;
            for (int part = 0; part < parts; ++part) sum += std::exchange(all[part * kBuckets + b], sum);
            same_digit |= sum - before == count;
        }
        if (same_digit) continue;
        parallel_for(parts, parts, 1, [&](int64_t part) {
            int64_t* mine = all + part * kBuckets;
            for (int64_t i = begin(part); i < begin(part + 1); ++i) to[mine[from[i] >> shift & (kBuckets - 1)]++] = from[i];
        });
        std::swap(from, to);
    }
    if (from != keys) std::copy(from, from + count, keys);
}

namespace {

// The ellipse q(d) = (l00 dx + l10 dy)² + (l11 dy)² ≤ reach.
struct Ellipse {
    float x, y, l00, l10, l11, reach, height, turn, slack;

    explicit Ellipse(const Splat& s) : x(s.x), y(s.y), l00(s.l00), l10(s.l10), l11(s.l11) {
        reach = std::max(0.0f, s.l2o + kLog2Of255) * 1.0002f + 1e-3f;
        height = std::sqrt(reach) / l11;
        // the rightmost point stands at dy = -turn, the leftmost at +turn
        turn = height * l10 / std::sqrt(l10 * l10 + l11 * l11);
        slack = 0.02f + 1e-6f * std::abs(x);
    }
    // Smallest and largest x where low ≤ dy ≤ high; false if the ellipse is not there.
    bool extent(float low, float high, float* left, float* right) const {
        low = std::max(low, -height);
        high = std::min(high, height);
        if (low > high) return false;
        const float at_right = std::clamp(-turn, low, high), at_left = std::clamp(turn, low, high);
        const float v_right = l11 * at_right, v_left = l11 * at_left;
        *right = x + (std::sqrt(std::max(0.0f, reach - v_right * v_right)) - l10 * at_right) / l00 + slack;
        *left = x - (std::sqrt(std::max(0.0f, reach - v_left * v_left)) + l10 * at_left) / l00 - slack;
        return true;
    }
};

// The tile columns that a splat touches in each row of tiles from first_row; an empty span has last < first.
void tile_spans(const Splat& s, std::vector<Span>& spans) {
    const int first_row = s.y0 / kTile, last_row = s.y1 / kTile, first = s.x0 / kTile, last = s.x1 / kTile;
    if (first == last || (first_row == last_row && last - first < 2)) {
        for (int row = first_row; row <= last_row; ++row)
            spans.push_back({static_cast<uint16_t>(first), static_cast<uint16_t>(last)});
        return;
    }
    const Ellipse ellipse(s);
    for (int row = first_row; row <= last_row; ++row) {
        const float top = static_cast<float>(row * kTile) + 0.5f - s.y - 0.02f;
        float left, right;
        Span span{1, 0};
        if (ellipse.extent(top, top + kTile - 1 + 0.04f, &left, &right)) {
            // pixel centres between left and right, within the splat's columns
            const float low = std::clamp(left - 0.5f, static_cast<float>(s.x0), static_cast<float>(s.x1) + 1);
            const float high = std::clamp(right - 0.5f, static_cast<float>(s.x0) - 1, static_cast<float>(s.x1));
            const int c0 = static_cast<int>(std::ceil(low)), c1 = static_cast<int>(std::floor(high));
            if (c0 <= c1) span = {static_cast<uint16_t>(c0 / kTile), static_cast<uint16_t>(c1 / kTile)};
        }
        spans.push_back(span);
    }
}

}  // namespace

int64_t sort_into_tiles(const TileSort& input, int threads, std::vector<TilePart>& parts, Buffer<int32_t>& slot_ends,
                        Buffer<int32_t>& tile_begin, Buffer<int32_t>& ranks, Buffer<int32_t>& slots) {
    // Each part holds consecutive ranks and knows where its entries of every tile begin: the order is that of the
    // ranks whatever the number of parts.
    const int count = static_cast<int>(std::clamp<int64_t>(input.count / 512, 1, threads));
    const int64_t tiles = static_cast<int64_t>(input.tiles_x) * input.tiles_y;
    if (static_cast<int>(parts.size()) < count) parts.resize(count);
    const auto part_begin = [&](int64_t part) { return input.count * part / count; };
    int32_t* ends = slot_ends.resize(input.count);

    parallel_for(count, threads, 1, [&](int64_t index) {
        TilePart& part = parts[index];
        part.cursors.assign(tiles, 0);
        part.spans.clear();
        part.intersections = 0;
        for (int64_t r = part_begin(index); r < part_begin(index + 1); ++r) {
            const Splat& s = input.splats[r];
            const size_t before = part.spans.size();
            tile_spans(s, part.spans);
            int64_t row = static_cast<int64_t>(s.y0 / kTile) * input.tiles_x;
            for (size_t k = before; k < part.spans.size(); ++k, row += input.tiles_x)
                for (int column = part.spans[k].first; column <= part.spans[k].last; ++column) {
                    ++part.cursors[row + column];
                    ++part.intersections;
                }
        }
    });

    int64_t intersections = 0;
    for (int k = 0; k < count; ++k)
        parts[k].intersections = std::exchange(intersections, intersections + parts[k].intersections);
    if (intersections > std::numeric_limits<int32_t>::max())
        throw std::length_error("the Gaussians cover too many tiles; use fewer or smaller ones, or a smaller image");
    int32_t* begin = tile_begin.resize(tiles + 1);
    int32_t sum = 0;
    for (int64_t tile = 0; tile < tiles; ++tile) {
        begin[tile] = sum;
        for (int k = 0; k < count; ++k) sum += std::exchange(parts[k].cursors[tile], sum);
    }
    begin[tiles] = sum;

    int32_t* rank_of = ranks.resize(intersections);
    int32_t* slot_of = slots.resize(intersections);
    parallel_for(count, threads, 1, [&](int64_t index) {
        TilePart& part = parts[index];
        const Span* span = part.spans.data();
        int32_t slot = static_cast<int32_t>(part.intersections);
        for (int64_t r = part_begin(index); r < part_begin(index + 1); ++r) {
            Splat& s = input.splats[r];
            s.first_slot = slot;
            int64_t row = static_cast<int64_t>(s.y0 / kTile) * input.tiles_x;
            for (int y = s.y0 / kTile; y <= s.y1 / kTile; ++y, ++span, row += input.tiles_x)
                for (int column = span->first; column <= span->last; ++column) {
                    const int32_t position = part.cursors[row + column]++;
                    rank_of[position] = static_cast<int32_t>(r);
                    slot_of[position] = slot++;
                }
            ends[r] = slot;
        }
    });
    return intersections;
}

}  // namespace splats
