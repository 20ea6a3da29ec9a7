/* DPM-Solver++(3M): slope and curvature of D from three predictions.
 *
 *     D'  = (D_0 - D_1) / r_0,  D" = (D_1 - D_2) / r_1,   r_i = h_{i+1} / h
 *     E_1 = D' + r_0 / (r_0 + r_1) (D' - D"),  E_2 = (D' - D") / (r_0 + r_1)
 *     x_t = (s_t / s) x - alpha_t (exp(-h) - 1) D_0 + alpha_t ((exp(-h) - 1) / h + 1) E_1
 *                                                   - alpha_t ((exp(-h) - 1 + h) / h^2 - 1/2) E_2
 */
#include "diffuse/dpmpp.h"

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    ss_dpmpp to = ss_dpmpp_between(s, call, call + 1);
    float *const *d = s->history;
    ss_sampling_push(s, ss_mix_data(s, s->sigma[call]), x, out);
    int order = ss_dpmpp_order(s, call, 3);
    if (order == 1) {
        SS_SUM(s, x, {to.keep, x}, {to.gain, d[0]});
    } else if (order == 2) {
        double by = to.h / ss_dpmpp_stride(s, call - 1, call) / 2;
        SS_SUM(s, x, {to.keep, x}, {to.gain * (1 + by), d[0]}, {-to.gain * by, d[1]});
    } else {
        double r0 = ss_dpmpp_stride(s, call - 1, call) / to.h, r1 = ss_dpmpp_stride(s, call - 2, call - 1) / to.h;
        double first = to.alpha - to.gain / to.h,
               second = -((to.h * to.alpha - to.gain) / (to.h * to.h) - to.alpha / 2);
        /* E_1 and E_2 as weights of D' and D", those as weights of D_0, D_1 and D_2 */
        double slope = first * (1 + r0 / (r0 + r1)) + second / (r0 + r1), before = first - slope;
        double a = slope / r0, b = before / r1;
        SS_SUM(s, x, {to.keep, x}, {to.gain + a, d[0]}, {b - a, d[1]}, {-b, d[2]});
    }
}

const ss_sampler ss_sampler_dpmpp_3m = {.name = "dpm++ 3m",
                                        .webui = "DPM++ 3M",
                                        .class_name = "DPMSolverMultistepScheduler",
                                        .karras = true,
                                        .history = 3,
                                        .final_sigma = SS_FINAL_ZERO,
                                        .levels = ss_levels_solver,
                                        .step = step};
