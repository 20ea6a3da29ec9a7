/* DPM-Solver++(2S) in diffusers' form: steps come in pairs. The first of a pair is of first order; the second goes the
 * way of both at once, from where the pair began, with the slope between their predictions.
 *
 *     D = D_1 + (D_0 - D_1) / (2 r),   r = h_1 / h
 *
 * where h spans both steps and h_1 the first.
 */
#include "diffuse/dpmpp.h"

#include <string.h>

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    ss_sampling_push(s, ss_mix_data(s, s->sigma[call]), x, out);
    bool second = call % 2 == 1 && s->done > 0 && s->sigma[call + 1] > 0;
    if (second) {
        ss_dpmpp to = ss_dpmpp_between(s, call - 1, call + 1);
        double by = to.h / ss_dpmpp_stride(s, call - 1, call) / 2;
        SS_SUM(s, x, {to.keep, s->saved}, {to.gain * by, s->history[0]}, {to.gain * (1 - by), s->history[1]});
    } else {
        ss_dpmpp to = ss_dpmpp_between(s, call, call + 1);
        memcpy(s->saved, x, (size_t)s->count * sizeof *x);
        SS_SUM(s, x, {to.keep, x}, {to.gain, s->history[0]});
    }
}

const ss_sampler ss_sampler_dpmpp_2s = {.name = "dpm++ 2s",
                                        .webui = "DPM++ 2S",
                                        .class_name = "DPMSolverSinglestepScheduler",
                                        .karras = true,
                                        .history = 2,
                                        .saves = true,
                                        .final_sigma = SS_FINAL_ZERO,
                                        .levels = ss_levels_solver,
                                        .step = step};
