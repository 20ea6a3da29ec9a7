/* y[i, j] = table[ids[i, j]]: a token's row. Backward adds each row's gradient where the row came from. */
#include "op/cpu.h"
#include "op/ops.h"

#include <string.h>

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_embedding_attr *a = k->attr;
    const ss_tensor *table = k->x[0];
    if (table->rank != 2) {
        char text[64];
        return ss_fail(k->cx, SS_ERR_SHAPE, "embedding: the table has to be [vocabulary, width] and is %s",
                       ss_shape_text(text, table->rank, table->shape));
    }
    for (int64_t i = 0; i < a->n * a->len; i++)
        if (a->ids[i] < 0 || a->ids[i] >= table->shape[0])
            return ss_fail(k->cx, SS_ERR_SHAPE, "embedding: token %d, but the vocabulary has %lld entries", a->ids[i],
                           (long long)table->shape[0]);
    *y = (ss_shape){.dtype = k->cx->device->numbers, .rank = 3, .at = {a->n, a->len, table->shape[1]}};
    return SS_OK;
}

static ss_status forward(const ss_call *k) {
    const ss_embedding_attr *a = k->attr;
    const float *table = ss_weights_f32(k, 0);
    if (!table) return SS_ERR_NOMEM;
    int64_t d = k->x[0]->shape[1];
    for (int64_t i = 0; i < a->n * a->len; i++)
        memcpy(k->y->data + i * d, table + a->ids[i] * d, (size_t)d * sizeof *table);
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    const ss_embedding_attr *a = k->attr;
    int64_t d = k->x[0]->shape[1];
    for (int64_t i = 0; i < a->n * a->len; i++)
        for (int64_t c = 0; c < d; c++) k->dx[0][a->ids[i] * d + c] += k->dy[i * d + c];
    return SS_OK;
}

const ss_op ss_op_embedding = {
    .name = "embedding",
    .inputs = 1,
    .attr_size = sizeof(ss_embedding_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(embedding)},
};

ss_tensor *ss_embedding(ss_ctx *cx, ss_tensor *table, const int32_t *ids, int64_t n, int64_t len) {
    return table ? ss_apply(cx, &ss_op_embedding, &(ss_embedding_attr){ids, n, len}, &table) : NULL;
}
