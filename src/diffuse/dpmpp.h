/* What the members of DPM-Solver++ share (Lu et al. 2022): data prediction, and steps in lambda = ln(1 / sigma).
 *
 *     x_t = (s_t / s) x - alpha_t (exp(-h) - 1) D,   h = lambda_t - lambda,   s = alpha sigma
 *
 * with D the picture x_0 that is predicted, continued over the step from the last ones by order. In terms of sigma,
 * exp(-h) is sigma_t / sigma, and 0 in a step to sigma 0, which lands on D.
 */
#ifndef SS_DPMPP_H
#define SS_DPMPP_H

#include "diffuse/sampler_parts.h"

#include <math.h>

typedef struct ss_dpmpp {
    double keep;  /* of x */
    double gain;  /* alpha_t (1 - exp(-h)): of D */
    double h;     /* infinite in a step to sigma 0 */
    double alpha; /* alpha_t */
} ss_dpmpp;

/* The step from level `from` to level `to` of a run. */
static inline ss_dpmpp ss_dpmpp_between(const ss_sampling *s, int from, int to) {
    double here = s->sigma[from], there = s->sigma[to];
    double alpha = 1 / sqrt(there * there + 1), decay = there / here;
    return (ss_dpmpp){alpha * decay * sqrt(here * here + 1), alpha * (1 - decay), -log(decay), alpha};
}

/* lambda_to - lambda_from */
static inline double ss_dpmpp_stride(const ss_sampling *s, int from, int to) {
    return log((double)s->sigma[from] / s->sigma[to]);
}

/* The order that the past allows. Runs of fewer than 15 steps end with lower orders, as does every run that ends at
 * sigma 0, where higher ones have no meaning. */
static inline int ss_dpmpp_order(const ss_sampling *s, int call, int most) {
    int order = s->done < most ? s->done + 1 : most, left = s->calls - call;
    if (s->calls < 15 && left < order) order = left;
    if (left == 1 && (s->sigma[s->calls] == 0 || s->options.euler_at_final)) order = 1;
    return order;
}

#endif
