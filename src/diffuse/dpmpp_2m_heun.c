/* DPM-Solver++(2M), Heun's type: the slope of D is weighted by its exact integral instead of half the step.
 *
 *     x_t = (s_t / s) x - alpha_t (exp(-h) - 1) D_0 + alpha_t ((exp(-h) - 1) / h + 1) (D_0 - D_1) / r,   r = h_1 / h
 */
#include "diffuse/dpmpp.h"

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    ss_dpmpp to = ss_dpmpp_between(s, call, call + 1);
    ss_sampling_push(s, ss_mix_data(s, s->sigma[call]), x, out);
    if (ss_dpmpp_order(s, call, 2) == 1) {
        SS_SUM(s, x, {to.keep, x}, {to.gain, s->history[0]});
    } else {
        double by = (to.alpha - to.gain / to.h) * to.h / ss_dpmpp_stride(s, call - 1, call);
        SS_SUM(s, x, {to.keep, x}, {to.gain + by, s->history[0]}, {-by, s->history[1]});
    }
}

const ss_sampler ss_sampler_dpmpp_2m_heun = {.name = "dpm++ 2m heun",
                                             .webui = "DPM++ 2M Heun",
                                             .class_name = "DPMSolverMultistepScheduler",
                                             .karras = true,
                                             .history = 2,
                                             .final_sigma = SS_FINAL_ZERO,
                                             .levels = ss_levels_solver,
                                             .step = step};
