/* Reads vocab.json with merges.txt, or unpacks CLIP's own merges. */
#include "io/vocabulary.h"

#include "io/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    BYTES = 256,
    MOST_MERGES = 48894, /* CLIP's tokenizers read no more: the original file goes on behind them */
    SYMBOL = 8           /* room for the longest byte symbol: two bytes, "</w>" and a zero */
};

/* data/clip-merges/merges.bin: for each rank the ids of both tokens, 16 bits each, low byte first */
extern const unsigned char ss_clip_merges[];
extern const size_t ss_clip_merges_size;

/* Bytes that print as one character of Latin-1 stand for themselves, the others, in ascending order, for the code
 * points from 256 on. Fills the character of each byte and the byte of each place in the vocabulary's order. */
static void byte_symbols(char symbol[BYTES][SYMBOL], int byte_at[BYTES]) {
    int shown = 0, hidden = 0, last[BYTES];
    for (int b = 0; b < BYTES; b++) {
        bool shows = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
        int code = shows ? b : BYTES + hidden;
        if (shows)
            byte_at[shown++] = b;
        else
            last[hidden++] = b;
        int n = 0;
        if (code >= 0x80) symbol[b][n++] = (char)(0xc0 | code >> 6);
        symbol[b][n++] = (char)(code < 0x80 ? code : 0x80 | (code & 0x3f));
        symbol[b][n] = 0;
    }
    memcpy(byte_at + shown, last, (size_t)hidden * sizeof *last);
}

static uint32_t first_slot(const ss_vocabulary *v, int32_t left, int32_t right) {
    uint64_t both = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    return (uint32_t)(both * 0x9e3779b97f4a7c15u >> 32) & v->slot_mask;
}

int32_t ss_vocabulary_rank(const ss_vocabulary *v, int32_t left, int32_t right) {
    for (uint32_t i = first_slot(v, left, right); v->slot[i]; i = (i + 1) & v->slot_mask) {
        const ss_merge *m = &v->merge[v->slot[i] - 1];
        if (m->left == left && m->right == right) return v->slot[i] - 1;
    }
    return -1;
}

int32_t ss_vocabulary_find(const ss_vocabulary *v, const char *text) {
    for (int32_t i = 0; i < v->count; i++)
        if (!strcmp(v->text[i], text)) return i;
    return -1;
}

/* Room for so many tokens and merges; the hash table stays at most half full. */
static ss_status make_room(ss_vocabulary *v, ss_ctx *cx, size_t tokens, size_t merges) {
    size_t slots = 16;
    while (slots < 2 * merges) slots *= 2;
    v->text = ss_pool_take(&v->pool, cx, tokens, sizeof *v->text);
    v->merge = ss_pool_take(&v->pool, cx, merges, sizeof *v->merge);
    v->slot = ss_pool_take(&v->pool, cx, slots, sizeof *v->slot);
    v->slot_mask = (uint32_t)(slots - 1);
    return cx->status;
}

static void add_merge(ss_vocabulary *v, ss_merge m) {
    uint32_t i = first_slot(v, m.left, m.right);
    while (v->slot[i]) i = (i + 1) & v->slot_mask;
    v->merge[v->merge_count] = m;
    v->slot[i] = ++v->merge_count;
}

/* ------------------------------------------------------------------------------------------------ from files */

/* vocab.json: {"token": id, ...}, every id from 0 on once */
static ss_status read_tokens(ss_vocabulary *v, ss_ctx *cx, const char *name, json_t *vocab) {
    const char *token;
    json_t *id;
    json_object_foreach(vocab, token, id) {
        json_int_t i = json_is_integer(id) ? json_integer_value(id) : -1;
        if (i < 0 || i >= v->count) {
            return ss_fail(cx, SS_ERR_FORMAT,
                           "%s: the id of \"%.100s\" is no number from 0 to %d, though there are %d tokens", name,
                           token, (int)v->count - 1, (int)v->count);
        }
        if (v->text[i]) {
            return ss_fail(cx, SS_ERR_FORMAT, "%s: \"%.100s\" and \"%.100s\" both have the id %d", name, v->text[i],
                           token, (int)i);
        }
        v->text[i] = ss_pool_text(&v->pool, cx, token, strlen(token));
        if (!v->text[i]) return cx->status;
    }
    return SS_OK;
}

static int32_t id_of(const json_t *vocab, const char *token) {
    const json_t *id = json_object_get(vocab, token);
    return id ? (int32_t)json_integer_value(id) : -1;
}

static ss_status find_bytes(ss_vocabulary *v, ss_ctx *cx, const char *name, const json_t *vocab) {
    char symbol[BYTES][SYMBOL];
    int byte_at[BYTES];
    byte_symbols(symbol, byte_at);
    /* Byte symbols that a small vocabulary left out are read as unknown, which CLIP spells as the end of the text. */
    int32_t unknown = id_of(vocab, "<|endoftext|>");
    for (int b = 0; b < BYTES; b++) {
        v->inside[b] = id_of(vocab, symbol[b]);
        v->at_end[b] = id_of(vocab, strcat(symbol[b], "</w>"));
        bool letter = b >= 'a' && b <= 'z';
        if ((v->inside[b] < 0 || v->at_end[b] < 0) && (letter || unknown < 0)) {
            return ss_fail(cx, SS_ERR_FORMAT, "%s is no CLIP vocabulary: it lacks \"%s\", the symbol of byte %d", name,
                           symbol[b], b);
        }
        if (v->inside[b] < 0) v->inside[b] = unknown;
        if (v->at_end[b] < 0) v->at_end[b] = unknown;
    }
    return SS_OK;
}

