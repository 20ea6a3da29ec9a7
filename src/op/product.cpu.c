/* Packed weights, slices of channels, and the three products of a layer with weights; see product.h. */
#include "op/product.h"

#include "op/loops.h"
#include "op/tiles.h"

#include <assert.h>
#include <stdlib.h>

/* ---- slices: a sum over many channels is a sum of sums over some */

/* Channels that oneDNN sums at full speed, and channels of a slice. On every shape of SD 1.5 with more, 320 channels at
 * a time are as fast as the processor's peak allows and the whole at once down to half of that. */
enum { LONGEST = 640, SLICE = 320 };

/* How many slices. Blocks of 32 channels stay whole. Matrix products gain nothing. */
static int64_t slices_of(const ss_product *p) {
    if (p->kind == SS_MATMUL || p->c <= LONGEST) return 1;
    for (int64_t n = (p->c + SLICE - 1) / SLICE; n <= 32; n++)
        if (p->c % n == 0 && p->c / n % 32 == 0) return n;
    return 1;
}

/* ---- scratch, handed out piece by piece */

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static void *piece(char **at, size_t bytes) {
    void *here = bytes ? *at : NULL;
    *at += rounded(bytes);
    return here;
}

/* ---- packing */

/* Where the element of row r, column c and tap t of weights [rows, columns, taps] lies when packed:
 * row[r] + column[c] + tap[t]. */
typedef struct order {
    int64_t rows, columns, taps;
    int64_t *row, *column, *tap; /* one block, of which row is the start */
} order;

/* Channels of all slices, one behind the other. */
static void repeat_slices(int64_t *offset, int64_t channels, int64_t slices, int64_t apart) {
    int64_t width = channels / slices;
    for (int64_t i = width; i < channels; i++) offset[i] = offset[i - width] + apart;
}

static void reverse(int64_t *a, int64_t n) {
    for (int64_t i = 0, j = n - 1; i < j; i++, j--) {
        int64_t was = a[i];
        a[i] = a[j];
        a[j] = was;
    }
}

static ss_status new_order(order *out, ss_ctx *cx, int64_t rows, int64_t columns, int64_t taps, int64_t more) {
    order o = {rows, columns, taps, NULL, NULL, NULL};
    o.row = ss_alloc(cx, (size_t)(rows + columns + taps + more), sizeof *o.row);
    if (!o.row) return SS_ERR_NOMEM;
    o.column = o.row + rows;
    o.tap = o.column + columns;
    *out = o;
    return SS_OK;
}

/* Backward, the rows of w are what is summed over, and the kernel is seen from the other side. */
static ss_status order_of(order *out, ss_ctx *cx, const ss_product *p, const ss_layout *l, int64_t slices, int side) {
    bool back = side == SS_PACK_BACKWARD, matmul = p->kind == SS_MATMUL;
    int64_t inputs = p->c * slices, outputs = p->o, taps = matmul ? 1 : p->kh * p->kw;
    order o;
    ss_status st = new_order(&o, cx, back ? inputs : outputs, back ? outputs : inputs, taps, p->kh + p->kw);
    if (st) return st;

    int64_t *summed = back ? o.row : o.column, *made = back ? o.column : o.row;
    ss_layout_offsets(l, matmul ? 0 : 1, summed);
    ss_layout_offsets(l, matmul ? 1 : 0, made);
    repeat_slices(summed, inputs, slices, (int64_t)(ss_layout_size(l) / ss_dtype_size((ss_dtype)p->from)));
    if (!matmul) {
        int64_t *down = o.tap + taps, *across = down + p->kh;
        ss_layout_offsets(l, 2, down);
        ss_layout_offsets(l, 3, across);
        for (int64_t t = 0; t < taps; t++) o.tap[t] = down[t / p->kw] + across[t % p->kw];
    }
    if (back) reverse(o.tap, taps);
    *out = o;
    return SS_OK;
}

/* Packed places of neighbouring rows lie together, or those of neighbouring columns. So a few rows are taken at once,
 * and of these no more numbers than what they touch fits the first cache. */
enum { ROWS = 16, TILE = 512 };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Rows of weights on their way: columns [column, column_end) and taps [tap, tap_end) of rows [row, row_end). What is
 * read of a row lies in one piece: all taps, or one column. */
