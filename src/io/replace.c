/* The temporary, its flushing and renaming, and the one sentence that a failed write gets. */
#include "io/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static ss_status failed(ss_ctx *cx, const char *path, int error) {
    if (error == ENOSPC || error == EDQUOT) {
        return ss_fail(cx, SS_ERR_FILE, "%s cannot be written: the disk is full; nothing was left behind", path);
    }
    return ss_fail(cx, SS_ERR_FILE, "%s cannot be written: %s", path, strerror(error));
}

/* The folder part of path with its last slash: "", "/", "a/b/". */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Short, as the target's own name may already be as long as a name can be. */
static ss_status open_temporary(ss_replacement *r, ss_ctx *cx, mode_t mode) {
    size_t folder = folder_length(r->target);
    for (int attempt = 0; attempt < 1000; attempt++) {
        char *name = ss_format(cx, "%.*s.selfsame-%ld-%d.part", (int)folder, r->target, (long)getpid(), attempt);
        if (!name) return SS_ERR_NOMEM;
        r->fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (r->fd >= 0) {
            r->temporary = name;
            return SS_OK;
        }
        free(name);
        if (errno != EEXIST) break;
    }
    if (errno == ENOENT) {
        return ss_fail(cx, SS_ERR_FILE, "%s cannot be written: there is no folder %.*s", r->path, (int)folder,
                       r->target);
    }
    return failed(cx, r->path, errno);
}

ss_status ss_replace_open(ss_replacement *r, ss_ctx *cx, const char *path) {
    *r = (ss_replacement){.fd = -1};
    r->path = ss_strdup(cx, path);
    if (!r->path) return SS_ERR_NOMEM;
    char *followed = realpath(path, NULL);
    r->target = ss_strdup(cx, followed ? followed : path);
    free(followed);
    if (!r->target) return SS_ERR_NOMEM;

    struct stat about;
    bool exists = stat(r->target, &about) == 0;
    if (exists && S_ISDIR(about.st_mode)) {
        return ss_fail(cx, SS_ERR_FILE, "%s cannot be written: it is a folder", path);
    }
    if (exists && !S_ISREG(about.st_mode)) {
        r->fd = open(r->target, O_WRONLY | O_CLOEXEC);
        return r->fd < 0 ? failed(cx, path, errno) : SS_OK;
    }
    if (exists && access(r->target, W_OK)) return failed(cx, path, errno);
    ss_status st = open_temporary(r, cx, 0666);
    if (!st && exists && fchmod(r->fd, about.st_mode & 07777)) st = failed(cx, path, errno);
    return st;
}

ss_status ss_replace_write(ss_replacement *r, ss_ctx *cx, const void *bytes, size_t n) {
    const char *p = bytes;
    while (n) {
        ssize_t written = write(r->fd, p, n);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failed(cx, r->path, errno);
        p += written;
        n -= (size_t)written;
    }
    return SS_OK;
}

ss_status ss_replace_commit(ss_replacement *r, ss_ctx *cx) {
    /* Full disks and network folders may report a failed write only here. Devices know no flushing. */
    if (r->temporary && fsync(r->fd)) return failed(cx, r->path, errno);
    int fd = r->fd;
    r->fd = -1;
    if (close(fd)) return failed(cx, r->path, errno);
    if (r->temporary) {
        if (rename(r->temporary, r->target)) return failed(cx, r->path, errno);
        free(r->temporary);
        r->temporary = NULL;
    }
    return SS_OK;
}

void ss_replace_close(ss_replacement *r) {
    if (r->fd >= 0) close(r->fd);
    if (r->temporary) unlink(r->temporary);
    free(r->temporary);
    free(r->target);
    free(r->path);
    *r = (ss_replacement){.fd = -1};
}

ss_status ss_write_file(ss_ctx *cx, const char *path, const void *bytes, size_t n) {
    ss_replacement r;
    ss_status st = ss_replace_open(&r, cx, path);
    if (!st) st = ss_replace_write(&r, cx, bytes, n);
    if (!st) st = ss_replace_commit(&r, cx);
    ss_replace_close(&r);
    return st;
}
