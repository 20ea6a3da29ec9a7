/* Pieces of work that are timed: one pass of a network, as requests run it, with everything it reads made beforehand.
 * What `selfsame bench` and the comparison with other programs have in common. */
#ifndef SS_WORK_H
#define SS_WORK_H

#include "api/request.h"

typedef struct ss_work ss_work;

/* Latents, texts, pixels for passes at a size. The model is the caller's and outlives it. */
ss_status ss_work_new(ss_work **out, ss_ctx *cx, ss_model *m, ss_size size);
void ss_work_free(ss_work *w);

/* The names, NULL at the end. */
extern const char *const ss_work_names[];

/* Runs one piece of work once. The first time it also packs weights, and makes what a kept source keeps. */
ss_status ss_work_run(ss_work *w, ss_ctx *cx, const char *name);

/* What the machine allows, each the best of bursts over about a second: arithmetic of products of SD's sizes in the
 * context's numbers, and bytes read and written in copying. Both start from what *peak holds, so that they can be
 * asked again after other work. */
typedef struct ss_peak {
    double flops, bytes; /* a second */
} ss_peak;
ss_status ss_peak_measure(ss_peak *peak, ss_ctx *cx);

#endif
