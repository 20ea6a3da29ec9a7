/* Layer norm: each row to mean 0 and variance 1, then scaled and offset channel by channel.
 *
 *     v = (x - mean) / sqrt(var + eps),   y = w v + b
 *     db = sum dy,   dw = sum dy v,   dv = dy w,   dx = (dv - mean(dv) - v mean(dv v)) / sqrt(var + eps)
 */
#include "op/cpu.h"
#include "op/ops.h"

#include <math.h>

static ss_status shape(const ss_call *k, ss_shape *y) {
    int64_t d = ss_channels(k->x[0]);
    (void)y;
    if (ss_count(k->x[1]) == d && ss_count(k->x[2]) == d) return SS_OK;
    return ss_fail(k->cx, SS_ERR_SHAPE, "layer norm: rows of %lld channels, but %lld scales and %lld offsets",
                   (long long)d, (long long)ss_count(k->x[1]), (long long)ss_count(k->x[2]));
}

static void statistics(const float *x, int64_t d, float eps, double *mean, double *scale) {
    double sum = 0, square = 0;
    for (int64_t i = 0; i < d; i++) sum += x[i];
    *mean = sum / (double)d;
    for (int64_t i = 0; i < d; i++) square += (x[i] - *mean) * (x[i] - *mean);
    *scale = 1 / sqrt(square / (double)d + eps);
}

static ss_status forward(const ss_call *k) {
    const ss_norm_attr *a = k->attr;
    const float *w = ss_weights_f32(k, 1), *b = ss_weights_f32(k, 2);
    if (!w || !b) return SS_ERR_NOMEM;
    int64_t d = ss_channels(k->y);
    for (int64_t r = 0, rows = ss_rows(k->y); r < rows; r++) {
        const float *x = k->x[0]->data + r * d;
        double mean, scale;
        statistics(x, d, a->eps, &mean, &scale);
        for (int64_t i = 0; i < d; i++) k->y->data[r * d + i] = (float)((x[i] - mean) * scale) * w[i] + b[i];
    }
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    const ss_norm_attr *a = k->attr;
    const float *w = ss_weights_f32(k, 1);
    if (!w) return SS_ERR_NOMEM;
    int64_t d = ss_channels(k->y);
    for (int64_t r = 0, rows = ss_rows(k->y); r < rows; r++) {
        const float *x = k->x[0]->data + r * d, *dy = k->dy + r * d;
        double mean, scale, dv_mean = 0, dvv_mean = 0;
        statistics(x, d, a->eps, &mean, &scale);
        for (int64_t i = 0; i < d; i++) {
            double v = (x[i] - mean) * scale, dv = dy[i] * w[i];
            dv_mean += dv / (double)d;
            dvv_mean += dv * v / (double)d;
        }
        for (int64_t i = 0; i < d; i++) {
            double v = (x[i] - mean) * scale, dv = dy[i] * w[i];
            if (k->dx[0]) k->dx[0][r * d + i] += (float)((dv - dv_mean - v * dvv_mean) * scale);
            if (k->dx[1]) k->dx[1][i] += (float)(dy[i] * v);
            if (k->dx[2]) k->dx[2][i] += dy[i];
        }
    }
    return SS_OK;
}

const ss_op ss_op_layer_norm = {
    .name = "layer_norm",
    .inputs = 3,
    .rereads = 1u << 0,
    .attr_size = sizeof(ss_norm_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(layer_norm)},
};

ss_tensor *ss_layer_norm(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b, float eps) {
    if (!x || !w || !b) return NULL;
    return ss_apply(cx, &ss_op_layer_norm, &(ss_norm_attr){.eps = eps}, (ss_tensor *[]){x, w, b});
}
