/* What operations do to runs of numbers, once for every instruction set that pays.
 *
 * All numbers are float32 in here; tensors of bfloat16 are widened piece by piece into a buffer that stays in the first
 * cache, and narrowed on the way out (ss_piece and its relatives below). The norms, which have little else to do, read
 * and write bfloat16 by themselves. Pieces may overlap only where they are the same.
 */
#ifndef SS_LOOPS_H
#define SS_LOOPS_H

#include "op/ops.h"

typedef struct ss_loops {
    void (*widen)(float *y, const uint16_t *x, int64_t n);
    void (*narrow)(uint16_t *y, const float *x, int64_t n); /* to nearest, ties to even */

    /* y = x + z, and the pointwise functions. What ends in _back adds dy times the slope at x to dx. */
    void (*add)(float *y, const float *x, const float *z, int64_t n);
    void (*silu)(float *y, const float *x, int64_t n);
    void (*silu_back)(float *dx, const float *dy, const float *x, int64_t n);
    void (*gelu)(float *y, const float *x, int64_t n);
    void (*gelu_back)(float *dx, const float *dy, const float *x, int64_t n);
    void (*quick_gelu)(float *y, const float *x, int64_t n);
    void (*quick_gelu_back)(float *dx, const float *dy, const float *x, int64_t n);
    void (*geglu)(float *y, const float *v, const float *g, int64_t n);
    void (*geglu_back)(float *dv, float *dg, const float *dy, const float *v, const float *g, int64_t n);

    /* Layer norm of one row: v = (x - mean) scale, y = v w + b. row_sums gives the sums of dy w and dy w v; row_back
     * adds (dy w - mean1 - v mean2) scale to dx, dy v to dw and dy to db. NULL where nobody asked. */
    float (*sum)(const float *x, int64_t n);
    float (*spread)(const float *x, float mean, int64_t n); /* sum of (x - mean)^2 */
    void (*row_norm)(float *y, const float *x, float mean, float scale, const float *w, const float *b, int64_t n);
    void (*row_sums)(float sums[2], const float *dy, const float *x, float mean, float scale, const float *w,
                     int64_t n);
    void (*row_back)(float *dx, float *dw, float *db, const float *dy, const float *x, float mean, float scale,
                     const float *w, const float mean12[2], int64_t n);

    /* The whole of it, from bfloat16 to bfloat16. */
    void (*row_norm_half)(uint16_t *y, const uint16_t *x, float eps, const float *w, const float *b, int64_t n);

    /* Group norm of `rows` places of c channels, everything else being one number a channel.
     * moments adds the sums of x - pivot and of its square; scaled gives y = x a + b, or its SiLU. */
    void (*moments)(float *sum, float *square, const float *pivot, const float *x, int64_t rows, int64_t c);
    void (*scaled)(float *y, const float *x, const float *a, const float *b, bool silu, int64_t rows, int64_t c);
    void (*moments_half)(float *sum, float *square, const float *pivot, const uint16_t *x, int64_t rows, int64_t c);
    void (*scaled_half)(uint16_t *y, const uint16_t *x, const float *a, const float *b, bool silu, int64_t rows,
                        int64_t c);
    /* dz = dy, or dy times SiLU's slope at z = x a + b. slopes adds the sums of dz and of dz (x - pivot); scaled_back
     * adds dz p + x q + r to dx. */
    void (*slopes)(float *dz, float *dzx, const float *pivot, const float *dy, const float *x, const float *a,
                   const float *b, bool silu, int64_t rows, int64_t c);
    void (*scaled_back)(float *dx, const float *dy, const float *x, const float *a, const float *b, const float *p,
                        const float *q, const float *r, bool silu, int64_t rows, int64_t c);
} ss_loops;

/* The best that the context's device allows. */
const ss_loops *ss_loops_of(const ss_ctx *cx);

extern const ss_loops ss_loops_portable, ss_loops_avx2, ss_loops_avx512, ss_loops_avx512_bf16;

/* ---- pieces of tensors as float32 */

enum { SS_PIECE = 2048 }; /* numbers: three pieces fit the first cache with room to spare */

/* Numbers at .. at + n - 1 of x in memory's order: x's own, or widened into `buffer`. */
static inline const float *ss_piece(const ss_loops *l, const ss_tensor *x, int64_t at, int64_t n, float *buffer) {
    if (x->dtype == SS_F32) return x->data + at;
    l->widen(buffer, x->half + at, n);
    return buffer;
}

/* Where to write numbers from `at` on: y itself, or `buffer`, which ss_piece_done then puts in its place. */
static inline float *ss_piece_begin(const ss_tensor *y, int64_t at, float *buffer) {
    return y->dtype == SS_F32 ? y->data + at : buffer;
}

static inline void ss_piece_done(const ss_loops *l, const ss_tensor *y, int64_t at, int64_t n, const float *buffer) {
    if (y->dtype == SS_BF16) l->narrow(y->half + at, buffer, n);
}

/* Threads for work on n numbers: one where waking the others would take longer than the work. */
static inline int ss_threads_for(const ss_ctx *cx, int64_t n) { return n < 16384 ? 1 : cx->device->threads; }

#endif
