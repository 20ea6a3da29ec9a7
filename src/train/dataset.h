/* The pictures that training looks at: photos of the concepts and, for regularisation, pictures of their classes, read
 * once, checked and named; then the rows of any micro-step, drawn from the seed and the step's number alone. There is
 * no order to store: whoever knows the number of the step goes on with the same rows.
 *
 * Encoding, texts as tokens and the loss are the training step's.
 */
#ifndef SS_DATASET_H
#define SS_DATASET_H

#include "train/augment.h"

#include <jansson.h>

/* One subject. Texts are UTF-8; the caller keeps them for as long as the call lasts. */
typedef struct ss_concept {
    const char *photos;       /* a folder, a text file with a path a line, or one picture */
    const char *masks;        /* a folder with a mask for each photo, of its name without the suffix; NULL: none */
    const char *prompt;       /* "photo of a <new1> dog", or a text file with one caption for each photo, in order */
    const char *class_photos; /* as `photos`; a folder with images.txt and caption.txt is read by them; NULL: none */
    const char *class_prompt; /* what the pictures of the class show, or a text file with one caption for each */

    /* "photo of a {}": one is drawn for each row, and the prompt (not the lines of a file) put in its place. NULL: the
     * prompts are whole captions. */
    const char *const *templates;
    int template_count;
} ss_concept;

/* An automatic mask: fills mask[photo->w * photo->h] with 0..1, 1 the subject. Called once a photo, when a concept has
 * no masks of its own. */
typedef ss_status ss_subject_mask_fn(void *user, ss_ctx *cx, int concept, const ss_image *photo, float *mask);

typedef struct ss_dataset_options {
    const ss_concept *concepts;
    int concept_count;
    ss_augment augment;
    int batch;      /* photos a micro-step; CompVis: rows of each concept, photos and class pictures mixed. 0: 1 */
    int class_most; /* pictures of each class at most; 0: all */
    uint64_t seed;
    ss_subject_mask_fn *mask; /* NULL: the loss counts everywhere */
    void *mask_user;
} ss_dataset_options;

typedef struct ss_dataset ss_dataset;

/* Reads every picture once. Those that cannot be read and those that are there twice are left out and named in
 * warnings, and counted in a note; fails when a concept has no photo left, when captions and pictures differ in number,
 * when a photo has no mask. */
ss_status ss_dataset_open(ss_dataset **out, ss_ctx *cx, const ss_dataset_options *o);
void ss_dataset_close(ss_dataset *d);

/* One row of a batch. */
typedef struct ss_row {
    int concept; /* whose photo it is, or whose class it shows */
    bool prior;  /* a picture of the class */
    int group;   /* the loss is averaged within a group, groups are added. CompVis: one a concept; else 0 */
    int picture; /* index among all pictures of the data set; with `at` the key of a cache of latents */
    int caption; /* index for ss_dataset_caption */
    ss_placement at;
} ss_row;

bool ss_row_same(const ss_row *a, const ss_row *b); /* the same picture in the same place: equal pixels, equal mask */

/* Rows of each micro-step: photos first, then as many pictures of their classes. CompVis: mixed, the concepts' groups
 * one after the other. */
int ss_dataset_rows(const ss_dataset *d);
void ss_dataset_draw(ss_row *rows, ss_dataset *d, int64_t micro_step);

/* Item `index` as the published programs number them, its lots drawn from `dice`; returns how many rows it is. CompVis:
 * one of `concept`, a class picture up to their number, a photo above it. Else two, the photo `index` and the class
 * picture `index`, counted around; one without class pictures. */
int ss_dataset_item(ss_row rows[2], const ss_dataset *d, const ss_dice *dice, int concept, int64_t index);
int64_t ss_dataset_items(const ss_dataset *d, int concept); /* how many there are before it starts over */

/* x [S, S, 3] interleaved in -1..1 (what ss_encode_pixels takes), mask [S/8, S/8] with at least one cell above 0. */
ss_status ss_dataset_render(float *x, float *mask, ss_dataset *d, ss_ctx *cx, const ss_row *row);

/* Every caption that a row can have, prefixes included; to check them before hours of work. */
int ss_dataset_captions(const ss_dataset *d);
const char *ss_dataset_caption(const ss_dataset *d, int caption);

/* What was found, for the page, the log and the file's metadata. */
typedef struct ss_dataset_count {
    int concepts, photos, class_pictures, broken, twice;
} ss_dataset_count;
ss_dataset_count ss_dataset_counts(const ss_dataset *d);
const char *ss_dataset_path(const ss_dataset *d, int picture); /* pictures are numbered from 0 */

/* Whether a sample has become a copy of a photo of `concept`: *likeness to the nearest one (1: equal), *picture which
 * that is, and *copy whether it is above what the photos are to each other (copies.h). */
ss_status ss_dataset_copied(bool *copy, double *likeness, int *picture, const ss_dataset *d, ss_ctx *cx, int concept,
                            const ss_image *sample);

/* The photos of a concept are the pictures from *first on; how many. */
int ss_dataset_photos(const ss_dataset *d, int concept, int *first);

/* The photo or class picture as it was read; freed with ss_image_free. */
ss_status ss_dataset_image(ss_image *out, ss_dataset *d, ss_ctx *cx, int picture);

/* The data set as JSON (concepts, captions, files with the SHA-256 of their pixels, what rows depend on); the caller
 * gives *out back with json_decref. */
ss_status ss_dataset_describe(json_t **out, const ss_dataset *d, ss_ctx *cx);

/* On resume: what is no longer as `before` (from ss_dataset_describe) has it, as one sentence that names the files;
 * *sentence is NULL if nothing differs, else freed with free(). */
ss_status ss_dataset_changed(char **sentence, const ss_dataset *d, ss_ctx *cx, const json_t *before);

#endif
