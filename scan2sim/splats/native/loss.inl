// (1 - w) L1 + w (1 - SSIM) of two channel-interleaved images and its gradient, a band of rows at a time.
//
// With window means m, n of the images a and b, Ess of a² + b² and Eab of a b, S = A1 A2 / (B1 B2), where
// A1 = 2 m n + C1, A2 = 2 (Eab - m n) + C2, B1 = m² + n² + C1, B2 = Ess - m² - n² + C2 (Wang et al. 2004).
// The gradient in a(p) is the sum over the windows q around p of w(p - q) (dS/dm + 2 a(p) dS/dEss + b(p) dS/dEab).
//
// A band keeps the last rows of the images and of these derivatives in rings, which stay in the cache, and takes
// several rows at once, so that each row is loaded a few times instead of once for each of a window's rows.

namespace splats::SPLATS_ISA {

constexpr int kLossRows = W == 16 ? 4 : 2;  // at once; as many sums as there are registers for
constexpr int kRing = 16;
static_assert(kLossRows + kWindow - 1 <= kRing && kLossStep % kLossRows == 0);

struct LossRings {
    int length;  // of a row [floats]
    float* memory;

    float* row(int ring, int y) const { return memory + (ring * kRing + (y & (kRing - 1))) * static_cast<int64_t>(length); }
    float* rendered(int y) const { return row(0, y); }  // exposed
    float* target(int y) const { return row(1, y); }
    float* means(int y) const { return row(2, y); }
    float* squares(int y) const { return row(3, y); }
    float* products(int y) const { return row(4, y); }
    float* scratch(int k) const { return memory + (5 * kRing + k) * static_cast<int64_t>(length); }
};
static_assert(5 * kRing + 4 * kLossRows <= kLossScratchRows);

// Gain or offset of W interleaved values, the first of which belongs to channel `first`.
static inline F of_channels(const float* values, int first) {
    alignas(64) float lanes[W];
    for (int k = 0; k < W; ++k) lanes[k] = values[(first + k) % 3];
    return load(lanes);
}

// Row y of both images as floats, exposed, zero behind its end.
static void load_loss_row(const LossInput& in, const LossRings& rings, int y) {
    const int values = 3 * in.width;
    const float* a = in.rendered + static_cast<int64_t>(y) * values;
    float *to_a = rings.rendered(y), *to_b = rings.target(y);
    if (in.gain) {
        F gain[3], offset[3];
        for (int k = 0; k < 3; ++k) gain[k] = of_channels(in.gain, k * W), offset[k] = of_channels(in.offset, k * W);
        int i = 0;
        for (int k = 0; i + W <= values; i += W, k = k == 2 ? 0 : k + 1)
            store(to_a + i, fma(load(a + i), gain[k], offset[k]));
        for (; i < values; ++i) to_a[i] = a[i] * in.gain[i % 3] + in.offset[i % 3];
    } else {
        for (int i = 0; i < values; ++i) to_a[i] = a[i];
    }
    if (in.target_bytes) {
        const uint8_t* b = in.target_bytes + static_cast<int64_t>(y) * values;
        for (int i = 0; i < values; ++i) to_b[i] = static_cast<float>(b[i]) * (1.0f / 255.0f);
    } else {
        const float* b = in.target + static_cast<int64_t>(y) * values;
        for (int i = 0; i < values; ++i) to_b[i] = b[i];
    }
    for (int i = values; i < rings.length; ++i) to_a[i] = to_b[i] = 0.0f;
}

// The windows whose top rows are y to y + kLossRows - 1: sums of SSIM to `ssim`, derivatives to the rings. Windows that
// do not lie in the image count nothing.
static void ssim_rows(const LossInput& in, const LossRings& rings, int y, float* ssim) {
    const int values = 3 * in.width, outputs = values - 3 * (kWindow - 1), windows = in.height - kWindow + 1;
    constexpr int rows = kLossRows + kWindow - 1;
    const float *a[rows], *b[rows];
    for (int k = 0; k < rows; ++k) {
        const int row = y + k < 0 ? 0 : y + k < in.height ? y + k : in.height - 1;
        a[k] = rings.rendered(row), b[k] = rings.target(row);
    }
    const F zero = set1(0.0f);
    for (int i = 0; i < values; i += W) {
        F sa[kLossRows], sb[kLossRows], ss[kLossRows], sp[kLossRows];
        for (int j = 0; j < kLossRows; ++j) sa[j] = sb[j] = ss[j] = sp[j] = zero;
#pragma GCC unroll 16
        for (int k = 0; k < rows; ++k) {
            const F va = load(a[k] + i), vb = load(b[k] + i), squares = fma(va, va, vb * vb), product = va * vb;
#pragma GCC unroll 4
            for (int j = 0; j < kLossRows; ++j) {
                if (k < j || k - j >= kWindow) continue;
                const F tap = set1(kTaps[k - j]);
                sa[j] = fma(tap, va, sa[j]);
                sb[j] = fma(tap, vb, sb[j]);
                ss[j] = fma(tap, squares, ss[j]);
                sp[j] = fma(tap, product, sp[j]);
            }
        }
        for (int j = 0; j < kLossRows; ++j) {
            store(rings.scratch(4 * j) + i, sa[j]);
            store(rings.scratch(4 * j + 1) + i, sb[j]);
            store(rings.scratch(4 * j + 2) + i, ss[j]);
            store(rings.scratch(4 * j + 3) + i, sp[j]);
        }
    }
    const F c1 = set1(0.0001f), c2 = set1(0.0009f), two = set1(2.0f), one = set1(1.0f);
    for (int j = 0; j < kLossRows; ++j) {
        const int row = y + j;
        float *means = rings.means(row), *of_squares = rings.squares(row), *products = rings.products(row);
        ssim[j] = 0.0f;
        if (row < 0 || row >= windows) {
            if (in.gradient)
                for (int i = 0; i < rings.length; ++i) means[i] = of_squares[i] = products[i] = 0.0f;
            continue;
        }
        F total = zero;
        const float *a1 = rings.scratch(4 * j), *b1 = rings.scratch(4 * j + 1), *s1 = rings.scratch(4 * j + 2),
                    *p1 = rings.scratch(4 * j + 3);
        for (int i = 0; i < outputs; i += W) {
            F m = zero, n = zero, squared = zero, product = zero;
#pragma GCC unroll 11
            for (int k = 0; k < kWindow; ++k) {
                const F tap = set1(kTaps[k]);
                m = fma(tap, load(a1 + i + 3 * k), m);
                n = fma(tap, load(b1 + i + 3 * k), n);
                squared = fma(tap, load(s1 + i + 3 * k), squared);
                product = fma(tap, load(p1 + i + 3 * k), product);
            }
            const M inside = first_lanes(outputs - i);
            const F mn = m * n, squares = fma(m, m, n * n);
            const F A1 = fma(two, mn, c1), A2 = fma(two, product - mn, c2), B1 = squares + c1, B2 = squared - squares + c2;
            const F inverse = one / (B1 * B2);
            const F S = A1 * A2 * inverse;
            total = total + masked(inside, S);
            if (!in.gradient) continue;
            const F difference = B2 - B1;  // 1/B1 - 1/B2 = (B2 - B1) / (B1 B2)
            store(means + kLossMargin + i, masked(inside, two * inverse * (n * (A2 - A1) - m * S * difference)));
            store(of_squares + kLossMargin + i, masked(inside, zero - S * B1 * inverse));
            store(products + kLossMargin + i, masked(inside, two * A1 * inverse));
        }
        ssim[j] = sum(total);
    }
}

// Rows y to y + count - 1, count ≤ kLossRows: sums of |a - b|, and the gradients in the rendered image and in exposure.
static void loss_gradient_rows(const LossInput& in, const LossRings& rings, int y, int count, const LossSums& sums) {
    const int values = 3 * in.width;
    const F zero = set1(0.0f), ssim = set1(in.ssim_scale), l1 = set1(in.l1_scale), minus_l1 = set1(-in.l1_scale);
    if (in.gradient) {
        constexpr int rows = kLossRows + kWindow - 1;  // of windows, from y - 10 on
        for (int i = kLossMargin; i < kLossMargin + values; i += W) {
            F m[kLossRows], s[kLossRows], p[kLossRows];
            for (int j = 0; j < kLossRows; ++j) m[j] = s[j] = p[j] = zero;
#pragma GCC unroll 16
            for (int k = 0; k < rows; ++k) {
                const int row = y - kWindow + 1 + k;
                const F vm = load(rings.means(row) + i), vs = load(rings.squares(row) + i),
                        vp = load(rings.products(row) + i);
#pragma GCC unroll 4
                for (int j = 0; j < kLossRows; ++j) {
                    if (k < j || k - j >= kWindow) continue;
                    const F tap = set1(kTaps[k - j]);
                    m[j] = fma(tap, vm, m[j]);
                    s[j] = fma(tap, vs, s[j]);
                    p[j] = fma(tap, vp, p[j]);
                }
            }
            for (int j = 0; j < kLossRows; ++j) {
                store(rings.scratch(3 * j) + i, m[j]);
                store(rings.scratch(3 * j + 1) + i, s[j]);
                store(rings.scratch(3 * j + 2) + i, p[j]);
            }
        }
    }
    for (int j = 0; j < count; ++j) {
        const float *a = rings.rendered(y + j), *b = rings.target(y + j);
        const float* given = in.rendered + static_cast<int64_t>(y + j) * values;
        float* out = in.gradient ? in.gradient + static_cast<int64_t>(y + j) * values : nullptr;
        float *m1 = rings.scratch(3 * j), *s1 = rings.scratch(3 * j + 1), *p1 = rings.scratch(3 * j + 2);
        for (int i = 0; i < kLossMargin; ++i) m1[i] = s1[i] = p1[i] = 0.0f;
        F gain[3], of_gain[3] = {zero, zero, zero}, of_offset[3] = {zero, zero, zero}, total = zero;
        for (int k = 0; k < 3; ++k) gain[k] = in.gain ? of_channels(in.gain, k * W) : set1(1.0f);
        for (int i = 0, c = 0; i < values; i += W, c = c == 2 ? 0 : c + 1) {
            const F va = load(a + i), vb = load(b + i), difference = va - vb;
            total = total + abs(difference);
            if (!out) continue;
            F m = zero, s = zero, p = zero;
#pragma GCC unroll 11
            for (int k = 0; k < kWindow; ++k) {
                const F tap = set1(kTaps[k]);
                const int at = kLossMargin + i - 3 * k;
                m = fma(tap, load(m1 + at), m);
                s = fma(tap, load(s1 + at), s);
                p = fma(tap, load(p1 + at), p);
            }
            const F sign = select(lt(zero, difference), l1, select(lt(difference, zero), minus_l1, zero));
            F slope = fma(ssim, fma(vb, p, fma(va + va, s, m)), sign);
            const bool whole = i + W <= values;
            if (in.gain) {
                alignas(64) float tail[W] = {};
                if (!whole)
                    for (int k = i; k < values; ++k) tail[k - i] = given[k];
                slope = masked(first_lanes(values - i), slope);
                of_gain[c] = fma(slope, load(whole ? given + i : tail), of_gain[c]);
                of_offset[c] = of_offset[c] + slope;
                slope = slope * gain[c];
            }
            if (whole) {
                store(out + i, slope);
            } else {
                alignas(64) float tail[W];
                store(tail, slope);
                for (int k = i; k < values; ++k) out[k] = tail[k - i];
            }
        }
        sums.l1[y + j] = sum(total);
        if (!out || !in.gain) continue;
        float* exposure = sums.exposure + 6 * static_cast<int64_t>(y + j);
        for (int k = 0; k < 6; ++k) exposure[k] = 0.0f;
        for (int c = 0; c < 3; ++c) {
            alignas(64) float gains[W], offsets[W];
            store(gains, of_gain[c]);
            store(offsets, of_offset[c]);
            for (int k = 0; k < W; ++k) {
                exposure[(c * W + k) % 3] += gains[k];
                exposure[3 + (c * W + k) % 3] += offsets[k];
            }
        }
    }
}

// Rows begin to end - 1 of the image; begin is a multiple of kLossStep. Every row's results are the same whatever band it
// lies in. scratch holds kLossScratchRows × loss_row_length(width) floats.
static void loss_band(const LossInput& in, int begin, int end, const LossSums& sums, float* scratch) {
    const LossRings rings{loss_row_length(in.width), scratch};
    const int windows = in.height - kWindow + 1;
    constexpr int before = (kWindow - 1 + kLossRows - 1) / kLossRows * kLossRows;
    int loaded = begin - before < 0 ? 0 : begin - before;
    for (int64_t i = 0; i < static_cast<int64_t>(kLossScratchRows) * rings.length; ++i) scratch[i] = 0.0f;
    for (int y = begin - before; y < end; y += kLossRows) {
        const int last = y + kLossRows + kWindow - 2;
        for (; loaded <= last && loaded < in.height; ++loaded) load_loss_row(in, rings, loaded);
        float ssim[kLossRows] = {};
        if (y + kLossRows > 0) ssim_rows(in, rings, y, ssim);
        if (y < begin) continue;
        for (int j = 0; j < kLossRows && y + j < end; ++j)
            if (y + j < windows) sums.ssim[y + j] = ssim[j];
        loss_gradient_rows(in, rings, y, end - y < kLossRows ? end - y : kLossRows, sums);
    }
}

}  // namespace splats::SPLATS_ISA
