/* Both of oneDNN's C interfaces behind device/dnnl.h. What differs between them comes first. */
#include "device/dnnl.h"

#include "device/device.h"

#include <assert.h>
#include <dnnl.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(ss_product) == 6 * sizeof(int32_t) + 16 * sizeof(int64_t), "a product is compared by its bytes");

/* ---- what differs: memory descriptors are structs in 2.x and handles in 3.x; primitives go through an operation
 * descriptor in 2.x; and blocks are fields in 2.x and queries in 3.x. */

#if DNNL_VERSION_MAJOR == 2

struct ss_layout {
    dnnl_memory_desc_t md;
};
typedef const dnnl_memory_desc_t *layout_ref;

static layout_ref ref(const ss_layout *l) { return l ? &l->md : NULL; }
static void drop(ss_layout *l) { (void)l; }

static dnnl_status_t copy(ss_layout *l, layout_ref from) {
    l->md = *from;
    return dnnl_success;
}

static dnnl_status_t strided(ss_layout *l, int rank, const dnnl_dim_t *dims, dnnl_data_type_t type,
                             const dnnl_dim_t *strides) {
    return dnnl_memory_desc_init_by_strides(&l->md, rank, dims, type, strides);
}

static dnnl_status_t free_order(ss_layout *l, int rank, const dnnl_dim_t *dims, dnnl_data_type_t type) {
    return dnnl_memory_desc_init_by_tag(&l->md, rank, dims, type, dnnl_format_tag_any);
}

static dnnl_status_t add_to_y(dnnl_post_ops_t ops) { return dnnl_post_ops_append_sum(ops, 1); }

typedef struct sides {
    dnnl_dims_t stride, before, after;
} sides;

/* `skip`: how many of the implementations that can do it are passed over, fastest first. */
static dnnl_status_t convolution(dnnl_primitive_desc_t *out, dnnl_engine_t engine, dnnl_prop_kind_t kind, layout_ref x,
                                 layout_ref w, layout_ref b, layout_ref y, const sides *s, dnnl_primitive_attr_t attr,
                                 int skip) {
    dnnl_convolution_desc_t d;
    dnnl_primitive_desc_iterator_t at = NULL;
    dnnl_status_t st = dnnl_convolution_forward_desc_init(&d, kind, dnnl_convolution_direct, x, w, b, y, s->stride,
                                                          s->before, s->after);
    if (!st) st = dnnl_primitive_desc_iterator_create(&at, &d, attr, engine, NULL);
    for (; !st && skip > 0; skip--) st = dnnl_primitive_desc_iterator_next(at);
    if (!st && !(*out = dnnl_primitive_desc_iterator_fetch(at))) st = dnnl_out_of_memory;
    if (at) dnnl_primitive_desc_iterator_destroy(at);
    return st;
}

static dnnl_status_t convolution_dw(dnnl_primitive_desc_t *out, dnnl_engine_t engine, layout_ref x, layout_ref dw,
                                    layout_ref dy, const sides *s, dnnl_primitive_desc_t forward,
                                    dnnl_primitive_attr_t attr) {
    dnnl_convolution_desc_t d;
    dnnl_status_t st = dnnl_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, x, dw, NULL, dy,
                                                                   s->stride, s->before, s->after);
    return st ? st : dnnl_primitive_desc_create(out, &d, attr, engine, forward);
}

static dnnl_status_t matmul(dnnl_primitive_desc_t *out, dnnl_engine_t engine, layout_ref x, layout_ref w, layout_ref b,
                            layout_ref y, dnnl_primitive_attr_t attr) {
    dnnl_matmul_desc_t d;
    dnnl_status_t st = dnnl_matmul_desc_init(&d, x, w, b, y);
    return st ? st : dnnl_primitive_desc_create(out, &d, attr, engine, NULL);
}

