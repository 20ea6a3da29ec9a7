/* Element types as files store them, and their conversion to and from float32. */
#ifndef SS_DTYPE_H
#define SS_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum ss_dtype {
    SS_F32, /* zero, so that a fresh tensor is float32 */
    SS_BF16,
    SS_F16,
    SS_F64,
    SS_I64,
    SS_I32,
    SS_I16,
    SS_I8,
    SS_U64,
    SS_U32,
    SS_U16,
    SS_U8,
    SS_BOOL,
    SS_F8_E4M3,
    SS_F8_E5M2,
    SS_OTHER_TYPE, /* known to a format, of no use here: listed by inspect, never computed with */
    SS_DTYPES
} ss_dtype;

size_t ss_dtype_size(ss_dtype t);      /* in bytes; 0 for SS_OTHER_TYPE */
const char *ss_dtype_name(ss_dtype t); /* as safetensors spells it: "F32", "BF16", ... */

/* n elements of type `from` at any alignment to float32, exact for every value that float32 has. Vectorised for F16 and
 * BF16; single-threaded. Types that are no numbers (SS_OTHER_TYPE) give zeros. */
void ss_to_f32(float *y, const void *x, ss_dtype from, size_t n);

/* Whether one of n elements is NaN or infinite. False for integers. */
bool ss_any_nonfinite(const void *x, ss_dtype type, size_t n);

/* Round to nearest even; NaN stays NaN (quiet). */
void ss_f32_to_bf16(uint16_t *y, const float *x, size_t n);
void ss_f32_to_f16(uint16_t *y, const float *x, size_t n);

static inline float ss_bf16_to_float(uint16_t h) {
    uint32_t u = (uint32_t)h << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}

static inline uint16_t ss_float_to_bf16(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1)) >> 16);
}

#endif
