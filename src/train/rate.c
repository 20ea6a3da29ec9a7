/* Learning rates by name and step. */
#include "train/rate.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"constant", "linear", "cosine"};

ss_status ss_rate_find(ss_rate_kind *out, ss_ctx *cx, const char *name) {
    *out = SS_RATE_CONSTANT;
    if (!name) return SS_OK;
    for (int i = 0; i < SS_COUNT_OF(names); i++)
        if (!strcmp(name, names[i])) {
            *out = (ss_rate_kind)i;
            return SS_OK;
        }
    const char *near = ss_nearest(name, names, SS_COUNT_OF(names));
    return ss_fail(cx, SS_ERR_ARG,
                   "a learning rate that goes \"%s\" is not known: choose constant, linear or cosine%s%s", name,
                   near ? ". Nearest: " : "", near ? near : "");
}

const char *ss_rate_name(ss_rate_kind kind) { return names[kind]; }

double ss_rate_at(const ss_rate *r, int64_t step) {
    if (step < r->warmup) return r->rate * (double)step / (double)r->warmup;
    int64_t left = r->steps - r->warmup;
    double gone = left > 0 ? fmin((double)(step - r->warmup) / (double)left, 1) : 0;
    if (r->kind == SS_RATE_LINEAR) return r->rate * (1 - gone);
    if (r->kind == SS_RATE_COSINE) return r->rate * 0.5 * (1 + cos(gone * 3.14159265358979323846));
    return r->rate;
}
