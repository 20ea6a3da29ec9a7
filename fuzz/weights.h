/* What is true of every weight file that was read. */
#include "io/weights.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth) {
    if (!truth) abort();
}

static void check_tensor(const ss_weights *w, const ss_stored *t) {
    size_t elements = 1;
    for (int i = 0; i < t->rank; i++) demand(t->shape[i] >= 0 && ss_mul(elements, (size_t)t->shape[i], &elements));
    if (t->dtype != SS_OTHER_TYPE) demand(t->bytes == elements * ss_dtype_size(t->dtype));
    demand(t->data && ss_weights_find(w, t->name) == t);
    const volatile unsigned char *bytes = t->data;
    if (t->bytes) (void)bytes[0], (void)bytes[t->bytes - 1];
}

static int read_weights(const char *name, const uint8_t *data, size_t size) {
    ss_ctx cx = {.fail_allocation = -1};
    ss_weights *w = NULL;
    if (ss_weights_parse(&w, &cx, name, data, size)) {
        demand(cx.status && cx.error[0] && !w);
        return 0;
    }
    for (int64_t i = 0; i < w->count; i++) check_tensor(w, &w->at[i]);
    for (int64_t i = 0; i < w->metadata_count; i++) {
        demand(ss_weights_metadata(w, w->metadata[i].key) == w->metadata[i].value);
    }
    ss_weights_close(w);
    return 0;
}
