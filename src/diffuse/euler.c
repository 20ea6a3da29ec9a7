/* Euler's method on the probability flow (Karras et al. 2022, algorithm 1 without its second half):
 *
 *     x += e (sigma_next - sigma)
 */
#include "diffuse/sampler_parts.h"

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    double by = (double)s->sigma[call + 1] - s->sigma[call];
    ss_mix e = ss_mix_noise(s, s->sigma[call]);
    SS_SUM(s, x, {1 + by * e.x, x}, {by * e.out, out});
}

const ss_sampler ss_sampler_euler = {.name = "euler",
                                     .webui = "Euler",
                                     .class_name = "EulerDiscreteScheduler",
                                     .aliases = (const char *const[]){"k_euler", NULL},
                                     .exploding = true,
                                     .karras = true,
                                     .levels = ss_levels_sigmas,
                                     .step = step};
