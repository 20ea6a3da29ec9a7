/* Prompts to ids: marks and added tokens are cut out, the rest is normalized, split into words and each word merged.
 *
 * The order matters. Added tokens are looked for in the text as it stands; then what lies between is normalized; then
 * the start and end marks are looked for, so that they count in any case; words come last.
 */
#include "io/tokenizer.h"

#include "io/json.h"
#include "io/map.h"
#include "io/normalize.h"
#include "io/vocabulary.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = SS_TOKENS - 2, PATH = 4096 };

/* A token that is cut out of the text before words are looked at. */
typedef struct mark {
    char *text;
    int32_t id;
    int32_t count;   /* of ids, from this one on: a token of several vectors */
    bool normalized; /* looked for among normalized letters, and then these: */
    ss_letters letters;
} mark;

struct ss_tokenizer {
    ss_vocabulary *vocabulary;
    int32_t count, start, end, pad;
    mark *marks;
    size_t mark_count;
    bool starts_mark[256]; /* a mark that is looked for in the bare text starts with this byte */
};

/* ------------------------------------------------------------------------------------------------ marks */

static const mark *find_mark(const ss_tokenizer *t, const char *text) {
    for (size_t i = 0; i < t->mark_count; i++)
        if (!strcmp(t->marks[i].text, text)) return &t->marks[i];
    return NULL;
}

/* The first definition of a mark stands. */
static ss_status add_mark(ss_tokenizer *t, ss_ctx *cx, const char *text, int32_t id, int32_t count, bool normalized) {
    if (find_mark(t, text)) return SS_OK;
    ss_status st = ss_grow(cx, &t->marks, t->mark_count, t->mark_count + 1, sizeof *t->marks);
    if (st) return st;
    mark m = {.id = id, .count = count, .normalized = normalized, .text = ss_strdup(cx, text)};
    if (m.text) ss_normalize(&m.letters, cx, text, 0, strlen(text));
    if (cx->status) {
        free(m.text);
        free(m.letters.at);
        return cx->status;
    }
    t->marks[t->mark_count++] = m;
    if (!normalized) t->starts_mark[(unsigned char)*text] = true;
    return SS_OK;
}

ss_status ss_tokenizer_add_several(ss_tokenizer *t, ss_ctx *cx, const char *token, int32_t count, int32_t *id) {
    assert(count > 0 && t->count <= INT32_MAX - count);
    if (!*token) return ss_fail(cx, SS_ERR_ARG, "a token to add needs at least one letter");
    if (find_mark(t, token)) return ss_fail(cx, SS_ERR_ARG, "the tokenizer has a token \"%.100s\" already", token);
    ss_status st = add_mark(t, cx, token, t->count, count, false);
    if (!st) *id = t->count, t->count += count;
    return st;
}

ss_status ss_tokenizer_add(ss_tokenizer *t, ss_ctx *cx, const char *token, int32_t *id) {
    return ss_tokenizer_add_several(t, cx, token, 1, id);
}

const char *ss_tokenizer_added(const ss_tokenizer *t, int32_t id, int32_t *count) {
    const mark *m = NULL;
    for (size_t i = 0; i < t->mark_count && !m; i++)
        if (t->marks[i].id == id) m = &t->marks[i];
    assert(m);
    *count = m->count;
    return m->text;
}

int32_t ss_tokenizer_find(const ss_tokenizer *t, const char *token) {
    const mark *m = find_mark(t, token);
    return m ? m->id : ss_vocabulary_find(t->vocabulary, token);
}

ss_status ss_tokenizer_recognize(ss_tokenizer *t, ss_ctx *cx, const char *token) {
    int32_t id = *token ? ss_tokenizer_find(t, token) : -1;
    if (id < 0) return ss_fail(cx, SS_ERR_ARG, "the vocabulary has no token \"%.100s\"", token);
    return add_mark(t, cx, token, id, 1, false);
}

int32_t ss_tokenizer_count(const ss_tokenizer *t) { return t->count; }

/* ------------------------------------------------------------------------------------------------ opening */

