/* Random numbers of torch's CPU generator: the same seed draws the same numbers as a program that uses torch.
 *
 * Integers and uniforms are identical. Normals are the same formula through the C library's functions: draws of 16 or
 * more float32 values differ from torch's vector code by at most 5e-7, the others by at most 2 units in the last place.
 */
#ifndef SS_RNG_H
#define SS_RNG_H

#include "base/base.h"

enum { SS_RNG_WORDS = 624 };

/* Plain data: a copy goes on from the same place. */
typedef struct ss_rng {
    uint32_t state[SS_RNG_WORDS]; /* mt19937 */
    int next;                     /* the word that comes next; SS_RNG_WORDS: none is left */
    bool has_spare;               /* a small normal draw left its sine behind */
    double spare;
} ss_rng;

/* Only the low 32 bits count: 2^32 + 7 draws the numbers of 7. */
void ss_rng_seed(ss_rng *r, uint64_t seed);

uint32_t ss_rng_u32(ss_rng *r);
uint64_t ss_rng_u64(ss_rng *r); /* two of the former, the high half first */

/* [0, 1), with 24 and with 53 random bits. torch.rand */
void ss_rng_uniform(ss_rng *r, float *y, int64_t n);
void ss_rng_uniform_f64(ss_rng *r, double *y, int64_t n);

/* Standard normals. torch.randn: 16 values or more are drawn by another method than fewer, and n values at once are
 * other numbers than n values in parts. */
void ss_rng_normal(ss_rng *r, float *y, int64_t n);
void ss_rng_normal_f64(ss_rng *r, double *y, int64_t n);

/* from <= value < to. torch.randint */
int64_t ss_rng_int(ss_rng *r, int64_t from, int64_t to);

/* 0..n-1 in random order. torch.randperm; n < 2^32. */
void ss_rng_permutation(ss_rng *r, int64_t *y, int64_t n);

#endif
