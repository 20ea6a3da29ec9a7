/* The loops of op/loops.h, compiled for AVX-512, and with the instruction that rounds to bfloat16 where there is one.
 */
#define SS_LOOPS_TABLE ss_loops_avx512
#include "op/loops.inc"

#include <immintrin.h>

static void narrow_bf16(uint16_t *y, const float *x, int64_t n) {
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m512bh pair = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i));
        memcpy(y + i, &pair, sizeof pair);
    }
    narrow(y + i, x + i, n - i);
}

static void put_bf16(uint16_t *y, lanes v) {
    __m256bh half = _mm512_cvtneps_pbh((__m512)v);
    memcpy(y, &half, sizeof half);
}

/* SiLU to 2e-4, which bfloat16 rounds away. */
static lanes coarse_silu(lanes x) {
    __m512 e = exp2_coarse((__m512)(x * -1.44269504f));
    return x * (lanes)_mm512_rcp14_ps(_mm512_add_ps(e, _mm512_set1_ps(1)));
}

static void row_norm_bf16(uint16_t *y, const uint16_t *x, float eps, const float *w, const float *b, int64_t n) {
    row_norm_half_by(put_bf16, y, x, eps, w, b, n);
}

static void scaled_bf16(uint16_t *y, const uint16_t *x, const float *a, const float *b, bool with_silu, int64_t rows,
                        int64_t c) {
    scaled_half_by(put_bf16, coarse_silu, y, x, a, b, with_silu, rows, c);
}

const ss_loops ss_loops_avx512_bf16 = SS_LOOPS_WITH(narrow_bf16, row_norm_bf16, scaled_bf16);
