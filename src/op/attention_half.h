/* Attention in bfloat16 with float32 sums: what the kernel for AVX-512 and the one for AMX tiles share. Both need
 * AVX512-BF16; each includes this file, says how it multiplies, and is compiled by itself.
 *
 * A block of scores is [queries, keys], float32. Its softmax overwrites it as bfloat16, from each row's beginning, and
 * is the left side of the product with the values. The right sides are packed in the order that the instructions for
 * pairs of bfloat16 want: two numbers that follow each other in the sum lie side by side.
 *
 *     keys    tiles of 16 keys, each [kd / 2, 16] pairs of channels; kd is hd, and three more for a bias, up to 32s
 *     values  groups of 32 keys, each [columns / 16] tiles of [16, 16] pairs of keys j and j + 16; columns is hd up to
 * 16s
 *
 * A bias is three channels that add up to it in bfloat16, against ones in the queries.
 */
#ifndef SS_ATTENTION_HALF_H
#define SS_ATTENTION_HALF_H

#include "op/attention_cpu.h"
#include "op/lanes.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum {
    QUERIES = 32,    /* of a task */
    KEYS = 128,      /* of a block of scores, which shares the first cache with its keys and values */
    LDS = KEYS + 16, /* numbers from a row of scores to the next: not a power of two, which caches dislike */
    BIAS = 3,        /* channels */
};

static inline int64_t up_to(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }
static inline int64_t key_width(int64_t hd, bool biased) { return up_to(hd + (biased ? BIAS : 0), 32); }
static inline int64_t value_width(int64_t hd) { return up_to(hd, 16); }

static inline size_t half_k_size(int64_t keys, int64_t hd, bool biased) {
    return (size_t)(up_to(keys, 32) * key_width(hd, biased)) * sizeof(uint16_t);
}

static inline size_t half_v_size(int64_t keys, int64_t hd) {
    return (size_t)(up_to(keys, 32) * value_width(hd)) * sizeof(uint16_t);
}

/* ---- packing */

/* Channels `at` .. `at` + 31 of a row that has n of them; past its end there is nothing but zeros. */
static inline __m512i load_channels(const uint16_t *row, int64_t at, int64_t n) {
    int64_t left = n - at;
    return _mm512_maskz_loadu_epi16(left >= 32 ? ~0u : left > 0 ? (1u << left) - 1 : 0, row + at);
}

/* A row's channels n .. n + 2 become three numbers that add up to `bias`, as far as they are among `at` .. `at` + 31.
 */
static inline void put_bias(uint16_t *channels, int64_t at, int64_t n, float bias) {
    for (int64_t i = n; i < n + BIAS; i++) {
        uint16_t part = ss_float_to_bf16(bias);
        if (i >= at && i < at + 32) channels[i - at] = part;
        bias -= ss_bf16_to_float(part);
    }
}

/* 16 rows of 32 channels become 16 rows of 16 pairs: channels 2 r and 2 r + 1 of every key. */
static inline void pack_key_tile(uint32_t *y, const uint16_t rows[16 * 32]) {
    const __m512i at = _mm512_set_epi32(240, 224, 208, 192, 176, 160, 144, 128, 112, 96, 80, 64, 48, 32, 16, 0);
    for (int r = 0; r < 16; r++) _mm512_storeu_si512(y + r * 16, _mm512_i32gather_epi32(at, (const int *)rows + r, 4));
}

