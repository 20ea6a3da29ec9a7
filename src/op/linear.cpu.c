/* Linear layers on the processor: matrix products with packed weights. The mathematics is in linear.c. */
#include "op/product.h"

ss_status ss_linear_cpu(const ss_call *k) {
    int64_t width = ss_channels(k->x[0]);
    return ss_product_forward(
        k, (ss_product){
               .kind = SS_MATMUL, .n = ss_rows(k->y), .c = width, .o = ss_channels(k->y), .x_row = width, .x_col = 1});
}

ss_status ss_linear_cpu_back(const ss_call *k) {
    int64_t rows = ss_rows(k->y), width = ss_channels(k->x[0]), outs = ss_channels(k->y);
    ss_status st = SS_OK;
    if (k->dx[0])
        st = ss_product_dx(
            k, (ss_product){.kind = SS_MATMUL, .n = rows, .c = outs, .o = width, .x_row = outs, .x_col = 1}, 1, 0, 0);
    if (!st && k->dx[1]) st = ss_product_dw(k, (ss_product){.kind = SS_MATMUL, .n = rows, .c = width, .o = outs});
    if (!st) ss_product_db_dadd(k);
    return st;
}
