/* Samplers: timesteps, noise levels and trajectories of the library's schedulers, whole pipelines to pixels. */
#include "runner/runner.h"

#include "diffuse/latent.h"
#include "runner/runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one run starts from. */
typedef struct setting {
    ss_model *model;
    const float *context; /* [2][77 * d]: negative, prompt */
    const float *noise;   /* one latent */
    int64_t h, w;
    double guidance;
    uint64_t step_seed;
    bool old_release; /* of the library: its DPM-Solvers end at the least sigma, and files do not name it */
} setting;

typedef struct trace {
    float *states; /* [calls][count] after each call */
    int64_t count;
    int at;
} trace;

static void note(void *user, int step, int steps, const float *latents) {
    (void)step, (void)steps;
    trace *t = user;
    memcpy(t->states + t->at++ * t->count, latents, (size_t)t->count * sizeof *latents);
}

/* Limits by kind of sampler and length, as the golden README suggests. */
static double limit_of(const json_t *run, bool draws) {
    const char *c = json_string_value(json_object_get(run, "scheduler"));
    bool exact = c && (!strcmp(c, "DDIMScheduler") || !strcmp(c, "PNDMScheduler"));
    if (draws) return 1e-4;
    return exact && json_array_size(json_object_get(run, "timesteps")) >= 20 ? 2e-5 : 5e-5;
}

static ss_status open_run(ss_sampling **out, ss_ctx *cx, const json_t *run, int64_t count, bool old_release) {
    const char *class_name = json_string_value(json_object_get(run, "scheduler"));
    json_t *settings = json_deep_copy(json_object_get(run, "settings"));
    ss_sampler_options o = {0};
    ss_schedule schedule;
    const ss_sampler *s = ss_sampler_for(&o, cx, class_name ? class_name : "", settings);
    if (old_release) o.final_sigma = SS_FINAL_LEAST;
    o.eta = json_number_value(json_object_get(json_object_get(run, "step_arguments"), "eta"));
    ss_status st = s ? ss_schedule_read(&schedule, cx, (ss_object){settings, "settings"}) : cx->status;
    json_t *steps = json_object_get(run, "steps");
    int n = steps ? (int)json_integer_value(steps)
                  : ss_sampler_steps(s, (int)json_array_size(json_object_get(run, "timesteps")));
    if (!st) st = ss_sampling_new(out, cx, s, &schedule, n, &o, count);
    json_decref(settings);
    return st;
}

/* Every stride-th entry, as float32 has it. */
static double list_error(float (*get)(const ss_sampling *s, int call), const ss_sampling *s, int count, int stride,
                         const json_t *want, bool relative_error) {
    double worst = json_array_size(want) >= (size_t)count ? 0 : INFINITY;
    for (int i = 0; i < count && worst < INFINITY; i += stride) {
        double b = (float)json_number_value(json_array_get(want, (size_t)i)), d = fabs(get(s, i) - b);
        if (relative_error && b != 0) d /= fabs(b);
        if (!(d <= worst)) worst = d;
    }
    return worst;
}

