// Blending the Gaussians of one tile, front to back (Kerbl et al. 2023), a block of W pixels at a time.
//
// Splats are a few pixels wide: blocks of 4 columns and W / 4 rows waste fewer lanes on them than rows of W pixels.
// Within a tile, pixels are kept block by block.

namespace splats::SPLATS_ISA {

constexpr int kBlockColumns = 4, kBlockRows = W / 4;
constexpr int kBlocksAcross = kTile / kBlockColumns;  // 4, so that a row of blocks is 4 bits of a mask
constexpr int kBlocks = kTilePixels / W;
static_assert(kBlocksAcross == 4 && kBlocks <= 64 && kCell == kBlockColumns && kCell % kBlockRows == 0);

// Place among the tile's pixels of the one at a column and row within it.
static inline int place_of(int column, int row) {
    return (row / kBlockRows * kBlocksAcross + column / kBlockColumns) * W + row % kBlockRows * kBlockColumns +
           column % kBlockColumns;
}

struct TileArea {
    int x, y;            // first pixel
    int columns, rows;   // inside the image
    int width;           // of the image
    int32_t begin, end;  // of its list

    // Calls work(place among the tile's pixels, index in the image) for every pixel inside the image, by rows.
    template <class Work>
    void each_pixel(Work&& work) const {
        for (int row = 0; row < rows; ++row) {
            const int64_t first = static_cast<int64_t>(y + row) * width + x;
            for (int column = 0; column < columns; ++column) work(place_of(column, row), first + column);
        }
    }
};

static inline TileArea tile_area(const TileLists& lists, int tile) {
    TileArea t;
    t.x = tile % lists.tiles_x * kTile;
    t.y = tile / lists.tiles_x * kTile;
    t.columns = lists.width - t.x < kTile ? lists.width - t.x : kTile;
    t.rows = lists.height - t.y < kTile ? lists.height - t.y : kTile;
    t.width = lists.width;
    t.begin = lists.begin[tile];
    t.end = lists.begin[tile + 1];
    return t;
}

// Columns and rows of a tile in front of each block.
struct BlockOffsets {
    float x[kBlocks], y[kBlocks];
    constexpr BlockOffsets() : x(), y() {
        for (int block = 0; block < kBlocks; ++block) {
            x[block] = static_cast<float>(block % kBlocksAcross * kBlockColumns);
            y[block] = static_cast<float>(block / kBlocksAcross * kBlockRows);
        }
    }
};
static constexpr BlockOffsets kBlockOffsets;

// The blocks of a tile that are blended, as bits.
static inline uint64_t open_blocks(const TileLists& lists, int tile) {
    if (!lists.open) return ~0ull;
    constexpr int kRowsOfBlocks = kCell / kBlockRows;  // in a row of cells
    uint64_t blocks = 0;
    for (int row = 0; row < kTile / kBlockRows; ++row)
        blocks |= static_cast<uint64_t>(lists.open[tile] >> 4 * (row / kRowsOfBlocks) & 15) << 4 * row;
    return blocks;
}

// The blocks of a tile that a splat's box touches, as bits.
static inline uint64_t splat_blocks(const Splat& s, const TileArea& t) {
    const int x0 = s.x0 > t.x ? s.x0 - t.x : 0, x1 = s.x1 < t.x + kTile - 1 ? s.x1 - t.x : kTile - 1;
    const int y0 = s.y0 > t.y ? s.y0 - t.y : 0, y1 = s.y1 < t.y + kTile - 1 ? s.y1 - t.y : kTile - 1;
    if (x1 < x0 || y1 < y0) return 0;
    const uint64_t columns = (2ull << x1 / kBlockColumns) - (1ull << x0 / kBlockColumns);
    const uint64_t rows = (16ull << 4 * (y1 / kBlockRows)) - (1ull << 4 * (y0 / kBlockRows));  // 16 << 60 is 0: all
    return columns * 0x1111111111111111ull & rows;
}

// One splat over the blocks of a tile: offsets from its mean and log2(alpha), not below -16, which is never drawn and
// would make 2^x underflow, slowly.
struct SplatOnTile {
    F left, top, l00, l10, l11, l2o;

