/* SHA-256, by OpenSSL, which has the processors' own instructions for it. */
#ifndef SS_HASH_H
#define SS_HASH_H

#include "base/base.h"

enum { SS_HASH_TEXT = 65 }; /* 64 hexadecimal digits and the end of the text */

typedef struct ss_hash ss_hash;

ss_status ss_hash_new(ss_hash **out, ss_ctx *cx);
void ss_hash_add(ss_hash *h, const void *bytes, size_t n);
void ss_hash_text(ss_hash *h, char hex[SS_HASH_TEXT]); /* ends it: nothing can be added afterwards */
void ss_hash_free(ss_hash *h);

/* ss_file_hash is public: selfsame.h. */

#endif
