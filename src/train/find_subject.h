/* Where the subject of a photo is, by the model's own cross-attention: which places listen to its word.
 *
 * The photo is noised to a few levels and seen once at each with a text that names the subject. The maps of its tokens
 * at about 16 x 16 places are averaged and split by Otsu's threshold (the one that leaves least variance on either
 * side).
 */
#ifndef SS_FIND_SUBJECT_H
#define SS_FIND_SUBJECT_H

#include "model/model.h"

/* Fills mask[photo->w * photo->h] with 0 or 1. `text` holds `word`: "photo of a dog", "dog". Where the map tells
 * nothing apart (less than a fiftieth or more than 19 of 20 would be subject) the mask is 1 everywhere. */
ss_status ss_find_subject(float *mask, ss_ctx *cx, ss_model *m, const ss_image *photo, const char *text,
                          const char *word);

/* The threshold of n values in 0..1, by their histogram of 256. */
float ss_otsu(const float *x, int64_t n);

#endif
