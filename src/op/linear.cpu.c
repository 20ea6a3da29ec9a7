/* Linear layers on the processor: matrix products with packed weights. The mathematics is in linear.c. */
#include "op/product.h"

/* [rows, c] times [c, o]. */
static ss_product product(int64_t rows, int64_t c, int64_t o) {
    return (ss_product){.kind = SS_MATMUL, .n = rows, .c = c, .o = o, .h = 1, .w = 1, .x_row = c, .x_col = 1};
}

ss_status ss_linear_cpu(const ss_call *k) {
    return ss_product_forward(k, product(ss_rows(k->y), ss_channels(k->x[0]), ss_channels(k->y)));
}

bool ss_linear_gated_cpu(const ss_call *k, ss_status *st) {
    return ss_product_gated(k, product(ss_rows(k->y), ss_channels(k->x[0]), 2 * ss_channels(k->y)), st);
}

ss_status ss_linear_cpu_back(const ss_call *k) {
    int64_t rows = ss_rows(k->y), width = ss_channels(k->x[0]), outs = ss_channels(k->y);
    ss_status st = SS_OK;
    if (k->dx[0]) st = ss_product_dx(k, product(rows, outs, width), 1, 0, 0);
    if (!st && k->dx[1]) st = ss_product_dw(k, product(rows, width, outs));
    if (!st) ss_product_db_dadd(k);
    return st;
}
