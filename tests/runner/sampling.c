/* custom-diffusion/sampling: pictures with a trained delta. */
#include "runner/runner.h"

#include "base/rng.h"
#include "diffuse/latent.h"
#include "diffuse/sample.h"
#include "diffuse/schedule.h"
#include "subject/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The loop with its random noise replaced by the stored. */
typedef struct replay {
    ss_rng drawn; /* what the sampler draws, drawn again */
    const float *noises;
    float *states; /* [steps][count] */
    double eta;
    ss_schedule schedule;
    const ss_sampling *sampling;
    int steps;
    int64_t count;
} replay;

/* sigma = eta sqrt((1 - A_prev) / (1 - A_t)) sqrt(1 - A_t / A_prev) */
static double sigma(const replay *p, int step) {
    int t = (int)ss_sampling_time(p->sampling, step);
    int before = t - SS_TRAIN_STEPS / p->steps;
    double a = p->schedule.alpha[t], a_prev = before >= 0 ? p->schedule.alpha[before] : p->schedule.alpha[0];
    return p->eta * sqrt((1 - a_prev) / (1 - a)) * sqrt(1 - a / a_prev);
}

static void after(void *user, int step, float *latents) {
    replay *p = user;
    float *n = malloc((size_t)p->count * sizeof *n);
    double s = sigma(p, step);
    if (s > 0) {
        ss_rng_normal(&p->drawn, n, p->count);
        for (int64_t i = 0; i < p->count; i++) latents[i] += (float)(s * (p->noises[step * p->count + i] - n[i]));
    }
    memcpy(p->states + step * p->count, latents, (size_t)p->count * sizeof *latents);
    free(n);
}

static void compare_run(runner *r, ss_model *m, const ss_weights *w, const json_t *info, const float *texts,
                        double eta) {
    char key[40], line[60];
    int steps = (int)json_integer_value(json_object_get(info, "steps"));
    int64_t n, all;
    snprintf(key, sizeof key, "eta%d/latents", (int)eta);
    snprintf(line, sizeof line, "sampling/eta %d", (int)eta);
    const ss_stored *shape = stored(r, w, "start");
    float *x = numbers(r, w, "start", &n), *noises = numbers(r, w, "noises", NULL), *want = numbers(r, w, key, &all);
    const ss_sampler *sampler = ss_sampler_find(r->cx, "ddim");
    ss_sampling *s = NULL;
    replay p = {.noises = noises, .eta = eta, .steps = steps, .count = n};
    ss_sampler_options o = {.eta = eta};
    ss_status st = ss_schedule_read(&p.schedule, r->cx, (ss_object){m->scheduler, "scheduler_config.json"});
    if (!st) st = ss_sampling_new(&s, r->cx, sampler, &p.schedule, steps, &o, n);
    p.sampling = s;
    p.states = calloc((size_t)(steps * n), sizeof *p.states);
    ss_rng rng;
    ss_rng_seed(&rng, 1);
    p.drawn = rng;
    ss_sample sample = {.model = m,
                        .sampling = s,
                        .rows = 1,
                        .h = shape->shape[2],
                        .w = shape->shape[3],
                        .guidance = json_number_value(json_object_get(info, "guidance")),
                        .without = texts,
                        .with = texts + 77 * m->unet_text_width,
                        .noise = &rng,
                        .what = "golden",
                        .after = after,
                        .user = &p};
    if (!st) st = ss_sample_run(r->cx, &sample, 0, x);
    if (st) broken(r, line, NULL);
    double worst = 0;
    for (int i = 0; i < steps && !st; i++) worst = fmax(worst, relative(p.states + i * n, want + i * n, n));
    if (!st) check(r, line, "rel_l2 of the worst step", worst, 1e-3);
    if (!st && eta == 1) {
        const ss_stored *d = stored(r, w, "decoded");
        float *decoded = numbers(r, w, "decoded", NULL), z[4 * 256 * 4];
        ss_mark start = ss_arena_mark(r->cx->arena);
        int64_t side = shape->shape[2] * 8, stride = side / d->shape[2];
        for (int64_t i = 0; i < n && i < SS_COUNT_OF(z); i++) z[i] = want[(steps - 1) * n + i] / m->vae.scaling;
        ss_tensor *y = ss_vae_decode(r->cx, &m->vae, ss_tensor_from_planar(r->cx, z, shape->shape));
        float *rgb = malloc((size_t)(3 * side * side) * sizeof *rgb), *some = malloc(d->bytes);
        if (y) ss_tensor_to_planar(rgb, y);
        int64_t at = 0;
        for (int64_t c = 0; c < 3; c++)
            for (int64_t i = 0; i < side; i += stride)
                for (int64_t j = 0; j < side; j += stride) some[at++] = rgb[(c * side + i) * side + j];
        if (y)
            check(r, "sampling/decoded", "rel_l2", relative(some, decoded, at), 1e-4);
        else
            broken(r, "sampling/decoded", NULL);
        ss_arena_rewind(r->cx->arena, start);
        free(rgb);
        free(some);
        free(decoded);
    }
    ss_sampling_free(s);
    free(p.states);
    free(x);
    free(noises);
    free(want);
}

