/* Operations, their calls, and the tape that remembers a forward pass for the backward one.
 *
 * ss_apply makes an operation's output, runs its kernel on the context's device, and, while the tape records and
 * something upstream trains, remembers the call. ss_backward walks the tape from its end. Of the numbers that a pass
 * made, a closing scope lets go of those that no remembered call will read again.
 */
#ifndef SS_CALL_H
#define SS_CALL_H

#include "tensor/tensor.h"

enum { SS_INPUTS = 4 };

typedef struct ss_shape {
    ss_dtype dtype;
    int rank;
    int64_t at[SS_RANK];
} ss_shape;

/* One call of an operation, forward or backward. Inputs that an operation can do without are NULL where absent.
 * Backward ADDS into dx[i], float32 in the order of x[i], since a tensor may feed several places; a NULL dx[i] was not
 * asked for. dy is never NULL in backward. */
typedef struct ss_call {
    ss_ctx *cx;
    const struct ss_op *op;
    const void *attr;
    ss_tensor *x[SS_INPUTS];
    ss_tensor *y;
    float *dx[SS_INPUTS];
    const float *dy;
} ss_call;

typedef ss_status (*ss_kernel)(const ss_call *k);

typedef struct ss_op {
    const char *name;
    int inputs;           /* most inputs it takes */
    unsigned optional;    /* bit i: input i may be absent */
    unsigned rereads;     /* bit i: backward reads the numbers of input i again, */
    unsigned for_weights; /* only where the weights, input 1, train */
    unsigned passes;      /* bit i: dx[i] += dy and nothing else, where input i has as many numbers as y */
    size_t attr_size;     /* attributes are copied when the tape remembers a call */

    /* The output's shape and type from the inputs and attributes (y comes in as a copy of input 0's, if there is one).
     * Disagreements fail with SS_ERR_SHAPE. */
    ss_status (*shape)(const ss_call *k, ss_shape *y);

    /* The output is a view of input 0: no memory, no kernel forward. */
    bool view;

    struct {
        ss_kernel forward, backward;
    } on[SS_DEVICES];

    /* Floating-point operations of one forward call and the bytes it has to move, for the bench table. NULL: bytes of
     * all inputs and the output, no arithmetic. */
    void (*cost)(const ss_call *k, double *flop, double *bytes);
} ss_op;

/* x has op->inputs entries. Returns NULL quietly once the context has failed. */
ss_tensor *ss_apply(ss_ctx *cx, const ss_op *op, const void *attr, ss_tensor *const *x);

ss_status ss_shape_same(const ss_call *k, ss_shape *y); /* as input 0 */

/* Weights in float32 and the checkpoint's order, or an ordinary tensor's numbers: for kernels that need no packing. */
static inline const float *ss_weights_f32(const ss_call *k, int i) {
    return k->x[i]->param ? ss_param_f32(k->cx, k->x[i]->param) : k->x[i]->data;
}

/* ---- the tape */

typedef struct ss_tape ss_tape;

/* While a context has a tape, the numbers of its tensors lie in blocks of the tape's own, since what one scope lets go
 * of is what the next ones use. */
ss_tape *ss_tape_new(ss_ctx *cx);
void ss_tape_free(ss_tape *t);
void ss_tape_clear(ss_tape *t); /* forgets calls and numbers; keeps the memory for the next pass */

/* From the next scope on: innermost scopes keep nothing but their result and are computed once more when backward gets
 * to them. More time for a fraction of the memory. */
void ss_tape_recompute(ss_tape *t, bool recompute);

/* Packed for backward, a network's weights are as large again as packed for forward. Those up to `bytes` stay from pass
 * to pass (all of them, unless told), the others are packed anew each time. Before the first pass. */
void ss_tape_pack_at_most(ss_tape *t, size_t bytes);
bool ss_tape_packs(ss_tape *t, size_t bytes); /* whether so many more may stay, which then count */

size_t ss_tape_peak(const ss_tape *t); /* most bytes of numbers and gradients at once */

/* d(loss)/dy into every tensor's grad that the caller made and every trained parameter's grad (added). cx->tape has
 * recorded y. Gradients of tensors in between are gone afterwards. */
ss_status ss_backward(ss_ctx *cx, ss_tensor *y, const float *dy);

/* ---- between the files of this folder */

ss_status ss_tape_remember(ss_ctx *cx, const ss_call *k, bool wants_grad);
bool ss_tape_wants_all(const ss_tape *t); /* calls that need no gradient, too */
void *ss_tape_take(ss_ctx *cx, size_t bytes);
ss_scope ss_tape_open(ss_ctx *cx, ss_mark m);
void ss_tape_close(ss_ctx *cx, ss_scope s, const ss_tensor *result);
double ss_now(void);
ss_status ss_profile_call(const ss_call *k, double seconds, bool back);

/* ---- the profile: time, arithmetic and traffic of every class of call */

typedef struct ss_profile_row {
    const char *name; /* the operation's */
    char detail[48];  /* shapes that are worth telling apart */
    bool back;        /* the backward kernel */
    int calls;
    double seconds, flop, bytes;
} ss_profile_row;

typedef struct ss_profile {
    ss_profile_row *row;
    int count, capacity;
} ss_profile;

void ss_profile_free(ss_profile *p);

#endif
