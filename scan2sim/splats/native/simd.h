// The few vector operations that the kernels use, for one instruction set per translation unit. sum4 writes the sums of
// four vectors.
// This header may only be included where SPLATS_ISA is defined: everything lives in that namespace, so that no
// inline function compiled for a newer processor can replace one compiled for the baseline.
#pragma once
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace splats::SPLATS_ISA {

#if defined(__AVX512F__)

constexpr int W = 16;
using F = __m512;
using I = __m512i;
using M = __mmask16;

static inline F set1(float a) { return _mm512_set1_ps(a); }
static inline I set1i(int32_t a) { return _mm512_set1_epi32(a); }
static inline F load(const float* p) { return _mm512_loadu_ps(p); }
static inline I loadi(const int32_t* p) { return _mm512_loadu_si512(p); }
static inline void store(float* p, F a) { _mm512_storeu_ps(p, a); }
static inline F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
static inline F fnma(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }
static inline F min(F a, F b) { return _mm512_min_ps(a, b); }
static inline F max(F a, F b) { return _mm512_max_ps(a, b); }
static inline F sqrt(F a) { return _mm512_sqrt_ps(a); }
static inline F abs(F a) { return _mm512_abs_ps(a); }
static inline F raise_exponent(F a, F n) {
    const I exponent = _mm512_slli_epi32(_mm512_castps_si512(n), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), exponent));
}
static inline F rcp(F a) {
    F r = _mm512_rcp14_ps(a);
    return _mm512_mul_ps(r, _mm512_fnmadd_ps(a, r, _mm512_set1_ps(2.0f)));
}
static inline M lt(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline M le(F a, F b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
static inline M lti(I a, I b) { return _mm512_cmplt_epi32_mask(a, b); }
static inline M both(M a, M b) { return a & b; }
static inline M first_not_second(M a, M b) { return a & ~b; }
static inline bool any(M m) { return m != 0; }
static inline uint32_t bits(M m) { return m; }
static inline F select(M m, F a, F b) { return _mm512_mask_blend_ps(m, b, a); }
static inline F masked(M m, F a) { return _mm512_maskz_mov_ps(m, a); }
static inline void store_where(float* p, M m, F a) { _mm512_mask_storeu_ps(p, m, a); }
static inline void storei_where(int32_t* p, M m, I a) { _mm512_mask_storeu_epi32(p, m, a); }
static inline float sum(F a) { return _mm512_reduce_add_ps(a); }
static inline void sum4(F a, F b, F c, F d, float* out) {
    const F ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    const F cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    const __m512d x = _mm512_castps_pd(ab), y = _mm512_castps_pd(cd);
    const F all = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}
static inline F gather(const float* p, I i) { return _mm512_i32gather_ps(i, p, 4); }
static inline I gatheri(const int32_t* p, I i) { return _mm512_i32gather_epi32(i, p, 4); }
static inline I muli(I a, int32_t b) { return _mm512_mullo_epi32(a, _mm512_set1_epi32(b)); }
static inline void scatter_add(float* p, I i, F a, M m) {
    F old = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), m, i, p, 4);
    _mm512_mask_i32scatter_ps(p, m, i, _mm512_add_ps(old, a), 4);
}

#elif defined(__AVX2__)

constexpr int W = 8;
using F = __m256;
using I = __m256i;
using M = __m256;

