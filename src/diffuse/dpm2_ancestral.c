/* DPM-Solver-2 with ancestral noise: as dpm2.c, but a step goes down to `down` and noise brings it up to the next
 * level, as in euler_ancestral.c. The look is halfway to `down`, geometrically. The step to sigma 0 is Euler's.
 */
#include "diffuse/sampler_parts.h"

#include <math.h>
#include <string.h>

/* down^2 = n^2 - up^2 with up^2 = n^2 (sigma^2 - n^2) / sigma^2 is n^4 / sigma^2. */
static double down_from(double sigma, double next) { return next * next / sigma; }

static ss_status levels(ss_sampling *s, ss_ctx *cx) {
    ss_status st = ss_levels_sigmas(s, cx);
    for (int call = 1; call < s->calls && !st; call += 2) {
        double sigma = s->sigma[call - 1], next = s->sigma[call + 1];
        double middle = sqrt(sigma * down_from(sigma, next));
        s->sigma[call] = (float)middle;
        s->t[call] = (float)ss_schedule_time_of(&s->schedule, middle);
    }
    return st;
}

/* Noise is drawn in every call, as diffusers does, and used in every second. */
static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    const float *drawn = ss_sampling_draw(s, noise);
    ss_mix e = ss_mix_noise(s, s->sigma[call]);
    if (call % 2 == 0) {
        double by = (double)s->sigma[call + 1] - s->sigma[call];
        memcpy(s->saved, x, (size_t)s->count * sizeof *x);
        SS_SUM(s, x, {1 + by * e.x, x}, {by * e.out, out});
    } else {
        double sigma = s->sigma[call - 1], next = s->sigma[call + 1], down = down_from(sigma, next);
        double by = down - sigma, up = sqrt(next * next - down * down);
        SS_SUM(s, x, {1, s->saved}, {by * e.x, x}, {by * e.out, out}, {up, drawn});
    }
}

const ss_sampler ss_sampler_dpm2_ancestral = {.name = "dpm2 a",
                                              .webui = "DPM2 a",
                                              .class_name = "KDPM2AncestralDiscreteScheduler",
                                              .aliases = (const char *const[]){"dpm2 ancestral", "k_dpm_2_a", NULL},
                                              .exploding = true,
                                              .karras = true,
                                              .rounds = true,
                                              .draws = true,
                                              .twice = true,
                                              .saves = true,
                                              .levels = levels,
                                              .step = step};
