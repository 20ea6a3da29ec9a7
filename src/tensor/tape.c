/* The tape: calls as they were made, the blocks of memory that their numbers lie in, and the walk back.
 *
 * A block is given back as soon as nothing will read it: a tensor's numbers when the scope that made them closes and no
 * remembered call rereads them, a gradient when the call that made its tensor has been walked back. Blocks given back
 * wait for the next tensor of about their size, so that a step after the first one takes nothing from the system.
 */
#define _GNU_SOURCE
#include "base/poison.h"
#include "tensor/call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct node {
    ss_call call;
    void *attr; /* owned copy */
    bool wants_grad;
} node;

typedef struct block {
    void *at;
    size_t size;
} block;

typedef struct blocks {
    block *at;
    size_t count, capacity;
} blocks;

/* Calls first .. end - 1, whose numbers were dropped. */
typedef struct segment {
    size_t first, end;
} segment;

struct ss_tape {
    node *node;
    size_t count, capacity;
    blocks used, idle; /* used: in the order in which they were taken */
    size_t bytes, peak;
    segment *segment;
    size_t segments, segment_capacity;
    size_t scopes;              /* opened so far */
    size_t packed, most_packed; /* bytes of weights packed for backward */
    bool recompute;
};

ss_tape *ss_tape_new(ss_ctx *cx) {
    ss_tape *t = ss_alloc(cx, 1, sizeof *t);
    if (t) t->most_packed = SIZE_MAX;
    return t;
}

void ss_tape_recompute(ss_tape *t, bool recompute) { t->recompute = recompute; }
void ss_tape_pack_at_most(ss_tape *t, size_t bytes) { t->most_packed = bytes; }

bool ss_tape_packs(ss_tape *t, size_t bytes) {
    if (bytes > t->most_packed - t->packed) return false;
    t->packed += bytes;
    return true;
}

size_t ss_tape_peak(const ss_tape *t) { return t->peak; }
bool ss_tape_wants_all(const ss_tape *t) { return t->recompute; }

/* ---- blocks */

enum { ALIGN = 64 };
static const size_t huge = (size_t)2 << 20;

/* Room for one more, so that giving a block back cannot fail. */
static ss_status reserve(blocks *b, ss_ctx *cx, size_t count) {
    if (count <= b->capacity) return SS_OK;
    size_t capacity = count < 256 ? 256 : 2 * count;
    ss_status st = ss_grow(cx, &b->at, b->capacity, capacity, sizeof *b->at);
    if (!st) b->capacity = capacity;
    return st;
}

/* The smallest idle block that is large enough without being much too large; -1: none. */
static int64_t fitting(const blocks *idle, size_t size) {
    int64_t best = -1;
    for (size_t i = 0; i < idle->count; i++) {
        size_t have = idle->at[i].size;
        if (have >= size && have <= size + size / 4 && (best < 0 || have < idle->at[best].size)) best = (int64_t)i;
    }
    return best;
}

void *ss_tape_take(ss_ctx *cx, size_t bytes) {
    ss_tape *t = cx->tape;
    size_t size = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (size == 0) size = ALIGN;
    if (reserve(&t->used, cx, t->used.count + 1) || reserve(&t->idle, cx, t->used.count + t->idle.count + 1))
        return NULL;
    int64_t i = fitting(&t->idle, size);
    block b;
    if (i >= 0) {
        b = t->idle.at[i];
        t->idle.at[i] = t->idle.at[--t->idle.count];
    } else {
        bool refused = cx->fail_allocation >= 0 && cx->fail_allocation-- == 0, large = size >= 2 * huge;
        if (large) size = (size + huge - 1) / huge * huge;
        b = (block){refused ? NULL : aligned_alloc(large ? huge : ALIGN, size), size};
        if (!b.at) {
            ss_fail(cx, SS_ERR_NOMEM, "out of memory: a pass needs %zu bytes more than the %zu it has", bytes,
                    t->bytes);
            return NULL;
        }
        if (large) madvise(b.at, b.size, MADV_HUGEPAGE);
    }
    SS_UNPOISON_MEMORY(b.at, bytes);
    SS_POISON_MEMORY((char *)b.at + bytes, b.size - bytes);
    t->bytes += b.size;
    if (t->bytes > t->peak) t->peak = t->bytes;
    t->used.at[t->used.count++] = b;
    return b.at;
}

/* Moves used block i to the idle ones. The others keep their order. */
static void give(ss_tape *t, size_t i) {
    block b = t->used.at[i];
    memmove(&t->used.at[i], &t->used.at[i + 1], (t->used.count - i - 1) * sizeof b);
    t->used.count--;
    t->idle.at[t->idle.count++] = b;
    t->bytes -= b.size;
    SS_POISON_MEMORY(b.at, b.size);
}

