/* What requests share: sizes, samplers opened from options, texts laid out for a batch. */
#ifndef SS_REQUEST_H
#define SS_REQUEST_H

#include "control/masactrl.h"
#include "diffuse/latent.h"
#include "diffuse/sample.h"

typedef struct ss_size {
    int w, h; /* pixels, multiples of 8 */
} ss_size;

/* 0 means the model's own size; others are rounded down to multiples of 8, which is said. */
ss_status ss_request_size(ss_size *out, ss_ctx *cx, const ss_model *m, int width, int height);

/* Numbers out of their range fail: before any work is done for them. */
ss_status ss_sampling_check(ss_ctx *cx, const ss_sampling_options *o);

/* A sampling loop ready to run, and what it owns. */
typedef struct ss_run {
    ss_sample sample;
    float *texts; /* [2][rows][77 * d]: without, with */
} ss_run;

/* `sampler` is the one to use whatever the options say, or NULL. */
ss_status ss_run_open(ss_run *run, ss_ctx *cx, ss_model *m, const ss_sampling_options *o, const ss_sampler *sampler,
                      int rows, ss_size size);
/* Row i of the batch is drawn with text[with[i]] (the last entry repeats), all of them against text[without]. */
ss_status ss_run_texts(ss_run *run, ss_ctx *cx, const ss_texts *texts, int without, const int *with, int count);
void ss_run_close(ss_run *run);

#endif
