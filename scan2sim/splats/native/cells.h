// Where moving splats can change a picture: squares of 4×4 pixels that their boxes touch.
#pragma once
#include <cstdint>

#include "memory.h"
#include "types.h"

namespace splats {

// First and last column and row of the cells that a splat touches.
struct CellBox {
    uint16_t x0, x1, y0, y1;

    explicit CellBox(const Splat& s)
        : x0(static_cast<uint16_t>(s.x0 / kCell)),
          x1(static_cast<uint16_t>(s.x1 / kCell)),
          y0(static_cast<uint16_t>(s.y0 / kCell)),
          y1(static_cast<uint16_t>(s.y1 / kCell)) {}
};

class Cells {
public:
    // Marks the cells of an image that the splats touch.
    void mark(const Splat* splats, int64_t count, int tiles_x, int tiles_y);
    // Whether a marked cell lies in the box.
    bool touched(const CellBox& box) const {
        const int32_t *above = sums_.data() + box.y0 * stride_, *last = sums_.data() + (box.y1 + 1) * stride_;
        return last[box.x1 + 1] - last[box.x0] - above[box.x1 + 1] + above[box.x0] > 0;
    }
    // (tiles,) the marked cells of each tile, 4 bits a row.
    const uint16_t* of_tiles() const { return tiles_.data(); }

private:
    int stride_ = 0;
    Buffer<int32_t> sums_;  // (rows + 1, columns + 1) marked cells above and to the left (Crow 1984)
    Buffer<uint16_t> tiles_;
};

}  // namespace splats
