/* A whole CLIP for scores: both encoders, their projections, its tokenizer, and how pictures come in. From a folder as
 * transformers writes it: config.json, preprocessor_config.json, model.safetensors.
 *
 * Every tensor of the checkpoint is accounted for when it is opened. Computed in float32 whatever the device's numbers
 * are: a score in bfloat16 would be off by what methods differ in.
 */
#ifndef SS_CLIP_MODEL_H
#define SS_CLIP_MODEL_H

#include "io/tokenizer.h"
#include "io/weights.h"
#include "model/clip.h"

typedef struct ss_clip {
    ss_clip_text text; /* its params are those of the whole checkpoint */
    ss_clip_vision vision;
    ss_tokenizer *tokenizer;
    ss_weights *file;
    int64_t width;  /* of the space that texts and pictures share */
    int side, crop; /* pixels: the shorter side, and the square cut from the middle */
    float mean[3], std[3];
} ss_clip;

/* The folder's own vocabulary, or that of `tokenizer/` beside it, or CLIP's own. */
ss_status ss_clip_open(ss_clip **out, ss_ctx *cx, const char *folder);
void ss_clip_free(ss_clip *c);

/* Drops what was packed for computing: between scores others need the memory. */
void ss_clip_rest(ss_clip *c);

/* feature[width], as long as it comes. The picture may have any size. A text's part that does not fit is left out. */
ss_status ss_clip_image_feature(float *feature, ss_ctx *cx, ss_clip *c, const ss_image *im);
ss_status ss_clip_text_feature(float *feature, ss_ctx *cx, ss_clip *c, const char *text);

/* As transformers' image processor cuts it: the shorter side to `side` by Pillow's bicubic filter, the longer one in
 * proportion and rounded down, then `crop` x `crop` from the middle, the odd pixel right and below. */
ss_status ss_clip_crop(ss_image *out, ss_ctx *cx, const ss_image *im, int side, int crop);

double ss_cosine(const float *a, const float *b, int64_t n); /* 0 where one of them is */

#endif
