/* A training step of Custom Diffusion to be measured: two rows, one of a concept and one of its class, key and value
 * projections and the token's vector in training. The model is changed by it. */
#ifndef BENCH_TRAINING_H
#define BENCH_TRAINING_H

#include "model/model.h"
#include "train/custom_diffusion.h"

enum { TRAINING_ROWS = 2 };

typedef struct training {
    ss_trainer trainer;
    float *numbers; /* latents and noise */
    int32_t ids[TRAINING_ROWS][77];
    ss_loss_row rows[TRAINING_ROWS];
    ss_batch batch; /* points into this struct, which therefore stays where it is */
} training;

/* Latents of h x w. `t` comes in zero; training_close in any case. */
ss_status training_open(training *t, ss_ctx *cx, ss_model *m, bool recompute, int64_t h, int64_t w);
ss_status training_step(training *t, ss_ctx *cx);
void training_close(training *t);

#endif
