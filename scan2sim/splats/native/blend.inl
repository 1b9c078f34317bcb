// Blending the Gaussians of one tile, front to back (Kerbl et al. 2023), W pixels of a row at a time.

namespace splats::SPLATS_ISA {

struct TileArea {
    int x, y;            // first pixel
    int columns, rows;   // inside the image
    int32_t begin, end;  // of its list
};

static inline TileArea tile_area(const TileLists& lists, int tile) {
    TileArea t;
    t.x = tile % lists.tiles_x * kTile;
    t.y = tile / lists.tiles_x * kTile;
    t.columns = lists.width - t.x < kTile ? lists.width - t.x : kTile;
    t.rows = lists.height - t.y < kTile ? lists.height - t.y : kTile;
    t.begin = lists.begin[tile];
    t.end = lists.begin[tile + 1];
    return t;
}

// The rows of a tile that a splat can touch, as bits.
static inline uint32_t splat_rows(const Splat& s, const TileArea& t) {
    const int low = s.y0 > t.y ? s.y0 - t.y : 0;
    const int high = s.y1 < t.y + kTile - 1 ? s.y1 - t.y : kTile - 1;
    return high < low ? 0u : (2u << high) - (1u << low);
}

// The groups of W columns that a splat can touch: first, last.
static inline void splat_groups(const Splat& s, const TileArea& t, int* first, int* last) {
    const int low = s.x0 > t.x ? s.x0 - t.x : 0;
    const int high = s.x1 < t.x + kTile - 1 ? s.x1 - t.x : kTile - 1;
    *first = low / W;
    *last = high / W;
}

// log2(alpha) of W pixels in a row, given their dx; not below -16, which is never drawn and would make 2^x underflow,
// slowly.
struct RowExponent {
    F l00, base, offset;
    RowExponent(const Splat& s, float dy) {
        const float v = s.l11 * dy;
        l00 = set1(s.l00);
        base = set1(s.l2o - v * v);
        offset = set1(s.l10 * dy);
    }
    F at(F dx) const {
        const F u = fma(l00, dx, offset);
        return max(fnma(u, u, base), set1(-16.0f));
    }
};

// Fetches the splat that is some steps away in the list; the list may end before.
static inline void prefetch_splat(const TileLists& lists, const TileArea& t, int32_t i) {
    if (i >= t.begin && i < t.end) __builtin_prefetch(lists.splats + lists.ranks[i]);
}

static inline void pixel_offsets(const Splat& s, const TileArea& t, F* dx) {
    alignas(64) static constexpr float centre[kTile] = {0.5f, 1.5f, 2.5f,  3.5f,  4.5f,  5.5f,  6.5f,  7.5f,
                                                        8.5f, 9.5f, 10.5f, 11.5f, 12.5f, 13.5f, 14.5f, 15.5f};
    const F shift = set1(static_cast<float>(t.x) - s.x);
    for (int j = 0; j < kTile / W; ++j) dx[j] = load(centre + j * W) + shift;
}

// Transmittance and the threshold of every pixel of a tile; a full pixel has the threshold +∞.
struct TilePixels {
    alignas(64) float T[kTilePixels];
    alignas(64) float threshold[kTilePixels];
    uint32_t rows;  // those with pixels that are not full

