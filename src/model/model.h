/* A whole Stable Diffusion model: three networks, a tokenizer, a schedule, opened from a folder or a file.
 *
 * Opening maps the weights, renames them to one spelling and walks each network over shapes alone, so that a checkpoint
 * with a tensor missing, left over or misshapen is refused by name before anything is computed.
 */
#ifndef SS_MODEL_H
#define SS_MODEL_H

#include "io/json.h"
#include "io/tokenizer.h"
#include "io/weights.h"
#include "model/clip.h"
#include "model/unet.h"
#include "model/vae.h"

struct ss_model {
    char *path, *config;
    ss_unet unet;
    ss_vae vae;
    ss_clip_text text;
    ss_tokenizer *tokenizer;
    json_t *scheduler; /* scheduler_config.json, or NULL: SD's own numbers */
    bool sd2;
    bool single_file;
    bool predicts_v;
    int64_t unet_text_width; /* of the texts that cross-attention reads */
    int size;                /* pixels a side that it was made for */
    int64_t tensors, parameters;
    ss_weights *file[8]; /* what the parameters point into */
    int files;
    struct ss_altered *altered; /* parameters that are no longer the checkpoint's: see alter.h */
    int64_t altered_count;
};

/* The folder that the model's settings and tokenizer came from; NULL: a single file without any. */
const char *ss_model_config(const ss_model *m);

/* The scheduler's class in diffusers' words, "PNDMScheduler" if the model does not say. */
const char *ss_model_scheduler(const ss_model *m);

/* Runs `walk` with the shape-only device and a counting arena in place of the context's own, without controllers.
 * *peak, if not NULL, gets the most bytes of tensors that were alive at once. */
ss_status ss_shape_walk(ss_ctx *cx, ss_dtype numbers, ss_status (*walk)(ss_ctx *cx, void *user), void *user,
                        size_t *peak);

#endif
