/* DEIS in log rho, order 2 (Zhang and Chen 2022): the noise e is continued as a polynomial in ln sigma and integrated
 * over sigma.
 *
 *     x_t / alpha_t = x / alpha + (sigma_t - sigma) e_0                  first order
 *     x_t / alpha_t = x / alpha + a e_0 + b e_1                          second
 *     a = F(sigma_t; 0, 1) - F(sigma; 0, 1),  b = F(sigma_t; 1, 0) - F(sigma; 1, 0)
 *     F(u; i, j) = u (ln u - ln sigma_j - 1) / (ln sigma_i - ln sigma_j)
 */
#include "diffuse/dpmpp.h"

static double antiderivative(double u, double one, double zero) { return u * (log(u / zero) - 1) / log(one / zero); }

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    double sigma = s->sigma[call], next = s->sigma[call + 1];
    double alpha = 1 / sqrt(next * next + 1), keep = alpha * sqrt(sigma * sigma + 1);
    ss_sampling_push(s, ss_mix_noise(s, sigma), x, out);
    if (ss_dpmpp_order(s, call, 2) == 1) {
        SS_SUM(s, x, {keep, x}, {alpha * (next - sigma), s->history[0]});
    } else {
        double last = s->sigma[call - 1];
        double a = antiderivative(next, sigma, last) - antiderivative(sigma, sigma, last);
        double b = antiderivative(next, last, sigma) - antiderivative(sigma, last, sigma);
        SS_SUM(s, x, {keep, x}, {alpha * a, s->history[0]}, {alpha * b, s->history[1]});
    }
}

const ss_sampler ss_sampler_deis = {.name = "deis",
                                    .webui = "DEIS",
                                    .class_name = "DEISMultistepScheduler",
                                    .karras = true,
                                    .history = 2,
                                    .final_sigma = SS_FINAL_LEAST,
                                    .levels = ss_levels_solver,
                                    .step = step};
