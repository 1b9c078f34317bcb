// The gradient of blending: the Gaussians of one tile back to front, alphas computed again.
//
// With w = α T the weight, c·v the splat's colour, depth and features times the image's gradient, and B = Σ w (c·v)
// of everything behind, dL/dα = T (c·v) - B / (1 - α). As α = exp2(-q) of a quadratic form q in d = pixel - mean, the
// gradients of mean, covariance and opacity follow from the moments of s = -α dL/dα over the pixels:
// S0 = Σ s, Sx = Σ s dx, Sy, Sxx, Sxy, Syy.

namespace splats::SPLATS_ISA {

template <bool DEPTH, bool FEATURES>
static void backward_tile_into(const TileLists& lists, const Images& forward, const ImageGradients& gradient,
                               float* slots, int tile, float* scratch) {
    const TileArea t = tile_area(lists, tile);
    const int channels = FEATURES ? lists.feature_count : 0;
    const int stride = kMoments + lists.feature_count;
    TilePlanes<6> planes;  // transmittance, what is behind, gradients in red, green, blue, depth
    const int32_t* stop = forward.stop + static_cast<int64_t>(tile) * kTilePixels;
    const float* transmittance = forward.transmittance + static_cast<int64_t>(tile) * kTilePixels;
    for (float& value : planes.values) value = 0.0f;
    for (int k = 0; k < channels * kTilePixels; ++k) scratch[k] = 0.0f;
    t.each_pixel([&](int p, int64_t pixel) {
        const float T = transmittance[p];
        if (gradient.colors)
            for (int c = 0; c < 3; ++c) planes.pixel(2 + c, p) = gradient.colors[3 * pixel + c];
        float alpha_gradient = gradient.alphas ? gradient.alphas[pixel] : 0.0f;
        if (DEPTH) {  // depth = Σ w z / Σ w
            const float alpha = 1.0f - T, slope = alpha > 0.0f ? gradient.depths[pixel] / alpha : 0.0f;
            planes.pixel(5, p) = slope;
            alpha_gradient -= slope * gradient.rendered_depths[pixel];
        }
        for (int k = 0; k < channels; ++k) scratch[k * kTilePixels + p] = gradient.features[pixel * channels + k];
        planes.pixel(0, p) = T;
        planes.pixel(1, p) = -T * alpha_gradient;
    });
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
        const SplatOnTile splat(s, t);
        F S0 = zero, Sx = zero, Sy = zero, Sxx = zero, Sxy = zero, Syy = zero;
        F vr = zero, vg = zero, vb = zero, vz = zero;
        for (int k = 0; k < channels * W; ++k) feature_sums[k] = 0.0f;
        const float* feature = FEATURES ? lists.features + static_cast<int64_t>(s.id) * channels : nullptr;
        const F r = set1(s.r), g = set1(s.g), b = set1(s.b), z = set1(s.z);
        const I position = set1i(i);
        bool drawn = false;
        for (uint64_t blocks = splat_blocks(s, t); blocks; blocks &= blocks - 1) {
            const int block = __builtin_ctzll(blocks), o = block * W;
            const F dx = splat.dx(block), dy = splat.dy(block);
            const F power = splat.power(dx, dy);
            const M hit = both(le(threshold, power), lti(position, loadi(stop + o)));
            if (!any(hit)) continue;
            drawn = true;
            const F full = exp2(power);
            const F alpha = min(full, max_alpha);
            const F inverse = rcp(one - alpha);
            float* at = planes.block(0, o);
            const F before = load(at) * inverse;
            const F w = masked(hit, alpha * before);
            const F cr = load(at + 2 * W), cg = load(at + 3 * W), cb = load(at + 4 * W);
            F cv = fma(r, cr, fma(g, cg, b * cb));
            vr = fma(w, cr, vr);
            vg = fma(w, cg, vg);
            vb = fma(w, cb, vb);
            if (DEPTH) {
                const F cz = load(at + 5 * W);
                cv = fma(z, cz, cv);
                vz = fma(w, cz, vz);
            }
            if (FEATURES)
                for (int k = 0; k < channels; ++k) {
                    const F cf = load(scratch + k * kTilePixels + o);
                    cv = fma(set1(feature[k]), cf, cv);
                    store(feature_sums + k * W, fma(w, cf, load(feature_sums + k * W)));
                }
            const F B = load(at + W);
            const F alpha_gradient = fnma(B, inverse, before * cv);
            store(at + W, fma(w, cv, B));
            store(at, select(hit, before, load(at)));
            const F sigma = masked(both(hit, le(full, max_alpha)), zero - alpha * alpha_gradient);
            const F x = dx * sigma, y = dy * sigma;
            S0 = S0 + sigma;
            Sx = Sx + x;
            Sy = Sy + y;
            Sxx = fma(dx, x, Sxx);
            Sxy = fma(dx, y, Sxy);
            Syy = fma(dy, y, Syy);
        }
        if (!drawn) {
            for (int k = 0; k < stride; ++k) slot[k] = 0.0f;
            continue;
        }
        alignas(16) float rest[4];
        sum4(S0, Sx, Sy, Sxx, slot);
        sum4(Sxy, Syy, vr, vg, slot + 4);
        sum4(vb, vz, zero, zero, rest);
        slot[8] = rest[0];
        slot[9] = rest[1];
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
