/* The stochastic form of DPM-Solver++(2M), midpoint type:
 *
 *     x_t = (s_t / s) exp(-h) x + alpha_t (1 - exp(-2 h)) (D_0 + (D_0 - D_1) / (2 r)) + s_t sqrt(1 - exp(-2 h)) noise
 */
#include "diffuse/dpmpp.h"

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    ss_dpmpp to = ss_dpmpp_between(s, call, call + 1);
    double decay = exp(-to.h), gain = to.alpha * (1 - decay * decay);
    double fresh = to.alpha * s->sigma[call + 1] * sqrt(1 - decay * decay);
    const float *drawn = ss_sampling_draw(s, noise);
    ss_sampling_push(s, ss_mix_data(s, s->sigma[call]), x, out);
    if (ss_dpmpp_order(s, call, 2) == 1) {
        SS_SUM(s, x, {to.keep * decay, x}, {gain, s->history[0]}, {fresh, drawn});
    } else {
        double by = to.h / ss_dpmpp_stride(s, call - 1, call) / 2;
        SS_SUM(s, x, {to.keep * decay, x}, {gain * (1 + by), s->history[0]}, {-gain * by, s->history[1]},
               {fresh, drawn});
    }
}

const ss_sampler ss_sampler_dpmpp_2m_sde = {.name = "dpm++ 2m sde",
                                            .webui = "DPM++ 2M SDE",
                                            .class_name = "DPMSolverMultistepScheduler",
                                            .aliases = (const char *const[]){"k_dpmpp_2m_sde", NULL},
                                            .karras = true,
                                            .draws = true,
                                            .history = 2,
                                            .final_sigma = SS_FINAL_ZERO,
                                            .levels = ss_levels_solver,
                                            .step = step};
