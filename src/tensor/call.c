/* ss_apply, the tape and the profile. */
#include "tensor/call.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct node {
    ss_call call;
    void *attr; /* owned copy */
} node;

struct ss_tape {
    node *node;
    size_t count, capacity;
};

ss_tape *ss_tape_new(ss_ctx *cx) { return ss_alloc(cx, 1, sizeof(ss_tape)); }

void ss_tape_clear(ss_tape *t) {
    for (size_t i = 0; i < t->count; i++) free(t->node[i].attr);
    t->count = 0;
}

void ss_tape_free(ss_tape *t) {
    if (!t) return;
    ss_tape_clear(t);
    free(t->node);
    free(t);
}

static ss_status remember(ss_ctx *cx, const ss_call *k) {
    ss_tape *t = cx->tape;
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 256;
        ss_status st = ss_grow(cx, &t->node, t->capacity, capacity, sizeof *t->node);
        if (st) return st;
        t->capacity = capacity;
    }
    node *n = &t->node[t->count];
    *n = (node){.call = *k};
    if (k->op->attr_size) {
        n->attr = ss_alloc(cx, 1, k->op->attr_size);
        if (!n->attr) return SS_ERR_NOMEM;
        n->call.attr = memcpy(n->attr, k->attr, k->op->attr_size);
    }
    t->count++;
    return SS_OK;
}

ss_status ss_shape_same(const ss_call *k, ss_shape *y) {
    (void)k, (void)y;
    return SS_OK;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t bytes_of(const ss_tensor *x) {
    return x ? (size_t)ss_count(x) * ss_dtype_size(x->param ? x->param->dtype : x->dtype) : 0;
}

/* Adds one call to the row of its operation and shapes. */
static ss_status profile(const ss_call *k, double seconds) {
    ss_profile *p = k->cx->device->profile;
    char detail[sizeof p->row->detail], text[64];
    const ss_tensor *shown = k->x[0] ? k->x[0] : k->y;
    int n = snprintf(detail, sizeof detail, "%s", ss_shape_text(text, shown->rank, shown->shape));
    if (k->x[1] && k->x[1]->rank > 1)
        snprintf(detail + n, sizeof detail - (size_t)n, " %s", ss_shape_text(text, k->x[1]->rank, k->x[1]->shape));
    double flop = 0, bytes = (double)bytes_of(k->y);
    for (int i = 0; i < k->op->inputs; i++) bytes += (double)bytes_of(k->x[i]);
    if (k->op->cost) k->op->cost(k, &flop, &bytes);

    int i = 0;
    while (i < p->count && (strcmp(p->row[i].name, k->op->name) || strcmp(p->row[i].detail, detail))) i++;
    if (i == p->capacity) {
        int capacity = p->capacity ? 2 * p->capacity : 64;
        ss_status st = ss_grow(k->cx, &p->row, (size_t)p->capacity, (size_t)capacity, sizeof *p->row);
        if (st) return st;
        p->capacity = capacity;
    }
    ss_profile_row *row = &p->row[i];
    if (i == p->count) {
        p->count++;
        row->name = k->op->name;
        memcpy(row->detail, detail, sizeof detail);
    }
    row->calls++;
    row->seconds += seconds;
    row->flop += flop;
    row->bytes += bytes;
    return SS_OK;
}

void ss_profile_free(ss_profile *p) {
    if (!p) return;
    free(p->row);
    free(p);
}

static ss_status run(const ss_call *k) {
    const ss_device *d = k->cx->device;
    if (d->kind == SS_SHAPE || k->op->view) return SS_OK;
    ss_kernel forward = k->op->on[d->kind].forward;
    if (!forward) return ss_fail(k->cx, SS_ERR_DEVICE, "%s: this device has no kernel for it", k->op->name);
    double start = d->profile ? now() : 0;
    ss_status st = forward(k);
    if (!st && d->profile) st = profile(k, now() - start);
    return st;
}

ss_tensor *ss_apply(ss_ctx *cx, const ss_op *op, const void *attr, ss_tensor *const *x) {
    if (cx->status) return NULL;
    ss_call k = {.cx = cx, .op = op, .attr = attr};
    bool wants_grad = false;
    for (int i = 0; i < op->inputs; i++) {
        assert(x[i] || (op->optional >> i & 1));
        k.x[i] = x[i];
        wants_grad = wants_grad || (x[i] && x[i]->wants_grad);
    }
    ss_shape shape = {.dtype = cx->device->numbers};
    if (k.x[0]) {
        shape.dtype = k.x[0]->dtype;
        shape.rank = k.x[0]->rank;
        memcpy(shape.at, k.x[0]->shape, sizeof shape.at);
    }
    if (op->shape(&k, &shape)) return NULL;

    if (op->view) {
        k.y = ss_tensor_wrap(cx, k.x[0]->data, shape.rank, shape.at);
        if (k.y) k.y->dtype = shape.dtype;
    } else {
        k.y = ss_tensor_new(cx, shape.dtype, shape.rank, shape.at);
    }
    if (!k.y || run(&k)) return NULL;
    if (cx->tape && wants_grad) {
        k.y->wants_grad = true;
        if (remember(cx, &k)) return NULL;
    }
    return k.y;
}

/* The place where a tensor's gradient is summed: the arena's, or the parameter's own. NULL if nobody asked for it. */
static float *gradient(ss_ctx *cx, ss_tensor *x) {
    if (!x || !x->wants_grad) return NULL;
    size_t n = (size_t)ss_count(x);
    if (x->param) {
        if (!x->param->grad) x->param->grad = ss_alloc(cx, n, sizeof(float));
        return x->grad = x->param->grad;
    }
    if (!x->grad) {
        x->grad = ss_arena_take(cx, n * sizeof(float));
        if (x->grad) memset(x->grad, 0, n * sizeof(float));
    }
    return x->grad;
}

ss_status ss_backward(ss_ctx *cx, ss_tensor *y, const float *dy) {
    float *seed = gradient(cx, y);
    if (cx->status) return cx->status;
    assert(seed && "y was recorded and depends on something that trains");
    for (int64_t i = 0, n = ss_count(y); i < n; i++) seed[i] += dy[i];

    for (size_t i = cx->tape->count; i-- > 0;) {
        ss_call k = cx->tape->node[i].call;
        if (!k.y->grad) continue;
        ss_kernel backward = k.op->on[cx->device->kind].backward;
        if (!backward) return ss_fail(cx, SS_ERR_DEVICE, "%s: this device has no backward kernel for it", k.op->name);
        k.dy = k.y->grad;
        for (int j = 0; j < k.op->inputs; j++) k.dx[j] = gradient(cx, k.x[j]);
        ss_status st = cx->status ? cx->status : backward(&k);
        if (st) return st;
    }
    return SS_OK;
}
