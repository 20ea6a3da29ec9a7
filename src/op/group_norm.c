/* Group norm with what stands around it in a residual block, where the time embedding comes in as `shift`:
 *
 *     u = x + shift,   v = (u - mean) / sqrt(var + eps),   z = w v + b,   y = z or silu(z)
 *
 * mean and var are those of one image's group: all places, c / groups channels. Backward:
 *
 *     dz = dy or dy silu'(z),   db = sum dz,   dw = sum dz v,   dv = dz w
 *     du = (dv - mean(dv) - v mean(dv v)) / sqrt(var + eps),   dx = du,   dshift = sum of du over the places
 */
#include "op/cpu.h"
#include "op/ops.h"
#include "op/scalar.h"

static ss_status shape(const ss_call *k, ss_shape *y) {
    const ss_norm_attr *a = k->attr;
    const ss_tensor *x = k->x[0], *shift = k->x[3];
    int64_t c = ss_channels(x);
    (void)y;
    if (a->groups < 1 || c % a->groups)
        return ss_fail(k->cx, SS_ERR_SHAPE, "group norm: %lld channels do not divide into %d groups", (long long)c,
                       a->groups);
    if (ss_count(k->x[1]) != c || ss_count(k->x[2]) != c)
        return ss_fail(k->cx, SS_ERR_SHAPE, "group norm: %lld channels, but %lld scales and %lld offsets", (long long)c,
                       (long long)ss_count(k->x[1]), (long long)ss_count(k->x[2]));
    if (shift &&
        (shift->rank != 2 || shift->shape[0] != x->shape[0] || shift->shape[1] != c || shift->dtype != x->dtype)) {
        char s[64], t[64];
        return ss_fail(k->cx, SS_ERR_SHAPE, "group norm: a shift for %s of %s has to be [%lld, %lld] and is %s of %s",
                       ss_shape_text(s, x->rank, x->shape), ss_dtype_name(x->dtype), (long long)x->shape[0],
                       (long long)c, ss_shape_text(t, shift->rank, shift->shape), ss_dtype_name(shift->dtype));
    }
    return SS_OK;
}

/* One image's group: channels first .. first + count - 1 at every place. */
typedef struct group {
    const float *x; /* of the image, [places, c] */
    float *shift, *dshift;
    int64_t image, first, count, places, c;
    double mean, scale; /* of u */
} group;

static double u_of(const group *g, int64_t p, int64_t i) {
    return (double)g->x[p * g->c + i] + (g->shift ? g->shift[i] : 0);
}

static group statistics(const ss_call *k, int64_t image, int64_t number) {
    const ss_norm_attr *a = k->attr;
    int64_t c = ss_channels(k->x[0]), places = ss_rows(k->x[0]) / k->x[0]->shape[0], count = c / a->groups;
    group g = {.x = k->x[0]->data + image * places * c,
               .shift = k->x[3] ? k->x[3]->data + image * c : NULL,
               .dshift = k->dx[3] ? k->dx[3] + image * c : NULL,
               .image = image,
               .first = number * count,
               .count = count,
               .places = places,
               .c = c};
    double sum = 0, square = 0, values = (double)(places * count);
    for (int64_t p = 0; p < places; p++)
        for (int64_t i = g.first; i < g.first + count; i++) sum += u_of(&g, p, i);
    g.mean = sum / values;
    for (int64_t p = 0; p < places; p++)
        for (int64_t i = g.first; i < g.first + count; i++)
            square += (u_of(&g, p, i) - g.mean) * (u_of(&g, p, i) - g.mean);
    g.scale = 1 / sqrt(square / values + a->eps);
    return g;
}

static ss_status forward(const ss_call *k) {
    const ss_norm_attr *a = k->attr;
    const float *w = ss_weights_f32(k, 1), *b = ss_weights_f32(k, 2);
    if (!w || !b) return SS_ERR_NOMEM;
    for (int64_t n = 0; n < k->y->shape[0] * a->groups; n++) {
        group g = statistics(k, n / a->groups, n % a->groups);
        for (int64_t p = 0; p < g.places; p++)
            for (int64_t i = g.first; i < g.first + g.count; i++) {
                float z = (float)((u_of(&g, p, i) - g.mean) * g.scale) * w[i] + b[i];
                k->y->data[(g.image * g.places + p) * g.c + i] = a->silu ? ss_silu_of(z) : z;
            }
    }
    return SS_OK;
}

static ss_status backward(const ss_call *k) {
    const ss_norm_attr *a = k->attr;
    const float *w = ss_weights_f32(k, 1), *b = ss_weights_f32(k, 2);
    if (!w || !b) return SS_ERR_NOMEM;
    for (int64_t n = 0; n < k->y->shape[0] * a->groups; n++) {
        group g = statistics(k, n / a->groups, n % a->groups);
        double dv_mean = 0, dvv_mean = 0, values = (double)(g.places * g.count);
        for (int pass = 0; pass < 2; pass++)
            for (int64_t p = 0; p < g.places; p++)
                for (int64_t i = g.first; i < g.first + g.count; i++) {
                    int64_t at = (g.image * g.places + p) * g.c + i;
                    double v = (u_of(&g, p, i) - g.mean) * g.scale;
                    double dz = k->dy[at] * (a->silu ? ss_silu_slope((float)v * w[i] + b[i]) : 1), dv = dz * w[i];
                    if (pass == 0) {
                        dv_mean += dv / values;
                        dvv_mean += dv * v / values;
                        continue;
                    }
                    double du = (dv - dv_mean - v * dvv_mean) * g.scale;
                    if (k->dx[0]) k->dx[0][at] += (float)du;
                    if (k->dx[1]) k->dx[1][i] += (float)(dz * v);
                    if (k->dx[2]) k->dx[2][i] += (float)dz;
                    if (g.dshift) g.dshift[i] += (float)du;
                }
    }
    return SS_OK;
}

const ss_op ss_op_group_norm = {
    .name = "group_norm",
    .inputs = 4,
    .optional = 1u << 3,
    .rereads = 1u << 0 | 1u << 3,
    .attr_size = sizeof(ss_norm_attr),
    .shape = shape,
    .on = {[SS_REF] = {forward, backward}, [SS_CPU] = SS_ON_CPU(group_norm)},
};

ss_tensor *ss_group_norm(ss_ctx *cx, ss_tensor *x, ss_tensor *w, ss_tensor *b, ss_tensor *shift,
                         const ss_norm_attr *a) {
    return x && w && b ? ss_apply(cx, &ss_op_group_norm, a, (ss_tensor *[]){x, w, b, shift}) : NULL;
}
