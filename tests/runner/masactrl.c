/* MasaCtrl: inversions, every control, the study's sweeps. */
#include "runner/runner.h"

#include "control/masactrl.h"
#include "diffuse/latent.h"
#include "io/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench {
    runner *r;
    const char *folder;
    ss_model *m;
    const json_t *info;
    ss_schedule schedule;
} bench;

static const char *text_of(const json_t *o, const char *key) { return json_string_value(json_object_get(o, key)); }
static double number_of(const json_t *o, const char *key) { return json_number_value(json_object_get(o, key)); }

/* The scheduler that the originals use: DDIM, leading, offset 1. */
static ss_sampling *sampling(bench *b, const ss_sampler *sampler, int steps, int64_t count) {
    ss_sampling *s = NULL;
    if (!sampler || ss_sampling_new(&s, b->r->cx, sampler, &b->schedule, steps, &(ss_sampler_options){0}, count))
        broken(b->r, "sampling", NULL);
    return s;
}

/* ---- inversions */

typedef struct path {
    float *row; /* [steps + 1][one] */
    int64_t one;
    int steps;
} path;

static void follow(void *user, int step, float *latents) {
    path *p = user;
    memcpy(p->row + (step + 1) * p->one, latents, (size_t)p->one * sizeof *latents);
}

/* The inverted path of one of the JSON's inversions; .row is freed by the caller, NULL after a failure. */
static path invert(bench *b, const char *name) {
    const json_t *run = json_object_get(json_object_get(b->info, "inversions"), name);
    path p = {.steps = (int)number_of(run, "steps")};
    ss_image im = {0};
    const char *picture = text_of(run, "picture");
    if (!picture || ss_image_read(&im, b->r->cx, under(b->r, "%s/%s", b->folder, picture))) {
        broken(b->r, name, NULL);
        return p;
    }
    int64_t h = im.h / 8, w = im.w / 8;
    p.one = 4 * h * w;
    p.row = malloc((size_t)((p.steps + 1) * p.one) * sizeof *p.row);
    float *x = malloc((size_t)p.one * sizeof *x),
          *texts = embed(b->r, b->m, (const char *[]){"", text_of(run, "prompt")}, 2);
    ss_sampling *s = sampling(b, ss_sampler_inversion(), p.steps, p.one);
    bool ok = texts && s && !ss_encode_image(b->r->cx, b->m, &im, x, NULL);
    if (ok) {
        for (int64_t i = 0; i < p.one; i++) p.row[i] = x[i] *= b->m->vae.scaling;
        ss_sample sample = {.model = b->m,
                            .sampling = s,
                            .rows = 1,
                            .h = h,
                            .w = w,
                            .guidance = number_of(run, "guidance"),
                            .without = texts,
                            .with = texts + 77 * b->m->unet_text_width,
                            .what = name,
                            .after = follow,
                            .user = &p};
        ok = !ss_sample_run(b->r->cx, &sample, 0, x);
    }
    if (!ok) {
        broken(b->r, name, NULL);
        free(p.row);
        p.row = NULL;
    }
    ss_sampling_free(s);
    ss_image_free(&im);
    free(texts);
    free(x);
    return p;
}

static void run_inversion(bench *b, const char *name, const json_t *run) {
    ss_weights *w = open_tensors(b->r, under(b->r, "%s/%s.safetensors", b->folder, name));
    path p = invert(b, name);
    int64_t n;
    float *want = w ? numbers(b->r, w, "trajectory", &n) : NULL;
    const json_t *kept = json_object_get(run, "kept");
    bool all = !json_is_false(json_object_get(run, "all"));
    if (want && p.row) {
        double worst = 0;
        for (int64_t i = 0; i < n / p.one; i++) {
            int64_t at = all ? i : json_integer_value(json_array_get(kept, (size_t)i));
            double d = relative(p.row + at * p.one, want + i * p.one, p.one);
            if (!(d <= worst)) worst = d;
        }
        check(b->r, name, "rel_l2", worst, 1e-4);
    }
    free(want);
    free(p.row);
    ss_weights_close(w);
}

/* ---- controlled runs */

typedef struct state {
    bench *b;
    const char *name;
    const ss_weights *golden;
    const json_t *run;
    ss_masactrl control;
    bool active[1000];
    int rows, steps, step;
    int64_t one, h, w;
    path path;
    bool pull_back, put_on_path;
    float *unconditioning; /* [77 * d], multiplied by 1 + 0.01 step */
    float *without;        /* [rows][77 * d], rewritten each step when unconditioned */
    double limit, attention_limit;
    bool *seen;
} state;

