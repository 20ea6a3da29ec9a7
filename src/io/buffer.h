/* Bytes put one after the other. A failure sticks: later puts do nothing, and whoever takes the result looks once. */
#ifndef SS_BUFFER_H
#define SS_BUFFER_H

#include "base/base.h"

typedef struct ss_buffer {
    uint8_t *bytes;
    size_t n, room;
    ss_status status;
} ss_buffer;

void ss_put(ss_buffer *b, ss_ctx *cx, const void *bytes, size_t n);
void ss_put_text(ss_buffer *b, ss_ctx *cx, const char *text);
void ss_put_be16(ss_buffer *b, ss_ctx *cx, uint32_t v);
void ss_put_be32(ss_buffer *b, ss_ctx *cx, uint32_t v);
void ss_put_le32(ss_buffer *b, ss_ctx *cx, uint32_t v);

/* One character as UTF-8; what is none becomes U+FFFD. */
void ss_put_rune(ss_buffer *b, ss_ctx *cx, int32_t rune);

/* Hands the bytes over, ended by a 0 that does not count (*n may be NULL); on failure they are freed. Leaves {0}. */
ss_status ss_buffer_take(void **bytes, size_t *n, ss_buffer *b, ss_ctx *cx);
void ss_buffer_free(ss_buffer *b); /* leaves {0} */

#endif