/* The files of one folder while it is opened. */
typedef struct settings {
    char special_name[PATH], config_name[PATH], added_name[PATH];
    json_t *special, *config, *added;
} settings;

typedef struct special_token {
    const char *text, *file; /* the file that says so */
    bool normalized;
} special_token;

/* A special token is a text, which is looked for as it stands, or an object that says whether it is normalized.
 * special_tokens_map.json wins over tokenizer_config.json. */
static special_token find_special(ss_ctx *cx, const settings *s, const char *key, const char *absent) {
    const ss_object places[] = {{s->special, s->special_name}, {s->config, s->config_name}};
    for (int i = 0; i < SS_COUNT_OF(places); i++) {
        const json_t *v = json_object_get(places[i].json, key);
        if (!v || json_is_null(v)) continue;
        if (!json_is_object(v)) return (special_token){ss_json_text(cx, places[i], key, absent), places[i].name, false};
        ss_object token = {v, places[i].name};
        bool normalized = ss_json_bool(cx, token, "normalized", true);
        return (special_token){ss_json_text(cx, token, "content", absent), places[i].name, normalized};
    }
    return (special_token){absent, s->special_name, false};
}

static ss_status take_special(ss_tokenizer *t, ss_ctx *cx, const settings *s, const char *key, const char *absent,
                              int32_t *id) {
    special_token token = find_special(cx, s, key, absent);
    if (cx->status) return cx->status;
    *id = *token.text ? ss_tokenizer_find(t, token.text) : -1;
    if (*id < 0) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s: the %s is \"%.100s\", which the vocabulary does not have", token.file,
                       key, token.text);
    }
    return add_mark(t, cx, token.text, *id, 1, token.normalized);
}

typedef struct added_token {
    const char *text;
    int64_t id;
} added_token;

static int by_id(const void *a, const void *b) {
    int64_t x = ((const added_token *)a)->id, y = ((const added_token *)b)->id;
    return (x > y) - (x < y);
}

/* Tokens that the folder adds, in order of their ids: they go on where the vocabulary ends. One that has an id of the
 * vocabulary has to be the token there, which is looked for in texts from then on. */
static ss_status add_tokens(ss_tokenizer *t, ss_ctx *cx, const char *name, added_token *a, size_t count) {
    if (count) qsort(a, count, sizeof *a, by_id);
    for (size_t i = 0; i < count; i++) {
        const mark *known = find_mark(t, a[i].text);
        bool in_vocabulary =
            a[i].id >= 0 && a[i].id < t->vocabulary->count && !strcmp(t->vocabulary->text[a[i].id], a[i].text);
        if (known ? known->id != a[i].id : !in_vocabulary && a[i].id != t->count) {
            return ss_fail(cx, SS_ERR_FORMAT, "%s: the token \"%.100s\" has the id %lld, where %d would be expected",
                           name, a[i].text, (long long)a[i].id, known ? (int)known->id : (int)t->count);
        }
        if (!*a[i].text) return ss_fail(cx, SS_ERR_FORMAT, "%s: an added token is empty", name);
        ss_status st = add_mark(t, cx, a[i].text, (int32_t)a[i].id, 1, false);
        if (st) return st;
        if (a[i].id == t->count) t->count++;
    }
    return SS_OK;
}

/* added_tokens.json: {"<new1>": 49408} */
static ss_status take_added(ss_tokenizer *t, ss_ctx *cx, const settings *s) {
    added_token *list = ss_alloc(cx, json_object_size(s->added), sizeof *list);
    size_t count = 0;
    const char *text;
    json_t *id;
    if (!list) return cx->status;
    json_object_foreach(s->added, text, id) list[count++] =
        (added_token){text, json_is_integer(id) ? json_integer_value(id) : -1};
    ss_status st = add_tokens(t, cx, s->added_name, list, count);
    free(list);
    return st;
}

