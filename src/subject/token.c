/* What new tokens start from. */
#include "subject/subject.h"

#include <stdio.h>
#include <string.h>

/* The pieces that the vocabulary makes of a word, for the sentence: "k", "tn". */
static void list_pieces(char *list, size_t size, const char *word, const ss_tokens *info) {
    size_t n = 0;
    *list = 0;
    for (int i = 1; i < info->count - 1 && n < size; i++)
        n += (size_t)snprintf(list + n, size - n, "%s\"%.*s\"", i > 1 ? ", " : "", (int)(info->to[i] - info->from[i]),
                              word + info->from[i]);
}

ss_status ss_initializer(int32_t *id, ss_ctx *cx, const ss_model *m, const char *word, bool piece) {
    int32_t found = piece ? ss_tokenizer_find(m->tokenizer, word) : -1, ids[SS_TOKENS];
    char list[400];
    ss_tokens info;
    if (found >= 0) {
        *id = found;
        return SS_OK;
    }
    ss_status st = ss_tokenize(m->tokenizer, cx, word, ids, &info);
    if (st) return st;
    if (info.used == 1) {
        *id = ids[1];
        return SS_OK;
    }
    if (info.used == 0)
        return ss_fail(cx, SS_ERR_ARG, "a new token cannot start from \"%.100s\": there is no word in it", word);
    list_pieces(list, sizeof list, word, &info);
    return ss_fail(
        cx, SS_ERR_ARG,
        "a new token starts from one token of the vocabulary, and \"%.100s\" is %lld: %s. Name a more common "
        "word",
        word, (long long)info.used, list);
}