/* Sixteen keys from j on; returns the longest one's square. */
static inline float pack_keys(void *k, const ss_attn_rows *r, int64_t c, int64_t hd, int64_t j, int64_t to) {
    const int64_t kd = key_width(hd, r->bias != NULL);
    __m512 square[16];
    float most = 0;
    for (int i = 0; i < 16; i++) square[i] = _mm512_setzero_ps();
    for (int64_t at = 0; at < kd; at += 32) {
        _Alignas(64) uint16_t rows[16 * 32] = {0};
        for (int i = 0; i < 16 && j + i < to; i++) {
            __m512i x = load_channels((const uint16_t *)r->k[j + i] + c, at, hd);
            square[i] = _mm512_dpbf16_ps(square[i], (__m512bh)x, (__m512bh)x);
            _mm512_store_si512(rows + i * 32, x);
            if (r->bias) put_bias(rows + i * 32, at, hd, r->bias[j + i] * sqrtf((float)hd));
        }
        pack_key_tile((uint32_t *)k + j * kd / 2 + at * 8, rows);
    }
    for (int i = 0; i < 16; i++) most = fmaxf(most, _mm512_reduce_add_ps(square[i]));
    return most;
}

/* Columns `at` .. `at` + 15 of two values, as pairs. */
static inline void pack_value_pair(uint32_t *y, const uint16_t *one, const uint16_t *two, int64_t at, int64_t hd) {
    const __mmask16 there = (__mmask16)(hd - at < 16 ? (1u << (hd - at)) - 1 : 0xffff);
    __m512i a = one ? _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(there, one + at)) : _mm512_setzero_si512();
    __m512i b = two ? _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(there, two + at)) : _mm512_setzero_si512();
    _mm512_storeu_si512(y, _mm512_or_si512(a, _mm512_slli_epi32(b, 16)));
}

/* What lies past the last key, up to 32s, becomes zero. */
static inline float half_pack(void *k, void *v, const ss_attn_rows *r, int64_t c, int64_t hd, int64_t from,
                              int64_t to) {
    const int64_t columns = value_width(hd), end = up_to(to, 32);
    float most = 0;
    for (int64_t j = from; j < end; j += 16) most = fmaxf(most, pack_keys(k, r, c, hd, j, to));
    for (int64_t j = from; j < end; j += j % 16 == 15 ? 17 : 1) {
        const uint16_t *one = j < to ? (const uint16_t *)r->v[j] + c : NULL;
        const uint16_t *two = j + 16 < to ? (const uint16_t *)r->v[j + 16] + c : NULL;
        for (int64_t at = 0; at < columns; at += 16)
            pack_value_pair((uint32_t *)v + (j / 32 * columns + at + j % 32) * 16, one, two, at, hd);
    }
    return sqrtf(most);
}

/* ---- one task */

typedef struct half_block {
    const ss_attn_task *t;
    int64_t kd, columns;
    int64_t rows; /* up to 16s: what is past the task's is zero */
    uint16_t *q;  /* [rows, kd] */
    float *s;     /* the kernel's, SCORES numbers */
    float *y;     /* [rows, columns] */
    float *m;     /* [rows] */
    float *sum;   /* [rows, 16]: of P, in sixteen parts */
    float scale;  /* from products to powers of two */
} half_block;

static inline size_t half_work_size(int64_t hd) {
    return (size_t)(QUERIES * key_width(hd, true)) * sizeof(uint16_t) +
           (size_t)(QUERIES * (LDS + value_width(hd) + 1 + 16)) * sizeof(float);
}

static inline half_block open_half_block(const ss_attn_task *t) {
    half_block b = {.t = t,
                    .kd = key_width(t->hd, t->biased),
                    .columns = value_width(t->hd),
                    .rows = up_to(t->rows, 16),
                    .q = t->work,
                    .scale = t->scale * 1.44269504f};
    b.s = (float *)(b.q + QUERIES * b.kd);
    b.y = b.s + QUERIES * LDS;
    b.m = b.y + QUERIES * b.columns;
    b.sum = b.m + QUERIES;
    for (int64_t i = 0; i < b.rows; i++) {
        const uint16_t *row = (const uint16_t *)t->q + i * t->q_stride;
        uint16_t *q = b.q + i * b.kd;
        __m512 square = _mm512_setzero_ps();
        for (int64_t at = 0; at < b.kd; at += 32) {
            __m512i x = i < t->rows ? load_channels(row, at, t->hd) : _mm512_setzero_si512();
            square = _mm512_dpbf16_ps(square, (__m512bh)x, (__m512bh)x);
            _mm512_storeu_si512(q + at, x);
        }
        for (int64_t c = t->hd; t->biased && c < t->hd + BIAS; c++) q[c] = 0x3f80; /* 1 */
        b.m[i] = (sqrtf(_mm512_reduce_add_ps(square)) * t->longest * t->scale + t->most_bias) * 1.44269504f;
    }
    return b;
}

