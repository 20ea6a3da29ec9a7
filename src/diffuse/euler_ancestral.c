/* Euler's method with ancestral noise: a step goes further down than to the next level, and noise brings it up again.
 *
 *     up^2 = n^2 (sigma^2 - n^2) / sigma^2,  down^2 = n^2 - up^2,  n the next sigma
 *     x += e (down - sigma) + up noise
 */
#include "diffuse/sampler_parts.h"

#include <math.h>

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    double sigma = s->sigma[call], next = s->sigma[call + 1];
    double up = sqrt(next * next * (sigma * sigma - next * next)) / sigma, down = sqrt(next * next - up * up);
    double by = down - sigma;
    ss_mix e = ss_mix_noise(s, sigma);
    /* Noise is drawn in the last step, too, where up is 0: the generator then stands where diffusers' stands. */
    SS_SUM(s, x, {1 + by * e.x, x}, {by * e.out, out}, {up, ss_sampling_draw(s, noise)});
}

const ss_sampler ss_sampler_euler_ancestral = {.name = "euler a",
                                               .webui = "Euler a",
                                               .class_name = "EulerAncestralDiscreteScheduler",
                                               .aliases =
                                                   (const char *const[]){"euler ancestral", "k_euler_ancestral", NULL},
                                               .exploding = true,
                                               .karras = true,
                                               .draws = true,
                                               .levels = ss_levels_sigmas,
                                               .step = step};
