/* Memory foretold: each network's weights in the numbers that they are computed with, and the largest pass. */
#include "api/memory.h"

#include "api/request.h"
#include "control/range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t ss_memory_available(void) {
    unsigned long long kb = 0;
    char line[128];
    FILE *f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kb) == 1) break;
    if (f) fclose(f);
    return (size_t)kb << 10;
}

static size_t weights(const ss_params *p, ss_dtype numbers) {
    size_t bytes = 0;
    for (int64_t i = 0; i < p->count; i++) {
        size_t n = 1;
        for (int d = 0; d < p->at[i].rank; d++) n *= (size_t)p->at[i].shape[d];
        bytes += n * (p->at[i].rank > 1 ? ss_dtype_size(numbers) : sizeof(float));
    }
    return bytes;
}

typedef struct passes {
    ss_model *m;
    int64_t rows, h, w;
} passes;

static ss_status unet_pass(ss_ctx *cx, void *user) {
    const passes *p = user;
    ss_tensor *x = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){p->rows, 4, p->h, p->w});
    ss_tensor *text = ss_tensor_new(cx, SS_F32, 3, (int64_t[]){p->rows, 77, p->m->unet_text_width});
    if (x && text) ss_unet_run(cx, &p->m->unet, x, NULL, text, 0);
    return cx->status;
}

static ss_status decode_pass(ss_ctx *cx, void *user) {
    const passes *p = user;
    ss_tensor *z = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){1, 4, p->h, p->w});
    if (z) ss_vae_decode(cx, &p->m->vae, z);
    return cx->status;
}

static ss_status encode_pass(ss_ctx *cx, void *user) {
    const passes *p = user;
    ss_tensor *x = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){1, 3, 8 * p->h, 8 * p->w});
    if (x) ss_vae_encode(cx, &p->m->vae, x);
    return cx->status;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* Texts are read first and a photo is encoded next, in float32; either's packed weights are gone before the UNet's
 * come. */
static ss_status foretell(ss_memory *out, ss_ctx *cx, ss_model *m, int rows, ss_size size, int pictures, bool photo,
                          int reuse) {
    passes p = {m, rows, size.h / 8, size.w / 8};
    ss_dtype numbers = cx->device->numbers;
    size_t picture = 3 * (size_t)size.h * (size_t)size.w; /* its bytes; decoded and encoded as numbers first */
    size_t unet = 0, decode = 0, encode = 0;
    ss_status st = ss_shape_walk(cx, numbers, unet_pass, &p, &unet);
    if (!st) st = ss_shape_walk(cx, numbers, decode_pass, &p, &decode);
    if (!st && photo) st = ss_shape_walk(cx, SS_F32, encode_pass, &p, &encode);
    if (st) return st;
    if (photo) encode += weights(&m->vae.params, SS_F32);
    decode += picture * sizeof(float);
    if (reuse > 1) unet += (size_t)(rows * p.h * p.w * ss_unet_width(&m->unet, 0)) * ss_dtype_size(numbers);
    out->weights = weights(&m->unet.params, numbers) + weights(&m->vae.params, numbers);
    out->pass = larger(unet, decode);
    out->peak = larger(larger(weights(&m->text.params, numbers), encode), out->weights + out->pass);
    out->peak += (size_t)pictures * picture;
    out->peak += ((size_t)96 << 20) + out->pass / 16; /* the program, its libraries; kernels' scratch */
    out->available = ss_memory_available();
    return SS_OK;
}

ss_status ss_generate_memory(ss_memory *out, ss_ctx *cx, ss_model *m, const ss_generate_request *r) {
    ss_ctx_clear(cx);
    ss_size size;
    ss_status st = ss_request_size(&size, cx, m, r->init ? r->init->w : r->width, r->init ? r->init->h : r->height);
    int rows = (r->batch ? r->batch : 1) * (r->sampling.guidance == 0 || r->sampling.guidance > 1 ? 2 : 1);
    return st ? st
              : foretell(out, cx, m, rows, size, (r->batch ? r->batch : 1) + (r->init != NULL), r->init,
                         r->sampling.reuse);
}

/* Keys and values of the controlled layers and steps. */
static ss_status kept(size_t *bytes, ss_ctx *cx, ss_model *m, const ss_edit_request *r, ss_size size, int halves) {
    int steps = r->sampling.steps ? r->sampling.steps : 50;
    bool layers[SS_LAYERS], *active = ss_alloc(cx, (size_t)steps, sizeof *active);
    ss_status st = active ? ss_steps_select(active, cx, &r->control, steps) : SS_ERR_NOMEM;
    if (!st) st = ss_layers_select(layers, cx, r->control.layers, size.h / 8, size.w / 8);
    size_t step = 0;
    for (int i = 0; i < SS_LAYERS && !st; i++) {
        size_t h = (size_t)size.h / 8, w = (size_t)size.w / 8;
        for (int k = 0; k < ss_layer_level(i); k++) h = (h + 1) / 2, w = (w + 1) / 2;
        if (layers[i]) step += 2 * h * w * (size_t)ss_unet_width(&m->unet, ss_layer_level(i));
    }
    for (int i = 0; i < steps && !st; i++)
        *bytes += active[i] * step * (size_t)halves * ss_dtype_size(cx->device->numbers);
    free(active);
    return st;
}

ss_status ss_edit_memory(ss_memory *out, ss_ctx *cx, ss_model *m, const ss_edit_request *r) {
    ss_ctx_clear(cx);
    ss_size size;
    ss_status st = ss_request_size(&size, cx, m, r->width, r->height);
    int halves = r->sampling.guidance == 0 || r->sampling.guidance > 1 ? 2 : 1;
    bool keeps = r->keep_keys && r->method != SS_METHOD_NONE;
    if (!st) st = foretell(out, cx, m, keeps ? halves : 2 * halves, size, r->prompt_count + 2, true, r->sampling.reuse);
    return st || !keeps ? st : kept(&out->peak, cx, m, r, size, halves);
}