static void give_pointer(ss_tape *t, const void *p) {
    for (size_t i = t->used.count; i-- > 0;)
        if (t->used.at[i].at == p) {
            give(t, i);
            return;
        }
    assert(!"a block that is not the tape's");
}

/* ---- remembering */

ss_status ss_tape_remember(ss_ctx *cx, const ss_call *k, bool wants_grad) {
    ss_tape *t = cx->tape;
    if (t->count == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 256;
        ss_status st = ss_grow(cx, &t->node, t->capacity, capacity, sizeof *t->node);
        if (st) return st;
        t->capacity = capacity;
    }
    node *n = &t->node[t->count];
    *n = (node){.call = *k, .wants_grad = wants_grad};
    if (k->op->attr_size) {
        n->attr = ss_alloc(cx, 1, k->op->attr_size);
        if (!n->attr) return SS_ERR_NOMEM;
        n->call.attr = memcpy(n->attr, k->attr, k->op->attr_size);
    }
    t->count++;
    return SS_OK;
}

void ss_tape_clear(ss_tape *t) {
    for (size_t i = 0; i < t->count; i++) free(t->node[i].attr);
    t->count = t->segments = t->scopes = 0;
    while (t->used.count) give(t, t->used.count - 1);
}

void ss_tape_free(ss_tape *t) {
    if (!t) return;
    ss_tape_clear(t);
    for (size_t i = 0; i < t->idle.count; i++) {
        SS_UNPOISON_MEMORY(t->idle.at[i].at, t->idle.at[i].size);
        free(t->idle.at[i].at);
    }
    free(t->used.at);
    free(t->idle.at);
    free(t->segment);
    free(t->node);
    free(t);
}

/* ---- scopes */

ss_scope ss_tape_open(ss_ctx *cx, ss_mark m) {
    ss_tape *t = cx->tape;
    return (ss_scope){.mark = m, .block = t->used.count, .call = t->count, .serial = ++t->scopes};
}

static bool rereads(const node *n, int i) {
    const ss_op *op = n->call.op;
    bool weights_train = n->call.x[1] && n->call.x[1]->wants_grad;
    return n->wants_grad && (op->rereads >> i & 1 || (weights_train && op->for_weights >> i & 1));
}

static const segment *segment_of(const ss_tape *t, size_t call) {
    for (size_t i = t->segments; i-- > 0;)
        if (call >= t->segment[i].first && call < t->segment[i].end) return &t->segment[i];
    return NULL;
}

/* Whether backward, or computing once more what was dropped, will read the numbers at p; looks at the calls from
 * `first` on. */
static bool read_again(const ss_tape *t, size_t first, const void *p) {
    for (size_t c = first; c < t->count; c++) {
        const node *n = &t->node[c];
        const segment *s = t->segments ? segment_of(t, c) : NULL;
        for (int i = 0; i < n->call.op->inputs; i++)
            if (n->call.x[i] && n->call.x[i]->bytes == p && (s || rereads(n, i))) return true;
    }
    return false;
}

/* The outputs of calls first .. end - 1 lose their numbers, but for those that lie where the result's do. */
static void drop_outputs(ss_tape *t, size_t first, size_t end, const void *result) {
    for (size_t c = first; c < end; c++) {
        ss_tensor *y = t->node[c].call.y;
        if (y->bytes == result || !y->bytes) continue;
        if (!t->node[c].call.op->view) give_pointer(t, y->bytes);
    }
    for (size_t c = first; c < end; c++) {
        ss_tensor *y = t->node[c].call.y;
        if (y->bytes != result) y->bytes = NULL;
    }
}

static ss_status drop_segment(ss_ctx *cx, ss_scope s, const ss_tensor *result) {
    ss_tape *t = cx->tape;
    if (t->segments == t->segment_capacity) {
        size_t capacity = t->segments ? 2 * t->segments : 64;
        ss_status st = ss_grow(cx, &t->segment, t->segments, capacity, sizeof *t->segment);
        if (st) return st;
        t->segment_capacity = capacity;
    }
    t->segment[t->segments++] = (segment){s.call, t->count};
    drop_outputs(t, s.call, t->count, result->bytes);
    return SS_OK;
}

