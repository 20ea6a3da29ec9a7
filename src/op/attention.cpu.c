/* Attention on the processor: goes through the plan image by image, packs the keys and values that its reads see, and
 * shares out its queries, a few dozen rows of one head at a time, among the threads and the kernels of attention_cpu.h.
 */
#include "op/attention_cpu.h"
#include "op/cpu.h"
#include "op/loops.h"
#include "op/reads.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* One read of the image at hand. */
typedef struct reading {
    ss_attn_read plan;
    ss_attn_rows rows;
    char *k, *v;    /* packed, one head after the other */
    float *longest; /* [heads, chunks] */
} reading;

typedef struct work {
    const ss_call *call;
    const ss_attn_kernel *kernel;
    int64_t len, d, hd, heads;
    int count; /* reads of the image at hand */
    reading read[SS_READS];
    char *own; /* one piece for each thread: the kernel's, and results [2, queries, hd] */
    size_t own_size;
} work;

static const ss_attn_f32 *f32_kernels(const ss_ctx *cx) {
#ifdef SS_X86
    if (cx->device->cpu.avx512) return &ss_attn_avx512;
    if (cx->device->cpu.avx2) return &ss_attn_avx2;
#endif
    (void)cx;
    return &ss_attn_portable;
}

static const ss_attn_kernel *kernel_for(const ss_call *k) {
#ifdef SS_X86
    if (k->x[0]->dtype == SS_BF16 && k->cx->device->cpu.amx_bf16) return &ss_attn_amx_bf16;
    if (k->x[0]->dtype == SS_BF16 && k->cx->device->cpu.avx512_bf16) return &ss_attn_avx512_bf16;
#endif
    return &f32_kernels(k->cx)->kernel;
}

/* ---- the keys a read sees */