static void before(void *user, int step, float *latents) {
    state *s = user;
    s->step = step;
    if (s->put_on_path) memcpy(latents, s->path.row + (s->steps - step) * s->one, (size_t)s->one * sizeof *latents);
    int64_t text = 77 * s->b->m->unet_text_width;
    for (int64_t i = 0; s->unconditioning && i < s->rows * text; i++)
        s->without[i] = s->unconditioning[i % text] * (float)(1 + 0.01 * step);
}

static void compare(state *s, const char *key, const float *got, double limit) {
    const ss_stored *t = ss_weights_find(s->golden, key);
    char line[300];
    if (!t || s->seen[t - s->golden->at]) return;
    int64_t n;
    float *want = numbers(s->b->r, s->golden, key, &n);
    snprintf(line, sizeof line, "%s:%s", s->name, key);
    check(s->b->r, line, "rel_l2", relative(got, want, n), limit);
    s->seen[t - s->golden->at] = true;
    free(want);
}

static void after(void *user, int step, float *latents) {
    state *s = user;
    char key[64];
    if (s->pull_back) memcpy(latents, s->path.row + (s->steps - 1 - step) * s->one, (size_t)s->one * sizeof *latents);
    snprintf(key, sizeof key, "latents.after%d", step + 1);
    compare(s, key, latents, s->limit);
}

static const int layer_of[4][3] = {{0, 1, -1}, {2, 3, -1}, {4, 5, -1}, {-1, -1, -1}};

static int layer_number(const char *name) {
    int i, j;
    if (!strncmp(name, "mid_block", 9)) return 6;
    if (sscanf(name, "down_blocks.%d.attentions.%d", &i, &j) == 2) return layer_of[i][j];
    if (sscanf(name, "up_blocks.%d.attentions.%d", &i, &j) == 2) return 7 + 3 * (i - 1) + j;
    return -1;
}

static void see(void *user, const char *name, const ss_tensor *x) {
    state *s = user;
    char key[64];
    size_t n = strlen(name);
    if (n < 12 || strcmp(name + n - 12, ".attn1.heads")) return;
    snprintf(key, sizeof key, "attention.step%d.layer%d", s->step, layer_number(name));
    if (!ss_weights_find(s->golden, key)) return;
    float *got = malloc((size_t)ss_count(x) * sizeof *got);
    ss_tensor_to_planar(got, x);
    compare(s, key, got, s->attention_limit);
    free(got);
}

static void saw(void *user, int step, int layer, int row, const float *map, int h, int w) {
    (void)h, (void)w;
    state *s = user;
    char key[64];
    snprintf(key, sizeof key, "map.step%d.layer%d.%s", step, layer, row ? "target" : "source");
    compare(s, key, map, 1e-4);
}

static ss_token_set words(const json_t *index) {
    ss_token_set set = {0};
    if (json_is_integer(index)) set.at[set.count++] = (int)json_integer_value(index);
    for (size_t i = 0; i < json_array_size(index); i++)
        set.at[set.count++] = (int)json_integer_value(json_array_get(index, i));
    return set;
}

/* The original's class and arguments as our control. False for a class that is not known. */
static bool set_control(state *s, const char *class_name, const json_t *arguments, ss_token_set *target) {
    static const struct {
        const char *name;
        ss_method method;
    } classes[] = {{"AttentionBase", SS_METHOD_NONE},
                   {"MutualSelfAttentionControl", SS_METHOD_MASACTRL},
                   {"union", SS_METHOD_UNION},
                   {"MutualSelfAttentionControlMask", SS_METHOD_MASK},
                   {"MutualSelfAttentionControlMaskAuto", SS_METHOD_AUTO}};
    int found = -1;
    for (int i = 0; i < SS_COUNT_OF(classes); i++)
        if (class_name && !strcmp(classes[i].name, class_name)) found = i;
    if (found < 0) return false;
    ss_masactrl *c = &s->control;
    ss_masactrl_init(c);
    c->method = classes[found].method;
    c->steps = s->active, c->step_count = s->steps;
    const json_t *step_list = json_object_get(arguments, "step_idx"),
                 *layer_list = json_object_get(arguments, "layer_idx");
    const json_t *first_step = json_object_get(arguments, "start_step"),
                 *first_layer = json_object_get(arguments, "start_layer");
    for (int i = 0; i < s->steps; i++)
        s->active[i] = !step_list && i >= (first_step ? json_integer_value(first_step) : 4);
    for (int i = 0; i < SS_LAYERS; i++)
        c->layers[i] = !layer_list && i >= (first_layer ? json_integer_value(first_layer) : 10);
    for (size_t i = 0; i < json_array_size(step_list); i++) {
        json_int_t step = json_integer_value(json_array_get(step_list, i));
        if (step < s->steps) s->active[step] = true;
    }
    for (size_t i = 0; i < json_array_size(layer_list); i++)
        c->layers[json_integer_value(json_array_get(layer_list, i))] = true;
    const json_t *threshold = json_object_get(arguments, "thres");
    c->threshold = threshold ? (float)json_number_value(threshold) : 0.1f;
    c->source_words = words(json_object_get(arguments, "ref_token_idx"));
    *target = words(json_object_get(arguments, "cur_token_idx"));
    c->target_words = target;
    c->map_tokens = 256; /* the original's literal, whatever the level */
    c->saw = saw, c->user = s;
    return true;
}