/* tokenizer_config.json of newer releases: "added_tokens_decoder": {"49408": {"content": "<new1>", ...}} */
static ss_status take_decoder(ss_tokenizer *t, ss_ctx *cx, const settings *s) {
    ss_object decoder = ss_json_object(cx, (ss_object){s->config, s->config_name}, "added_tokens_decoder");
    added_token *list = ss_alloc(cx, json_object_size(decoder.json), sizeof *list);
    size_t count = 0;
    const char *id;
    json_t *token;
    json_object_foreach((json_t *)decoder.json, id, token) {
        if (!list || cx->status) break;
        char *end;
        ss_object o = {json_is_object(token) ? token : NULL, s->config_name};
        list[count].text = ss_json_text(cx, o, "content", "");
        list[count].id = strtoll(id, &end, 10);
        if (*end) list[count].id = -1;
        count++;
    }
    ss_status st = cx->status;
    if (!st) st = add_tokens(t, cx, s->config_name, list, count);
    free(list);
    return st;
}

static ss_status parse_settings(json_t **out, ss_ctx *cx, char name[PATH], const char *folder, const char *file,
                                ss_bytes bytes) {
    snprintf(name, PATH, "%s/%s", folder, file);
    if (!bytes.size) return SS_OK;
    ss_status st = ss_json_parse(out, cx, name, bytes.at, bytes.size);
    if (!st && !json_is_object(*out)) st = ss_fail(cx, SS_ERR_FORMAT, "%s holds no JSON object", name);
    return st;
}

ss_status ss_tokenizer_parse(ss_tokenizer **out, ss_ctx *cx, const ss_tokenizer_files *files) {
    settings *s = ss_alloc(cx, 1, sizeof *s);
    ss_tokenizer *t = ss_alloc(cx, 1, sizeof *t);
    char vocab_name[PATH], merges_name[PATH];
    snprintf(vocab_name, PATH, "%s/vocab.json", files->folder);
    snprintf(merges_name, PATH, "%s/merges.txt", files->folder);
    ss_status st = cx->status;
    if (!st) {
        st = ss_vocabulary_parse(&t->vocabulary, cx, vocab_name, files->vocab.at, files->vocab.size, merges_name,
                                 files->merges.at, files->merges.size);
    }
    if (!st) st = parse_settings(&s->config, cx, s->config_name, files->folder, "tokenizer_config.json", files->config);
    if (!st) {
        st = parse_settings(&s->special, cx, s->special_name, files->folder, "special_tokens_map.json", files->special);
    }
    if (!st) st = parse_settings(&s->added, cx, s->added_name, files->folder, "added_tokens.json", files->added);
    if (!st) {
        int32_t unknown;
        t->count = t->vocabulary->count;
        st = take_special(t, cx, s, "bos_token", "<|startoftext|>", &t->start);
        if (!st) st = take_special(t, cx, s, "eos_token", "<|endoftext|>", &t->end);
        if (!st) st = take_special(t, cx, s, "unk_token", "<|endoftext|>", &unknown);
        if (!st) st = take_added(t, cx, s);
        if (!st) st = take_decoder(t, cx, s);
        if (!st) st = take_special(t, cx, s, "pad_token", "<|endoftext|>", &t->pad);
    }
    if (s) {
        json_decref(s->special);
        json_decref(s->config);
        json_decref(s->added);
        free(s);
    }
    if (st)
        ss_tokenizer_free(t);
    else
        *out = t;
    return st;
}

static ss_status map_in(ss_map *map, ss_bytes *bytes, ss_ctx *cx, const char *folder, const char *file, bool optional) {
    char path[PATH];
    if (snprintf(path, sizeof path, "%s/%s", folder, file) >= PATH)
        return ss_fail(cx, SS_ERR_FILE, "%.100s...: the name of the folder is too long", folder);
    if (optional && access(path, F_OK)) return SS_OK;
    ss_status st = ss_map_file(map, cx, path);
    if (!st) *bytes = (ss_bytes){map->bytes, map->size};
    return st;
}

