/* One source, many targets: invert a photo, then draw each target with the photo's appearance.
 *
 *     photo -> latent -> path of inverted latents -> (source, target) side by side, the target reading the source
 *
 * Without a photo the source is drawn from its prompt and seed, and the path is the one that it took.
 * The source is inverted once. Asked to keep keys and values, it is drawn once by itself, and every target reads what
 * was kept; otherwise it is drawn beside each target. The two ways differ by rounding, and either is the same whatever
 * other targets there are, so that each picture can be repeated alone.
 */
#include "api/edit_words.h"
#include "api/keep_file.h"
#include "api/request.h"
#include "control/maps.h"
#include "io/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TEXT_EMPTY, TEXT_NEGATIVE, TEXT_SOURCE, TEXT_TARGETS };

typedef struct edit {
    ss_ctx *cx;
    ss_model *m;
    const ss_edit_request *r;
    ss_size size;
    int64_t h, w, one; /* of a latent */
    int steps, halves;
    ss_texts texts; /* TEXT_EMPTY, TEXT_NEGATIVE, TEXT_SOURCE, then the targets */
    float *path;    /* [steps + 1][one]: the photo's latent, then after each step of inversion */
    float *latents; /* [2][one] */
    bool *active;
    ss_masactrl control;
    ss_token_set *words; /* of each target's subject */
    ss_keep *keep;
    bool keep_full; /* keep holds the whole source, read from a file */
    ss_preview preview;
    int target, shown_row; /* the one being drawn, and its row in the batch */
} edit;

/* ---- the photo and its path */

static void follow(void *user, int step, float *latents) {
    edit *e = user;
    memcpy(e->path + (step + 1) * e->one, latents, (size_t)e->one * sizeof *latents);
}

static ss_status invert(edit *e) {
    ss_run run = {0};
    ss_sampling_options o = e->r->sampling;
    o.reuse = 0;
    o.guidance = e->r->inversion_guidance > 0 ? e->r->inversion_guidance : 1;
    ss_status st = ss_run_open(&run, e->cx, e->m, &o, ss_sampler_inversion(), 1, e->size);
    if (!st) st = ss_run_texts(&run, e->cx, &e->texts, TEXT_EMPTY, (int[]){TEXT_SOURCE}, 1);
    if (!st) {
        run.sample.what = "inverting";
        run.sample.after = follow, run.sample.user = e;
        memcpy(e->latents, e->path, (size_t)e->one * sizeof *e->path);
        st = ss_sample_run(e->cx, &run.sample, 0, e->latents);
    }
    ss_run_close(&run);
    return st;
}

static void follow_back(void *user, int step, float *latents) {
    edit *e = user;
    memcpy(e->path + (e->steps - 1 - step) * e->one, latents, (size_t)e->one * sizeof *latents);
}

/* The path of a source that no photo shows: from the seed's noise, as ss_generate draws it. */
static ss_status draw_source(edit *e) {
    ss_run run = {0};
    ss_rng rng;
    float *noise = e->path + e->steps * e->one;
    ss_status st = ss_run_open(&run, e->cx, e->m, &e->r->sampling, ss_sampler_find(e->cx, "ddim"), 1, e->size);
    if (!st) st = ss_run_texts(&run, e->cx, &e->texts, TEXT_NEGATIVE, (int[]){TEXT_SOURCE}, 1);
    if (!st) {
        ss_rng_seed(&rng, e->r->seed);
        ss_rng_normal(&rng, noise, e->one);
        memcpy(e->latents, noise, (size_t)e->one * sizeof *noise);
        run.sample.what = "drawing the source";
        run.sample.after = follow_back, run.sample.user = e;
        st = ss_sample_run(e->cx, &run.sample, 0, e->latents);
    }
    ss_run_close(&run);
    return st;
}

