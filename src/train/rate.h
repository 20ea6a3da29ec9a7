/* The learning rate over the steps: a warm-up that rises from 0 in a line, then constant, linear down to 0, or half a
 * cosine down to 0, as diffusers' schedules of these names.
 */
#ifndef SS_RATE_H
#define SS_RATE_H

#include "base/base.h"

typedef enum ss_rate_kind { SS_RATE_CONSTANT, SS_RATE_LINEAR, SS_RATE_COSINE } ss_rate_kind;

typedef struct ss_rate {
    ss_rate_kind kind;
    double rate; /* at its highest */
    int64_t warmup, steps;
} ss_rate;

/* NULL: constant. SS_ERR_ARG with the nearest name for one that there is not. */
ss_status ss_rate_find(ss_rate_kind *out, ss_ctx *cx, const char *name);
const char *ss_rate_name(ss_rate_kind kind);

double ss_rate_at(const ss_rate *r, int64_t step); /* step counts from 0 */

#endif