typedef struct tile {
    int64_t row, row_end, column, column_end, tap, tap_end;
    uint16_t half[ROWS][TILE];
    float wide[ROWS][TILE];
} tile;

/* From numbers of any type and alignment to float32 or bfloat16. */
static void read_tile(tile *t, const ss_loops *l, ss_dtype to, const char *w, ss_dtype from, const order *o) {
    size_t size = ss_dtype_size(from);
    int64_t n = (t->column_end - t->column) * (t->tap_end - t->tap);
    for (int64_t r = 0; r < t->row_end - t->row; r++) {
        const char *x = w + (size_t)(((t->row + r) * o->columns + t->column) * o->taps + t->tap) * size;
        if (to == SS_BF16 && from == SS_BF16) {
            memcpy(t->half[r], x, (size_t)n * size);
        } else if (to == SS_BF16) {
            ss_to_f32(t->wide[0], x, from, (size_t)n);
            l->narrow(t->half[r], t->wide[0], n);
        } else {
            ss_to_f32(t->wide[r], x, from, (size_t)n);
        }
    }
}

static void place_f32(float *packed, const tile *t, const order *o) {
    int64_t taps = t->tap_end - t->tap;
    for (int64_t k = 0; k < taps; k++)
        for (int64_t r = t->row; r < t->row_end; r++) {
            float *to = packed + o->row[r] + o->tap[t->tap + k];
            const float *x = t->wide[r - t->row] + k;
            for (int64_t c = t->column; c < t->column_end; c++, x += taps) to[o->column[c]] = *x;
        }
}

static bool in_pairs(const int64_t *offset, int64_t begin, int64_t end) {
    bool all = (end - begin) % 2 == 0;
    for (int64_t i = begin; i + 1 < end && all; i += 2) all = offset[i + 1] == offset[i] + 1;
    return all;
}

static void place_pair(uint16_t *to, uint16_t first, uint16_t second) {
    memcpy(to, (const uint16_t[2]){first, second}, 2 * sizeof *to);
}

/* bfloat16 is packed in pairs of what is summed: columns forward, rows backward. */
static void place_half(uint16_t *packed, const tile *t, const order *o) {
    int64_t taps = t->tap_end - t->tap, begin = t->column, end = t->column_end;
    bool rows = in_pairs(o->row, t->row, t->row_end), columns = !rows && in_pairs(o->column, begin, end);
    for (int64_t k = 0; k < taps; k++)
        for (int64_t r = t->row; r < t->row_end; r += rows ? 2 : 1) {
            uint16_t *to = packed + o->row[r] + o->tap[t->tap + k];
            const uint16_t *x = t->half[r - t->row] + k, *below = x + TILE;
            if (rows)
                for (int64_t c = begin; c < end; c++, x += taps, below += taps)
                    place_pair(to + o->column[c], *x, *below);
            else if (columns)
                for (int64_t c = begin; c < end; c += 2, x += 2 * taps) place_pair(to + o->column[c], *x, x[taps]);
            else
                for (int64_t c = begin; c < end; c++, x += taps) to[o->column[c]] = *x;
        }
}

static void pack(const ss_ctx *cx, void *packed, ss_dtype to, const void *w, ss_dtype from, const order *o) {
    const ss_loops *l = ss_loops_of(cx);
    int64_t columns = 2 * o->taps <= TILE ? TILE / o->taps & ~1 : 1, taps = least(o->taps, TILE);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, o->rows * o->columns * o->taps))
    for (int64_t top = 0; top < o->rows; top += ROWS)
        for (int64_t c = 0; c < o->columns; c += columns)
            for (int64_t k = 0; k < o->taps; k += taps) {
                tile t;
                t.row = top, t.row_end = least(top + ROWS, o->rows);
                t.column = c, t.column_end = least(c + columns, o->columns);
                t.tap = k, t.tap_end = least(k + taps, o->taps);
                read_tile(&t, l, to, w, from, o);
                if (to == SS_BF16)
                    place_half(packed, &t, o);
                else
                    place_f32(packed, &t, o);
            }
}

static void unpack_piece(float *dw, const float *packed, const order *o, int64_t r, int64_t begin, int64_t end) {
    for (int64_t i = begin, c = begin / o->taps, t = begin % o->taps; i < end; i++) {
        dw[i] += packed[o->row[r] + o->column[c] + o->tap[t]];
        if (++t == o->taps) t = 0, c++;
    }
}