static float *load_mask(bench *b, const char *name, ss_mask *mask) {
    ss_weights *w = open_tensors(b->r, under(b->r, "%s/masks.safetensors", b->folder));
    const ss_stored *t = w ? stored(b->r, w, name) : NULL;
    float *data = t ? numbers(b->r, w, name, NULL) : NULL;
    if (data) *mask = (ss_mask){.w = (int)t->shape[1], .h = (int)t->shape[0], .data = data};
    ss_weights_close(w);
    return data;
}

/* "start_code", "NAME last row" of an inversion, or "torch CPU randn [1,4,h,w], seed N". */
static bool start_from(state *s, const char *start, float *x) {
    bench *b = s->b;
    long long h, w, seed;
    char name[100];
    int used = 0;
    if (!strcmp(start, "start_code")) {
        ss_weights *f = open_tensors(b->r, under(b->r, "%s/start.safetensors", b->folder));
        float *code = f ? numbers(b->r, f, "start_code", NULL) : NULL;
        if (code) memcpy(x, code, (size_t)s->one * sizeof *x);
        free(code);
        ss_weights_close(f);
        return code != NULL;
    }
    if (sscanf(start, "torch CPU randn [1,4,%lld,%lld], seed %lld", &h, &w, &seed) == 3) {
        ss_rng rng;
        ss_rng_seed(&rng, (uint64_t)seed);
        ss_rng_normal(&rng, x, s->one);
        return true;
    }
    if (sscanf(start, "%99s last row%n", name, &used) == 1 && used) {
        if (!s->path.row) s->path = invert(b, name);
        if (s->path.row) memcpy(x, s->path.row + s->path.steps * s->one, (size_t)s->one * sizeof *x);
        return s->path.row != NULL;
    }
    return false;
}

/* Draws the rows and compares what the golden file holds. */
static void draw(state *s, const char *const *prompts, double guidance, const char *negative, const char *start) {
    bench *b = s->b;
    ss_ctx *cx = b->r->cx;
    int64_t text = 77 * b->m->unet_text_width;
    float *x = malloc((size_t)(s->rows * s->one) * sizeof *x), *texts = embed(b->r, b->m, prompts, s->rows);
    float *empty = embed(b->r, b->m, (const char *[]){negative ? negative : ""}, 1);
    s->without = malloc((size_t)(s->rows * text) * sizeof *s->without);
    ss_sampling *run = sampling(b, ss_sampler_find(b->r->cx, "ddim"), s->steps, s->rows * s->one);
    s->control.halves = guidance > 1 ? 2 : 1;
    if (texts && empty && run && start_from(s, start, x)) {
        for (int i = 1; i < s->rows; i++) memcpy(x + i * s->one, x, (size_t)s->one * sizeof *x);
        for (int i = 0; i < s->rows; i++) memcpy(s->without + i * text, empty, (size_t)text * sizeof *empty);
        ss_sample sample = {.model = b->m,
                            .sampling = run,
                            .rows = s->rows,
                            .h = s->h,
                            .w = s->w,
                            .guidance = guidance,
                            .without = s->without,
                            .with = texts,
                            .control = &s->control.control,
                            .what = s->name,
                            .before = before,
                            .after = after,
                            .user = s};
        ss_watch watch = {see, s};
        cx->watch = &watch;
        if (ss_sample_run(cx, &sample, 0, x)) broken(b->r, s->name, NULL);
        cx->watch = NULL;
        int64_t n;
        const ss_stored *image = ss_weights_find(s->golden, "image");
        if (image) { /* [rows, 3, 8h, 8w], floor(255 v) */
            float *want = numbers(b->r, s->golden, "image", &n),
                  *rgb = malloc((size_t)(192 * s->h * s->w) * sizeof *rgb);
            int64_t places = 64 * s->h * s->w;
            double worst = 0;
            for (int i = 0; i < s->rows; i++) {
                if (ss_decode_pixels(cx, b->m, x + i * s->one, s->h, s->w, rgb)) broken(b->r, s->name, NULL);
                for (int64_t p = 0; p < places; p++)
                    for (int c = 0; c < 3; c++) {
                        double v = floor(255.0f * fminf(fmaxf(rgb[p * 3 + c] / 2 + 0.5f, 0), 1));
                        worst = fmax(worst, fabs(v - want[(i * 3 + c) * places + p]));
                    }
            }
            char line[300];
            snprintf(line, sizeof line, "%s:image", s->name);
            check(b->r, line, "levels", worst, 1);
            s->seen[image - s->golden->at] = true;
            free(want);
            free(rgb);
        }
    } else {
        broken(b->r, s->name, "the run cannot start: what it starts from is not known");
    }
    ss_sampling_free(run);
    free(x);
    free(texts);
    free(empty);
    free(s->without);
}

