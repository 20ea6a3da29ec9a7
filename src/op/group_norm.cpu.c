/* Group norm on the processor: one read of the picture for the statistics, one read and one write to apply them.
 *
 * Channels lie last, so a pass goes place by place and sums every channel by itself; groups are put together
 * afterwards. Sums are those of x - pivot, the pivot being the channel's first number, which keeps the variance of a
 * picture far from zero; they run in float32 over a stretch of places and in float64 over the stretches. An image is
 * cut into blocks of places whose number depends on the picture alone, so that the result does not depend on the
 * threads.
 *
 * With scale and shift folded in, z = x a + b for each channel. Backward (the letters of group_norm.c), per channel:
 *
 *     du = dz p + x q + r,   p = w s,   q = -s^2 m2,   r = -s m1 + s^2 m2 (mean - shift),   s = 1 / sqrt(var + eps)
 *
 * where m1 and m2 are the group's means of dv and of dv v.
 */
#include "op/cpu.h"
#include "op/loops.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 64, STRETCH = 64 };

/* How the picture is cut, and the scratch memory of one call. */
typedef struct work {
    const ss_loops *loops;
    int64_t n, c, places, blocks; /* blocks of one image */
    int groups, threads;
    const float *w, *b;
    float *pivot, *shift; /* [n, c] */
    double *sums;         /* [n, blocks, 2, c]: of one pass */
    float *mean, *scale;  /* [n, groups]: of u */
    float *coefficient;   /* [5, n, c]: a, b and, backward, p, q, r */
    float *own;           /* [threads, own_size]: a piece of x, one of y, two rows of sums */
    int64_t own_size, piece;
} work;

enum { A, B, P, Q, R, COEFFICIENTS };

static float *coefficient(const work *g, int which, int64_t image) {
    return g->coefficient + (which * g->n + image) * g->c;
}

static ss_status begin(work *g, const ss_call *k) {
    const ss_norm_attr *a = k->attr;
    const ss_tensor *x = k->x[0];
    *g = (work){.loops = ss_loops_of(k->cx), .n = x->shape[0], .c = ss_channels(x), .groups = a->groups};
    g->places = ss_rows(x) / g->n;
    g->blocks = g->places < BLOCKS * STRETCH ? (g->places + STRETCH - 1) / STRETCH : BLOCKS;
    g->threads = ss_threads_for(k->cx, ss_count(x));
    g->piece = g->c < SS_PIECE / 8 ? SS_PIECE / g->c : 8;
    g->own_size = 2 * g->piece * g->c + 2 * g->c;
    g->w = ss_weights_f32(k, 1);
    g->b = ss_weights_f32(k, 2);

    int64_t channels = g->n * g->c, sums = channels * g->blocks * 2;
    int64_t floats = (2 + COEFFICIENTS) * channels + 2 * g->n * g->groups + g->threads * g->own_size;
    g->sums = ss_scratch(k->cx, (size_t)sums * sizeof *g->sums + (size_t)floats * sizeof(float));
    if (!g->sums || !g->w || !g->b) return SS_ERR_NOMEM;
    g->pivot = (float *)(g->sums + sums);
    g->shift = g->pivot + channels;
    g->coefficient = g->shift + channels;
    g->mean = g->coefficient + COEFFICIENTS * channels;
    g->scale = g->mean + g->n * g->groups;
    g->own = g->scale + g->n * g->groups;

    for (int64_t i = 0; i < g->n; i++)
        ss_to_f32(g->pivot + i * g->c, (char *)x->bytes + (size_t)(i * g->places * g->c) * ss_dtype_size(x->dtype),
                  x->dtype, (size_t)g->c);
    if (k->x[3])
        ss_to_f32(g->shift, k->x[3]->bytes, k->x[3]->dtype, (size_t)channels);
    else
        memset(g->shift, 0, (size_t)channels * sizeof *g->shift);
    return SS_OK;
}

/* One pass over the picture, block by block and there piece by piece: rows of x (and the same of everything else). */
typedef void pass_fn(const ss_call *k, const work *g, int64_t image, int64_t row, int64_t rows, float *own);

