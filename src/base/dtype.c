/* Element types and their conversion. The loops are written for the compiler's vectoriser. */
#include "base/dtype.h"

#include "base/half.h"

#include <math.h>

static const struct {
    const char *name;
    size_t size;
} types[SS_DTYPES] = {
    [SS_F32] = {"F32", 4},          [SS_BF16] = {"BF16", 2},       [SS_F16] = {"F16", 2},
    [SS_F64] = {"F64", 8},          [SS_I64] = {"I64", 8},         [SS_I32] = {"I32", 4},
    [SS_I16] = {"I16", 2},          [SS_I8] = {"I8", 1},           [SS_U64] = {"U64", 8},
    [SS_U32] = {"U32", 4},          [SS_U16] = {"U16", 2},         [SS_U8] = {"U8", 1},
    [SS_BOOL] = {"BOOL", 1},        [SS_F8_E4M3] = {"F8_E4M3", 1}, [SS_F8_E5M2] = {"F8_E5M2", 1},
    [SS_OTHER_TYPE] = {"other", 0},
};

size_t ss_dtype_size(ss_dtype t) { return types[t].size; }
const char *ss_dtype_name(ss_dtype t) { return types[t].name; }

static inline uint16_t float_to_f16(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    uint16_t sign = (uint16_t)(u >> 16 & 0x8000);
    uint32_t a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x3ff));
    if (a >= 0x477ff000u) return (uint16_t)(sign | 0x7c00); /* 65520 and more round to infinity */
    if (a < 0x38800000u) {                                  /* below 2^-14: subnormal, in units of 2^-24 */
        float m;
        memcpy(&m, &a, 4);
        return (uint16_t)(sign | (uint16_t)lrintf(m * 0x1p24f));
    }
    a += 0xc8000fffu + (a >> 13 & 1);
    return (uint16_t)(sign | a >> 13);
}

/* IEEE-like small floats: `mantissa` bits below `exponent` bits; E4M3 has no infinity and only all ones for NaN. */
static float f8_to_float(uint8_t v, int mantissa, int bias, int no_infinity) {
    int exponent_bits = 7 - mantissa, e = (v & 0x7f) >> mantissa, m = v & ((1 << mantissa) - 1);
    float sign = v & 0x80 ? -1.0f : 1.0f;
    if (no_infinity ? (v & 0x7f) == 0x7f : e == (1 << exponent_bits) - 1)
        return m || no_infinity ? NAN : sign * INFINITY;
    if (e == 0) return sign * ldexpf((float)m, 1 - bias - mantissa);
    return sign * ldexpf((float)(m + (1 << mantissa)), e - bias - mantissa);
}

#define FROM_INTEGER(type)                                                                                             \
    for (size_t i = 0; i < n; i++) {                                                                                   \
        type v;                                                                                                        \
        memcpy(&v, (const char *)x + i * sizeof v, sizeof v);                                                          \
        y[i] = (float)v;                                                                                               \
    }                                                                                                                  \
    break

void ss_to_f32(float *y, const void *x, ss_dtype from, size_t n) {
    const uint8_t *b = x;
    switch (from) {
    case SS_F32:
        memcpy(y, x, n * 4);
        break;
    case SS_BF16:
        for (size_t i = 0; i < n; i++) {
            uint16_t h;
            memcpy(&h, b + 2 * i, 2);
            y[i] = ss_bf16_to_float(h);
        }
        break;
    case SS_F16:
#ifdef SS_X86
        if (__builtin_cpu_supports("avx2")) {
            ss_f16_to_f32_avx2(y, x, n);
            break;
        }
#endif
        ss_f16_to_f32(y, x, n);
        break;
    case SS_F64:
        FROM_INTEGER(double);
    case SS_I64:
        FROM_INTEGER(int64_t);
    case SS_I32:
        FROM_INTEGER(int32_t);
    case SS_I16:
        FROM_INTEGER(int16_t);
    case SS_I8:
        FROM_INTEGER(int8_t);
    case SS_U64:
        FROM_INTEGER(uint64_t);
    case SS_U32:
        FROM_INTEGER(uint32_t);
    case SS_U16:
        FROM_INTEGER(uint16_t);
    case SS_U8:
    case SS_BOOL:
        FROM_INTEGER(uint8_t);
    case SS_F8_E4M3:
        for (size_t i = 0; i < n; i++) y[i] = f8_to_float(b[i], 3, 7, 1);
        break;
    case SS_F8_E5M2:
        for (size_t i = 0; i < n; i++) y[i] = f8_to_float(b[i], 2, 15, 0);
        break;
    default:
        memset(y, 0, n * sizeof *y);
    }
}

void ss_f32_to_bf16(uint16_t *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = ss_float_to_bf16(x[i]);
}

void ss_f32_to_f16(uint16_t *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = float_to_f16(x[i]);
}

/* An exponent of all ones. Whole blocks are tested before anything is decided, so that the loop vectorises. */
static bool nonfinite16(const uint8_t *b, uint16_t exponent, size_t n) {
    enum { BLOCK = 4096 };
    for (size_t start = 0; start < n; start += BLOCK) {
        size_t end = start + BLOCK < n ? start + BLOCK : n;
        unsigned bad = 0;
        for (size_t i = start; i < end; i++) {
            uint16_t h;
            memcpy(&h, b + 2 * i, 2);
            bad |= (h & exponent) == exponent;
        }
        if (bad) return true;
    }
    return false;
}

bool ss_any_nonfinite(const void *x, ss_dtype type, size_t n) {
    const uint8_t *b = x;
    unsigned bad = 0;
    switch (type) {
    case SS_F16:
        return nonfinite16(b, 0x7c00, n);
    case SS_BF16:
        return nonfinite16(b, 0x7f80, n);
    case SS_F32:
        for (size_t i = 0; i < n; i++) {
            uint32_t u;
            memcpy(&u, b + 4 * i, 4);
            bad |= (u & 0x7f800000u) == 0x7f800000u;
        }
        return bad;
    case SS_F64:
        for (size_t i = 0; i < n; i++) {
            uint64_t u;
            memcpy(&u, b + 8 * i, 8);
            bad |= (u & 0x7ff0000000000000u) == 0x7ff0000000000000u;
        }
        return bad;
    case SS_F8_E4M3:
        for (size_t i = 0; i < n; i++) bad |= (b[i] & 0x7f) == 0x7f;
        return bad;
    case SS_F8_E5M2:
        for (size_t i = 0; i < n; i++) bad |= (b[i] & 0x7c) == 0x7c;
        return bad;
    default:
        return false;
    }
}