static bool in_blocks(layout_ref md) { return md->format_kind == dnnl_blocked; }
static dnnl_dim_t dim_of(layout_ref md, int dim) { return md->dims[dim]; }
static dnnl_dim_t stride_of(layout_ref md, int dim) { return md->format_desc.blocking.strides[dim]; }
static int block_count(layout_ref md) { return md->format_desc.blocking.inner_nblks; }
static dnnl_dim_t block_size(layout_ref md, int block) { return md->format_desc.blocking.inner_blks[block]; }
static int block_dim(layout_ref md, int block) { return (int)md->format_desc.blocking.inner_idxs[block]; }

#else

struct ss_layout {
    dnnl_memory_desc_t md;
};
typedef const_dnnl_memory_desc_t layout_ref;

static layout_ref ref(const ss_layout *l) { return l ? l->md : NULL; }

static void drop(ss_layout *l) {
    if (l->md) dnnl_memory_desc_destroy(l->md);
    l->md = NULL;
}

static dnnl_status_t copy(ss_layout *l, layout_ref from) { return dnnl_memory_desc_clone(&l->md, from); }

static dnnl_status_t strided(ss_layout *l, int rank, const dnnl_dim_t *dims, dnnl_data_type_t type,
                             const dnnl_dim_t *strides) {
    return dnnl_memory_desc_create_with_strides(&l->md, rank, dims, type, strides);
}

static dnnl_status_t free_order(ss_layout *l, int rank, const dnnl_dim_t *dims, dnnl_data_type_t type) {
    return dnnl_memory_desc_create_with_tag(&l->md, rank, dims, type, dnnl_format_tag_any);
}

static dnnl_status_t add_to_y(dnnl_post_ops_t ops) { return dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef); }

typedef struct sides {
    dnnl_dims_t stride, before, after;
} sides;

static const dnnl_dims_t no_dilation = {0};

/* `skip`: how many of the implementations that can do it are passed over, fastest first. */
static dnnl_status_t convolution(dnnl_primitive_desc_t *out, dnnl_engine_t engine, dnnl_prop_kind_t kind, layout_ref x,
                                 layout_ref w, layout_ref b, layout_ref y, const sides *s, dnnl_primitive_attr_t attr,
                                 int skip) {
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t st = dnnl_convolution_forward_primitive_desc_create(
        &pd, engine, kind, dnnl_convolution_direct, x, w, b, y, s->stride, no_dilation, s->before, s->after, attr);
    for (; !st && skip > 0; skip--) st = dnnl_primitive_desc_next_impl(pd);
    if (!st) {
        *out = pd;
    } else if (pd) {
        dnnl_primitive_desc_destroy(pd);
    }
    return st;
}

static dnnl_status_t convolution_dw(dnnl_primitive_desc_t *out, dnnl_engine_t engine, layout_ref x, layout_ref dw,
                                    layout_ref dy, const sides *s, dnnl_primitive_desc_t forward,
                                    dnnl_primitive_attr_t attr) {
    return dnnl_convolution_backward_weights_primitive_desc_create(out, engine, dnnl_convolution_direct, x, dw, NULL,
                                                                   dy, s->stride, no_dilation, s->before, s->after,
                                                                   forward, attr);
}

static dnnl_status_t matmul(dnnl_primitive_desc_t *out, dnnl_engine_t engine, layout_ref x, layout_ref w, layout_ref b,
                            layout_ref y, dnnl_primitive_attr_t attr) {
    return dnnl_matmul_primitive_desc_create(out, engine, x, w, b, y, attr);
}

static const dnnl_dim_t *numbers(layout_ref md, dnnl_query_t what) {
    dnnl_dims_t *at = NULL;
    return dnnl_memory_desc_query(md, what, &at) ? NULL : *at;
}

static bool in_blocks(layout_ref md) {
    dnnl_format_kind_t kind;
    return !dnnl_memory_desc_query(md, dnnl_query_format_kind, &kind) && kind == dnnl_blocked;
}

static int block_count(layout_ref md) {
    int count = 0;
    dnnl_memory_desc_query(md, dnnl_query_inner_nblks_s32, &count);
    return count;
}

