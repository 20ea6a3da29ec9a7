/* The subject's words in prompts. */
#include "api/edit_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Words that a source and a target share without saying what the subject is. */
static bool says_nothing(const char *word, size_t n) {
    static const char *const list[] = {"a",       "an",  "the", "of",  "in",    "on",      "at",    "and",
                                       "with",    "to",  "is",  "are", "photo", "picture", "image", "painting",
                                       "drawing", "one", "two", "by",  "its",   "under",   "near"};
    for (int i = 0; i < SS_COUNT_OF(list); i++)
        if (strlen(list[i]) == n && !strncasecmp(list[i], word, n)) return true;
    return false;
}

static bool letter(char c) { return isalnum((unsigned char)c) || (c & 0x80) || c == '<' || c == '>' || c == '_'; }

static bool has_word(const char *text, const char *word, size_t n) {
    for (const char *p = text; *p;) {
        size_t len = 0;
        while (letter(p[len])) len++;
        if (len == n && !strncasecmp(p, word, n)) return true;
        p += len ? len : 1;
    }
    return false;
}

static ss_status add_phrase(ss_token_set *set, ss_ctx *cx, const ss_tokenizer *t, const char *text,
                            const char *phrase) {
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    int places[SS_TOKENS], count = 0;
    ss_status st = ss_tokenize(t, cx, text, ids, &info);
    if (!st) st = ss_token_places(places, &count, cx, text, &info, phrase);
    for (int i = 0; i < count && !st && set->count < SS_MASK_TOKENS; i++) set->at[set->count++] = places[i];
    return st;
}

/* Every word of the source that the target has, too. */
static ss_status add_shared(ss_token_set *source, ss_token_set *target, ss_ctx *cx, const ss_tokenizer *t,
                            const char *text, const char *prompt) {
    ss_status st = SS_OK;
    char word[64];
    for (const char *p = text; *p && !st;) {
        size_t n = 0;
        while (letter(p[n])) n++;
        bool first_time = n > 0;
        for (const char *q = text; q < p && first_time; q++)
            if (!strncasecmp(q, p, n) && !letter(q[n]) && (q == text || !letter(q[-1]))) first_time = false;
        if (first_time && n < sizeof word && !says_nothing(p, n) && has_word(prompt, p, n)) {
            memcpy(word, p, n);
            word[n] = 0;
            st = add_phrase(source, cx, t, text, word);
            if (!st) st = add_phrase(target, cx, t, prompt, word);
        }
        p += n ? n : 1;
    }
    return st;
}

ss_status ss_subject_words(ss_token_set *source, ss_token_set *targets, ss_ctx *cx, const ss_tokenizer *t,
                           const ss_edit_request *r) {
    const char *text = r->source ? r->source : "";
    if (!*text)
        return ss_fail(cx, SS_ERR_ARG,
                       "automatic masks follow the words for the subject, so they need a source prompt that says what "
                       "the photo shows");
    *source = (ss_token_set){0};
    ss_status st = r->subject ? add_phrase(source, cx, t, text, r->subject) : SS_OK;
    for (int i = 0; i < r->prompt_count && !st; i++) {
        targets[i] = (ss_token_set){0};
        ss_token_set shared = {0};
        if (r->subject)
            st = add_phrase(&targets[i], cx, t, r->prompts[i], r->target_subject ? r->target_subject : r->subject);
        else
            st = add_shared(&shared, &targets[i], cx, t, text, r->prompts[i]);
        if (!st && !r->subject && r->target_subject) {
            targets[i] = (ss_token_set){0};
            st = add_phrase(&targets[i], cx, t, r->prompts[i], r->target_subject);
        }
        if (!st && !r->subject && i == 0) *source = shared;
        if (!st && (!source->count || !targets[i].count))
            st = ss_fail(cx, SS_ERR_ARG,
                         "which words name the subject? \"%.120s\" and \"%.120s\" share none; say which with the "
                         "subject words",
                         text, r->prompts[i]);
    }
    return st;
}

void ss_word_name(char *name, size_t size, const char *text, const ss_tokens *info, int place) {
    size_t n = 0;
    for (uint32_t b = info->from[place]; b < info->to[place] && n + 1 < size; b++)
        if (isalnum((unsigned char)text[b])) name[n++] = text[b];
    if (!n && size > 1) name[n++] = '_';
    name[n] = 0;
}