static void run_one(runner *r, const setting *g, const char *name, const json_t *run, const float *latents,
                    int64_t rows, const ss_stored *drawn) {
    char line[300];
    int64_t count = 4 * g->h * g->w;
    ss_sampling *s = NULL;
    if (open_run(&s, r->cx, run, count, g->old_release)) {
        broken(r, name, NULL);
        return;
    }
    const json_t *times = json_object_get(run, "timesteps"), *sigmas = json_object_get(run, "sigmas"),
                 *kept = json_object_get(run, "kept");
    int calls = ss_sampling_calls(s);
    const char *class_name = json_string_value(json_object_get(run, "scheduler"));
    /* Timesteps of given sigmas are interpolated. Where DPM2 looks between two levels, the list has the level behind.
     */
    bool between = !strncmp(class_name, "KDPM2", 5);
    bool found = between || json_is_true(json_object_get(json_object_get(run, "settings"), "use_karras_sigmas"));
    snprintf(line, sizeof line, "%s:timesteps", name);
    check(r, line, "abs", list_error(ss_sampling_time, s, calls, 1, times, false), found ? 1e-4 : 0);
    if (sigmas) {
        snprintf(line, sizeof line, "%s:sigmas", name);
        check(r, line, "rel", list_error(ss_sampling_sigma, s, calls + 1, between ? 2 : 1, sigmas, true), 1e-6);
    }
    trace t = {.states = malloc((size_t)((calls + 1) * count) * sizeof(float)), .count = count};
    float *x = malloc((size_t)count * sizeof *x);
    ss_rng rng;
    ss_rng_seed(&rng, g->step_seed);
    for (int64_t i = 0; i < count; i++) x[i] = g->noise[i] * ss_sampling_init_sigma(s);
    note(&t, 0, 0, x);
    size_t text = (size_t)(77 * g->model->unet_text_width);
    ss_sample sample = {.model = g->model,
                        .sampling = s,
                        .rows = 1,
                        .h = g->h,
                        .w = g->w,
                        .guidance = g->guidance,
                        .without = g->context,
                        .with = g->context + text,
                        .noise = &rng,
                        .what = name,
                        .preview = note,
                        .preview_user = &t};
    if (ss_sample_run(r->cx, &sample, 0, x))
        broken(r, name, NULL);
    else {
        double worst = 0;
        bool fits = !kept || json_array_size(kept) == (size_t)rows;
        for (int64_t i = 0; i < rows && fits; i++) {
            int64_t at = kept ? json_integer_value(json_array_get(kept, (size_t)i)) : i;
            double d = at < t.at ? relative(t.states + at * count, latents + i * count, count) : INFINITY;
            if (!(d <= worst)) worst = d;
        }
        snprintf(line, sizeof line, "%s:latents", name);
        check(r, line, "rel_l2", fits ? worst : INFINITY, limit_of(run, drawn != NULL));
    }
    ss_sampling_free(s);
    free(t.states);
    free(x);
}

void run_sampling_file(runner *r, ss_model *m, const ss_weights *w, const json_t *info, const char *file) {
    const ss_stored *shape = stored(r, w, "noise");
    float *context = numbers(r, w, "context", NULL), *noise = numbers(r, w, "noise", NULL);
    const char *key;
    json_t *run;
    char name[200];
    if (shape && context && noise) {
        setting g = {.model = m,
                     .context = context,
                     .noise = noise,
                     .h = shape->shape[2],
                     .w = shape->shape[3],
                     .guidance = json_number_value(json_object_get(info, "guidance")),
                     .old_release = !json_object_get(info, "library")};
        json_object_foreach(json_object_get(info, "runs"), key, run) {
            snprintf(name, sizeof name, "%s.latents", key);
            const ss_stored *rows = stored(r, w, name);
            float *latents = rows ? numbers(r, w, name, NULL) : NULL;
            snprintf(name, sizeof name, "%s:%s", file, key);
            if (latents) run_one(r, &g, name, run, latents, rows->shape[0], NULL);
            free(latents);
        }
    }
    free(context);
    free(noise);
}

static void run_files(runner *r, setting *g, const char *folder, const json_t *info) {
    const char *key;
    json_t *run;
    json_object_foreach(json_object_get(info, "runs"), key, run) {
        ss_weights *w = open_tensors(r, under(r, "%s/%s.safetensors", folder, key));
        if (!w) continue;
        const ss_stored *rows = stored(r, w, "latents");
        float *latents = rows ? numbers(r, w, "latents", NULL) : NULL;
        if (latents) run_one(r, g, key, run, latents, rows->shape[0], ss_weights_find(w, "noise"));
        free(latents);
        ss_weights_close(w);
    }
}

static void run_newer(runner *r, setting *g, const char *folder) {
    json_t *info = open_json(r, under(r, "%s/newer.json", folder));
    ss_weights *w = open_tensors(r, under(r, "%s/newer.safetensors", folder));
    const char *key;
    json_t *run;
    char name[200];
    g->old_release = !json_object_get(info, "library");
    if (info && w) json_object_foreach(json_object_get(info, "runs"), key, run) {
            snprintf(name, sizeof name, "%s.latents", key);
            const ss_stored *rows = stored(r, w, name);
            float *latents = rows ? numbers(r, w, name, NULL) : NULL;
            snprintf(name, sizeof name, "%s.noise", key);
            const ss_stored *drawn = ss_weights_find(w, name);
            snprintf(name, sizeof name, "newer:%s", key);
            if (latents) run_one(r, g, name, run, latents, rows->shape[0], drawn);
            free(latents);
        }
    json_decref(info);
    ss_weights_close(w);
}

