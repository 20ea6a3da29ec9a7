/* What a network in training is asked for, and how wrong it is.
 *
 * For a latent x and noise e at timestep t, with A the schedule's share of the picture that is left,
 *
 *     x_t = sqrt(A) x + sqrt(1 - A) e,    target = e,  or  sqrt(A) e - sqrt(1 - A) x  for models that predict v
 *     loss = sum over rows r of  weight_r * sum of mask_r (prediction_r - target_r)^2 / sum of mask_r
 *
 * where the mask is one number for each place, so that a mask of ones gives as many times the mean square as there are
 * channels. What the published recipes call instance, prior and averages is in the rows' weights.
 */
#ifndef SS_LOSS_H
#define SS_LOSS_H

#include "diffuse/schedule.h"
#include "train/augment.h"

typedef struct ss_loss_row {
    int t;             /* of the schedule's 1000 */
    const float *mask; /* [places], none negative, not all 0; NULL: ones */
    float weight;
} ss_loss_row;

/* x, noise [n, channels, places] planar, like all that follows. */
void ss_loss_inputs(float *noisy, float *target, const ss_schedule *s, const ss_loss_row *rows, int64_t n,
                    int64_t channels, int64_t places, const float *x, const float *noise);

/* Returns the loss; dy becomes its gradient times `share`. */
double ss_loss(float *dy, const ss_loss_row *rows, int64_t n, int64_t channels, int64_t places, const float *y,
               const float *target, double share);

/* The rows' weights by a recipe. CompVis: every row of a group counts 1 / (rows of the group). diffusers: photos
 * 1 / photos, and pictures of the class `prior` / (their number * channels), which is the mean square times `prior`.
 * Ours: photos the same, pictures of the class prior / their number, so that both are measured alike. */
typedef struct ss_weighed_row {
    bool prior; /* a picture of the class */
    int group;
} ss_weighed_row;
void ss_loss_weigh(ss_loss_row *rows, const ss_weighed_row *what, int64_t n, ss_recipe recipe, double prior,
                   int64_t channels);

#endif
