#include "triangles.h"

#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "memory.h"

namespace splats {

namespace {

inline double cross(const double* a, const double* b) { return a[0] * b[1] - a[1] * b[0]; }

// The first and the last of `length` pixels whose centres are between two places.
inline void centres(double low, double high, int length, int& first, int& last) {
    first = static_cast<int>(std::clamp(std::ceil(low - 0.5), 0.0, static_cast<double>(length)));
    last = static_cast<int>(std::clamp(std::floor(high - 0.5), -1.0, static_cast<double>(length - 1)));
}

void draw_rows(const Triangles& all, int width, int height, int top, int bottom, int32_t* face, double* inverse) {
    for (int64_t f = 0; f < all.count; ++f) {
        const double *corner[3], *z = all.depths;
        const int32_t* index = all.faces + 3 * f;
        for (int i = 0; i < 3; ++i) corner[i] = all.pixels + 2 * static_cast<int64_t>(index[i]);
        if (!(z[index[0]] > all.nearest && z[index[1]] > all.nearest && z[index[2]] > all.nearest)) continue;
        const double* const *c = corner;
        const double sides[2][2] = {{c[1][0] - c[0][0], c[1][1] - c[0][1]}, {c[2][0] - c[0][0], c[2][1] - c[0][1]}};
        if (!(cross(sides[0], sides[1]) < 0)) continue;  // y points down
        int left, right, first, last;
        centres(std::min({c[0][1], c[1][1], c[2][1]}), std::max({c[0][1], c[1][1], c[2][1]}), height, first, last);
        first = std::max(first, top), last = std::min(last, bottom - 1);
        if (first > last) continue;
        centres(std::min({c[0][0], c[1][0], c[2][0]}), std::max({c[0][0], c[1][0], c[2][0]}), width, left, right);
        for (int row = first; row <= last; ++row)
            for (int column = left; column <= right; ++column) {
                double from[3][2], weight[3];
                for (int i = 0; i < 3; ++i) {
                    from[i][0] = c[i][0] - (column + 0.5);
                    from[i][1] = c[i][1] - (row + 0.5);
                }
                for (int i = 0; i < 3; ++i) weight[i] = cross(from[(i + 1) % 3], from[(i + 2) % 3]);
                if (!(weight[0] <= 0 && weight[1] <= 0 && weight[2] <= 0)) continue;
                const double sum = weight[0] / z[index[0]] + weight[1] / z[index[1]] + weight[2] / z[index[2]];
                const double near = sum / (weight[0] + weight[1] + weight[2]);  // 1 / z is linear in the picture
                const int64_t pixel = static_cast<int64_t>(row) * width + column;
                if (!(near >= inverse[pixel])) continue;
                inverse[pixel] = near;
                face[pixel] = static_cast<int32_t>(f);
            }
    }
}

}  // namespace

void draw_triangles(const Triangles& triangles, int width, int height, int32_t* face, double* inverse) {
    std::fill_n(face, static_cast<int64_t>(width) * height, -1);
    std::fill_n(inverse, static_cast<int64_t>(width) * height, 0.0);
    const int bands = std::max(1, threads());
    parallel_for(bands, threads(), 1, [&](int64_t band) {
        const auto edge = [&](int64_t b) { return static_cast<int>(b * height / bands); };
        draw_rows(triangles, width, height, edge(band), edge(band + 1), face, inverse);
    });
}

}  // namespace splats