ss_status ss_tokenizer_open(ss_tokenizer **out, ss_ctx *cx, const char *folder) {
    ss_tokenizer_files f = {.folder = folder};
    ss_map map[5] = {{0}};
    ss_status st = map_in(&map[0], &f.vocab, cx, folder, "vocab.json", false);
    if (!st) st = map_in(&map[1], &f.merges, cx, folder, "merges.txt", false);
    if (!st) st = map_in(&map[2], &f.config, cx, folder, "tokenizer_config.json", true);
    if (!st) st = map_in(&map[3], &f.special, cx, folder, "special_tokens_map.json", true);
    if (!st) st = map_in(&map[4], &f.added, cx, folder, "added_tokens.json", true);
    if (!st) st = ss_tokenizer_parse(out, cx, &f);
    for (int i = 0; i < SS_COUNT_OF(map); i++) ss_unmap(&map[i]);
    return st;
}

ss_status ss_tokenizer_builtin(ss_tokenizer **out, ss_ctx *cx, int32_t pad) {
    ss_tokenizer *t = ss_alloc(cx, 1, sizeof *t);
    ss_status st = cx->status;
    if (!st) st = ss_vocabulary_builtin(&t->vocabulary, cx);
    if (!st) {
        assert(pad >= 0 && pad < t->vocabulary->count);
        t->count = t->vocabulary->count;
        t->start = SS_START_OF_TEXT;
        t->end = SS_END_OF_TEXT;
        t->pad = pad;
        st = add_mark(t, cx, "<|startoftext|>", t->start, 1, true);
    }
    if (!st) st = add_mark(t, cx, "<|endoftext|>", t->end, 1, true);
    if (st)
        ss_tokenizer_free(t);
    else
        *out = t;
    return st;
}

void ss_tokenizer_free(ss_tokenizer *t) {
    if (!t) return;
    for (size_t i = 0; i < t->mark_count; i++) {
        free(t->marks[i].text);
        free(t->marks[i].letters.at);
    }
    free(t->marks);
    ss_vocabulary_free(t->vocabulary);
    free(t);
}

/* ------------------------------------------------------------------------------------------------ a text */

/* A token of the word that is being merged. Symbols lie where their first byte was; merging leaves holes. */
typedef struct symbol {
    int32_t id;
    uint32_t before, after; /* neighbours; NONE at the ends */
    uint32_t letter;        /* the letter that the first byte belongs to */
} symbol;

/* A pair that can merge: the least rank first, then the leftmost. */
typedef struct pair {
    uint32_t rank, at;
} pair;

static const uint32_t NONE = UINT32_MAX;

/* One call of ss_tokenize: where tokens go, and rooms that grow to the longest word. */
typedef struct work {
    const ss_tokenizer *t;
    ss_ctx *cx;
    const char *text;
    int32_t *ids;
    ss_tokens *info;
    ss_letters letters;
    symbol *symbol;
    size_t symbol_room;
    pair *heap;
    size_t heap_count, heap_room;
} work;

static void put(work *w, int32_t id, uint32_t from, uint32_t to) {
    ss_tokens *info = w->info;
    if (info->used < WORDS) {
        int at = (int)info->used + 1;
        w->ids[at] = id;
        info->from[at] = from;
        info->to[at] = to;
    } else if (!info->cut_at) {
        info->cut_at = w->text + from;
    }
    info->used++;
}

static bool goes_first(pair a, pair b) { return a.rank < b.rank || (a.rank == b.rank && a.at < b.at); }

static ss_status push(work *w, pair p) {
    if (w->heap_count == w->heap_room) {
        size_t room = w->heap_room ? 2 * w->heap_room : 64;
        ss_status st = ss_grow(w->cx, &w->heap, w->heap_room, room, sizeof *w->heap);
        if (st) return st;
        w->heap_room = room;
    }
    size_t i = w->heap_count++;
    for (; i && goes_first(p, w->heap[(i - 1) / 2]); i = (i - 1) / 2) w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = p;
    return SS_OK;
}