/* One line that tells whether a kept source belongs to this request. */
static char *fingerprint(edit *e, const ss_image *photo) {
    char model[65];
    const ss_edit_request *r = e->r;
    if (!r->photo) {
        if (ss_model_fingerprint(model, e->cx, e->m)) return NULL;
        return ss_format(e->cx,
                         "seed %llu, %dx%d, model %.16s, source \"%s\", %d steps, guidance %g, negative \"%s\", clip "
                         "skip %d, %s",
                         (unsigned long long)r->seed, e->size.w, e->size.h, model, r->source, e->steps,
                         r->sampling.guidance == 0 ? 7.5 : r->sampling.guidance, r->negative ? r->negative : "",
                         r->sampling.clip_skip, ss_ctx_numbers(e->cx));
    }
    uint64_t hash = 14695981039346656037u; /* FNV-1a over the pixels */
    for (size_t i = 0; i < (size_t)photo->w * (size_t)photo->h * 3; i++) hash = (hash ^ photo->rgb[i]) * 1099511628211u;
    if (ss_model_fingerprint(model, e->cx, e->m)) return NULL;
    return ss_format(e->cx,
                     "photo %dx%d %016llx, model %.16s, source \"%s\", %d steps, inversion guidance %g, guidance %g, "
                     "negative \"%s\", clip skip %d, %s, reuse %d",
                     photo->w, photo->h, (unsigned long long)hash, model, r->source ? r->source : "", e->steps,
                     r->inversion_guidance > 0 ? r->inversion_guidance : 1.0,
                     r->sampling.guidance == 0 ? 7.5 : r->sampling.guidance, r->negative ? r->negative : "",
                     r->sampling.clip_skip, ss_ctx_numbers(e->cx), r->sampling.reuse > 1 ? r->sampling.reuse : 1);
}

static bool there(const char *path) {
    struct stat s;
    return path && stat(path, &s) == 0;
}

/* A file says what it likes: what it kept has to be as large as the layers that will read it. */
static ss_status check_kept(const edit *e) {
    for (int i = 0; i < e->steps * SS_LAYERS * e->halves; i++) {
        int half = i % e->halves, layer = i / e->halves % SS_LAYERS, step = i / e->halves / SS_LAYERS,
            level = ss_layer_level(layer);
        int64_t h = e->h, w = e->w, d = ss_unet_width(&e->m->unet, level);
        int map_h = 1, map_w = 1;
        for (int k = 0; k < level; k++) h = (h + 1) / 2, w = (w + 1) / 2;
        const ss_kept_kv *kv = ss_keep_get(e->keep, step, layer, half);
        bool fits = !kv || (kv->dtype == e->cx->device->numbers && kv->len == h * w && kv->d == d);
        if (ss_keep_get_map(e->keep, step, layer, &map_h, &map_w)) fits = fits && map_h > 0 && map_w > 0;
        if (!fits)
            return ss_fail(e->cx, SS_ERR_FORMAT,
                           "%s: what it kept of step %d, layer %d does not fit %lld keys of width %lld; name "
                           "another file",
                           e->r->keep_source, step, layer, (long long)(h * w), (long long)d);
    }
    return SS_OK;
}

/* The path, inverted now or taken from the file where it was kept. */
static ss_status find_path(edit *e, const ss_image *photo) {
    float *mean = e->latents;
    ss_status st = SS_OK;
    if (there(e->r->keep_source)) {
        char *of = fingerprint(e, photo);
        ss_kept k = {.of = of, .steps = e->steps, .one = e->one, .path = e->path, .keys = e->keep};
        st = of ? ss_kept_read(&k, e->cx, e->r->keep_source, &e->keep_full) : SS_ERR_NOMEM;
        if (!st && e->keep) st = check_kept(e);
        if (!st)
            ss_note(e->cx, "the source comes from %s%s", e->r->keep_source,
                    e->keep_full ? ", with its keys and values" : "");
        free(of);
        return st;
    }
    if (!e->r->photo) return draw_source(e);
    st = ss_encode_image(e->cx, e->m, photo, mean, NULL);
    for (int64_t i = 0; i < e->one && !st; i++) e->path[i] = e->m->vae.scaling * mean[i];
    return st ? st : invert(e);
}

static ss_status store_path(edit *e, const ss_image *photo, ss_keep *keys) {
    char *of = fingerprint(e, photo);
    ss_kept k = {.of = of, .steps = e->steps, .one = e->one, .path = e->path, .keys = keys};
    ss_status st = of ? ss_kept_write(&k, e->cx, e->r->keep_source) : SS_ERR_NOMEM;
    free(of);
    return st;
}

/* ---- the source's own row: what the kinds of inversion differ in */

static float *source_row(edit *e, float *latents) { return e->control.source_absent ? NULL : latents; }

static void put_on_path(void *user, int step, float *latents) {
    edit *e = user;
    float *row = source_row(e, latents);
    if (row) memcpy(row, e->path + (e->steps - step) * e->one, (size_t)e->one * sizeof *row);
}

