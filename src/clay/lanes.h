/* Vectors of numbers, as wide as the instruction set that the including file is compiled for. Arithmetic is that of
 * IEEE 754 in every width, nothing is fused, and no approximate instruction is used: pictures are the same everywhere.
 *
 * They are the compilers' own vectors: arithmetic is written as on single numbers, a comparison gives -1 or 0 in every
 * lane. For kernel files only; nothing of this crosses from one file to another.
 */
#ifndef SS_CLAY_LANES_H
#define SS_CLAY_LANES_H

#include "clay/vec.h"

#include <stdbool.h>
#include <stdint.h>
#ifdef __SSE2__
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
typedef float lanes_at __attribute__((vector_size(4 * W), aligned(4), may_alias));

static inline lanes all(float x) { return x - (lanes){0}; }
static inline lanes load(const float *x) { return *(const lanes_at *)x; }
static inline void store(float *y, lanes v) { *(lanes_at *)y = v; }
static inline lanes choose(ints mask, lanes a, lanes b) { return (lanes)(((ints)a & mask) | ((ints)b & ~mask)); }

#if defined(__AVX512F__)
static inline lanes root(lanes x) { return (lanes)_mm512_sqrt_ps((__m512)x); }
static inline lanes smaller(lanes a, lanes b) { return (lanes)_mm512_min_ps((__m512)a, (__m512)b); }
static inline lanes greater(lanes a, lanes b) { return (lanes)_mm512_max_ps((__m512)a, (__m512)b); }
static inline bool any(ints m) { return _mm512_test_epi32_mask((__m512i)m, (__m512i)m) != 0; }
#elif defined(__AVX2__)
static inline lanes root(lanes x) { return (lanes)_mm256_sqrt_ps((__m256)x); }
static inline lanes smaller(lanes a, lanes b) { return (lanes)_mm256_min_ps((__m256)a, (__m256)b); }
static inline lanes greater(lanes a, lanes b) { return (lanes)_mm256_max_ps((__m256)a, (__m256)b); }
static inline bool any(ints m) { return !_mm256_testz_si256((__m256i)m, (__m256i)m); }
#elif defined(__SSE2__)
static inline lanes root(lanes x) { return (lanes)_mm_sqrt_ps((__m128)x); }
static inline lanes smaller(lanes a, lanes b) { return (lanes)_mm_min_ps((__m128)a, (__m128)b); }
static inline lanes greater(lanes a, lanes b) { return (lanes)_mm_max_ps((__m128)a, (__m128)b); }
static inline bool any(ints m) { return _mm_movemask_ps((__m128)m) != 0; }
#else
static inline lanes root(lanes x) {
    for (int i = 0; i < W; i++) x[i] = sqrtf(x[i]);
    return x;
}
static inline lanes smaller(lanes a, lanes b) { return choose(a < b, a, b); }
static inline lanes greater(lanes a, lanes b) { return choose(a > b, a, b); }
static inline bool any(ints m) {
    int32_t r = 0;
    for (int i = 0; i < W; i++) r |= m[i];
    return r != 0;
}
#endif

static inline lanes magnitude(lanes x) { return (lanes)((ints)x & 0x7fffffff); }
static inline lanes where(ints m) { return (lanes)((ints)all(1) & m); } /* 1 or 0 */
static inline lanes saturate(lanes x) { return smaller(greater(x, all(0)), all(1)); }
static inline ints whole(lanes x) { return __builtin_convertvector(x, ints); }

/* Smooth, from 0 at lo to 1 at hi; lo may be above hi. */
static inline lanes ramp(float lo, float hi, lanes x) {
    lanes t = saturate((x - lo) * (1 / (hi - lo)));
    return t * t * (3.0f - 2.0f * t);
}

static inline lanes floor_of(lanes x) {
    lanes t = __builtin_convertvector(whole(x), lanes);
    return choose(t > x, t - 1.0f, t);
}

/* From the middle of the cell, on a line of cells of width 1. */
static inline lanes off_middle(lanes x) { return x - floor_of(x) - 0.5f; }

static inline lanes wave(lanes x) { /* the sine, within 0.001 */
    lanes t = x * (0.5f / PI);
    t = t - floor_of(t + 0.5f);
    lanes y = t * (8.0f - 16.0f * magnitude(t));
    return y * (0.775f + 0.225f * magnitude(y));
}

static inline lanes decay(lanes x) { /* e^x for x <= 0, close enough for glows: (1 + x/64)^64 */
    lanes y = greater(1.0f + x * (1.0f / 64), all(0));
    for (int i = 0; i < 6; i++) y *= y;
    return y;
}

/* A number in [0, 1) for each cell of a grid. */
static inline lanes hash(ints x, ints y, ints z, uint32_t seed) {
    uints h = (uints)x * 0x8da6b343u + (uints)y * 0xd8163841u + (uints)z * 0xcb1ab31fu + seed * 0x9e3779b9u;
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h = (h ^ h >> 12) * 0x297a2d39u;
    h ^= h >> 15;
    return __builtin_convertvector((ints)(h >> 8), lanes) * 0x1p-24f;
}

/* Points, directions and colours. */
typedef struct lanes3 {
    lanes x, y, z;
} lanes3;

static inline lanes3 all3(vec a) { return (lanes3){all(a.x), all(a.y), all(a.z)}; }
static inline lanes dot3(lanes3 a, lanes3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline lanes along(vec a, lanes3 b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline lanes3 add3(lanes3 a, lanes3 b) { return (lanes3){a.x + b.x, a.y + b.y, a.z + b.z}; }
static inline lanes3 scale3(lanes3 a, lanes s) { return (lanes3){a.x * s, a.y * s, a.z * s}; }
static inline lanes3 from3(lanes3 a, vec b) { return (lanes3){a.x - b.x, a.y - b.y, a.z - b.z}; }
static inline lanes length3(lanes3 a) { return root(dot3(a, a)); }
static inline lanes3 unit3(lanes3 a) { return scale3(a, 1.0f / root(dot3(a, a) + 1e-20f)); }
static inline lanes3 choose3(ints m, lanes3 a, lanes3 b) {
    return (lanes3){choose(m, a.x, b.x), choose(m, a.y, b.y), choose(m, a.z, b.z)};
}
static inline lanes3 blend(lanes3 a, lanes3 b, lanes t) {
    return (lanes3){a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t, a.z + (b.z - a.z) * t};
}
static inline lanes3 toward(lanes3 a, vec b, lanes t) { return blend(a, all3(b), t); }

#endif
