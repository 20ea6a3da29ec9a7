/* The decoder's levels by strips of rows.
 *
 * A convolution of 3 x 3 needs a row more on either side, a group norm needs the whole picture's sums. So each layer
 * goes over the picture in strips: rows are normalised by the sums of the layer before, which were taken as its strips
 * were made, then convolved; nothing normalised is ever larger than a strip, and nothing is computed twice but the
 * norms of the rows between two strips. The result is that of whole pictures: there is no seam.
 *
 * The layers of a level share one block of memory. A row has room for what comes in or for two pictures of the level's
 * own width, often half as wide: the residual and what is being made. The first residual block turns the one into the
 * other in place, and keeps the row above a strip as it was.
 */
#include "model/strips.h"

#include "op/loops.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { STRIP_BYTES = 8 << 20 };

/* Rows of a picture that lie `apart` bytes from each other, and the sums by which the next norm goes: of x - pivot and
 * of its square, for each row and channel, pivot being the channel's first number. */
typedef struct picture {
    ss_dtype dtype;
    int64_t h, w, c;
    size_t apart;
    char *rows;
    double *sums; /* [h, 2, c] */
    float *pivot; /* [c] */
} picture;

static size_t row_bytes(const picture *p) { return (size_t)(p->w * p->c) * ss_dtype_size(p->dtype); }
static char *row_of(const picture *p, int64_t y) { return p->rows + (size_t)y * p->apart; }

static picture picture_new(ss_ctx *cx, ss_dtype dtype, int64_t h, int64_t w, int64_t c, size_t apart, char *rows) {
    picture p = {dtype, h, w, c, apart, rows, NULL, NULL};
    p.sums = ss_arena_take_data(cx, (size_t)(2 * h * c) * sizeof *p.sums);
    p.pivot = ss_arena_take(cx, (size_t)c * sizeof *p.pivot);
    return p;
}

/* What the levels of one decode share. */
typedef struct decoder {
    const ss_vae *vae;
    ss_at at;
    int64_t rows; /* of a strip; 0: by its bytes */
} decoder;

static int64_t rows_of_strip(const decoder *d, const picture *p) {
    assert(row_bytes(p) > 0);
    int64_t n = STRIP_BYTES / (int64_t)row_bytes(p) / 8 * 8;
    return d->rows ? d->rows : n < 8 ? 8 : n;
}

static bool no_numbers(const ss_ctx *cx) { return cx->device->kind == SS_SHAPE; }

/* ---- norms */

/* Moments of row y. Its places go in stretches that float32 sums well. */
static void sum_row(const ss_loops *l, const picture *p, int64_t y) {
    enum { STRETCH = 64 };
    float sum[2 * SS_PIECE], buffer[SS_PIECE];
    const int64_t c = p->c, piece = SS_PIECE / c;
    double *total = p->sums + y * 2 * c;
    ss_tensor row = {.dtype = p->dtype, .bytes = row_of(p, y)};
    memset(total, 0, (size_t)(2 * c) * sizeof *total);
    for (int64_t at = 0; at < p->w;) {
        int64_t end = at + STRETCH < p->w ? at + STRETCH : p->w;
        memset(sum, 0, (size_t)(2 * c) * sizeof *sum);
        for (int64_t n; at < end; at += n) {
            n = end - at < piece ? end - at : piece;
            l->moments(sum, sum + c, p->pivot, ss_piece(l, &row, at * c, n * c, buffer), n, c);
        }
        for (int64_t i = 0; i < 2 * c; i++) total[i] += sum[i];
    }
}

/* Group norm as z = x a + b for each channel. */
typedef struct norm {
    float a[SS_PIECE], b[SS_PIECE];
} norm;