/* dw[r, c, t] += what lies packed, where a row of dw has `apart` numbers. */
static void unpack_sum(const ss_ctx *cx, float *dw, int64_t apart, const float *packed, const order *o) {
    int64_t width = o->columns * o->taps;
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, o->rows *width))
    for (int64_t top = 0; top < o->rows; top += ROWS)
        for (int64_t begin = 0; begin < width; begin += TILE)
            for (int64_t r = top; r < least(top + ROWS, o->rows); r++)
                unpack_piece(dw + r * apart, packed, o, r, begin, least(begin + TILE, width));
}

/* Packs k's weights. Blocks that they do not fill are filled with zeros. */
static void pack_weights(const ss_call *k, void *packed, size_t size, ss_dtype to, const order *o) {
    const ss_tensor *w = k->x[1];
    if (size != (size_t)ss_count(w) * ss_dtype_size(to)) memset(packed, 0, size);
    /* A trained parameter's float32 form is the one that counts. */
    const ss_param *param = w->param;
    bool stored = param && param->stored && !(param->trained && param->data);
    if (stored) {
        pack(k->cx, packed, to, param->stored, param->dtype, o);
        ss_param_let_go(param);
    } else
        pack(k->cx, packed, to, param ? param->data : w->bytes, param ? SS_F32 : w->dtype, o);
}

/* ---- a product with packed weights */

typedef struct work {
    ss_product p; /* of one slice */
    int64_t slices;
    int side;   /* SS_PACK_FORWARD or SS_PACK_BACKWARD */
    bool stays; /* the weights are packed once and stay with their parameter */
    ss_primitive *primitive;
    const char *weights; /* packed, the slices one behind the other */
    void *lent;          /* the primitive's scratch */
} work;

static size_t packed_size(const work *w) { return ss_layout_size(w->primitive->weights) * (size_t)w->slices; }

/* Those of other tensors go with the call, and so do a parameter's that trains, or of which the tape has enough. */
static bool stays(const work *w, const ss_call *k) {
    const ss_param *param = k->x[1]->param;
    if (!param || w->side == SS_PACK_FORWARD || param->packed[w->side].layout) return param;
    return !param->trained && (!k->cx->tape || ss_tape_packs(k->cx->tape, packed_size(w)));
}

/* The primitive: where the weights are packed already, though in another order than oneDNN would choose here (another
 * picture size, say), one that takes them as they are. */
static ss_status prepare(work *w, const ss_call *k) {
    const ss_param *param = k->x[1]->param;
    const ss_layout *there = param ? param->packed[w->side].layout : NULL;
    w->primitive = ss_primitive_get(k->cx, &w->p, NULL);
    if (!w->primitive) return k->cx->status;
    w->stays = stays(w, k);
    if (!there || ss_layout_equal(there, w->primitive->weights)) return SS_OK;
    ss_primitive *as_they_are = ss_primitive_get(k->cx, &w->p, there);
    if (as_they_are) w->primitive = as_they_are;
    return k->cx->status;
}

/* Scratch that the weights need. */
static size_t room_for_weights(const work *w) { return w->stays ? 0 : packed_size(w); }

static void *aligned(ss_ctx *cx, size_t bytes) {
    bool refused = cx->fail_allocation >= 0 && cx->fail_allocation-- == 0;
    void *p = refused ? NULL : aligned_alloc(64, rounded(bytes));
    if (!p) ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for %zu bytes of packed weights", bytes);
    return p;
}

/* Makes room for weights in another order: never two copies, the old one goes first. */
static void *repack(ss_packed *kept, ss_ctx *cx, size_t size) {
    free(kept->bytes);
    if (kept->free_layout) kept->free_layout(kept->layout);
    *kept = (ss_packed){0};
    return aligned(cx, size);
}

static ss_status pack_for(const work *w, const ss_call *k, void *room) {
    order o;
    ss_status st = order_of(&o, k->cx, &w->p, w->primitive->weights, w->slices, w->side);
    if (st) return st;
    pack_weights(k, room, packed_size(w), (ss_dtype)w->p.from, &o);
    free(o.row);
    return SS_OK;
}

