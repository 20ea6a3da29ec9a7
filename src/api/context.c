/* The context's life: options to a device, an arena and callbacks. */
#include "base/arena.h"
#include "device/device.h"
#include "device/dnnl.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

static ss_status choose(ss_ctx *cx, const ss_ctx_options *o, ss_device_kind *kind, ss_dtype *numbers) {
    static const char *const devices[] = {"cpu", "reference"}, *const types[] = {"auto", "float32", "bfloat16"};
    ss_cpu_features cpu = ss_cpu_detect(o->isa);
    const char *device = o->device ? o->device : "cpu", *type = o->numbers ? o->numbers : "auto";
    if (!strcmp(device, "cpu"))
        *kind = SS_CPU;
    else if (!strcmp(device, "reference"))
        *kind = SS_REF;
    else {
        const char *near = ss_nearest(device, devices, SS_COUNT_OF(devices));
        return ss_fail(cx, SS_ERR_ARG, "device \"%s\" is not known; choose cpu or reference%s%s", device,
                       near ? ". Nearest: " : "", near ? near : "");
    }
    if (!strcmp(type, "float32"))
        *numbers = SS_F32;
    else if (!strcmp(type, "bfloat16"))
        *numbers = SS_BF16;
    else if (!strcmp(type, "auto"))
        *numbers = *kind == SS_CPU && cpu.avx512_bf16 ? SS_BF16 : SS_F32;
    else {
        const char *near = ss_nearest(type, types, SS_COUNT_OF(types));
        return ss_fail(cx, SS_ERR_ARG, "numbers \"%s\" are not known; choose auto, float32 or bfloat16%s%s", type,
                       near ? ". Nearest: " : "", near ? near : "");
    }
    if (*kind == SS_REF && *numbers == SS_BF16)
        return ss_fail(cx, SS_ERR_ARG, "the reference device computes in float32; bfloat16 needs the cpu device");
    if (*numbers == SS_BF16 && !cpu.avx512)
        return ss_fail(cx, SS_ERR_ARG, "bfloat16 needs AVX512, which %s; choose float32",
                       o->isa ? "was ruled out" : "this processor lacks");
    return SS_OK;
}

/* The level to hold the processor to, NULL for none. */
static ss_status check_level(const char **level, ss_ctx *cx) {
    if (*level && !strcmp(*level, "auto")) *level = NULL;
    if (!*level) return SS_OK;
    for (int i = 0; i < SS_COUNT_OF(ss_cpu_levels); i++)
        if (!strcmp(*level, ss_cpu_levels[i])) return ss_dnnl_limit(cx, *level);
    const char *near = ss_nearest(*level, ss_cpu_levels, SS_COUNT_OF(ss_cpu_levels));
    return ss_fail(cx, SS_ERR_ARG,
                   "instructions \"%s\" are not known; choose auto, portable, avx2, avx512 or "
                   "avx512_bf16%s%s",
                   *level, near ? ". Nearest: " : "", near ? near : "");
}

ss_status ss_ctx_new(ss_ctx **out, const ss_ctx_options *options) {
    static const ss_ctx_options none;
    if (!options) options = &none;
    ss_ctx *cx = calloc(1, sizeof *cx);
    if (!cx) return SS_ERR_NOMEM;
    cx->callbacks = options->callbacks;
    cx->fail_allocation = -1;
    cx->threads = options->threads > 0 ? options->threads : omp_get_num_procs();
    ss_device_kind kind = SS_CPU;
    ss_dtype numbers = SS_F32;
    ss_ctx_options o = *options;
    ss_status st = SS_OK;
    if (o.threads < 0 || o.threads > 1024)
        st = ss_fail(cx, SS_ERR_ARG, "%d threads: give a number from 1 to 1024", o.threads);
    if (!st) st = check_level(&o.isa, cx);
    if (!st) st = choose(cx, &o, &kind, &numbers);
    if (!st) {
        cx->arena = ss_arena_new(cx, false);
        cx->device = ss_device_new(cx, kind, numbers, cx->threads);
        if (cx->device) cx->device->cpu = ss_cpu_detect(o.isa);
        st = cx->status;
    }
    *out = cx; /* also after a failure: it holds the sentence */
    return st;
}

void ss_ctx_free(ss_ctx *cx) {
    if (!cx) return;
    ss_device_free(cx->device);
    ss_arena_free(cx->arena);
    free(cx);
}

const char *ss_ctx_error(const ss_ctx *cx) { return cx->error; }

void ss_ctx_clear(ss_ctx *cx) {
    cx->status = SS_OK;
    cx->error[0] = 0;
    atomic_store(&cx->stop, 0);
}

void ss_ctx_stop(ss_ctx *cx) { atomic_store(&cx->stop, 1); }

const char *ss_ctx_numbers(const ss_ctx *cx) { return cx->device->numbers == SS_BF16 ? "bfloat16" : "float32"; }

int ss_ctx_threads(const ss_ctx *cx) { return cx->threads; }
