/* Linear algebra for merging and compressing. */
#include "subject/linear.h"

#include <lapacke.h>
#include <string.h>

void ss_product_of_rows(double *y, const double *a, const double *b, int64_t rows, int64_t columns, int64_t inner,
                        int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int64_t k = 0; k < inner; k++) sum += a[i * inner + k] * b[j * inner + k];
            y[i * columns + j] = sum;
        }
}

void ss_add_product(double *y, const double *a, const double *b, int64_t rows, int64_t inner, int64_t columns,
                    int threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < inner; k++) {
            double x = a[i * inner + k];
            for (int64_t j = 0; j < columns; j++) y[i * columns + j] += x * b[k * columns + j];
        }
}

void ss_gram(double *g, const double *a, int64_t rows, int64_t n, int threads) {
    memset(g, 0, (size_t)(n * n) * sizeof *g);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t i = 0; i < n; i++)
        for (int64_t r = 0; r < rows; r++) {
            double x = a[r * n + i];
            for (int64_t j = 0; j < n; j++) g[i * n + j] += x * a[r * n + j];
        }
}

bool ss_solve_rows(double *g, double *b, int64_t n, int64_t count) {
    /* Rows of ours are LAPACK's columns, and a symmetric matrix is the same either way. */
    return LAPACKE_dposv(LAPACK_COL_MAJOR, 'L', (lapack_int)n, (lapack_int)count, g, (lapack_int)n, b, (lapack_int)n) ==
           0;
}

ss_status ss_svd(ss_ctx *cx, double *a, int64_t m, int64_t n, double *u, double *s, double *vt) {
    /* LAPACK's columns are our rows, so it sees the transpose, whose left vectors are our right ones. */
    lapack_int k = (lapack_int)(m < n ? m : n);
    lapack_int info = LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', (lapack_int)n, (lapack_int)m, a, (lapack_int)n, s, vt,
                                     (lapack_int)n, u, k);
    if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
        return ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for the singular values of a %lldx%lld matrix",
                       (long long)m, (long long)n);
    if (info)
        return ss_fail(cx, SS_ERR_FORMAT, "the singular values of a %lldx%lld matrix do not converge", (long long)m,
                       (long long)n);
    return SS_OK;
}