static norm *norm_of(ss_ctx *cx, const decoder *d, ss_at at, const char *name, const picture *p) {
    ss_at here = ss_sub(at, "%s", name);
    ss_tensor *w = ss_param_tensor(cx, here, "weight"), *b = ss_param_tensor(cx, here, "bias");
    norm *z = ss_arena_take(cx, sizeof *z);
    if (!w || !b || !z || no_numbers(cx)) return z;
    int64_t width = p->c / d->vae->groups;
    double count = (double)(p->h * p->w);
    for (int64_t first = 0; first < p->c; first += width) {
        double mean = 0, square = 0, of[2];
        for (int64_t i = first; i < first + width; i++) {
            of[0] = of[1] = 0;
            for (int64_t y = 0; y < p->h; y++)
                for (int k = 0; k < 2; k++) of[k] += p->sums[(2 * y + k) * p->c + i];
            double m = of[0] / count, v = p->pivot[i];
            mean += (m + v) / (double)width;
            square += (of[1] / count + 2 * m * v + v * v) / (double)width;
        }
        double scale = 1 / sqrt(fmax(square - mean * mean, 0) + 1e-6);
        for (int64_t i = first; i < first + width; i++) {
            z->a[i] = (float)(w->data[i] * scale);
            z->b[i] = (float)(b->data[i] - w->data[i] * scale * mean);
        }
    }
    return z;
}

static void normalise_row(const ss_loops *l, const picture *p, const norm *z, void *y, const void *x) {
    float in[SS_PIECE], out[SS_PIECE];
    ss_tensor from = {.dtype = p->dtype, .bytes = (void *)x}, to = {.dtype = p->dtype, .bytes = y};
    for (int64_t at = 0, n; at < p->w; at += n) {
        n = p->w - at < SS_PIECE / p->c ? p->w - at : SS_PIECE / p->c;
        float *made = ss_piece_begin(&to, at * p->c, out);
        l->scaled(made, ss_piece(l, &from, at * p->c, n * p->c, in), z->a, z->b, true, n, p->c);
        ss_piece_done(l, &to, at * p->c, n * p->c, out);
    }
}

/* ---- strips */

/* Rows first - 1 .. first + count, normalised; zeros outside the picture. `above` holds row first - 1. */
static ss_tensor *normalised(ss_ctx *cx, const picture *p, const norm *z, const char *above, int64_t first,
                             int64_t count) {
    ss_tensor *x = ss_tensor_new(cx, p->dtype, 4, (int64_t[]){1, p->c, count + 2, p->w});
    if (!x || no_numbers(cx)) return x;
    const ss_loops *l = ss_loops_of(cx);
    size_t bytes = row_bytes(p);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, ss_count(x)))
    for (int64_t i = 0; i < count + 2; i++) {
        int64_t y = first - 1 + i;
        char *to = (char *)x->bytes + (size_t)i * bytes;
        if (y < 0 || y >= p->h)
            memset(to, 0, bytes);
        else
            normalise_row(l, p, z, to, i ? row_of(p, y) : above);
    }
    return x;
}

/* Rows as they are. */
static ss_tensor *taken(ss_ctx *cx, const picture *p, int64_t first, int64_t count) {
    ss_tensor *x = ss_tensor_new(cx, p->dtype, 4, (int64_t[]){1, p->c, count, p->w});
    for (int64_t i = 0; x && !no_numbers(cx) && i < count; i++)
        memcpy((char *)x->bytes + (size_t)i * row_bytes(p), row_of(p, first + i), row_bytes(p));
    return x;
}

static void put(ss_ctx *cx, const picture *p, int64_t first, const ss_tensor *x) {
    if (!x || no_numbers(cx)) return;
    const ss_loops *l = ss_loops_of(cx);
    if (!first) ss_to_f32(p->pivot, x->bytes, x->dtype, (size_t)p->c);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, ss_count(x)))
    for (int64_t i = 0; i < x->shape[2]; i++) {
        memcpy(row_of(p, first + i), (const char *)x->bytes + (size_t)i * row_bytes(p), row_bytes(p));
        sum_row(l, p, first + i);
    }
}

/* A convolution of 3 x 3 over rows that come with their neighbours. */
static ss_tensor *conv_rows(ss_ctx *cx, ss_at at, const char *name, ss_tensor *x, ss_tensor *add) {
    ss_at here = ss_sub(at, "%s", name);
    ss_tensor *w = ss_param_tensor(cx, here, "weight"), *b = ss_param_tensor(cx, here, "bias");
    return x && w && b ? ss_conv2d(cx, x, w, b, add, &(ss_conv_attr){.left = 1, .right = 1}) : NULL;
}

