/* Files written whole: into a temporary beside the target, flushed to the disk, renamed over it. Whoever reads or has
 * mapped the old file keeps it; whoever looks afterwards sees all of the new one; a failure leaves nothing behind. */
#ifndef SS_REPLACE_H
#define SS_REPLACE_H

#include "base/base.h"

typedef struct ss_replacement {
    int fd;          /* -1: closed */
    char *path;      /* as the caller spelled it */
    char *target;    /* with symbolic links followed */
    char *temporary; /* NULL when the target is no regular file (a pipe, a device): then it is written directly */
} ss_replacement;

/* Fails with SS_ERR_FILE and the reason: no such folder, no permission, disk full, ... After any failure, and after
 * ss_replace_commit, ss_replace_close is still to be called; without a commit it removes the temporary. */
ss_status ss_replace_open(ss_replacement *r, ss_ctx *cx, const char *path);
ss_status ss_replace_write(ss_replacement *r, ss_ctx *cx, const void *bytes, size_t n);
ss_status ss_replace_commit(ss_replacement *r, ss_ctx *cx);
void ss_replace_close(ss_replacement *r);

/* All of the above for bytes that lie ready. */
ss_status ss_write_file(ss_ctx *cx, const char *path, const void *bytes, size_t n);

#endif