static dnnl_dim_t dim_of(layout_ref md, int dim) { return numbers(md, dnnl_query_dims)[dim]; }
static dnnl_dim_t stride_of(layout_ref md, int dim) { return numbers(md, dnnl_query_strides)[dim]; }
static dnnl_dim_t block_size(layout_ref md, int block) { return numbers(md, dnnl_query_inner_blks)[block]; }
static int block_dim(layout_ref md, int block) { return (int)numbers(md, dnnl_query_inner_idxs)[block]; }

#endif

/* ---- layouts */

ss_layout *ss_layout_clone(ss_ctx *cx, const ss_layout *l) {
    ss_layout *y = ss_alloc(cx, 1, sizeof *y);
    if (y && copy(y, ref(l))) {
        free(y);
        ss_fail(cx, SS_ERR_NOMEM, "out of memory: oneDNN has no room for the order of some weights");
        return NULL;
    }
    return y;
}

void ss_layout_free(void *layout) {
    if (!layout) return;
    drop(layout);
    free(layout);
}

bool ss_layout_equal(const ss_layout *a, const ss_layout *b) { return dnnl_memory_desc_equal(ref(a), ref(b)); }
size_t ss_layout_size(const ss_layout *l) { return dnnl_memory_desc_get_size(ref(l)); }

void ss_layout_offsets(const ss_layout *l, int dim, int64_t *offset) {
    layout_ref md = ref(l);
    dnnl_dim_t stride = stride_of(md, dim);
    for (int64_t i = 0, count = dim_of(md, dim); i < count; i++) {
        int64_t rest = i, apart = 1;
        offset[i] = 0;
        for (int b = block_count(md); b-- > 0;) { /* the last block is the innermost one */
            dnnl_dim_t size = block_size(md, b);
            if (block_dim(md, b) == dim) {
                offset[i] += rest % size * apart;
                rest /= size;
            }
            apart *= size;
        }
        offset[i] += rest * stride;
    }
}

/* ---- primitives */

enum { X, W, B, Y, OTHER, SCRATCH, OPERANDS };

typedef struct kept {
    ss_primitive is; /* first: what callers hold */
    ss_product product;
    ss_layout *asked; /* the order of w that was asked for, or NULL */
    ss_layout weights;
    dnnl_primitive_t primitive;
    dnnl_memory_t memory[OPERANDS];
    uint64_t hash, used;
} kept;

enum { MOST_KEPT = 512 }; /* a UNet has about 100 different products, forward */

struct ss_dnnl {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    kept *at[MOST_KEPT];
    int count;
    uint64_t clock; /* counts uses */
};

ss_status ss_dnnl_new(ss_dnnl **out, ss_ctx *cx) {
    ss_dnnl *d = ss_alloc(cx, 1, sizeof *d);
    if (!d) return SS_ERR_NOMEM;
    if (dnnl_engine_create(&d->engine, dnnl_cpu, 0) ||
        dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags)) {
        ss_dnnl_free(d);
        return ss_fail(cx, SS_ERR_DEVICE, "oneDNN %d.%d gives no engine for this processor", DNNL_VERSION_MAJOR,
                       DNNL_VERSION_MINOR);
    }
    *out = d;
    return SS_OK;
}

ss_status ss_dnnl_limit(ss_ctx *cx, const char *level) {
    static const dnnl_cpu_isa_t isa[] = {dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx512_core,
                                         dnnl_cpu_isa_avx512_core_bf16};
    for (int i = 0; i < SS_COUNT_OF(isa); i++) {
        if (strcmp(level, ss_cpu_levels[i])) continue;
        dnnl_set_max_cpu_isa(isa[i]);
        if (dnnl_get_effective_cpu_isa() == isa[i]) return SS_OK;
        return ss_fail(cx, SS_ERR_DEVICE,
                       "oneDNN cannot be held to %s: this process has used it with other instructions already, the "
                       "processor lacks these, or it was built without the switch",
                       level);
    }
    return SS_OK;
}

