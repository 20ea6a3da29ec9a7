/* Whether two pictures show the same: for photos that are there twice in other sizes, and for samples that have become
 * copies of a photo. Knows nothing of networks.
 *
 * The measure is the normalised correlation of the pictures' centre squares, shrunk to 32 x 32 and freed of each
 * channel's mean; the better one of upright and mirrored. The same scene drawn anew stays well below 1, a copy with
 * other compression or sharpness hardly does.
 */
#ifndef SS_COPIES_H
#define SS_COPIES_H

#include "base/base.h"

enum { SS_THUMB = 32 };

typedef struct ss_thumb {
    float x[3 * SS_THUMB * SS_THUMB]; /* of length 1, or 0 for a picture of one colour */
} ss_thumb;

ss_status ss_thumb_make(ss_thumb *out, ss_ctx *cx, const ss_image *im);
double ss_thumb_likeness(const ss_thumb *a, const ss_thumb *b); /* -1..1 */

/* From here on two photos are one and the same picture, saved twice. */
#define SS_SAME_PHOTO 0.985

/* A sample is a copy when it is liker to a photo than any two photos are to each other, and at least 0.9. Pairs that
 * are the same photo do not count. */
double ss_copy_threshold(const ss_thumb *photos, int count);

#endif
