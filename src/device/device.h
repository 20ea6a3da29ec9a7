/* Where work runs: the plain loops, the processor at speed, or nowhere (shapes only).
 *
 * A device owns what kernels share between calls: scratch memory, the primitives that oneDNN has made, what the
 * processor can do. Which numbers activations are made of is a property of the device, too.
 */
#ifndef SS_DEVICE_H
#define SS_DEVICE_H

#include "base/base.h"
#include "base/dtype.h"

typedef enum ss_device_kind {
    SS_REF,   /* plain loops, float32: what every other device is compared with */
    SS_CPU,   /* oneDNN and our own vectorised loops, float32 or bfloat16 */
    SS_CUDA,  /* optional, absent from this build */
    SS_SHAPE, /* computes nothing: shapes, keys and memory only */
    SS_DEVICES
} ss_device_kind;

typedef struct ss_cpu_features {
    bool avx2;        /* with FMA and F16C */
    bool avx512;      /* F, BW, DQ, VL */
    bool avx512_bf16; /* with the above */
    bool amx_bf16;    /* tiles, allowed to this process */
} ss_cpu_features;

typedef struct ss_device {
    ss_device_kind kind;
    ss_dtype numbers; /* of activations: SS_F32 or SS_BF16 */
    int threads;
    ss_cpu_features cpu;
    void *scratch; /* one block, lent to one kernel for one call */
    size_t scratch_size;
    struct ss_dnnl *dnnl;       /* oneDNN's engine, stream and primitives; of device/dnnl.h */
    struct ss_profile *profile; /* not NULL: every call is timed; of tensor/call.h */
} ss_device;

ss_device *ss_device_new(ss_ctx *cx, ss_device_kind kind, ss_dtype numbers, int threads);
void ss_device_free(ss_device *d);

/* Scratch of at least `bytes`, 64-byte aligned, until the next call of this function. NULL with SS_ERR_NOMEM. */
void *ss_scratch(ss_ctx *cx, size_t bytes);

/* What this processor has and the system lets us use; `limit` (NULL, or a name of ss_cpu_levels) pretends to less. */
extern const char *const ss_cpu_levels[4]; /* "portable", "avx2", "avx512", "avx512_bf16": each has what comes before */
ss_cpu_features ss_cpu_detect(const char *limit);

#endif