/* One line of merges.txt: two tokens and the space between them. `room` takes the line and its two parts' sum. */
static ss_status read_merge(ss_vocabulary *v, ss_ctx *cx, const char *name, int line_number, const json_t *vocab,
                            const char *line, size_t size, char *room) {
    char *space;
    memcpy(room, line, size);
    room[size] = 0;
    if (strlen(room) != size || !(space = strchr(room, ' ')) || strchr(space + 1, ' ')) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s: line %d is \"%.100s\", not two tokens with a space between", name,
                       line_number, room);
    }
    *space = 0;
    ss_merge m = {.left = id_of(vocab, room), .right = id_of(vocab, space + 1)};
    if (m.left < 0 || m.right < 0) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s: line %d merges \"%.100s\", which the vocabulary does not have", name,
                       line_number, m.left < 0 ? room : space + 1);
    }
    memmove(space, space + 1, strlen(space + 1) + 1);
    m.whole = id_of(vocab, room);
    if (m.whole < 0) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s: line %d makes \"%.100s\", which the vocabulary does not have", name,
                       line_number, room);
    }
    if (ss_vocabulary_rank(v, m.left, m.right) >= 0) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s: line %d merges a pair for the second time, into \"%.100s\"", name,
                       line_number, room);
    }
    add_merge(v, m);
    return SS_OK;
}

/* "#version: 0.2", in the original behind the file's own name */
static bool is_header(const char *line, size_t n) {
    for (size_t i = 0; i + 8 <= n; i++)
        if (!memcmp(line + i, "#version", 8)) return true;
    return false;
}

static ss_status read_merges(ss_vocabulary *v, ss_ctx *cx, const char *name, const json_t *vocab, const char *text,
                             size_t size) {
    char *room = ss_alloc(cx, size + 1, 1);
    if (!room) return cx->status;
    const char *end = text + size;
    ss_status st = SS_OK;
    for (int number = 1; text < end && !st && v->merge_count < MOST_MERGES; number++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((newline ? newline : end) - text);
        size_t bare = n && text[n - 1] == '\r' ? n - 1 : n;
        bool header = number == 1 && is_header(text, n);
        if (bare && !header) st = read_merge(v, cx, name, number, vocab, text, bare, room);
        text = newline ? newline + 1 : end;
    }
    free(room);
    return st;
}

static size_t count_lines(const char *text, size_t size) {
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    return lines < MOST_MERGES ? lines : MOST_MERGES;
}

ss_status ss_vocabulary_parse(ss_vocabulary **out, ss_ctx *cx, const char *vocab_name, const void *vocab,
                              size_t vocab_size, const char *merges_name, const void *merges, size_t merges_size) {
    json_t *tokens = NULL;
    ss_vocabulary *v = ss_alloc(cx, 1, sizeof *v);
    ss_status st = cx->status;
    if (!st) st = ss_json_parse(&tokens, cx, vocab_name, vocab, vocab_size);
    if (!st && !json_object_size(tokens)) st = ss_fail(cx, SS_ERR_FORMAT, "%s holds no tokens", vocab_name);
    if (!st) {
        v->count = (int32_t)json_object_size(tokens);
        st = make_room(v, cx, (size_t)v->count, count_lines(merges, merges_size));
    }
    if (!st) st = read_tokens(v, cx, vocab_name, tokens);
    if (!st) st = find_bytes(v, cx, vocab_name, tokens);
    if (!st) st = read_merges(v, cx, merges_name, tokens, merges, merges_size);
    json_decref(tokens);
    if (st)
        ss_vocabulary_free(v);
    else
        *out = v;
    return st;
}

/* ------------------------------------------------------------------------------------------------ CLIP's own */

static const char *joined(ss_vocabulary *v, ss_ctx *cx, const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    char *text = ss_pool_take(&v->pool, cx, n + m + 1, 1);
    if (!text) return NULL;
    memcpy(text, a, n);
    memcpy(text + n, b, m);
    return text;
}

/* Byte symbols, the same at the end of a word, one token for each merge, the two marks. */
ss_status ss_vocabulary_builtin(ss_vocabulary **out, ss_ctx *cx) {
    ss_vocabulary *v = ss_alloc(cx, 1, sizeof *v);
    if (!v) return cx->status;
    size_t merges = ss_clip_merges_size / 4;
    assert(merges == MOST_MERGES);
    ss_status st = make_room(v, cx, 2 * BYTES + merges + 2, merges);
    char symbol[BYTES][SYMBOL];
    int byte_at[BYTES];
    byte_symbols(symbol, byte_at);
    for (int i = 0; i < BYTES && !st; i++) {
        int b = byte_at[i];
        v->inside[b] = i;
        v->at_end[b] = BYTES + i;
        v->text[i] = joined(v, cx, symbol[b], "");
        v->text[BYTES + i] = joined(v, cx, symbol[b], "</w>");
        st = cx->status;
    }
    v->count = 2 * BYTES;
    const unsigned char *pair = ss_clip_merges;
    for (size_t i = 0; i < merges && !st; i++, pair += 4) {
        ss_merge m = {.left = pair[0] | pair[1] << 8, .right = pair[2] | pair[3] << 8, .whole = v->count};
        v->text[v->count++] = joined(v, cx, v->text[m.left], v->text[m.right]);
        add_merge(v, m);
        st = cx->status;
    }
    if (!st) {
        v->text[v->count++] = "<|startoftext|>";
        v->text[v->count++] = "<|endoftext|>";
        *out = v;
        return SS_OK;
    }
    ss_vocabulary_free(v);
    return st;
}

void ss_vocabulary_free(ss_vocabulary *v) {
    if (!v) return;
    ss_pool_free(&v->pool);
    free(v);
}
