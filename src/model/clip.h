/* CLIP's two encoders: of texts, as SD 1.x (CLIP-L) and SD 2.x (OpenCLIP-H) use it, and of pictures. */
#ifndef SS_CLIP_H
#define SS_CLIP_H

#include "model/layers.h"

/* A parameter that no checkpoint has: the rows [tokens, d] of tokens that were added to the vocabulary. */
#define SS_ADDED_TOKENS "text_model.embeddings.token_embedding.added"

typedef struct ss_clip_text {
    ss_params params;
    int layers, heads;
    bool quick_gelu;     /* SD 1.x; SD 2.x has the exact one */
    int32_t first_added; /* ids from here on are rows of SS_ADDED_TOKENS; 0: no token was added */
} ss_clip_text;

/* Hidden states [n, 77, d] float32 of ids[n, 77] after all but the last `skip` layers, through the final norm.
 * Position i sees 0 .. i; padding is seen like any other token. */
ss_tensor *ss_clip_text_run(ss_ctx *cx, const ss_clip_text *net, const int32_t *ids, int64_t n, int skip);

/* The text's place in the space that it shares with pictures, [1, e], of ids[77] whose first end mark is at `end`. */
ss_tensor *ss_clip_text_project(ss_ctx *cx, const ss_clip_text *net, const int32_t *ids, int end);

typedef struct ss_clip_vision {
    const ss_params *params; /* the text encoder's: one checkpoint holds both */
    int layers, heads;
    bool quick_gelu;
} ss_clip_vision;

/* The picture's place in that space, [1, e], of x [1, 3, s, s] as the preprocessor leaves it. */
ss_tensor *ss_clip_vision_project(ss_ctx *cx, const ss_clip_vision *net, ss_tensor *x);

#endif
