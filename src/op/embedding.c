/* y[i, j] = table[ids[i, j]]: a token's row, or from `first` on added[ids[i, j] - first]. Backward adds each row's
 * gradient where the row came from. */
#include "op/embedding.h"
#include "op/cpu.h"
#include "op/ops.h"

#include <string.h>

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_embedding_attr *a = k->attr;
    const ss_tensor *table = k->x[0], *added = k->x[1];
    char text[64], more[64];
    if (table->rank != 2)
        return ss_fail(k->cx, SS_ERR_SHAPE, "embedding: the table has to be [vocabulary, width] and is %s",
                       ss_shape_text(text, table->rank, table->shape));
    if (added && (added->rank != 2 || added->shape[1] != table->shape[1] || a->first > table->shape[0]))
        return ss_fail(k->cx, SS_ERR_SHAPE, "embedding: rows %s are added from %d on to a table of %s",
                       ss_shape_text(more, added->rank, added->shape), a->first,
                       ss_shape_text(text, table->rank, table->shape));
    int64_t rows = added ? a->first + added->shape[0] : table->shape[0];
    for (int64_t i = 0; i < a->n * a->len; i++)
        if (a->ids[i] < 0 || a->ids[i] >= rows)
            return ss_fail(k->cx, SS_ERR_SHAPE, "embedding: token %d, but the vocabulary has %lld entries", a->ids[i],
                           (long long)rows);
    *y = (ss_shape){.dtype = k->cx->device->numbers, .rank = 3, .at = {a->n, a->len, table->shape[1]}};
    return SS_OK;
}

static ss_status forward(const ss_call *k) {
    const ss_embedding_attr *a = k->attr;
    const float *table[2] = {ss_weights_f32(k, 0), k->x[1] ? ss_weights_f32(k, 1) : NULL};
    if (k->cx->status) return k->cx->status;
    int64_t d = k->x[0]->shape[1];
    for (int64_t i = 0; i < a->n * a->len; i++) {
        ss_row row = ss_embedding_row(k, i);
        memcpy(k->y->data + i * d, table[row.of] + row.at * d, (size_t)d * sizeof(float));
    }
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    const ss_embedding_attr *a = k->attr;
    int64_t d = k->x[0]->shape[1];
    for (int64_t i = 0; i < a->n * a->len; i++) {
        ss_row row = ss_embedding_row(k, i);
        for (int64_t c = 0; c < d && k->dx[row.of]; c++) k->dx[row.of][row.at * d + c] += k->dy[i * d + c];
    }
    return SS_OK;
}

const ss_op ss_op_embedding = {
    .name = "embedding",
    .inputs = 2,
    .optional = 1u << 1,
    .attr_size = sizeof(ss_embedding_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(embedding)},
};

ss_tensor *ss_embedding(ss_ctx *cx, ss_tensor *table, const int32_t *ids, int64_t n, int64_t len) {
    return ss_embedding_added(cx, table, NULL, 0, ids, n, len);
}

ss_tensor *ss_embedding_added(ss_ctx *cx, ss_tensor *table, ss_tensor *added, int32_t first, const int32_t *ids,
                              int64_t n, int64_t len) {
    if (!table) return NULL;
    return ss_apply(cx, &ss_op_embedding, &(ss_embedding_attr){ids, n, len, first}, (ss_tensor *[]){table, added});
}
