/* What convolutions and linear layers share on the processor: packed weights, long sums in slices, forward and
 * backward.
 *
 * The description of a product comes with all of x's channels; it is computed in slices of them where there are many,
 * since oneDNN's kernels slow down to a half once a block of weights no longer fits the second cache.
 */
#ifndef SS_OP_PRODUCT_H
#define SS_OP_PRODUCT_H

#include "device/dnnl.h"
#include "op/ops.h"

/* y = the product of x and w, plus b and add where they are there. `p` has kind and sizes; rows of a matrix
 * product are pictures of one place. */
ss_status ss_product_forward(const ss_call *k, ss_product p);

/* The same, then its GEGLU, for a y with half of p's channels. False where it cannot be had in one go. */
bool ss_product_gated(const ss_call *k, ss_product p, ss_status *st);

/* dx += the product of dy and the weights with their two sides exchanged and their taps reversed. `p` describes this
 * product. What it multiplies is dy on a canvas [n, o, p.h, p.w], with `stride` between its places and the first one at
 * (top, left), which may lie outside. */
ss_status ss_product_dx(const ss_call *k, ss_product p, int64_t stride, int64_t top, int64_t left);

/* dw += the gradient of the weights; `p` is the forward product. */
ss_status ss_product_dw(const ss_call *k, ss_product p);

/* db += the sum of dy over its rows; dadd += dy. Each where somebody asked for it. */
void ss_product_db_dadd(const ss_call *k);

/* The kernels themselves: conv2d.cpu.c and linear.cpu.c. */
ss_status ss_conv2d_cpu(const ss_call *k), ss_conv2d_cpu_back(const ss_call *k);
ss_status ss_linear_cpu(const ss_call *k), ss_linear_cpu_back(const ss_call *k);
bool ss_linear_gated_cpu(const ss_call *k, ss_status *st); /* as ss_product_gated */

#endif
