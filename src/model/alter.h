/* A model's parameters, changed: by what a subject has learned, or by the tokens that it brings.
 *
 * The checkpoint's own numbers stay where they are and can be asked for: what one subject changes is measured from
 * them, whatever another has changed before.
 */
#ifndef SS_ALTER_H
#define SS_ALTER_H

#include "model/model.h"
#include "model/rename.h"

/* A parameter whose numbers are the model's own instead of a file's. */
typedef struct ss_altered {
    ss_part part;
    char *name;
    float *now;       /* [count], in the checkpoint's order */
    ss_dtype type;    /* of the checkpoint's */
    const void *file; /* NULL: the checkpoint has no such parameter */
    bool mapped;
} ss_altered;

ss_params *ss_model_params(const ss_model *m, ss_part part); /* of UNet, VAE or text encoder */

/* The parameter's numbers, to be written into; they start as what they are. Kernels pack again. NULL with a sentence if
 * there is no such parameter, or no memory. */
float *ss_model_alter(ss_ctx *cx, ss_model *m, ss_part part, const char *name);

/* What a parameter is in the checkpoint, in float32: n numbers from the first-th on. */
void ss_model_original(float *y, const ss_model *m, ss_part part, const ss_param *p, int64_t first, int64_t n);

/* Whether the parameter's numbers are still those of the checkpoint. */
bool ss_model_untouched(const ss_model *m, ss_part part, const char *name);

/* A new token with `count` vectors rows[count][width], which take `count` places in every text that has it. Its rows
 * lie in the parameter SS_ADDED_TOKENS of the text encoder, behind those of earlier tokens, and train there; *first is
 * the first row. Pointers to the text encoder's parameters from before are stale. SS_ERR_ARG for a token that the model
 * has, SS_ERR_SHAPE for vectors of another width. */
ss_status ss_model_add_token(int64_t *first, ss_ctx *cx, ss_model *m, const char *token, int64_t count, int64_t width,
                             const float *rows);

/* Width of the text encoder's token vectors, and the vector of a token of the vocabulary. */
int64_t ss_model_token_width(const ss_model *m);
void ss_model_token_row(float *y, const ss_model *m, int32_t id);

void ss_model_forget_alterations(ss_model *m); /* frees them: ss_model_free */

#endif