static void pull_back(void *user, int step, float *latents) {
    edit *e = user;
    float *row = source_row(e, latents);
    if (row) memcpy(row, e->path + (e->steps - 1 - step) * e->one, (size_t)e->one * sizeof *row);
}

/* The source of a step in which no layer reads it need not be run, if its path is known. */
static int unread(void *user, int step) {
    const edit *e = user;
    return !e->control.source_absent && !e->active[step];
}

static void hook_source(edit *e, ss_sample *s) {
    s->user = e;
    if (e->r->inversion == SS_INVERT_DIRECT) s->after = pull_back, s->unread = unread;
    if (e->r->inversion == SS_INVERT_TRAJECTORY) s->before = put_on_path, s->unread = unread;
}

static int without_text(const edit *e) { return e->r->inversion == SS_INVERT_NEGATIVE ? TEXT_SOURCE : TEXT_NEGATIVE; }

static bool same_text(const edit *e, int a, int b) {
    size_t row = (size_t)(e->texts.len * e->texts.d);
    return !memcmp(e->texts.data + (size_t)a * row, e->texts.data + (size_t)b * row, row * sizeof(float));
}

/* The source drawn back. On the path it is known; otherwise it is drawn alone, without guidance where that says the
 * same. */
static ss_status reconstruct(edit *e, ss_image *out) {
    float *x = e->latents;
    if (e->r->inversion == SS_INVERT_DIRECT) return ss_decode_image(out, e->cx, e->m, e->path, e->h, e->w);
    bool last_only = e->r->inversion == SS_INVERT_TRAJECTORY;
    ss_run run = {0};
    ss_sampling_options o = e->r->sampling;
    if (same_text(e, without_text(e), TEXT_SOURCE)) o.guidance = 1;
    ss_status st = ss_run_open(&run, e->cx, e->m, &o, ss_sampler_find(e->cx, "ddim"), 1, e->size);
    if (!st) st = ss_run_texts(&run, e->cx, &e->texts, without_text(e), (int[]){TEXT_SOURCE}, 1);
    if (!st) {
        run.sample.what = "reconstructing";
        memcpy(x, e->path + (last_only ? 1 : e->steps) * e->one, (size_t)e->one * sizeof *x);
        st = ss_sample_run(e->cx, &run.sample, last_only ? e->steps - 1 : 0, x);
    }
    if (!st) st = ss_decode_image(out, e->cx, e->m, x, e->h, e->w);
    ss_run_close(&run);
    return st;
}

/* ---- targets */

static void show(void *user, int step, int steps, const float *latents) {
    edit *e = user;
    ss_image im = {0};
    if (ss_preview_image(&im, e->cx, &e->preview, latents + e->shown_row * e->one, e->h, e->w)) return;
    e->r->preview(e->r->preview_user, &im, step, steps);
    ss_image_free(&im);
}

/* Writes a mask; a failure is kept in the context, and the loop ends with it. */
static void save_mask(const edit *e, int step, int layer, bool source, const float *map, int h, int w) {
    char path[4096];
    if (source)
        snprintf(path, sizeof path, "%s/source-step%02d-layer%02d.png", e->r->save_masks, step, layer);
    else
        snprintf(path, sizeof path, "%s/target%d-step%02d-layer%02d.png", e->r->save_masks, e->target + 1, step, layer);
    ss_mask_write(e->cx, path, map, w, h);
}

static void saw_mask(void *user, int step, int layer, int row, const float *map, int h, int w) {
    edit *e = user;
    if (e->r->save_masks) save_mask(e, step, layer, row == 0, map, h, w);
    if (e->r->masked) e->r->masked(e->r->masked_user, step, layer, row == 0, &(ss_mask){w, h, map});
}

static ss_status save_maps(const edit *e, const ss_maps *maps, const char *who, const char *text) {
    char path[4096], word[40];
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    if (ss_tokenize(e->m->tokenizer, e->cx, text, ids, &info)) return e->cx->status;
    float *map = ss_alloc(e->cx, (size_t)(maps->h * maps->w), sizeof *map);
    for (int t = 1; map && t < info.count - 1 && !e->cx->status; t++) {
        ss_word_name(word, sizeof word, text, &info, t);
        snprintf(path, sizeof path, "%s/%s-%02d-%s.png", e->r->save_attention, who, t, word);
        ss_maps_token(maps, 0, t, map);
        ss_mask_write(e->cx, path, map, maps->w, maps->h);
    }
    free(map);
    return e->cx->status;
}

