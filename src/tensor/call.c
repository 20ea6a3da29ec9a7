/* ss_apply and the profile. */
#include "tensor/call.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

ss_status ss_shape_same(const ss_call *k, ss_shape *y) {
    (void)k, (void)y;
    return SS_OK;
}

double ss_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t bytes_of(const ss_tensor *x) {
    return x ? (size_t)ss_count(x) * ss_dtype_size(x->param ? x->param->dtype : x->dtype) : 0;
}

/* Adds one call to the row of its operation and shapes. */
ss_status ss_profile_call(const ss_call *k, double seconds, bool back) {
    ss_profile *p = k->cx->device->profile;
    char detail[sizeof p->row->detail], text[64];
    const ss_tensor *shown = k->x[0] ? k->x[0] : k->y;
    int n = snprintf(detail, sizeof detail, "%s", ss_shape_text(text, shown->rank, shown->shape));
    if (k->x[1] && k->x[1]->rank > 1)
        snprintf(detail + n, sizeof detail - (size_t)n, " %s", ss_shape_text(text, k->x[1]->rank, k->x[1]->shape));
    double flop = 0, bytes = (double)bytes_of(k->y);
    for (int i = 0; i < k->op->inputs; i++) bytes += (double)bytes_of(k->x[i]);
    if (k->op->cost) k->op->cost(k, &flop, &bytes);
    /* Each gradient of a product costs as much as the product. */
    if (back) flop *= (k->dx[0] != NULL) + (k->dx[1] != NULL);

    int i = 0;
    while (i < p->count &&
           (p->row[i].back != back || strcmp(p->row[i].name, k->op->name) || strcmp(p->row[i].detail, detail)))
        i++;
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
        row->back = back;
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
    double start = d->profile ? ss_now() : 0;
    ss_status st = forward(k);
    if (!st && d->profile) st = ss_profile_call(k, ss_now() - start, false);
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
    k.y->wants_grad = cx->tape && wants_grad;
    if (cx->tape && (wants_grad || ss_tape_wants_all(cx->tape)) && ss_tape_remember(cx, &k, wants_grad)) return NULL;
    return k.y;
}
