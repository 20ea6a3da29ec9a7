/* DPM-Solver-2 as k-diffusion has it, after Karras et al. 2022, algorithm 2: half a step, geometrically, then the whole
 * step with the slope found there. The step to sigma 0 is Euler's.
 */
#include "diffuse/sampler_parts.h"

#include <math.h>
#include <string.h>

static ss_status levels(ss_sampling *s, ss_ctx *cx) {
    ss_status st = ss_levels_sigmas(s, cx);
    for (int call = 1; call < s->calls && !st; call += 2) {
        double middle = sqrt((double)s->sigma[call - 1] * s->sigma[call + 1]);
        s->sigma[call] = (float)middle;
        s->t[call] = (float)ss_schedule_time_of(&s->schedule, middle);
    }
    return st;
}

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    ss_mix e = ss_mix_noise(s, s->sigma[call]);
    if (call % 2 == 0) {
        double by = (double)s->sigma[call + 1] - s->sigma[call];
        memcpy(s->saved, x, (size_t)s->count * sizeof *x);
        SS_SUM(s, x, {1 + by * e.x, x}, {by * e.out, out});
    } else {
        double by = (double)s->sigma[call + 1] - s->sigma[call - 1];
        SS_SUM(s, x, {1, s->saved}, {by * e.x, x}, {by * e.out, out});
    }
}

const ss_sampler ss_sampler_dpm2 = {.name = "dpm2",
                                    .webui = "DPM2",
                                    .class_name = "KDPM2DiscreteScheduler",
                                    .aliases = (const char *const[]){"k_dpm_2", NULL},
                                    .exploding = true,
                                    .karras = true,
                                    .rounds = true,
                                    .twice = true,
                                    .saves = true,
                                    .levels = levels,
                                    .step = step};