static inline __mmask16 first_lanes(int64_t n) { return (__mmask16)(n >= 16 ? 0xffff : n > 0 ? (1u << n) - 1 : 0); }

/* How many of the block's keys, `key` being its first, query i sees. */
static inline int64_t seen_in(const ss_attn_task *t, int64_t i, int64_t key) {
    int64_t end = t->keys - key;
    return t->first < t->keys && t->first + i + 1 - key < end ? t->first + i + 1 - key : end;
}

/* 2^x in bfloat16 for 32 numbers at once, given as w = 128 (127 + x), whole and at least 0. Its upper 9 bits are then
 * the result's exponent already, and its lower 7, x's fraction f, are its mantissa but for 128 (f + 1 - 2^f), which
 * comes from a table of 64 parts: rounded about as much as bfloat16 rounds. */
static const uint16_t exp2_table[64] = {0,  1,  1,  2,  2,  3,  4,  4,  5,  5,  5,  6,  6,  7,  7,  8,
                                        8,  8,  9,  9,  9,  9,  10, 10, 10, 10, 10, 11, 11, 11, 11, 11,
                                        11, 11, 11, 11, 11, 11, 11, 11, 11, 10, 10, 10, 10, 10, 9,  9,
                                        9,  8,  8,  8,  7,  7,  6,  6,  5,  5,  4,  3,  3,  2,  1,  1};

static inline __m512i exp2_words(__m512i w) {
    __m512i low = _mm512_loadu_si512(exp2_table), high = _mm512_loadu_si512(exp2_table + 32);
    return _mm512_sub_epi16(w, _mm512_permutex2var_epi16(low, _mm512_srli_epi16(w, 1), high));
}

/* n scores of query i, n up to 32s, become P, keys j and j + 16 side by side, still to be divided by the sum over all
 * keys: this part of it is added to b->sum, lane by lane. */
static inline __attribute__((always_inline)) void half_weights(const half_block *b, int64_t i, int64_t n,
                                                               int64_t seen) {
    const float whole = 12582912; /* 3 * 2^22: what is added to it becomes a whole number in its low bits */
    const __m512 scale = _mm512_set1_ps(128 * b->scale), one = _mm512_set1_ps(whole);
    const __m512 offset = _mm512_set1_ps(whole + 128 * (127 - b->m[i]));
    const __m512i ones = _mm512_set1_epi16(0x3f80);
    __m512 sum = _mm512_loadu_ps(b->sum + i * 16);
    const float *s = b->s + i * LDS;
    uint16_t *p = (uint16_t *)(b->s + i * LDS);
    for (int64_t j = 0; j < n; j += 32) {
        __m512 low = _mm512_max_ps(_mm512_fmadd_ps(_mm512_loadu_ps(s + j), scale, offset), one);
        __m512 high = _mm512_max_ps(_mm512_fmadd_ps(_mm512_loadu_ps(s + j + 16), scale, offset), one);
        if (seen < n) {
            low = _mm512_mask_mov_ps(one, first_lanes(seen - j), low);
            high = _mm512_mask_mov_ps(one, first_lanes(seen - j - 16), high);
        }
        __m512i words = _mm512_mask_blend_epi16(0x55555555, _mm512_slli_epi32((__m512i)high, 16), (__m512i)low);
        __m512i weights = exp2_words(words);
        sum = _mm512_dpbf16_ps(sum, (__m512bh)weights, (__m512bh)ones);
        _mm512_storeu_si512(p + j, weights);
    }
    _mm512_storeu_ps(b->sum + i * 16, sum);
}

