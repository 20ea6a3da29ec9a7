/* A list of blocks, each filled from its start. */
#include "io/pool.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

typedef struct ss_pool_block {
    struct ss_pool_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
} block;

enum { LEAST = 1 << 14, MOST = 1 << 18 };

/* Blocks grow with the pool. What is large gets a block to itself behind the first, which stays the one being filled.
 */
static block *add_block(ss_pool *pool, ss_ctx *cx, size_t n) {
    size_t ordinary = pool->total < LEAST ? LEAST : pool->total > MOST ? MOST : pool->total;
    bool alone = n > ordinary / 4;
    size_t size = alone ? n : ordinary, all;
    if (!ss_add_size(size, sizeof(block), &all)) {
        ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for %zu bytes", size);
        return NULL;
    }
    block *b = ss_alloc(cx, 1, all);
    if (!b) return NULL;
    b->size = size;
    if (alone && pool->blocks) {
        b->next = pool->blocks->next;
        pool->blocks->next = b;
    } else {
        b->next = pool->blocks;
        pool->blocks = b;
    }
    return b;
}

void *ss_pool_take(ss_pool *pool, ss_ctx *cx, size_t count, size_t size) {
    const size_t align = alignof(max_align_t);
    size_t n, padded;
    if (!ss_mul(count, size, &n) || !ss_add_size(n ? n : 1, align - 1, &padded)) {
        ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for %zu x %zu bytes", count, size);
        return NULL;
    }
    padded &= ~(align - 1);
    block *b = pool->blocks;
    if (!b || b->size - b->used < padded) b = add_block(pool, cx, padded);
    if (!b) return NULL;
    void *p = b->bytes + b->used;
    b->used += padded;
    pool->total += padded;
    return p;
}

char *ss_pool_text(ss_pool *pool, ss_ctx *cx, const char *bytes, size_t n) {
    char *text = ss_pool_take(pool, cx, n + 1, 1);
    if (text && n) memcpy(text, bytes, n);
    return text;
}

void ss_pool_free(ss_pool *pool) {
    for (block *b = pool->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *pool = (ss_pool){0};
}