/* Where a target starts: from the source's noise, and as much new noise as was asked for. */
static void start_target(const edit *e, float *x) {
    const float *source = e->path + e->steps * e->one;
    double fresh = e->r->fresh;
    memcpy(x, source, (size_t)e->one * sizeof *x);
    if (fresh == 0) return;
    ss_rng rng;
    ss_rng_seed(&rng, e->r->seed + (e->r->photo ? 0 : 1));
    ss_rng_normal(&rng, x, e->one);
    for (int64_t i = 0; i < e->one; i++) x[i] = (float)(sqrt(1 - fresh) * source[i] + sqrt(fresh) * x[i]);
}

/* Opens a run from the inverted noise: the source, if `texts` begin with its own, and targets. */
static ss_status open_rows(edit *e, ss_run *run, const int *texts, int rows) {
    bool source = texts[0] == TEXT_SOURCE;
    ss_status st = ss_run_open(run, e->cx, e->m, &e->r->sampling, ss_sampler_find(e->cx, "ddim"), rows, e->size);
    if (!st) st = ss_run_texts(run, e->cx, &e->texts, without_text(e), texts, rows);
    if (st) return st;
    e->control.source_absent = !source;
    e->control.source_shared = source && e->halves == 2 && same_text(e, without_text(e), TEXT_SOURCE);
    e->control.keep = e->keep;
    e->control.control.next = NULL;
    run->sample.shared = e->control.source_shared;
    run->sample.control = e->r->method == SS_METHOD_NONE ? NULL : &e->control.control;
    hook_source(e, &run->sample);
    if (source) memcpy(e->latents, e->path + e->steps * e->one, (size_t)e->one * sizeof *e->path);
    for (int i = source; i < rows; i++) start_target(e, e->latents + i * e->one);
    return SS_OK;
}

/* The source by itself, for what the targets will read of it. */
static ss_status keep_source(edit *e) {
    ss_run run = {0};
    ss_status st = open_rows(e, &run, (int[]){TEXT_SOURCE}, 1);
    if (!st) {
        run.sample.what = "keeping the source";
        st = ss_sample_run(e->cx, &run.sample, 0, e->latents);
    }
    ss_run_close(&run);
    return st;
}

static ss_status draw(edit *e, int target, ss_image *out) {
    const ss_edit_request *r = e->r;
    bool alone = r->method == SS_METHOD_NONE || e->keep; /* nobody reads a source in the batch */
    int rows = alone ? 1 : 2;
    char what[48];
    ss_run run = {0};
    ss_maps maps;
    ss_maps_init(&maps, 1);
    snprintf(what, sizeof what, r->prompt_count > 1 ? "drawing %d of %d" : "drawing", target + 1, r->prompt_count);

    int texts[2] = {alone ? TEXT_TARGETS + target : TEXT_SOURCE, TEXT_TARGETS + target};
    ss_status st = open_rows(e, &run, texts, rows);
    if (!st) {
        e->target = target, e->shown_row = rows - 1;
        e->control.target_words = e->words ? &e->words[target] : NULL;
        run.sample.what = what;
        if (r->save_attention) maps.control.next = run.sample.control, run.sample.control = &maps.control;
        if (r->preview) run.sample.preview = show, run.sample.preview_user = e;
        st = ss_sample_run(e->cx, &run.sample, 0, e->latents);
    }
    if (!st && r->save_attention) {
        char who[24];
        snprintf(who, sizeof who, "target%d", target + 1);
        st = save_maps(e, &maps, who, r->prompts[target]);
    }
    if (!st) st = ss_decode_image(out, e->cx, e->m, e->latents + (rows - 1) * e->one, e->h, e->w);
    ss_maps_clear(&maps);
    ss_run_close(&run);
    return st;
}

/* ---- the request */

