/* Attention's gradient in bfloat16 with AMX: 32 queries of one head against all its keys at a time.
 *
 * A first pass over the keys keeps E = 2^(s - m) and dP = dy v of the whole row, and sums E and E dP over it. Then
 * P = E / sum and dS = scale P (dP - mean) are known block by block, in two orders: by rows, the left side of dq = dS
 * k, and by pairs of queries, the right side of dk^T = q^T dS and dv^T = dy^T P. These two are summed transposed, in
 * blocks of [columns, KEYS].
 *
 *     keys    K as forward has them, then V packed in the same way
 *     values  K packed as forward packs V
 */
#include "op/attention_half.h"

enum { PAIRS = QUERIES / 2 };

static const struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes_per_row[16];
    uint8_t rows[16];
} shapes = {.palette = 1, .bytes_per_row = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

/* Tile instructions read and write memory behind the compiler's back. */
static inline void settle(void) { __asm__ volatile("" ::: "memory"); }

/* ---- packing */

static size_t back_k_size(int64_t keys, int64_t hd, bool biased) {
    return half_k_size(keys, hd, biased) + half_k_size(keys, hd, false);
}

static float back_pack(void *k, void *v, const ss_attn_rows *r, int64_t c, int64_t hd, int64_t from, int64_t to) {
    const int64_t columns = value_width(hd), end = up_to(to, 32);
    const ss_attn_rows turned = {.count = r->count, .dtype = r->dtype, .k = r->v, .v = r->k};
    void *values_as_keys = (char *)k + half_k_size(r->count, hd, r->bias != NULL);
    float most = 0;
    for (int64_t j = from; j < end; j += 16) {
        most = fmaxf(most, pack_keys(k, r, c, hd, j, to));
        pack_keys(values_as_keys, &turned, c, hd, j, to);
    }
    for (int64_t j = from; j < end; j += 2) {
        const uint16_t *one = j < to ? (const uint16_t *)r->k[j] + c : NULL;
        const uint16_t *two = j + 1 < to ? (const uint16_t *)r->k[j + 1] + c : NULL;
        for (int64_t at = 0; at < columns; at += 16)
            pack_value_pair((uint32_t *)v + (j / 32 * columns + at) * 16 + j % 32 * 8, one, two, at, hd);
    }
    return sqrtf(most);
}

/* ---- one task's memory */

typedef struct back_block {
    half_block b; /* q, m, sum and a block of scores */
    const ss_attn_back *t;
    int64_t dkd;                  /* channels of dy and V, up to 32s */
    int64_t blocks;               /* of KEYS keys */
    uint16_t *dy;                 /* [QUERIES, dkd], weighted */
    uint16_t *qt, *dyt;           /* [columns, QUERIES] */
    uint16_t *e;                  /* [blocks, QUERIES, LDS]: caches dislike rows that lie a power of two apart */
    float *dp;                    /* the same */
    float *dot, *mean;            /* [QUERIES, 16], [QUERIES]: of P dP */
    uint16_t *ds;                 /* [QUERIES, LDS]: a block by rows */
    uint32_t *ds_pairs, *p_pairs; /* [PAIRS, LDS]: a block by pairs of queries */
    float *dq;                    /* [QUERIES, columns] */
} back_block;

static inline uint16_t *e_block(const back_block *k, int64_t key) { return k->e + key / KEYS * QUERIES * LDS; }
static inline float *dp_block(const back_block *k, int64_t key) { return k->dp + key / KEYS * QUERIES * LDS; }

static inline void *part(char **at, size_t bytes) {
    void *here = *at;
    *at += (bytes + 63) / 64 * 64;
    return here;
}

static void lay_out(back_block *k, char *at, int64_t hd, int64_t keys) {
    const int64_t columns = value_width(hd);
    k->dkd = key_width(hd, false);
    k->blocks = up_to(keys, KEYS) / KEYS;
    k->dy = part(&at, (size_t)(QUERIES * k->dkd) * 2);
    k->qt = part(&at, (size_t)(QUERIES * columns) * 2);
    k->dyt = part(&at, (size_t)(QUERIES * columns) * 2);
    k->ds = part(&at, (size_t)(QUERIES * LDS) * 2);
    k->ds_pairs = part(&at, (size_t)(PAIRS * LDS) * 4);
    k->p_pairs = part(&at, (size_t)(PAIRS * LDS) * 4);
    k->dot = part(&at, QUERIES * 16 * 4);
    k->mean = part(&at, QUERIES * 4);
    k->dq = part(&at, (size_t)(QUERIES * columns) * 4);
    k->e = part(&at, (size_t)(k->blocks * QUERIES * LDS) * 2);
    k->dp = part(&at, (size_t)(k->blocks * QUERIES * LDS) * 4);
}

static size_t back_size(int64_t hd, int64_t keys) {
    const size_t columns = (size_t)value_width(hd), width = (size_t)up_to(keys, KEYS) / KEYS * LDS;
    return half_work_size(hd) + 12 * 64 +
           QUERIES * (2 * (size_t)key_width(hd, false) + 8 * columns + 2 * LDS + 4 * LDS + 64 + 4 + 6 * width);
}

/* dy in bfloat16, weighted, and it and q once more with queries side by side. What is past the rows is zero. */
static void turn(back_block *k) {
    const ss_attn_back *t = k->t;
    const int64_t hd = t->task.hd, rows = t->task.rows;
    memset(k->dy, 0, (size_t)(QUERIES * k->dkd) * sizeof *k->dy);
    memset(k->qt, 0, (size_t)(QUERIES * k->b.columns) * sizeof *k->qt);
    memset(k->dyt, 0, (size_t)(QUERIES * k->b.columns) * sizeof *k->dyt);
    for (int64_t i = 0; i < rows; i++) {
        const float *dy = t->dy + i * t->dy_stride, weight = t->weight ? t->weight[i] : 1;
        const uint16_t *q = (const uint16_t *)t->task.q + i * t->task.q_stride;
        for (int64_t c = 0; c < hd; c += 16) {
            __mmask16 there = first_lanes(hd - c);
            __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(there, dy + c), _mm512_set1_ps(weight));
            _mm256_mask_storeu_epi16(k->dy + i * k->dkd + c, there, (__m256i)_mm512_cvtneps_pbh(v));
        }
        for (int64_t c = 0; c < hd; c++) {
            k->qt[c * QUERIES + i] = q[c];
            k->dyt[c * QUERIES + i] = k->dy[i * k->dkd + c];
        }
    }
}

