/* DDPM's ancestral sampling (Ho et al. 2020, eq. 7), with the smaller of its two variances.
 *
 *     x_p = sqrt(A_p) b / (1 - A) x_0 + sqrt(a) (1 - A_p) / (1 - A) x + sqrt((1 - A_p) / (1 - A) b) noise
 *
 * a = A / A_p, b = 1 - a. The step to the picture draws no noise; A before the first timestep is 1.
 */
#include "diffuse/sampler_parts.h"

#include <math.h>
#include <stdlib.h>

/* diffusers 0.15, whose pipelines offset other methods' timesteps by one, knows no offset here. */
static ss_status levels(ss_sampling *s, ss_ctx *cx) {
    int *t = ss_alloc(cx, (size_t)s->steps, sizeof *t);
    if (!t) return cx->status;
    ss_spacing spacing = s->schedule.spacing ? s->schedule.spacing : SS_SPACING_LEADING;
    ss_status st = ss_levels_integers(t, cx, spacing, 0, s->steps);
    for (int i = 0; i < s->steps && !st; i++) {
        s->t[i] = (float)t[i];
        s->sigma[i] = s->schedule.sigma[t[i]];
    }
    free(t);
    return st;
}

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    int t = (int)s->t[call], before = t - SS_TRAIN_STEPS / s->steps;
    double a = s->schedule.alpha[t], p = before >= 0 ? s->schedule.alpha[before] : 1, kept = a / p;
    double data_by = sqrt(p) * (1 - kept) / (1 - a), x_by = sqrt(kept) * (1 - p) / (1 - a);
    double variance = fmax((1 - p) / (1 - a) * (1 - kept), 1e-20);
    ss_mix data = ss_mix_data(s, s->sigma[call]);
    SS_SUM(s, x, {x_by + data_by * data.x, x}, {data_by * data.out, out});
    if (t > 0) SS_SUM(s, x, {1, x}, {sqrt(variance), ss_sampling_draw(s, noise)});
}

const ss_sampler ss_sampler_ddpm = {
    .name = "ddpm", .webui = "DDPM", .class_name = "DDPMScheduler", .draws = true, .levels = levels, .step = step};
