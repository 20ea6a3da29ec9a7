/* SHA-256 of bytes and of files. */
#include "io/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ss_hash {
    EVP_MD_CTX *sum;
};

ss_status ss_hash_new(ss_hash **out, ss_ctx *cx) {
    ss_hash *h = ss_alloc(cx, 1, sizeof *h);
    if (!h) return SS_ERR_NOMEM;
    h->sum = EVP_MD_CTX_new();
    if (!h->sum || !EVP_DigestInit_ex(h->sum, EVP_sha256(), NULL)) {
        ss_hash_free(h);
        return ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for a checksum");
    }
    *out = h;
    return SS_OK;
}

/* Once begun, SHA-256 of bytes in memory has nothing that could fail. */
void ss_hash_add(ss_hash *h, const void *bytes, size_t n) { EVP_DigestUpdate(h->sum, bytes, n); }

void ss_hash_text(ss_hash *h, char hex[SS_HASH_TEXT]) {
    unsigned char digest[32] = {0};
    EVP_DigestFinal_ex(h->sum, digest, NULL);
    for (int i = 0; i < SS_COUNT_OF(digest); i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void ss_hash_free(ss_hash *h) {
    if (!h) return;
    EVP_MD_CTX_free(h->sum);
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
