/* What attention.cpu.c, which goes through the plan, and the kernels that do the arithmetic say to each other.
 *
 * A task is one head's queries, a few dozen rows, against the keys that one read sees. Kernels never hold more than a
 * block of the scores. They work in powers of two, P = 2^(s - m): s is the score times log2(e), and m need not be the
 * largest s but only no smaller, so |q| times the longest key will do, and a row is never rescaled. Where that bound
 * lies so far above the truth that the sum of P becomes tiny, the task is done again with the true maximum.
 */
#ifndef SS_ATTENTION_CPU_H
#define SS_ATTENTION_CPU_H

#include "op/ops.h"

/* The keys that a read sees, hidden ones left out: where the row of each key and value begins. */
typedef struct ss_attn_rows {
    int64_t count;
    ss_dtype dtype;
    const void **k, **v; /* [count] */
    int64_t *place;      /* [count] among all keys of the read */
    const float *bias;   /* [count], or NULL where none counts more than another */
    float most_bias;     /* the largest of them, 0 without */
    bool flat;           /* no key is seen: all of them are here and count alike */
} ss_attn_rows;

typedef struct ss_attn_task {
    int64_t hd, rows, keys;
    ss_dtype dtype;
    const void *q; /* [rows, hd], rows `q_stride` numbers apart */
    int64_t q_stride;
    const void *k, *v; /* as the kernel packed them for this head */
    bool biased;       /* they were packed with a bias */
    float scale;       /* of the products, without log2(e); 0: every key counts alike */
    float longest;     /* |k| of the longest key */
    float most_bias;
    int64_t first; /* causal: query i sees keys 0 .. first + i; not causal: INT64_MAX - rows */
    float *y;      /* [rows, hd], rows `y_stride` apart: the softmax's mean of the values */
    int64_t y_stride;
    void *work; /* of work_size bytes, 64-byte aligned */
} ss_attn_task;

/* Keys `from` .. `to` - 1 of one head, whose channels begin at c. Returns the length of the longest key. Both are
 * multiples of SS_ATTN_CHUNK, or the end. */
enum { SS_ATTN_CHUNK = 512 };
typedef float ss_attn_pack(void *k, void *v, const ss_attn_rows *r, int64_t c, int64_t hd, int64_t from, int64_t to);

typedef struct ss_attn_kernel {
    int queries; /* the most rows of a task */
    size_t (*work_size)(int64_t hd);
    size_t (*k_size)(int64_t keys, int64_t hd, bool biased); /* bytes for one head */
    size_t (*v_size)(int64_t keys, int64_t hd);
    ss_attn_pack *pack;
    void (*attend)(const ss_attn_task *t);
} ss_attn_kernel;

/* The float32 kernels can do more. Their keys and values lie [keys, hd (+ 1 for the bias)] and [keys, hd]. */
typedef struct ss_attn_back {
    ss_attn_task task;   /* y and y_stride are not used */
    const float *dy;     /* [rows, hd], rows dy_stride apart */
    const float *weight; /* [rows], what dy is to be multiplied with; NULL: 1 */
    int64_t dy_stride;
    float *dq;      /* [rows, hd], rows q_stride apart, added to; NULL: not asked for, like dk and dv */
    float *dk, *dv; /* sums over all queries of a head, [keys, hd] in an order of the kernel's own, added to */
} ss_attn_back;

typedef struct ss_attn_backward {
    ss_attn_kernel kernel; /* how keys and values lie for it; it need not have an `attend` */
    size_t (*work_size)(int64_t hd, int64_t keys);
    size_t (*sums_size)(int64_t keys, int64_t hd);
    /* Row j of dk or dv as it is written: in the sums themselves, or put into `room`, [hd]. */
    const float *(*sums_row)(float *room, const float *sums, int64_t j, int64_t hd);
    void (*back)(const ss_attn_back *t);
} ss_attn_backward;

typedef struct ss_attn_f32 {
    ss_attn_kernel kernel;
    void (*map)(const ss_attn_task *t); /* y becomes [rows, keys], the softmax itself */
    ss_attn_backward backward;
} ss_attn_f32;

extern const ss_attn_f32 ss_attn_portable, ss_attn_avx2, ss_attn_avx512; /* attention_f32.*.c */
extern const ss_attn_kernel ss_attn_avx512_bf16, ss_attn_amx_bf16;       /* attention_half.*.c */
extern const ss_attn_backward ss_attn_amx_back;                          /* attention_half_back.amx.c */

#endif
