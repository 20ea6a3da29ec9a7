/* A training's state on disk: everything that going on bit for bit needs, in one safetensors file that is replaced by
 * rename, so that a full disk or a kill leaves the one before.
 *
 * Weights, AdamW's moments and the number of steps are all there is: rows, noise and timesteps of a step follow from
 * the seed and its number. The settings and the data set lie beside them, so that whoever goes on can be told what is
 * no longer the same.
 */
#ifndef SS_STATE_H
#define SS_STATE_H

#include "train/custom_diffusion.h"

#include <jansson.h>

typedef struct ss_training_record {
    double smoothed; /* the loss, as the progress shows it; 0 before the first step */
    json_t *settings, *data;
} ss_training_record;

ss_status ss_state_save(ss_ctx *cx, const char *path, const ss_trainer *t, const ss_training_record *r);

/* Fills an opened trainer. *r is the file's, to be given back with ss_training_record_free. SS_ERR_FORMAT for a file
 * that is no state, SS_ERR_SHAPE for one of other parameters. */
ss_status ss_state_load(ss_ctx *cx, const char *path, ss_trainer *t, ss_training_record *r);
void ss_training_record_free(ss_training_record *r);

/* What differs between two objects of settings, as "steps was 250 and is 500; ...", NULL if nothing does or, with the
 * failure in cx, without memory. Freed with free(). */
char *ss_settings_changed(ss_ctx *cx, const json_t *before, const json_t *now);

#endif