/* ---- layers */

/* to = conv(silu(norm(from))) + add; beside = conv_shortcut(from). `add` and `beside` may be NULL. Both may lie where
 * `from` lies, rows on rows. */
static void convolve(ss_ctx *cx, const decoder *d, ss_at at, const char *norm_name, const char *conv_name,
                     const picture *from, const picture *add, const picture *to, const picture *beside) {
    ss_mark start = ss_arena_mark(cx->arena);
    const norm *z = norm_of(cx, d, at, norm_name, from);
    char *above = ss_arena_take(cx, row_bytes(from));
    int64_t rows = rows_of_strip(d, from);
    for (int64_t first = 0, count; first < from->h && !cx->status; first += count) {
        ss_mark strip = ss_arena_mark(cx->arena);
        count = from->h - first < rows ? from->h - first : rows;
        ss_tensor *x = normalised(cx, from, z, above, first, count);
        ss_tensor *y = conv_rows(cx, at, conv_name, x, add ? taken(cx, add, first, count) : NULL);
        ss_tensor *s = beside ? ss_layer_conv(cx, at, "conv_shortcut", taken(cx, from, first, count)) : NULL;
        if (!no_numbers(cx) && !cx->status) memcpy(above, row_of(from, first + count - 1), row_bytes(from));
        put(cx, to, first, y);
        if (beside) put(cx, beside, first, s);
        ss_arena_rewind(cx->arena, strip);
        if (no_numbers(cx)) break;
    }
    ss_arena_rewind(cx->arena, start);
}

/* Rows first - 1 .. first + count of x at twice its size. */
static ss_tensor *doubled(ss_ctx *cx, const ss_tensor *x, int64_t first, int64_t count) {
    int64_t c = x->shape[1], h = x->shape[2], w = x->shape[3];
    ss_tensor *y = ss_tensor_new(cx, x->dtype, 4, (int64_t[]){1, c, count + 2, 2 * w});
    if (!y || no_numbers(cx)) return y;
    size_t pixel = (size_t)c * ss_dtype_size(x->dtype), row = (size_t)w * pixel;
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(cx, ss_count(y)))
    for (int64_t i = 0; i < count + 2; i++) {
        int64_t v = first - 1 + i;
        char *to = (char *)y->bytes + (size_t)i * 2 * row;
        if (v < 0 || v >= 2 * h)
            memset(to, 0, 2 * row);
        else
            for (int64_t u = 0; u < 2 * w; u++)
                memcpy(to + (size_t)u * pixel, (const char *)x->bytes + (size_t)(v / 2) * row + (size_t)(u / 2) * pixel,
                       pixel);
    }
    return y;
}

/* Channels that a layer of the decoder makes; 0 if there is no such layer. */
static int64_t made_by(ss_at at, const char *name) {
    const ss_param *p = ss_params_find(at.in, ss_sub(at, "%s.weight", name).path);
    return p ? p->shape[0] : 0;
}

/* What comes into a level: x at twice its size, convolved, or x as it is where `conv` is NULL. */
static void come_in(ss_ctx *cx, const decoder *d, ss_at at, const char *conv, ss_tensor *x, const picture *to) {
    int64_t rows = rows_of_strip(d, to);
    const picture from = {.dtype = to->dtype, .w = to->w, .c = to->c, .apart = row_bytes(to), .rows = x->bytes};
    for (int64_t first = 0, count; first < to->h && !cx->status; first += count) {
        ss_mark strip = ss_arena_mark(cx->arena);
        count = to->h - first < rows ? to->h - first : rows;
        ss_tensor *y =
            conv ? conv_rows(cx, at, conv, doubled(cx, x, first, count), NULL) : taken(cx, &from, first, count);
        put(cx, to, first, y);
        ss_arena_rewind(cx->arena, strip);
        if (no_numbers(cx)) break;
    }
}

