/* Parameters by name. */
#include "model/params.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ss_status ss_params_add(ss_params *p, ss_ctx *cx, const char *name, ss_dtype dtype, int rank, const int64_t *shape,
                        const void *stored) {
    char text[64];
    if (rank > SS_RANK)
        return ss_fail(cx, SS_ERR_MODEL, "%s: %s is %s; no parameter of this network has more than 4 dimensions",
                       p->part, name, ss_shape_text(text, rank < 8 ? rank : 8, shape));
    for (int i = 0; i < rank; i++)
        if (shape[i] < 1)
            return ss_fail(cx, SS_ERR_MODEL, "%s: %s is %s: it holds no numbers", p->part, name,
                           ss_shape_text(text, rank, shape));
    if (p->count == p->capacity) {
        int64_t capacity = p->capacity ? 2 * p->capacity : 256;
        ss_status st = ss_grow(cx, &p->at, (size_t)p->capacity, (size_t)capacity, sizeof *p->at);
        if (!st) st = ss_grow(cx, &p->names, (size_t)p->capacity, (size_t)capacity, sizeof *p->names);
        if (st) return st;
        p->capacity = capacity;
    }
    char *copy = ss_strdup(cx, name);
    if (!copy) return SS_ERR_NOMEM;
    p->names[p->count] = copy;
    ss_param *a = &p->at[p->count++];
    *a = (ss_param){.name = copy, .dtype = dtype, .rank = rank, .stored = stored};
    memcpy(a->shape, shape, (size_t)rank * sizeof *shape);
    return SS_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const ss_param *)a)->name, ((const ss_param *)b)->name);
}

ss_status ss_params_sort(ss_params *p, ss_ctx *cx) {
    if (p->count) qsort(p->at, (size_t)p->count, sizeof *p->at, by_name);
    for (int64_t i = 1; i < p->count; i++)
        if (!strcmp(p->at[i - 1].name, p->at[i].name))
            return ss_fail(cx, SS_ERR_MODEL, "%s: %s is there twice, under two names of the file", p->part,
                           p->at[i].name);
    return SS_OK;
}

ss_param *ss_params_find(const ss_params *p, const char *name) {
    if (!p->count) return NULL;
    return bsearch(&(ss_param){.name = name}, p->at, (size_t)p->count, sizeof *p->at, by_name);
}

void ss_params_remove(ss_params *p, const char *prefix) {
    size_t n = strlen(prefix);
    int64_t kept = 0, named = 0;
    for (int64_t i = 0; i < p->count; i++)
        if (!strncmp(p->at[i].name, prefix, n))
            ss_param_clear(&p->at[i]);
        else
            p->at[kept++] = p->at[i];
    for (int64_t i = 0; i < p->count; i++)
        if (!strncmp(p->names[i], prefix, n))
            free(p->names[i]);
        else
            p->names[named++] = p->names[i];
    p->count = kept;
}

void ss_params_clear(ss_params *p) {
    for (int64_t i = 0; i < p->count; i++) {
        ss_param_clear(&p->at[i]);
        free(p->names[i]);
    }
    free(p->at);
    free(p->names);
    *p = (ss_params){.part = p->part};
}

void ss_leave(ss_leftover *l, const char *name, int rank, const int64_t *shape) {
    char shape_text[64];
    size_t n = strlen(l->text);
    if (l->count++ < 4)
        snprintf(l->text + n, sizeof l->text - n, "%s%.90s %s", n ? ", " : "", name,
                 ss_shape_text(shape_text, rank > 8 ? 8 : rank, shape));
}

/* A NaN spreads over the whole picture; better to name the tensor that it came from. */
static ss_status check_numbers(const ss_params *p, ss_ctx *cx) {
    int64_t bad = p->count;
#pragma omp parallel for schedule(dynamic, 1) reduction(min : bad) num_threads(cx->threads)
    for (int64_t i = 0; i < p->count; i++) {
        const ss_param *a = &p->at[i];
        size_t n = 1;
        for (int d = 0; d < a->rank; d++) n *= (size_t)a->shape[d];
        if (ss_any_nonfinite(a->stored, a->dtype, n) && i < bad) bad = i;
    }
    if (bad == p->count) return SS_OK;
    return ss_fail(cx, SS_ERR_MODEL, "%s: %s holds NaN or infinite numbers: the checkpoint is damaged", p->part,
                   p->at[bad].name);
}

ss_status ss_params_account(const ss_params *p, ss_ctx *cx) {
    ss_leftover l = {0};
    for (int64_t i = 0; i < p->count; i++)
        if (!p->at[i].reads) ss_leave(&l, p->at[i].name, p->at[i].rank, p->at[i].shape);
    if (l.count)
        return ss_fail(cx, SS_ERR_MODEL, "%s: %lld tensors are left over: %s", p->part, (long long)l.count, l.text);
    return check_numbers(p, cx);
}

void ss_params_unpack(ss_params *p) {
    for (int64_t i = 0; i < p->count; i++) ss_param_drop_packed(&p->at[i]);
}

int64_t ss_params_train(ss_params *p, const char *pattern) {
    int64_t n = 0;
    for (int64_t i = 0; i < p->count; i++)
        if (!fnmatch(pattern, p->at[i].name, 0)) p->at[i].trained = true, n++;
    return n;
}

ss_at ss_root(ss_params *p) { return (ss_at){.in = p}; }

ss_at ss_sub(ss_at at, const char *format, ...) {
    size_t n = strlen(at.path);
    if (n && n + 1 < sizeof at.path) at.path[n++] = '.', at.path[n] = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(at.path + n, sizeof at.path - n, format, args);
    va_end(args);
    return at;
}

ss_tensor *ss_param_tensor(ss_ctx *cx, ss_at at, const char *name) {
    if (cx->status) return NULL;
    ss_at place = ss_sub(at, "%s", name);
    ss_param *p = ss_params_find(at.in, place.path);
    if (!p) {
        ss_fail(cx, SS_ERR_MODEL, "%s: the checkpoint has no %s", at.in->part, place.path);
        return NULL;
    }
    p->reads++;
    bool plain = cx->device->kind == SS_REF || p->rank < 2 || p->trained;
    const float *data = plain && cx->device->kind != SS_SHAPE ? ss_param_f32(cx, p) : NULL;
    if (cx->status) return NULL;
    ss_tensor *w = ss_tensor_wrap(cx, (float *)data, p->rank, p->shape);
    if (!w) return NULL;
    w->param = p;
    w->wants_grad = p->trained;
    return w;
}
