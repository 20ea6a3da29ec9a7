/* UTF-8 to the characters that a CLIP tokenizer sees: composed (NFC) and in lower case, each with where it came from.
 */
#ifndef SS_NORMALIZE_H
#define SS_NORMALIZE_H

#include "base/base.h"

/* A character, and the bytes of the text that made it: [from, to). */
typedef struct ss_letter {
    uint32_t code, from, to;
} ss_letter;

/* Made for {0}; `at` is freed by the caller and used again by the next call. */
typedef struct ss_letters {
    ss_letter *at;
    size_t count, room;
} ss_letters;

/* The letters of text[from, to), which replace what y held. Takes time in proportion to the length whatever the text.
 * SS_ERR_ARG for what is not UTF-8, with the place. */
ss_status ss_normalize(ss_letters *y, ss_ctx *cx, const char *text, size_t from, size_t to);

typedef enum ss_letter_kind { SS_IS_SPACE, SS_IS_LETTER, SS_IS_NUMBER, SS_IS_OTHER } ss_letter_kind;
ss_letter_kind ss_letter_kind_of(uint32_t code);

#endif
