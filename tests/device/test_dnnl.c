/* The door to oneDNN: orders of packed weights, what is kept, what is refused. That products are right is shown by the
 * operations that use them. */
#include "device/dnnl.h"

#include "device/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static int open_device(void **state) {
    ss_ctx *cx = calloc(1, sizeof *cx);
    cx->fail_allocation = -1;
    cx->device = ss_device_new(cx, SS_CPU, SS_F32, 2);
    *state = cx;
    return cx->device ? 0 : -1;
}

static int close_device(void **state) {
    ss_ctx *cx = *state;
    ss_device_free(cx->device);
    free(cx);
    return 0;
}

static ss_product convolution(ss_dtype from, int64_t c, int64_t o, int64_t side) {
    return (ss_product){.kind = SS_CONV,
                        .from = (int32_t)from,
                        .to = (int32_t)from,
                        .n = 1,
                        .c = c,
                        .o = o,
                        .h = side,
                        .w = side,
                        .kh = 3,
                        .kw = 3,
                        .p = side,
                        .q = side,
                        .stride = 1,
                        .top = 1,
                        .left = 1,
                        .bottom = 1,
                        .right = 1};
}

static ss_product matmul(ss_dtype from, int64_t n, int64_t c, int64_t o) {
    return (ss_product){
        .kind = SS_MATMUL, .from = (int32_t)from, .to = (int32_t)from, .n = n, .c = c, .o = o, .x_row = c, .x_col = 1};
}

/* Every element has a place of its own inside of the packed bytes. */
static void check_places(const ss_layout *l, size_t size, int rank, const int64_t *dims) {
    int64_t *offset[4] = {0}, count = (int64_t)(ss_layout_size(l) / size), all = 1;
    for (int d = 0; d < 4; d++) {
        int64_t n = d < rank ? dims[d] : 1;
        offset[d] = calloc((size_t)n, sizeof **offset);
        if (d < rank) ss_layout_offsets(l, d, offset[d]);
        all *= n;
    }
    assert_true(all <= count);
    bool *taken = calloc((size_t)count, sizeof *taken);
    for (int64_t i = 0; i < all; i++) {
        int64_t rest = i, at = 0;
        for (int d = rank; d-- > 0; rest /= dims[d]) at += offset[d][rest % dims[d]];
        assert_in_range(at, 0, count - 1);
        assert_false(taken[at]);
        taken[at] = true;
    }
    free(taken);
    for (int d = 0; d < 4; d++) free(offset[d]);
}

static void every_weight_has_its_place(void **state) {
    static const ss_dtype types[] = {SS_F32, SS_BF16};
    static const int64_t channels[][2] = {{1, 1}, {3, 128}, {320, 4}, {48, 80}, {64, 64}};
    for (int t = 0; t < SS_COUNT_OF(types); t++)
        for (int i = 0; i < SS_COUNT_OF(channels); i++) {
            int64_t c = channels[i][0], o = channels[i][1];
            size_t size = ss_dtype_size(types[t]);
            ss_product p = convolution(types[t], c, o, 9);
            ss_primitive *conv = ss_primitive_get(*state, &p, NULL);
            assert_non_null(conv);
            check_places(conv->weights, size, 4, (const int64_t[]){o, c, 3, 3});
            p.kind = SS_CONV_DW;
            p.to = SS_F32;
            ss_primitive *dw = ss_primitive_get(*state, &p, NULL);
            assert_non_null(dw);
            check_places(dw->weights, sizeof(float), 4, (const int64_t[]){o, c, 3, 3});
            p = matmul(types[t], 7, c, o);
            ss_primitive *product = ss_primitive_get(*state, &p, NULL);
            assert_non_null(product);
            check_places(product->weights, size, 2, (const int64_t[]){c, o});
        }
}

static void the_same_product_is_kept(void **state) {
    ss_product p = convolution(SS_F32, 32, 32, 8), other = convolution(SS_F32, 32, 32, 9);
    ss_primitive *first = ss_primitive_get(*state, &p, NULL);
    assert_non_null(first);
    assert_non_null(ss_primitive_get(*state, &other, NULL));
    assert_ptr_equal(ss_primitive_get(*state, &p, NULL), first);
    /* Weights in an order that was asked for are another matter than weights in an order that was left open. */
    ss_layout *own = ss_layout_clone(*state, first->weights);
    ss_primitive *asked = ss_primitive_get(*state, &p, own);
    assert_non_null(asked);
    assert_ptr_not_equal(asked, first);
    assert_true(ss_layout_equal(asked->weights, own));
    assert_ptr_equal(ss_primitive_get(*state, &p, own), asked);
    assert_ptr_equal(ss_primitive_get(*state, &p, NULL), first);
    ss_layout_free(own);
}

static void an_order_of_other_weights_is_refused_quietly(void **state) {
    ss_ctx *cx = *state;
    ss_product small = convolution(SS_F32, 16, 16, 8), large = convolution(SS_F32, 32, 16, 8);
    ss_layout *l = ss_layout_clone(cx, ss_primitive_get(cx, &small, NULL)->weights);
    assert_null(ss_primitive_get(cx, &large, l));
    assert_int_equal(cx->status, SS_OK);
    ss_layout_free(l);
}

static void what_there_is_not_is_named(void **state) {
    ss_ctx *cx = *state;
    ss_product p = convolution(SS_BF16, 4, 8, 16);
    p.p = 99;
    assert_null(ss_primitive_get(cx, &p, NULL));
    assert_int_equal(cx->status, SS_ERR_DEVICE);
    assert_non_null(strstr(cx->error, "has no bfloat16 convolution of [1, 4, 16, 16] with [8, 4, 3, 3]"));

    cx->status = SS_OK;
    p = matmul(SS_F32, 5, 6, 7);
    p.n = -1;
    assert_null(ss_primitive_get(cx, &p, NULL));
    assert_int_equal(cx->status, SS_ERR_DEVICE);
    assert_non_null(strstr(cx->error, "has no float32 product of [-1, 6] and [6, 7]"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_weight_has_its_place, open_device, close_device),
        cmocka_unit_test_setup_teardown(the_same_product_is_kept, open_device, close_device),
        cmocka_unit_test_setup_teardown(an_order_of_other_weights_is_refused_quietly, open_device, close_device),
        cmocka_unit_test_setup_teardown(what_there_is_not_is_named, open_device, close_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