static size_t up(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* Hands out pieces of a block that may not be there yet: then they are only added up. */
static void *take(char *block, size_t *used, size_t bytes) {
    void *p = block ? block + *used : NULL;
    *used += up(bytes);
    return p;
}

/* Bytes of one row as the tensors of this call have it. */
static size_t row_size(const ss_call *k) { return (size_t)k->x[0]->shape[2] * ss_dtype_size(k->x[0]->dtype); }

static void convert(void *y, ss_dtype to, const void *x, ss_dtype from, int64_t n, float *buffer) {
    enum { PIECE = 256 };
    for (int64_t at = 0; at < n; at += PIECE) {
        size_t m = (size_t)(n - at < PIECE ? n - at : PIECE);
        float *row = to == SS_F32 ? (float *)y + at : buffer;
        ss_to_f32(row, (const char *)x + (size_t)at * ss_dtype_size(from), from, m);
        if (to == SS_BF16) ss_f32_to_bf16((uint16_t *)y + at, row, m);
    }
}

/* Lays out read r in the block, and fills in what it sees if the block is there. Kept keys of another type than the
 * call's are converted on the way. */
static void gather(reading *r, const ss_call *k, char *block, size_t *used) {
    const ss_tensor *q = k->x[0];
    const int64_t keys = ss_read_keys(k, &r->plan), d = q->shape[2];
    ss_attn_rows *rows = &r->rows;
    *rows = (ss_attn_rows){.dtype = q->dtype};
    rows->k = take(block, used, (size_t)keys * sizeof *rows->k);
    rows->v = take(block, used, (size_t)keys * sizeof *rows->v);
    rows->place = take(block, used, (size_t)keys * sizeof *rows->place);
    float *bias = take(block, used, (size_t)keys * sizeof *bias);

    const float *given = r->plan.bias;
    bool seen = !given, soft = false;
    float most = -INFINITY;
    for (int64_t j = 0; given && j < keys; j++) {
        seen = seen || given[j] > -INFINITY;
        soft = soft || (given[j] > -INFINITY && given[j] != 0);
        most = fmaxf(most, given[j]);
    }
    rows->flat = !seen;
    if (seen && soft) {
        rows->bias = bias;
        rows->most_bias = most;
    }
    for (int64_t j = 0, at = 0; j < r->plan.joined; j++) {
        const ss_kept_kv *kept = r->plan.kept[j];
        const int64_t len = ss_read_len(k, &r->plan, (int)j), first = r->plan.from[j] * k->x[1]->shape[1];
        const char *key = kept ? kept->k : (const char *)k->x[1]->bytes + (size_t)first * row_size(k);
        const char *v = kept ? kept->v : (const char *)k->x[2]->bytes + (size_t)first * row_size(k);
        if (kept && kept->dtype != q->dtype) {
            char *own = take(block, used, 2 * (size_t)len * row_size(k)), *own_v = own + (size_t)len * row_size(k);
            float buffer[256];
            if (block) {
                convert(own, q->dtype, key, kept->dtype, len * d, buffer);
                convert(own_v, q->dtype, v, kept->dtype, len * d, buffer);
            }
            key = own;
            v = own_v;
        }
        for (int64_t i = 0; block && i < len; i++, at++) {
            if (seen && given && given[at] == -INFINITY) continue;
            int64_t n = rows->count++;
            rows->k[n] = key + (size_t)i * row_size(k);
            rows->v[n] = v + (size_t)i * row_size(k);
            rows->place[n] = at;
            bias[n] = given && seen ? given[at] : 0;
        }
    }
}

/* ---- forward */

static int64_t chunks_of(int64_t keys) { return (keys + SS_ATTN_CHUNK - 1) / SS_ATTN_CHUNK; }

/* Lays out an image's reads; returns the bytes they take. Without a block sizes are those of reads that see every key.
 */
static size_t open_image(work *w, int64_t image, char *block) {
    size_t used = 0;
    w->count = 0;
    for (int n = 0; ss_read_of(w->call, image, n).joined; n++) {
        reading *r = &w->read[w->count++];
        r->plan = ss_read_of(w->call, image, n);
        const int64_t keys = ss_read_keys(w->call, &r->plan);
        r->k = take(block, &used, (size_t)w->heads * up(w->kernel->k_size(keys, w->hd, true)));
        r->v = take(block, &used, (size_t)w->heads * up(w->kernel->v_size(keys, w->hd)));
        r->longest = take(block, &used, (size_t)(w->heads * chunks_of(keys)) * sizeof(float));
        gather(r, w->call, block, &used);
    }
    return used;
}

static size_t k_stride(const work *w, const reading *r) {
    return up(w->kernel->k_size(r->rows.count, w->hd, r->rows.bias != NULL));
}
static size_t v_stride(const work *w, const reading *r) { return up(w->kernel->v_size(r->rows.count, w->hd)); }

static void pack(const work *w, int64_t task) {
    for (int n = 0; n < w->count; n++) {
        const reading *r = &w->read[n];
        const int64_t chunks = chunks_of(r->rows.count), head = task / chunks, chunk = task % chunks;
        if (task >= chunks * w->heads) {
            task -= chunks * w->heads;
            continue;
        }
        int64_t from = chunk * SS_ATTN_CHUNK, to = from + SS_ATTN_CHUNK;
        r->longest[head * chunks + chunk] =
            w->kernel->pack(r->k + (size_t)head * k_stride(w, r), r->v + (size_t)head * v_stride(w, r), &r->rows,
                            head * w->hd, w->hd, from, to < r->rows.count ? to : r->rows.count);
        return;
    }
}

static int64_t pack_tasks(const work *w) {
    int64_t n = 0;
    for (int i = 0; i < w->count; i++) n += chunks_of(w->read[i].rows.count) * w->heads;
    return n;
}

/* What a kernel has to know of queries `from` on of one head, but for where the result goes. */
static ss_attn_task task_of(const work *w, const reading *r, int64_t image, int64_t head, int64_t from, void *scratch) {
    const ss_attention_attr *a = w->call->attr;
    const ss_tensor *q = w->call->x[0];
    const int64_t chunks = chunks_of(r->rows.count), left = w->len - from;
    ss_attn_task t = {
        .hd = w->hd,
        .rows = left < w->kernel->queries ? left : w->kernel->queries,
        .keys = r->rows.count,
        .dtype = q->dtype,
        .q = (char *)q->bytes + (size_t)((image * w->len + from) * w->d + head * w->hd) * ss_dtype_size(q->dtype),
        .q_stride = w->d,
        .k = r->k + (size_t)head * k_stride(w, r),
        .v = r->v + (size_t)head * v_stride(w, r),
        .biased = r->rows.bias != NULL,
        .scale = r->rows.flat ? 0 : (float)(1 / sqrt((double)w->hd)),
        .most_bias = r->rows.most_bias,
        .work = scratch,
    };
    t.first = a->causal ? from : INT64_MAX - t.rows;
    for (int64_t i = 0; i < chunks; i++) t.longest = fmaxf(t.longest, r->longest[head * chunks + i]);
    return t;
}

/* Queries `from` on of one head: every read's result, weighted, summed, and put into y. */
static void attend(const work *w, int64_t image, int64_t head, int64_t from, char *own) {
    const ss_loops *l = ss_loops_of(w->call->cx);
    const ss_tensor *y = w->call->y;
    const int64_t to = (image * w->len + from) * w->d + head * w->hd;
    float *sum = (float *)(own + up(w->kernel->work_size(w->hd))), *one = sum + w->kernel->queries * w->hd;
    int64_t rows = w->len - from < w->kernel->queries ? w->len - from : w->kernel->queries;
    bool direct = y->dtype == SS_F32 && w->count == 1 && !w->read[0].plan.weight;

    if (w->count == 0) memset(sum, 0, (size_t)(rows * w->hd) * sizeof *sum);
    for (int n = 0; n < w->count; n++) {
        const float *weight = w->read[n].plan.weight;
        ss_attn_task t = task_of(w, &w->read[n], image, head, from, own);
        t.y = direct ? y->data + to : n ? one : sum;
        t.y_stride = direct ? w->d : w->hd;
        w->kernel->attend(&t);
        for (int64_t i = 0; (weight || n) && i < rows; i++)
            for (int64_t c = 0; c < w->hd; c++) {
                float v = t.y[i * w->hd + c] * (weight ? weight[from + i] : 1);
                sum[i * w->hd + c] = n ? sum[i * w->hd + c] + v : v;
            }
    }
    for (int64_t i = 0; !direct && i < rows; i++) {
        if (y->dtype == SS_BF16)
            l->narrow(y->half + to + i * w->d, sum + i * w->hd, w->hd);
        else
            memcpy(y->data + to + i * w->d, sum + i * w->hd, (size_t)w->hd * sizeof *sum);
    }
}

/* The first read's softmax, once more and always in float32: whoever looks at maps does so at a few layers. Heads
 * follow each other, so that their mean is always summed in one order. */
static ss_status maps(const ss_call *k);

static work work_of(const ss_call *k, const ss_attn_kernel *kernel) {
    const ss_attention_attr *a = k->attr;
    const ss_tensor *q = k->x[0];
    return (work){.call = k,
                  .kernel = kernel,
                  .len = q->shape[1],
                  .d = q->shape[2],
                  .hd = q->shape[2] / a->heads,
                  .heads = a->heads};
}

/* Scratch for the image with the most keys, and for each thread. */
static char *scratch(work *w, int threads) {
    size_t most = 0;
    for (int64_t i = 0; i < w->call->x[0]->shape[0]; i++) {
        size_t bytes = open_image(w, i, NULL);
        if (bytes > most) most = bytes;
    }
    char *block = ss_scratch(w->call->cx, most + (size_t)threads * w->own_size);
    w->own = block ? block + most : NULL;
    return block;
}

static int threads_for(const ss_call *k) {
    double flop, bytes;
    k->op->cost(k, &flop, &bytes);
    return flop < 4e6 ? 1 : k->cx->device->threads;
}

ss_status ss_attention_cpu(const ss_call *k) {
    const ss_attention_attr *a = k->attr;
    const int threads = threads_for(k);
    work w = work_of(k, kernel_for(k));
    w.own_size = up(w.kernel->work_size(w.hd)) + up((size_t)(2 * w.kernel->queries * w.hd) * sizeof(float));
    char *block = scratch(&w, threads);
    if (!block) return SS_ERR_NOMEM;

    const int64_t blocks = (w.len + w.kernel->queries - 1) / w.kernel->queries;
    for (int64_t image = 0; image < k->x[0]->shape[0]; image++) {
        open_image(&w, image, block);
#pragma omp parallel num_threads(threads)
        {
#pragma omp for schedule(dynamic)
            for (int64_t task = 0; task < pack_tasks(&w); task++) pack(&w, task);
#pragma omp for schedule(dynamic)
            for (int64_t task = 0; task < w.heads * blocks; task++)
                attend(&w, image, task / blocks, task % blocks * w.kernel->queries,
                       w.own + (size_t)omp_get_thread_num() * w.own_size);
        }
    }
    return a->probabilities || a->head_probabilities ? maps(k) : SS_OK;
}

/* ---- the softmax itself */

static void map_rows(const work *w, int64_t image, int64_t from, char *own) {
    const ss_attention_attr *a = w->call->attr;
    const ss_attn_rows *r = &w->read[0].rows;
    const int64_t keys = w->call->x[1]->shape[1];
    const int64_t rows = w->len - from < w->kernel->queries ? w->len - from : w->kernel->queries;
    float *mean = a->probabilities ? a->probabilities + (image * w->len + from) * keys : NULL;
    if (mean) memset(mean, 0, (size_t)(rows * keys) * sizeof *mean);
    for (int64_t head = 0; head < w->heads; head++) {
        float *one = a->head_probabilities;
        if (one) one += ((image * w->heads + head) * w->len + from) * keys;
        ss_attn_task t = task_of(w, &w->read[0], image, head, from, own);
        t.y = (float *)(own + up(w->kernel->work_size(w->hd)));
        t.y_stride = t.keys;
        f32_kernels(w->call->cx)->map(&t);
        if (one) memset(one, 0, (size_t)(rows * keys) * sizeof *one);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < t.keys; j++) {
                const int64_t at = i * keys + r->place[j];
                if (one) one[at] = t.y[i * t.keys + j];
                if (mean) mean[at] += t.y[i * t.keys + j] / (float)w->heads;
            }
    }
}