static void pass(const ss_call *k, const work *g, pass_fn *f, bool sums) {
#pragma omp parallel for schedule(static) num_threads(g->threads)
    for (int64_t task = 0; task < g->n * g->blocks; task++) {
        int64_t image = task / g->blocks, block = task % g->blocks;
        int64_t at = g->places * block / g->blocks, end = g->places * (block + 1) / g->blocks;
        float *own = g->own + omp_get_thread_num() * g->own_size, *sum = own + 2 * g->piece * g->c;
        double *total = g->sums + task * 2 * g->c;
        for (int64_t i = 0; sums && i < 2 * g->c; i++) total[i] = 0;
        while (at < end) {
            int64_t stretch = sums && end - at > STRETCH ? at + STRETCH : end;
            for (int64_t i = 0; sums && i < 2 * g->c; i++) sum[i] = 0;
            for (int64_t rows; at < stretch; at += rows) {
                rows = stretch - at < g->piece ? stretch - at : g->piece;
                f(k, g, image, image * g->places + at, rows, own);
            }
            for (int64_t i = 0; sums && i < 2 * g->c; i++) total[i] += sum[i];
        }
    }
}

/* The two sums of one channel over all blocks of an image. */
static void total(const work *g, int64_t image, int64_t channel, double out[2]) {
    out[0] = out[1] = 0;
    for (int64_t block = 0; block < g->blocks; block++) {
        const double *s = g->sums + (image * g->blocks + block) * 2 * g->c + channel;
        out[0] += s[0];
        out[1] += s[g->c];
    }
}

static void sum_moments(const ss_call *k, const work *g, int64_t image, int64_t row, int64_t rows, float *own) {
    float *sum = own + 2 * g->piece * g->c;
    if (k->x[0]->dtype == SS_BF16) {
        g->loops->moments_half(sum, sum + g->c, g->pivot + image * g->c, k->x[0]->half + row * g->c, rows, g->c);
        return;
    }
    const float *x = ss_piece(g->loops, k->x[0], row * g->c, rows * g->c, own);
    g->loops->moments(sum, sum + g->c, g->pivot + image * g->c, x, rows, g->c);
}

/* Mean and variance of every group from its channels', and with them a and b of every channel. */
static void statistics(const ss_call *k, work *g) {
    const ss_norm_attr *attr = k->attr;
    const int64_t count = g->c / g->groups;
    const double places = (double)g->places;
    pass(k, g, sum_moments, true);
#pragma omp parallel for schedule(static) num_threads(g->threads)
    for (int64_t n = 0; n < g->n * g->groups; n++) {
        int64_t image = n / g->groups, first = n % g->groups * count;
        const float *pivot = g->pivot + image * g->c, *shift = g->shift + image * g->c;
        double mean = 0, square = 0, s[2];
        for (int64_t i = first; i < first + count; i++) {
            total(g, image, i, s);
            mean += (pivot[i] + (double)shift[i] + s[0] / places) / (double)count;
        }
        for (int64_t i = first; i < first + count; i++) {
            total(g, image, i, s);
            double off = pivot[i] + (double)shift[i] + s[0] / places - mean;
            square += s[1] - s[0] * s[0] / places + places * off * off;
        }
        double scale = 1 / sqrt(square / (places * (double)count) + attr->eps);
        g->mean[n] = (float)mean;
        g->scale[n] = (float)scale;
        for (int64_t i = first; i < first + count; i++) {
            coefficient(g, A, image)[i] = (float)(scale * g->w[i]);
            coefficient(g, B, image)[i] = (float)(g->b[i] + (shift[i] - mean) * scale * g->w[i]);
        }
    }
}

static void apply(const ss_call *k, const work *g, int64_t image, int64_t row, int64_t rows, float *own) {
    const ss_norm_attr *attr = k->attr;
    int64_t at = row * g->c, n = rows * g->c;
    float *buffer = own + g->piece * g->c;
    if (k->x[0]->dtype == SS_BF16 && k->y->dtype == SS_BF16) {
        g->loops->scaled_half(k->y->half + at, k->x[0]->half + at, coefficient(g, A, image), coefficient(g, B, image),
                              attr->silu, rows, g->c);
        return;
    }
    g->loops->scaled(ss_piece_begin(k->y, at, buffer), ss_piece(g->loops, k->x[0], at, n, own),
                     coefficient(g, A, image), coefficient(g, B, image), attr->silu, rows, g->c);
    ss_piece_done(g->loops, k->y, at, n, buffer);
}