static ss_status find_weights(work *w, const ss_call *k, void *room) {
    const ss_layout *wanted = w->primitive->weights;
    if (!w->stays) {
        w->weights = room;
        return pack_for(w, k, room);
    }
    ss_packed *kept = &k->x[1]->param->packed[w->side];
    if (kept->layout && ss_layout_equal(kept->layout, wanted)) {
        w->weights = kept->bytes;
        return SS_OK;
    }
    size_t size = packed_size(w);
    void *bytes = repack(kept, k->cx, size);
    ss_layout *layout = bytes ? ss_layout_clone(k->cx, wanted) : NULL;
    ss_status st = layout ? pack_for(w, k, bytes) : SS_ERR_NOMEM;
    if (st) {
        free(bytes);
        ss_layout_free(layout);
        return st;
    }
    *kept = (ss_packed){.bytes = bytes, .size = size, .layout = layout, .free_layout = ss_layout_free};
    w->weights = bytes;
    return SS_OK;
}

/* ---- moving numbers */

/* Numbers of x, or of a gradient, on their way into a product. */
typedef struct source {
    const void *bytes;
    ss_dtype dtype;
    int64_t n, h, w, c; /* channels last */
} source;

/* Channels first .. first + count - 1 on a canvas [n, h, w] of `to`: place (p, q) goes to (top + p stride,
 * left + q stride), the rest is zero. Returns the canvas, or the source itself where it is the same. */
static const void *spread(const ss_ctx *cx, void *canvas, ss_dtype to, int64_t h, int64_t w, const source *s,
                          int64_t first, int64_t count, int64_t stride, int64_t top, int64_t left) {
    const ss_loops *l = ss_loops_of(cx);
    size_t size = ss_dtype_size(to), from_size = ss_dtype_size(s->dtype), pixel = (size_t)count * size;
    bool covered = stride == 1 && s->h == h && s->w == w && !top && !left;
    if (covered && s->dtype == to && s->c == count) return s->bytes;
#pragma omp parallel for collapse(2) schedule(static) num_threads(ss_threads_for(cx, s->n *h *w *count))
    for (int64_t n = 0; n < s->n; n++)
        for (int64_t u = 0; u < h; u++) {
            char *row = (char *)canvas + (size_t)((n * h + u) * w) * pixel;
            int64_t p = (u - top) / stride;
            if (!covered) memset(row, 0, (size_t)w * pixel);
            if (u < top || (u - top) % stride || p >= s->h) continue;
            for (int64_t q = 0; q < s->w; q++) {
                int64_t v = left + q * stride;
                if (v < 0 || v >= w) continue;
                char *y = row + (size_t)v * pixel;
                const char *x =
                    (const char *)s->bytes + (size_t)(((n * s->h + p) * s->w + q) * s->c + first) * from_size;
                if (s->dtype == to)
                    memcpy(y, x, pixel);
                else
                    l->narrow((uint16_t *)y, (const float *)x, count);
            }
        }
    return canvas;
}

/* float32 to bfloat16, or x itself where float32 is wanted. */
static const void *in_numbers(const ss_ctx *cx, ss_dtype to, const float *x, int64_t n, void *room) {
    if (to == SS_F32) return x;
    const ss_loops *l = ss_loops_of(cx);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, n))
    for (int64_t at = 0; at < n; at += SS_PIECE)
        l->narrow((uint16_t *)room + at, x + at, at + SS_PIECE < n ? SS_PIECE : n - at);
    return room;
}

/* sum = b + add, each where it is there. */
static void begin_sum(const ss_ctx *cx, float *sum, int64_t rows, int64_t c, const float *b, const ss_tensor *add) {
    const ss_loops *l = ss_loops_of(cx);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, rows *c))
    for (int64_t r = 0; r < rows; r++) {
        float *y = sum + r * c;
        if (add && add->dtype == SS_BF16)
            l->widen(y, add->half + r * c, c);
        else if (add)
            memcpy(y, add->data + r * c, (size_t)c * sizeof *y);
        else if (b)
            memcpy(y, b, (size_t)c * sizeof *y);
        else
            memset(y, 0, (size_t)c * sizeof *y);
        if (add && b) l->add(y, y, b, c);
    }
}