static ss_status maps(const ss_call *k) {
    const int threads = threads_for(k);
    work w = work_of(k, &f32_kernels(k->cx)->kernel);
    w.own_size = up(w.kernel->work_size(w.hd)) + up((size_t)(w.kernel->queries * k->x[1]->shape[1]) * sizeof(float));
    char *block = scratch(&w, threads);
    if (!block) return SS_ERR_NOMEM;

    for (int64_t image = 0; image < k->x[0]->shape[0]; image++) {
        open_image(&w, image, block);
        w.count = w.count ? 1 : 0;
#pragma omp parallel num_threads(threads)
        {
#pragma omp for schedule(dynamic)
            for (int64_t task = 0; task < pack_tasks(&w); task++) pack(&w, task);
#pragma omp for schedule(dynamic)
            for (int64_t from = 0; from < w.len; from += w.kernel->queries)
                map_rows(&w, image, from, w.own + (size_t)omp_get_thread_num() * w.own_size);
        }
    }
    return SS_OK;
}

/* ---- backward: always in float32, one head of one image at a time */

/* Adds what was summed for the packed keys and values, [keys, hd] each, to where they came from. */
static void give_back(const work *w, const reading *r, int64_t head, const float *dk, const float *dv) {
    const ss_call *k = w->call;
    const char *keys = k->x[1]->bytes, *end = keys + (size_t)ss_count(k->x[1]) * ss_dtype_size(k->x[1]->dtype);
    for (int64_t j = 0; j < r->rows.count; j++) {
        const char *row = r->rows.k[j];
        if (row < keys || row >= end) continue; /* kept from elsewhere */
        const int64_t at = (row - keys) / (int64_t)row_size(k) * w->d + head * w->hd;
        for (int64_t c = 0; k->dx[1] && c < w->hd; c++) k->dx[1][at + c] += dk[j * w->hd + c];
        for (int64_t c = 0; k->dx[2] && c < w->hd; c++) k->dx[2][at + c] += dv[j * w->hd + c];
    }
}

