/* The sampling loop. There is one: drawing, inversion, previews and attention control all plug into it. */
#ifndef SS_SAMPLE_H
#define SS_SAMPLE_H

#include "diffuse/sampler.h"
#include "model/model.h"

/* Embedded texts, one row [77, d] for each row of the batch. */
typedef struct ss_texts {
    float *data;
    int64_t rows, len, d;
} ss_texts;

/* One run through a list of network calls. Latents are [rows, 4, h, w], planar as torch has them. */
typedef struct ss_sample {
    ss_model *model;
    ss_sampling *sampling;
    int rows;
    int64_t h, w;
    double guidance;      /* above 1: the network sees [rows without the text; rows with it] */
    int shared;           /* leading rows whose two texts are the same: they are seen once, in the first half */
    const float *without; /* [rows][77 * d]; used with guidance */
    const float *with;    /* [rows][77 * d] */
    ss_rng *noise;        /* for samplers that draw some */
    ss_control *control;  /* chain, or NULL */
    int reuse;            /* above 1: the deep part of the network runs in every so many-th call only */
    ss_deep *deep;        /* what it gave; the loop's own */
    const char *what;     /* for progress: "drawing" */

    /* May change the latents before a call and after a step; `step` counts denoising steps from 0. */
    void (*before)(void *user, int step, float *latents);
    void (*after)(void *user, int step, float *latents);
    /* How many leading rows nobody reads in a step, because `after` or `before` says what they are: they are not run.
     */
    int (*unread)(void *user, int step);
    void *user;

    /* Shows the latents of row `preview_row` after each step. */
    void (*preview)(void *user, int step, int steps, const float *latents);
    void *preview_user;
} ss_sample;

/* Runs the calls from `first` on. SS_ERR_STOPPED when somebody asked to stop. */
ss_status ss_sample_run(ss_ctx *cx, const ss_sample *s, int first, float *latents);

/* The network's prediction at timestep t, guided. y and x are [rows, 4, h, w]. */
ss_status ss_predict(ss_ctx *cx, const ss_sample *s, float t, int step, const float *x, float *y);

#endif
