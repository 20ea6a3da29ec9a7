/* The deep part of the UNet, kept from pass to pass. */
#include "model/deep.h"

#include <stdlib.h>
#include <string.h>

bool ss_deep_fits(const ss_deep *d, int64_t n, int64_t h, int64_t w) {
    if (!d || !d->kept.data || d->call % d->every == 0 || d->call - d->kept_at >= d->every) return false;
    return d->kept.shape[0] == n && d->kept.shape[2] == h && d->kept.shape[3] == w;
}

ss_tensor *ss_deep_part(ss_ctx *cx, ss_deep *d, bool shallow, ss_tensor *x) {
    ss_tensor *from = shallow ? &d->kept : x;
    if (!from || !from->data) return x;
    size_t bytes = (size_t)ss_count(from) * ss_dtype_size(from->dtype);
    if (shallow) {
        x = ss_tensor_new(cx, from->dtype, 4, from->shape);
        return x ? memcpy(x->bytes, from->bytes, bytes), x : NULL;
    }
    ss_deep_clear(d);
    void *copy = ss_alloc(cx, bytes, 1);
    if (!copy) return NULL;
    d->kept = *x;
    d->kept.bytes = memcpy(copy, x->bytes, bytes);
    d->kept_at = d->call;
    return x;
}

void ss_deep_clear(ss_deep *d) {
    free(d->kept.bytes);
    d->kept = (ss_tensor){0};
}