static void head_back(const work *w, int64_t image, int64_t head, char *own) {
    const ss_call *k = w->call;
    const ss_attn_f32 *f = f32_kernels(k->cx);
    for (int n = 0; n < w->count; n++) {
        const reading *r = &w->read[n];
        const size_t bytes = (size_t)(r->rows.count * w->hd) * sizeof(float);
        float *dk = (float *)(own + up(f->back_size(w->hd))), *dv = dk + r->rows.count * w->hd;
        memset(dk, 0, 2 * bytes);
        for (int64_t from = 0; from < w->len; from += w->kernel->queries) {
            const int64_t at = (image * w->len + from) * w->d + head * w->hd;
            ss_attn_back t = {.task = task_of(w, r, image, head, from, own),
                              .dy = k->dy + at,
                              .dy_stride = w->d,
                              .weight = r->plan.weight ? r->plan.weight + from : NULL,
                              .dq = k->dx[0] ? k->dx[0] + at : NULL,
                              .dk = k->dx[1] ? dk : NULL,
                              .dv = k->dx[2] ? dv : NULL};
            f->back(&t);
        }
        give_back(w, r, head, dk, dv);
    }
}

ss_status ss_attention_cpu_back(const ss_call *k) {
    const ss_attn_f32 *f = f32_kernels(k->cx);
    const int threads = threads_for(k);
    work w = work_of(k, &f->kernel);
    w.own_size = up(f->back_size(w.hd)) + up((size_t)(2 * ss_most_keys(k) * w.hd) * sizeof(float));
    char *block = scratch(&w, threads);
    if (!block) return SS_ERR_NOMEM;

    /* Images may share keys, heads never do: threads take heads. */
    for (int64_t image = 0; image < k->x[0]->shape[0]; image++) {
        open_image(&w, image, block);
#pragma omp parallel num_threads(threads)
        {
#pragma omp for schedule(dynamic)
            for (int64_t task = 0; task < pack_tasks(&w); task++) pack(&w, task);
#pragma omp for schedule(dynamic)
            for (int64_t head = 0; head < w.heads; head++)
                head_back(&w, image, head, w.own + (size_t)omp_get_thread_num() * w.own_size);
        }
    }
    return SS_OK;
}
