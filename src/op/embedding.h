/* Where a row of an embedding comes from, for its kernels. */
#ifndef SS_EMBEDDING_H
#define SS_EMBEDDING_H

#include "op/ops.h"

typedef struct ss_row {
    int of;     /* 0: the table, 1: the rows added to it */
    int64_t at; /* in that one */
} ss_row;

static inline ss_row ss_embedding_row(const ss_call *k, int64_t i) {
    const ss_embedding_attr *a = k->attr;
    bool added = k->x[1] && a->ids[i] >= a->first;
    return (ss_row){added, a->ids[i] - (added ? a->first : 0)};
}

#endif
