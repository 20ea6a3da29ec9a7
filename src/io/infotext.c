/* A1111's `parameters` text, built and read as its own code does, quirks included: a prompt whose last line looks like
 * three named values is taken for them, and keys of one character cannot be read back.
 */
#include "io/infotext.h"

#include "io/buffer.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const char negative_mark[] = "Negative prompt:";

void ss_infotext_free(ss_infotext *t) {
    if (!t) return;
    for (int i = 0; i < t->count; i++) {
        free(t->fields[i].key);
        free(t->fields[i].value);
    }
    free(t->fields);
    free(t->prompt);
    free(t->negative);
    *t = (ss_infotext){0};
}

/* ------------------------------------------------------------------------------------------------ fields */

static ss_infotext_field *find(const ss_infotext *t, const char *key) {
    for (int i = 0; i < t->count; i++)
        if (!strcmp(t->fields[i].key, key)) return &t->fields[i];
    return NULL;
}

/* Takes over both texts, also when it fails; one of them may be NULL because its allocation has failed. */
static ss_status set(ss_infotext *t, ss_ctx *cx, char *key, char *value) {
    ss_status st = key && value ? SS_OK : SS_ERR_NOMEM;
    ss_infotext_field *old = st ? NULL : find(t, key);
    if (old) {
        free(old->value);
        old->value = value;
        free(key);
        return SS_OK;
    }
    if (!st) st = ss_grow(cx, &t->fields, (size_t)t->count, (size_t)t->count + 1, sizeof *t->fields);
    if (!st) {
        t->fields[t->count++] = (ss_infotext_field){key, value};
        return SS_OK;
    }
    free(key);
    free(value);
    return st;
}

ss_status ss_infotext_set(ss_infotext *t, ss_ctx *cx, const char *key, const char *value) {
    return set(t, cx, ss_strdup(cx, key), ss_strdup(cx, value));
}

ss_status ss_infotext_setf(ss_infotext *t, ss_ctx *cx, const char *key, const char *format, ...) {
    char value[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(value, sizeof value, format, args);
    va_end(args);
    (void)n;
    assert(n >= 0 && n < (int)sizeof value); /* numbers and short names; longer texts go through ss_infotext_set */
    return ss_infotext_set(t, cx, key, value);
}

const char *ss_infotext_get(const ss_infotext *t, const char *key) {
    static const ss_infotext_field unsaid[] = {
        {"Clip skip", "1"},
        {"RNG", "GPU"},
        {"Schedule type", "Automatic"},
        {"Mask mode", "Inpaint masked"},
        {"Masked content", "original"},
        {"Inpaint area", "Whole picture"},
        {"Masked area padding", "32"},
        {"Hires resize", "0x0"},
        {"VAE Encoder", "Full"},
        {"VAE Decoder", "Full"},
    };
    const ss_infotext_field *f = find(t, key);
    if (f) return f->value;
    for (int i = 0; i < SS_COUNT_OF(unsaid); i++)
        if (!strcmp(unsaid[i].key, key)) return unsaid[i].value;
    return NULL;
}

bool ss_infotext_size(const ss_infotext *t, const char *key, int *w, int *h) {
    enum { DIGITS = 7 };
    const char *value = ss_infotext_get(t, key), *digits = "0123456789";
    size_t wide = value ? strspn(value, digits) : 0;
    if (wide < 1 || wide > DIGITS || value[wide] != 'x') return false;
    size_t high = strspn(value + wide + 1, digits);
    if (high < 1 || high > DIGITS || value[wide + 1 + high]) return false;
    *w = (int)strtol(value, NULL, 10);
    *h = (int)strtol(value + wide + 1, NULL, 10);
    return true;
}

/* ------------------------------------------------------------------------------------------------ characters */

/* A stretch of the text being read. */
typedef struct stretch {
    const char *at, *end;
} stretch;

/* The character at the front and its length; bytes that are no UTF-8 count singly, as U+FFFD. */
static int32_t rune_at(stretch s, int *length) {
    utf8proc_int32_t rune;
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)s.at, s.end - s.at, &rune);
    *length = used < 1 ? 1 : (int)used;
    return used < 1 ? 0xfffd : rune;
}

