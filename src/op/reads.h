/* What all kernels of attention share: going through a plan read by read, and through a read's keys. */
#ifndef SS_READS_H
#define SS_READS_H

#include "op/ops.h"

/* Read `number` of an image: the plan's, or without a plan itself and no more. joined is 0 past the last one. */
static inline ss_attn_read ss_read_of(const ss_call *k, int64_t image, int number) {
    const ss_attention_attr *a = k->attr;
    if (number >= SS_READS) return (ss_attn_read){0};
    if (a->plan) return a->plan->read[image][number];
    return (ss_attn_read){.joined = number == 0, .from = {(int)image}};
}

/* The keys that joined image j of a read brings. */
static inline int64_t ss_read_len(const ss_call *k, const ss_attn_read *r, int j) {
    return r->kept[j] ? r->kept[j]->len : k->x[1]->shape[1];
}

static inline int64_t ss_read_keys(const ss_call *k, const ss_attn_read *r) {
    int64_t n = 0;
    for (int j = 0; j < r->joined; j++) n += ss_read_len(k, r, j);
    return n;
}

/* The keys of a call's longest read. */
static inline int64_t ss_most_keys(const ss_call *k) {
    int64_t most = 0;
    for (int64_t i = 0; i < k->x[0]->shape[0]; i++)
        for (int n = 0; ss_read_of(k, i, n).joined; n++) {
            ss_attn_read r = ss_read_of(k, i, n);
            int64_t keys = ss_read_keys(k, &r);
            if (keys > most) most = keys;
        }
    return most;
}

#endif