static void copy(const ss_ctx *cx, const ss_tensor *y, const ss_tensor *x) {
    int64_t n = ss_count(y), size = (int64_t)ss_dtype_size(y->dtype);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, n))
    for (int64_t at = 0; at < n; at += SS_PIECE)
        memcpy((char *)y->bytes + at * size, (const char *)x->bytes + at * size,
               (size_t)((at + SS_PIECE < n ? SS_PIECE : n - at) * size));
}

/* ---- forward */

static source source_of(const ss_product *p, const void *bytes, ss_dtype dtype, const ss_tensor *like) {
    if (p->kind == SS_MATMUL) return (source){bytes, dtype, ss_rows(like), 1, 1, ss_channels(like)};
    const int64_t *at = like->shape;
    return (source){bytes, dtype, at[0], at[2], at[3], at[1]};
}

static size_t canvas_size(const ss_product *p) {
    return (size_t)(p->n * p->h * p->w * p->c) * ss_dtype_size((ss_dtype)p->from);
}

/* y += the product, slice by slice, of x as `spread` puts it on the canvas. */
static ss_status sum_slices(const work *w, ss_ctx *cx, const source *x, void *canvas, int64_t stride, int64_t top,
                            int64_t left, float *y) {
    const ss_product *p = &w->p;
    size_t apart = ss_layout_size(w->primitive->weights);
    ss_status st = SS_OK;
    for (int64_t i = 0; i < w->slices && !st; i++) {
        ss_operands with = {.w = w->weights + (size_t)i * apart, .y = y, .scratch = w->lent};
        with.x = spread(cx, canvas, (ss_dtype)p->from, p->h, p->w, x, i * p->c, p->c, stride, top, left);
        st = ss_primitive_run(cx, w->primitive, &with);
    }
    return st;
}

static ss_status forward_in_slices(const ss_call *k, work *w) {
    ss_ctx *cx = k->cx;
    const ss_tensor *x = k->x[0], *y = k->y;
    w->p.c /= w->slices;
    w->p.to = SS_F32;
    w->p.add = SS_ADD_TO_Y;
    ss_status st = prepare(w, k);
    if (st) return st;

    const float *b = k->x[2] ? ss_weights_f32(k, 2) : NULL;
    bool half = y->dtype == SS_BF16;
    size_t weights = room_for_weights(w), sum = half ? (size_t)ss_count(y) * sizeof(float) : 0;
    size_t canvas = canvas_size(&w->p);
    char *at = ss_scratch(cx, rounded(w->primitive->scratch) + rounded(weights) + rounded(sum) + rounded(canvas));
    if (cx->status) return cx->status;
    w->lent = piece(&at, w->primitive->scratch);
    st = find_weights(w, k, piece(&at, weights));
    if (st) return st;

    float *total = half ? piece(&at, sum) : y->data;
    source s = source_of(&w->p, x->bytes, x->dtype, x);
    begin_sum(cx, total, ss_rows(y), ss_channels(y), b, k->x[3]);
    st = sum_slices(w, cx, &s, piece(&at, canvas), 1, 0, 0, total);
    if (!st && half) in_numbers(cx, SS_BF16, total, ss_count(y), y->half);
    return st;
}

/* ---- forward by tiles */

static ss_status pack_for_tiles(const ss_call *k, const ss_product *p, bool gated, void *room) {
    order o;
    ss_status st = new_order(&o, k->cx, p->o, p->c, p->kind == SS_MATMUL ? 1 : p->kh * p->kw, 0);
    if (st) return st;
    ss_tiles_offsets(p, gated, o.row, o.column, o.tap);
    pack_weights(k, room, ss_tiles_count(p) * sizeof(uint16_t), SS_BF16, &o);
    free(o.row);
    return SS_OK;
}

static ss_status find_tiles(const uint16_t **weights, const ss_call *k, const ss_product *p, bool gated, void *room) {
    ss_param *param = k->x[1]->param;
    const size_t size = ss_tiles_count(p) * sizeof(uint16_t);
    ss_packed *kept = param ? &param->packed[SS_PACK_FORWARD] : NULL;
    const int wanted = gated ? SS_ORDER_GATED : SS_ORDER_TILES;
    ss_status st = SS_OK;
    if (!kept) {
        st = pack_for_tiles(k, p, gated, room);
    } else if (kept->order != wanted) {
        room = repack(kept, k->cx, size);
        st = room ? pack_for_tiles(k, p, gated, room) : SS_ERR_NOMEM;
        if (!st)
            *kept = (ss_packed){.bytes = room, .size = size, .order = wanted};
        else
            free(room);
    }
    *weights = kept ? kept->bytes : room;
    return st;
}

