/* Dense linear algebra in float64, row-major: LAPACK where it takes thought, loops where it does not. */
#ifndef SS_LINEAR_H
#define SS_LINEAR_H

#include "base/base.h"

/* y[rows, columns] = a[rows, inner] b^T, b[columns, inner]: every inner product of rows of a with rows of b. */
void ss_product_of_rows(double *y, const double *a, const double *b, int64_t rows, int64_t columns, int64_t inner,
                        int threads);

/* y += a[rows, inner] b[inner, columns] */
void ss_add_product(double *y, const double *a, const double *b, int64_t rows, int64_t inner, int64_t columns,
                    int threads);

/* g[n, n] = a^T a for a[rows, n]. */
void ss_gram(double *g, const double *a, int64_t rows, int64_t n, int threads);

/* Solves g x_i = b_i for each row b_i of b[count, n], in place; g[n, n] is symmetric and is used up. False if g is not
 * positive definite. */
bool ss_solve_rows(double *g, double *b, int64_t n, int64_t count);

/* a[m, n] = u[m, k] diag(s[k]) vt[k, n], k the smaller of m and n, s falling; a is used up. SS_ERR_NOMEM, or
 * SS_ERR_FORMAT where it does not converge. */
ss_status ss_svd(ss_ctx *cx, double *a, int64_t m, int64_t n, double *u, double *s, double *vt);

#endif