static ss_status check(ss_ctx *cx, const ss_edit_request *r) {
    if (r->photo && !r->photo->rgb) return ss_fail(cx, SS_ERR_ARG, "an edit needs a photo, and this one is empty");
    if (!r->photo && !(r->source && *r->source))
        return ss_fail(cx, SS_ERR_ARG, "an edit needs a photo, or a source prompt to draw one from");
    if (!r->photo && r->inversion != SS_INVERT_DIRECT)
        return ss_fail(cx, SS_ERR_ARG, "a source that is drawn is not inverted, so only direct inversion goes with it");
    if (r->prompt_count < 1) return ss_fail(cx, SS_ERR_ARG, "an edit needs at least one prompt: what shall be drawn?");
    for (int i = 0; i < r->prompt_count; i++)
        if (!r->prompts[i]) return ss_fail(cx, SS_ERR_ARG, "prompt %d of %d is missing", i + 1, r->prompt_count);
    if (r->sampling.sampler && strcmp(r->sampling.sampler, "ddim"))
        return ss_fail(cx, SS_ERR_ARG, "edits invert with DDIM and draw with it, so sampler \"%s\" cannot be used",
                       r->sampling.sampler);
    if (r->sampling.eta != 0)
        return ss_fail(cx, SS_ERR_ARG, "eta %g: an edit follows the inverted path, which has no noise",
                       r->sampling.eta);
    bool masks = r->source_mask.data || r->target_mask.data;
    if (masks && r->method != SS_METHOD_MASK)
        return ss_fail(cx, SS_ERR_ARG, "masks are given, but the method is not \"mask\"");
    if (r->method == SS_METHOD_MASK && !(r->source_mask.data && r->target_mask.data))
        return ss_fail(cx, SS_ERR_ARG, "method \"mask\" needs a source mask and a target mask");
    if (masks && (r->source_mask.w < 1 || r->source_mask.h < 1 || r->target_mask.w < 1 || r->target_mask.h < 1))
        return ss_fail(cx, SS_ERR_ARG, "masks of %dx%d and %dx%d: they need a pixel at least", r->source_mask.w,
                       r->source_mask.h, r->target_mask.w, r->target_mask.h);
    if (r->method == SS_METHOD_AUTO && !(r->threshold >= 0 && r->threshold <= 1))
        return ss_fail(cx, SS_ERR_ARG, "threshold %g: masks go from 0 to 1", r->threshold);
    if (r->method != SS_METHOD_AUTO && (r->subject || r->target_subject || r->threshold != 0))
        return ss_fail(cx, SS_ERR_ARG,
                       "subject words and thresholds make automatic masks, but the method is another one");
    if (r->own_background && r->method != SS_METHOD_MASK && r->method != SS_METHOD_AUTO)
        return ss_fail(cx, SS_ERR_ARG, "a background of its own needs a method with masks, and this one has none");
    if ((r->save_masks || r->masked) && r->method != SS_METHOD_AUTO)
        return ss_fail(cx, SS_ERR_ARG, "only automatic masks can be saved or shown; the method is another one");
    if (r->inversion_guidance < 0)
        return ss_fail(cx, SS_ERR_ARG, "inversion guidance %g: it starts at 1 (none)", r->inversion_guidance);
    if (!(r->fresh >= 0 && r->fresh <= 1))
        return ss_fail(cx, SS_ERR_ARG, "fresh noise %g: a share goes from 0 to 1", r->fresh);
    return ss_sampling_check(cx, &r->sampling);
}

static ss_status make_folder(ss_ctx *cx, const char *path) {
    struct stat s;
    if (!path || mkdir(path, 0777) == 0 || (stat(path, &s) == 0 && S_ISDIR(s.st_mode))) return SS_OK;
    return ss_fail(cx, SS_ERR_FILE, "%s: the folder cannot be made", path);
}