static ss_status forward_in_tiles(const ss_call *k, const ss_product *p, bool gated) {
    size_t weights = k->x[1]->param ? 0 : ss_tiles_count(p) * sizeof(uint16_t);
    char *at = ss_scratch(k->cx, rounded(weights) + ss_tiles_scratch(k->cx, p));
    ss_tiles_operands with = {.x = k->x[0]->half, .y = k->y->half, .gated = gated};
    if (at && k->x[2]) with.b = ss_weights_f32(k, 2);
    if (k->cx->status) return k->cx->status;
    if (k->x[3]) with.add = k->x[3]->half;
    ss_status st = find_tiles(&with.w, k, p, gated, piece(&at, weights));
    if (st) return st;
    with.scratch = at;
    ss_tiles_run(k->cx, p, &with);
    return SS_OK;
}

ss_status ss_product_forward(const ss_call *k, ss_product p) {
    ss_ctx *cx = k->cx;
    assert(!k->x[3] || k->x[3]->dtype == k->x[0]->dtype);
    p.from = (int32_t)k->x[0]->dtype;
    p.to = (int32_t)k->y->dtype;
    if (ss_tiles_serve(cx, &p)) return forward_in_tiles(k, &p, false);
    work w = {.p = p, .slices = slices_of(&p), .side = SS_PACK_FORWARD};
    if (w.slices > 1) return forward_in_slices(k, &w);

    w.p.bias = k->x[2] != NULL;
    w.p.add = k->x[3] ? SS_ADD_OTHER : SS_ADD_NOTHING;
    ss_status st = prepare(&w, k);
    if (st) return st;
    const float *b = k->x[2] ? ss_weights_f32(k, 2) : NULL;
    size_t weights = room_for_weights(&w);
    char *at = ss_scratch(cx, rounded(w.primitive->scratch) + rounded(weights));
    if (cx->status) return cx->status;
    w.lent = piece(&at, w.primitive->scratch);
    st = find_weights(&w, k, piece(&at, weights));
    if (st) return st;

    ss_operands with = {.x = k->x[0]->bytes, .w = w.weights, .b = b, .y = k->y->bytes, .scratch = w.lent};
    if (k->x[3]) {
        with.other = k->x[3]->bytes;
        if (w.primitive->add == SS_ADD_TO_Y) copy(cx, k->y, k->x[3]);
    }
    return ss_primitive_run(cx, w.primitive, &with);
}

bool ss_product_gated(const ss_call *k, ss_product p, ss_status *st) {
    p.from = (int32_t)k->x[0]->dtype;
    p.to = (int32_t)k->y->dtype;
    if (!ss_tiles_serve(k->cx, &p)) return false;
    *st = forward_in_tiles(k, &p, true);
    return true;
}

/* ---- backward */

ss_status ss_product_dx(const ss_call *k, ss_product p, int64_t stride, int64_t top, int64_t left) {
    ss_ctx *cx = k->cx;
    p.from = (int32_t)k->x[0]->dtype;
    p.to = SS_F32;
    p.add = SS_ADD_TO_Y;
    work w = {.p = p, .slices = slices_of(&p), .side = SS_PACK_BACKWARD};
    w.p.c /= w.slices;
    ss_status st = prepare(&w, k);
    if (st) return st;

    size_t weights = room_for_weights(&w), canvas = canvas_size(&w.p);
    char *at = ss_scratch(cx, rounded(w.primitive->scratch) + rounded(weights) + rounded(canvas));
    if (cx->status) return cx->status;
    w.lent = piece(&at, w.primitive->scratch);
    st = find_weights(&w, k, piece(&at, weights));
    if (st) return st;
    source dy = source_of(&p, k->dy, SS_F32, k->y);
    return sum_slices(&w, cx, &dy, piece(&at, canvas), stride, top, left, k->dx[0]);
}