/* ---- products */

/* y[QUERIES, n] = x[QUERIES, depth] times keys as they are packed; n up to 32s. */
static void by_keys(float *y, int64_t apart, const uint16_t *x, const uint16_t *keys, int64_t depth, int64_t n) {
    const int64_t row = depth * 2;
    settle();
    for (int64_t j = 0; j < n; j += 32) {
        const uint16_t *one = keys + j * depth, *two = one + 16 * depth;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int64_t c = 0; c < depth; c += 32) {
            _tile_loadd(4, x + c, row);
            _tile_loadd(6, one + c * 16, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(5, x + 16 * depth + c, row);
            _tile_dpbf16ps(2, 5, 6);
            _tile_loadd(7, two + c * 16, 64);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(0, y + j, apart * 4);
        _tile_stored(2, y + 16 * apart + j, apart * 4);
        _tile_stored(1, y + j + 16, apart * 4);
        _tile_stored(3, y + 16 * apart + j + 16, apart * 4);
    }
    settle();
}

/* dq += dS K. */
static void add_dq(const back_block *k, int64_t key, int64_t n) {
    const int64_t columns = k->b.columns, row = columns * 4;
    settle();
    for (int64_t c = 0; c < columns; c += 16) {
        float *y = k->dq + c;
        _tile_loadd(0, y, row);
        _tile_loadd(2, y + 16 * columns, row);
        for (int64_t j = 0; j < n; j += 32) {
            _tile_loadd(6, (const uint16_t *)k->t->task.v + (key + j) * columns + c * 32, 64);
            _tile_loadd(4, k->ds + j, LDS * 2);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(5, k->ds + 16 * LDS + j, LDS * 2);
            _tile_dpbf16ps(2, 5, 6);
        }
        _tile_stored(0, y, row);
        _tile_stored(2, y + 16 * columns, row);
    }
    settle();
}

/* sum[columns, KEYS] += x^T [columns, QUERIES] times a block by pairs of queries. */
static void add_turned(float *sum, const uint16_t *xt, const uint32_t *pairs, int64_t columns, int64_t n) {
    settle();
    for (int64_t j = 0; j < n; j += 32) {
        _tile_loadd(6, pairs + j, LDS * 4);
        _tile_loadd(7, pairs + j + 16, LDS * 4);
        for (int64_t c = 0; c < columns; c += 32) {
            float *y = sum + c * KEYS + j, *next = y + 16 * KEYS;
            const bool two = c + 16 < columns;
            _tile_loadd(4, xt + c * QUERIES, QUERIES * 2);
            _tile_loadd(0, y, KEYS * 4);
            _tile_loadd(1, y + 16, KEYS * 4);
            if (two) _tile_loadd(5, xt + (c + 16) * QUERIES, QUERIES * 2);
            if (two) _tile_loadd(2, next, KEYS * 4);
            if (two) _tile_loadd(3, next + 16, KEYS * 4);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            if (two) _tile_dpbf16ps(2, 5, 6);
            if (two) _tile_dpbf16ps(3, 5, 7);
            _tile_stored(0, y, KEYS * 4);
            _tile_stored(1, y + 16, KEYS * 4);
            if (two) _tile_stored(2, next, KEYS * 4);
            if (two) _tile_stored(3, next + 16, KEYS * 4);
        }
    }
    settle();
}

/* ---- the two passes */

/* E and the sums of a block's n keys; `seen` of them the query sees. */
static inline __attribute__((always_inline)) void weigh(const back_block *k, int64_t i, int64_t key, int64_t n,
                                                        int64_t seen) {
    const half_block *b = &k->b;
    const __m512 scale = _mm512_set1_ps(b->scale), m = _mm512_set1_ps(b->m[i]);
    __m512 sum = _mm512_loadu_ps(b->sum + i * 16), dot = _mm512_loadu_ps(k->dot + i * 16);
    const float *s = b->s + i * LDS, *dp = dp_block(k, key) + i * LDS;
    uint16_t *e = e_block(k, key) + i * LDS;
    for (int64_t j = 0; j < n; j += 32) {
        __m512 one = exp2_coarse(_mm512_fmsub_ps(_mm512_loadu_ps(s + j), scale, m));
        __m512 two = exp2_coarse(_mm512_fmsub_ps(_mm512_loadu_ps(s + j + 16), scale, m));
        if (seen < n) {
            one = _mm512_maskz_mov_ps(first_lanes(seen - j), one);
            two = _mm512_maskz_mov_ps(first_lanes(seen - j - 16), two);
        }
        sum = _mm512_add_ps(sum, _mm512_add_ps(one, two));
        dot = _mm512_fmadd_ps(one, _mm512_loadu_ps(dp + j), dot);
        dot = _mm512_fmadd_ps(two, _mm512_loadu_ps(dp + j + 16), dot);
        _mm512_storeu_si512(e + j, (__m512i)_mm512_cvtne2ps_pbh(two, one));
    }
    _mm512_storeu_ps(b->sum + i * 16, sum);
    _mm512_storeu_ps(k->dot + i * 16, dot);
}

static const uint16_t *values_as_keys(const back_block *k) {
    const ss_attn_task *t = &k->t->task;
    return (const uint16_t *)((const char *)t->k + half_k_size(t->keys, t->hd, t->biased));
}

static void scores(const half_block *b, int64_t key, int64_t n) {
    by_keys(b->s, LDS, b->q, (const uint16_t *)b->t->k + key * b->kd, b->kd, n);
}

static void first_pass(const back_block *k) {
    const half_block *b = &k->b;
    memset(b->sum, 0, QUERIES * 16 * sizeof *b->sum);
    memset(k->dot, 0, QUERIES * 16 * sizeof *k->dot);
    for (int64_t key = 0; key < end_of(b->t); key += KEYS) {
        const int64_t n = keys_from(b, key);
        scores(b, key, n);
        by_keys(dp_block(k, key), LDS, k->dy, values_as_keys(k) + key * k->dkd, k->dkd, n);
        if (n == KEYS && seen_in(b->t, 0, key) >= KEYS)
            for (int64_t i = 0; i < QUERIES; i++) weigh(k, i, key, KEYS, KEYS);
        else
            for (int64_t i = 0; i < QUERIES; i++) weigh(k, i, key, n, seen_in(b->t, i, key));
    }
}

/* Sixteen numbers of dS, and of P as bfloat16 in the low halves of 32 bits. */
static inline __attribute__((always_inline)) void slopes(const uint16_t *e_at, const float *dp_at, __m512 share,
                                                         __m512 mean, __m512 scale, __m512 *ds, __m512i *p) {
    __m512i e = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)e_at));
    __m512 weight = _mm512_mul_ps((__m512)_mm512_slli_epi32(e, 16), share);
    __m512 dp = _mm512_sub_ps(_mm512_loadu_ps(dp_at), mean);
    *ds = _mm512_mul_ps(_mm512_mul_ps(weight, dp), scale);
    *p = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(weight));
}

