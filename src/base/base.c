/* The context's failures and messages, and checked memory. */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

ss_status ss_fail(ss_ctx *cx, ss_status st, const char *format, ...) {
    if (cx->status == SS_OK) {
        cx->status = st;
        va_list args;
        va_start(args, format);
        vsnprintf(cx->error, sizeof cx->error, format, args);
        va_end(args);
    }
    return st;
}

static void say(ss_ctx *cx, ss_log_level level, const char *format, va_list args) {
    if (!cx->callbacks.log) return;
    char line[2048];
    vsnprintf(line, sizeof line, format, args);
    cx->callbacks.log(cx->callbacks.user, level, line);
}

void ss_note(ss_ctx *cx, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(cx, SS_LOG_NOTE, format, args);
    va_end(args);
}

void ss_warn(ss_ctx *cx, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(cx, SS_LOG_WARNING, format, args);
    va_end(args);
}

void ss_report(ss_ctx *cx, const char *what, int done, int total) {
    if (cx->callbacks.progress) cx->callbacks.progress(cx->callbacks.user, &(ss_progress){what, done, total});
}

ss_status ss_stopped(ss_ctx *cx) {
    return atomic_load(&cx->stop) ? ss_fail(cx, SS_ERR_STOPPED, "stopped on request") : SS_OK;
}

static bool injected(ss_ctx *cx) {
    if (cx->fail_allocation < 0) return false;
    return cx->fail_allocation-- == 0;
}

void *ss_alloc(ss_ctx *cx, size_t count, size_t size) {
    void *p = injected(cx) ? NULL : calloc(count ? count : 1, size ? size : 1);
    if (!p) ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for %zu x %zu bytes", count, size);
    return p;
}

ss_status ss_grow(ss_ctx *cx, void *p, size_t old_count, size_t count, size_t size) {
    void *old, *new;
    size_t bytes;
    memcpy(&old, p, sizeof old);
    bool fits = ss_mul(count ? count : 1, size, &bytes) && !injected(cx);
    new = fits ? realloc(old, bytes) : NULL;
    if (!new) return ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for %zu x %zu bytes", count, size);
    if (count > old_count) memset((char *)new + old_count *size, 0, (count - old_count) * size);
    memcpy(p, &new, sizeof new);
    return SS_OK;
}

char *ss_strdup(ss_ctx *cx, const char *s) {
    size_t n = strlen(s) + 1;
    char *copy = ss_alloc(cx, n, 1);
    return copy ? memcpy(copy, s, n) : NULL;
}

char *ss_format(ss_ctx *cx, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : ss_alloc(cx, (size_t)n + 1, 1);
    if (!text) return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}

/* Levenshtein's distance without regard to case, cut off where it no longer matters. */
static int distance(const char *a, const char *b) {
    enum { LONGEST = 63 };
    int n = (int)strlen(a), m = (int)strlen(b), row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST) return LONGEST;
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int best = diagonal + (strncasecmp(a + i - 1, b + j - 1, 1) != 0);
            diagonal = row[j];
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

const char *ss_nearest(const char *word, const char *const *candidates, int count) {
    const char *best = NULL;
    int least = 1 + (int)strlen(word) / 2;
    for (int i = 0; i < count; i++) {
        int d = distance(word, candidates[i]);
        if (d < least) least = d, best = candidates[i];
    }
    return best;
}