static void all_seen(const state *s) {
    char line[300];
    for (int64_t i = 0; i < s->golden->count; i++) {
        snprintf(line, sizeof line, "%s:%s", s->name, s->golden->at[i].name);
        if (!s->seen[i]) broken(s->b->r, line, "the run shows no such thing");
    }
}

static void run_control(bench *b, const char *name, const json_t *run) {
    static const char *none[] = {""};
    state s = {.b = b,
               .name = name,
               .run = run,
               .steps = (int)number_of(run, "steps"),
               .limit = 5e-5,
               .attention_limit = 1e-4};
    const json_t *prompts = json_object_get(run, "prompts"), *latent = json_object_get(run, "latent");
    if (!prompts) {
        skip(b->r, name, "the original fails here, there is nothing to compare with");
        return;
    }
    ss_weights *golden = open_tensors(b->r, under(b->r, "%s/%s.safetensors", b->folder, name));
    if (!golden) return;
    const char *text[16], *class_name = text_of(run, "control"), *ref = text_of(run, "ref_intermediate_latents");
    const char *source = text_of(run, "mask_s"), *target = text_of(run, "mask_t"),
               *uncond = text_of(run, "unconditioning_prompt");
    ss_token_set target_words;
    float *mask_s = NULL, *mask_t = NULL;
    double guidance = number_of(run, "guidance");
    s.golden = golden;
    s.seen = calloc((size_t)golden->count, 1);
    s.rows = (int)json_array_size(prompts);
    for (int i = 0; i < s.rows && i < 16; i++) text[i] = json_string_value(json_array_get(prompts, (size_t)i));
    const ss_stored *any = NULL;
    for (int64_t i = 0; i < golden->count; i++)
        if (!strncmp(golden->at[i].name, "latents.", 8)) any = &golden->at[i];
    s.h = latent ? json_integer_value(json_array_get(latent, 0)) : any ? any->shape[2] : 0;
    s.w = latent ? json_integer_value(json_array_get(latent, 1)) : any ? any->shape[3] : 0;
    s.one = 4 * s.h * s.w;

    if (!set_control(&s, class_name, json_object_get(run, "arguments"), &target_words)) {
        broken(b->r, name, "a control that this runner does not know");
        goto done;
    }
    if (s.control.method == SS_METHOD_AUTO)
        s.limit = 1e-4;
    else if (s.steps >= 50)
        s.limit = 2e-5;
    if (strstr(text_of(run, "start"), "last row")) s.limit = 1e-4;
    if (s.control.method == SS_METHOD_MASK) {
        if (source) mask_s = load_mask(b, source, &s.control.source_mask);
        if (target) mask_t = load_mask(b, target, &s.control.target_mask);
        if (!source && !target)
            s.control.method = SS_METHOD_MASACTRL; /* the original falls back to the basic control */
    }
    /* The original halves an unguided batch into source and target, which leaves each row to itself. */
    if (guidance <= 1) s.control.method = SS_METHOD_NONE;
    if (ref) s.path = invert(b, ref), s.put_on_path = true;
    if (json_object_get(run, "offsets")) s.pull_back = true;
    if (uncond) s.unconditioning = embed(b->r, b->m, (const char *[]){uncond}, 1);
    draw(&s, s.rows ? text : none, guidance, text_of(run, "neg_prompt"), text_of(run, "start"));
    const ss_stored *offsets = ss_weights_find(golden, "offsets");
    if (offsets) s.seen[offsets - golden->at] = true; /* adding them is what putting the row on its path means */
    all_seen(&s);
done:
    ss_masactrl_clear(&s.control);
    free(s.seen);
    free(s.path.row);
    free(s.unconditioning);
    free(mask_s);
    free(mask_t);
    ss_weights_close(golden);
}

