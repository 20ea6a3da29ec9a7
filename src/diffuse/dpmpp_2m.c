/* DPM-Solver++(2M), midpoint type (Lu et al. 2022, algorithm 2):
 *
 *     D = D_0 + (D_0 - D_1) / (2 r),   r = h_1 / h
 *
 * where h_1 is the stride of the step before.
 */
#include "diffuse/dpmpp.h"

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    ss_dpmpp to = ss_dpmpp_between(s, call, call + 1);
    ss_sampling_push(s, ss_mix_data(s, s->sigma[call]), x, out);
    if (ss_dpmpp_order(s, call, 2) == 1) {
        SS_SUM(s, x, {to.keep, x}, {to.gain, s->history[0]});
    } else {
        double by = to.h / ss_dpmpp_stride(s, call - 1, call) / 2;
        SS_SUM(s, x, {to.keep, x}, {to.gain * (1 + by), s->history[0]}, {-to.gain * by, s->history[1]});
    }
}

const ss_sampler ss_sampler_dpmpp_2m = {.name = "dpm++ 2m",
                                        .webui = "DPM++ 2M",
                                        .class_name = "DPMSolverMultistepScheduler",
                                        .aliases = (const char *const[]){"k_dpmpp_2m", NULL},
                                        .karras = true,
                                        .history = 2,
                                        .final_sigma = SS_FINAL_ZERO,
                                        .levels = ss_levels_solver,
                                        .step = step};
