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

const ss_loops ss_loops_avx512_bf16 = SS_LOOPS_WITH(narrow_bf16);
