/* Devices and what the processor can do. */
#include "device/device.h"

#include "device/dnnl.h"

#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

ss_device *ss_device_new(ss_ctx *cx, ss_device_kind kind, ss_dtype numbers, int threads) {
    ss_device *d = ss_alloc(cx, 1, sizeof *d);
    if (!d) return NULL;
    *d = (ss_device){.kind = kind, .numbers = numbers, .threads = threads, .cpu = ss_cpu_detect(NULL)};
    if (kind == SS_CPU && ss_dnnl_new(&d->dnnl, cx)) {
        free(d);
        return NULL;
    }
    return d;
}

void ss_device_free(ss_device *d) {
    if (!d) return;
    ss_dnnl_free(d->dnnl);
    free(d->scratch);
    free(d);
}

void *ss_scratch(ss_ctx *cx, size_t bytes) {
    ss_device *d = cx->device;
    if (bytes > d->scratch_size) {
        size_t size = (bytes + ((size_t)1 << 20) - 1) >> 20 << 20;
        bool refused = cx->fail_allocation >= 0 && cx->fail_allocation-- == 0;
        void *block = refused ? NULL : aligned_alloc(64, size);
        if (!block) {
            ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for %zu bytes of scratch", size);
            return NULL;
        }
        free(d->scratch);
        d->scratch = block;
        d->scratch_size = size;
    }
    return d->scratch;
}

#ifdef __x86_64__
/* Tile registers are 8 KB of state that Linux saves only for processes that asked. */
static bool ask_for_tiles(void) {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static ss_cpu_features detect(void) {
    ss_cpu_features f = {0};
    unsigned a, b, c, d;
    f.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __get_cpuid(1, &a, &b, &c, &d) &&
             (c >> 29 & 1);
    f.avx512 = f.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    f.avx512_bf16 = f.avx512 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
    bool tiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1) && (d >> 24 & 1);
    f.amx_bf16 = f.avx512_bf16 && tiles && ask_for_tiles();
    return f;
}
#else
static ss_cpu_features detect(void) { return (ss_cpu_features){0}; }
#endif

const char *const ss_cpu_levels[4] = {"portable", "avx2", "avx512", "avx512_bf16"};

ss_cpu_features ss_cpu_detect(const char *limit) {
    ss_cpu_features f = detect();
    for (int i = 0; limit && i < SS_COUNT_OF(ss_cpu_levels); i++) {
        if (strcmp(limit, ss_cpu_levels[i])) continue;
        f.amx_bf16 = false;
        f.avx512_bf16 = f.avx512_bf16 && i > 2;
        f.avx512 = f.avx512 && i > 1;
        f.avx2 = f.avx2 && i > 0;
    }
    return f;
}