static ss_tensor *way_out(ss_ctx *cx, const decoder *d, const picture *from) {
    ss_tensor *y = ss_tensor_new(cx, SS_F32, 4, (int64_t[]){1, made_by(d->at, "conv_out"), from->h, from->w});
    ss_mark start = ss_arena_mark(cx->arena);
    const norm *z = norm_of(cx, d, d->at, "conv_norm_out", from);
    int64_t rows = rows_of_strip(d, from), row = y ? from->w * y->shape[1] : 0;
    for (int64_t first = 0, count; first < from->h && !cx->status; first += count) {
        ss_mark strip = ss_arena_mark(cx->arena);
        count = from->h - first < rows ? from->h - first : rows;
        const char *above = first ? row_of(from, first - 1) : NULL;
        ss_tensor *x = conv_rows(cx, d->at, "conv_out", normalised(cx, from, z, above, first, count), NULL);
        x = ss_cast(cx, x, SS_F32);
        if (x && !no_numbers(cx)) memcpy(y->data + first * row, x->data, (size_t)(count * row) * sizeof *y->data);
        ss_arena_rewind(cx->arena, strip);
        if (no_numbers(cx)) break;
    }
    ss_arena_rewind(cx->arena, start);
    return y;
}

/* The picture's rows moved together. */
static ss_tensor *packed(ss_ctx *cx, const picture *p) {
    ss_tensor *x = ss_tensor_wrap(cx, (float *)p->rows, 4, (int64_t[]){1, p->c, p->h, p->w});
    if (!x) return NULL;
    x->dtype = p->dtype;
    for (int64_t y = 1; y < p->h && !no_numbers(cx); y++)
        memmove(p->rows + (size_t)y * row_bytes(p), row_of(p, y), row_bytes(p));
    return x;
}

static ss_tensor *level(ss_ctx *cx, const decoder *d, int i, ss_tensor *x) {
    int64_t twice = i ? 2 : 1, h = twice * x->shape[2], w = twice * x->shape[3], into, own, most;
    ss_at up = ss_sub(d->at, "up_blocks.%d", i), below = ss_sub(d->at, "up_blocks.%d", i - 1);
    into = i ? made_by(below, "upsamplers.0.conv") : x->shape[1];
    own = made_by(up, "resnets.0.conv1");
    most = into > 2 * own ? into : 2 * own;
    size_t size = ss_dtype_size(x->dtype), apart = (size_t)(w * most) * size;
    char *rows = ss_arena_take_data(cx, (size_t)h * apart);
    picture wide = picture_new(cx, x->dtype, h, w, into, apart, rows),
            kept = picture_new(cx, x->dtype, h, w, own, apart, rows),
            made = picture_new(cx, x->dtype, h, w, own, apart, rows ? rows + (size_t)(w * own) * size : NULL);
    if (cx->status) return NULL;

    come_in(cx, d, below, i ? "upsamplers.0.conv" : NULL, x, &wide);
    if (into == own) kept = wide;
    for (int j = 0; j < 3; j++) {
        ss_at block = ss_sub(up, "resnets.%d", j);
        bool turns = j == 0 && into != own;
        convolve(cx, d, block, "norm1", "conv1", turns ? &wide : &kept, NULL, &made, turns ? &kept : NULL);
        convolve(cx, d, block, "norm2", "conv2", &made, &kept, &kept, NULL);
    }
    return i < 3 ? packed(cx, &kept) : way_out(cx, d, &kept);
}

bool ss_strips_fit(const ss_ctx *cx, ss_at at, const ss_tensor *x) {
    bool fits = x && x->shape[0] == 1 && cx->device->kind != SS_REF && !cx->watch && !cx->tape;
    for (int i = 0; i < 4 && fits; i++) {
        ss_at up = ss_sub(at, "up_blocks.%d", i);
        int64_t own = made_by(up, "resnets.0.conv1"), up_to = i < 3 ? made_by(up, "upsamplers.0.conv") : own;
        fits = own > 0 && own <= SS_PIECE && up_to > 0 && up_to <= SS_PIECE;
    }
    return fits;
}

ss_tensor *ss_decode_strips(ss_ctx *cx, const ss_vae *vae, ss_at at, ss_tensor *x, int64_t rows) {
    const decoder d = {vae, at, rows};
    ss_scope s = ss_scope_open(cx);
    for (int i = 0; i < 4 && x; i++) x = ss_scope_close(cx, s, level(cx, &d, i, x));
    return x;
}
