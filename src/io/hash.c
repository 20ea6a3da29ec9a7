/* SHA-256 of bytes and of files. */
#include "io/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ss_hash {
    GChecksum *sum;
};

ss_status ss_hash_new(ss_hash **out, ss_ctx *cx) {
    ss_hash *h = ss_alloc(cx, 1, sizeof *h);
    if (!h) return SS_ERR_NOMEM;
    h->sum = g_checksum_new(G_CHECKSUM_SHA256);
    *out = h;
    return SS_OK;
}

void ss_hash_add(ss_hash *h, const void *bytes, size_t n) { g_checksum_update(h->sum, bytes, (gssize)n); }

void ss_hash_text(ss_hash *h, char hex[SS_HASH_TEXT]) { memcpy(hex, g_checksum_get_string(h->sum), SS_HASH_TEXT); }

void ss_hash_free(ss_hash *h) {
    if (!h) return;
    g_checksum_free(h->sum);
    free(h);
}

ss_status ss_file_hash(char hex[SS_HASH_TEXT], ss_ctx *cx, const char *path) {
    enum { BLOCK = 1 << 18 };
    ss_hash *h = NULL;
    unsigned char *block = NULL;
    ssize_t n = 0;
    ss_status st = SS_OK;

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ss_fail(cx, SS_ERR_FILE, "%s cannot be opened: %s", path, strerror(errno));
    st = ss_hash_new(&h, cx);
    if (!st && !(block = ss_alloc(cx, BLOCK, 1))) st = SS_ERR_NOMEM;
    while (!st && (n = read(fd, block, BLOCK)) > 0) {
        ss_hash_add(h, block, (size_t)n);
        st = ss_stopped(cx);
    }
    if (!st && n < 0) st = ss_fail(cx, SS_ERR_FILE, "%s cannot be read: %s", path, strerror(errno));
    if (!st) ss_hash_text(h, hex);
    free(block);
    ss_hash_free(h);
    close(fd);
    return st;
}
