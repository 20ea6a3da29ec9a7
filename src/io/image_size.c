/* Pictures in other sizes. Nearest neighbour comes in torch's form and in Pillow's; the filters are Pillow's
 * convolution in fixed point, reproduced to the last bit: the reference programs prepare their pictures with it, and a
 * resizer that differs by a level or two gives visibly different features and scores.
 */
#include "io/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ nearest */

/* Where column (or row) i of `out` takes its pixel from in `in`. The float32 arithmetic is torch's, rounding included.
 */
static int nearest_index(int i, int in, int out, ss_resample how) {
    if (how == SS_NEAREST_CENTRE) return (int)((2 * (int64_t)i + 1) * in / (2 * (int64_t)out));
    int from = (int)floorf((float)i * ((float)in / (float)out));
    return from < in ? from : in - 1;
}

static ss_status resize_nearest(ss_image *y, ss_ctx *cx, const ss_image *x, ss_resample how) {
    int *column = ss_alloc(cx, (size_t)y->w, sizeof *column);
    if (!column) return SS_ERR_NOMEM;
    for (int i = 0; i < y->w; i++) column[i] = nearest_index(i, x->w, y->w, how);
    uint8_t *to = y->rgb;
    for (int j = 0; j < y->h; j++) {
        const uint8_t *row = x->rgb + (size_t)3 * x->w * nearest_index(j, x->h, y->h, how);
        for (int i = 0; i < y->w; i++, to += 3) memcpy(to, row + 3 * column[i], 3);
    }
    free(column);
    return SS_OK;
}

/* ------------------------------------------------------------------------------------------------ filters */

static double box(double t) { return t > -0.5 && t <= 0.5 ? 1 : 0; }

static double bilinear(double t) { return fabs(t) < 1 ? 1 - fabs(t) : 0; }

static double bicubic(double t) {
    const double a = -0.5;
    t = fabs(t);
    if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    if (t < 2) return (((t - 5) * t + 8) * t - 4) * a;
    return 0;
}

static double sinc(double t) { return t == 0 ? 1 : sin(t * M_PI) / (t * M_PI); }

static double lanczos(double t) { return t >= -3 && t < 3 ? sinc(t) * sinc(t / 3) : 0; }

static const struct {
    double (*at)(double);
    double support; /* beyond this distance it is zero */
} filters[] = {
    [SS_BOX] = {box, 0.5},
    [SS_BILINEAR] = {bilinear, 1},
    [SS_BICUBIC] = {bicubic, 2},
    [SS_LANCZOS] = {lanczos, 3},
};

enum { FRACTION = 22 }; /* bits behind the point of a weight: 255 of them and the sum still fit 32 bits */

/* What one axis sums up: output i is the sum over j < count[i] of weight[i * most + j] * input[first[i] + j]. */
typedef struct axis {
    int *first, *count;
    int32_t *weight;
    int most;
} axis;

static void free_axis(axis *a) {
    free(a->first);
    free(a->count);
    free(a->weight);
    *a = (axis){0};
}

static ss_status make_axis(axis *out, ss_ctx *cx, int in, int to, ss_resample how) {
    double scale = (double)in / to, stretch = scale > 1 ? scale : 1;
    double support = filters[how].support * stretch;
    axis a = {.most = 2 * (int)ceil(support) + 1};
    a.first = ss_alloc(cx, (size_t)to, sizeof *a.first);
    a.count = ss_alloc(cx, (size_t)to, sizeof *a.count);
    a.weight = ss_alloc(cx, (size_t)to * a.most, sizeof *a.weight);
    double *exact = ss_alloc(cx, (size_t)a.most, sizeof *exact);
    if (!a.first || !a.count || !a.weight || !exact) {
        free(exact);
        free_axis(&a);
        return SS_ERR_NOMEM;
    }
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale, sum = 0;
        int low = (int)(centre - support + 0.5), high = (int)(centre + support + 0.5);
        if (low < 0) low = 0;
        if (high > in) high = in;
        for (int j = 0; j < high - low; j++) {
            exact[j] = filters[how].at((j + low - centre + 0.5) * (1 / stretch));
            sum += exact[j];
        }
        a.first[i] = low;
        a.count[i] = high - low;
        for (int j = 0; j < high - low; j++) {
            double w = sum != 0 ? exact[j] / sum : exact[j];
            a.weight[(size_t)i * a.most + j] = (int32_t)(w * (1 << FRACTION) + (w < 0 ? -0.5 : 0.5));
        }
    }
    free(exact);
    *out = a;
    return SS_OK;
}