/* Final latents after the study's step and layer lists; key: index-start-final-skip-set. */
static void run_study(bench *b) {
    const json_t *info = json_object_get(b->info, "study");
    json_t *lists = open_json(b->r, under(b->r, "%s/study-lists.json", b->folder));
    ss_weights *golden = open_tensors(b->r, under(b->r, "%s/study.safetensors", b->folder));
    for (int64_t i = 0; lists && golden && i < golden->count; i++) {
        int index, start, final, last_digit;
        char set[32], name[100];
        const ss_stored *t = &golden->at[i];
        if (sscanf(t->name, "%d-%d-%d-%d-%31s", &index, &start, &final, &last_digit, set) != 5) {
            broken(b->r, t->name, "a study run that this runner does not know");
            continue;
        }
        state s = {.b = b,
                   .golden = golden,
                   .steps = 50,
                   .rows = 2,
                   .h = t->shape[2],
                   .w = t->shape[3],
                   .limit = 1e-4,
                   .attention_limit = 1e-4};
        snprintf(name, sizeof name, "study:%s", t->name);
        s.name = name;
        s.one = 4 * s.h * s.w;
        s.seen = calloc((size_t)golden->count, 1);
        ss_masactrl_init(&s.control);
        s.control.method = SS_METHOD_MASACTRL;
        s.control.steps = s.active, s.control.step_count = s.steps;

        /* Our own rules have to select what the study's lists say. */
        const json_t *row = json_array_get(json_object_get(lists, "steps"), (size_t)index),
                     *steps = json_object_get(row, "steps");
        ss_control_range range = {
            .from_given = true, .from = start, .to = final, .last_digit = index >= 13 ? last_digit : 0};
        if (ss_steps_select(s.active, b->r->cx, &range, s.steps) ||
            ss_layers_select(s.control.layers, b->r->cx, set, s.h, s.w))
            broken(b->r, name, NULL);
        int different = 0;
        for (int k = 0; k < s.steps; k++) {
            bool listed = false;
            for (size_t j = 0; j < json_array_size(steps); j++)
                listed = listed || json_integer_value(json_array_get(steps, j)) == k;
            different += listed != s.active[k];
        }
        char line[160];
        snprintf(line, sizeof line, "%s:steps", name);
        check(b->r, line, "different", different, 0);
        char last[40];
        snprintf(last, sizeof last, "latents.after%d", s.steps);
        const json_t *prompts = json_object_get(info, "prompts");
        const char *text[2] = {json_string_value(json_array_get(prompts, 0)),
                               json_string_value(json_array_get(prompts, 1))};
        /* Only the end is stored: compare the last state under the run's own name. */
        ss_weights one = *golden;
        ss_stored renamed = *t;
        renamed.name = last;
        one.at = &renamed, one.count = 1;
        s.golden = &one;
        draw(&s, text, number_of(info, "guidance"), NULL, text_of(info, "start"));
        if (!s.seen[0]) broken(b->r, name, "the run did not reach its end");
        free(s.seen);
        free(s.path.row);
    }
    json_decref(lists);
    ss_weights_close(golden);
}

void run_masactrl(runner *r, const char *folder) {
    bench b = {.r = r, .folder = folder, .m = open_noise_model(r)};
    json_t *info = open_json(r, under(r, "%s/masactrl.json", folder)), *run;
    const char *key;
    b.info = info;
    b.schedule = ss_schedule_default();
    ss_schedule_fill(&b.schedule);
    if (b.m && info) {
        json_object_foreach(json_object_get(info, "inversions"), key, run) run_inversion(&b, key, run);
        json_object_foreach(json_object_get(info, "runs"), key, run) run_control(&b, key, run);
        if (json_object_get(info, "study")) run_study(&b);
    }
    json_decref(info);
    ss_model_free(b.m);
}
