/* Run memory: every tensor of one pass lies in one arena, nobody frees a tensor, the arena is rewound.
 *
 * The arena reserves addresses once and takes pages as it grows, so nothing ever moves. In counting mode the bytes of
 * tensors are only added up: a pass over shapes alone tells the memory that the real one will need.
 */
#ifndef SS_ARENA_H
#define SS_ARENA_H

#include "base/base.h"

typedef struct ss_arena {
    char *base;
    size_t used, committed, reserved;
    size_t peak;    /* most bytes ever in use */
    bool counting;  /* tensor bytes are counted in `counted` instead of taken */
    size_t counted; /* part of `peak`, too */
} ss_arena;

typedef struct ss_mark {
    size_t used, counted;
} ss_mark;

ss_arena *ss_arena_new(ss_ctx *cx, bool counting);
void ss_arena_free(ss_arena *a);

/* 64-byte aligned, not cleared. NULL with SS_ERR_NOMEM when the machine has no more. */
void *ss_arena_take(ss_ctx *cx, size_t bytes);

/* The same for the numbers of a tensor: in counting mode nothing is taken and NULL returned, without a failure. */
void *ss_arena_take_data(ss_ctx *cx, size_t bytes);

ss_mark ss_arena_mark(const ss_arena *a);
void ss_arena_rewind(ss_arena *a, ss_mark m); /* what lay beyond is poisoned under the address sanitizer */
void ss_arena_trim(ss_arena *a);              /* gives the pages beyond what is in use back to the system */

#endif
