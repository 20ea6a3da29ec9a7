/* Between the steps of a picture the deep part of the UNet may stand still. */
#ifndef SS_DEEP_H
#define SS_DEEP_H

#include "tensor/tensor.h"

/* What the deep part of a pass gave, kept for the next ones: neighbouring steps differ least where the picture is
 * smallest (DeepCache, Ma et al., CVPR 2024). A whole pass comes every `every` calls and wherever the kept features do
 * not fit; in between only the outermost blocks run. Zero to begin with; ss_deep_clear frees what it holds. */
typedef struct ss_deep {
    int every, call; /* `call` is the caller's to count */
    int kept_at;     /* the call of the last whole pass */
    ss_tensor kept;  /* its numbers are the struct's own; NULL: none yet */
} ss_deep;
void ss_deep_clear(ss_deep *d);

/* True if a pass over n latents of h x w can do with what was kept; `d` may be NULL. */
bool ss_deep_fits(const ss_deep *d, int64_t n, int64_t h, int64_t w);

/* Where the deep part ends: x, its result, is kept; in a shallow pass what was kept takes its place. */
ss_tensor *ss_deep_part(ss_ctx *cx, ss_deep *d, bool shallow, ss_tensor *x);

#endif