static void forget(kept *k) {
    for (int i = 0; i < OPERANDS; i++)
        if (k->memory[i]) dnnl_memory_destroy(k->memory[i]);
    if (k->primitive) dnnl_primitive_destroy(k->primitive);
    drop(&k->weights);
    ss_layout_free(k->asked);
    free(k);
}

void ss_dnnl_free(ss_dnnl *d) {
    if (!d) return;
    for (int i = 0; i < d->count; i++) forget(d->at[i]);
    if (d->stream) dnnl_stream_destroy(d->stream);
    if (d->engine) dnnl_engine_destroy(d->engine);
    free(d);
}

static dnnl_data_type_t type_of(int32_t t) { return t == SS_BF16 ? dnnl_bf16 : dnnl_f32; }

/* The memory of a product's operands, as far as it is known before oneDNN has chosen. */
typedef struct operands {
    ss_layout x, w, b, y; /* w: of the weights, wherever they stand */
} operands;

/* Channels last. */
static dnnl_status_t picture(ss_layout *l, int64_t n, int64_t c, int64_t h, int64_t w, int32_t type) {
    return strided(l, 4, (dnnl_dims_t){n, c, h, w}, type_of(type), (dnnl_dims_t){h * w * c, 1, w * c, c});
}

static dnnl_status_t weights_of(ss_layout *l, const ss_product *p, const ss_layout *asked) {
    if (asked) return copy(l, ref(asked));
    if (p->plain) return strided(l, 2, (dnnl_dims_t){p->c, p->o}, type_of(p->from), (dnnl_dims_t){p->o, 1});
    if (p->kind == SS_MATMUL) return free_order(l, 2, (dnnl_dims_t){p->c, p->o}, type_of(p->from));
    dnnl_data_type_t type = p->kind == SS_CONV_DW ? dnnl_f32 : type_of(p->from);
    return free_order(l, 4, (dnnl_dims_t){p->o, p->c, p->kh, p->kw}, type);
}

static dnnl_status_t describe(operands *m, const ss_product *p, const ss_layout *asked) {
    dnnl_status_t st = weights_of(&m->w, p, asked);
    if (p->kind == SS_MATMUL) {
        if (!st) st = strided(&m->x, 2, (dnnl_dims_t){p->n, p->c}, type_of(p->from), (dnnl_dims_t){p->x_row, p->x_col});
        if (!st) st = strided(&m->b, 2, (dnnl_dims_t){1, p->o}, dnnl_f32, (dnnl_dims_t){p->o, 1});
        if (!st) st = strided(&m->y, 2, (dnnl_dims_t){p->n, p->o}, type_of(p->to), (dnnl_dims_t){p->o, 1});
        return st;
    }
    int32_t y_type = p->kind == SS_CONV_DW ? p->from : p->to;
    if (!st) st = picture(&m->x, p->n, p->c, p->h, p->w, p->from);
    if (!st) st = strided(&m->b, 1, (dnnl_dims_t){p->o}, dnnl_f32, (dnnl_dims_t){1});
    if (!st) st = picture(&m->y, p->n, p->o, p->p, p->q, y_type);
    return st;
}

static dnnl_status_t attributes(dnnl_primitive_attr_t *out, ss_product_add add, layout_ref y) {
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t st = dnnl_primitive_attr_create(out);
    if (!st) st = dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
    if (!st && add) {
        st = dnnl_post_ops_create(&ops);
        if (!st && add == SS_ADD_TO_Y) st = add_to_y(ops);
        if (!st && add == SS_ADD_OTHER) st = dnnl_post_ops_append_binary(ops, dnnl_binary_add, y);
        if (!st) st = dnnl_primitive_attr_set_post_ops(*out, ops);
    }
    if (ops) dnnl_post_ops_destroy(ops);
    return st;
}

static const char *implementation(dnnl_primitive_desc_t pd) {
    const char *name = "";
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name);
    return name;
}

