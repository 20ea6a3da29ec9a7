/* Layer norm on the processor. A row fits the first cache, so its mean, its variance and its result are three passes
 * over numbers that were fetched once. The gradients of scale and offset are summed in a fixed number of blocks of
 * rows, so that they do not depend on the threads. */
#include "op/cpu.h"
#include "op/loops.h"

#include <math.h>
#include <omp.h>
#include <string.h>

typedef struct moments {
    float mean, scale;
} moments;

static moments moments_of(const ss_loops *l, const float *x, float eps, int64_t d) {
    float mean = l->sum(x, d) / (float)d;
    return (moments){mean, 1 / sqrtf(l->spread(x, mean, d) / (float)d + eps)};
}

ss_status ss_layer_norm_cpu(const ss_call *k) {
    const ss_norm_attr *a = k->attr;
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t d = ss_channels(k->y), rows = ss_rows(k->y);
    const float *w = ss_weights_f32(k, 1), *b = ss_weights_f32(k, 2);
    const int threads = ss_threads_for(k->cx, rows * d);
    float *buffers = ss_scratch(k->cx, (size_t)(threads * 2 * d) * sizeof *buffers);
    const bool half = k->x[0]->dtype == SS_BF16 && k->y->dtype == SS_BF16;
    if (!w || !b || !buffers) return SS_ERR_NOMEM;

#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t r = 0; r < rows; r++) {
        if (half) {
            l->row_norm_half(k->y->half + r * d, k->x[0]->half + r * d, a->eps, w, b, d);
            continue;
        }
        float *buffer = buffers + omp_get_thread_num() * 2 * d;
        const float *x = ss_piece(l, k->x[0], r * d, d, buffer);
        moments m = moments_of(l, x, a->eps, d);
        l->row_norm(ss_piece_begin(k->y, r * d, buffer + d), x, m.mean, m.scale, w, b, d);
        ss_piece_done(l, k->y, r * d, d, buffer + d);
    }
    return SS_OK;
}

ss_status ss_layer_norm_cpu_back(const ss_call *k) {
    enum { BLOCKS = 32 };
    const ss_norm_attr *a = k->attr;
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t d = ss_channels(k->y), rows = ss_rows(k->y);
    const float *w = ss_weights_f32(k, 1);
    const int threads = ss_threads_for(k->cx, rows * d);
    float *sums = ss_scratch(k->cx, (size_t)(BLOCKS * 2 * d + threads * d) * sizeof *sums),
          *buffers = sums + BLOCKS * 2 * d;
    if (!w || !sums) return SS_ERR_NOMEM;
    memset(sums, 0, (size_t)(BLOCKS * 2 * d) * sizeof *sums);

#pragma omp parallel for schedule(static) num_threads(threads)
    for (int block = 0; block < BLOCKS; block++) {
        float *dw = k->dx[1] ? sums + 2 * block * d : NULL, *db = k->dx[2] ? sums + (2 * block + 1) * d : NULL;
        for (int64_t r = rows * block / BLOCKS; r < rows * (block + 1) / BLOCKS; r++) {
            const float *x = ss_piece(l, k->x[0], r * d, d, buffers + omp_get_thread_num() * d), *dy = k->dy + r * d;
            moments m = moments_of(l, x, a->eps, d);
            float mean[2];
            l->row_sums(mean, dy, x, m.mean, m.scale, w, d);
            mean[0] /= (float)d;
            mean[1] /= (float)d;
            l->row_back(k->dx[0] ? k->dx[0] + r * d : NULL, dw, db, dy, x, m.mean, m.scale, w, mean, d);
        }
    }
    for (int block = 0; block < BLOCKS; block++) {
        if (k->dx[1]) l->add(k->dx[1], k->dx[1], sums + 2 * block * d, d);
        if (k->dx[2]) l->add(k->dx[2], k->dx[2], sums + (2 * block + 1) * d, d);
    }
    return SS_OK;
}