static inline F set1(float a) { return _mm256_set1_ps(a); }
static inline I set1i(int32_t a) { return _mm256_set1_epi32(a); }
static inline F load(const float* p) { return _mm256_loadu_ps(p); }
static inline I loadi(const int32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
static inline void store(float* p, F a) { _mm256_storeu_ps(p, a); }
static inline F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
static inline F fnma(F a, F b, F c) { return _mm256_fnmadd_ps(a, b, c); }
static inline F min(F a, F b) { return _mm256_min_ps(a, b); }
static inline F max(F a, F b) { return _mm256_max_ps(a, b); }
static inline F sqrt(F a) { return _mm256_sqrt_ps(a); }
static inline F abs(F a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline F raise_exponent(F a, F n) {
    const I exponent = _mm256_slli_epi32(_mm256_castps_si256(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent));
}
static inline F rcp(F a) {
    F r = _mm256_rcp_ps(a);
    return _mm256_mul_ps(r, _mm256_fnmadd_ps(a, r, _mm256_set1_ps(2.0f)));
}
static inline M lt(F a, F b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline M le(F a, F b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
static inline M lti(I a, I b) { return _mm256_castsi256_ps(_mm256_cmpgt_epi32(b, a)); }
static inline M both(M a, M b) { return _mm256_and_ps(a, b); }
static inline M first_not_second(M a, M b) { return _mm256_andnot_ps(b, a); }
static inline uint32_t bits(M m) { return static_cast<uint32_t>(_mm256_movemask_ps(m)); }
static inline bool any(M m) { return bits(m) != 0; }
static inline F select(M m, F a, F b) { return _mm256_blendv_ps(b, a, m); }
static inline F masked(M m, F a) { return _mm256_and_ps(m, a); }
static inline void store_where(float* p, M m, F a) { _mm256_maskstore_ps(p, _mm256_castps_si256(m), a); }
static inline void storei_where(int32_t* p, M m, I a) { _mm256_maskstore_epi32(p, _mm256_castps_si256(m), a); }
static inline float sum(F a) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static inline void sum4(F a, F b, F c, F d, float* out) {
    const F all = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1)));
}
static inline F gather(const float* p, I i) { return _mm256_i32gather_ps(p, i, 4); }
static inline I gatheri(const int32_t* p, I i) { return _mm256_i32gather_epi32(p, i, 4); }
static inline I muli(I a, int32_t b) { return _mm256_mullo_epi32(a, _mm256_set1_epi32(b)); }
static inline void scatter_add(float* p, I i, F a, M m) {
    alignas(32) int32_t index[W];
    alignas(32) float value[W];
    _mm256_store_si256(reinterpret_cast<__m256i*>(index), i);
    _mm256_store_ps(value, a);
    for (uint32_t b = bits(m); b; b &= b - 1) {
        int k = __builtin_ctz(b);
        p[index[k]] += value[k];
    }
}

#else  // portable: vector extensions of GCC and Clang (SSE on x86-64-v2, NEON on aarch64)

constexpr int W = 4;
typedef float F __attribute__((vector_size(16)));
typedef int32_t I __attribute__((vector_size(16)));
using M = I;

static inline F set1(float a) { return F{a, a, a, a}; }
static inline I set1i(int32_t a) { return I{a, a, a, a}; }
static inline F load(const float* p) {
    F a;
    __builtin_memcpy(&a, p, sizeof a);
    return a;
}
static inline I loadi(const int32_t* p) {
    I a;
    __builtin_memcpy(&a, p, sizeof a);
    return a;
}
static inline void store(float* p, F a) { __builtin_memcpy(p, &a, sizeof a); }
static inline F fma(F a, F b, F c) { return a * b + c; }
static inline F fnma(F a, F b, F c) { return c - a * b; }
static inline F select(M m, F a, F b) { return m ? a : b; }
static inline F min(F a, F b) { return select(a < b, a, b); }
static inline F max(F a, F b) { return select(a > b, a, b); }
static inline F sqrt(F a) {
    return F{__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3])};
}
static inline F abs(F a) { return max(a, -a); }
static inline F raise_exponent(F a, F n) {
    typedef uint32_t U __attribute__((vector_size(16)));
    U value, exponent;
    __builtin_memcpy(&value, &a, sizeof a);
    __builtin_memcpy(&exponent, &n, sizeof n);
    value += exponent << 23;
    __builtin_memcpy(&a, &value, sizeof a);
    return a;
}
static inline F rcp(F a) { return 1.0f / a; }
static inline M lt(F a, F b) { return a < b; }
static inline M le(F a, F b) { return a <= b; }
static inline M lti(I a, I b) { return a < b; }
static inline M both(M a, M b) { return a & b; }
static inline M first_not_second(M a, M b) { return a & ~b; }
static inline uint32_t bits(M m) { return (m[0] & 1u) | (m[1] & 2u) | (m[2] & 4u) | (m[3] & 8u); }
static inline bool any(M m) {
    int64_t h[2];
    __builtin_memcpy(h, &m, sizeof h);
    return (h[0] | h[1]) != 0;
}
static inline F masked(M m, F a) { return select(m, a, set1(0.0f)); }
static inline void store_where(float* p, M m, F a) { store(p, select(m, a, load(p))); }
static inline void storei_where(int32_t* p, M m, I a) {
    I mixed = m ? a : loadi(p);
    __builtin_memcpy(p, &mixed, sizeof mixed);
}
static inline float sum(F a) { return (a[0] + a[2]) + (a[1] + a[3]); }
static inline void sum4(F a, F b, F c, F d, float* out) { store(out, F{sum(a), sum(b), sum(c), sum(d)}); }
static inline F gather(const float* p, I i) { return F{p[i[0]], p[i[1]], p[i[2]], p[i[3]]}; }
static inline I gatheri(const int32_t* p, I i) { return I{p[i[0]], p[i[1]], p[i[2]], p[i[3]]}; }
static inline I muli(I a, int32_t b) { return a * b; }
static inline void scatter_add(float* p, I i, F a, M m) {
    for (int k = 0; k < W; ++k)
        if (m[k]) p[i[k]] += a[k];
}

#endif

static_assert(16 % W == 0);

// The first of W lanes; all for W and more, none for 0 and less.
static inline M first_lanes(int64_t count) {
    static constexpr float lanes[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    return lt(set1(0.5f), load(lanes + (count >= W ? 0 : count > 0 ? 16 - count : 16)));
}

constexpr float kWhole = 12582912.0f;  // 1.5·2^23: a sum with it holds the whole part in its lowest bits

// 2^(f + n) for f in ±1/2 by its minimax polynomial, relative error 1e-7 and none at 0; n comes with kWhole added, in
// -126..127. raise_exponent multiplies by 2^n.
static inline F exp2_of_parts(F f, F n) {
    F y = set1(1.5345812e-4f);
    y = fma(y, f, set1(1.33999312e-3f));
    y = fma(y, f, set1(9.61848896e-3f));
    y = fma(y, f, set1(5.55032878e-2f));
    y = fma(y, f, set1(2.40226469e-1f));
    y = fma(y, f, set1(6.93147206e-1f));
    y = fma(y, f, set1(1.0f));
    return raise_exponent(y, n);
}

// 2^x for x in -126..127.
static inline F exp2(F x) {
    const F n = x + set1(kWhole);
    return exp2_of_parts(x - (n - set1(kWhole)), n);
}

// e^x, saturating at e^±87.
static inline F exp(F x) {
    const F limit = set1(87.0f);
    x = max(min(x, limit), set1(0.0f) - limit);
    const F n = fma(x, set1(1.44269504f), set1(kWhole));
    const F f = fma(x, set1(1.44269504f), set1(kWhole) - n);
    return exp2_of_parts(fma(x, set1(1.92596303e-8f), f), n);
}

}  // namespace splats::SPLATS_ISA
