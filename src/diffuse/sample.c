/* The sampling loop and the guided prediction in it. */
#include "diffuse/sample.h"

#include <stdlib.h>
#include <string.h>

/* Rows first .. rows - 1 of `from`, `one` floats each, into row `to` of y and on. */
static void place(const ss_sample *s, ss_tensor *y, int64_t to, int first, const float *from, int64_t one) {
    memcpy(y->data + to * one, from + first * one, (size_t)((s->rows - first) * one) * sizeof(float));
}

/* Whether somebody has a say in the first layer's self-attention. */
static bool steered(const ss_control *c) {
    for (; c; c = c->next)
        if (c->first_layer == 0) return true;
    return false;
}

/* The batch is [rows skip.. without the text; rows skip.. with it], less the rows of the second half that are shared.
 * Halves that differ in their texts alone are given to the network once. */
ss_status ss_predict(ss_ctx *cx, const ss_sample *s, float t, int step, const float *x, float *y) {
    const bool guided = s->guidance > 1;
    const int skip = s->unread ? s->unread(s->user, step) : 0;
    const int shared = !guided ? s->rows : s->shared > skip ? s->shared : skip;
    const bool equal_halves = guided && shared == skip && !steered(s->control);
    const int64_t first_half = s->rows - skip, n = first_half + s->rows - shared,
                  latents = equal_halves ? first_half : n;
    const int64_t one = 4 * s->h * s->w, words = 77 * s->model->unet_text_width;
    if (!n) {
        memset(y, 0, (size_t)(s->rows * one) * sizeof *y);
        return SS_OK;
    }
    ss_mark start = ss_arena_mark(cx->arena);
    ss_control *chain = cx->control;
    cx->control = s->control;

    ss_tensor *batch = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){latents, 4, s->h, s->w});
    ss_tensor *texts = ss_tensor_new(cx, SS_F32, 3, (int64_t[]){n, 77, s->model->unet_text_width});
    ss_tensor *all = ss_tensor_from_planar(cx, x, (int64_t[]){s->rows, 4, s->h, s->w});
    float *times = ss_arena_take(cx, (size_t)latents * sizeof *times);
    if (batch && texts && all && times) {
        for (int64_t i = 0; i < latents; i++) times[i] = t;
        place(s, batch, 0, skip, all->data, one);
        place(s, texts, 0, skip, guided ? s->without : s->with, words);
        if (guided && !equal_halves) place(s, batch, first_half, shared, all->data, one);
        if (guided) place(s, texts, first_half, shared, s->with, words);
        ss_tensor *e = ss_unet_run_reusing(cx, &s->model->unet, batch, times, texts, step, s->deep);
        if (e) {
            memset(all->data, 0, (size_t)(s->rows * one) * sizeof *y);
            memcpy(all->data + skip * one, e->data, (size_t)(first_half * one) * sizeof *y);
            /* e_u + g (e_c - e_u) */
            float *unguided = all->data + shared * one, *with = e->data + first_half * one;
            for (int64_t i = 0; i < (s->rows - shared) * one; i++)
                unguided[i] += (float)s->guidance * (with[i] - unguided[i]);
            ss_tensor_to_planar(y, all);
        }
    }
    cx->control = chain;
    ss_arena_rewind(cx->arena, start);
    return cx->status;
}

ss_status ss_sample_run(ss_ctx *cx, const ss_sample *how, int first, float *latents) {
    ss_sample own = *how;
    const ss_sample *s = &own;
    ss_deep deep = {.every = how->reuse};
    if (how->reuse > 1) own.deep = &deep;
    int64_t count = s->rows * 4 * s->h * s->w;
    int calls = ss_sampling_calls(s->sampling);
    float *input = ss_alloc(cx, 2 * (size_t)count, sizeof *input);
    float *output = input ? input + count : NULL;
    ss_status st = cx->status;
    for (int i = first; i < calls && !st; i++) {
        int step = ss_sampling_step_of(s->sampling, i);
        ss_report(cx, s->what, i - first, calls - first);
        if ((st = ss_stopped(cx))) break;
        if (s->before) s->before(s->user, step, latents);
        deep.call = i - first;
        ss_sampling_scale_input(s->sampling, i, input, latents);
        st = ss_predict(cx, s, ss_sampling_time(s->sampling, i), step, input, output);
        if (!st) st = ss_sampling_step(s->sampling, cx, i, latents, output, s->noise);
        if (!st && s->after) s->after(s->user, step, latents);
        if (!st && s->preview) s->preview(s->preview_user, i - first + 1, calls - first, latents);
    }
    if (!st) ss_report(cx, s->what, calls - first, calls - first);
    ss_deep_clear(&deep);
    free(input);
    return st;
}