    explicit TilePixels(const TileArea& t) {
        for (int y = 0; y < kTile; ++y)
            for (int x = 0; x < kTile; ++x) {
                T[y * kTile + x] = 1.0f;
                threshold[y * kTile + x] = x < t.columns && y < t.rows ? -kLog2Of255 : __builtin_inff();
            }
        rows = (1u << t.rows) - 1u;
    }
    bool row_full(int y) const {
        for (int x = 0; x < kTile; x += W)
            if (any(lt(load(threshold + y * kTile + x), set1(1.0f)))) return false;
        return true;
    }
};

// Calls visit(i, splat, pixel offset in the tile, weights, T before, T after, mask) for every group of W pixels where
// something is drawn, before(i, splat) and after(i, splat) around those of one Gaussian, and
// full(i, offset, mask) where pixels become full. Returns where the list was left.
template <class Before, class Visit, class After, class Full>
static inline int32_t walk_tile(const TileLists& lists, const TileArea& t, TilePixels& pixels, Before&& before,
                                Visit&& visit, After&& after, Full&& full) {
    const F max_alpha = set1(kMaxAlpha), least = set1(kMinTransmittance);
    int32_t i = t.begin;
    for (; i < t.end && pixels.rows; ++i) {
        prefetch_splat(lists, t, i + 8);
        const Splat& s = lists.splats[lists.ranks[i]];
        uint32_t rows = splat_rows(s, t) & pixels.rows;
        if (!rows) continue;
        F dx[kTile / W];
        pixel_offsets(s, t, dx);
        int first, last;
        splat_groups(s, t, &first, &last);
        before(i, s);
        bool drawn = false;
        for (; rows; rows &= rows - 1) {
            const int y = __builtin_ctz(rows);
            const RowExponent exponent(s, static_cast<float>(t.y + y) + 0.5f - s.y);
            for (int j = first; j <= last; ++j) {
                const int offset = y * kTile + j * W;
                const F power = exponent.at(dx[j]);
                M hit = le(load(pixels.threshold + offset), power);
                if (!any(hit)) continue;
                const F alpha = min(exp2(power), max_alpha);
                const F T = load(pixels.T + offset);
                const F next = fnma(T, alpha, T);
                const M stops = both(hit, le(next, least));
                if (any(stops)) {
                    store_where(pixels.threshold + offset, stops, set1(__builtin_inff()));
                    full(i, offset, stops);
                    hit = first_not_second(hit, stops);
                    if (pixels.row_full(y)) pixels.rows &= ~(1u << y);
                    if (!any(hit)) continue;
                }
                const F after_T = select(hit, next, T);
                store(pixels.T + offset, after_T);
                drawn = true;
                visit(i, s, offset, masked(hit, alpha * T), T, after_T, hit);
            }
        }
        if (drawn) after(i, s);
    }
    return i;
}

template <bool FEATURES>
static void blend_tile_into(const TileLists& lists, const Images& out, int tile, float* scratch) {
    const TileArea t = tile_area(lists, tile);
    TilePixels pixels(t);
    alignas(64) float red[kTilePixels] = {}, green[kTilePixels] = {}, blue[kTilePixels] = {}, depth[kTilePixels] = {};
    alignas(64) float median[kTilePixels] = {};
    alignas(64) int32_t stop[kTilePixels];
    for (int p = 0; p < kTilePixels; ++p) stop[p] = t.end;
    const int channels = FEATURES ? lists.feature_count : 0;
    for (int k = 0; k < channels * kTilePixels; ++k) scratch[k] = 0.0f;

    const F half = set1(0.5f);
    F r, g, b, z;
    const float* feature = nullptr;
    const int32_t left = walk_tile(
        lists, t, pixels,
        [&](int32_t, const Splat& s) {
            r = set1(s.r), g = set1(s.g), b = set1(s.b), z = set1(s.z);
            if (FEATURES) feature = lists.features + static_cast<int64_t>(s.id) * channels;
        },
        [&](int32_t, const Splat&, int o, F w, F T, F next, M) {
            store(red + o, fma(w, r, load(red + o)));
            store(green + o, fma(w, g, load(green + o)));
            store(blue + o, fma(w, b, load(blue + o)));
            store(depth + o, fma(w, z, load(depth + o)));
            const M crosses = both(lt(next, half), le(half, T));
            if (any(crosses)) store_where(median + o, crosses, z);
            if (FEATURES)
                for (int k = 0; k < channels; ++k) {
                    float* sum = scratch + k * kTilePixels + o;
                    store(sum, fma(w, set1(feature[k]), load(sum)));
                }
        },
        [](int32_t, const Splat&) {}, [&](int32_t i, int o, M mask) { storei_where(stop + o, mask, set1i(i)); });
    if (out.tile_stop) out.tile_stop[tile] = left;

    for (int y = 0; y < t.rows; ++y)
        for (int x = 0; x < t.columns; ++x) {
            const int p = y * kTile + x;
            const int64_t pixel = static_cast<int64_t>(t.y + y) * lists.width + t.x + x;
            const float alpha = 1.0f - pixels.T[p];
            out.colors[3 * pixel] = red[p];
            out.colors[3 * pixel + 1] = green[p];
            out.colors[3 * pixel + 2] = blue[p];
            out.alphas[pixel] = alpha;
            out.depths[pixel] = alpha > 0.0f ? depth[p] / alpha : 0.0f;
            out.median_depths[pixel] = median[p];
            if (out.transmittance) out.transmittance[pixel] = pixels.T[p];
            if (out.stop) out.stop[pixel] = stop[p];
            if (FEATURES)
                for (int k = 0; k < channels; ++k) out.features[pixel * channels + k] = scratch[k * kTilePixels + p];
        }
}

static void blend_tile(const TileLists& lists, const Images& out, int tile, float* scratch) {
    if (out.features)
        blend_tile_into<true>(lists, out, tile, scratch);
    else
        blend_tile_into<false>(lists, out, tile, scratch);
}

// Index of the Gaussian with the largest weight of each pixel, -1 where there is none.
static void dominant_tile(const TileLists& lists, int32_t* out, int tile) {
    const TileArea t = tile_area(lists, tile);
    TilePixels pixels(t);
    alignas(64) float largest[kTilePixels] = {};
    alignas(64) int32_t index[kTilePixels];
    for (int p = 0; p < kTilePixels; ++p) index[p] = -1;
    walk_tile(
        lists, t, pixels, [](int32_t, const Splat&) {},
        [&](int32_t, const Splat& s, int o, F w, F, F, M) {
            const M larger = lt(load(largest + o), w);
            store_where(largest + o, larger, w);
            storei_where(index + o, larger, set1i(s.id));
        },
        [](int32_t, const Splat&) {}, [](int32_t, int, M) {});
    for (int y = 0; y < t.rows; ++y)
        for (int x = 0; x < t.columns; ++x)
            out[static_cast<int64_t>(t.y + y) * lists.width + t.x + x] = index[y * kTile + x];
}

// For every intersection: the sum over pixels of weight × map, `channels` of the `total` of maps from `first`.
// slots: (intersections, channels). scratch holds channels × (kTilePixels + W).
static void accumulate_tile(const TileLists& lists, const float* maps, int total, int first, int channels, float* slots,
                            int tile, float* scratch) {
    const TileArea t = tile_area(lists, tile);
    TilePixels pixels(t);
    float* sums = scratch + channels * kTilePixels;
    for (int k = 0; k < channels; ++k)
        for (int y = 0; y < kTile; ++y)
            for (int x = 0; x < kTile; ++x) {
                const bool inside = x < t.columns && y < t.rows;
                const int64_t pixel = static_cast<int64_t>(t.y + y) * lists.width + t.x + x;
                scratch[k * kTilePixels + y * kTile + x] = inside ? maps[pixel * total + first + k] : 0.0f;
            }
    for (int32_t i = t.begin; i < t.end; ++i)
        for (int k = 0; k < channels; ++k) slots[static_cast<int64_t>(lists.slots[i]) * channels + k] = 0.0f;
    walk_tile(
        lists, t, pixels,
        [&](int32_t, const Splat&) {
            for (int k = 0; k < channels * W; ++k) sums[k] = 0.0f;
        },
        [&](int32_t, const Splat&, int o, F w, F, F, M) {
            for (int k = 0; k < channels; ++k)
                store(sums + k * W, fma(w, load(scratch + k * kTilePixels + o), load(sums + k * W)));
        },
        [&](int32_t i, const Splat&) {
            for (int k = 0; k < channels; ++k)
                slots[static_cast<int64_t>(lists.slots[i]) * channels + k] = sum(load(sums + k * W));
        },
        [](int32_t, int, M) {});
}

}  // namespace splats::SPLATS_ISA
