// Splats by depth, and into the tiles whose pixels they touch.
#pragma once
#include <cstdint>
#include <vector>

#include "memory.h"
#include "types.h"

namespace splats {

// Stable radix sort of depth (upper 32 bits) and index; `swap` has the same size. `counts` is scratch.
void sort_by_depth(uint64_t* keys, uint64_t* swap, int64_t count, int threads, Buffer<int64_t>& counts);

// The columns of tiles that a splat touches in a row of tiles.
struct Span {
    uint16_t first, last;
};

// Memory of one part of the splats while they are sorted into tiles.
struct TilePart {
    std::vector<int32_t> cursors;  // per tile
    std::vector<Span> spans;
    int64_t intersections;
};

struct TileSort {
    Splat* splats;  // by depth; first_slot is written
    int64_t count;
    int tiles_x, tiles_y;
};

// Lists for every tile the ranks of the splats that touch it, by depth. Returns the number of intersections.
// A tile is listed when the ellipse where alpha ≥ 1/255 reaches its rows and columns of pixel centres: for each row of
// tiles the exact horizontal extent of the ellipse there (Hanson et al. 2024, "Speedy-Splat", AccuTile).
int64_t sort_into_tiles(const TileSort& input, int threads, std::vector<TilePart>& parts, Buffer<int32_t>& slot_ends,
                        Buffer<int32_t>& tile_begin, Buffer<int32_t>& ranks, Buffer<int32_t>& slots);

}  // namespace splats
