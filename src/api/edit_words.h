/* Which tokens of the prompts name the subject. */
#ifndef SS_EDIT_WORDS_H
#define SS_EDIT_WORDS_H

#include "control/masactrl.h"
#include "io/tokenizer.h"

/* The subject's tokens in the source prompt and in each target prompt: of the words that the request names, or else of
 * the words that the source and the target share. Fails when there are none. */
ss_status ss_subject_words(ss_token_set *source, ss_token_set *targets, ss_ctx *cx, const ss_tokenizer *t,
                           const ss_edit_request *r);

/* The word that token `place` of a text stands for, fit for a file name. */
void ss_word_name(char *name, size_t size, const char *text, const ss_tokens *info, int place);

#endif