static ss_status prepare(edit *e, ss_image *source) {
    const ss_edit_request *r = e->r;
    ss_status st = check(e->cx, r);
    const char **text = st ? NULL : ss_alloc(e->cx, (size_t)(TEXT_TARGETS + r->prompt_count), sizeof *text);
    if (!st && !text) st = SS_ERR_NOMEM;
    if (!st) st = ss_request_size(&e->size, e->cx, e->m, r->width, r->height);
    if (!st) st = make_folder(e->cx, r->save_masks);
    if (!st) st = make_folder(e->cx, r->save_attention);
    if (!st) {
        e->steps = r->sampling.steps ? r->sampling.steps : 50;
        e->h = e->size.h / 8, e->w = e->size.w / 8, e->one = 4 * e->h * e->w;
        e->halves = r->sampling.guidance == 0 || r->sampling.guidance > 1 ? 2 : 1;
        text[TEXT_EMPTY] = "", text[TEXT_NEGATIVE] = r->negative, text[TEXT_SOURCE] = r->source;
        for (int i = 0; i < r->prompt_count; i++) text[TEXT_TARGETS + i] = r->prompts[i];
    }
    if (!st) e->path = ss_alloc(e->cx, (size_t)(e->steps + 1) * (size_t)e->one, sizeof *e->path);
    if (!st) e->latents = ss_alloc(e->cx, 2 * (size_t)e->one, sizeof *e->latents);
    if (!st) e->active = ss_alloc(e->cx, (size_t)e->steps, sizeof *e->active);
    if (!st) st = e->cx->status;

    ss_masactrl *c = &e->control;
    ss_masactrl_init(c);
    c->method = r->method, c->halves = e->halves, c->steps = e->active, c->step_count = e->steps;
    c->source_mask = r->source_mask, c->target_mask = r->target_mask;
    c->own_background = r->own_background;
    c->threshold = r->threshold > 0 ? (float)r->threshold : 0.1f;
    if (r->save_masks || r->masked) c->saw = saw_mask, c->user = e;
    if (!st) st = ss_steps_select(e->active, e->cx, &r->control, e->steps);
    if (!st) st = ss_layers_select(c->layers, e->cx, r->control.layers, e->h, e->w);
    while (c->control.first_layer < SS_LAYERS && !c->layers[c->control.first_layer]) c->control.first_layer++;
    if (!st && r->method == SS_METHOD_AUTO) {
        e->words = ss_alloc(e->cx, (size_t)r->prompt_count, sizeof *e->words);
        st = e->words ? ss_subject_words(&c->source_words, e->words, e->cx, e->m->tokenizer, r) : SS_ERR_NOMEM;
    }
    if (!st && r->method != SS_METHOD_NONE && r->keep_keys)
        st = ss_keep_new(&e->keep, e->cx, e->steps, SS_LAYERS, e->halves);
    if (!st && r->photo) st = ss_image_fit(source, e->cx, r->photo, e->size.w, e->size.h, r->fit);
    if (!st) st = ss_embed_texts(&e->texts, e->cx, e->m, text, TEXT_TARGETS + r->prompt_count, r->sampling.clip_skip);
    if (!st && r->preview) st = ss_preview_fit(&e->preview, e->cx, e->m);
    free(text);
    return st;
}

ss_status ss_edit(ss_edited *out, ss_ctx *cx, ss_model *m, const ss_edit_request *r) {
    ss_ctx_clear(cx);
    edit e = {.cx = cx, .m = m, .r = r};
    *out = (ss_edited){0};
    ss_status st = prepare(&e, &out->source);
    bool was_there = there(r->keep_source);
    if (!st) st = find_path(&e, &out->source);
    if (!st && r->keep_source && !was_there) st = store_path(&e, &out->source, NULL);
    if (!st) st = reconstruct(&e, &out->reconstruction);
    if (!st && !r->photo) {
        out->source = out->reconstruction, out->reconstruction = (ss_image){0};
        out->psnr = INFINITY;
        if (r->reconstructed) r->reconstructed(r->reconstructed_user, &out->source, out->psnr);
    } else if (!st) {
        out->psnr = ss_psnr(&out->source, &out->reconstruction);
        if (r->reconstructed) r->reconstructed(r->reconstructed_user, &out->reconstruction, out->psnr);
    }
    if (!st && !(st = cx->status)) {
        out->targets = ss_alloc(cx, (size_t)r->prompt_count, sizeof *out->targets);
        out->count = out->targets ? r->prompt_count : 0;
        st = cx->status;
    }
    if (!st && e.keep && !e.keep_full) {
        st = keep_source(&e);
        if (!st && r->keep_source) st = store_path(&e, &out->source, e.keep);
    }
    for (int i = 0; i < r->prompt_count && !st; i++) {
        st = draw(&e, i, &out->targets[i]);
        if (!st && r->drawn) r->drawn(r->drawn_user, i, &out->targets[i]);
        if (!st) st = cx->status;
    }
    free(e.texts.data);
    free(e.path);
    free(e.latents);
    free(e.active);
    free(e.words);
    ss_keep_free(e.keep);
    ss_masactrl_clear(&e.control);
    ss_arena_trim(cx->arena);
    return st;
}

void ss_edited_free(ss_edited *e) {
    ss_image_free(&e->source);
    ss_image_free(&e->reconstruction);
    for (int i = 0; i < e->count; i++) ss_image_free(&e->targets[i]);
    free(e->targets);
    *e = (ss_edited){0};
}
