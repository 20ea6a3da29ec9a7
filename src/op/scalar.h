/* The functions of one number that several operations share, by the C library: what their plain loops are made of. */
#ifndef SS_SCALAR_H
#define SS_SCALAR_H

#include <math.h>

static inline float ss_logistic(float x) { return 1.0f / (1.0f + expf(-x)); }

static inline float ss_silu_of(float x) { return x * ss_logistic(x); }

static inline float ss_silu_slope(float x) {
    float s = ss_logistic(x);
    return s * (1.0f + x * (1.0f - s));
}

/* Phi, the normal distribution function. erfc keeps its relative accuracy where Phi is small. */
static inline float ss_normal_cdf(float x) { return 0.5f * erfcf(-0.70710678f * x); }

static inline float ss_gelu_of(float x) { return x * ss_normal_cdf(x); }

static inline float ss_gelu_slope(float x) { return ss_normal_cdf(x) + x * 0.39894228f * expf(-0.5f * x * x); }

#endif
