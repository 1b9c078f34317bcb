#include "cells.h"

#include <algorithm>

namespace splats {

void Cells::mark(const Splat* splats, int64_t count, int tiles_x, int tiles_y) {
    constexpr int kAcross = kTile / kCell;
    const int columns = tiles_x * kAcross, rows = tiles_y * kAcross;
    stride_ = columns + 1;
    const int64_t size = static_cast<int64_t>(stride_) * (rows + 1);
    int32_t* sums = sums_.resize(size);
    std::fill(sums, sums + size, 0);
    // ±1 at the corners of each box; summed once they are the boxes over each cell, of which those over none stay 0
    for (int64_t i = 0; i < count; ++i) {
        const CellBox box(splats[i]);
        int32_t *top = sums + box.y0 * stride_, *below = sums + (box.y1 + 1) * stride_;
        ++top[box.x0], --top[box.x1 + 1], --below[box.x0], ++below[box.x1 + 1];
    }
    const auto sum = [&] {
        for (int y = 0; y <= rows; ++y)
            for (int x = 0; x <= columns; ++x) {
                int32_t* at = sums + y * stride_ + x;
                *at += (x ? at[-1] : 0) + (y ? at[-stride_] : 0) - (x && y ? at[-stride_ - 1] : 0);
            }
    };
    sum();
    uint16_t* tiles = tiles_.resize(static_cast<int64_t>(tiles_x) * tiles_y);
    std::fill(tiles, tiles + static_cast<int64_t>(tiles_x) * tiles_y, uint16_t{0});
    for (int y = rows; y-- > 0;)
        for (int x = columns; x-- > 0;) {
            const bool marked = sums[y * stride_ + x] > 0;
            sums[(y + 1) * stride_ + x + 1] = marked;
            if (marked)
                tiles[y / kAcross * tiles_x + x / kAcross] |=
                    static_cast<uint16_t>(1 << (y % kAcross * kAcross + x % kAcross));
        }
    std::fill(sums, sums + stride_, 0);
    for (int y = 0; y <= rows; ++y) sums[y * stride_] = 0;
    sum();
}

}  // namespace splats
