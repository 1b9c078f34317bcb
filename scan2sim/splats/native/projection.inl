// From 3D Gaussians to splats on the image: EWA projection (Zwicker et al. 2001) as gsplat does it, and back.

namespace splats::SPLATS_ISA {

// Everything between the parameters of W Gaussians and their covariance on the image.
struct Projection {
    I index;         // of the Gaussian
    F mean[3];       // in its object's frame
    F quat[4];       // unit
    F inverse_norm;  // of the given quaternion
    F scale[3];
    F R[9];       // object_from_gaussian
    F A[9];       // camera_from_object
    F centre[3];  // of the camera, in the object's frame
    F p[3];       // mean in the camera
    F inverse_z;
    F u, v;            // p.x / p.z and p.y / p.z clamped to the image plus 15 %
    M free_u, free_v;  // not clamped
    F T[6];            // 2×3, J A
    F m[6];            // 2×3, J A R S: the covariance on the image is m mᵀ
    F xx, xy, yy;      // covariance with low-pass
    F det0, det;       // determinants without and with low-pass
    F opacity;
    M valid;
};

static inline F dot3(const F* a, const F* b) { return fma(a[0], b[0], fma(a[1], b[1], a[2] * b[2])); }

static inline Projection project_lanes(const GaussianArrays& g, const View& view, I index, M lanes) {
    Projection q;
    q.index = index;
    const I three = muli(index, 3), four = muli(index, 4);
    for (int k = 0; k < 3; ++k) q.mean[k] = gather(g.means + k, three);
    for (int k = 0; k < 4; ++k) q.quat[k] = gather(g.quats + k, four);
    F log_scale[3];
    for (int k = 0; k < 3; ++k) log_scale[k] = gather(g.log_scales + k, three);
    const F logit = gather(g.opacity_logits, index);

    if (g.object) {
        const I row = muli(gatheri(g.object, index), 16);
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) q.A[3 * i + j] = gather(view.transforms + 4 * i + j, row);
        for (int i = 0; i < 3; ++i) q.p[i] = gather(view.transforms + 4 * i + 3, row);
        for (int i = 0; i < 3; ++i) q.centre[i] = gather(view.transforms + 12 + i, row);
    } else {
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j) q.A[3 * i + j] = set1(view.transforms[4 * i + j]);
        for (int i = 0; i < 3; ++i) q.p[i] = set1(view.transforms[4 * i + 3]);
        for (int i = 0; i < 3; ++i) q.centre[i] = set1(view.transforms[12 + i]);
    }
    for (int i = 0; i < 3; ++i) q.p[i] = q.p[i] + dot3(q.A + 3 * i, q.mean);

    const F one = set1(1.0f), zero = set1(0.0f);
    const F norm2 =
        fma(q.quat[0], q.quat[0], fma(q.quat[1], q.quat[1], fma(q.quat[2], q.quat[2], q.quat[3] * q.quat[3])));
    const F z = q.p[2];
    // x * 0 is NaN for what is not finite, and NaN fails every comparison
    const F checked = (logit + log_scale[0] + log_scale[1] + log_scale[2] + q.mean[0] + q.mean[1] + q.mean[2]) * zero;
    q.valid = both(both(lanes, le(checked, zero)), both(lt(set1(1e-24f), norm2), lt(norm2, set1(1e30f))));
    q.valid = both(q.valid, both(le(set1(view.near), z), le(z, set1(view.far))));

    q.inverse_norm = one / sqrt(norm2);
    for (int k = 0; k < 4; ++k) q.quat[k] = q.quat[k] * q.inverse_norm;
    for (int k = 0; k < 3; ++k) q.scale[k] = exp(log_scale[k]);
    q.opacity = one / (one + exp(zero - logit));

    const F w = q.quat[0], x = q.quat[1], y = q.quat[2], t = q.quat[3], two = set1(2.0f);
    q.R[0] = one - two * (y * y + t * t);
    q.R[1] = two * (x * y - w * t);
    q.R[2] = two * (x * t + w * y);
    q.R[3] = two * (x * y + w * t);
    q.R[4] = one - two * (x * x + t * t);
    q.R[5] = two * (y * t - w * x);
    q.R[6] = two * (x * t - w * y);
    q.R[7] = two * (y * t + w * x);
    q.R[8] = one - two * (x * x + y * y);

    q.inverse_z = one / z;
    const float margin_x = 0.15f * view.width / view.fx, margin_y = 0.15f * view.height / view.fy;
    const F u = q.p[0] * q.inverse_z, v = q.p[1] * q.inverse_z;
    const F u_low = set1(-view.cx / view.fx - margin_x), u_high = set1((view.width - view.cx) / view.fx + margin_x);
    const F v_low = set1(-view.cy / view.fy - margin_y), v_high = set1((view.height - view.cy) / view.fy + margin_y);
    q.u = min(max(u, u_low), u_high);
    q.v = min(max(v, v_low), v_high);
    q.free_u = both(le(u_low, u), le(u, u_high));
    q.free_v = both(le(v_low, v), le(v, v_high));

    const F fx = set1(view.fx) * q.inverse_z, fy = set1(view.fy) * q.inverse_z;
    for (int j = 0; j < 3; ++j) {
        q.T[j] = fx * (q.A[j] - q.u * q.A[6 + j]);
        q.T[3 + j] = fy * (q.A[3 + j] - q.v * q.A[6 + j]);
    }
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 3; ++j) {
            F s = q.T[3 * i] * q.R[j] + q.T[3 * i + 1] * q.R[3 + j] + q.T[3 * i + 2] * q.R[6 + j];
            q.m[3 * i + j] = s * q.scale[j];
        }
    const F blur = set1(kBlur);
    const F xx = dot3(q.m, q.m), yy = dot3(q.m + 3, q.m + 3);
    q.xy = dot3(q.m, q.m + 3);
    // det(m mᵀ) is the squared length of the cross product of its rows: no cancellation for needles
    const F c0 = q.m[1] * q.m[5] - q.m[2] * q.m[4];
    const F c1 = q.m[2] * q.m[3] - q.m[0] * q.m[5];
    const F c2 = q.m[0] * q.m[4] - q.m[1] * q.m[3];
    q.det0 = c0 * c0 + c1 * c1 + c2 * c2;
    q.det = fma(blur, xx + yy + blur, q.det0);
    q.xx = xx + blur;
    q.yy = yy + blur;
    q.valid = both(q.valid, both(lt(zero, q.det), lt(q.det, set1(1e37f))));
    return q;
}