/* All rows of a block. Whole blocks that everybody sees are most of them, and a loop of known length. */
static inline void half_weights_of_rows(const half_block *b, int64_t key, int64_t n) {
    if (n == KEYS && seen_in(b->t, 0, key) >= KEYS)
        for (int64_t i = 0; i < b->rows; i++) half_weights(b, i, KEYS, KEYS);
    else
        for (int64_t i = 0; i < b->rows; i++) half_weights(b, i, n, seen_in(b->t, i, key));
}

/* m of query i grows to the largest score among those it sees. */
static inline void half_maximum(const half_block *b, int64_t i, int64_t seen) {
    __m512 m = _mm512_set1_ps(-INFINITY);
    for (int64_t j = 0; j < seen; j += 16)
        m = _mm512_mask_max_ps(m, first_lanes(seen - j), m, _mm512_loadu_ps(b->s + i * LDS + j));
    b->m[i] = fmaxf(b->m[i], _mm512_reduce_max_ps(m) * b->scale);
}

static inline float half_sum(const half_block *b, int64_t i) {
    return _mm512_reduce_add_ps(_mm512_loadu_ps(b->sum + i * 16));
}

static inline bool half_sums_are_good(const half_block *b) {
    for (int64_t i = 0; i < b->t->rows; i++)
        if (!(half_sum(b, i) >= 0x1p-88f)) return false;
    return true;
}

/* ---- the flow of a task, around a kernel's two products of a block of n keys, up to 32s, from `key` on */

typedef void half_scores(const half_block *b, int64_t key, int64_t n); /* s = q k */
typedef void half_values(const half_block *b, int64_t key, int64_t n); /* y += P v */

static inline int64_t keys_from(const half_block *b, int64_t key) {
    return b->t->keys - key < KEYS ? up_to(b->t->keys - key, 32) : KEYS;
}

/* The last key that any query of the task sees, and one. */
static inline int64_t end_of(const ss_attn_task *t) {
    return t->first < t->keys && t->first + t->rows < t->keys ? t->first + t->rows : t->keys;
}

static inline void sum_values(const half_block *b, half_scores *scores, half_values *values) {
    memset(b->y, 0, (size_t)(b->rows * b->columns) * sizeof *b->y);
    memset(b->sum, 0, (size_t)(b->rows * 16) * sizeof *b->sum);
    for (int64_t key = 0; key < end_of(b->t); key += KEYS) {
        const int64_t n = keys_from(b, key);
        scores(b, key, n);
        half_weights_of_rows(b, key, n);
        values(b, key, n);
    }
}

static inline void find_maxima(const half_block *b, half_scores *scores) {
    for (int64_t i = 0; i < b->rows; i++) b->m[i] = -INFINITY;
    for (int64_t key = 0; key < end_of(b->t); key += KEYS) {
        scores(b, key, keys_from(b, key));
        for (int64_t i = 0; i < b->rows; i++) half_maximum(b, i, seen_in(b->t, i, key));
    }
}

static inline void half_results(const half_block *b) {
    const ss_attn_task *t = b->t;
    for (int64_t i = 0; i < t->rows; i++) {
        const __m512 share = _mm512_set1_ps(1 / half_sum(b, i));
        for (int64_t c = 0; c < t->hd; c += 16) {
            __m512 y = _mm512_mul_ps(_mm512_loadu_ps(b->y + i * b->columns + c), share);
            _mm512_mask_storeu_ps(t->y + i * t->y_stride + c, first_lanes(t->hd - c), y);
        }
    }
}

static inline void half_attend(const ss_attn_task *t, half_scores *scores, half_values *values) {
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | _MM_FLUSH_ZERO_ON); /* weights that vanish do so at no cost */
    half_block b = open_half_block(t);
    sum_values(&b, scores, values);
    if (!half_sums_are_good(&b)) {
        find_maxima(&b, scores);
        sum_values(&b, scores, values);
    }
    half_results(&b);
    _mm_setcsr(mode);
}

#endif
