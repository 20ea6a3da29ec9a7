/* Linear multistep of order 4 (Adams and Bashforth): the slopes of the last steps are continued by the polynomial in
 * sigma that goes through them, which is integrated over the step.
 */
#include "diffuse/sampler_parts.h"

enum { ORDER = 4 };

/* The integral from a to b of the polynomial that is 1 at node[j] and 0 at the other nodes. */
static double weight(const double *node, int count, int j, double a, double b) {
    double p[ORDER] = {1}; /* coefficients, constant first */
    for (int k = 0, degree = 0; k < count; k++) {
        if (k == j) continue;
        double by = 1 / (node[j] - node[k]);
        degree++;
        for (int i = degree; i >= 0; i--) p[i] = by * ((i ? p[i - 1] : 0) - node[k] * (i < degree ? p[i] : 0));
    }
    double integral = 0, to = b, from = a;
    for (int i = 0; i < count; i++, to *= b, from *= a) integral += p[i] * (to - from) / (i + 1);
    return integral;
}

static void step(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise) {
    (void)noise;
    int order = s->done < ORDER ? s->done + 1 : ORDER;
    double node[ORDER];
    ss_term sum[1 + ORDER] = {{1, x}};
    ss_sampling_push(s, ss_mix_noise(s, s->sigma[call]), x, out);
    for (int j = 0; j < order; j++) node[j] = s->sigma[call - j];
    for (int j = 0; j < order; j++)
        sum[1 + j] = (ss_term){weight(node, order, j, s->sigma[call], s->sigma[call + 1]), s->history[j]};
    ss_sum(s, x, 1 + order, sum);
}

const ss_sampler ss_sampler_lms = {.name = "lms",
                                   .webui = "LMS",
                                   .class_name = "LMSDiscreteScheduler",
                                   .aliases = (const char *const[]){"k_lms", NULL},
                                   .exploding = true,
                                   .karras = true,
                                   .history = ORDER,
                                   .levels = ss_levels_sigmas,
                                   .step = step};
