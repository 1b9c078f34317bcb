#include "adam.h"

#include <algorithm>

#include "dispatch.h"
#include "memory.h"

namespace splats {

void adam_step(const AdamMatrices& m, const bool* chosen, const AdamRates& rates) {
    constexpr int64_t kRows = 1024;
    const Kernels& run = kernels();
    const bool whole = m.columns == m.width;
    const auto step = [&](int64_t row, int64_t rows) {
        const int64_t at = row * m.width + m.first_column, count = whole ? rows * m.width : m.columns;
        for (int64_t r = 0; r < (whole ? 1 : rows); ++r) {
            const int64_t o = at + r * m.width;
            run.adam_range(m.values + o, m.gradients + o, m.first + o, m.second + o, count, rates);
        }
    };
    parallel_for((m.rows + kRows - 1) / kRows, m.rows >= 4 * kRows ? threads() : 1, 1, [&](int64_t c) {
        const int64_t end = std::min(m.rows, (c + 1) * kRows);
        if (!chosen) {
            step(c * kRows, end - c * kRows);
            return;
        }
        for (int64_t row = c * kRows; row < end;) {  // runs of chosen rows
            int64_t last = row;
            while (last < end && chosen[last]) ++last;
            if (last > row) step(row, last - row);
            row = last + 1;
        }
    });
}

}  // namespace splats
