/* The clay world's random numbers: splitmix64. Every state is a good one, so a seed is just a number. */
#ifndef SS_CLAY_RANDOM_H
#define SS_CLAY_RANDOM_H

#include <stdint.h>

typedef struct rng {
    uint64_t state;
} rng;

static inline uint64_t draw_bits(rng *r) {
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline float draw_unit(rng *r) { return (float)(draw_bits(r) >> 40) * 0x1p-24f; } /* [0, 1) */
static inline int draw_below(rng *r, int n) { return (int)(draw_bits(r) % (uint64_t)n); }
static inline float draw_between(rng *r, float lo, float hi) { return lo + (hi - lo) * draw_unit(r); }

#endif
