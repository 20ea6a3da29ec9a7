/* A growing run of bytes. */
#include "io/buffer.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void ss_put(ss_buffer *b, ss_ctx *cx, const void *bytes, size_t n) {
    if (b->status || !n) return;
    size_t need;
    if (!ss_add_size(b->n, n, &need)) {
        b->status = ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for %zu + %zu bytes", b->n, n);
        return;
    }
    if (need > b->room) {
        size_t room = need > SIZE_MAX / 2 ? need : need + need / 2 + 64;
        b->status = ss_grow(cx, &b->bytes, b->room, room, 1);
        if (b->status) return;
        b->room = room;
    }
    memcpy(b->bytes + b->n, bytes, n);
    b->n = need;
}

void ss_put_text(ss_buffer *b, ss_ctx *cx, const char *text) { ss_put(b, cx, text, strlen(text)); }

void ss_put_be16(ss_buffer *b, ss_ctx *cx, uint32_t v) { ss_put(b, cx, (uint8_t[]){v >> 8 & 255, v & 255}, 2); }

void ss_put_be32(ss_buffer *b, ss_ctx *cx, uint32_t v) {
    ss_put(b, cx, (uint8_t[]){v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255}, 4);
}

void ss_put_le32(ss_buffer *b, ss_ctx *cx, uint32_t v) {
    ss_put(b, cx, (uint8_t[]){v & 255, v >> 8 & 255, v >> 16 & 255, v >> 24}, 4);
}

void ss_put_rune(ss_buffer *b, ss_ctx *cx, int32_t rune) {
    uint8_t utf8[4];
    ss_put(b, cx, utf8, (size_t)utf8proc_encode_char(utf8proc_codepoint_valid(rune) ? rune : 0xfffd, utf8));
}

ss_status ss_buffer_take(void **bytes, size_t *n, ss_buffer *b, ss_ctx *cx) {
    ss_put(b, cx, "", 1);
    ss_status st = b->status;
    if (!st) {
        *bytes = b->bytes;
        if (n) *n = b->n - 1;
        *b = (ss_buffer){0};
    }
    ss_buffer_free(b);
    return st;
}

void ss_buffer_free(ss_buffer *b) {
    free(b->bytes);
    *b = (ss_buffer){0};
}
