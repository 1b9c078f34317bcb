// (1 - w) L1 + w (1 - SSIM) of two channel-interleaved images and its gradient, a row at a time.
//
// With window means m, n of the images a and b and Ea², Eb², Eab of their products, S = A1 A2 / (B1 B2), where
// A1 = 2 m n + C1, A2 = 2 (Eab - m n) + C2, B1 = m² + n² + C1, B2 = Ea² - m² + Eb² - n² + C2 (Wang et al. 2004).
// The gradient in a(p) is the sum over the windows q around p of w(p - q) (dS/dm + 2 a(p) dS/dEa² + b(p) dS/dEab).

namespace splats::SPLATS_ISA {

static inline M lanes_from(int first, int count) { return first_lanes(count - first); }

// SSIM of the windows whose top row is y; their sum is returned, and their derivatives go to the maps.
// scratch holds 5 × loss_scratch_row(width) floats.
static float ssim_row(const ImagePair& images, const LossMaps& maps, int y, float* scratch) {
    const int values = 3 * images.width, outputs = values - 3 * (kWindow - 1), length = loss_scratch_row(images.width);
    float *a1 = scratch, *b1 = a1 + length, *aa = b1 + length, *bb = aa + length, *ab = bb + length;
    for (int at = 0; at < values; at += W) {
        const int i = at + W <= values ? at : values - W;  // the last group overlaps the one before
        const F zero = set1(0.0f);
        F sa = zero, sb = zero, saa = zero, sbb = zero, sab = zero;
        for (int k = 0; k < kWindow; ++k) {
            const int64_t row = static_cast<int64_t>(y + k) * values + i;
            const F a = load(images.rendered + row), b = load(images.target + row), tap = set1(kTaps[k]);
            const F ta = tap * a, tb = tap * b;
            sa = sa + ta;
            sb = sb + tb;
            saa = fma(ta, a, saa);
            sbb = fma(tb, b, sbb);
            sab = fma(ta, b, sab);
        }
        store(a1 + i, sa);
        store(b1 + i, sb);
        store(aa + i, saa);
        store(bb + i, sbb);
        store(ab + i, sab);
    }
    const F c1 = set1(0.0001f), c2 = set1(0.0009f), two = set1(2.0f), one = set1(1.0f);
    F total = set1(0.0f);
    for (int i = 0; i < outputs; i += W) {
        const F zero = set1(0.0f);
        F m = zero, n = zero, eaa = zero, ebb = zero, eab = zero;
        for (int k = 0; k < kWindow; ++k) {
            const F tap = set1(kTaps[k]);
            m = fma(tap, load(a1 + i + 3 * k), m);
            n = fma(tap, load(b1 + i + 3 * k), n);
            eaa = fma(tap, load(aa + i + 3 * k), eaa);
            ebb = fma(tap, load(bb + i + 3 * k), ebb);
            eab = fma(tap, load(ab + i + 3 * k), eab);
        }
        const M inside = lanes_from(i, outputs);
        const F mn = m * n, squares = fma(m, m, n * n);
        const F A1 = fma(two, mn, c1), A2 = fma(two, eab - mn, c2), B1 = squares + c1, B2 = eaa + ebb - squares + c2;
        const F inverse = one / (B1 * B2);
        const F S = A1 * A2 * inverse;
        total = total + masked(inside, S);
        if (!maps.means) continue;
        const int64_t out = static_cast<int64_t>(y) * maps.stride + i;
        const F difference = B2 - B1;  // 1/B1 - 1/B2 = (B2 - B1) / (B1 B2)
        store(maps.means + out, masked(inside, two * inverse * (n * (A2 - A1) - m * S * difference)));
        store(maps.squares + out, masked(inside, zero - S * B1 * inverse));
        store(maps.products + out, masked(inside, two * A1 * inverse));
    }
    return sum(total);
}

// Σ |a - b| of row y, and, if there are maps, the gradient l1 sign(a - b) + ssim dΣS/da.
// scratch holds 3 × loss_scratch_row(width) floats.
static float loss_gradient_row(const ImagePair& images, const LossMaps& maps, float l1, float ssim, float* gradient,
                               int y, float* scratch) {
    const int values = 3 * images.width, length = loss_scratch_row(images.width), margin = 3 * (kWindow - 1);
    const int rows = images.height - kWindow + 1, outputs = values - margin;
    const F zero = set1(0.0f);
    if (maps.means) {
        for (int i = 0; i < 3 * length; ++i) scratch[i] = 0.0f;
        const int first = y - kWindow + 1 > 0 ? y - kWindow + 1 : 0, last = y < rows - 1 ? y : rows - 1;
        for (int i = 0; i < outputs; i += W) {
            F m = zero, s = zero, p = zero;
            for (int q = first; q <= last; ++q) {
                const int64_t at = static_cast<int64_t>(q) * maps.stride + i;
                const F tap = set1(kTaps[y - q]);
                m = fma(tap, load(maps.means + at), m);
                s = fma(tap, load(maps.squares + at), s);
                p = fma(tap, load(maps.products + at), p);
            }
            store(scratch + margin + i, m);
            store(scratch + length + margin + i, s);
            store(scratch + 2 * length + margin + i, p);
        }
    }
    const int64_t row = static_cast<int64_t>(y) * values;
    F total = zero;
    for (int i = 0; i < values; i += W) {
        const int count = values - i < W ? values - i : W;
        alignas(64) float a_tail[W] = {}, b_tail[W] = {}, out_tail[W];
        const bool whole = count == W;
        if (!whole)
            for (int k = 0; k < count; ++k) {
                a_tail[k] = images.rendered[row + i + k];
                b_tail[k] = images.target[row + i + k];
            }
        const F a = load(whole ? images.rendered + row + i : a_tail),
                b = load(whole ? images.target + row + i : b_tail);
        const F difference = a - b;
        total = total + abs(difference);
        if (!maps.means) continue;
        F m = zero, s = zero, p = zero;
        for (int k = 0; k < kWindow; ++k) {
            const F tap = set1(kTaps[k]);
            const float* at = scratch + margin + i - 3 * k;
            m = fma(tap, load(at), m);
            s = fma(tap, load(at + length), s);
            p = fma(tap, load(at + 2 * length), p);
        }
        const F sign = select(lt(zero, difference), set1(l1), select(lt(difference, zero), set1(-l1), zero));
        const F from_ssim = fma(b, p, fma(set1(2.0f) * a, s, m));
        store(whole ? gradient + row + i : out_tail, fma(set1(ssim), from_ssim, sign));
        if (!whole)
            for (int k = 0; k < count; ++k) gradient[row + i + k] = out_tail[k];
    }
    return sum(total);
}

}  // namespace splats::SPLATS_ISA
