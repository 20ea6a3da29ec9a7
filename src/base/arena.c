/* The arena: reserved addresses, pages taken as it grows. */
#define _GNU_SOURCE
#include "base/arena.h"

#include "base/poison.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { ALIGN = 64 };
static const size_t step = (size_t)32 << 20;
static const size_t reserve = (size_t)1 << 38;

ss_arena *ss_arena_new(ss_ctx *cx, bool counting) {
    ss_arena *a = ss_alloc(cx, 1, sizeof *a);
    if (!a) return NULL;
    a->reserved = reserve;
    a->counting = counting;
    a->base = mmap(NULL, reserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (a->base == MAP_FAILED) {
        ss_fail(cx, SS_ERR_NOMEM, "out of memory: the system refuses to reserve addresses for a pass");
        free(a);
        return NULL;
    }
    madvise(a->base, reserve, MADV_HUGEPAGE);
    return a;
}

void ss_arena_free(ss_arena *a) {
    if (!a) return;
    SS_UNPOISON_MEMORY(a->base, a->committed);
    munmap(a->base, a->reserved);
    free(a);
}

static void note_peak(ss_arena *a) {
    if (a->used + a->counted > a->peak) a->peak = a->used + a->counted;
}

void *ss_arena_take(ss_ctx *cx, size_t bytes) {
    ss_arena *a = cx->arena;
    if (bytes > a->reserved - a->used - ALIGN) {
        ss_fail(cx, SS_ERR_NOMEM, "out of memory: a tensor of %zu bytes is larger than any machine's memory", bytes);
        return NULL;
    }
    size_t size = (bytes + ALIGN - 1) / ALIGN * ALIGN, end = a->used + size;
    bool refused = cx->fail_allocation >= 0 && cx->fail_allocation-- == 0;
    if (end > a->committed && !refused) {
        size_t more = (end - a->committed + step - 1) / step * step;
        refused = mprotect(a->base + a->committed, more, PROT_READ | PROT_WRITE) != 0;
        if (!refused) {
            SS_POISON_MEMORY(a->base + a->committed, more);
            a->committed += more;
        }
    }
    if (refused) {
        ss_fail(cx, SS_ERR_NOMEM, "out of memory: a pass needs %zu bytes more than the %zu it has", bytes, a->used);
        return NULL;
    }
    void *p = a->base + a->used;
    SS_UNPOISON_MEMORY(p, bytes);
    a->used = end;
    note_peak(a);
    return p;
}

void *ss_arena_take_data(ss_ctx *cx, size_t bytes) {
    if (!cx->arena->counting) return ss_arena_take(cx, bytes);
    cx->arena->counted += (bytes + ALIGN - 1) / ALIGN * ALIGN;
    note_peak(cx->arena);
    return NULL;
}

ss_mark ss_arena_mark(const ss_arena *a) { return (ss_mark){a->used, a->counted}; }

void ss_arena_rewind(ss_arena *a, ss_mark m) {
    SS_POISON_MEMORY(a->base + m.used, a->used - m.used);
    a->used = m.used;
    a->counted = m.counted;
}

void ss_arena_trim(ss_arena *a) {
    size_t keep = (a->used + step - 1) / step * step;
    if (keep >= a->committed) return;
    SS_UNPOISON_MEMORY(a->base + keep, a->committed - keep);
    madvise(a->base + keep, a->committed - keep, MADV_DONTNEED);
    mprotect(a->base + keep, a->committed - keep, PROT_NONE);
    a->committed = keep;
}
