/* The table of samplers, and what a run of any of them has in common. */
#include "diffuse/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern const ss_sampler ss_sampler_ddim, ss_sampler_ddim_inversion;

static const ss_sampler *const samplers[] = {&ss_sampler_ddim, &ss_sampler_ddim_inversion};

static bool called(const ss_sampler *s, const char *name) {
    if (!strcasecmp(s->name, name) || !strcasecmp(s->webui, name) || !strcmp(s->class_name, name)) return !s->hidden || !strcmp(s->name, name);
    for (int i = 0; s->aliases && s->aliases[i]; i++)
        if (!strcasecmp(s->aliases[i], name)) return true;
    return false;
}

const ss_sampler *ss_sampler_find(ss_ctx *cx, const char *name) {
    const char *names[SS_COUNT_OF(samplers)];
    int count = 0;
    for (int i = 0; i < SS_COUNT_OF(samplers); i++) {
        if (called(samplers[i], name)) return samplers[i];
        if (!samplers[i]->hidden) names[count++] = samplers[i]->name;
    }
    const char *near = ss_nearest(name, names, count);
    ss_fail(cx, SS_ERR_ARG, "sampler \"%.60s\" is not known%s%s%s", name, near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    return NULL;
}

const char *ss_sampler_of_class(const char *class_name) {
    for (int i = 0; i < SS_COUNT_OF(samplers); i++)
        if (!samplers[i]->hidden && !strcmp(samplers[i]->class_name, class_name)) return samplers[i]->name;
    return ss_sampler_ddim.name;
}

const ss_sampler *ss_sampler_for(ss_sampler_options *options, ss_ctx *cx, const char *class_name, const json_t *settings) {
    options->karras = json_is_true(json_object_get(settings, "use_karras_sigmas"));
    for (int i = 0; i < SS_COUNT_OF(samplers); i++)
        if (!samplers[i]->hidden && !strcmp(samplers[i]->class_name, class_name)) return samplers[i];
    ss_fail(cx, SS_ERR_MODEL, "scheduler class \"%s\" is not known", class_name);
    return NULL;
}

int ss_sampler_steps(const ss_sampler *s, int calls) {
    (void)s;
    return calls;
}

const char *const *ss_sampler_names(void) {
    static const char *const names[] = {"ddim", NULL};
    return names;
}

ss_status ss_sampling_calls_new(ss_sampling *s, ss_ctx *cx, int calls, bool sigmas) {
    s->calls = calls;
    s->t = ss_alloc(cx, (size_t)calls, sizeof *s->t);
    s->step_of = ss_alloc(cx, (size_t)calls, sizeof *s->step_of);
    if (sigmas) s->sigma = ss_alloc(cx, (size_t)calls + 1, sizeof *s->sigma);
    return cx->status;
}

ss_status ss_sampling_new(ss_sampling **out, ss_ctx *cx, const ss_sampler *sampler, const ss_schedule *schedule, int steps,
                          const ss_sampler_options *options, int64_t count) {
    if (steps < 1 || steps > SS_TRAIN_STEPS)
        return ss_fail(cx, SS_ERR_ARG, "%d steps: the schedule has %d", steps, SS_TRAIN_STEPS);
    if (options->karras && !sampler->karras)
        return ss_fail(cx, SS_ERR_ARG, "sampler \"%s\" does not know Karras' noise levels", sampler->name);
    ss_sampling *s = ss_alloc(cx, 1, sizeof *s);
    ss_schedule *copy = ss_alloc(cx, 1, sizeof *copy);
    if (!s || !copy) {
        free(s);
        free(copy);
        return SS_ERR_NOMEM;
    }
    *copy = *schedule;
    *s = (ss_sampling){.sampler = sampler, .schedule = copy, .options = *options, .steps = steps, .count = count, .init_sigma = 1};
    ss_status st = sampler->prepare(s, cx);
    if (st) ss_sampling_free(s);
    else *out = s;
    return st;
}

void ss_sampling_free(ss_sampling *s) {
    if (!s) return;
    for (int i = 0; i < SS_SAMPLER_HISTORY; i++) free(s->history[i]);
    free(s->saved);
    free(s->t);
    free(s->sigma);
    free(s->step_of);
    free((void *)s->schedule);
    free(s);
}

int ss_sampling_calls(const ss_sampling *s) { return s->calls; }
int ss_sampling_step_of(const ss_sampling *s, int call) { return s->step_of[call]; }
float ss_sampling_time(const ss_sampling *s, int call) { return s->t[call]; }
float ss_sampling_init_sigma(const ss_sampling *s) { return s->init_sigma; }

void ss_sampling_scale_input(const ss_sampling *s, int call, float *y, const float *x) {
    float by = s->sigma ? sqrtf(s->sigma[call] * s->sigma[call] + 1) : 1;
    for (int64_t i = 0; i < s->count; i++) y[i] = x[i] / by;
}

ss_status ss_sampling_step(ss_sampling *s, ss_ctx *cx, int call, float *x, const float *out, ss_rng *noise) {
    return s->sampler->step(s, cx, call, x, out, noise);
}

void ss_sampling_add_noise(const ss_sampling *s, int call, float *x, const float *x0, const float *noise) {
    float a = ss_alpha_at(s->schedule, (int)s->t[call]);
    float keep = s->sigma ? 1 : sqrtf(a), add = s->sigma ? s->sigma[call] : sqrtf(1 - a);
    for (int64_t i = 0; i < s->count; i++) x[i] = keep * x0[i] + add * noise[i];
}

int ss_sampling_first_call(const ss_sampling *s, double strength) {
    int drawn = (int)(s->steps * strength);
    int first = s->steps - (drawn < s->steps ? drawn : s->steps);
    /* diffusers cuts the list of calls, not of steps */
    return first < s->calls ? first : s->calls - 1;
}

ss_status ss_spaced(int *t, ss_ctx *cx, const ss_schedule *s, ss_spacing spacing, int n) {
    int ratio = SS_TRAIN_STEPS / n;
    for (int k = 0; k < n; k++) {
        if (spacing == SS_SPACING_LINSPACE)
            t[n - 1 - k] = n == 1 ? 0 : (int)rint((SS_TRAIN_STEPS - 1) * (double)k / (n - 1));
        else if (spacing == SS_SPACING_TRAILING) t[k] = (int)rint(SS_TRAIN_STEPS - k * (double)SS_TRAIN_STEPS / n) - 1;
        else t[n - 1 - k] = k * ratio + s->steps_offset;
    }
    if (t[0] >= SS_TRAIN_STEPS)
        return ss_fail(cx, SS_ERR_ARG, "%d steps with an offset of %d go beyond the schedule's %d", n, s->steps_offset, SS_TRAIN_STEPS);
    return SS_OK;
}

float ss_alpha_at(const ss_schedule *s, int t) {
    if (t < 0) return s->set_alpha_to_one ? 1 : s->alpha[0];
    return s->alpha[t < SS_TRAIN_STEPS ? t : SS_TRAIN_STEPS - 1];
}

void ss_split_prediction(const ss_sampling *s, float a, const float *x, const float *out, float *x0, float *eps) {
    float keep = sqrtf(a), noisy = sqrtf(1 - a);
    switch (s->schedule->prediction) {
    case SS_PREDICT_EPSILON:
        *eps = *out;
        *x0 = (*x - noisy * *out) / keep;
        break;
    case SS_PREDICT_V:
        *x0 = keep * *x - noisy * *out;
        *eps = keep * *out + noisy * *x;
        break;
    case SS_PREDICT_SAMPLE:
        *x0 = *out;
        *eps = (*x - keep * *out) / noisy;
        break;
    }
    if (s->schedule->clip_sample) *x0 = fminf(fmaxf(*x0, -1), 1);
}
