/* Text, or text and a picture, to pictures. */
#include "api/request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Start latents of every row: noise, or the picture brought to the noise of the first step. `first` is the call to
 * start from. One generator draws everything in diffusers' order: the picture's latent, the start noise, then the
 * sampler's. */
static ss_status start(ss_ctx *cx, ss_model *m, const ss_generate_request *r, const ss_sample *s, ss_rng *rng, float *x,
                       int *first) {
    int64_t one = 4 * s->h * s->w, count = s->rows * one;
    if (!r->init) {
        ss_rng_normal(rng, x, count);
        float sigma = ss_sampling_init_sigma(s->sampling);
        for (int64_t i = 0; i < count; i++) x[i] *= sigma;
        *first = 0;
        return SS_OK;
    }
    float *mean = ss_alloc(cx, (size_t)(2 * one + 2 * count), sizeof *mean);
    if (!mean) return SS_ERR_NOMEM;
    float *std = mean + one, *z = std + one, *noise = z + count;
    ss_status st = ss_encode_image(cx, m, r->init, mean, std);
    if (!st) {
        ss_rng_normal(rng, noise, one);
        for (int64_t i = 0; i < count; i++) z[i] = m->vae.scaling * (mean[i % one] + std[i % one] * noise[i % one]);
        ss_rng_normal(rng, noise, count);
        *first = ss_sampling_first_call(s->sampling, r->strength > 0 ? r->strength : 0.75);
        ss_sampling_add_noise(s->sampling, *first, x, z, noise);
    }
    free(mean);
    return st;
}

static ss_status check(ss_ctx *cx, const ss_generate_request *r) {
    if (r->init && (r->strength < 0 || r->strength > 1))
        return ss_fail(cx, SS_ERR_ARG, "strength %g: it is a share from 0 (keep the picture) to 1 (forget it)",
                       r->strength);
    if (!r->init && r->strength != 0)
        return ss_fail(cx, SS_ERR_ARG,
                       "strength %g says how much to change a picture, but no picture to start from is given",
                       r->strength);
    if (r->batch < 0 || r->batch > 64)
        return ss_fail(cx, SS_ERR_ARG, "batch %d: draw 1 to 64 pictures together", r->batch);
    return SS_OK;
}

typedef struct showing {
    ss_ctx *cx;
    const ss_generate_request *r;
    ss_preview preview;
    int64_t h, w;
} showing;

static void show(void *user, int step, int steps, const float *latents) {
    showing *v = user;
    ss_image im = {0};
    if (ss_preview_image(&im, v->cx, &v->preview, latents, v->h, v->w)) return;
    v->r->preview(v->r->preview_user, &im, step, steps);
    ss_image_free(&im);
}

ss_status ss_generate(ss_image *images, ss_ctx *cx, ss_model *m, const ss_generate_request *r) {
    ss_ctx_clear(cx);
    int rows = r->batch ? r->batch : 1, first = 0;
    ss_size size;
    ss_texts texts = {0};
    ss_run run = {0};
    ss_image *drawn = NULL;
    float *x = NULL;
    showing view = {.cx = cx, .r = r};

    ss_status st = check(cx, r);
    if (!st && !(drawn = ss_alloc(cx, (size_t)rows, sizeof *drawn))) st = SS_ERR_NOMEM;
    if (!st) st = ss_request_size(&size, cx, m, r->init ? r->init->w : r->width, r->init ? r->init->h : r->height);
    if (!st && r->init && (r->init->w != size.w || r->init->h != size.h))
        st = ss_fail(cx, SS_ERR_ARG, "the picture to start from is %dx%d; its sides have to be multiples of 8 (%dx%d)",
                     r->init->w, r->init->h, size.w, size.h);
    if (!st) st = ss_run_open(&run, cx, m, &r->sampling, NULL, rows, size);
    if (!st) st = ss_embed_texts(&texts, cx, m, (const char *[]){r->negative, r->prompt}, 2, r->sampling.clip_skip);
    if (!st) st = ss_run_texts(&run, cx, &texts, 0, (int[]){1}, 1);
    if (!st && !(x = ss_alloc(cx, (size_t)(rows * 4 * run.sample.h * run.sample.w), sizeof *x))) st = SS_ERR_NOMEM;
    if (!st) {
        ss_rng rng;
        ss_rng_seed(&rng, r->seed);
        run.sample.noise = &rng;
        run.sample.what = "drawing";
        if (r->preview && !(st = ss_preview_fit(&view.preview, cx, m))) {
            view.h = run.sample.h, view.w = run.sample.w;
            run.sample.preview = show, run.sample.preview_user = &view;
        }
        if (!st) st = start(cx, m, r, &run.sample, &rng, x, &first);
        if (!st) st = ss_sample_run(cx, &run.sample, first, x);
    }
    for (int i = 0; i < rows && !st; i++)
        st = ss_decode_image(&drawn[i], cx, m, x + (int64_t)i * 4 * run.sample.h * run.sample.w, run.sample.h,
                             run.sample.w);
    for (int i = 0; i < rows && drawn; i++) {
        if (st)
            ss_image_free(&drawn[i]);
        else
            images[i] = drawn[i];
    }
    free(drawn);
    free(x);
    free(texts.data);
    ss_run_close(&run);
    ss_arena_trim(cx->arena);
    return st;
}
