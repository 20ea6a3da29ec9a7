/* Vectors of float32, as wide as the instruction set that the including file is compiled for, and exp and GELU on them.
 *
 * They are the compilers' own vectors (gcc and clang alike): arithmetic is written as on single numbers, a comparison
 * gives -1 or 0 in every lane. Polynomials are written as trees, whose branches a processor computes side by side. For
 * kernel files only; nothing of this crosses from one file to another.
 */
#ifndef SS_LANES_H
#define SS_LANES_H

#include <stdint.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { W = 16 };
#elif defined(__AVX2__)
enum { W = 8 };
#else
enum { W = 4 };
#endif

typedef float lanes __attribute__((vector_size(4 * W)));
typedef int32_t ints __attribute__((vector_size(4 * W)));
typedef uint32_t uints __attribute__((vector_size(4 * W)));
typedef uint16_t halves __attribute__((vector_size(2 * W)));
typedef float lanes_at __attribute__((vector_size(4 * W), aligned(4), may_alias));
typedef uint16_t halves_at __attribute__((vector_size(2 * W), aligned(2), may_alias));

static inline lanes all(float x) { return x - (lanes){0}; }
static inline lanes load(const float *x) { return *(const lanes_at *)x; }
static inline void store(float *y, lanes v) { *(lanes_at *)y = v; }
static inline lanes choose(ints mask, lanes a, lanes b) { return (lanes)((mask & (ints)a) | (~mask & (ints)b)); }

/* a where one of them is NaN. One instruction, which compilers do not find by themselves. */
#if defined(__AVX512F__)
static inline lanes greater(lanes a, lanes b) { return (lanes)_mm512_max_ps((__m512)b, (__m512)a); }
static inline lanes smaller(lanes a, lanes b) { return (lanes)_mm512_min_ps((__m512)b, (__m512)a); }
#elif defined(__AVX2__)
static inline lanes greater(lanes a, lanes b) { return (lanes)_mm256_max_ps((__m256)b, (__m256)a); }
static inline lanes smaller(lanes a, lanes b) { return (lanes)_mm256_min_ps((__m256)b, (__m256)a); }
#else
static inline lanes greater(lanes a, lanes b) { return choose(b > a, b, a); }
static inline lanes smaller(lanes a, lanes b) { return choose(b < a, b, a); }
#endif

static inline float sum_of(lanes v) {
    float s = 0;
    for (int i = 0; i < W; i++) s += v[i];
    return s;
}

static inline lanes load_half(const uint16_t *x) {
    return (lanes)(__builtin_convertvector(*(const halves_at *)x, uints) << 16);
}

/* To nearest, ties to even; NaN stays NaN. */
static inline void store_half(uint16_t *y, lanes v) {
    uints u = (uints)v, even = (u + 0x7fff + (u >> 16 & 1)) >> 16, quiet = u >> 16 | 0x40;
    uints nan = (uints)((u & 0x7fffffff) > 0x7f800000);
    *(halves_at *)y = __builtin_convertvector((nan & quiet) | (~nan & even), halves);
}

/* The first n lanes only, where fewer than W are left; the others are 0. */
static inline lanes load_half_some(const uint16_t *x, int64_t n) {
    if (n >= W) return load_half(x);
    uint16_t some[W] = {0};
    memcpy(some, x, (size_t)n * sizeof *x);
    return load_half(some);
}

static inline lanes load_some(const float *x, int64_t n) {
    if (n >= W) return load(x);
    lanes v = {0};
    memcpy(&v, x, (size_t)n * sizeof *x);
    return v;
}

static inline void store_some(float *y, int64_t n, lanes v) {
    if (n >= W)
        store(y, v);
    else
        memcpy(y, &v, (size_t)n * sizeof *y);
}

/* 2^x for x in -126 .. 127, to 1e-7: x = n + f with f in -1/2 .. 1/2, and a polynomial in f (minimax, 2e-9). Adding
 * 3 * 2^22 rounds to a whole n, which is then also in the sum's low bits. */
static inline lanes exp2_of(lanes x) {
    lanes t = x + 12582912.0f, f = x - (t - 12582912.0f), f2 = f * f;
    lanes p = (f2 * 0.000153533590f + (f * 0.00133988762f + 0.00961843692f)) * (f2 * f2) +
              ((f * 0.0555033237f + 0.240226477f) * f2 + (f * 0.693147182f + 1.0f));
    return (lanes)((uints)p + ((uints)t << 23));
}

#if defined(__AVX512F__)
/* 2^x to 1e-4, a tenth of what bfloat16 rounds away: a polynomial in x - floor(x), minimax in its relative error. */
static inline __m512 exp2_coarse(__m512 x) {
    __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    __m512 p = _mm512_fmadd_ps(f, _mm512_set1_ps(0.0780243874f), _mm512_set1_ps(0.226067394f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.695833445f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.999925256f));
    return _mm512_scalef_ps(p, x);
}
#endif

/* e^x to 2 units in the last place; at least e^-87 and at most e^88. x = n log 2 + r, where log 2 comes in two parts,
 * the first with so few bits that n times it is exact. */
static inline lanes exp_of(lanes x) {
    x = smaller(greater(x, all(-87.0f)), all(88.0f));
    lanes t = x * 1.44269504f + 12582912.0f, n = t - 12582912.0f;
    lanes r = x - n * 0.693359375f + n * 2.12194440e-4f;
    lanes r2 = r * r;
    lanes p = r2 * 0.00138146081f + (r * 0.00836871099f + 0.041668389f);
    p = (p * r2 + (r * 0.166665211f + 0.49999994f)) * r2 + (r + 1.0f);
    return (lanes)((uints)p + ((uints)t << 23));
}

/* Phi(x) - 1/2 is x times p / q, polynomials in u = x^2 (minimax on -5.6 .. 5.6, 1e-8), good to the rounding of numbers
 * of size 1, as erf is elsewhere. Further out GELU is x or 0 to 6e-8. */
#define GELU_FAR 31.36f
static inline void gelu_quotient(lanes u, lanes *p, lanes *q) {
    lanes u2 = u * u, u4 = u2 * u2;
    *p = ((u * 0.0343763493f + 0.398942232f) + (u * 0.000173853216f + 0.00470727496f) * u2) +
         (u * 2.21451301e-8f + 6.35654806e-6f) * u4;
    *q = ((u * 0.252834439f + 1.0f) + (u * 0.00191299256f + 0.0289402287f) * u2) +
         (u * 1.18020777e-6f + 7.51027037e-5f) * u4;
}

/* x Phi(x). */
static inline lanes gelu_of(lanes x) {
    lanes p, q;
    gelu_quotient(x * x, &p, &q);
    return choose(x * x > GELU_FAR, greater(x, all(0)), x * (0.5f + x * (p / q)));
}

#endif