static void compare_pass(runner *r, ss_model *m, const ss_weights *w, const json_t *info, const float *texts) {
    int64_t n, len;
    float *x = numbers(r, w, "start", &n), *eps = numbers(r, w, "eps", NULL), *text = numbers(r, w, "text", &len);
    float t = (float)json_integer_value(json_object_get(info, "unet_timestep")), *got = malloc((size_t)n * sizeof *got);
    const float *ours = texts + 77 * m->unet_text_width;
    check(r, "sampling/text", "rel_l2", relative(ours, text, len), 1e-5);
    ss_mark start = ss_arena_mark(r->cx->arena);
    ss_tensor *xt = ss_tensor_from_planar(r->cx, x, stored(r, w, "start")->shape);
    ss_tensor *y =
        ss_unet_run(r->cx, &m->unet, xt, &t, ss_tensor_wrap(r->cx, text, 3, (int64_t[]){1, 77, m->unet_text_width}), 0);
    if (y) {
        ss_tensor_to_planar(got, y);
        check(r, "sampling/eps", "rel_l2", relative(got, eps, n), 1e-4);
    } else {
        broken(r, "sampling/eps", NULL);
    }
    ss_arena_rewind(r->cx->arena, start);
    free(x);
    free(eps);
    free(text);
    free(got);
}

void run_sampling(runner *r, const char *folder) {
    json_t *info = open_json(r, under(r, "%s/sampling/case.json", folder));
    ss_weights *w = open_tensors(r, under(r, "%s/sampling/expected.safetensors", folder));
    const char *delta = json_string_value(json_object_get(info, "delta")),
               *prompt = json_string_value(json_object_get(info, "prompt")),
               *negative = json_string_value(json_object_get(info, "negative"));
    ss_model *m = NULL;
    ss_subject *s = NULL;
    float *texts = NULL;
    ss_status st = ss_model_open(&m, r->cx, under(r, "%s/base", folder), NULL);
    if (!st) st = ss_subject_open(&s, r->cx, under(r, "%s/%s", folder, delta));
    if (!st) st = ss_subject_apply(r->cx, m, s, 1);
    if (st || !w) broken(r, "sampling", NULL);
    if (!st && w) {
        int32_t ids[SS_TOKENS];
        ss_tokens about;
        int64_t wrong = ss_tokenize(m->tokenizer, r->cx, prompt, ids, &about) != SS_OK;
        const json_t *want = json_object_get(info, "ids");
        for (int i = 0; i < SS_TOKENS; i++) wrong += ids[i] != json_integer_value(json_array_get(want, (size_t)i));
        check(r, "sampling/ids", "wrong", (double)wrong, 0);
        texts = embed(r, m, (const char *[]){negative, prompt}, 2);
    }
    if (texts) {
        compare_pass(r, m, w, info, texts);
        compare_run(r, m, w, info, texts, 0);
        compare_run(r, m, w, info, texts, 1);
    }
    free(texts);
    ss_subject_free(s);
    ss_model_free(m);
    ss_weights_close(w);
    json_decref(info);
}
