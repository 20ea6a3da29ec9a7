/* Pictures of a class that the model itself draws, for regularisation: made once for each model, prompt and way of
 * drawing, kept in a folder, and gone on with where an earlier run stopped. How they are drawn is the caller's.
 */
#ifndef SS_PRIOR_H
#define SS_PRIOR_H

#include "base/base.h"

/* Draws one picture with the noise of `seed`; *out is freed with ss_image_free. */
typedef ss_status ss_prior_draw_fn(void *user, ss_ctx *cx, ss_image *out, const char *prompt, uint64_t seed);

typedef struct ss_prior_options {
    const char *cache;  /* a folder for all of them; made if it is not there */
    const char *model;  /* fingerprint */
    const char *prompt; /* "photo of a dog" */
    const char *way;    /* whatever else decides what is drawn: "ddim 50 guidance 6 eta 1 512x512" */
    int count;
    ss_prior_draw_fn *draw;
    void *draw_user;
} ss_prior_options;

/* *folder, freed with free(), holds at least `count` pictures 0000.png, 0001.png, ... (picture i is seed i) and nothing
 * that is no picture but prior.json, which says what they are. Pictures that are there are not drawn again.
 * SS_ERR_STOPPED leaves those that were finished. */
ss_status ss_prior_fill(char **folder, ss_ctx *cx, const ss_prior_options *o);

/* That folder's path, whether or not anything is in it, and how many of the pictures are there. */
ss_status ss_prior_folder(char **folder, int *there, ss_ctx *cx, const ss_prior_options *o);

/* Makes a folder and those above it; one that is there is no failure. */
ss_status ss_make_folders(ss_ctx *cx, const char *path);

#endif
