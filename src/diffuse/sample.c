/* The sampling loop and the guided prediction in it. */
#include "diffuse/sample.h"

#include <stdlib.h>
#include <string.h>

ss_status ss_predict(ss_ctx *cx, const ss_sample *s, float t, int step, const float *x, float *y) {
    bool guided = s->guidance > 1;
    int64_t n = s->rows * (guided ? 2 : 1), half = s->rows * 4 * s->h * s->w;
    int64_t text = 77 * s->model->unet_text_width;
    ss_mark start = ss_arena_mark(cx->arena);
    ss_control *chain = cx->control;
    cx->control = s->control;

    ss_tensor *input = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){n, 4, s->h, s->w});
    ss_tensor *texts = ss_tensor_new(cx, SS_F32, 3, (int64_t[]){n, 77, s->model->unet_text_width});
    float *times = ss_arena_take(cx, (size_t)n * sizeof *times);
    if (input && texts && times) {
        int64_t shape[4] = {s->rows, 4, s->h, s->w};
        ss_tensor *one = ss_tensor_from_planar(cx, x, shape);
        for (int64_t i = 0; i < n; i++) times[i] = t;
        for (int i = 0; one && i < (guided ? 2 : 1); i++) {
            memcpy(input->data + i * half, one->data, (size_t)half * sizeof *x);
            memcpy(texts->data + i * s->rows * text, guided && i == 0 ? s->without : s->with,
                   (size_t)(s->rows * text) * sizeof *x);
        }
        ss_tensor *e = ss_unet_run(cx, &s->model->unet, input, times, texts, step);
        if (e && guided) /* e_u + g (e_c - e_u), into the first half */
            for (int64_t i = 0; i < half; i++)
                e->data[i] += (float)s->guidance * (e->data[half + i] - e->data[i]);
        if (e) {
            e->shape[0] = s->rows;
            ss_tensor_to_planar(y, e);
        }
    }
    cx->control = chain;
    ss_arena_rewind(cx->arena, start);
    return cx->status;
}

ss_status ss_sample_run(ss_ctx *cx, const ss_sample *s, int first, float *latents) {
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
        ss_sampling_scale_input(s->sampling, i, input, latents);
        st = ss_predict(cx, s, ss_sampling_time(s->sampling, i), step, input, output);
        if (!st) st = ss_sampling_step(s->sampling, cx, i, latents, output, s->noise);
        if (!st && s->after) s->after(s->user, step, latents);
        if (!st && s->preview) s->preview(s->preview_user, i - first + 1, calls - first, latents);
    }
    if (!st) ss_report(cx, s->what, calls - first, calls - first);
    free(input);
    return st;
}
