/* What samplers are made of. Each is a row of a table (sampler.c) and a file with its step function.
 *
 * A noise level is a sigma: so much noise for each unit of picture. Latents come in two scalings,
 *
 *     exploding    x = x_0 + sigma e                      (k-diffusion; the network sees x / sqrt(sigma^2 + 1))
 *     preserving   x = (x_0 + sigma e) / sqrt(sigma^2 + 1) = alpha x_0 + alpha sigma e    (DDPM; the network sees x)
 *
 * and what a step needs of a prediction, x_0 or the noise e, is a sum of so much of the latent and so much of the
 * prediction, whatever the network was trained to predict: an ss_mix. A step is then one weighted sum of arrays.
 */
#ifndef SS_SAMPLER_PARTS_H
#define SS_SAMPLER_PARTS_H

#include "diffuse/sampler.h"

enum { SS_SAMPLER_HISTORY = 4 };

struct ss_sampler {
    const char *name;           /* "euler a" */
    const char *webui;          /* what A1111's interface calls it */
    const char *class_name;     /* what diffusers calls it; several rows may share one */
    const char *const *aliases; /* NULL-ended, or NULL */
    bool exploding;
    bool karras;                /* takes Karras' noise levels */
    bool rounds;                /* the timesteps of Karras' levels, as diffusers does for some */
    bool draws;                 /* in every run; DDIM: if eta is not 0 */
    bool eta;                   /* knows eta */
    int most_steps;             /* 0: as many as the training had */
    bool twice;                 /* looks twice in every step but the last */
    bool repeats;               /* looks twice at its second level */
    ss_final_sigma final_sigma; /* for ss_levels_solver */
    int history;                /* arrays that it keeps, for ss_sampling_push */
    bool saves;                 /* keeps a latent to go back to */

    /* Fills timesteps and noise levels. */
    ss_status (*levels)(ss_sampling *s, ss_ctx *cx);
    /* x becomes the next latent; `out` is the prediction of call `call`. */
    void (*step)(ss_sampling *s, int call, float *x, const float *out, ss_rng *noise);
};

struct ss_sampling {
    const ss_sampler *sampler;
    ss_schedule schedule;
    ss_sampler_options options;
    int steps, calls;
    int64_t count;
    float *t;     /* [calls]: timesteps, as the network is told */
    float *sigma; /* [calls + 1]: the level that x is at before each call, and in the end */
    float init_sigma;
    int done; /* calls of this run so far: less than the call's number when it began in the middle */
    float *history[SS_SAMPLER_HISTORY]; /* [count] each, newest first */
    float *saved;                       /* [count] */
    float *noise;                       /* [count], if the run draws */
};

/* ------------------------------------------------------------------------------------------------ levels */

/* t[n], descending integers by spacing, as DDIM and PNDM have them. SS_ERR_ARG if they go beyond the training's. */
ss_status ss_levels_integers(int *t, ss_ctx *cx, ss_spacing spacing, int steps_offset, int n);

/* Timesteps by spacing without rounding, or Karras' levels between their ends, then sigma 0: Euler and its relatives.
 * Methods that look twice have each level but the first twice. */
ss_status ss_levels_sigmas(ss_sampling *s, ss_ctx *cx);

/* Rounded timesteps, evenly spread down to but without 0, or Karras' levels over the whole schedule, then the final
 * sigma: DPM-Solver and its relatives. */
ss_status ss_levels_solver(ss_sampling *s, ss_ctx *cx);

/* ------------------------------------------------------------------------------------------------ predictions */

typedef struct ss_mix {
    double x, out; /* so much of the latent, so much of the prediction */
} ss_mix;

/* x_0 and e at a noise level. */
ss_mix ss_mix_data(const ss_sampling *s, double sigma);
ss_mix ss_mix_noise(const ss_sampling *s, double sigma);

/* ------------------------------------------------------------------------------------------------ arrays */

typedef struct ss_term {
    double by;
    const float *x;
} ss_term;

enum { SS_MOST_TERMS = 6 };

/* y = sum of by * x over the terms; y may be one of them. */
void ss_sum(const ss_sampling *s, float *y, int terms, const ss_term *term);
#define SS_SUM(s, y, ...)                                                                                              \
    ss_sum(s, y, (int)(sizeof(ss_term[]){__VA_ARGS__} / sizeof(ss_term)), (const ss_term[]){__VA_ARGS__})

/* history[0] = mix of x and out; what was newest is history[1] now. */
void ss_sampling_push(ss_sampling *s, ss_mix mix, const float *x, const float *out);

/* Standard normals in s->noise. */
const float *ss_sampling_draw(ss_sampling *s, ss_rng *noise);

#endif