/* What Python's str.strip and \s take for space. */
static bool is_space(int32_t c) {
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* What Python's \w takes for part of a word: letters, digits and the low line. */
static bool is_word(int32_t c) {
    utf8proc_category_t kind = utf8proc_category(c);
    return c == '_' || (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO) ||
           (kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO);
}

static stretch strip(stretch s) {
    int n;
    while (s.at < s.end && is_space(rune_at(s, &n))) s.at += n;
    while (s.at < s.end) {
        const char *last = s.end - 1;
        while (last > s.at && ((unsigned char)*last & 0xc0) == 0x80) last--;
        if (!is_space(rune_at((stretch){last, s.end}, &n)) || last + n != s.end) break;
        s.end = last;
    }
    return s;
}

static char *copy(ss_ctx *cx, stretch s) {
    size_t n = (size_t)(s.end - s.at);
    char *text = ss_alloc(cx, n + 1, 1);
    if (text && n) memcpy(text, s.at, n);
    return text;
}

/* ------------------------------------------------------------------------------------------------ writing */

/* A value that would end too early is written as a JSON string. */
static void put_value(ss_buffer *b, ss_ctx *cx, const char *value) {
    if (!strpbrk(value, ",:\n")) {
        ss_put_text(b, cx, value);
        return;
    }
    ss_put_text(b, cx, "\"");
    for (const char *c = value; *c; c++) {
        static const char special[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
        const char *found = strchr(special, *c);
        char escaped[8] = {*c};
        if (found)
            snprintf(escaped, sizeof escaped, "\\%c", letter[found - special]);
        else if ((unsigned char)*c < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned char)*c);
        ss_put_text(b, cx, escaped);
    }
    ss_put_text(b, cx, "\"");
}

static void put_field(ss_buffer *b, ss_ctx *cx, const ss_infotext_field *f, bool *first) {
    if (!*f->value) return;
    if (!*first) ss_put_text(b, cx, ", ");
    *first = false;
    ss_put_text(b, cx, f->key);
    if (!strcmp(f->key, f->value)) return;
    ss_put_text(b, cx, ": ");
    put_value(b, cx, f->value);
}

ss_status ss_infotext_build(char **text, ss_ctx *cx, const ss_infotext *t) {
    static const char *const order[] = {"Steps",
                                        "Sampler",
                                        "Schedule type",
                                        "CFG scale",
                                        "Image CFG scale",
                                        "Seed",
                                        "Face restoration",
                                        "Size",
                                        "Model hash",
                                        "Model",
                                        "VAE hash",
                                        "VAE",
                                        "Variation seed",
                                        "Variation seed strength",
                                        "Seed resize from",
                                        "Denoising strength",
                                        "Conditional mask weight",
                                        "Clip skip",
                                        "ENSD",
                                        "Token merging ratio",
                                        "Token merging ratio hr",
                                        "Init image hash",
                                        "RNG",
                                        "NGMS",
                                        "Tiling",
                                        NULL, /* here come the others */
                                        "Version",
                                        "User"};
    ss_buffer b = {0};
    bool first = true;
    if (t->prompt) ss_put_text(&b, cx, t->prompt);
    if (t->negative && *t->negative) {
        ss_put_text(&b, cx, "\nNegative prompt: ");
        ss_put_text(&b, cx, t->negative);
    }
    ss_put_text(&b, cx, "\n");
    for (int k = 0; k < SS_COUNT_OF(order); k++)
        for (int i = 0; i < t->count; i++) {
            const ss_infotext_field *f = &t->fields[i];
            int place = 0;
            while (place < SS_COUNT_OF(order) && (!order[place] || strcmp(order[place], f->key))) place++;
            bool chosen = order[k] ? place == k : place == SS_COUNT_OF(order);
            if (!strcmp(f->key, "Clip skip") && strtol(f->value, NULL, 10) <= 1) chosen = false;
            if (!strcmp(f->key, "RNG") && !strcmp(f->value, "GPU")) chosen = false;
            if (chosen) put_field(&b, cx, f, &first);
        }
    char *made = NULL;
    ss_status st = b.status;
    if (!st) {
        made = copy(cx, strip((stretch){(char *)b.bytes, (char *)b.bytes + b.n}));
        st = made ? SS_OK : SS_ERR_NOMEM;
    }
    if (!st) *text = made;
    ss_buffer_free(&b);
    return st;
}

/* ------------------------------------------------------------------------------------------------ reading */

typedef struct match {
    stretch key, value;
} match;

/* Where a value in double quotes, backslashes escaping, ends; NULL if s starts with none, or more than a comma follows.
 */
static const char *quoted_end(stretch s) {
    const char *c = s.at + 1;
    if (s.at == s.end || *s.at != '"') return NULL;
    while (c < s.end && *c != '"') c += *c == '\\' ? 2 : 1;
    if (c >= s.end || c == s.at + 1) return NULL;
    return c + 1 == s.end || c[1] == ',' ? c + 1 : NULL;
}

/* Takes everything up to and with the next "key: value" off the front of a line; false if there is none. A key is a run
 * of two or more word characters, spaces, "-" and "/", the first a word character, right before a colon. */
static bool next_match(match *m, stretch *line) {
    const char *key = NULL;
    int n;
    for (; line->at < line->end; line->at += n) {
        int32_t c = rune_at(*line, &n);
        if (c == ':' && key) {
            int first;
            rune_at((stretch){key, line->at}, &first);
            if (key + first < line->at) break;
        }
        if (!key && is_word(c)) key = line->at;
        if (key && !is_word(c) && c != ' ' && c != '-' && c != '/') key = NULL;
    }
    if (!key || line->at == line->end) return false;
    m->key = (stretch){key, line->at++};
    while (line->at < line->end && is_space(rune_at(*line, &n))) line->at += n;
    const char *end = quoted_end(*line);
    if (!end) end = memchr(line->at, ',', (size_t)(line->end - line->at));
    if (!end) end = line->end;
    m->value = (stretch){line->at, end};
    line->at = end < line->end ? end + 1 : end;
    return true;
}

static bool is_parameter_line(stretch line) {
    match m;
    return next_match(&m, &line) && next_match(&m, &line) && next_match(&m, &line);
}

/* The text of a value: a JSON string says what it stands for, if it is one. */
static char *value_text(ss_ctx *cx, stretch v) {
    json_t *json = NULL;
    if (v.end - v.at > 1 && v.at[0] == '"' && v.end[-1] == '"')
        json = json_loadb(v.at, (size_t)(v.end - v.at), JSON_DECODE_ANY, NULL);
    char *text = json_is_string(json) ? ss_strdup(cx, json_string_value(json)) : copy(cx, v);
    json_decref(json);
    return text;
}

static ss_status read_fields(ss_infotext *t, ss_ctx *cx, stretch line) {
    match m;
    ss_status st = SS_OK;
    while (!st && t->count < SS_INFOTEXT_FIELDS && next_match(&m, &line))
        if (m.value.at < m.value.end) st = set(t, cx, copy(cx, m.key), value_text(cx, m.value));
    return st;
}

/* The lines up to `end` to prompt and negative prompt. */
static ss_status read_prompts(ss_infotext *t, ss_ctx *cx, stretch text) {
    enum { MARK = sizeof negative_mark - 1 };
    ss_buffer parts[2] = {0};
    int part = 0;
    void *made[2] = {0};
    for (const char *newline = text.at; newline;) {
        newline = memchr(text.at, '\n', (size_t)(text.end - text.at));
        stretch line = strip((stretch){text.at, newline ? newline : text.end});
        text.at = newline ? newline + 1 : text.end;
        if (line.end - line.at >= MARK && !memcmp(line.at, negative_mark, MARK)) {
            part = 1;
            line = strip((stretch){line.at + MARK, line.end});
        }
        if (parts[part].n) ss_put_text(&parts[part], cx, "\n");
        ss_put(&parts[part], cx, line.at, (size_t)(line.end - line.at));
    }
    ss_status st = ss_buffer_take(&made[0], NULL, &parts[0], cx);
    if (!st) st = ss_buffer_take(&made[1], NULL, &parts[1], cx);
    ss_buffer_free(&parts[1]);
    t->prompt = made[0];
    t->negative = made[1];
    return st;
}

ss_status ss_infotext_parse(ss_infotext *out, ss_ctx *cx, const char *text) {
    stretch all = strip((stretch){text, text + strlen(text)}), line = {all.at, all.end};
    for (const char *c = all.at; c < all.end; c++)
        if (*c == '\n') line.at = c + 1;
    ss_infotext made = {0};
    ss_status st = SS_OK;
    if (is_parameter_line(line)) {
        st = read_fields(&made, cx, line);
        all.end = line.at > all.at ? line.at - 1 : all.at; /* without the newline between them */
    }
    if (!st) st = read_prompts(&made, cx, all);
    if (st)
        ss_infotext_free(&made);
    else
        *out = made;
    return st;
}
