/* The optimizer's arithmetic. */
#include "train/adamw.h"

#include <math.h>

ss_adamw ss_adamw_default(void) { return (ss_adamw){.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decay = 0.01}; }

void ss_adamw_step(const ss_ctx *cx, const ss_adamw *a, float *w, float *m, float *v, const float *g, int64_t n,
                   int64_t step, double rate, double scale) {
    const float b1 = (float)a->beta1, b2 = (float)a->beta2, rest1 = (float)(1 - a->beta1),
                rest2 = (float)(1 - a->beta2);
    const float kept = (float)(1 - rate * a->decay), eps = (float)a->eps, by = (float)scale;
    const float size = (float)(rate / (1 - pow(a->beta1, (double)step)));
    const float root = (float)sqrt(1 - pow(a->beta2, (double)step));
#pragma omp parallel for simd schedule(static) num_threads(n < 16384 ? 1 : cx->threads)
    for (int64_t i = 0; i < n; i++) {
        float d = g[i] * by;
        m[i] = b1 * m[i] + rest1 * d;
        v[i] = b2 * v[i] + rest2 * d * d;
        w[i] = w[i] * kept - size * m[i] / (sqrtf(v[i]) / root + eps);
    }
}

double ss_square_sum(const float *g, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)g[i] * g[i];
    return sum;
}

double ss_clip_scale(double norm, double most) {
    if (most <= 0) return 1;
    double scale = most / (norm + 1e-6);
    return scale < 1 ? scale : 1;
}
