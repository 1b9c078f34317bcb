// Real spherical harmonics of degree ≤ 3 in the order and with the signs of 3D Gaussian splatting.

namespace splats::SPLATS_ISA {

struct Direction {
    F x, y, z;
};

// Y[0..(degree + 1)²)
static inline void harmonics(int degree, Direction d, F* Y) {
    Y[0] = set1(0.2820947917738781f);
    if (degree < 1) return;
    Y[1] = set1(-0.48860251190292f) * d.y;
    Y[2] = set1(0.48860251190292f) * d.z;
    Y[3] = set1(-0.48860251190292f) * d.x;
    if (degree < 2) return;
    F zz = d.z * d.z, c1 = d.x * d.x - d.y * d.y, s1 = d.x * d.y * set1(2.0f);
    F b = set1(-1.092548430592079f) * d.z;
    Y[4] = set1(0.5462742152960395f) * s1;
    Y[5] = b * d.y;
    Y[6] = fma(set1(0.9461746957575601f), zz, set1(-0.3153915652525201f));
    Y[7] = b * d.x;
    Y[8] = set1(0.5462742152960395f) * c1;
    if (degree < 3) return;
    F c = fma(set1(-2.285228997322329f), zz, set1(0.4570457994644658f));
    F e = set1(1.445305721320277f) * d.z;
    Y[9] = set1(-0.5900435899266435f) * (d.x * s1 + d.y * c1);
    Y[10] = e * s1;
    Y[11] = c * d.y;
    Y[12] = d.z * fma(set1(1.865881662950577f), zz, set1(-1.119528997770346f));
    Y[13] = c * d.x;
    Y[14] = e * c1;
    Y[15] = set1(-0.5900435899266435f) * (d.x * c1 - d.y * s1);
}

// Gradient of Σ_k weight[k] Y_k in the direction, as if x, y, z were free.
static inline Direction harmonics_gradient(int degree, Direction d, const F* weight) {
    const F zero = set1(0.0f);
    Direction g{zero, zero, zero};
    if (degree < 1) return g;
    g.y = set1(-0.48860251190292f) * weight[1];
    g.z = set1(0.48860251190292f) * weight[2];
    g.x = set1(-0.48860251190292f) * weight[3];
    if (degree < 2) return g;
    const F k = set1(1.092548430592079f);
    g.x += k * (d.y * weight[4] - d.z * weight[7] + d.x * weight[8]);
    g.y += k * (d.x * weight[4] - d.z * weight[5] - d.y * weight[8]);
    g.z += set1(1.8923493915151202f) * d.z * weight[6] - k * (d.y * weight[5] + d.x * weight[7]);
    if (degree < 3) return g;
    F zz = d.z * d.z, c1 = d.x * d.x - d.y * d.y, xy = d.x * d.y;
    F c = fma(set1(-2.285228997322329f), zz, set1(0.4570457994644658f));
    const F n = set1(0.5900435899266435f), e = set1(2.890611442640554f), h = set1(-4.570457994644658f);
    F cubic = set1(3.0f) * n * c1;
    F product = set1(6.0f) * n * xy;
    g.x += e * d.z * (d.y * weight[10] + d.x * weight[14]) + c * weight[13] - product * weight[9] - cubic * weight[15];
    g.y += e * d.z * (d.x * weight[10] - d.y * weight[14]) + c * weight[11] - cubic * weight[9] + product * weight[15];
    g.z += e * (xy * weight[10] + set1(0.5f) * c1 * weight[14]) + h * d.z * (d.y * weight[11] + d.x * weight[13]) +
           fma(set1(5.597644988851731f), zz, set1(-1.119528997770346f)) * weight[12];
    return g;
}

}  // namespace splats::SPLATS_ISA
