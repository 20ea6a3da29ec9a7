/* The vocabulary of a CLIP tokenizer: tokens, their ids, and which pairs of tokens merge into which, in what order.
 *
 * A token is written in byte symbols: one character for each byte, and "</w>" behind the last one of a word. Texts are
 * not looked at here: see tokenizer.h.
 */
#ifndef SS_VOCABULARY_H
#define SS_VOCABULARY_H

#include "base/base.h"
#include "io/pool.h"

/* tokens `left` and `right` next to each other become `whole`; where several pairs could, the least rank goes first */
typedef struct ss_merge {
    int32_t left, right, whole;
} ss_merge;

typedef struct ss_vocabulary {
    int32_t count;
    const char **text;   /* by id, in byte symbols */
    int32_t inside[256]; /* by byte: the id of its symbol, */
    int32_t at_end[256]; /* and of its symbol at the end of a word */
    int32_t merge_count;
    ss_merge *merge; /* by rank */
    int32_t *slot;   /* hash table: rank + 1, or 0 */
    uint32_t slot_mask;
    ss_pool pool;
} ss_vocabulary;

/* vocab.json and merges.txt as model folders have them; the names are for sentences. SS_ERR_FORMAT for files that do
 * not fit each other or lack the symbol of a byte. */
ss_status ss_vocabulary_parse(ss_vocabulary **out, ss_ctx *cx, const char *vocab_name, const void *vocab,
                              size_t vocab_size, const char *merges_name, const void *merges, size_t merges_size);

/* CLIP's own, which the program carries: 49408 tokens. */
ss_status ss_vocabulary_builtin(ss_vocabulary **out, ss_ctx *cx);

void ss_vocabulary_free(ss_vocabulary *v);

int32_t ss_vocabulary_find(const ss_vocabulary *v, const char *text); /* -1: no such token; a linear search */
int32_t ss_vocabulary_rank(const ss_vocabulary *v, int32_t left, int32_t right); /* -1: they do not merge */

#endif