static void slopes_of_pair(const back_block *k, int64_t i, int64_t key, int64_t n) {
    const half_block *b = &k->b;
    const __m512 scale = _mm512_set1_ps(b->t->scale);
    const __m512 share1 = _mm512_set1_ps(1 / half_sum(b, i)), share2 = _mm512_set1_ps(1 / half_sum(b, i + 1));
    const __m512 mean1 = _mm512_set1_ps(k->mean[i]), mean2 = _mm512_set1_ps(k->mean[i + 1]);
    const uint16_t *e = e_block(k, key) + i * LDS;
    const float *dp = dp_block(k, key) + i * LDS;
    uint32_t *ds_pairs = k->ds_pairs + i / 2 * LDS, *p_pairs = k->p_pairs + i / 2 * LDS;
    for (int64_t j = 0; j < n; j += 16) {
        __m512 ds1, ds2;
        __m512i p1, p2;
        slopes(e + j, dp + j, share1, mean1, scale, &ds1, &p1);
        slopes(e + LDS + j, dp + LDS + j, share2, mean2, scale, &ds2, &p2);
        __m256i half1 = (__m256i)_mm512_cvtneps_pbh(ds1), half2 = (__m256i)_mm512_cvtneps_pbh(ds2);
        _mm256_storeu_si256((void *)(k->ds + i * LDS + j), half1);
        _mm256_storeu_si256((void *)(k->ds + (i + 1) * LDS + j), half2);
        __m512i low = _mm512_cvtepu16_epi32(half1), high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(half2), 16);
        _mm512_storeu_si512(ds_pairs + j, _mm512_or_si512(low, high));
        _mm512_storeu_si512(p_pairs + j, _mm512_or_si512(p1, _mm512_slli_epi32(p2, 16)));
    }
}

