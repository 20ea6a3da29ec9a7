/* How a photo becomes a training picture: what is drawn by lot, and what the outcome looks like. The draws come in the
 * order of the two published programs, so that recorded ones can be played back; rendering is deterministic.
 */
#ifndef SS_AUGMENT_H
#define SS_AUGMENT_H

#include "base/rng.h"

/* The published programs' way of preparing data, and ours: centre-cropped squares and the bicubic filter as in CompVis,
 * pairs of a photo and a picture of its class as in diffusers, concepts taking turns. */
typedef enum ss_recipe { SS_RECIPE_OWN, SS_RECIPE_COMPVIS, SS_RECIPE_DIFFUSERS } ss_recipe;

/* SS_ERR_ARG with the nearest name for one that there is not. NULL: our own. */
ss_status ss_recipe_find(ss_recipe *out, ss_ctx *cx, const char *name);
const char *ss_recipe_name(ss_recipe r); /* "selfsame", "compvis", "diffusers" */

/* Where lots are drawn from. `choice` gets what it chooses between, for those who check. */
typedef struct ss_dice {
    double (*uniform)(void *user);                            /* 0 <= u < 1 */
    int64_t (*integer)(void *user, int64_t from, int64_t to); /* from <= i < to */
    int (*choice)(void *user, const char *const *of, int count);
    void *user;
} ss_dice;

ss_dice ss_dice_rng(ss_rng *r);

typedef struct ss_augment {
    ss_recipe recipe;
    int size;          /* S, pixels a side; a multiple of 8 */
    double flip;       /* probability of a mirrored picture */
    bool still;        /* no random scale and place: every photo fills its picture */
    bool centre_class; /* pictures of the class are cropped in their middle, not anywhere (diffusers) */
} ss_augment;

typedef enum ss_prefix { SS_PREFIX_NONE, SS_FAR_AWAY, SS_VERY_SMALL, SS_ZOOMED_IN, SS_CLOSE_UP, SS_PREFIXES } ss_prefix;
const char *ss_prefix_text(ss_prefix p); /* "", "a far away ", ... */

/* The prefix and `template` with its "{}", which it has to have, replaced: "very small photo of a <new1> dog". Freed
 * with free(), NULL for lack of memory. */
char *ss_caption_fill(ss_ctx *cx, ss_prefix prefix, const char *template, const char *subject);

/* The outcome of one photo's draws. Equal placements of one photo render equal pictures. */
typedef struct ss_placement {
    bool flip;
    int scale;       /* r: the photo's side, S when it fills the picture */
    int row, column; /* photos, r < 0.6 S or r > S: the centre of the part; class pictures: the crop's corner; else 0 */
    ss_prefix prefix;
} ss_placement;

/* A photo of w x h pixels. */
ss_placement ss_place_photo(const ss_augment *a, const ss_dice *dice);
/* A picture of the class, w x h pixels. */
ss_placement ss_place_class(const ss_augment *a, const ss_dice *dice, int w, int h);

/* x [S, S, 3] interleaved in -1..1, zero where there is no photo; mask [S/8, S/8], 1 where the loss counts, never
 * empty. `subject` is NULL or the photo's own mask, white the subject, of about the photo's proportions but any size:
 * the loss then counts its share of every latent pixel; where a crop misses the subject altogether it is as if there
 * were none. */
ss_status ss_render_photo(float *x, float *mask, ss_ctx *cx, const ss_augment *a, const ss_placement *p,
                          const ss_image *photo, const ss_image *subject);
ss_status ss_render_class(float *x, float *mask, ss_ctx *cx, const ss_augment *a, const ss_placement *p,
                          const ss_image *picture);

#endif