static inline Direction view_direction(const Projection& q, F* inverse_length) {
    const F d[3] = {q.mean[0] - q.centre[0], q.mean[1] - q.centre[1], q.mean[2] - q.centre[2]};
    *inverse_length = set1(1.0f) / sqrt(max(dot3(d, d), set1(1e-24f)));
    return {d[0] * *inverse_length, d[1] * *inverse_length, d[2] * *inverse_length};
}

static inline float clamped(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

// Projects Gaussians begin..end, or those chosen at these places; writes their splats and lists those that touch a pixel.
// Returns their number.
static int64_t project(const GaussianArrays& g, const View& view, const int32_t* chosen, const ProjectionOut& out,
                       int64_t begin, int64_t end) {
    int64_t found = 0;
    const float width = static_cast<float>(view.width), height = static_cast<float>(view.height);
    for (int64_t first = begin; first < end; first += W) {
        alignas(64) int32_t lane_ids[W];
        for (int k = 0; k < W; ++k) {
            const int64_t place = first + k < end ? first + k : end - 1;
            lane_ids[k] = chosen ? chosen[place] : static_cast<int32_t>(place);
        }
        const I index = loadi(lane_ids);
        const Projection q = project_lanes(g, view, index, first_lanes(end - first));
        const F x = fma(set1(view.fx), q.p[0] * q.inverse_z, set1(view.cx));
        const F y = fma(set1(view.fy), q.p[1] * q.inverse_z, set1(view.cy));

        alignas(64) float xs[W], ys[W], zs[W], xx[W], xy[W], yy[W], det[W], opacity[W];
        store(xs, x);
        store(ys, y);
        store(zs, q.p[2]);
        store(xx, q.xx);
        store(xy, q.xy);
        store(yy, q.yy);
        store(det, q.det);
        store(opacity, view.antialiased ? q.opacity * sqrt(q.det0 / q.det) : q.opacity);

        int drawn = 0, lanes[W];
        const uint32_t valid = bits(q.valid);
        for (int k = 0; k < W && first + k < end; ++k) {
            const int64_t id = lane_ids[k];
            if (out.means2d) out.means2d[2 * id] = out.means2d[2 * id + 1] = out.radii[id] = 0.0f;
            if (!(valid >> k & 1) || !(opacity[k] * 255.0f >= 1.0f)) continue;
            Splat& s = out.splats[id];
            s.l2o = __builtin_log2f(opacity[k]);
            const float reach = s.l2o + kLog2Of255;  // in units of log2: the exponent may fall by this much
            const float extent = __builtin_sqrtf(1.3862944f * (reach > 0.0f ? reach : 0.0f));  // standard deviations
            const float rx = extent * __builtin_sqrtf(xx[k]), ry = extent * __builtin_sqrtf(yy[k]);
            const float radius_x = __builtin_ceilf(rx), radius_y = __builtin_ceilf(ry);
            if (!(xs[k] + radius_x > 0 && xs[k] - radius_x < width && ys[k] + radius_y > 0 &&
                  ys[k] - radius_y < height))
                continue;
            if (out.means2d) {
                out.means2d[2 * id] = xs[k];
                out.means2d[2 * id + 1] = ys[k];
                out.radii[id] = radius_x > radius_y ? radius_x : radius_y;
            }
            const float slack_x = 0.02f + 1e-4f * rx + 1e-6f * __builtin_fabsf(xs[k]);
            const float slack_y = 0.02f + 1e-4f * ry + 1e-6f * __builtin_fabsf(ys[k]);
            s.x0 = static_cast<int32_t>(__builtin_ceilf(clamped(xs[k] - rx - 0.5f - slack_x, 0.0f, width)));
            s.x1 = static_cast<int32_t>(__builtin_floorf(clamped(xs[k] + rx - 0.5f + slack_x, -1.0f, width - 1.0f)));
            s.y0 = static_cast<int32_t>(__builtin_ceilf(clamped(ys[k] - ry - 0.5f - slack_y, 0.0f, height)));
            s.y1 = static_cast<int32_t>(__builtin_floorf(clamped(ys[k] + ry - 0.5f + slack_y, -1.0f, height - 1.0f)));
            if (s.x0 > s.x1 || s.y0 > s.y1) continue;
            constexpr float unit = 0.84932180028801904f;  // sqrt(log2(e) / 2)
            const float inverse_sd = 1.0f / __builtin_sqrtf(yy[k]);
            const float inverse_root = 1.0f / __builtin_sqrtf(det[k]);
            s.x = xs[k];
            s.y = ys[k];
            s.z = zs[k];
            s.l00 = unit * yy[k] * inverse_sd * inverse_root;
            s.l10 = -unit * xy[k] * inverse_sd * inverse_root;
            s.l11 = unit * inverse_sd;
            s.id = static_cast<int32_t>(id);
            lanes[drawn++] = k;
        }
        if (!drawn) continue;

        F inverse_length, Y[16], color[3];
        harmonics(view.sh_degree, view_direction(q, &inverse_length), Y);
        const I row = muli(index, 3 * g.sh_count);
        const int basis = (view.sh_degree + 1) * (view.sh_degree + 1);
        for (int c = 0; c < 3; ++c) color[c] = set1(0.5f);
        for (int k = 0; k < basis; ++k)
            for (int c = 0; c < 3; ++c) color[c] = fma(Y[k], gather(g.sh + 3 * k + c, row), color[c]);
        alignas(64) float rgb[3][W];
        for (int c = 0; c < 3; ++c) store(rgb[c], max(color[c], set1(0.0f)));
        const F checked = (color[0] + color[1] + color[2]) * set1(0.0f);
        const uint32_t finite = bits(le(checked, set1(0.0f)));
        for (int j = 0; j < drawn; ++j) {
            const int k = lanes[j];
            const int64_t id = lane_ids[k];
            Splat& s = out.splats[id];
            if (!(finite >> k & 1)) {
                if (out.means2d) out.means2d[2 * id] = out.means2d[2 * id + 1] = out.radii[id] = 0.0f;
                continue;
            }
            s.r = rgb[0][k];
            s.g = rgb[1][k];
            s.b = rgb[2][k];
            out.visible[found++] = static_cast<int32_t>(id);
        }
    }
    return found;
}

// Adds gradients to every third, fourth, … float; those that overflowed are dropped.
static inline void add(float* out, I index, F value, M lanes) {
    scatter_add(out, index, value, both(lanes, lt(abs(value), set1(1e37f))));
}

// Sums the gradients in the transforms of the objects: 16 floats each, as in View.
struct TransformSums {
    float* out;  // (O, 16), added to
    const int32_t* object;
    F lanes_of[15];  // all Gaussians of one object

    TransformSums(float* out_, const int32_t* object_) : out(out_), object(object_) {
        for (F& value : lanes_of) value = set1(0.0f);
    }
    void add_lanes(const F* values, const int32_t* ids, M lanes) {
        F usable[15];
        for (int k = 0; k < 15; ++k) usable[k] = masked(both(lanes, lt(abs(values[k]), set1(1e37f))), values[k]);
        if (!object) {
            for (int k = 0; k < 15; ++k) lanes_of[k] = lanes_of[k] + usable[k];
            return;
        }
        alignas(64) float value[W];
        for (int k = 0; k < 15; ++k) {
            store(value, usable[k]);
            for (int j = 0; j < W; ++j) out[16 * object[ids[j]] + k] += value[j];
        }
    }
    void finish() {
        if (!object)
            for (int k = 0; k < 15; ++k) out[k] += sum(lanes_of[k]);
    }
};

// Adds the gradients of the visible Gaussians with ranks begin..end, whose intersections' moments stand in slots.
// transforms (O, 16) gets those of this range, or is null.
static void project_backward(const GaussianArrays& g, const View& view, const Splat* splats, const int32_t* slot_ends,
                             const float* slots, const GaussianGradients& out, float* transforms, int64_t begin,
                             int64_t end) {
    TransformSums sums(transforms, g.object);
    const int stride = kMoments + g.feature_count;
    const F zero = set1(0.0f), half = set1(0.5f), two = set1(2.0f);
    for (int64_t first = begin; first < end; first += W) {
        alignas(64) int32_t ids[W];
        alignas(64) float moments[kMoments][W] = {};
        for (int k = 0; k < W; ++k) {
            const int64_t rank = first + k;
            ids[k] = splats[rank < end ? rank : end - 1].id;
            if (rank >= end) continue;
            float* features = out.features ? out.features + static_cast<int64_t>(ids[k]) * g.feature_count : nullptr;
            for (int64_t slot = splats[rank].first_slot; slot < slot_ends[rank]; ++slot) {
                const float* value = slots + slot * stride;
                for (int j = 0; j < kMoments; ++j) moments[j][k] += value[j];
                if (features)
                    for (int j = 0; j < g.feature_count; ++j) features[j] += value[kMoments + j];
            }
        }
        const M lanes = first_lanes(end - first);
        const I index = loadi(ids);
        const Projection q = project_lanes(g, view, index, lanes);
        const F S0 = load(moments[0]), Sx = load(moments[1]), Sy = load(moments[2]);
        // the inverse covariance and the gradient of the exponent -σ in it
        const F inverse_det = set1(1.0f) / q.det;
        const F X00 = q.yy * inverse_det, X01 = zero - q.xy * inverse_det, X11 = q.xx * inverse_det;
        const F mean2d[2] = {zero - (X00 * Sx + X01 * Sy), zero - (X01 * Sx + X11 * Sy)};
        if (out.means2d) {
            add(out.means2d, index + index, mean2d[0], lanes);
            add(out.means2d + 1, index + index, mean2d[1], lanes);
        }
        const F G00 = half * load(moments[3]), G01 = half * load(moments[4]), G11 = half * load(moments[5]);
        const F H00 = G00 * X00 + G01 * X01, H01 = G00 * X01 + G01 * X11;
        const F H10 = G01 * X00 + G11 * X01, H11 = G01 * X01 + G11 * X11;
        F V00 = zero - (X00 * H00 + X01 * H10), V01 = zero - (X00 * H01 + X01 * H11),
          V11 = zero - (X01 * H01 + X11 * H11);
        const F logit_gradient = (zero - S0) * (set1(1.0f) - q.opacity);
        if (view.antialiased) {  // opacity × sqrt(det0 / det)
            const F ratio = q.det0 * inverse_det;
            const F over = (zero - S0) * half / max(ratio, set1(1e-12f));
            V00 += over * ((set1(1.0f) - ratio) * X00 - set1(kBlur) * inverse_det);
            V01 += over * (set1(1.0f) - ratio) * X01;
            V11 += over * ((set1(1.0f) - ratio) * X11 - set1(kBlur) * inverse_det);
        }
        if (out.opacity_logits) add(out.opacity_logits, index, logit_gradient, lanes);

        // covariance = m mᵀ, m = T R S
        F vm[6], vT[6], vR[9];
        for (int j = 0; j < 3; ++j) {
            vm[j] = two * (V00 * q.m[j] + V01 * q.m[3 + j]);
            vm[3 + j] = two * (V01 * q.m[j] + V11 * q.m[3 + j]);
        }
        for (int i = 0; i < 2; ++i)
            for (int k = 0; k < 3; ++k)
                vT[3 * i + k] = vm[3 * i] * q.R[3 * k] * q.scale[0] + vm[3 * i + 1] * q.R[3 * k + 1] * q.scale[1] +
                                vm[3 * i + 2] * q.R[3 * k + 2] * q.scale[2];
        const I three = muli(index, 3), four = muli(index, 4);
        for (int j = 0; j < 3; ++j) {
            if (out.log_scales) add(out.log_scales + j, three, vm[j] * q.m[j] + vm[3 + j] * q.m[3 + j], lanes);
            for (int k = 0; k < 3; ++k) vR[3 * k + j] = (q.T[k] * vm[j] + q.T[3 + k] * vm[3 + j]) * q.scale[j];
        }
        if (out.quats) {
            const F w = q.quat[0], x = q.quat[1], y = q.quat[2], t = q.quat[3];
            F v[4];
            v[0] = two * (x * (vR[7] - vR[5]) + y * (vR[2] - vR[6]) + t * (vR[3] - vR[1]));
            v[1] = two * (y * (vR[1] + vR[3]) + t * (vR[2] + vR[6]) + w * (vR[7] - vR[5]) - two * x * (vR[4] + vR[8]));
            v[2] = two * (x * (vR[1] + vR[3]) + t * (vR[5] + vR[7]) + w * (vR[2] - vR[6]) - two * y * (vR[0] + vR[8]));
            v[3] = two * (x * (vR[2] + vR[6]) + y * (vR[5] + vR[7]) + w * (vR[3] - vR[1]) - two * t * (vR[0] + vR[4]));
            const F along = v[0] * w + v[1] * x + v[2] * y + v[3] * t;
            for (int k = 0; k < 4; ++k) add(out.quats + k, four, (v[k] - along * q.quat[k]) * q.inverse_norm, lanes);
        }

        F color[3];
        for (int c = 0; c < 3; ++c) color[c] = load(moments[6 + c]);
        // colours at 0 pass no gradient
        alignas(64) float gate[3][W];
        for (int k = 0; k < W; ++k) {
            const Splat& s = splats[first + k < end ? first + k : end - 1];
            gate[0][k] = s.r;
            gate[1][k] = s.g;
            gate[2][k] = s.b;
        }
        for (int c = 0; c < 3; ++c) color[c] = masked(lt(zero, load(gate[c])), color[c]);
        F inverse_length, Y[16], weight[16];
        const Direction d = view_direction(q, &inverse_length);
        harmonics(view.sh_degree, d, Y);
        const int basis = (view.sh_degree + 1) * (view.sh_degree + 1);
        const I row = muli(index, 3 * g.sh_count);
        if (out.sh)
            for (int k = 0; k < basis; ++k)
                for (int c = 0; c < 3; ++c) add(out.sh + 3 * k + c, row, Y[k] * color[c], lanes);
        if (!out.means && !transforms) continue;
        for (int k = 1; k < basis; ++k) {
            weight[k] = gather(g.sh + 3 * k, row) * color[0];
            weight[k] = fma(gather(g.sh + 3 * k + 1, row), color[1], weight[k]);
            weight[k] = fma(gather(g.sh + 3 * k + 2, row), color[2], weight[k]);
        }
        const Direction v = harmonics_gradient(view.sh_degree, d, weight);
        const F along = v.x * d.x + v.y * d.y + v.z * d.z;
        const F from_color[3] = {(v.x - along * d.x) * inverse_length, (v.y - along * d.y) * inverse_length,
                                 (v.z - along * d.z) * inverse_length};

        // T = J A: rows fx/z (A0 - u A2) and fy/z (A1 - v A2)
        const F fx = set1(view.fx) * q.inverse_z, fy = set1(view.fy) * q.inverse_z;
        const F vT0A0 = dot3(vT, q.A), vT0A2 = dot3(vT, q.A + 6), vT1A1 = dot3(vT + 3, q.A + 3),
                vT1A2 = dot3(vT + 3, q.A + 6);
        const F vu = masked(q.free_u, zero - fx * vT0A2), vv = masked(q.free_v, zero - fy * vT1A2);
        const F a = fx * mean2d[0] + vu * q.inverse_z, b = fy * mean2d[1] + vv * q.inverse_z;
        const F scale_z = fx * (vT0A0 - q.u * vT0A2) + fy * (vT1A1 - q.v * vT1A2);
        const F vp[3] = {a, b, load(moments[9]) - q.inverse_z * (scale_z + a * q.p[0] + b * q.p[1])};
        if (out.means)
            for (int k = 0; k < 3; ++k)
                add(out.means + k, three, from_color[k] + q.A[k] * vp[0] + q.A[3 + k] * vp[1] + q.A[6 + k] * vp[2],
                    lanes);
        if (!transforms) continue;
        F v_transform[15];
        for (int k = 0; k < 3; ++k) {
            v_transform[k] = fma(vp[0], q.mean[k], fx * vT[k]);
            v_transform[4 + k] = fma(vp[1], q.mean[k], fy * vT[3 + k]);
            v_transform[8 + k] = fma(vp[2], q.mean[k], zero - (fx * q.u * vT[k] + fy * q.v * vT[3 + k]));
            v_transform[4 * k + 3] = vp[k];
            v_transform[12 + k] = zero - from_color[k];
        }
        sums.add_lanes(v_transform, ids, lanes);
    }
    if (transforms) sums.finish();
}

}  // namespace splats::SPLATS_ISA