static void second_pass(const back_block *k) {
    const half_block *b = &k->b;
    const ss_attn_back *t = k->t;
    for (int64_t i = 0; i < QUERIES; i++)
        k->mean[i] = _mm512_reduce_add_ps(_mm512_loadu_ps(k->dot + i * 16)) / half_sum(b, i);
    memset(k->dq, 0, (size_t)(QUERIES * b->columns) * sizeof *k->dq);
    for (int64_t key = 0; key < end_of(b->t); key += KEYS) {
        const int64_t n = keys_from(b, key);
        for (int64_t i = 0; i < QUERIES; i += 2) slopes_of_pair(k, i, key, n);
        if (t->dq) add_dq(k, key, n);
        if (t->dk) add_turned(t->dk + key * b->columns, k->qt, k->ds_pairs, b->columns, n);
        if (t->dv) add_turned(t->dv + key * b->columns, k->dyt, k->p_pairs, b->columns, n);
    }
    for (int64_t i = 0; t->dq && i < b->t->rows; i++)
        for (int64_t c = 0; c < b->t->hd; c += 16) {
            float *dq = t->dq + i * b->t->q_stride + c;
            const __mmask16 there = first_lanes(b->t->hd - c);
            __m512 sum = _mm512_add_ps(_mm512_maskz_loadu_ps(there, dq), _mm512_loadu_ps(k->dq + i * b->columns + c));
            _mm512_mask_storeu_ps(dq, there, sum);
        }
}

static void back(const ss_attn_back *t) {
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | _MM_FLUSH_ZERO_ON);
    _tile_loadconfig(&shapes);
    back_block k = {.b = open_half_block(&t->task), .t = t};
    /* All 32 rows take part: those past the task's are zero, and give nothing. */
    for (int64_t i = k.b.rows; i < QUERIES; i++) {
        memset(k.b.q + i * k.b.kd, 0, (size_t)k.b.kd * sizeof *k.b.q);
        k.b.m[i] = 0;
    }
    k.b.rows = QUERIES;
    lay_out(&k, (char *)t->task.work + (half_work_size(t->task.hd) + 63) / 64 * 64, t->task.hd, t->task.keys);
    turn(&k);
    first_pass(&k);
    if (!half_sums_are_good(&k.b)) {
        find_maxima(&k.b, scores);
        first_pass(&k);
    }
    second_pass(&k);
    _tile_release();
    _mm_setcsr(mode);
}

/* ---- sums */

static size_t sums_size(int64_t keys, int64_t hd) {
    return (size_t)(up_to(keys, KEYS) * value_width(hd)) * sizeof(float);
}

static const float *sums_row(float *room, const float *sums, int64_t j, int64_t hd) {
    const float *block = sums + j / KEYS * KEYS * value_width(hd) + j % KEYS;
    for (int64_t c = 0; c < hd; c++) room[c] = block[c * KEYS];
    return room;
}

const ss_attn_backward ss_attn_amx_back = {
    {QUERIES, half_work_size, back_k_size, half_v_size, back_pack, NULL}, back_size, sums_size, sums_row, back};
