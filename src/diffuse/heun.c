/* Heun's method (Karras et al. 2022, algorithm 1 without noise): an Euler step, a look from there, then the step again
 * with the mean of both slopes. The step to sigma 0 is Euler's.
 */
#include "diffuse/sampler_parts.h"

#include <string.h>

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    ss_mix e = ss_mix_noise(s, s->sigma[call]);
    if (call % 2 == 0) {
        double by = (double)s->sigma[call + 1] - s->sigma[call];
        memcpy(s->saved, x, (size_t)s->count * sizeof *x);
        ss_sampling_push(s, e, x, out);
        SS_SUM(s, x, {1, x}, {by, s->history[0]});
    } else {
        double by = ((double)s->sigma[call] - s->sigma[call - 1]) / 2;
        SS_SUM(s, x, {1, s->saved}, {by, s->history[0]}, {by * e.x, x}, {by * e.out, out});
    }
}

const ss_sampler ss_sampler_heun = {.name = "heun",
                                    .webui = "Heun",
                                    .class_name = "HeunDiscreteScheduler",
                                    .aliases = (const char *const[]){"k_heun", NULL},
                                    .exploding = true,
                                    .karras = true,
                                    .twice = true,
                                    .history = 1,
                                    .saves = true,
                                    .levels = ss_levels_sigmas,
                                    .step = step};
