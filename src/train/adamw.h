/* AdamW (Loshchilov and Hutter 2019): Adam whose weight decay stands apart from the gradient.
 *
 *     w *= 1 - rate decay
 *     m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2
 *     w -= rate (m / (1 - b1^step)) / (sqrt(v / (1 - b2^step)) + eps)
 */
#ifndef SS_ADAMW_H
#define SS_ADAMW_H

#include "base/base.h"

typedef struct ss_adamw {
    double beta1, beta2, eps, decay;
} ss_adamw;

ss_adamw ss_adamw_default(void); /* 0.9, 0.999, 1e-8, 0.01: what both published programs use */

/* One tensor's step; `step` counts from 1. Each gradient is multiplied with `scale` first. */
void ss_adamw_step(const ss_ctx *cx, const ss_adamw *a, float *w, float *m, float *v, const float *g, int64_t n,
                   int64_t step, double rate, double scale);

double ss_square_sum(const float *g, int64_t n); /* in double, always in one order */

/* What brings a gradient of this norm down to `most`; 1 if it is no longer, or if most is 0. */
double ss_clip_scale(double norm, double most);

#endif
