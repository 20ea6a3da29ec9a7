/* PNDM without its Runge-Kutta start (Liu et al. 2022, eq. 11 to 13): pseudo linear multistep, A1111's PLMS.
 *
 *     x_p = sqrt(A_p / A) x - (A_p - A) e / (A sqrt(1 - A_p) + sqrt(A (1 - A) A_p))
 *
 * with e a combination of the last four predictions. There is none before the first step, so this one is taken twice:
 * once with e alone, to look at where it leads, then again with the mean of both.
 */
#include "diffuse/sampler_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static ss_status levels(ss_sampling *s, ss_ctx *cx) {
    int *t = ss_alloc(cx, (size_t)s->steps, sizeof *t);
    if (!t) return cx->status;
    ss_spacing spacing = s->schedule.spacing ? s->schedule.spacing : SS_SPACING_LEADING;
    ss_status st = ss_levels_integers(t, cx, spacing, s->schedule.steps_offset, s->steps);
    for (int i = 0; i < s->calls && !st; i++) {
        s->t[i] = (float)t[i > 1 ? i - 1 : i];
        s->sigma[i] = s->schedule.sigma[(int)s->t[i]];
    }
    free(t);
    return st;
}

/* From timestep t to p; what is predicted as v becomes e with this x. */
static void move(ss_sampling *s, int t, int p, float *y, const float *x, int terms, const ss_term *prediction) {
    double a = ss_schedule_alpha(&s->schedule, t), b = ss_schedule_alpha(&s->schedule, p);
    ss_mix e = ss_mix_noise(s, sqrt((1 - a) / a));
    double by = -(b - a) / (a * sqrt(1 - b) + sqrt(a * (1 - a) * b));
    ss_term sum[SS_MOST_TERMS] = {{sqrt(b / a) + by * e.x, x}};
    for (int i = 0; i < terms; i++) sum[i + 1] = (ss_term){by * e.out * prediction[i].by, prediction[i].x};
    ss_sum(s, y, terms + 1, sum);
}

/* The order of the calls decides, not their numbers: img2img begins in the middle of the list and treats its first two
 * calls as a start all the same, as diffusers does. */
static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    int t = (int)s->t[call], stride = SS_TRAIN_STEPS / s->steps;
    float *const *e = s->history;
    if (s->done == 1) {
        move(s, t + stride, t, x, s->saved, 2, (ss_term[]){{0.5, out}, {0.5, e[0]}});
        return;
    }
    ss_sampling_push(s, (ss_mix){0, 1}, x, out);
    if (s->done == 0) {
        memcpy(s->saved, x, (size_t)s->count * sizeof *x);
        move(s, t, t - stride, x, x, 1, (ss_term[]){{1, out}});
    } else if (s->done == 2) {
        move(s, t, t - stride, x, x, 2, (ss_term[]){{3 / 2., e[0]}, {-1 / 2., e[1]}});
    } else if (s->done == 3) {
        move(s, t, t - stride, x, x, 3, (ss_term[]){{23 / 12., e[0]}, {-16 / 12., e[1]}, {5 / 12., e[2]}});
    } else {
        move(s, t, t - stride, x, x, 4,
             (ss_term[]){{55 / 24., e[0]}, {-59 / 24., e[1]}, {37 / 24., e[2]}, {-9 / 24., e[3]}});
    }
}

const ss_sampler ss_sampler_pndm = {.name = "pndm",
                                    .webui = "PLMS",
                                    .class_name = "PNDMScheduler",
                                    .repeats = true,
                                    .history = 4,
                                    .saves = true,
                                    .levels = levels,
                                    .step = step};