    SplatOnTile(const Splat& s, const TileArea& t) {
        alignas(64) static constexpr float columns[16] = {0.5f, 1.5f, 2.5f, 3.5f, 0.5f, 1.5f, 2.5f, 3.5f,
                                                          0.5f, 1.5f, 2.5f, 3.5f, 0.5f, 1.5f, 2.5f, 3.5f};
        alignas(64) static constexpr float rows[16] = {0.5f, 0.5f, 0.5f, 0.5f, 1.5f, 1.5f, 1.5f, 1.5f,
                                                       2.5f, 2.5f, 2.5f, 2.5f, 3.5f, 3.5f, 3.5f, 3.5f};
        left = load(columns) + set1(static_cast<float>(t.x) - s.x);
        top = load(rows) + set1(static_cast<float>(t.y) - s.y);
        l00 = set1(s.l00), l10 = set1(s.l10), l11 = set1(s.l11), l2o = set1(s.l2o);
    }
    F dx(int block) const { return left + set1(kBlockOffsets.x[block]); }
    F dy(int block) const { return top + set1(kBlockOffsets.y[block]); }
    F power(F dx, F dy) const {
        const F u = fma(l00, dx, l10 * dy), v = l11 * dy;
        return max(fnma(u, u, fnma(v, v, l2o)), set1(-16.0f));
    }
};

// Fetches the splat that is some steps away in the list; the list may end before.
static inline void prefetch_splat(const TileLists& lists, const TileArea& t, int32_t i) {
    if (i >= t.begin && i < t.end) __builtin_prefetch(lists.splats + lists.ranks[i]);
}

// Some numbers for every pixel of a tile. Those of one block lie together: planes a multiple of 4 KiB apart would make
// loads wait for stores that have nothing to do with them.
template <int PLANES>
struct TilePlanes {
    alignas(64) float values[PLANES * kTilePixels];

    float* block(int plane, int offset) { return values + PLANES * offset + plane * W; }
    float& pixel(int plane, int p) { return values[(p / W * PLANES + plane) * W + p % W]; }
};

// Transmittance and the threshold of every pixel of a tile; a full pixel has the threshold +∞.
struct TilePixels {
    TilePlanes<2> planes;
    uint64_t blocks = 0;  // those with pixels that are not full