/* The blocked convolution for AMX notes, for each row of an unrolled kernel, which row comes next, and while it makes
 * the kernel it looks up the row after the last one: eight bytes past the end of a heap block, never used. (oneDNN
 * 2.6.3; nothing has changed there up to 3.7.) Behind a block of the C library's allocator there is always memory; but
 * an allocator whose blocks can end where its memory ends, as the address sanitizer's do, lets the program die there.
 * That takes a block that fills its place to the last byte, as the few rows of pictures of less than 8 columns do.
 * For those there is another implementation; wider ones, which take the time, keep the fastest. */
static bool reads_past_rows(dnnl_primitive_desc_t pd, const ss_product *p) {
    const char *name = implementation(pd);
    bool blocked = !strncmp(name, "brgconv:", 8) || !strncmp(name, "brg_conv_fwd:", 13); /* in 2.6 and in 3.7 */
    return p->q < 8 && blocked && strstr(name, "amx");
}

/* The fastest convolution that can be created wherever its memory lies. */
static dnnl_status_t safe_convolution(dnnl_primitive_desc_t *out, const ss_dnnl *d, const ss_product *p, layout_ref x,
                                      layout_ref w, layout_ref b, layout_ref y, const sides *s,
                                      dnnl_primitive_attr_t attr) {
    dnnl_primitive_desc_t next = NULL;
    dnnl_status_t st = convolution(out, d->engine, dnnl_forward_inference, x, w, b, y, s, attr, 0);
    if (st || !reads_past_rows(*out, p)) return st;
    st = convolution(&next, d->engine, dnnl_forward_inference, x, w, b, y, s, attr, 1);
    dnnl_primitive_desc_destroy(*out);
    *out = next;
    return st;
}

static dnnl_status_t choose(dnnl_primitive_desc_t *out, const ss_dnnl *d, const ss_product *p, ss_product_add add,
                            const operands *m) {
    dnnl_primitive_attr_t attr = NULL;
    layout_ref x = ref(&m->x), w = ref(&m->w), b = p->bias ? ref(&m->b) : NULL, y = ref(&m->y);
    sides s = {{p->stride, p->stride}, {p->top, p->left}, {p->bottom, p->right}};
    dnnl_status_t st = attributes(&attr, add, y);
    if (!st && p->kind == SS_MATMUL) st = matmul(out, d->engine, x, w, b, y, attr);
    if (!st && p->kind == SS_CONV) st = safe_convolution(out, d, p, x, w, b, y, &s, attr);
    if (!st && p->kind == SS_CONV_DW) {
        ss_layout forward_w = {0};
        dnnl_primitive_desc_t forward = NULL;
        st = free_order(&forward_w, 4, (dnnl_dims_t){p->o, p->c, p->kh, p->kw}, type_of(p->from));
        if (!st) st = convolution(&forward, d->engine, dnnl_forward_training, x, ref(&forward_w), NULL, y, &s, NULL, 0);
        if (!st) st = convolution_dw(out, d->engine, x, w, y, &s, forward, attr);
        if (forward) dnnl_primitive_desc_destroy(forward);
        drop(&forward_w);
    }
    if (attr) dnnl_primitive_attr_destroy(attr);
    return st;
}

/* As `choose`, but where adding another tensor leads to another implementation than adding to y does, which has always
 * been a slower one, *add becomes the latter. */
static dnnl_status_t choose_fast(dnnl_primitive_desc_t *out, const ss_dnnl *d, const ss_product *p, ss_product_add *add,
                                 const operands *m) {
    dnnl_status_t st = choose(out, d, p, *add, m);
    if (*add != SS_ADD_OTHER) return st;
    dnnl_primitive_desc_t into = NULL;
    if (choose(&into, d, p, SS_ADD_TO_Y, m)) return st;
    if (!st && !strcmp(implementation(*out), implementation(into))) {
        dnnl_primitive_desc_destroy(into);
        return st;
    }
    if (!st) dnnl_primitive_desc_destroy(*out);
    *out = into;
    *add = SS_ADD_TO_Y;
    return dnnl_success;
}