void ss_tape_close(ss_ctx *cx, ss_scope s, const ss_tensor *result) {
    ss_tape *t = cx->tape;
    bool innermost = t->scopes == s.serial, wants = false;
    for (size_t c = s.call; c < t->count && !wants; c++) wants = t->node[c].wants_grad;
    if (t->recompute && innermost && wants && drop_segment(cx, s, result)) return;
    for (size_t i = t->used.count; i-- > s.block;) {
        const void *p = t->used.at[i].at;
        if (p == result->bytes || read_again(t, s.call, p)) continue;
        give(t, i);
        for (size_t c = s.call; c < t->count; c++)
            if (t->node[c].call.y->bytes == p) t->node[c].call.y->bytes = NULL; /* the block will be another's */
    }
}

/* Computes the dropped numbers of a segment once more. */
static ss_status compute_again(ss_ctx *cx, const segment *s) {
    for (size_t c = s->first; c < s->end; c++) {
        ss_call *k = &cx->tape->node[c].call;
        if (k->y->bytes) continue;
        if (k->op->view) {
            k->y->bytes = k->x[0]->bytes;
            continue;
        }
        k->y->bytes = ss_tape_take(cx, (size_t)ss_count(k->y) * ss_dtype_size(k->y->dtype));
        if (!k->y->bytes) return cx->status;
        double start = cx->device->profile ? ss_now() : 0;
        ss_status st = k->op->on[cx->device->kind].forward(k);
        if (!st && cx->device->profile) st = ss_profile_call(k, ss_now() - start, false);
        if (st) return st;
    }
    return SS_OK;
}

/* ---- back */

/* The place where a tensor's gradient is summed: the tape's, or the parameter's own. NULL if nobody asked for it. */
static float *gradient(ss_ctx *cx, ss_tensor *x) {
    if (!x || !x->wants_grad) return NULL;
    size_t n = (size_t)ss_count(x);
    if (x->param) {
        if (!x->param->grad) x->param->grad = ss_alloc(cx, n, sizeof(float));
        return x->grad = x->param->grad;
    }
    if (!x->grad) {
        x->grad = ss_tape_take(cx, n * sizeof(float));
        if (x->grad) memset(x->grad, 0, n * sizeof(float));
    }
    return x->grad;
}

/* The input that can simply take over y's gradient: nobody has added to its own yet. -1: none. */
static int heir(const ss_call *k) {
    for (int i = 0; i < k->op->inputs; i++) {
        const ss_tensor *x = k->x[i];
        if (!(k->op->passes >> i & 1) || !x || !x->wants_grad || x->grad || x->param) continue;
        bool twice = false;
        for (int j = 0; j < k->op->inputs; j++) twice = twice || (j != i && k->x[j] == x);
        if (!twice && ss_count(x) == ss_count(k->y)) return i;
    }
    return -1;
}

static ss_status walk_back(ss_ctx *cx, const node *n) {
    ss_call k = n->call;
    int takes_over = heir(&k);
    bool anything = false;
    k.dy = k.y->grad;
    for (int i = 0; i < k.op->inputs; i++) {
        k.dx[i] = i == takes_over ? NULL : gradient(cx, k.x[i]);
        anything = anything || k.dx[i];
    }
    if (cx->status) return cx->status;
    if (anything) {
        ss_kernel backward = k.op->on[cx->device->kind].backward;
        if (!backward) return ss_fail(cx, SS_ERR_DEVICE, "%s: this device has no backward kernel for it", k.op->name);
        double start = cx->device->profile ? ss_now() : 0;
        ss_status st = backward(&k);
        if (!st && cx->device->profile) st = ss_profile_call(&k, ss_now() - start, true);
        if (st) return st;
    }
    if (takes_over >= 0)
        k.x[takes_over]->grad = k.y->grad;
    else
        give_pointer(cx->tape, k.y->grad);
    k.y->grad = NULL;
    return SS_OK;
}

ss_status ss_backward(ss_ctx *cx, ss_tensor *y, const float *dy) {
    ss_tape *t = cx->tape;
    float *seed = gradient(cx, y);
    if (cx->status) return cx->status;
    assert(seed && "y was recorded and depends on something that trains");
    for (int64_t i = 0, n = ss_count(y); i < n; i++) seed[i] += dy[i];

    const segment *s = t->segments ? &t->segment[t->segments - 1] : NULL;
    for (size_t i = t->count; i-- > 0;) {
        ss_status st = s && i == s->end - 1 ? compute_again(cx, s) : SS_OK;
        if (!st && t->node[i].call.y->grad) st = walk_back(cx, &t->node[i]);
        if (st) return st;
        if (s && i == s->first) {
            drop_outputs(t, s->first, s->end, NULL);
            s = s > t->segment ? s - 1 : NULL;
        }
    }
    return SS_OK;
}
