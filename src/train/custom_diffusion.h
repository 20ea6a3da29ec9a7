/* Custom Diffusion's step: which parameters train, one micro-step's loss and gradients, the optimizer's step.
 *
 * Kumari et al. 2023. Of the UNet only cross-attention trains, its key and value projections or all of it, and with it
 * the embedding rows of the tokens that were added to the vocabulary. Keys and values of the start token get no
 * gradient, as in the published programs. Where pictures, captions, noise and timesteps come from is the loop's.
 */
#ifndef SS_CUSTOM_DIFFUSION_H
#define SS_CUSTOM_DIFFUSION_H

#include "model/model.h"
#include "train/adamw.h"
#include "train/loss.h"

typedef enum ss_trained { SS_TRAIN_KV, SS_TRAIN_CROSS } ss_trained;

/* NULL: keys and values. SS_ERR_ARG for a name other than "crossattn_kv" and "crossattn". */
ss_status ss_trained_find(ss_trained *out, ss_ctx *cx, const char *name);
const char *ss_trained_name(ss_trained what);

/* One tensor in training, in the order of names, the tokens' rows last. */
typedef struct ss_training_tensor {
    ss_param *param; /* .data: float32, what counts; .grad */
    float *m, *v;    /* AdamW's */
    int64_t count;
} ss_training_tensor;

typedef struct ss_trainer {
    ss_model *model;
    ss_schedule schedule;
    ss_adamw adamw;
    double longest_gradient; /* norm of all together; a longer one is shortened to it, 0: none */
    int64_t step;            /* of the optimizer, done so far */
    ss_training_tensor *at;
    int count;

    struct ss_tape *unet_tape, *text_tape;
    struct ss_known_text *known; /* embedded captions that nothing in training changes */
    int known_count, known_capacity;
} ss_trainer;

/* Marks parameters as trained and gives them their float32 form. The model stays the caller's, and keeps what was
 * trained; tokens have been added to it before (subject/tokens). `recompute`: less memory, more time. */
ss_status ss_trainer_open(ss_trainer *t, ss_ctx *cx, ss_model *m, ss_trained what, bool recompute);
void ss_trainer_close(ss_trainer *t); /* the model draws with what was trained from here on */

/* One batch: everything by row, planar. */
typedef struct ss_batch {
    int64_t n, h, w;          /* latent pixels */
    const float *x, *noise;   /* [n, 4, h, w]; x is scaled as the UNet has it */
    const ss_loss_row *rows;  /* [n] */
    const int32_t (*ids)[77]; /* [n] */
} ss_batch;

/* Adds the batch's gradients, times `share` (1 / accumulation), and its loss, without it. */
ss_status ss_trainer_micro_step(ss_trainer *t, ss_ctx *cx, const ss_batch *b, double share, double *loss);

/* Captions that nothing in training changes are embedded once: to be called by who changes the text encoder. */
void ss_trainer_forget_texts(ss_trainer *t);

/* The norm of all gradients together, before clipping. */
double ss_trainer_norm(const ss_trainer *t);

/* Clips, lets AdamW step, and empties the gradients. */
ss_status ss_trainer_update(ss_trainer *t, ss_ctx *cx, double rate);

#endif