/* The most that a pixel differs, and the pipelines' own way to 8 bits. */
static void run_pipeline(runner *r, ss_model *m, const char *folder, const ss_weights *w, const char *key,
                         const json_t *run) {
    char name[200];
    const json_t *strength = json_object_get(run, "strength");
    int images = json_object_get(run, "images") ? (int)json_integer_value(json_object_get(run, "images")) : 1;
    ss_image init = {0}, out[8] = {{0}};
    snprintf(name, sizeof name, "%s.uint8", key);
    const ss_stored *want = stored(r, w, name);
    if (!want || images > 8) return;
    ss_generate_request q = {.prompt = json_string_value(json_object_get(run, "prompt")),
                             .negative = json_string_value(json_object_get(run, "negative")),
                             .sampling = {.sampler = json_string_value(json_object_get(run, "sampler")),
                                          .steps = (int)json_integer_value(json_object_get(run, "steps")),
                                          .guidance = json_number_value(json_object_get(run, "scale"))},
                             .seed = (uint64_t)json_integer_value(json_object_get(run, "seed")),
                             .batch = images,
                             .width = (int)want->shape[2],
                             .height = (int)want->shape[1]};
    if (strength) {
        q.strength = json_number_value(strength);
        snprintf(name, sizeof name, "%s.picture", key);
        const ss_stored *picture = stored(r, w, name);
        if (!picture) return;
        init = (ss_image){.w = (int)picture->shape[1], .h = (int)picture->shape[0], .rgb = (uint8_t *)picture->data};
        q.init = &init;
    }
    (void)folder;
    snprintf(name, sizeof name, "pipeline:%s", key);
    if (ss_generate(out, r->cx, m, &q)) {
        broken(r, name, NULL);
        return;
    }
    int worst = 0;
    const uint8_t *b = want->data;
    for (int i = 0; i < images; i++)
        for (int64_t p = 0, n = want->shape[1] * want->shape[2] * 3; p < n; p++) {
            int d = abs(out[i].rgb[p] - b[i * n + p]);
            if (d > worst) worst = d;
        }
    check(r, name, "levels", worst, 1);
    for (int i = 0; i < images; i++) ss_image_free(&out[i]);
}

void run_samplers(runner *r, const char *folder) {
    ss_model *m = open_noise_model(r);
    json_t *info = open_json(r, under(r, "%s/samplers.json", folder));
    ss_weights *start = open_tensors(r, under(r, "%s/start.safetensors", folder));
    if (m && info && start) {
        float *context = numbers(r, start, "context", NULL), *noise = numbers(r, start, "noise", NULL);
        const ss_stored *shape = stored(r, start, "noise");
        setting g = {.model = m,
                     .context = context,
                     .noise = noise,
                     .h = shape->shape[2],
                     .w = shape->shape[3],
                     .guidance = json_number_value(json_object_get(info, "guidance")),
                     .step_seed = (uint64_t)json_integer_value(json_object_get(info, "step_seed")),
                     .old_release = !json_object_get(info, "library")};
        run_files(r, &g, folder, info);
        if (is_there(under(r, "%s/newer.json", folder))) run_newer(r, &g, folder);
        if (is_there(under(r, "%s/pipelines.json", folder))) {
            json_t *pipelines = open_json(r, under(r, "%s/pipelines.json", folder)), *run;
            ss_weights *w = open_tensors(r, under(r, "%s/pipelines.safetensors", folder));
            const char *key;
            if (pipelines && w)
                json_object_foreach(json_object_get(pipelines, "runs"), key, run)
                    run_pipeline(r, m, folder, w, key, run);
            json_decref(pipelines);
            ss_weights_close(w);
        }
        free(context);
        free(noise);
    }
    json_decref(info);
    ss_weights_close(start);
    ss_model_free(m);
}
