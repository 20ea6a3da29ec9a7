/* What every part of the library shares: the context, failures as sentences, memory that can be made to fail.
 *
 * Knows nothing of tensors; the context carries the tape, the device and the controllers as opaque pointers so that a
 * forward pass needs one argument for all of them.
 */
#ifndef SS_BASE_H
#define SS_BASE_H

#include <selfsame/selfsame.h>
#include <stdatomic.h>

#define SS_COUNT_OF(a) ((int)(sizeof(a) / sizeof *(a)))
#if defined(__GNUC__)
#define SS_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define SS_PRINTF(text, first)
#endif

struct ss_ctx {
    ss_callbacks callbacks;
    int threads;
    atomic_int stop;

    ss_status status; /* the first failure, and its sentence */
    char error[2048];

    /* One pass's tensors, who computes them, what remembers them, and who has a say in attention. */
    struct ss_arena *arena;
    struct ss_device *device;
    struct ss_tape *tape;
    struct ss_control *control;
    struct ss_watch *watch; /* sees named tensors of a pass, or NULL */

    /* Tests make the n-th allocation from here on fail; negative: none. */
    int64_t fail_allocation;
};

/* Keeps the sentence if it is the first failure, and returns `st`, so that `return ss_fail(...)` reads straight. */
ss_status ss_fail(ss_ctx *cx, ss_status st, const char *format, ...) SS_PRINTF(3, 4);

void ss_note(ss_ctx *cx, const char *format, ...) SS_PRINTF(2, 3);
void ss_warn(ss_ctx *cx, const char *format, ...) SS_PRINTF(2, 3);
void ss_report(ss_ctx *cx, const char *what, int done, int total);

/* SS_ERR_STOPPED with its sentence once somebody has asked to stop. */
ss_status ss_stopped(ss_ctx *cx);

/* Zeroed memory, or NULL with SS_ERR_NOMEM kept in cx. `count * size` is checked. Freed with free(). */
void *ss_alloc(ss_ctx *cx, size_t count, size_t size);

/* *p grows to `count` elements of `size` bytes; what it held stays, new bytes are zero. On failure *p is unchanged. */
ss_status ss_grow(ss_ctx *cx, void *p, size_t old_count, size_t count, size_t size);

char *ss_strdup(ss_ctx *cx, const char *s);
char *ss_format(ss_ctx *cx, const char *format, ...) SS_PRINTF(2, 3);

/* Checked arithmetic on sizes from outside: false on overflow. */
static inline bool ss_mul(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool ss_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }

#endif
