/* The loop of base/half.h for AVX2. */
#include "base/half.h"

void ss_f16_to_f32_avx2(float *y, const void *x, size_t n) { ss_f16_to_f32(y, x, n); }
