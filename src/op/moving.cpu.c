/* Operations that only move channels about, on the processor. Forward they copy bytes, whatever the numbers are made
 * of; backward they add float32 where the numbers came from. */
#include "op/cpu.h"
#include "op/embedding.h"
#include "op/loops.h"

#include <string.h>

/* Copies, for each of `rows` rows, `bytes` bytes; rows lie `to_stride` and `from_stride` bytes apart. */
static void copy_rows(const ss_call *k, void *to, size_t to_stride, const void *from, size_t from_stride, size_t bytes,
                      int64_t rows) {
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, rows *(int64_t)bytes / 4))
    for (int64_t r = 0; r < rows; r++)
        memcpy((char *)to + (size_t)r * to_stride, (const char *)from + (size_t)r * from_stride, bytes);
}

/* dx += dy for each of `rows` rows of n numbers; strides in numbers. */
static void add_rows(const ss_call *k, float *dx, int64_t dx_stride, const float *dy, int64_t dy_stride, int64_t n,
                     int64_t rows) {
    const ss_loops *l = ss_loops_of(k->cx);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, rows *n))
    for (int64_t r = 0; r < rows; r++) l->add(dx + r * dx_stride, dx + r * dx_stride, dy + r * dy_stride, n);
}

ss_status ss_concat_cpu(const ss_call *k) {
    const size_t size = ss_dtype_size(k->y->dtype), a = (size_t)ss_channels(k->x[0]) * size,
                 b = (size_t)ss_channels(k->x[1]) * size;
    char *y = k->y->bytes;
    copy_rows(k, y, a + b, k->x[0]->bytes, a, a, ss_rows(k->y));
    copy_rows(k, y + a, a + b, k->x[1]->bytes, b, b, ss_rows(k->y));
    return SS_OK;
}

ss_status ss_concat_cpu_back(const ss_call *k) {
    const int64_t a = ss_channels(k->x[0]), b = ss_channels(k->x[1]), rows = ss_rows(k->y);
    if (k->dx[0]) add_rows(k, k->dx[0], a, k->dy, a + b, a, rows);
    if (k->dx[1]) add_rows(k, k->dx[1], b, k->dy + a, a + b, b, rows);
    return SS_OK;
}

ss_status ss_slice_cpu(const ss_call *k) {
    const ss_slice_attr *a = k->attr;
    const size_t size = ss_dtype_size(k->y->dtype), bytes = (size_t)a->count * size;
    copy_rows(k, k->y->bytes, bytes, (char *)k->x[0]->bytes + (size_t)a->first * size,
              (size_t)ss_channels(k->x[0]) * size, bytes, ss_rows(k->y));
    return SS_OK;
}

ss_status ss_slice_cpu_back(const ss_call *k) {
    const ss_slice_attr *a = k->attr;
    add_rows(k, k->dx[0] + a->first, ss_channels(k->x[0]), k->dy, a->count, a->count, ss_rows(k->y));
    return SS_OK;
}

ss_status ss_upsample_cpu(const ss_call *k) {
    const int64_t *in = k->x[0]->shape, *out = k->y->shape;
    const size_t bytes = (size_t)out[1] * ss_dtype_size(k->y->dtype);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, ss_count(k->y)))
    for (int64_t row = 0; row < out[0] * out[2]; row++) {
        int64_t image = row / out[2], r = row % out[2];
        char *y = (char *)k->y->bytes + (size_t)(row * out[3]) * bytes;
        const char *x = (const char *)k->x[0]->bytes + (size_t)((image * in[2] + r * in[2] / out[2]) * in[3]) * bytes;
        for (int64_t s = 0; s < out[3]; s++)
            memcpy(y + (size_t)s * bytes, x + (size_t)(s * in[3] / out[3]) * bytes, bytes);
    }
    return SS_OK;
}

/* Whoever owns an image's channels adds all that was made of them, so no two threads meet. */
ss_status ss_upsample_cpu_back(const ss_call *k) {
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t *in = k->x[0]->shape, *out = k->y->shape, c = out[1];
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, ss_count(k->y)))
    for (int64_t row = 0; row < in[0] * in[2]; row++) {
        int64_t image = row / in[2], from = row % in[2];
        /* The rows of y that row `from` of x became: those with r in / out rounded down to it. */
        int64_t first = (from * out[2] + in[2] - 1) / in[2], end = ((from + 1) * out[2] + in[2] - 1) / in[2];
        for (int64_t r = first; r < end; r++)
            for (int64_t s = 0; s < out[3]; s++) {
                float *dx = k->dx[0] + (row * in[3] + s * in[3] / out[3]) * c;
                l->add(dx, dx, k->dy + ((image * out[2] + r) * out[3] + s) * c, c);
            }
    }
    return SS_OK;
}

/* Only the rows that are asked for are converted: the table itself stays as the checkpoint stores it. */
ss_status ss_embedding_cpu(const ss_call *k) {
    const ss_embedding_attr *a = k->attr;
    const int64_t d = k->x[0]->shape[1];
    float *row = ss_scratch(k->cx, (size_t)d * sizeof *row);
    if (!row) return SS_ERR_NOMEM;
    for (int64_t i = 0; i < a->n * a->len; i++) {
        ss_row from = ss_embedding_row(k, i);
        const ss_tensor *table = k->x[from.of];
        const ss_param *p = table->param;
        const char *stored = p && !p->data ? (const char *)p->stored + (size_t)(from.at * d) * ss_dtype_size(p->dtype)
                                           : (const char *)((p ? p->data : table->data) + from.at * d);
        ss_to_f32(row, stored, p && !p->data ? p->dtype : SS_F32, (size_t)d);
        if (k->y->dtype == SS_BF16)
            ss_f32_to_bf16(k->y->half + i * d, row, (size_t)d);
        else
            memcpy(k->y->data + i * d, row, (size_t)d * sizeof *row);
    }
    return SS_OK;
}

ss_status ss_embedding_cpu_back(const ss_call *k) {
    const ss_embedding_attr *a = k->attr;
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t d = k->x[0]->shape[1];
    for (int64_t i = 0; i < a->n * a->len; i++) {
        ss_row from = ss_embedding_row(k, i);
        float *dx = k->dx[from.of] ? k->dx[from.of] + from.at * d : NULL;
        if (dx) l->add(dx, dx, k->dy + i * d, d);
    }
    return SS_OK;
}
