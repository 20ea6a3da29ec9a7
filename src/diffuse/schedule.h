/* The noise schedule: how much of a picture is left at each of the training's timesteps.
 *
 *     x_t = sqrt(A_t) x_0 + sqrt(1 - A_t) noise,   A_t = prod_{i <= t} (1 - beta_i)
 *
 * Ho et al. 2020 (DDPM), eq. 4. The numbers are those of diffusers to the last bit, so that trajectories agree with it.
 */
#ifndef SS_SCHEDULE_H
#define SS_SCHEDULE_H

#include "base/base.h"
#include "io/json.h"

typedef enum ss_prediction { SS_PREDICT_EPSILON, SS_PREDICT_V, SS_PREDICT_SAMPLE } ss_prediction;

/* Which of the training's timesteps are visited; each sampler has its own default. */
typedef enum ss_spacing { SS_SPACING_OWN, SS_SPACING_LEADING, SS_SPACING_LINSPACE, SS_SPACING_TRAILING } ss_spacing;

typedef enum ss_betas { SS_BETAS_SCALED_LINEAR, SS_BETAS_LINEAR } ss_betas;

enum { SS_TRAIN_STEPS = 1000 };

typedef struct ss_schedule {
    double beta_start, beta_end;
    ss_betas betas;
    ss_prediction prediction;
    ss_spacing spacing;
    int steps_offset;      /* added to every timestep of leading spacing */
    bool set_alpha_to_one; /* after the last step: A = 1 instead of A_0 */

    float alpha[SS_TRAIN_STEPS]; /* A_t */
    float sigma[SS_TRAIN_STEPS]; /* sqrt((1 - A_t) / A_t): noise for each unit of picture */
} ss_schedule;

/* Stable Diffusion's numbers; change settings, then fill. */
ss_schedule ss_schedule_default(void);

/* From the fields of a scheduler_config.json, tables included. Missing ones keep Stable Diffusion's numbers; like its
 * pipelines, steps_offset is 1 and x_0 is never clipped. o.json may be NULL. */
ss_status ss_schedule_read(ss_schedule *out, ss_ctx *cx, ss_object o);

/* Computes the tables from the settings. */
void ss_schedule_fill(ss_schedule *s);

/* A_t, or what stands in for it before the first timestep. */
float ss_schedule_alpha(const ss_schedule *s, int t);

/* Sigma at a timestep between those of the training, and the timestep of a sigma (by its logarithm). */
double ss_schedule_sigma_at(const ss_schedule *s, double t);
double ss_schedule_time_of(const ss_schedule *s, double sigma);

#endif