    TilePixels(const TileArea& t, uint64_t open) {
        for (int o = 0; o < kTilePixels; o += W) {
            store(T(o), set1(1.0f));
            store(threshold(o), set1(__builtin_inff()));
        }
        t.each_pixel([&](int p, int64_t) {
            planes.pixel(1, p) = -kLog2Of255;
            blocks |= 1ull << p / W;
        });
        blocks &= open;
    }
    float* T(int offset) { return planes.block(0, offset); }
    float* threshold(int offset) { return planes.block(1, offset); }
};

// Calls visit(i, splat, offset of the block's pixels, weights, T before, T after, mask) for every block where something
// is drawn, before(i, splat) and after(i, splat) around those of one Gaussian, and full(i, offset, mask) where pixels
// become full. Returns where the list was left.
template <class Before, class Visit, class After, class Full>
static inline int32_t walk_tile(const TileLists& lists, const TileArea& t, TilePixels& pixels, Before&& before,
                                Visit&& visit, After&& after, Full&& full) {
    const F max_alpha = set1(kMaxAlpha), least = set1(kMinTransmittance), infinite = set1(__builtin_inff());
    int32_t i = t.begin;
    for (; i < t.end && pixels.blocks; ++i) {
        prefetch_splat(lists, t, i + 8);
        const Splat& s = lists.splats[lists.ranks[i]];
        uint64_t blocks = splat_blocks(s, t) & pixels.blocks;
        if (!blocks) continue;
        const SplatOnTile splat(s, t);
        before(i, s);
        bool drawn = false;
        for (; blocks; blocks &= blocks - 1) {
            const int block = __builtin_ctzll(blocks), o = block * W;
            const F power = splat.power(splat.dx(block), splat.dy(block));
            M hit = le(load(pixels.threshold(o)), power);
            const F alpha = min(exp2(power), max_alpha);
            const F T = load(pixels.T(o));
            const F next = fnma(T, alpha, T);
            const M stops = both(hit, le(next, least));
            if (any(stops)) {
                const F threshold = select(stops, infinite, load(pixels.threshold(o)));
                store(pixels.threshold(o), threshold);
                full(i, o, stops);
                hit = first_not_second(hit, stops);
                if (!any(lt(threshold, infinite))) pixels.blocks &= ~(1ull << block);
                if (!any(hit)) continue;
            }
            const F after_T = select(hit, next, T);
            store(pixels.T(o), after_T);
            drawn = true;
            visit(i, s, o, masked(hit, alpha * T), T, after_T, hit);
        }
        if (drawn) after(i, s);
    }
    return i;
}

// Object of each pixel whose summed weight is largest and over 1/2, else 0. planes: (objects, kTilePixels).
static inline void write_ids(const TileArea& t, uint64_t open, const float* planes, int objects, int32_t* out) {
    t.each_pixel([&](int p, int64_t pixel) {
        if (!(open >> p / W & 1)) return;
        out[pixel] = 0;
        for (int k = 0; k < objects; ++k)
            if (planes[k * kTilePixels + p] > 0.5f) out[pixel] = k;
    });
}

// scratch holds (features + objects) × kTilePixels.
template <bool FEATURES, bool IDS>
static void blend_tile_into(const TileLists& lists, const Images& out, int tile, float* scratch) {
    const uint64_t open = open_blocks(lists, tile);
    if (!open) return;
    const TileArea t = tile_area(lists, tile);
    TilePixels pixels(t, open);
    TilePlanes<4> sums = {};  // red, green, blue, depth
    alignas(64) float median[kTilePixels] = {};
    alignas(64) int32_t stop[kTilePixels];
    for (int p = 0; p < kTilePixels; ++p) stop[p] = t.end;
    const int channels = FEATURES ? lists.feature_count : 0, objects = IDS ? out.object_count : 0;
    float* planes = scratch + channels * kTilePixels;
    for (int k = 0; k < (channels + objects) * kTilePixels; ++k) scratch[k] = 0.0f;

    const F half = set1(0.5f);
    F r, g, b, z;
    const float* feature = nullptr;
    float* plane = nullptr;
    const int32_t left = walk_tile(
        lists, t, pixels,
        [&](int32_t, const Splat& s) {
            r = set1(s.r), g = set1(s.g), b = set1(s.b), z = set1(s.z);
            if (FEATURES) feature = lists.features + static_cast<int64_t>(s.id) * channels;
            if (IDS) plane = planes + out.object[s.id] * kTilePixels;
        },
        [&](int32_t, const Splat&, int o, F w, F T, F next, M) {
            float* at = sums.block(0, o);
            store(at, fma(w, r, load(at)));
            store(at + W, fma(w, g, load(at + W)));
            store(at + 2 * W, fma(w, b, load(at + 2 * W)));
            store(at + 3 * W, fma(w, z, load(at + 3 * W)));
            const M crosses = both(lt(next, half), le(half, T));
            if (any(crosses)) store_where(median + o, crosses, z);
            if (FEATURES)
                for (int k = 0; k < channels; ++k) {
                    float* sum = scratch + k * kTilePixels + o;
                    store(sum, fma(w, set1(feature[k]), load(sum)));
                }
            if (IDS) store(plane + o, load(plane + o) + w);
        },
        [](int32_t, const Splat&) {}, [&](int32_t i, int o, M mask) { storei_where(stop + o, mask, set1i(i)); });

    if (out.stop) {
        const int64_t first = static_cast<int64_t>(tile) * kTilePixels;
        out.tile_stop[tile] = left;
        for (int p = 0; p < kTilePixels; ++p) {
            out.transmittance[first + p] = pixels.planes.pixel(0, p);
            out.stop[first + p] = t.begin;
        }
        t.each_pixel([&](int p, int64_t) { out.stop[first + p] = stop[p]; });
    }
    t.each_pixel([&](int p, int64_t pixel) {
        if (!(open >> p / W & 1)) return;
        const float alpha = 1.0f - pixels.planes.pixel(0, p);
        for (int c = 0; c < 3; ++c) out.colors[3 * pixel + c] = sums.pixel(c, p);
        out.alphas[pixel] = alpha;
        out.depths[pixel] = alpha > 0.0f ? sums.pixel(3, p) / alpha : 0.0f;
        out.median_depths[pixel] = median[p];
        if (FEATURES)
            for (int k = 0; k < channels; ++k) out.features[pixel * channels + k] = scratch[k * kTilePixels + p];
    });
    if (IDS) write_ids(t, open, planes, objects, out.ids);
}

static void blend_tile(const TileLists& lists, const Images& out, int tile, float* scratch) {
    if (out.features)
        out.ids ? blend_tile_into<true, true>(lists, out, tile, scratch)
                : blend_tile_into<true, false>(lists, out, tile, scratch);
    else
        out.ids ? blend_tile_into<false, true>(lists, out, tile, scratch)
                : blend_tile_into<false, false>(lists, out, tile, scratch);
}

// Index of the Gaussian with the largest weight of each pixel, -1 where there is none.
static void dominant_tile(const TileLists& lists, int32_t* out, int tile) {
    const TileArea t = tile_area(lists, tile);
    TilePixels pixels(t, ~0ull);
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
    t.each_pixel([&](int p, int64_t pixel) { out[pixel] = index[p]; });
}

// For every intersection: the sum over pixels of weight × map, `channels` of the `total` of maps from `first`.
// slots: (intersections, channels). scratch holds channels × (kTilePixels + W).
static void accumulate_tile(const TileLists& lists, const float* maps, int total, int first, int channels, float* slots,
                            int tile, float* scratch) {
    const TileArea t = tile_area(lists, tile);
    TilePixels pixels(t, ~0ull);
    float* sums = scratch + channels * kTilePixels;
    for (int k = 0; k < channels * kTilePixels; ++k) scratch[k] = 0.0f;
    t.each_pixel([&](int p, int64_t pixel) {
        for (int k = 0; k < channels; ++k) scratch[k * kTilePixels + p] = maps[pixel * total + first + k];
    });
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

// How many pairs of a Gaussian and a pixel of the image are weighed, and how many of them are drawn.
static PairCount count_tile(const TileLists& lists, int tile) {
    const TileArea t = tile_area(lists, tile);
    TilePixels pixels(t, ~0ull);
    alignas(64) float drawn[W] = {};
    PairCount count{0, 0};
    int inside[kBlocks] = {};  // pixels of each block that lie in the image
    t.each_pixel([&](int p, int64_t) { ++inside[p / W]; });
    // what is weighed is counted from the blocks that stay open; walk_tile closes them
    int32_t i = t.begin;
    for (; i < t.end && pixels.blocks; ++i) {
        TileArea one = t;
        one.begin = i;
        one.end = i + 1;
        for (uint64_t b = splat_blocks(lists.splats[lists.ranks[i]], t) & pixels.blocks; b; b &= b - 1)
            count.weighed += inside[__builtin_ctzll(b)];
        walk_tile(
            lists, one, pixels, [](int32_t, const Splat&) {},
            [&](int32_t, const Splat&, int, F, F, F, M hit) { store(drawn, load(drawn) + masked(hit, set1(1.0f))); },
            [](int32_t, const Splat&) {}, [](int32_t, int, M) {});
    }
    for (int k = 0; k < W; ++k) count.drawn += static_cast<int64_t>(drawn[k]);
    return count;
}

}  // namespace splats::SPLATS_ISA
