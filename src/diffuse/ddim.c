/* DDIM (Song et al. 2021, eq. 12) and its inversion.
 *
 *     x_p = sqrt(A_p) x_0 + sqrt(1 - A_p - sd^2) e + sd noise
 *     sd  = eta sqrt((1 - A_p) / (1 - A) (1 - A / A_p))
 *
 * where A is A_t at the call's timestep and A_p one stride earlier. Inversion walks the same timesteps upwards:
 *
 *     x_n = sqrt(A_n) x_0 + sqrt(1 - A_n) e,   x_0 from x at its own level
 *
 * MasaCtrl's own pipeline asks the network at the timestep where a step arrives, although x is still a step before it;
 * its pipeline with adapters asks at the level where x is.
 */
#include "diffuse/sampler_parts.h"

#include <math.h>
#include <stdlib.h>

static float sigma_of(double a) { return (float)sqrt((1 - a) / a); }

static ss_status timesteps(int **out, ss_sampling *s, ss_ctx *cx) {
    int *t = ss_alloc(cx, (size_t)s->steps, sizeof *t);
    if (!t) return cx->status;
    ss_spacing spacing = s->schedule.spacing ? s->schedule.spacing : SS_SPACING_LEADING;
    ss_status st = ss_levels_integers(t, cx, spacing, s->schedule.steps_offset, s->steps);
    if (st)
        free(t);
    else
        *out = t;
    return st;
}

static ss_status levels(ss_sampling *s, ss_ctx *cx) {
    int *t = NULL, stride = SS_TRAIN_STEPS / s->steps;
    ss_status st = timesteps(&t, s, cx);
    for (int i = 0; i < s->steps && !st; i++) {
        s->t[i] = (float)t[i];
        s->sigma[i] = sigma_of(ss_schedule_alpha(&s->schedule, t[i]));
    }
    if (!st) s->sigma[s->steps] = sigma_of(ss_schedule_alpha(&s->schedule, t[s->steps - 1] - stride));
    free(t);
    return st;
}

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    int t = (int)s->t[call];
    double a = ss_schedule_alpha(&s->schedule, t), p = ss_schedule_alpha(&s->schedule, t - SS_TRAIN_STEPS / s->steps);
    double sd = s->options.eta * sqrt((1 - p) / (1 - a) * (1 - a / p));
    double keep = sqrt(p), turn = sqrt(1 - p - sd * sd);
    ss_mix data = ss_mix_data(s, s->sigma[call]), e = ss_mix_noise(s, s->sigma[call]);
    SS_SUM(s, x, {keep * data.x + turn * e.x, x}, {keep * data.out + turn * e.out, out});
    if (s->noise) SS_SUM(s, x, {1, x}, {sd, ss_sampling_draw(s, noise)});
}

static ss_status inversion_levels(ss_sampling *s, ss_ctx *cx) {
    int *t = NULL, stride = SS_TRAIN_STEPS / s->steps;
    ss_status st = timesteps(&t, s, cx);
    for (int i = 0; i < s->steps && !st; i++) {
        int there = t[s->steps - 1 - i];
        s->t[i] = (float)there;
        s->sigma[i] = sigma_of(ss_schedule_alpha(&s->schedule, there - stride));
        s->sigma[i + 1] = sigma_of(ss_schedule_alpha(&s->schedule, there));
    }
    free(t);
    return st;
}

/* x / sqrt(A) moves by e from one sigma to the next. */
static void inversion_step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    double here = s->sigma[call], there = s->sigma[call + 1];
    double norm_here = sqrt(here * here + 1), norm_there = sqrt(there * there + 1);
    ss_mix e = ss_mix_noise(s, sigma_of(ss_schedule_alpha(&s->schedule, (int)s->t[call])));
    SS_SUM(s, x, {(norm_here + (there - here) * e.x) / norm_there, x}, {(there - here) * e.out / norm_there, out});
}

const ss_sampler ss_sampler_ddim = {
    .name = "ddim", .webui = "DDIM", .class_name = "DDIMScheduler", .eta = true, .levels = levels, .step = step};

const ss_sampler ss_sampler_ddim_inversion = {.name = "ddim inversion",
                                              .webui = "DDIM",
                                              .class_name = "DDIMInverseScheduler",
                                              .levels = inversion_levels,
                                              .step = inversion_step};