static dnnl_status_t remember(dnnl_memory_t *out, const ss_dnnl *d, layout_ref md) {
    return dnnl_memory_create(out, md, d->engine, DNNL_MEMORY_NONE);
}

/* Fills what callers see and what a run needs. */
static dnnl_status_t complete(kept *k, const ss_dnnl *d, dnnl_primitive_desc_t pd, const operands *m) {
    const ss_product *p = &k->product;
    bool dw = p->kind == SS_CONV_DW;
    layout_ref chosen = dnnl_primitive_desc_query_md(pd, dw ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
    layout_ref scratch = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    if (!in_blocks(chosen)) return dnnl_unimplemented;

    dnnl_status_t st = dnnl_primitive_create(&k->primitive, pd);
    if (!st) st = copy(&k->weights, chosen);
    if (!st) st = remember(&k->memory[X], d, ref(&m->x));
    if (!st) st = remember(&k->memory[W], d, dw ? ref(&m->y) : chosen);
    if (!st) st = remember(&k->memory[Y], d, dw ? chosen : ref(&m->y));
    if (!st && p->bias) st = remember(&k->memory[B], d, ref(&m->b));
    if (!st && k->is.add == SS_ADD_OTHER) st = remember(&k->memory[OTHER], d, ref(&m->y));
    if (!st && scratch) {
        k->is.scratch = dnnl_memory_desc_get_size(scratch);
        if (k->is.scratch) st = remember(&k->memory[SCRATCH], d, scratch);
    }
    k->is.implementation = st ? "" : implementation(pd);
    k->is.weights = &k->weights;
    return st;
}

/* "no float32 convolution of [2, 320, 64, 64] with 320 x 3 x 3": what was asked for, in a failure's sentence. */
static void refuse(ss_ctx *cx, const ss_product *p, dnnl_status_t st) {
    const char *numbers_ = p->from == SS_BF16 ? "bfloat16" : "float32";
    if (st == dnnl_out_of_memory) {
        ss_fail(cx, SS_ERR_NOMEM, "out of memory: oneDNN has no room for a primitive");
    } else if (p->kind == SS_MATMUL) {
        ss_fail(cx, SS_ERR_DEVICE, "oneDNN %d.%d has no %s product of [%lld, %lld] and [%lld, %lld] on this processor",
                DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, numbers_, (long long)p->n, (long long)p->c, (long long)p->c,
                (long long)p->o);
    } else {
        ss_fail(cx, SS_ERR_DEVICE,
                "oneDNN %d.%d has no %s convolution of [%lld, %lld, %lld, %lld] with [%lld, %lld, %lld, %lld] on this "
                "processor%s",
                DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, numbers_, (long long)p->n, (long long)p->c, (long long)p->h,
                (long long)p->w, (long long)p->o, (long long)p->c, (long long)p->kh, (long long)p->kw,
                p->kind == SS_CONV_DW ? ", backward" : "");
    }
}

static uint64_t hash_of(const ss_product *p) {
    uint64_t h = 1469598103934665603u; /* FNV-1a, eight bytes at a time */
    for (size_t i = 0; i < sizeof *p; i += 8) {
        uint64_t v;
        memcpy(&v, (const char *)p + i, 8);
        h = (h ^ v) * 1099511628211u;
    }
    return h;
}

static kept *find(const ss_dnnl *d, const ss_product *p, const ss_layout *asked, uint64_t hash) {
    for (int i = 0; i < d->count; i++) {
        kept *k = d->at[i];
        if (k->hash != hash || memcmp(&k->product, p, sizeof *p) || !k->asked != !asked) continue;
        if (!asked || ss_layout_equal(k->asked, asked)) return k;
    }
    return NULL;
}

/* Takes the place of the one that nobody has used for the longest time, if all are taken. */
static void keep(ss_dnnl *d, kept *k) {
    int at = 0;
    if (d->count < MOST_KEPT) {
        at = d->count++;
    } else {
        for (int i = 1; i < MOST_KEPT; i++)
            if (d->at[i]->used < d->at[at]->used) at = i;
        forget(d->at[at]);
    }
    d->at[at] = k;
}

static kept *make(ss_ctx *cx, const ss_product *p, const ss_layout *asked) {
    const ss_dnnl *d = cx->device->dnnl;
    kept *k = ss_alloc(cx, 1, sizeof *k);
    if (!k) return NULL;
    operands m = {0};
    dnnl_primitive_desc_t pd = NULL;
    k->product = *p;
    k->is.add = (ss_product_add)p->add;
    if (asked && !(k->asked = ss_layout_clone(cx, asked))) {
        forget(k);
        return NULL;
    }

    dnnl_status_t st = describe(&m, p, asked);
    if (!st) st = choose_fast(&pd, d, p, &k->is.add, &m);
    if (!st && asked && strstr(implementation(pd), "ref")) st = dnnl_unimplemented;
    if (!st) st = complete(k, d, pd, &m);
    if (pd) dnnl_primitive_desc_destroy(pd);
    drop(&m.x), drop(&m.w), drop(&m.b), drop(&m.y);
    if (!st) return k;
    forget(k);
    if (!asked || st == dnnl_out_of_memory) refuse(cx, p, st);
    return NULL;
}

ss_primitive *ss_primitive_get(ss_ctx *cx, const ss_product *p, const ss_layout *weights) {
    ss_dnnl *d = cx->device->dnnl;
    uint64_t hash = hash_of(p);
    kept *k = find(d, p, weights, hash);
    if (!k) {
        int before = omp_get_max_threads();
        omp_set_num_threads(cx->device->threads);
        k = make(cx, p, weights);
        omp_set_num_threads(before);
        if (!k) return NULL;
        k->hash = hash;
        keep(d, k);
    }
    k->used = ++d->clock;
    return &k->is;
}

ss_status ss_primitive_run(ss_ctx *cx, ss_primitive *p, const ss_operands *with) {
    static const int forward[OPERANDS] = {[X] = DNNL_ARG_SRC,
                                          [W] = DNNL_ARG_WEIGHTS,
                                          [B] = DNNL_ARG_BIAS,
                                          [Y] = DNNL_ARG_DST,
                                          [OTHER] = DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
                                          [SCRATCH] = DNNL_ARG_SCRATCHPAD};
    static const int backward[OPERANDS] = {
        [X] = DNNL_ARG_SRC, [W] = DNNL_ARG_DIFF_DST, [Y] = DNNL_ARG_DIFF_WEIGHTS, [SCRATCH] = DNNL_ARG_SCRATCHPAD};
    ss_dnnl *d = cx->device->dnnl;
    kept *k = (kept *)p;
    const void *bytes[OPERANDS] = {
        [X] = with->x, [W] = with->w, [B] = with->b, [Y] = with->y, [OTHER] = with->other, [SCRATCH] = with->scratch};
    dnnl_exec_arg_t args[OPERANDS];
    int n = 0;
    dnnl_status_t st = dnnl_success;
    for (int i = 0; i < OPERANDS && !st; i++) {
        if (!k->memory[i]) continue;
        assert(bytes[i]);
        st = dnnl_memory_set_data_handle(k->memory[i], (void *)(uintptr_t)bytes[i]);
        args[n++] = (dnnl_exec_arg_t){k->product.kind == SS_CONV_DW ? backward[i] : forward[i], k->memory[i]};
    }
    int before = omp_get_max_threads();
    omp_set_num_threads(cx->device->threads);
    if (!st) st = dnnl_primitive_execute(k->primitive, d->stream, n, args);
    if (!st) st = dnnl_stream_wait(d->stream);
    omp_set_num_threads(before);
    if (!st) return SS_OK;
    return st == dnnl_out_of_memory
               ? ss_fail(cx, SS_ERR_NOMEM, "out of memory: oneDNN has no room to compute in")
               : ss_fail(cx, SS_ERR_DEVICE, "oneDNN's %s failed with status %d", k->is.implementation, (int)st);
}
