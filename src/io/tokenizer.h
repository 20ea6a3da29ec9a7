/* Texts to the 77 token ids that CLIP's text encoders read, exactly as transformers' fast CLIP tokenizer does it.
 *
 * A tokenizer is opened from a model folder's tokenizer/, or made from CLIP's own vocabulary for a file that brings
 * none. Tokens may be added while nobody tokenizes; otherwise it is only read and may be shared.
 */
#ifndef SS_TOKENIZER_H
#define SS_TOKENIZER_H

#include "base/base.h"

enum {
    SS_TOKENS = 77,           /* what the text encoders read, both end marks included */
    SS_START_OF_TEXT = 49406, /* in CLIP's own vocabulary */
    SS_END_OF_TEXT = 49407,
    SS_PROMPT_BYTES = 1000 * 1000 * 1000 /* a longer prompt is refused */
};

typedef struct ss_tokenizer ss_tokenizer;

/* How a text came out. Places count from 0; the start mark is at 0, the first word at 1. */
typedef struct ss_tokens {
    int count;          /* ids before the padding, both marks included */
    int64_t used;       /* tokens that the whole text needs, marks not counted; 75 fit */
    const char *cut_at; /* where in the text the part that did not fit begins; NULL if all of it did */
    uint32_t from[SS_TOKENS],
        to[SS_TOKENS]; /* the bytes of the text that a token stands for; none: marks and padding */
} ss_tokens;

/* vocab.json and merges.txt; tokenizer_config.json, special_tokens_map.json and added_tokens.json where they are. */
ss_status ss_tokenizer_open(ss_tokenizer **out, ss_ctx *cx, const char *folder);

/* With CLIP's own vocabulary. Padding is SS_END_OF_TEXT for SD 1.x and 0 for SD 2.x. */
ss_status ss_tokenizer_builtin(ss_tokenizer **out, ss_ctx *cx, int32_t pad);

void ss_tokenizer_free(ss_tokenizer *t);

int32_t ss_tokenizer_count(const ss_tokenizer *t); /* tokens, the added ones included */

/* A new token. It is found in texts by its exact spelling, also inside words, the longest one first. *id is the next
 * one free: rows of the embedding table are the caller's business. SS_ERR_ARG for a token that is there already. */
ss_status ss_tokenizer_add(ss_tokenizer *t, ss_ctx *cx, const char *token, int32_t *id);

/* The same for a token that takes several places in a text: it becomes the ids *id, *id + 1 ... *id + count - 1. */
ss_status ss_tokenizer_add_several(ss_tokenizer *t, ss_ctx *cx, const char *token, int32_t count, int32_t *id);

/* The added token whose first id this is, and how many ids it has; an id that is no token's first is our own mistake.
 */
const char *ss_tokenizer_added(const ss_tokenizer *t, int32_t id, int32_t *count);

/* The id of a token spelled as the vocabulary spells it: "dog</w>" is the word, "dog" the beginning or middle of one.
 * -1: there is none. */
int32_t ss_tokenizer_find(const ss_tokenizer *t, const char *token);

/* From now on texts are searched for a token of the vocabulary just as for added ones. Folders of SD 2.x ask for that
 * with their padding token "!", so that "hello!!!" has three tokens after the word. */
ss_status ss_tokenizer_recognize(ss_tokenizer *t, ss_ctx *cx, const char *token);

/* ids with both marks and padding. SS_ERR_ARG if the text is not UTF-8. Time goes with the length of the text (with n
 * log n for a word of n letters). */
ss_status ss_tokenize(const ss_tokenizer *t, ss_ctx *cx, const char *text, int32_t ids[SS_TOKENS], ss_tokens *info);

/* The same for a text that may hold zeros. */
ss_status ss_tokenize_bytes(const ss_tokenizer *t, ss_ctx *cx, const char *text, size_t size, int32_t ids[SS_TOKENS],
                            ss_tokens *info);

/* Places of the tokens that stand for any byte of text[from, to); returns how many. */
int ss_tokens_between(const ss_tokens *info, size_t from, size_t to, int places[SS_TOKENS]);

/* Places of the tokens of a word or phrase, wherever in the text it occurs: as whole words, or, where it is nowhere a
 * whole word, within words. Case does not count. SS_ERR_ARG if the text has no such phrase, or only in the part that
 * was cut off. */
ss_status ss_token_places(int places[SS_TOKENS], int *count, ss_ctx *cx, const char *text, const ss_tokens *info,
                          const char *phrase);

/* ------------------------------------------------------------------------------------- for the fuzzer and the tests */

typedef struct ss_bytes {
    const void *at;
    size_t size; /* 0: there is no such file */
} ss_bytes;

typedef struct ss_tokenizer_files {
    const char *folder; /* for sentences */
    ss_bytes vocab, merges, config, special, added;
} ss_tokenizer_files;

ss_status ss_tokenizer_parse(ss_tokenizer **out, ss_ctx *cx, const ss_tokenizer_files *files);

#endif
