/* float16 to float32, compiled once for every processor and once for those with AVX2: a checkpoint has a billion of
 * them, and its user waits. The bits are the same. */
#ifndef SS_HALF_H
#define SS_HALF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Shifts the exponent into place with one exact multiplication, which also sets subnormals right. */
static inline float ss_f16_to_float(uint16_t h) {
    uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13, sign = (uint32_t)(h & 0x8000) << 16, bits;
    float f;
    memcpy(&f, &magnitude, 4);
    f *= 0x1p112f;
    memcpy(&bits, &f, 4);
    if ((h & 0x7c00) == 0x7c00) bits = magnitude | 0x7f800000u;
    bits |= sign;
    memcpy(&f, &bits, 4);
    return f;
}

/* x lies at any alignment. */
static inline void ss_f16_to_f32(float *restrict y, const void *restrict x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, (const char *)x + 2 * i, 2);
        y[i] = ss_f16_to_float(h);
    }
}

void ss_f16_to_f32_avx2(float *y, const void *x, size_t n);

#endif
