/* Operations that see one number at a time, on the processor: pieces of the tensors go through the loops of loops.h,
 * the pieces shared out among the threads. Each piece is computed the same way whoever does it. */
#include "op/cpu.h"
#include "op/loops.h"

typedef void forward_fn(float *y, const float *x, int64_t n);
typedef void backward_fn(float *dx, const float *dy, const float *x, int64_t n);

static int64_t length(int64_t at, int64_t n) { return n - at < SS_PIECE ? n - at : SS_PIECE; }

static ss_status forward(const ss_call *k, forward_fn *f) {
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t n = ss_count(k->y);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, n))
    for (int64_t at = 0; at < n; at += SS_PIECE) {
        float x[SS_PIECE], y[SS_PIECE];
        int64_t m = length(at, n);
        f(ss_piece_begin(k->y, at, y), ss_piece(l, k->x[0], at, m, x), m);
        ss_piece_done(l, k->y, at, m, y);
    }
    return SS_OK;
}

static ss_status backward(const ss_call *k, backward_fn *f) {
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t n = ss_count(k->y);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, n))
    for (int64_t at = 0; at < n; at += SS_PIECE) {
        float x[SS_PIECE];
        int64_t m = length(at, n);
        f(k->dx[0] + at, k->dy + at, ss_piece(l, k->x[0], at, m, x), m);
    }
    return SS_OK;
}

ss_status ss_silu_cpu(const ss_call *k) { return forward(k, ss_loops_of(k->cx)->silu); }
ss_status ss_silu_cpu_back(const ss_call *k) { return backward(k, ss_loops_of(k->cx)->silu_back); }
ss_status ss_gelu_cpu(const ss_call *k) { return forward(k, ss_loops_of(k->cx)->gelu); }
ss_status ss_gelu_cpu_back(const ss_call *k) { return backward(k, ss_loops_of(k->cx)->gelu_back); }
ss_status ss_quick_gelu_cpu(const ss_call *k) { return forward(k, ss_loops_of(k->cx)->quick_gelu); }
ss_status ss_quick_gelu_cpu_back(const ss_call *k) { return backward(k, ss_loops_of(k->cx)->quick_gelu_back); }

ss_status ss_geglu_cpu(const ss_call *k) {
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t d = ss_channels(k->y), rows = ss_rows(k->y);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, rows *d))
    for (int64_t r = 0; r < rows; r++)
        for (int64_t at = 0; at < d; at += SS_PIECE) {
            float v[SS_PIECE], g[SS_PIECE], y[SS_PIECE];
            int64_t m = length(at, d), from = 2 * d * r + at, to = d * r + at;
            l->geglu(ss_piece_begin(k->y, to, y), ss_piece(l, k->x[0], from, m, v),
                     ss_piece(l, k->x[0], from + d, m, g), m);
            ss_piece_done(l, k->y, to, m, y);
        }
    return SS_OK;
}

ss_status ss_geglu_cpu_back(const ss_call *k) {
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t d = ss_channels(k->y), rows = ss_rows(k->y);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, rows *d))
    for (int64_t r = 0; r < rows; r++)
        for (int64_t at = 0; at < d; at += SS_PIECE) {
            float v[SS_PIECE], g[SS_PIECE];
            int64_t m = length(at, d), from = 2 * d * r + at;
            l->geglu_back(k->dx[0] + from, k->dx[0] + from + d, k->dy + d * r + at, ss_piece(l, k->x[0], from, m, v),
                          ss_piece(l, k->x[0], from + d, m, g), m);
        }
    return SS_OK;
}

/* dx[0 .. n - 1] += dy. */
static void add_to(const ss_call *k, float *dx, const float *dy, int64_t n) {
    const ss_loops *l = ss_loops_of(k->cx);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, n))
    for (int64_t at = 0; at < n; at += SS_PIECE) l->add(dx + at, dx + at, dy + at, length(at, n));
}

/* z is as long as x, or repeated; pieces end where a repetition does. */
ss_status ss_add_cpu(const ss_call *k) {
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t n = ss_count(k->y), period = ss_count(k->x[1]), times = n / (period ? period : 1);
    ss_tensor z = *k->x[1];
    if (z.param) z.data = (float *)ss_param_f32(k->cx, z.param);
    if (!z.data) return SS_ERR_NOMEM;
    for (int64_t t = 0; t < times; t++) {
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, period))
        for (int64_t at = 0; at < period; at += SS_PIECE) {
            float x[SS_PIECE], plus[SS_PIECE], y[SS_PIECE];
            int64_t m = length(at, period), to = t * period + at;
            l->add(ss_piece_begin(k->y, to, y), ss_piece(l, k->x[0], to, m, x), ss_piece(l, &z, at, m, plus), m);
            ss_piece_done(l, k->y, to, m, y);
        }
    }
    return SS_OK;
}

ss_status ss_add_cpu_back(const ss_call *k) {
    const int64_t n = ss_count(k->y), period = ss_count(k->x[1]);
    if (k->dx[0]) add_to(k, k->dx[0], k->dy, n);
    for (int64_t t = 0; k->dx[1] && t < n; t += period) add_to(k, k->dx[1], k->dy + t, period);
    return SS_OK;
}

ss_status ss_cast_cpu(const ss_call *k) {
    const ss_loops *l = ss_loops_of(k->cx);
    const int64_t n = ss_count(k->y);
#pragma omp parallel for schedule(static) num_threads(ss_threads_for(k->cx, n))
    for (int64_t at = 0; at < n; at += SS_PIECE) {
        int64_t m = length(at, n);
        if (k->y->dtype == SS_BF16)
            l->narrow(k->y->half + at, k->x[0]->data + at, m);
        else
            l->widen(k->y->data + at, k->x[0]->half + at, m);
    }
    return SS_OK;
}

ss_status ss_cast_cpu_back(const ss_call *k) {
    add_to(k, k->dx[0], k->dy, ss_count(k->y));
    return SS_OK;
}

ss_status ss_view_cpu_back(const ss_call *k) { return ss_cast_cpu_back(k); }
