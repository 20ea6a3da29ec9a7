/* Settings by the kind of subject, with the values that the method's authors published: what a run starts from before
 * anybody says otherwise.
 */
#ifndef SS_PRESET_H
#define SS_PRESET_H

#include "train/augment.h"

typedef struct ss_preset {
    const char *name, *what;
    const char *template; /* captions, "{}" the subject: "photo of a {}" */
    const char *trained;  /* "crossattn_kv", "crossattn" */
    int steps;
    int batch;          /* photos a step, each with a picture of its class */
    double rate;        /* base learning rate: times photos a step, accumulation, and 2 with regularisation */
    double flip;        /* probability */
    bool still;         /* no random scale and place */
    int class_pictures; /* for regularisation */
    const char *source; /* where the values are from */
} ss_preset;

/* NULL: "object". SS_ERR_ARG with the nearest name for one that there is not. */
const ss_preset *ss_preset_find(ss_ctx *cx, const char *name);

/* All of them, a NULL name at the end. */
extern const ss_preset ss_presets[];

/* The learning rate that a step takes: diffusers' rule, which CompVis' equals for the published runs. */
double ss_preset_rate(double base, int batch, int accumulation, bool regularised);

/* The table for people, freed with free(). */
ss_status ss_preset_table(char **text, ss_ctx *cx);

#endif
