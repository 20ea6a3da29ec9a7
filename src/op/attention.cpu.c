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
    int64_t *home;  /* [rows.count]: which row of the call's keys and values it is; -1: no gradient goes there */
    char *k, *v;    /* packed, one head after the other */
    float *longest; /* [heads, chunks] */
} reading;

typedef struct work {
    const ss_call *call;
    const ss_attn_kernel *kernel;
    int64_t len, d, hd, heads;
    int64_t blocks; /* of queries, as many as a task takes */
    int count;      /* reads of the image at hand */
    reading read[SS_READS];
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

/* n numbers of another type, piece by piece. */
static void convert(void *y, ss_dtype to, const void *x, ss_dtype from, int64_t n) {
    float piece[256];
    for (int64_t at = 0, m; at < n; at += m) {
        m = n - at < SS_COUNT_OF(piece) ? n - at : SS_COUNT_OF(piece);
        ss_to_f32(piece, (const char *)x + (size_t)at * ss_dtype_size(from), from, (size_t)m);
        if (to == SS_BF16)
            ss_f32_to_bf16((uint16_t *)y + at, piece, (size_t)m);
        else
            memcpy((float *)y + at, piece, (size_t)m * sizeof *piece);
    }
}

/* Where the keys and values of joined image j begin: in the call's own tensors or in what was kept, which is converted
 * on the way if it is of another type. */
static void find_image(const reading *r, const ss_call *k, int j, char *block, size_t *used, const char **key,
                       const char **v) {
    const ss_kept_kv *kept = r->plan.kept[j];
    const ss_dtype type = k->x[0]->dtype;
    const int64_t len = ss_read_len(k, &r->plan, j);
    *key = kept ? kept->k : (char *)k->x[1]->bytes + (size_t)(r->plan.from[j] * len) * row_size(k);
    *v = kept ? kept->v : (char *)k->x[2]->bytes + (size_t)(r->plan.from[j] * len) * row_size(k);
    if (!kept || kept->dtype == type) return;
    char *own_key = take(block, used, (size_t)len * row_size(k)), *own_v = take(block, used, (size_t)len * row_size(k));
    if (!block) return;
    convert(own_key, type, *key, kept->dtype, len * k->x[0]->shape[2]);
    convert(own_v, type, *v, kept->dtype, len * k->x[0]->shape[2]);
    *key = own_key;
    *v = own_v;
}

/* Whether no key is seen, whether those that are count differently, and the largest bias. */
static void weigh(ss_attn_rows *rows, const float *given, int64_t keys, float *bias) {
    float least = INFINITY, most = -INFINITY;
    for (int64_t j = 0; j < keys; j++) {
        if (given[j] > -INFINITY) least = fminf(least, given[j]);
        most = fmaxf(most, given[j]);
    }
    rows->flat = most == -INFINITY;
    if (rows->flat || (least == 0 && most == 0)) return;
    rows->bias = bias;
    rows->most_bias = most;
}

/* Lays out read r in the block, and fills in what it sees if the block is there. */
static void gather(reading *r, const ss_call *k, char *block, size_t *used) {
    const int64_t keys = ss_read_keys(k, &r->plan);
    ss_attn_rows *rows = &r->rows;
    *rows = (ss_attn_rows){.dtype = k->x[0]->dtype};
    rows->k = take(block, used, (size_t)keys * sizeof *rows->k);
    rows->v = take(block, used, (size_t)keys * sizeof *rows->v);
    rows->place = take(block, used, (size_t)keys * sizeof *rows->place);
    r->home = take(block, used, (size_t)keys * sizeof *r->home);
    float *bias = take(block, used, (size_t)keys * sizeof *bias);
    const float *given = r->plan.bias;
    if (given && block) weigh(rows, given, keys, bias);

    for (int64_t j = 0, at = 0; j < r->plan.joined; j++) {
        const char *key, *v;
        find_image(r, k, (int)j, block, used, &key, &v);
        const int64_t len = ss_read_len(k, &r->plan, (int)j);
        for (int64_t i = 0; block && i < len; i++, at++) {
            if (given && given[at] == -INFINITY && !rows->flat) continue;
            int64_t n = rows->count++;
            rows->k[n] = key + (size_t)i * row_size(k);
            rows->v[n] = v + (size_t)i * row_size(k);
            rows->place[n] = at;
            r->home[n] = r->plan.kept[j] || i < r->plan.still ? -1 : r->plan.from[j] * len + i;
            if (rows->bias) bias[n] = given[at];
        }
    }
}

/* ---- an image: laying out, packing, one task */

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

static int64_t rows_from(const work *w, int64_t from) {
    return w->len - from < w->kernel->queries ? w->len - from : w->kernel->queries;
}

/* What a kernel has to know of queries `from` on of one head, but for where the result goes. */
static ss_attn_task task_of(const work *w, const reading *r, int64_t image, int64_t head, int64_t from, void *scratch) {
    const ss_attention_attr *a = w->call->attr;
    const ss_tensor *q = w->call->x[0];
    const int64_t chunks = chunks_of(r->rows.count);
    ss_attn_task t = {
        .hd = w->hd,
        .rows = rows_from(w, from),
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

/* Whether a read counts at all for the task's queries: object and background mostly share them out. */
static bool counts(const work *w, const reading *r, int64_t from) {
    if (!r->plan.weight) return true;
    for (int64_t i = 0; i < rows_from(w, from); i++)
        if (r->plan.weight[from + i] != 0) return true;
    return false;
}

/* Queries `from` on of one head: every read's result, weighted, summed, and put into y. */
static void attend(const work *w, int64_t image, int64_t task, char *own) {
    const int64_t head = task / w->blocks, from = task % w->blocks * w->kernel->queries, rows = rows_from(w, from);
    const ss_tensor *y = w->call->y;
    const int64_t to = (image * w->len + from) * w->d + head * w->hd, n = rows * w->hd;
    float *sum = (float *)(own + up(w->kernel->work_size(w->hd))), *one = sum + w->kernel->queries * w->hd;
    const bool alone = w->count == 1 && !w->read[0].plan.weight, direct = alone && y->dtype == SS_F32;

    for (int64_t i = 0; !alone && i < n; i++) sum[i] = 0;
    for (int r = 0; r < w->count; r++) {
        const float *weight = w->read[r].plan.weight;
        if (!counts(w, &w->read[r], from)) continue;
        ss_attn_task t = task_of(w, &w->read[r], image, head, from, own);
        t.y = direct ? y->data + to : alone ? sum : one;
        t.y_stride = direct ? w->d : w->hd;
        w->kernel->attend(&t);
        for (int64_t i = 0; !alone && i < n; i++) sum[i] += one[i] * (weight ? weight[from + i / w->hd] : 1);
    }
    for (int64_t i = 0; !direct && i < rows; i++) {
        const int64_t at = to + i * w->d;
        if (y->dtype == SS_BF16)
            ss_loops_of(w->call->cx)->narrow(y->half + at, sum + i * w->hd, w->hd);
        else
            memcpy(y->data + at, sum + i * w->hd, (size_t)w->hd * sizeof *sum);
    }
}

typedef void task_fn(const work *w, int64_t image, int64_t task, char *own);

/* Does an image's tasks, image after image. Each thread's own memory is the kernel's `work` and `more` bytes. */
static ss_status run(const ss_call *k, const ss_attn_kernel *kernel, size_t kernel_work, size_t more, task_fn *f,
                     bool by_head, bool by_block) {
    const ss_attention_attr *a = k->attr;
    const int64_t n = k->x[0]->shape[0], len = k->x[0]->shape[1], d = k->x[0]->shape[2];
    work w = {.call = k, .kernel = kernel, .len = len, .d = d, .hd = d / a->heads, .heads = a->heads};
    w.blocks = (len + kernel->queries - 1) / kernel->queries;
    const int64_t tasks = (by_head ? w.heads : 1) * (by_block ? w.blocks : 1);
    const size_t own_size = up(kernel_work) + up(more);
    double flop, bytes;
    k->op->cost(k, &flop, &bytes);
    const int threads = flop < 4e6 ? 1 : k->cx->device->threads;

    size_t shared = 0;
    for (int64_t image = 0; image < n; image++) {
        size_t size = open_image(&w, image, NULL);
        if (size > shared) shared = size;
    }
    char *block = ss_scratch(k->cx, shared + (size_t)threads * own_size);
    if (!block) return SS_ERR_NOMEM;
    for (int64_t image = 0; image < n; image++) {
        open_image(&w, image, block);
#pragma omp parallel num_threads(threads)
        {
            char *own = block + shared + (size_t)omp_get_thread_num() * own_size;
#pragma omp for schedule(dynamic)
            for (int64_t task = 0; task < pack_tasks(&w); task++) pack(&w, task);
#pragma omp for schedule(dynamic)
            for (int64_t task = 0; task < tasks; task++) f(&w, image, task, own);
        }
    }
    return SS_OK;
}

/* ---- forward, and the softmax itself for whoever asked
 *
 * Maps are those of the first read, computed once more and always in float32: they are asked for at a few layers. Heads
 * follow each other, so that their mean is always summed in one order. */

static void map(const work *w, int64_t image, int64_t block, char *own) {
    const ss_attention_attr *a = w->call->attr;
    const int64_t *place = w->read[0].rows.place, keys = w->call->x[1]->shape[1];
    const int64_t from = block * w->kernel->queries, rows = rows_from(w, from);
    float *mean = a->probabilities ? a->probabilities + (image * w->len + from) * keys : NULL;
    if (mean) memset(mean, 0, (size_t)(rows * keys) * sizeof *mean);
    for (int64_t head = 0; head < w->heads; head++) {
        float *one = a->head_probabilities;
        if (one) one += ((image * w->heads + head) * w->len + from) * keys;
        if (one) memset(one, 0, (size_t)(rows * keys) * sizeof *one);
        ss_attn_task t = task_of(w, &w->read[0], image, head, from, own);
        t.y = (float *)(own + up(w->kernel->work_size(w->hd)));
        t.y_stride = t.keys;
        f32_kernels(w->call->cx)->map(&t);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < t.keys; j++) {
                if (one) one[i * keys + place[j]] = t.y[i * t.keys + j];
                if (mean) mean[i * keys + place[j]] += t.y[i * t.keys + j] / (float)w->heads;
            }
    }
}

static int64_t head_width(const ss_call *k) { return k->x[0]->shape[2] / ((const ss_attention_attr *)k->attr)->heads; }

ss_status ss_attention_cpu(const ss_call *k) {
    const ss_attention_attr *a = k->attr;
    const ss_attn_kernel *fast = kernel_for(k), *f32 = &f32_kernels(k->cx)->kernel;
    const int64_t hd = head_width(k);
    ss_status st =
        run(k, fast, fast->work_size(hd), (size_t)(2 * fast->queries * hd) * sizeof(float), attend, true, true);
    if (st || (!a->probabilities && !a->head_probabilities)) return st;
    return run(k, f32, f32->work_size(hd), (size_t)(f32->queries * k->x[1]->shape[1]) * sizeof(float), map, false,
               true);
}

/* ---- backward: one head of an image at a time. Images may share keys, heads never do. */

static const ss_attn_backward *backward_for(const ss_call *k) {
#ifdef SS_X86
    if (k->x[0]->dtype == SS_BF16 && k->cx->device->cpu.amx_bf16) return &ss_attn_amx_back;
#endif
    return &f32_kernels(k->cx)->backward;
}

/* Adds what was summed for the packed keys and values to where they came from. */
static void give_back(const work *w, const ss_attn_backward *f, const reading *r, int64_t head, const float *dk,
                      const float *dv, float *room) {
    const ss_call *k = w->call;
    for (int64_t j = 0; j < r->rows.count; j++) {
        if (r->home[j] < 0) continue;
        const int64_t at = r->home[j] * w->d + head * w->hd;
        const float *row = k->dx[1] ? f->sums_row(room, dk, j, w->hd) : NULL;
        for (int64_t c = 0; row && c < w->hd; c++) k->dx[1][at + c] += row[c];
        row = k->dx[2] ? f->sums_row(room, dv, j, w->hd) : NULL;
        for (int64_t c = 0; row && c < w->hd; c++) k->dx[2][at + c] += row[c];
    }
}

/* A thread's own memory: the kernel's for its longest read, two sums, a row. */
static void head_back(const work *w, int64_t image, int64_t head, char *own) {
    const ss_call *k = w->call;
    const ss_attn_backward *f = backward_for(k);
    const size_t sums = up(f->sums_size(ss_most_keys(k), w->hd));
    float *dk = (float *)(own + up(f->work_size(w->hd, ss_most_keys(k))));
    float *dv = (float *)((char *)dk + sums), *room = (float *)((char *)dv + sums);
    for (int n = 0; n < w->count; n++) {
        const reading *r = &w->read[n];
        memset(dk, 0, 2 * sums);
        for (int64_t from = 0; from < w->len; from += w->kernel->queries) {
            const int64_t at = (image * w->len + from) * w->d + head * w->hd;
            if (!counts(w, r, from)) continue;
            ss_attn_back t = {.task = task_of(w, r, image, head, from, own),
                              .dy = k->dy + at,
                              .dy_stride = w->d,
                              .weight = r->plan.weight ? r->plan.weight + from : NULL,
                              .dq = k->dx[0] ? k->dx[0] + at : NULL,
                              .dk = k->dx[1] ? dk : NULL,
                              .dv = k->dx[2] ? dv : NULL};
            f->back(&t);
        }
        give_back(w, f, r, head, dk, dv, room);
    }
}

ss_status ss_attention_cpu_back(const ss_call *k) {
    const ss_attn_backward *f = backward_for(k);
    const int64_t hd = head_width(k), keys = ss_most_keys(k);
    return run(k, &f->kernel, f->work_size(hd, keys), 2 * up(f->sums_size(keys, hd)) + (size_t)hd * sizeof(float),
               head_back, true, false);
}
