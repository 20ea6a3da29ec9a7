/* Shapes, the arena's tensors, scopes, and parameters' float32 form. */
#define _GNU_SOURCE
#include "tensor/tensor.h"

#include "tensor/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int64_t ss_count(const ss_tensor *x) {
    int64_t n = 1;
    for (int i = 0; i < x->rank; i++) n *= x->shape[i];
    return n;
}

int64_t ss_channels(const ss_tensor *x) { return x->rank == 4 ? x->shape[1] : x->shape[x->rank - 1]; }
int64_t ss_rows(const ss_tensor *x) {
    int64_t c = ss_channels(x);
    return c ? ss_count(x) / c : 0;
}

bool ss_same_shape(const ss_tensor *a, const ss_tensor *b) {
    return a->rank == b->rank && !memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape);
}

const char *ss_shape_text(char text[64], int rank, const int64_t *shape) {
    int n = snprintf(text, 64, "[");
    for (int i = 0; i < rank && n < 60; i++)
        n += snprintf(text + n, (size_t)(64 - n), "%s%lld", i ? ", " : "", (long long)shape[i]);
    if (n > 62) n = 62;
    snprintf(text + n, (size_t)(64 - n), "]");
    return text;
}

static ss_tensor *header(ss_ctx *cx, ss_dtype dtype, int rank, const int64_t *shape) {
    ss_tensor *x = ss_arena_take(cx, sizeof *x);
    if (!x) return NULL;
    *x = (ss_tensor){.dtype = dtype, .rank = rank};
    memcpy(x->shape, shape, (size_t)rank * sizeof *shape);
    return x;
}

ss_tensor *ss_tensor_new(ss_ctx *cx, ss_dtype dtype, int rank, const int64_t *shape) {
    if (cx->status) return NULL;
    ss_tensor *x = header(cx, dtype, rank, shape);
    if (!x) return NULL;
    size_t bytes = (size_t)ss_count(x) * ss_dtype_size(dtype);
    x->bytes = cx->tape ? ss_tape_take(cx, bytes) : ss_arena_take_data(cx, bytes);
    return cx->status ? NULL : x;
}

ss_tensor *ss_tensor_wrap(ss_ctx *cx, float *data, int rank, const int64_t *shape) {
    if (cx->status) return NULL;
    ss_tensor *x = header(cx, SS_F32, rank, shape);
    if (x) x->data = data;
    return x;
}

/* y[s, p] = x[p, s] for p < planes, s < places. */
static void transpose(float *y, const float *x, int64_t planes, int64_t places) {
    for (int64_t p = 0; p < planes; p++)
        for (int64_t s = 0; s < places; s++) y[s * planes + p] = x[p * places + s];
}

ss_tensor *ss_tensor_from_planar(ss_ctx *cx, const float *planar, const int64_t shape[4]) {
    ss_tensor *x = ss_tensor_new(cx, SS_F32, 4, shape);
    if (!x || !x->data) return x;
    int64_t places = shape[2] * shape[3], image = shape[1] * places;
    for (int64_t n = 0; n < shape[0]; n++) transpose(x->data + n * image, planar + n * image, shape[1], places);
    return x;
}

void ss_tensor_to_planar(float *planar, const ss_tensor *x) {
    int64_t images = x->rank == 4 ? x->shape[0] : 1, planes = x->rank == 4 ? x->shape[1] : ss_count(x);
    int64_t places = x->rank == 4 ? x->shape[2] * x->shape[3] : 1;
    for (int64_t n = 0; n < images; n++)
        for (int64_t s = 0; s < places; s++)
            for (int64_t p = 0; p < planes; p++) {
                int64_t from = (n * places + s) * planes + p;
                planar[(n * planes + p) * places + s] =
                    x->dtype == SS_BF16 ? ss_bf16_to_float(x->half[from]) : x->data[from];
            }
}

ss_scope ss_scope_open(ss_ctx *cx) {
    ss_mark m = ss_arena_mark(cx->arena);
    return cx->tape ? ss_tape_open(cx, m) : (ss_scope){.mark = m};
}

ss_tensor *ss_scope_close(ss_ctx *cx, ss_scope s, ss_tensor *result) {
    if (!result) return NULL;
    if (cx->tape) {
        ss_tape_close(cx, s, result);
        return cx->status ? NULL : result;
    }
    ss_arena *a = cx->arena;
    ss_tensor kept = *result;
    char *from = a->base + s.mark.used, *data = result->bytes;
    bool made_here = (char *)result >= from;
    if (!made_here) {
        ss_arena_rewind(a, s.mark);
        return result;
    }
    bool data_here = a->counting ? !kept.param : data >= from && data < a->base + a->used;
    size_t bytes = (size_t)ss_count(&kept) * ss_dtype_size(kept.dtype);
    a->used = s.mark.used; /* not poisoned before the numbers have moved */
    a->counted = s.mark.counted;
    ss_tensor *y = ss_arena_take(cx, sizeof *y);
    void *to = y && data_here ? ss_arena_take_data(cx, bytes) : data;
    if (cx->status) return NULL;
    if (to && to != data) memmove(to, data, bytes);
    *y = kept;
    y->bytes = to;
    return y;
}

ss_tensor *ss_watched(ss_ctx *cx, const char *path, const char *suffix, ss_tensor *x) {
    if (!cx->watch || !x) return x;
    char name[256];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    cx->watch->see(cx->watch->user, name, x);
    return x;
}

const float *ss_param_f32(ss_ctx *cx, ss_param *p) {
    if (!p->data) {
        size_t n = 1;
        for (int i = 0; i < p->rank; i++) n *= (size_t)p->shape[i];
        p->data = ss_alloc(cx, n, sizeof *p->data);
        if (p->data) ss_to_f32(p->data, p->stored, p->dtype, n);
    }
    return p->data;
}

void ss_param_let_go(const ss_param *p) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = ss_dtype_size(p->dtype);
    for (int i = 0; i < p->rank; i++) bytes *= (size_t)p->shape[i];
    uintptr_t first = ((uintptr_t)p->stored + page - 1) / page * page,
              end = ((uintptr_t)p->stored + bytes) / page * page;
    if (p->mapped && end > first) madvise((void *)first, end - first, MADV_DONTNEED);
}

static void drop_side(ss_param *p, int side) {
    ss_packed *k = &p->packed[side];
    free(k->bytes);
    if (k->free_layout) k->free_layout(k->layout);
    *k = (ss_packed){0};
}

void ss_param_drop_packed(ss_param *p) {
    for (int i = 0; i < SS_PACKINGS; i++) drop_side(p, i);
}

void ss_param_clear(ss_param *p) {
    ss_param_drop_packed(p);
    free(p->data);
    free(p->grad);
    p->data = p->grad = NULL;
}