static pair pop(work *w) {
    pair first = w->heap[0], last = w->heap[--w->heap_count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < w->heap_count) {
        if (child + 1 < w->heap_count && goes_first(w->heap[child + 1], w->heap[child])) child++;
        if (!goes_first(w->heap[child], last)) break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return first;
}

/* Symbol `at` and the one after it, if they merge. */
static ss_status push_pair(work *w, uint32_t at) {
    if (at == NONE || w->symbol[at].after == NONE) return SS_OK;
    int32_t rank = ss_vocabulary_rank(w->t->vocabulary, w->symbol[at].id, w->symbol[w->symbol[at].after].id);
    return rank < 0 ? SS_OK : push(w, (pair){(uint32_t)rank, at});
}

static ss_status merge_pairs(work *w) {
    symbol *s = w->symbol;
    ss_status st = SS_OK;
    while (w->heap_count && !st) {
        pair p = pop(w);
        const ss_merge *m = &w->t->vocabulary->merge[p.rank];
        uint32_t after = s[p.at].after;
        if (s[p.at].id != m->left || after == NONE || s[after].id != m->right) continue; /* merged otherwise since */
        s[p.at].id = m->whole;
        s[p.at].after = s[after].after;
        s[after].id = -1;
        if (s[p.at].after != NONE) s[s[p.at].after].before = p.at;
        st = push_pair(w, s[p.at].before);
        if (!st) st = push_pair(w, p.at);
    }
    return st;
}

static int utf8_length(uint32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

static int encode_utf8(unsigned char bytes[4], uint32_t code) {
    int n = utf8_length(code);
    for (int i = n - 1; i > 0; i--, code >>= 6) bytes[i] = (unsigned char)(0x80 | (code & 0x3f));
    bytes[0] = (unsigned char)(n == 1 ? code : 0xf0 << (4 - n) | code);
    return n;
}

/* letters[from, to) are one word: its bytes become symbols, the last one that of the word's end, and merge. */
static ss_status put_word(work *w, size_t from, size_t to) {
    const ss_vocabulary *v = w->t->vocabulary;
    const ss_letter *letter = w->letters.at;
    size_t size = 0, n = 0;
    for (size_t i = from; i < to; i++) size += (size_t)utf8_length(letter[i].code);
    if (size > w->symbol_room) {
        ss_status st = ss_grow(w->cx, &w->symbol, w->symbol_room, size, sizeof *w->symbol);
        if (st) return st;
        w->symbol_room = size;
    }
    unsigned char bytes[4] = {0};
    for (size_t i = from; i < to; i++) {
        int count = encode_utf8(bytes, letter[i].code);
        for (int k = 0; k < count; k++, n++) {
            w->symbol[n] = (symbol){v->inside[bytes[k]], (uint32_t)n - 1, (uint32_t)n + 1, (uint32_t)i};
            if (i + 1 == to && k + 1 == count) w->symbol[n].id = v->at_end[bytes[k]];
        }
    }
    w->symbol[0].before = NONE;
    w->symbol[n - 1].after = NONE;

    w->heap_count = 0;
    ss_status st = SS_OK;
    for (size_t i = 0; i < n && !st; i++) st = push_pair(w, (uint32_t)i);
    if (!st) st = merge_pairs(w);
    if (st) return st;
    for (uint32_t i = 0; i != NONE; i = w->symbol[i].after) {
        /* It ends before the next one's first byte, within the same letter if that is not the letter's first. */
        uint32_t next = w->symbol[i].after;
        size_t last = next == NONE ? to - 1 : w->symbol[next - 1].letter;
        uint32_t end = 0;
        for (size_t k = w->symbol[i].letter; k <= last; k++)
            if (letter[k].to > end) end = letter[k].to;
        put(w, w->symbol[i].id, letter[w->symbol[i].letter].from, end);
    }
    return SS_OK;
}

/* The end of the word that starts at letter i and is no space:
 * 's|'t|'re|'ve|'m|'ll|'d, or letters, or one number, or anything else that is neither. */
static size_t end_of_word(const ss_letter *letter, size_t i, size_t to) {
    static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    for (int k = 0; k < SS_COUNT_OF(endings) && letter[i].code == '\''; k++) {
        size_t n = strlen(endings[k]), same = 0;
        while (same < n && i + 1 + same < to && letter[i + 1 + same].code == (unsigned char)endings[k][same]) same++;
        if (same == n) return i + 1 + n;
    }
    ss_letter_kind kind = ss_letter_kind_of(letter[i].code);
    size_t end = i + 1;
    if (kind == SS_IS_NUMBER) return end;
    while (end < to && ss_letter_kind_of(letter[end].code) == kind) end++;
    return end;
}

static ss_status put_words(work *w, size_t from, size_t to) {
    ss_status st = SS_OK;
    while (from < to && !st) {
        if (ss_letter_kind_of(w->letters.at[from].code) == SS_IS_SPACE) {
            from++;
            continue;
        }
        size_t end = end_of_word(w->letters.at, from, to);
        st = put_word(w, from, end);
        from = end;
    }
    return st;
}

static const mark *normalized_mark_at(const work *w, size_t i) {
    const mark *best = NULL;
    const ss_letter *letter = w->letters.at + i;
    for (size_t k = 0; k < w->t->mark_count; k++) {
        const mark *m = &w->t->marks[k];
        size_t n = m->letters.count, same = 0;
        if (!m->normalized || n > w->letters.count - i || (best && n <= best->letters.count)) continue;
        while (same < n && letter[same].code == m->letters.at[same].code) same++;
        if (same == n) best = m;
    }
    return best;
}

/* A part of the text without added tokens. */
static ss_status put_text(work *w, size_t from, size_t to) {
    ss_status st = ss_normalize(&w->letters, w->cx, w->text, from, to);
    size_t done = 0;
    for (size_t i = 0; i < w->letters.count && !st; i++) {
        const mark *m = normalized_mark_at(w, i);
        if (!m) continue;
        st = put_words(w, done, i);
        done = i + m->letters.count;
        if (!st) put(w, m->id, w->letters.at[i].from, w->letters.at[done - 1].to);
        i = done - 1;
    }
    return st ? st : put_words(w, done, w->letters.count);
}

/* The longest mark that stands in the bare text at `at`. */
static const mark *mark_at(const ss_tokenizer *t, const char *text, size_t at, size_t size, size_t *length) {
    const mark *best = NULL;
    *length = 0;
    if (!t->starts_mark[(unsigned char)text[at]]) return NULL;
    for (size_t k = 0; k < t->mark_count; k++) {
        const mark *m = &t->marks[k];
        size_t n = strlen(m->text);
        if (m->normalized || n <= *length || n > size - at || memcmp(text + at, m->text, n)) continue;
        best = m;
        *length = n;
    }
    return best;
}

ss_status ss_tokenize_bytes(const ss_tokenizer *t, ss_ctx *cx, const char *text, size_t size, int32_t ids[SS_TOKENS],
                            ss_tokens *info) {
    if (size > SS_PROMPT_BYTES) {
        return ss_fail(cx, SS_ERR_ARG, "a prompt of %zu bytes: the limit is %d", size, SS_PROMPT_BYTES);
    }
    ss_tokens read = {0};
    int32_t found[SS_TOKENS];
    work w = {.t = t, .cx = cx, .text = text, .ids = found, .info = &read};
    ss_status st = SS_OK;
    size_t done = 0, length;
    for (size_t i = 0; i < size && !st; i++) {
        const mark *m = mark_at(t, text, i, size, &length);
        if (!m) continue;
        st = put_text(&w, done, i);
        done = i + length;
        for (int32_t n = 0; n < m->count && !st; n++) put(&w, m->id + n, (uint32_t)i, (uint32_t)done);
        i = done - 1;
    }
    if (!st) st = put_text(&w, done, size);
    free(w.letters.at);
    free(w.symbol);
    free(w.heap);
    if (st) return st;
    read.count = (read.used < WORDS ? (int)read.used : WORDS) + 2;
    found[0] = t->start;
    found[read.count - 1] = t->end;
    for (int i = read.count; i < SS_TOKENS; i++) found[i] = t->pad;
    memcpy(ids, found, sizeof found);
    *info = read;
    return SS_OK;
}

ss_status ss_tokenize(const ss_tokenizer *t, ss_ctx *cx, const char *text, int32_t ids[SS_TOKENS], ss_tokens *info) {
    return ss_tokenize_bytes(t, cx, text, strlen(text), ids, info);
}

/* ------------------------------------------------------------------------------------------------ places of words */

int ss_tokens_between(const ss_tokens *info, size_t from, size_t to, int places[SS_TOKENS]) {
    int count = 0;
    for (int i = 1; i < info->count - 1; i++)
        if (info->from[i] < to && info->to[i] > from) places[count++] = i;
    return count;
}

static bool is_space(ss_letter l) { return ss_letter_kind_of(l.code) == SS_IS_SPACE; }
static bool is_of_word(ss_letter l) {
    ss_letter_kind kind = ss_letter_kind_of(l.code);
    return kind == SS_IS_LETTER || kind == SS_IS_NUMBER;
}

/* Where the phrase that starts at letter i ends, 0 if none does. Any space is as good as any other. */
static size_t end_of_phrase(const ss_letters *text, size_t i, const ss_letters *phrase) {
    size_t k = 0;
    while (k < phrase->count) {
        if (i == text->count) return 0;
        if (is_space(phrase->at[k]) && is_space(text->at[i])) {
            while (i < text->count && is_space(text->at[i])) i++;
            while (k < phrase->count && is_space(phrase->at[k])) k++;
        } else if (phrase->at[k++].code != text->at[i++].code) {
            return 0;
        }
    }
    return i;
}

/* Marks the tokens of every occurrence; returns how many occurrences there are. */
static int mark_places(bool marked[SS_TOKENS], const ss_letters *text, const ss_letters *phrase, const ss_tokens *info,
                       bool whole_words) {
    int occurrences = 0;
    for (size_t i = 0, end; i < text->count; i++) {
        if (text->at[i].code != phrase->at[0].code || !(end = end_of_phrase(text, i, phrase))) continue;
        bool inside = (i && is_of_word(text->at[i - 1]) && is_of_word(text->at[i])) ||
                      (end < text->count && is_of_word(text->at[end]) && is_of_word(text->at[end - 1]));
        if (inside && whole_words) continue;
        int places[SS_TOKENS], count = ss_tokens_between(info, text->at[i].from, text->at[end - 1].to, places);
        for (int k = 0; k < count; k++) marked[places[k]] = true;
        occurrences++;
    }
    return occurrences;
}

/* Spaces around a phrase are of no account. */
static void trim(ss_letters *phrase) {
    size_t start = 0;
    while (phrase->count && is_space(phrase->at[phrase->count - 1])) phrase->count--;
    while (start < phrase->count && is_space(phrase->at[start])) start++;
    phrase->count -= start;
    memmove(phrase->at, phrase->at + start, phrase->count * sizeof *phrase->at);
}

ss_status ss_token_places(int places[SS_TOKENS], int *count, ss_ctx *cx, const char *text, const ss_tokens *info,
                          const char *phrase) {
    ss_letters in = {0}, words = {0};
    bool marked[SS_TOKENS] = {false};
    int occurrences = 0, found = 0, place[SS_TOKENS] = {0};
    ss_status st = ss_normalize(&in, cx, text, 0, strlen(text));
    if (!st) st = ss_normalize(&words, cx, phrase, 0, strlen(phrase));
    if (!st && words.count) trim(&words);
    if (!st && !words.count) st = ss_fail(cx, SS_ERR_ARG, "the words to look for in the prompt are empty");
    if (!st) {
        occurrences = mark_places(marked, &in, &words, info, true);
        if (!occurrences) occurrences = mark_places(marked, &in, &words, info, false);
    }
    for (int i = 0; i < SS_TOKENS; i++)
        if (marked[i]) place[found++] = i;
    if (!st && !occurrences) {
        st = ss_fail(cx, SS_ERR_ARG, "the prompt \"%.200s\" does not have the words \"%.100s\"", text, phrase);
    } else if (!st && !found) {
        st = ss_fail(cx, SS_ERR_ARG, "\"%.100s\" stands in the part of the prompt that does not fit into %d tokens",
                     phrase, WORDS);
    }
    free(in.at);
    free(words.at);
    if (st) return st;
    memcpy(places, place, sizeof place);
    *count = found;
    return SS_OK;
}
