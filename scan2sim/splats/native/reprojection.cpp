#include "reprojection.h"

#include <algorithm>
#include <cmath>

#include "dispatch.h"
#include "memory.h"

namespace splats {

namespace {

constexpr float kNearest = 1e-6f;  // depth, at least, by which is divided
constexpr int kBand = 32;          // rows that are summed at once

// Rays and their origin as a camera sees them.
struct Seen {
    const float* r;
    float start[3];

    Seen(const RayPoints& points, const Pinhole& camera) : r(camera.rotation) {
        float from[3];
        for (int i = 0; i < 3; ++i) from[i] = points.origin[i] - camera.centre[i];
        turn(from, start);
    }
    void turn(const float* v, float* out) const {
        for (int i = 0; i < 3; ++i) out[i] = r[i] * v[0] + r[3 + i] * v[1] + r[6 + i] * v[2];
    }
    void point(const float* ray, float depth, float* out) const {
        turn(ray, out);
        for (int i = 0; i < 3; ++i) out[i] = start[i] + depth * out[i];
    }
};

// Where a point of the camera's frame is in the picture.
inline void pixel(const Pinhole& camera, const float* p, float& x, float& y) {
    const float z = std::max(p[2], kNearest);
    x = p[0] / z * camera.fx + camera.cx, y = p[1] / z * camera.fy + camera.cy;
}

// A picture's value between the centres of its pixels; beyond its edge, and nowhere (NaN), that at an edge.
inline float between(const float* picture, const Pinhole& camera, float x, float y) {
    x = std::min(static_cast<float>(camera.width - 1), std::max(0.0f, x - 0.5f));
    y = std::min(static_cast<float>(camera.height - 1), std::max(0.0f, y - 0.5f));
    const int column = std::min(static_cast<int>(x), std::max(camera.width - 2, 0));
    const int row = std::min(static_cast<int>(y), std::max(camera.height - 2, 0));
    const int right = std::min(1, camera.width - 1);
    const int64_t down = camera.height > 1 ? camera.width : 0;
    const float a = x - static_cast<float>(column), b = y - static_cast<float>(row);
    const float* p = picture + static_cast<int64_t>(row) * camera.width + column;
    return (1 - b) * ((1 - a) * p[0] + a * p[right]) + b * ((1 - a) * p[down] + a * p[down + right]);
}

// Sums of three pictures over windows: fill(row, three rows to write) and use(row, three rows of sums), for the rows
// from first to last; outside the pictures there is nothing.
template <class Fill, class Use>
void window_sums(int width, int height, int radius, int first, int last, Fill&& fill, Use&& use) {
    const int low = std::max(0, first - radius), high = std::min(height, last + radius);
    const size_t length = width, padded = length + 2 * static_cast<size_t>(radius);
    const auto scratch = Pool<Buffer<float>>::take();
    float* across = scratch->resize(3 * (static_cast<size_t>(high - low) * length + padded + length));
    float* row = across + 3 * static_cast<size_t>(high - low) * length;
    float* sums = row + 3 * padded;
    float *in[3], *out[3];
    for (int i = 0; i < 3; ++i) in[i] = row + i * padded + radius, out[i] = sums + i * length;
    std::fill_n(row, 3 * padded, 0.0f);
    for (int y = low; y < high; ++y) {
        fill(y, in);
        for (int i = 0; i < 3; ++i) {
            float* to = across + (3 * static_cast<size_t>(y - low) + i) * length;
            std::fill_n(to, length, 0.0f);
            for (int step = -radius; step <= radius; ++step) {
                const float* from = in[i] + step;
                for (size_t x = 0; x < length; ++x) to[x] += from[x];
            }
        }
    }
    for (int y = first; y < last; ++y) {
        std::fill_n(sums, 3 * length, 0.0f);
        for (int k = std::max(low, y - radius); k <= std::min(high - 1, y + radius); ++k) {
            const float* from = across + 3 * static_cast<size_t>(k - low) * length;
            for (size_t x = 0; x < 3 * length; ++x) sums[x] += from[x];
        }
        use(y, out);
    }
}

}  // namespace

void look_up(const RayPoints& points, const Pinhole& camera, const float* surface, const int32_t* numbers,
             int32_t number, int32_t* place, float* behind, bool* inside) {
    const Seen seen(points, camera);
    const auto width = static_cast<float>(camera.width), height = static_cast<float>(camera.height);
    parallel_for(points.count, threads(), 4096, [&](int64_t i) {
        float p[3], x, y;
        seen.point(points.rays + 3 * i, points.depth[i], p);
        pixel(camera, p, x, y);
        const bool shown = p[2] > 0 && x >= 0 && x < width && y >= 0 && y < height;
        place[i] = shown ? static_cast<int32_t>(y) * camera.width + static_cast<int32_t>(x) : 0;
        behind[i] = p[2] - surface[place[i]];
        inside[i] = shown && numbers[place[i]] == number;
    });
}

void compare_windows(const WindowPicture& mine, const RayPoints& points, const float* shifts, int shift_count,
                     const Pinhole& camera, const float* other, const WindowRules& rules, float* pattern,
                     float* level) {
    const int width = mine.width, height = mine.height, bands = (height + kBand - 1) / kBand;
    const int64_t size = static_cast<int64_t>(width) * height;
    const Seen seen(points, camera);
    const auto own = Pool<Buffer<float>>::take();
    float* share = own->resize(3 * static_cast<size_t>(size));  // 1 / pixels that count, mean and variance of mine
    float *mean = share + size, *variance = mean + size;

    parallel_for(bands, threads(), 1, [&](int64_t band) {
        const int first = static_cast<int>(band) * kBand, last = std::min(height, first + kBand);
        const auto fill = [&](int y, float* const* out) {
            const int64_t row = static_cast<int64_t>(y) * width;
            for (int x = 0; x < width; ++x) {
                const float counts = mine.own[row + x] ? 1.0f : 0.0f, value = counts * mine.gray[row + x];
                out[0][x] = counts, out[1][x] = value, out[2][x] = value * value;
            }
        };
        window_sums(width, height, rules.radius, first, last, fill, [&](int y, float* const* sums) {
            const int64_t row = static_cast<int64_t>(y) * width;
            for (int x = 0; x < width; ++x) {
                const float part = 1.0f / std::max(sums[0][x], 1.0f), average = part * sums[1][x];
                share[row + x] = part, mean[row + x] = average;
                variance[row + x] = std::max(part * sums[2][x] - average * average, 0.0f) + rules.noise;
            }
        });
    });

    parallel_for(static_cast<int64_t>(bands) * shift_count, threads(), 1, [&](int64_t task) {
        const int first = static_cast<int>(task % bands) * kBand, last = std::min(height, first + kBand);
        const int64_t shift = task / bands;
        const auto fill = [&](int y, float* const* out) {
            for (int x = 0; x < width; ++x) {
                const int64_t i = static_cast<int64_t>(y) * width + x;
                float value = 0.0f, of_mine = 0.0f;
                if (mine.own[i]) {
                    float p[3], column, line;
                    seen.point(points.rays + 3 * i, points.depth[i] + shifts[shift], p);
                    pixel(camera, p, column, line);
                    value = between(other, camera, column, line), of_mine = mine.gray[i];
                }
                out[0][x] = value, out[1][x] = value * value, out[2][x] = value * of_mine;
            }
        };
        window_sums(width, height, rules.radius, first, last, fill, [&](int y, float* const* sums) {
            const int64_t row = static_cast<int64_t>(y) * width;
            float *patterns = pattern + shift * size + row, *levels = level + shift * size + row;
            for (int x = 0; x < width; ++x) {
                const int64_t i = row + x;
                const float counts = mine.own[i] ? 1.0f : 0.0f, average = share[i] * sums[0][x];
                const float spread = std::max(share[i] * sums[1][x] - average * average, 0.0f) + rules.noise;
                const float together = share[i] * sums[2][x] - mean[i] * average;
                patterns[x] = counts * together / std::sqrt(variance[i] * spread);
                levels[x] = counts * (1.0f - std::min(std::abs(mean[i] - average) / rules.level, 1.0f));
            }
        });
    });
}

}  // namespace splats
