/* Noised latents, targets, weights and the masked loss. */
#include "train/loss.h"

#include <math.h>

void ss_loss_inputs(float *noisy, float *target, const ss_schedule *s, const ss_loss_row *rows, int64_t n,
                    int64_t channels, int64_t places, const float *x, const float *noise) {
    for (int64_t r = 0, one = channels * places; r < n; r++) {
        float a = ss_schedule_alpha(s, rows[r].t), kept = sqrtf(a), lost = sqrtf(1 - a);
        for (int64_t i = r * one; i < (r + 1) * one; i++) {
            noisy[i] = kept * x[i] + lost * noise[i];
            target[i] = s->prediction == SS_PREDICT_V ? kept * noise[i] - lost * x[i] : noise[i];
        }
    }
}

double ss_loss(float *dy, const ss_loss_row *rows, int64_t n, int64_t channels, int64_t places, const float *y,
               const float *target, double share) {
    double loss = 0;
    for (int64_t r = 0; r < n; r++) {
        const float *mask = rows[r].mask;
        double sum = 0, area = 0;
        for (int64_t p = 0; p < places; p++) area += mask ? mask[p] : 1;
        for (int64_t c = 0; c < channels; c++)
            for (int64_t p = 0; p < places; p++) {
                int64_t i = (r * channels + c) * places + p;
                double off = (double)y[i] - target[i], counts = mask ? mask[p] : 1;
                sum += counts * off * off;
                dy[i] = (float)(2 * counts * off * rows[r].weight * share / area);
            }
        loss += rows[r].weight * sum / area;
    }
    return loss;
}

void ss_loss_weigh(ss_loss_row *rows, const ss_weighed_row *what, int64_t n, ss_recipe recipe, double prior,
                   int64_t channels) {
    bool mixed = recipe == SS_RECIPE_COMPVIS;
    for (int64_t r = 0; r < n; r++) {
        int64_t alike = 0;
        for (int64_t i = 0; i < n; i++)
            alike += mixed ? what[i].group == what[r].group : what[i].prior == what[r].prior;
        double weight = 1.0 / (double)alike;
        if (!mixed && what[r].prior) weight *= recipe == SS_RECIPE_DIFFUSERS ? prior / (double)channels : prior;
        rows[r].weight = (float)weight;
    }
}