ss_status ss_group_norm_cpu(const ss_call *k) {
    work g;
    if (begin(&g, k)) return SS_ERR_NOMEM;
    statistics(k, &g);
    pass(k, &g, apply, false);
    return SS_OK;
}

static void sum_slopes(const ss_call *k, const work *g, int64_t image, int64_t row, int64_t rows, float *own) {
    const ss_norm_attr *attr = k->attr;
    float *sum = own + 2 * g->piece * g->c;
    const float *x = ss_piece(g->loops, k->x[0], row * g->c, rows * g->c, own);
    g->loops->slopes(sum, sum + g->c, g->pivot + image * g->c, k->dy + row * g->c, x, coefficient(g, A, image),
                     coefficient(g, B, image), attr->silu, rows, g->c);
}

/* p, q, r of every channel of one image's group, and what that group gives to the gradients of w, b and shift. `sum`
 * holds the channels' sums of x - pivot, which say where v lies on average. */
static void group_back(const ss_call *k, const work *g, int64_t n, const double *sum) {
    const int64_t count = g->c / g->groups, image = n / g->groups, first = n % g->groups * count;
    const float *pivot = g->pivot + image * g->c, *shift = g->shift + image * g->c;
    const double places = (double)g->places, mean = g->mean[n], s = g->scale[n];
    double m1 = 0, m2 = 0, dz[2];
    for (int64_t i = first; i < first + count; i++) {
        total(g, image, i, dz);
        double dzv = s * (dz[1] + (pivot[i] + (double)shift[i] - mean) * dz[0]);
        m1 += g->w[i] * dz[0] / (places * (double)count);
        m2 += g->w[i] * dzv / (places * (double)count);
        if (k->dx[1]) k->dx[1][i] += (float)dzv;
        if (k->dx[2]) k->dx[2][i] += (float)dz[0];
    }
    for (int64_t i = first; i < first + count; i++) {
        coefficient(g, P, image)[i] = (float)(g->w[i] * s);
        coefficient(g, Q, image)[i] = (float)(-s * s * m2);
        coefficient(g, R, image)[i] = (float)(-s * m1 + s * s * m2 * (mean - shift[i]));
        if (!k->dx[3]) continue;
        total(g, image, i, dz);
        double v = s * (sum[image * g->c + i] + places * (pivot[i] + (double)shift[i] - mean));
        k->dx[3][image * g->c + i] += (float)(s * (g->w[i] * dz[0] - places * m1 - v * m2));
    }
}

static void apply_back(const ss_call *k, const work *g, int64_t image, int64_t row, int64_t rows, float *own) {
    const ss_norm_attr *attr = k->attr;
    int64_t at = row * g->c, n = rows * g->c;
    g->loops->scaled_back(k->dx[0] + at, k->dy + at, ss_piece(g->loops, k->x[0], at, n, own), coefficient(g, A, image),
                          coefficient(g, B, image), coefficient(g, P, image), coefficient(g, Q, image),
                          coefficient(g, R, image), attr->silu, rows, g->c);
}

ss_status ss_group_norm_cpu_back(const ss_call *k) {
    work g;
    if (begin(&g, k)) return SS_ERR_NOMEM;
    double *sum = ss_alloc(k->cx, (size_t)(g.n * g.c), sizeof *sum), s[2];
    if (!sum) return SS_ERR_NOMEM;
    statistics(k, &g);
    for (int64_t i = 0; i < g.n * g.c; i++) {
        total(&g, i / g.c, i % g.c, s);
        sum[i] = s[0];
    }
    pass(k, &g, sum_slopes, true);
    /* One image after the other: they add to the same gradients of w and b. */
    for (int64_t n = 0; n < g.n * g.groups; n++) group_back(k, &g, n, sum);
    if (k->dx[0]) pass(k, &g, apply_back, false);
    free(sum);
    return SS_OK;
}