static uint8_t to_byte(int32_t sum) {
    sum >>= FRACTION;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* Rows keep their number, each becomes y->w wide. */
static ss_status resize_rows(ss_image *y, ss_ctx *cx, const ss_image *x, ss_resample how) {
    axis a = {0};
    ss_status st = make_axis(&a, cx, x->w, y->w, how);
    if (st) return st;
    for (int row = 0; row < y->h; row++) {
        uint8_t *to = y->rgb + (size_t)3 * row * y->w;
        for (int i = 0; i < y->w; i++, to += 3) {
            const uint8_t *from = x->rgb + 3 * ((size_t)row * x->w + a.first[i]);
            const int32_t *weight = a.weight + (size_t)i * a.most;
            int32_t r = 1 << (FRACTION - 1), g = r, b = r;
            for (int j = 0; j < a.count[i]; j++, from += 3) {
                r += weight[j] * from[0];
                g += weight[j] * from[1];
                b += weight[j] * from[2];
            }
            to[0] = to_byte(r), to[1] = to_byte(g), to[2] = to_byte(b);
        }
    }
    free_axis(&a);
    return SS_OK;
}

/* Columns keep their number, each becomes y->h high. */
static ss_status resize_columns(ss_image *y, ss_ctx *cx, const ss_image *x, ss_resample how) {
    axis a = {0};
    size_t n = (size_t)3 * y->w;
    int32_t *sum = ss_alloc(cx, n, sizeof *sum);
    ss_status st = sum ? make_axis(&a, cx, x->h, y->h, how) : SS_ERR_NOMEM;
    for (int row = 0; row < y->h && !st; row++) {
        for (size_t i = 0; i < n; i++) sum[i] = 1 << (FRACTION - 1);
        for (int j = 0; j < a.count[row]; j++) {
            const uint8_t *from = x->rgb + n * (size_t)(a.first[row] + j);
            int32_t weight = a.weight[(size_t)row * a.most + j];
            for (size_t i = 0; i < n; i++) sum[i] += weight * from[i];
        }
        for (size_t i = 0; i < n; i++) y->rgb[n * (size_t)row + i] = to_byte(sum[i]);
    }
    free_axis(&a);
    free(sum);
    return st;
}

/* Pillow from 13 on shrinks the height first where it loses more than twice the pixels that the width does; each way
 * rounds in between, so that they differ by a level. Earlier releases always begin with the rows. */
static bool columns_first(const ss_image *in, int w, int h) {
    return h < in->h && in->h - h > 2 * ((int64_t)in->w - w);
}

ss_status ss_image_resize(ss_image *out, ss_ctx *cx, const ss_image *in, int w, int h, ss_resample how) {
    ss_image half = {0}, made = {0}; /* half: done along one axis */
    ss_status st = SS_OK;
    if (w == in->w && h == in->h) return ss_image_copy(out, cx, in);

    st = ss_image_new(&made, cx, w, h);
    if (!st && how <= SS_NEAREST_CENTRE) {
        st = resize_nearest(&made, cx, in, how);
    } else if (!st && h == in->h) {
        st = resize_rows(&made, cx, in, how);
    } else if (!st && w == in->w) {
        st = resize_columns(&made, cx, in, how);
    } else if (!st && columns_first(in, w, h)) {
        st = ss_image_new(&half, cx, in->w, h);
        if (!st) st = resize_columns(&half, cx, in, how);
        if (!st) st = resize_rows(&made, cx, &half, how);
    } else if (!st) {
        st = ss_image_new(&half, cx, w, in->h);
        if (!st) st = resize_rows(&half, cx, in, how);
        if (!st) st = resize_columns(&made, cx, &half, how);
    }
    if (!st) {
        *out = made;
        made = (ss_image){0};
    }
    ss_image_free(&half);
    ss_image_free(&made);
    return st;
}

/* ------------------------------------------------------------------------------------------------ fitting */

static int at_least_one(int64_t a) { return a < 1 ? 1 : (int)a; }

ss_box ss_crop_box(int in_w, int in_h, int w, int h) {
    ss_box b = {.w = in_w, .h = in_h};
    if ((int64_t)in_w * h > (int64_t)in_h * w)
        b.w = at_least_one((int64_t)in_h * w / h);
    else
        b.h = at_least_one((int64_t)in_w * h / w);
    b.x = (in_w - b.w) / 2;
    b.y = (in_h - b.h) / 2;
    return b;
}

ss_box ss_pad_box(int in_w, int in_h, int w, int h) {
    ss_box b = {.w = w, .h = h};
    if ((int64_t)in_w * h > (int64_t)in_h * w)
        b.h = at_least_one(((int64_t)in_h * w + in_w / 2) / in_w);
    else
        b.w = at_least_one(((int64_t)in_w * h + in_h / 2) / in_h);
    b.x = (w - b.w) / 2;
    b.y = (h - b.h) / 2;
    return b;
}

static int clamped(int a, int n) { return a < 0 ? 0 : a >= n ? n - 1 : a; }

ss_status ss_image_fit(ss_image *out, ss_ctx *cx, const ss_image *in, int w, int h, ss_fit how) {
    ss_image part = {0}, made = {0};
    ss_status st = SS_OK;
    switch (how) {
    case SS_FIT_SQUASH:
        return ss_image_resize(out, cx, in, w, h, SS_NEAREST);
    case SS_FIT_CROP:
        if (w < 1 || h < 1) return ss_image_new(out, cx, w, h); /* which says what is wrong with them */
        st = ss_image_crop(&part, cx, in, ss_crop_box(in->w, in->h, w, h));
        if (!st) st = ss_image_resize(out, cx, &part, w, h, SS_LANCZOS);
        break;
    case SS_FIT_PAD:
        st = ss_image_new(&made, cx, w, h);
        if (st) break;
        ss_box b = ss_pad_box(in->w, in->h, w, h);
        st = ss_image_resize(&part, cx, in, b.w, b.h, SS_LANCZOS);
        if (st) break;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                memcpy(made.rgb + 3 * ((size_t)y * w + x),
                       part.rgb + 3 * ((size_t)clamped(y - b.y, b.h) * b.w + clamped(x - b.x, b.w)), 3);
        *out = made;
        made = (ss_image){0};
        break;
    }
    ss_image_free(&part);
    ss_image_free(&made);
    return st;
}
