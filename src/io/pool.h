/* Many small things that live and die together: names, shapes, values of a pickle. */
#ifndef SS_POOL_H
#define SS_POOL_H

#include "base/base.h"

typedef struct ss_pool {
    struct ss_pool_block *blocks;
    size_t total; /* bytes taken so far, so that a reader of outside bytes can hold itself to a limit */
} ss_pool;

/* Zeroed, aligned for any type; NULL with SS_ERR_NOMEM. Freed by ss_pool_free, which leaves {0}. */
void *ss_pool_take(ss_pool *pool, ss_ctx *cx, size_t count, size_t size);
char *ss_pool_text(ss_pool *pool, ss_ctx *cx, const char *bytes, size_t n); /* a copy with a 0 behind it */
void ss_pool_free(ss_pool *pool);

#endif