/* dw[o, c] += dy^T x, in place. */
static ss_status matmul_dw(const ss_call *k, const ss_product *forward) {
    ss_ctx *cx = k->cx;
    ss_product p = {.kind = SS_MATMUL, .from = forward->from, .to = SS_F32, .add = SS_ADD_TO_Y, .plain = 1};
    p.n = forward->o;
    p.c = forward->n;
    p.o = forward->c;
    p.x_row = 1;
    p.x_col = forward->o;
    ss_primitive *primitive = ss_primitive_get(cx, &p, NULL);
    if (!primitive) return cx->status;

    size_t moved = p.from == SS_F32 ? 0 : (size_t)ss_count(k->y) * sizeof(uint16_t);
    char *at = ss_scratch(cx, rounded(primitive->scratch) + rounded(moved));
    if (!at) return cx->status;
    ss_operands with = {.w = k->x[0]->bytes, .y = k->dx[1], .scratch = piece(&at, primitive->scratch)};
    with.x = in_numbers(cx, (ss_dtype)p.from, k->dy, ss_count(k->y), piece(&at, moved));
    return ss_primitive_run(cx, primitive, &with);
}

/* Slices of x's channels, too: each has a gradient of its own. */
static ss_status convolution_dw(const ss_call *k, ss_product p) {
    ss_ctx *cx = k->cx;
    int64_t slices = slices_of(&p), taps = p.kh * p.kw, apart = p.c * taps;
    p.kind = SS_CONV_DW;
    p.to = SS_F32;
    p.c /= slices;
    ss_primitive *primitive = ss_primitive_get(cx, &p, NULL);
    if (!primitive) return cx->status;

    size_t packed = ss_layout_size(primitive->weights), canvas = slices > 1 ? canvas_size(&p) : 0;
    size_t moved = p.from == SS_F32 ? 0 : (size_t)ss_count(k->y) * sizeof(uint16_t);
    char *at = ss_scratch(cx, rounded(primitive->scratch) + rounded(packed) + rounded(canvas) + rounded(moved));
    order o = {0};
    ss_status st = at ? order_of(&o, cx, &p, primitive->weights, 1, SS_PACK_FORWARD) : cx->status;
    if (st) return st;
    source x = source_of(&p, k->x[0]->bytes, k->x[0]->dtype, k->x[0]);
    void *lent = piece(&at, primitive->scratch);
    float *gradient = piece(&at, packed);
    void *room = piece(&at, canvas);
    ss_operands with = {.y = gradient, .scratch = lent};
    with.w = in_numbers(cx, (ss_dtype)p.from, k->dy, ss_count(k->y), piece(&at, moved));
    for (int64_t i = 0; i < slices && !st; i++) {
        with.x = spread(cx, room, (ss_dtype)p.from, p.h, p.w, &x, i * p.c, p.c, 1, 0, 0);
        st = ss_primitive_run(cx, primitive, &with);
        if (!st) unpack_sum(cx, k->dx[1] + i * p.c * taps, apart, gradient, &o);
    }
    free(o.row);
    return st;
}

ss_status ss_product_dw(const ss_call *k, ss_product p) {
    p.from = (int32_t)k->x[0]->dtype;
    return p.kind == SS_MATMUL ? matmul_dw(k, &p) : convolution_dw(k, p);
}

void ss_product_db_dadd(const ss_call *k) {
    const ss_ctx *cx = k->cx;
    const ss_loops *l = ss_loops_of(cx);
    int64_t rows = ss_rows(k->y), c = ss_channels(k->y);
    const float *dy = k->dy;
    float *db = k->dx[2], *dadd = k->dx[3];
    /* Each thread sums the columns of its own, always in the order of the rows. */
    enum { STRIP = 64 };
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, rows *c))
    for (int64_t first = 0; first < (db ? c : 0); first += STRIP) {
        int64_t n = first + STRIP < c ? STRIP : c - first;
        float sum[STRIP] = {0};
        for (int64_t r = 0; r < rows; r++) l->add(sum, sum, dy + r * c + first, n);
        l->add(db + first, db + first, sum, n);
    }
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, rows *c))
    for (int64_t r = 0; r < (dadd ? rows : 0); r++) l->add(dadd + r * c, dadd + r * c, dy + r * c, c);
}
