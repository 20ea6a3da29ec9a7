/* UniPC of order 2, type bh2, data prediction (Zhao et al. 2023): a predictor like DPM-Solver++(2M), and once the
 * network has seen where it leads, a corrector that takes the step again with what was seen.
 *
 *     predictor  x_t = (s_t / s) x - alpha_t B (D_0 + (D_1 - D_0) / (2 r)),    B = exp(-h) - 1,  r = -h_1 / h
 *     corrector  x_t = (s_t / s) x - alpha_t B (D_0 + p (D_1 - D_0) / r + q (D_t - D_0))
 *
 * p + q = b_1 and r p + q = b_2 with b_1 = (B / k - 1) / B, b_2 = 2 ((B / k - 1) / k - 1/2) / B, k = -h; in first order
 * there is no p and q is 1/2.
 */
#include "diffuse/dpmpp.h"

#include <string.h>

/* history: D_t, D_0, D_1 when x has arrived at `call` from saved. */
static void correct(ss_sampling *s, int call, int order, float *x) {
    ss_dpmpp to = ss_dpmpp_between(s, call - 1, call);
    double p = 0, q = 0.5;
    if (order == 2) {
        double r = -ss_dpmpp_stride(s, call - 2, call - 1) / to.h, k = -to.h, b = expm1(k);
        double b1 = (b / k - 1) / b, b2 = 2 * ((b / k - 1) / k - 0.5) / b;
        p = (b1 - b2) / (1 - r);
        q = b1 - p;
        p /= r;
    }
    SS_SUM(s, x, {to.keep, s->saved}, {to.gain * (1 - p - q), s->history[1]}, {to.gain * q, s->history[0]},
           {to.gain * p, order == 2 ? s->history[2] : s->history[1]});
}

static int order_of(const ss_sampling *s, int call, int done) {
    int order = done < 2 ? done + 1 : 2, left = s->calls - call;
    return left < order ? left : order;
}

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    ss_sampling_push(s, ss_mix_data(s, s->sigma[call]), x, out);
    if (s->done > 0) correct(s, call, order_of(s, call - 1, s->done - 1), x);
    memcpy(s->saved, x, (size_t)s->count * sizeof *x);
    ss_dpmpp to = ss_dpmpp_between(s, call, call + 1);
    if (order_of(s, call, s->done) == 1) {
        SS_SUM(s, x, {to.keep, x}, {to.gain, s->history[0]});
    } else {
        double by = to.h / ss_dpmpp_stride(s, call - 1, call) / 2;
        SS_SUM(s, x, {to.keep, x}, {to.gain * (1 + by), s->history[0]}, {-to.gain * by, s->history[1]});
    }
}

const ss_sampler ss_sampler_unipc = {.name = "unipc",
                                     .webui = "UniPC",
                                     .class_name = "UniPCMultistepScheduler",
                                     .karras = true,
                                     .history = 3,
                                     .saves = true,
                                     .final_sigma = SS_FINAL_LEAST,
                                     .levels = ss_levels_solver,
                                     .step = step};
