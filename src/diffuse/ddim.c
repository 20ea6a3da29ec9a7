/* DDIM (Song et al. 2021, eq. 12) and its inversion.
 *
 *     x_p = sqrt(A_p) x_0 + sqrt(1 - A_p - sd^2) e + sd noise
 *     sd  = eta sqrt((1 - A_p) / (1 - A) (1 - A / A_p))
 *
 * Inversion walks the same timesteps upwards. MasaCtrl evaluates the network at the timestep where a step arrives while x
 * is still one step before it (masactrl_utils, invert), and so does this one.
 */
#include "diffuse/sampler.h"

#include <math.h>
#include <stdlib.h>

static ss_status prepare(ss_sampling *s, ss_ctx *cx) {
    ss_status st = ss_sampling_calls_new(s, cx, s->steps, false);
    int *t = st ? NULL : ss_alloc(cx, (size_t)s->steps, sizeof *t);
    if (t) st = ss_spaced(t, cx, s->schedule, s->schedule->spacing ? s->schedule->spacing : SS_SPACING_LEADING, s->steps);
    for (int i = 0; t && i < s->steps; i++) {
        s->t[i] = (float)t[i];
        s->step_of[i] = i;
    }
    free(t);
    return cx->status;
}

static ss_status step(ss_sampling *s, ss_ctx *cx, int call, float *x, const float *out, ss_rng *noise) {
    int t = (int)s->t[call], delta = SS_TRAIN_STEPS / s->steps;
    float a = ss_alpha_at(s->schedule, t), p = ss_alpha_at(s->schedule, t - delta);
    float sd = (float)s->options.eta * sqrtf((1 - p) / (1 - a) * (1 - a / p));
    float keep = sqrtf(p), turn = sqrtf(1 - p - sd * sd);
    float *z = NULL;
    if (sd > 0) {
        z = ss_alloc(cx, (size_t)s->count, sizeof *z);
        if (!z) return SS_ERR_NOMEM;
        ss_rng_normal(noise, z, s->count);
    }
    for (int64_t i = 0; i < s->count; i++) {
        float x0, e;
        ss_split_prediction(s, a, &x[i], &out[i], &x0, &e);
        x[i] = keep * x0 + turn * e;
        if (z) x[i] += sd * z[i];
    }
    free(z);
    return SS_OK;
}

static ss_status prepare_inversion(ss_sampling *s, ss_ctx *cx) {
    ss_status st = prepare(s, cx);
    for (int i = 0; i < s->steps / 2 && !st; i++) {
        float swap = s->t[i];
        s->t[i] = s->t[s->steps - 1 - i], s->t[s->steps - 1 - i] = swap;
    }
    return st;
}

static ss_status step_inversion(ss_sampling *s, ss_ctx *cx, int call, float *x, const float *out, ss_rng *noise) {
    (void)cx, (void)noise;
    int t = (int)s->t[call], delta = SS_TRAIN_STEPS / s->steps, here = t - delta;
    float a_t = ss_alpha_at(s->schedule, t), a_here = ss_alpha_at(s->schedule, here < SS_TRAIN_STEPS ? here : SS_TRAIN_STEPS - 1);
    float keep = sqrtf(a_t), turn = sqrtf(1 - a_t), have = sqrtf(a_here), noisy = sqrtf(1 - a_here);
    for (int64_t i = 0; i < s->count; i++) {
        float x0, e = out[i];
        if (s->schedule->prediction != SS_PREDICT_EPSILON) ss_split_prediction(s, a_t, &x[i], &out[i], &x0, &e);
        x0 = (x[i] - noisy * e) / have;
        x[i] = keep * x0 + turn * e;
    }
    return SS_OK;
}

const ss_sampler ss_sampler_ddim = {
    .name = "ddim", .webui = "DDIM", .class_name = "DDIMScheduler", .prepare = prepare, .step = step};

const ss_sampler ss_sampler_ddim_inversion = {
    .name = "ddim inversion", .webui = "DDIM", .class_name = "DDIMInverseScheduler", .hidden = true, .prepare = prepare_inversion,
    .step = step_inversion};
