// The gradient of blending: the Gaussians of one tile back to front, alphas computed again.
//
// With w = α T the weight, c·v the splat's colour, depth and features times the image's gradient, and B = Σ w (c·v)
// of everything behind, dL/dα = T (c·v) - B / (1 - α). As α = exp2(-q) of a quadratic form q in d = pixel - mean, the
// gradients of mean, covariance and opacity follow from the moments of s = -α dL/dα over the pixels:
// S0 = Σ s, Sx = Σ s dx, Sy, Sxx, Sxy, Syy. Rows share dy, columns share dx, so three sums by column suffice.

namespace splats::SPLATS_ISA {

template <bool DEPTH, bool FEATURES>
static void backward_tile_into(const TileLists& lists, const Images& forward, const ImageGradients& gradient,
                               float* slots, int tile, float* scratch) {
    const TileArea t = tile_area(lists, tile);
    const int channels = FEATURES ? lists.feature_count : 0;
    const int stride = kMoments + lists.feature_count;
    alignas(64) float T[kTilePixels], behind[kTilePixels];
    alignas(64) float red[kTilePixels], green[kTilePixels], blue[kTilePixels], depth[DEPTH ? kTilePixels : W];
    alignas(64) int32_t stop[kTilePixels];
    for (int y = 0; y < kTile; ++y)
        for (int x = 0; x < kTile; ++x) {
            const int p = y * kTile + x;
            const bool inside = x < t.columns && y < t.rows;
            const int64_t pixel = inside ? static_cast<int64_t>(t.y + y) * lists.width + t.x + x : 0;
            T[p] = inside ? forward.transmittance[pixel] : 1.0f;
            stop[p] = inside ? forward.stop[pixel] : t.begin;
            const bool colored = inside && gradient.colors;
            red[p] = colored ? gradient.colors[3 * pixel] : 0.0f;
            green[p] = colored ? gradient.colors[3 * pixel + 1] : 0.0f;
            blue[p] = colored ? gradient.colors[3 * pixel + 2] : 0.0f;
            float alpha_gradient = inside && gradient.alphas ? gradient.alphas[pixel] : 0.0f;
            if (DEPTH) {  // depth = Σ w z / Σ w
                const float alpha = 1.0f - T[p];
                depth[p] = inside && alpha > 0.0f ? gradient.depths[pixel] / alpha : 0.0f;
                if (inside) alpha_gradient -= depth[p] * gradient.rendered_depths[pixel];
            }
            for (int k = 0; k < channels; ++k)
                scratch[k * kTilePixels + p] = inside ? gradient.features[pixel * channels + k] : 0.0f;
            behind[p] = -T[p] * alpha_gradient;
        }
    float* feature_sums = scratch + channels * kTilePixels;

    const int32_t end = forward.tile_stop[tile];
    for (int32_t i = end; i < t.end; ++i) {
        float* slot = slots + static_cast<int64_t>(lists.slots[i]) * stride;
        for (int k = 0; k < stride; ++k) slot[k] = 0.0f;
    }
    const F zero = set1(0.0f), one = set1(1.0f), max_alpha = set1(kMaxAlpha), threshold = set1(-kLog2Of255);
    for (int32_t i = end - 1; i >= t.begin; --i) {
        prefetch_splat(lists, t, i - 8);
        const Splat& s = lists.splats[lists.ranks[i]];
        float* slot = slots + static_cast<int64_t>(lists.slots[i]) * stride;
        F dx[kTile / W], P0[kTile / W], P1[kTile / W], P2[kTile / W];
        pixel_offsets(s, t, dx);
        for (int j = 0; j < kTile / W; ++j) P0[j] = P1[j] = P2[j] = zero;
        F vr = zero, vg = zero, vb = zero, vz = zero;
        for (int k = 0; k < channels * W; ++k) feature_sums[k] = 0.0f;
        const float* feature = FEATURES ? lists.features + static_cast<int64_t>(s.id) * channels : nullptr;
        const F r = set1(s.r), g = set1(s.g), b = set1(s.b), z = set1(s.z);
        const I position = set1i(i);
        int first, last;
        splat_groups(s, t, &first, &last);
        bool drawn = false;
        for (uint32_t rows = splat_rows(s, t); rows; rows &= rows - 1) {
            const int y = __builtin_ctz(rows);
            const float dy = static_cast<float>(t.y + y) + 0.5f - s.y;
            const RowExponent exponent(s, dy);
            for (int j = first; j <= last; ++j) {
                const int o = y * kTile + j * W;
                const F power = exponent.at(dx[j]);
                const M hit = both(le(threshold, power), lti(position, loadi(stop + o)));
                if (!any(hit)) continue;
                drawn = true;
                const F full = exp2(power);
                const F alpha = min(full, max_alpha);
                const F inverse = rcp(one - alpha);
                const F before = load(T + o) * inverse;
                const F w = masked(hit, alpha * before);
                const F cr = load(red + o), cg = load(green + o), cb = load(blue + o);
                F cv = fma(r, cr, fma(g, cg, b * cb));
                vr = fma(w, cr, vr);
                vg = fma(w, cg, vg);
                vb = fma(w, cb, vb);
                if (DEPTH) {
                    const F cz = load(depth + o);
                    cv = fma(z, cz, cv);
                    vz = fma(w, cz, vz);
                }
                if (FEATURES)
                    for (int k = 0; k < channels; ++k) {
                        const F cf = load(scratch + k * kTilePixels + o);
                        cv = fma(set1(feature[k]), cf, cv);
                        store(feature_sums + k * W, fma(w, cf, load(feature_sums + k * W)));
                    }
                const F B = load(behind + o);
                const F alpha_gradient = fnma(B, inverse, before * cv);
                store(behind + o, fma(w, cv, B));
                store(T + o, select(hit, before, load(T + o)));
                const F sigma = masked(both(hit, le(full, max_alpha)), zero - alpha * alpha_gradient);
                P0[j] = P0[j] + sigma;
                P1[j] = fma(set1(dy), sigma, P1[j]);
                P2[j] = fma(set1(dy * dy), sigma, P2[j]);
            }
        }
        if (!drawn) {
            for (int k = 0; k < stride; ++k) slot[k] = 0.0f;
            continue;
        }
        F S0 = P0[0], Sx = dx[0] * P0[0], Sxx = dx[0] * dx[0] * P0[0];
        F Sy = P1[0], Sxy = dx[0] * P1[0], Syy = P2[0];
        for (int j = 1; j < kTile / W; ++j) {
            S0 = S0 + P0[j];
            Sx = fma(dx[j], P0[j], Sx);
            Sxx = fma(dx[j] * dx[j], P0[j], Sxx);
            Sy = Sy + P1[j];
            Sxy = fma(dx[j], P1[j], Sxy);
            Syy = Syy + P2[j];
        }
        slot[0] = sum(S0);
        slot[1] = sum(Sx);
        slot[2] = sum(Sy);
        slot[3] = sum(Sxx);
        slot[4] = sum(Sxy);
        slot[5] = sum(Syy);
        slot[6] = sum(vr);
        slot[7] = sum(vg);
        slot[8] = sum(vb);
        slot[9] = DEPTH ? sum(vz) : 0.0f;
        for (int k = 0; k < channels; ++k) slot[kMoments + k] = sum(load(feature_sums + k * W));
        for (int k = channels; k < lists.feature_count; ++k) slot[kMoments + k] = 0.0f;
    }
}

static void backward_tile(const TileLists& lists, const Images& forward, const ImageGradients& gradient, float* slots,
                          int tile, float* scratch) {
    const bool features = lists.features && gradient.features;
    if (gradient.depths)
        features ? backward_tile_into<true, true>(lists, forward, gradient, slots, tile, scratch)
                 : backward_tile_into<true, false>(lists, forward, gradient, slots, tile, scratch);
    else
        features ? backward_tile_into<false, true>(lists, forward, gradient, slots, tile, scratch)
                 : backward_tile_into<false, false>(lists, forward, gradient, slots, tile, scratch);
}

}  // namespace splats::SPLATS_ISA
