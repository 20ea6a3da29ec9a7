/* torch's CPU generator: the Mersenne twister mt19937 and what torch makes of its words. */
#include "base/rng.h"

#include <assert.h>
#include <math.h>

enum { WORDS = SS_RNG_WORDS, SHIFT = 397, BLOCK = 16, HALF = BLOCK / 2 };

static const double pi = 3.14159265358979323846;

/* A remainder of 32 bits shows a skew before the range reaches them, so torch takes two words from here on. */
static const uint64_t range_of_two_words = UINT64_C(1) << 28;

void ss_rng_seed(ss_rng *r, uint64_t seed) {
    r->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < WORDS; i++) {
        uint32_t before = r->state[i - 1];
        r->state[i] = 1812433253u * (before ^ before >> 30) + i;
    }
    r->next = WORDS;
    r->has_spare = false;
    r->spare = 0;
}

/* The recurrence of mt19937: the top bit of `a`, the others of `b`, times its matrix, plus a word SHIFT places on. */
static uint32_t twist(uint32_t a, uint32_t b, uint32_t ahead) {
    uint32_t mixed = (a & 0x80000000u) | (b & 0x7fffffffu);
    return ahead ^ mixed >> 1 ^ (b & 1 ? 0x9908b0dfu : 0);
}

static void next_words(ss_rng *r) {
    uint32_t *s = r->state;
    int i = 0;
    for (; i < WORDS - SHIFT; i++) s[i] = twist(s[i], s[i + 1], s[i + SHIFT]);
    for (; i < WORDS - 1; i++) s[i] = twist(s[i], s[i + 1], s[i + SHIFT - WORDS]);
    s[i] = twist(s[i], s[0], s[i + SHIFT - WORDS]);
    r->next = 0;
}

uint32_t ss_rng_u32(ss_rng *r) {
    if (r->next == WORDS) next_words(r);
    uint32_t y = r->state[r->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

uint64_t ss_rng_u64(ss_rng *r) {
    uint64_t high = ss_rng_u32(r);
    return high << 32 | ss_rng_u32(r);
}

static float uniform(ss_rng *r) { return (float)(ss_rng_u32(r) & 0xffffff) * 0x1p-24f; }
static double uniform_f64(ss_rng *r) { return (double)(ss_rng_u64(r) & 0x1fffffffffffff) * 0x1p-53; }

void ss_rng_uniform(ss_rng *r, float *y, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = uniform(r);
}

void ss_rng_uniform_f64(ss_rng *r, double *y, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = uniform_f64(r);
}

/* Box and Muller's transform. A draw of few values makes them one after the other and leaves the sine for the next
 * such draw. */
static double normal(ss_rng *r) {
    if (r->has_spare) {
        r->has_spare = false;
        return r->spare;
    }
    double u1 = uniform_f64(r), u2 = uniform_f64(r);
    double radius = sqrt(-2 * log1p(-u2)), angle = 2 * pi * u1;
    r->spare = radius * sin(angle);
    r->has_spare = true;
    return radius * cos(angle);
}

/* In a larger draw uniform j and uniform j + 8 of each block of 16 make normals j and j + 8. */
static void transform(float *y) {
    for (int j = 0; j < HALF; j++) {
        float radius = sqrtf(-2 * logf(1 - y[j])), angle = (float)(2 * pi) * y[j + HALF];
        y[j] = radius * cosf(angle);
        y[j + HALF] = radius * sinf(angle);
    }
}

static void transform_f64(double *y) {
    for (int j = 0; j < HALF; j++) {
        double radius = sqrt(-2 * log(1 - y[j])), angle = 2 * pi * y[j + HALF];
        y[j] = radius * cos(angle);
        y[j + HALF] = radius * sin(angle);
    }
}

/* All uniforms are drawn before the first block is transformed. Where n is no multiple of 16, the last 16 places are
 * drawn and transformed afresh, over what was there. */
void ss_rng_normal(ss_rng *r, float *y, int64_t n) {
    if (n < BLOCK) {
        for (int64_t i = 0; i < n; i++) y[i] = (float)normal(r);
        return;
    }
    ss_rng_uniform(r, y, n);
    for (int64_t i = 0; i + BLOCK <= n; i += BLOCK) transform(y + i);
    if (n % BLOCK == 0) return;
    ss_rng_uniform(r, y + n - BLOCK, BLOCK);
    transform(y + n - BLOCK);
}

void ss_rng_normal_f64(ss_rng *r, double *y, int64_t n) {
    if (n < BLOCK) {
        for (int64_t i = 0; i < n; i++) y[i] = normal(r);
        return;
    }
    ss_rng_uniform_f64(r, y, n);
    for (int64_t i = 0; i + BLOCK <= n; i += BLOCK) transform_f64(y + i);
    if (n % BLOCK == 0) return;
    ss_rng_uniform_f64(r, y + n - BLOCK, BLOCK);
    transform_f64(y + n - BLOCK);
}

int64_t ss_rng_int(ss_rng *r, int64_t from, int64_t to) {
    assert(from < to);
    uint64_t range = (uint64_t)to - (uint64_t)from;
    uint64_t drawn = range < range_of_two_words ? ss_rng_u32(r) : ss_rng_u64(r);
    return (int64_t)((uint64_t)from + drawn % range);
}

void ss_rng_permutation(ss_rng *r, int64_t *y, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = i;
    for (int64_t i = 0; i < n - 1; i++) {
        int64_t j = i + ss_rng_u32(r) % (n - i), kept = y[i];
        y[i] = y[j];
        y[j] = kept;
    }
}
