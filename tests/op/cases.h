/* A row of the table of operations under test; see cases.c for the rows and test_ops.c for what is done with them. */
#ifndef SS_TEST_OP_CASES_H
#define SS_TEST_OP_CASES_H

#include "op/ops.h"

typedef struct op_case {
    const ss_op *op;
    int64_t shape[SS_INPUTS][SS_RANK]; /* a zero ends a shape; no shape at all: the input is absent */
    const void *attr;
    float reach; /* inputs lie in -reach .. reach; 0: 1 */
    /* Makes the plan of a row of attention, in the arena. */
    ss_attn_plan *(*plan)(ss_ctx *cx, const struct op_case *row);
    const char *what; /* what the row is there for, where the shapes do not tell */
} op_case;

extern const op_case op_cases[];
extern const int op_cases_count;

/* Numbers in -1 .. 1, the same on every machine. */
float test_number(uint64_t *state);

#endif
