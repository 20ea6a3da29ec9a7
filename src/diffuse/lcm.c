/* Latent consistency models (Luo et al. 2023): each call guesses the picture, each step but the last renoises the
 * guess.
 *
 *     d   = c_out x_0 + c_skip x,   c_skip = s^2 / (u^2 + s^2),  c_out = u / sqrt(u^2 + s^2),  u = 10 t,  s = 0.5
 *     x_p = sqrt(A_p) d + sqrt(1 - A_p) noise
 *
 * For models that were distilled for it; they know 50 timesteps, of which the steps are a selection.
 */
#include "diffuse/sampler_parts.h"

#include <math.h>

enum { KNOWN_STEPS = 50 };

static ss_status levels(ss_sampling *s, ss_ctx *cx) {
    (void)cx;
    for (int i = 0; i < s->steps; i++) {
        int skipped = (int)(i * (KNOWN_STEPS / (double)s->steps));
        int t = (KNOWN_STEPS - skipped) * (SS_TRAIN_STEPS / KNOWN_STEPS) - 1;
        s->t[i] = (float)t;
        s->sigma[i] = s->schedule.sigma[t];
    }
    return SS_OK;
}

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    const double scale = 0.5;
    double u = 10 * s->t[call], skip = scale * scale / (u * u + scale * scale), keep = u / sqrt(u * u + scale * scale);
    ss_mix data = ss_mix_data(s, s->sigma[call]);
    SS_SUM(s, x, {keep * data.x + skip, x}, {keep * data.out, out});
    if (call + 1 == s->calls) return;
    double p = s->schedule.alpha[(int)s->t[call + 1]];
    SS_SUM(s, x, {sqrt(p), x}, {sqrt(1 - p), ss_sampling_draw(s, noise)});
}

const ss_sampler ss_sampler_lcm = {.name = "lcm",
                                   .webui = "LCM",
                                   .class_name = "LCMScheduler",
                                   .draws = true,
                                   .most_steps = KNOWN_STEPS,
                                   .levels = levels,
                                   .step = step};
