/* Attention in bfloat16 with AVX512-BF16: products of pairs, four queries by sixty-four keys or columns in registers.
 */
#include "op/attention_half.h"

enum { ROWS = 4, TILES = 4 };

/* c[r, 16 tiles] (+)= sum over t of the pair a[r, t] and the pairs b[t, 16] of each tile; b's tiles lie `next` apart.
 */
typedef struct product {
    const uint32_t *a, *b;
    float *c;
    int64_t lda, ldc, next; /* of a in pairs, of c in numbers, of b in pairs */
    int64_t steps;
    bool add;
} product;

static inline __attribute__((always_inline)) void product_block(const product *p, const uint32_t *b, float *c,
                                                                const int tiles) {
    __m512 sum[ROWS][TILES];
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < tiles; i++)
            sum[r][i] = p->add ? _mm512_loadu_ps(c + r * p->ldc + i * 16) : _mm512_setzero_ps();
    for (int64_t t = 0; t < p->steps; t++) {
        __m512bh column[TILES];
        for (int i = 0; i < tiles; i++) column[i] = (__m512bh)_mm512_loadu_si512(b + i * p->next + t * 16);
        for (int r = 0; r < ROWS; r++) {
            __m512bh x = (__m512bh)_mm512_set1_epi32((int)p->a[r * p->lda + t]);
            for (int i = 0; i < tiles; i++) sum[r][i] = _mm512_dpbf16_ps(sum[r][i], x, column[i]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < tiles; i++) _mm512_storeu_ps(c + r * p->ldc + i * 16, sum[r][i]);
}

static void multiply(product p, int64_t rows, int64_t tiles) {
    for (int64_t r = 0; r < rows; r += ROWS, p.a += ROWS * p.lda, p.c += ROWS * p.ldc) {
        int64_t i = 0;
        for (; i + TILES <= tiles; i += TILES) product_block(&p, p.b + i * p.next, p.c + i * 16, TILES);
        switch (tiles - i) {
        case 3:
            product_block(&p, p.b + i * p.next, p.c + i * 16, 3);
            break;
        case 2:
            product_block(&p, p.b + i * p.next, p.c + i * 16, 2);
            break;
        case 1:
            product_block(&p, p.b + i * p.next, p.c + i * 16, 1);
            break;
        }
    }
}

static void scores(const half_block *b, int64_t key, int64_t n) {
    multiply((product){.a = (const uint32_t *)b->q,
                       .lda = b->kd / 2,
                       .b = (const uint32_t *)b->t->k + key * b->kd / 2,
                       .next = b->kd * 8,
                       .c = b->s,
                       .ldc = LDS,
                       .steps = (b->t->hd + (b->t->biased ? BIAS : 0) + 1) / 2},
             b->rows, n / 16);
}

static void values(const half_block *b, int64_t key, int64_t n) {
    for (int64_t j = 0; j < n; j += 32)
        multiply((product){.a = (const uint32_t *)b->s + j / 2,
                           .lda = LDS,
                           .b = (const uint32_t *)b->t->v + (key + j) / 2 * b->columns,
                           .next = 16 * 16,
                           .c = b->y,
                           .ldc = b->columns,
                           .steps = 16,
                           .add = true},
                 b->rows, b->columns / 16);
}

static void attend(const ss_attn_task *t) { half_attend(t, scores, values); }

const ss_attn_kernel ss_attn_avx512_bf16 = {QUERIES, half_work_size, half_k_size, half_v_size, half_pack, attend};
