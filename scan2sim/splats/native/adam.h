// Adam steps on some rows and columns of a matrix.
#pragma once
#include <cstdint>

#include "types.h"

namespace splats {

// Row-major matrices of the same shape, of which the columns first_column .. first_column + columns take part.
struct AdamMatrices {
    float* values;
    const float* gradients;
    float* first;   // moments
    float* second;
    int64_t rows;
    int64_t width;
    int64_t first_column, columns;
};

// One step on the rows that are chosen, all if `chosen` (rows,) is null.
void adam_step(const AdamMatrices& matrices, const bool* chosen, const AdamRates& rates);

}  // namespace splats
