/* The tokenizer against transformers' fast CLIP tokenizer (golden/tokenizer), the vocabulary that the program carries
 * against the original's checksums, and what is refused. */
#include "io/hash.h"
#include "io/json.h"
#include "io/normalize.h"
#include "io/tokenizer.h"
#include "io/vocabulary.h"
#include "io/weights.h"
#include "support/golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ss_ctx cx = {.fail_allocation = -1};

static void clear(void) {
    cx.status = SS_OK;
    cx.error[0] = 0;
    cx.fail_allocation = -1;
}

static ss_tokenizer *builtin(int32_t pad) {
    ss_tokenizer *t = NULL;
    assert_int_equal(ss_tokenizer_builtin(&t, &cx, pad), SS_OK);
    return t;
}

static json_t *read_json(const char *path) {
    json_error_t error;
    json_t *json = json_load_file(path, JSON_ALLOW_NUL, &error); /* one prompt holds a zero */
    if (!json) fail_msg("%s: %s", path, error.text);
    return json;
}

static void same_ids(const char *what, size_t number, const int32_t *ids, const json_t *want, int32_t pad) {
    for (size_t i = 0; i < SS_TOKENS; i++) {
        int32_t w = i < json_array_size(want) ? (int32_t)json_integer_value(json_array_get(want, i)) : pad;
        if (ids[i] != w)
            fail_msg("case %zu, %s: token %zu is %d, the reference has %d", number, what, i, (int)ids[i], (int)w);
    }
}

/* ------------------------------------------------------------------------------------------------ against the
 * reference */

static void check_cases(const ss_tokenizer *t, const char *key, int32_t pad, const char *stored) {
    json_t *cases = read_json(GOLDEN_DIR "/tokenizer/cases.json"), *c;
    ss_weights *golden = NULL;
    assert_int_equal(ss_weights_open(&golden, &cx, GOLDEN_DIR "/tokenizer/ids.safetensors"), SS_OK);
    const ss_stored *all = stored ? ss_weights_find(golden, stored) : NULL;
    size_t i;
    json_array_foreach(cases, i, c) {
        const json_t *text = json_object_get(c, "text"), *want = json_object_get(c, key);
        int32_t ids[SS_TOKENS];
        ss_tokens info;
        if (!want) want = json_object_get(c, "ids");
        assert_int_equal(ss_tokenize_bytes(t, &cx, json_string_value(text), json_string_length(text), ids, &info),
                         SS_OK);
        same_ids(key, i, ids, want, pad);
        assert_int_equal(info.count, json_array_size(want));
        if (all) assert_memory_equal(ids, (const char *)all->data + i * sizeof ids, sizeof ids);
        const json_t *whole = json_object_get(c, "untruncated_length");
        if (whole && !strcmp(key, "ids")) assert_int_equal(info.used + 2, json_integer_value(whole));
        assert_int_equal(info.cut_at != NULL, info.used > 75);
    }
    assert_true(i > 300);
    ss_weights_close(golden);
    json_decref(cases);
}

static void cases_of_sd1(void **state) {
    (void)state;
    ss_tokenizer *t = builtin(SS_END_OF_TEXT);
    check_cases(t, "ids", SS_END_OF_TEXT, "sd1");
    ss_tokenizer_free(t);
}

static void cases_of_sd2(void **state) {
    (void)state;
    ss_tokenizer *t = builtin(0);
    check_cases(t, "ids", 0, "sd2");
    assert_int_equal(ss_tokenizer_recognize(t, &cx, "!"), SS_OK);
    check_cases(t, "pad '!' fast", 0, NULL);
    ss_tokenizer_free(t);
}

/* A character of the prompt is a code point here. */
static size_t byte_of(const char *text, json_int_t character) {
    size_t i = 0;
    for (; character; character--)
        for (i++; (text[i] & 0xc0) == 0x80;) i++;
    return i;
}

static void places_of_words(void **state) {
    (void)state;
    ss_tokenizer *t = builtin(SS_END_OF_TEXT);
    json_t *prompts = read_json(GOLDEN_DIR "/tokenizer/words.json"), *p, *s;
    size_t i, k;
    json_array_foreach(prompts, i, p) {
        const char *text = json_string_value(json_object_get(p, "prompt"));
        int32_t ids[SS_TOKENS];
        ss_tokens info;
        assert_int_equal(ss_tokenize(t, &cx, text, ids, &info), SS_OK);
        same_ids(text, i, ids, json_object_get(p, "ids"), SS_END_OF_TEXT);
        json_array_foreach(json_object_get(p, "selections"), k, s) {
            const json_t *range = json_object_get(s, "characters"), *want = json_object_get(s, "tokens");
            const char *word = json_string_value(json_object_get(s, "word"));
            int places[SS_TOKENS], all[SS_TOKENS], all_count = 0;
            int count = ss_tokens_between(&info, byte_of(text, json_integer_value(json_array_get(range, 0))),
                                          byte_of(text, json_integer_value(json_array_get(range, 1))), places);
            assert_int_equal(count, json_array_size(want));
            assert_int_equal(ss_token_places(all, &all_count, &cx, text, &info, word), SS_OK);
            for (int j = 0; j < count; j++) {
                assert_int_equal(places[j], json_integer_value(json_array_get(want, (size_t)j)));
                bool among = false;
                for (int a = 0; a < all_count; a++) among |= all[a] == places[j];
                assert_true(among);
            }
        }
    }
    assert_true(i > 10);
    json_decref(prompts);
    ss_tokenizer_free(t);
}

static void small_vocabularies(void **state) {
    (void)state;
    static const char *const models[] = {"golden/tiny-sd15", "io/tiny-sd2"};
    for (int m = 0; m < SS_COUNT_OF(models); m++) {
        char path[4096];
        ss_tokenizer *t = NULL;
        ss_weights *golden = NULL;
        snprintf(path, sizeof path, SELFSAME_SOURCE_DIR "/tests/%s/tokenizer", models[m]);
        assert_int_equal(ss_tokenizer_open(&t, &cx, path), SS_OK);
        assert_int_equal(ss_tokenizer_count(t), 764);
        snprintf(path, sizeof path, SELFSAME_SOURCE_DIR "/tests/%s/act/text.safetensors", models[m]);
        assert_int_equal(ss_weights_open(&golden, &cx, path), SS_OK);
        const ss_stored *want = ss_weights_find(golden, "ids");
        snprintf(path, sizeof path, SELFSAME_SOURCE_DIR "/tests/%s/act/text.json", models[m]);
        json_t *texts = read_json(path), *text;
        size_t i;
        assert_int_equal(want->dtype, SS_I32);
        json_array_foreach(json_object_get(texts, "prompts"), i, text) {
            int32_t ids[SS_TOKENS];
            ss_tokens info;
            assert_int_equal(ss_tokenize(t, &cx, json_string_value(text), ids, &info), SS_OK);
            assert_memory_equal(ids, (const char *)want->data + i * sizeof ids, sizeof ids);
        }
        assert_int_equal(i, want->shape[0]);
        json_decref(texts);
        ss_weights_close(golden);
        ss_tokenizer_free(t);
    }
}

/* ------------------------------------------------------------------------------------------------ the carried
 * vocabulary */

/* vocab.json and merges.txt as the reference programs write them. */
static void write_files(const ss_vocabulary *v, FILE *vocab, FILE *merges) {
    for (int32_t i = 0; i < v->count; i++) {
        fputs(i ? ", \"" : "{\"", vocab);
        for (const char *s = v->text[i]; *s; s++) {
            if (*s == '"' || *s == '\\') fputc('\\', vocab);
            fputc(*s, vocab);
        }
        fprintf(vocab, "\": %d", (int)i);
    }
    fputs("}", vocab);
    fputs("#version: 0.2\n", merges);
    for (int32_t i = 0; i < v->merge_count; i++)
        fprintf(merges, "%s %s\n", v->text[v->merge[i].left], v->text[v->merge[i].right]);
}

static void same_hash(const char *bytes, size_t size, const char *want) {
    ss_hash *h = NULL;
    char hex[SS_HASH_TEXT];
    assert_int_equal(ss_hash_new(&h, &cx), SS_OK);
    ss_hash_add(h, bytes, size);
    ss_hash_text(h, hex);
    assert_string_equal(hex, want);
    ss_hash_free(h);
}

static void carried_vocabulary_is_the_original(void **state) {
    (void)state;
    ss_vocabulary *v = NULL;
    char *vocab, *merges;
    size_t vocab_size, merges_size;
    FILE *vocab_file = open_memstream(&vocab, &vocab_size), *merges_file = open_memstream(&merges, &merges_size);
    assert_int_equal(ss_vocabulary_builtin(&v, &cx), SS_OK);
    write_files(v, vocab_file, merges_file);
    fclose(vocab_file);
    fclose(merges_file);
    json_t *golden = read_json(GOLDEN_DIR "/tokenizer/tokenizer.json");
    const json_t *sums = json_object_get(golden, "vocabulary");
    same_hash(vocab, vocab_size, json_string_value(json_object_get(sums, "vocab.json sha256")));
    same_hash(merges, merges_size, json_string_value(json_object_get(sums, "merges.txt sha256")));

    /* Read as the files of an SD 2.x folder they are the same tokenizer with "!" for padding. */
    static const char special[] = "{\"pad_token\": \"!\","
                                  " \"bos_token\": {\"content\": \"<|startoftext|>\", \"normalized\": true},"
                                  " \"eos_token\": {\"content\": \"<|endoftext|>\", \"normalized\": true}}";
    ss_tokenizer_files files = {.folder = "tokenizer",
                                .vocab = {vocab, vocab_size},
                                .merges = {merges, merges_size},
                                .special = {special, sizeof special - 1}};
    ss_tokenizer *t = NULL;
    assert_int_equal(ss_tokenizer_parse(&t, &cx, &files), SS_OK);
    check_cases(t, "pad '!' fast", 0, NULL);
    ss_tokenizer_free(t);
    ss_vocabulary_free(v);
    json_decref(golden);
    free(vocab);
    free(merges);
}

/* ------------------------------------------------------------------------------------------------ added tokens, cuts,
 * places */

static void expect(const ss_tokenizer *t, const char *text, int count, const int32_t *want) {
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    assert_int_equal(ss_tokenize(t, &cx, text, ids, &info), SS_OK);
    assert_int_equal(info.used, count);
    for (int i = 0; i < count; i++)
        if (ids[i + 1] != want[i])
            fail_msg("\"%s\": token %d is %d, not %d", text, i + 1, (int)ids[i + 1], (int)want[i]);
    assert_int_equal(ids[count + 1], SS_END_OF_TEXT);
}

#define EXPECT(t, text, ...)                                                                                           \
    expect(t, text, (int)(sizeof(int32_t[]){__VA_ARGS__} / sizeof(int32_t)), (int32_t[]){__VA_ARGS__})

static void added_tokens(void **state) {
    (void)state;
    ss_tokenizer *t = builtin(SS_END_OF_TEXT);
    int32_t id = 0;
    EXPECT(t, "<new1>", 283, 686, 272, 285);
    assert_int_equal(ss_tokenizer_add(t, &cx, "<new1>", &id), SS_OK);
    assert_int_equal(id, 49408);
    assert_int_equal(ss_tokenizer_add(t, &cx, "<new1>_1", &id), SS_OK);
    assert_int_equal(id, 49409);
    assert_int_equal(ss_tokenizer_count(t), 49410);
    EXPECT(t, "<new1>", 49408);
    EXPECT(t, "a photo of <new1> dog", 320, 1125, 539, 49408, 1929);
    EXPECT(t, "a photo of<new1>dog", 320, 1125, 539, 49408, 1929);
    EXPECT(t, "<new1>_1<new1>", 49409, 49408); /* the longest one */
    EXPECT(t, "<NEW1>", 283, 686, 272, 285);   /* case counts */
    assert_int_equal(ss_tokenizer_find(t, "<new1>"), 49408);
    assert_int_equal(ss_tokenizer_find(t, "dog</w>"), 1929);
    assert_int_equal(ss_tokenizer_find(t, "ktn"), 42170); /* inside words only */
    assert_int_equal(ss_tokenizer_find(t, "no such token"), -1);
    assert_int_equal(ss_tokenizer_add(t, &cx, "<new1>", &id), SS_ERR_ARG);
    assert_non_null(strstr(cx.error, "\"<new1>\" already"));
    clear();
    assert_int_equal(ss_tokenizer_add(t, &cx, "", &id), SS_ERR_ARG);
    clear();
    assert_int_equal(ss_tokenizer_add_several(t, &cx, "<thing>", 3, &id), SS_OK);
    assert_int_equal(id, 49410);
    assert_int_equal(ss_tokenizer_count(t), 49413);
    EXPECT(t, "a <thing> dog", 320, 49410, 49411, 49412, 1929);
    assert_int_equal(ss_tokenizer_recognize(t, &cx, "[PAD]"), SS_ERR_ARG);
    clear();
    ss_tokenizer_free(t);
}

/* What golden/tokenizer lacks, from the same library. Small i takes its dot along, ahead of a mark that goes below. */
static void marks_in_order(void **state) {
    (void)state;
    ss_tokenizer *t = builtin(SS_END_OF_TEXT);
    EXPECT(t, "\u0130\u0320", 328, 136, 229, 136, 510);
    EXPECT(t, "\u0130\u0130\u0348\u0348", 328, 16384, 328, 136, 229, 137, 230, 137, 486);
    ss_tokenizer_free(t);
}

static void long_prompts_are_cut(void **state) {
    (void)state;
    ss_tokenizer *t = builtin(SS_END_OF_TEXT);
    char text[400] = "";
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    for (int i = 0; i < 75; i++) strcat(text, "dog ");
    assert_int_equal(ss_tokenize(t, &cx, text, ids, &info), SS_OK);
    assert_int_equal(info.count, 77);
    assert_null(info.cut_at);
    strcat(text, " Cats and dogs");
    assert_int_equal(ss_tokenize(t, &cx, text, ids, &info), SS_OK);
    assert_string_equal(info.cut_at, "Cats and dogs");
    assert_int_equal(info.used, 78);
    assert_int_equal(ids[75], 1929);
    assert_int_equal(ids[76], SS_END_OF_TEXT);
    int places[SS_TOKENS], count = 0;
    assert_int_equal(ss_token_places(places, &count, &cx, text, &info, "cats"), SS_ERR_ARG);
    assert_non_null(strstr(cx.error, "does not fit into 75 tokens"));
    clear();
    ss_tokenizer_free(t);
}

static void places_of_phrases(void **state) {
    (void)state;
    static const struct {
        const char *text, *phrase;
        int count, places[4];
    } rows[] = {
        {"the cat in the category", "cat", 1, {2}}, /* whole words first */
        {"the category", "cat", 1, {2}},            /* else within one */
        {"an oil   painting, oil painting", "Oil painting ", 4, {2, 3, 5, 6}},
        {"a caf\u00e9", "cafe\u0301", 1, {2}}, /* composed or not */
        {"a cafe\u0301!", "caf\u00e9", 1, {2}},
        {"\u0130stanbul", "i\u0307stanbul", 3, {1, 2, 3}},
        {"corgi", "corgi", 1, {1}},
    };
    ss_tokenizer *t = builtin(SS_END_OF_TEXT);
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    int places[SS_TOKENS], count = 0;
    for (int i = 0; i < SS_COUNT_OF(rows); i++) {
        assert_int_equal(ss_tokenize(t, &cx, rows[i].text, ids, &info), SS_OK);
        assert_int_equal(ss_token_places(places, &count, &cx, rows[i].text, &info, rows[i].phrase), SS_OK);
        assert_int_equal(count, rows[i].count);
        for (int k = 0; k < count; k++) assert_int_equal(places[k], rows[i].places[k]);
    }
    assert_int_equal(ss_token_places(places, &count, &cx, "corgi", &info, "cat"), SS_ERR_ARG);
    assert_non_null(strstr(cx.error, "\"corgi\" does not have the words \"cat\""));
    clear();
    assert_int_equal(ss_token_places(places, &count, &cx, "corgi", &info, " \t"), SS_ERR_ARG);
    clear();
    ss_tokenizer_free(t);
}

/* ------------------------------------------------------------------------------------------------ what is hard or
 * wrong */

static void text_that_is_not_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text, *place;
    } rows[] = {
        {"caf\xe9", "byte 4, 0xe9"},
        {"\xff", "byte 1, 0xff"},
        {"ab\xc0\x80", "byte 3, 0xc0"},
        {"x\xed\xa0\x80", "byte 2, 0xed"},
        {"\xf4\x90\x80\x80", "byte 1"},
        {"a \xe2\x82", "byte 3, 0xe2"},
        {"<|endoftext|>\x80", "byte 14, 0x80"},
    };
    ss_tokenizer *t = builtin(SS_END_OF_TEXT);
    for (int i = 0; i < SS_COUNT_OF(rows); i++) {
        int32_t ids[SS_TOKENS] = {-7};
        ss_tokens info;
        assert_int_equal(ss_tokenize(t, &cx, rows[i].text, ids, &info), SS_ERR_ARG);
        if (!strstr(cx.error, rows[i].place)) fail_msg("\"%s\" does not say \"%s\"", cx.error, rows[i].place);
        assert_int_equal(ids[0], -7);
        clear();
    }
    ss_tokenizer_free(t);
}

/* Anything that grows with the square of the length would not come back from these. */
static void huge_prompts(void **state) {
    (void)state;
    enum { MB = 1000 * 1000 };
    static const struct {
        const char *unit;
        size_t size;
    } rows[] = {
        {"a photo of a dog, ", 10 * MB}, /* words */
        {"x", MB / 5},                   /* one word */
        {"\u0345\u0301\u0334", MB / 5},  /* one run of marks, each in the wrong place */
        {"e\u0301", MB / 5},             /* all compose */
        {"<|endoftext|", MB / 5},        /* nearly marks */
    };
    ss_tokenizer *t = builtin(SS_END_OF_TEXT);
    for (int i = 0; i < SS_COUNT_OF(rows); i++) {
        size_t n = strlen(rows[i].unit), count = rows[i].size / n;
        char *text = malloc(count * n + 1);
        int32_t ids[SS_TOKENS];
        ss_tokens info;
        assert_non_null(text);
        for (size_t k = 0; k < count; k++) memcpy(text + k * n, rows[i].unit, n + 1);
        assert_int_equal(ss_tokenize(t, &cx, text, ids, &info), SS_OK);
        assert_true(info.used > 1000);
        if (i == 0) assert_int_equal(info.used, 6 * count);
        free(text);
    }
    ss_tokenizer_free(t);
}

/* Every byte has its symbols; behind them come the tokens of a test, from id 512 on. */
static char *small_vocab(const char *more) {
    ss_vocabulary *v = NULL;
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_int_equal(ss_vocabulary_builtin(&v, &cx), SS_OK);
    v->count = 512;
    FILE *nowhere = fopen("/dev/null", "w");
    v->merge_count = 0;
    write_files(v, f, nowhere);
    fclose(nowhere);
    fseek(f, -1, SEEK_CUR); /* over the closing bracket */
    fputs(more, f);
    fputs("}", f);
    fclose(f);
    ss_vocabulary_free(v);
    return text;
}

#define MARKS ", \"<|startoftext|>\": 512, \"<|endoftext|>\": 513"

static const struct {
    const char *vocab, *merges, *config, *special, *added, *sentence;
} bad_files[] = {
    {NULL, "", NULL, NULL, NULL, "tok/vocab.json"},
    {"{", "", NULL, NULL, NULL, "not valid JSON"},
    {"[]", "", NULL, NULL, NULL, "tok/vocab.json holds no tokens"},
    {"{\"a\": 0, \"a\": 1}", "", NULL, NULL, NULL, "not valid JSON"},
    {"{\"a\": 0}", "", NULL, NULL, NULL, "is no CLIP vocabulary: it lacks"},
    {"{\"a\": 1}", "", NULL, NULL, NULL, "the id of \"a\" is no number from 0 to 0"},
    {"{\"a\": \"x\"}", "", NULL, NULL, NULL, "the id of \"a\" is no number"},
    {"{\"a\": 0, \"b\": 0}", "", NULL, NULL, NULL, "\"a\" and \"b\" both have the id 0"},
    {"+", "", NULL, NULL, NULL, "bos_token is \"<|startoftext|>\", which the vocabulary does not have"},
    {"+" MARKS, "a", NULL, NULL, NULL, "tok/merges.txt: line 1 is \"a\", not two tokens"},
    {"+" MARKS, "#version: 0.2\na b c\n", NULL, NULL, NULL, "line 2 is \"a b c\", not two tokens"},
    {"+" MARKS, "#version: 0.2\n\nzz b\n", NULL, NULL, NULL, "line 3 merges \"zz\", which the vocabulary"},
    {"+" MARKS, "a b\n", NULL, NULL, NULL, "line 1 makes \"ab\", which the vocabulary"},
    {"+" MARKS ", \"ab\": 514", "a b\r\na b\r\n", NULL, NULL, NULL, "line 2 merges a pair for the second time"},
    {"+" MARKS, "", "[]", NULL, NULL, "tok/tokenizer_config.json holds no JSON object"},
    {"+" MARKS, "", "{\"pad_token\": 7}", NULL, NULL, "\"pad_token\" is a whole number, not a text"},
    {"+" MARKS, "", NULL, "{\"pad_token\": \"[PAD]\"}", NULL, "special_tokens_map.json: the pad_token is \"[PAD]\""},
    {"+" MARKS, "", NULL, NULL, "{\"<new1>\": 600}", "\"<new1>\" has the id 600, where 514 would be expected"},
    {"+" MARKS, "", NULL, NULL, "{\"<new1>\": \"x\"}", "\"<new1>\" has the id -1"},
    {"+" MARKS, "", "{\"added_tokens_decoder\": {\"514\": {}}}", NULL, NULL, "an added token is empty"},
    {"+" MARKS, "", "{\"added_tokens_decoder\": {\"0\": {\"content\": \"a\"}}}", NULL, NULL, "\"a\" has the id 0"},
};

static ss_bytes bytes_of(const char *text) { return (ss_bytes){text, text ? strlen(text) : 0}; }

static void files_that_are_wrong(void **state) {
    (void)state;
    for (int i = 0; i < SS_COUNT_OF(bad_files); i++) {
        const char *vocab = bad_files[i].vocab;
        char *made = vocab && *vocab == '+' ? small_vocab(vocab + 1) : NULL;
        ss_tokenizer_files files = {"tok",
                                    bytes_of(made ? made : vocab),
                                    bytes_of(bad_files[i].merges),
                                    bytes_of(bad_files[i].config),
                                    bytes_of(bad_files[i].special),
                                    bytes_of(bad_files[i].added)};
        ss_tokenizer *t = NULL;
        assert_int_equal(ss_tokenizer_parse(&t, &cx, &files), SS_ERR_FORMAT);
        if (!strstr(cx.error, bad_files[i].sentence))
            fail_msg("row %d: \"%s\" does not say \"%s\"", i, cx.error, bad_files[i].sentence);
        assert_null(t);
        clear();
        free(made);
    }
    ss_tokenizer *t = NULL;
    assert_int_equal(ss_tokenizer_open(&t, &cx, GOLDEN_DIR "/tokenizer"), SS_ERR_FILE);
    assert_non_null(strstr(cx.error, "vocab.json"));
    clear();
}

static void folders_with_added_tokens(void **state) {
    (void)state;
    char *vocab = small_vocab(MARKS);
    ss_tokenizer_files files = {"tok",
                                bytes_of(vocab),
                                bytes_of(""),
                                bytes_of("{\"added_tokens_decoder\": {\"515\": {\"content\": \"<new2>\"}, \"512\": "
                                         "{\"content\": \"<|startoftext|>\"},"
                                         " \"514\": {\"content\": \"<new1>\"}}, \"pad_token\": \"<new2>\"}"),
                                bytes_of(NULL),
                                bytes_of("{\"<new1>\": 514}")};
    ss_tokenizer *t = NULL;
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    assert_int_equal(ss_tokenizer_parse(&t, &cx, &files), SS_OK);
    assert_int_equal(ss_tokenizer_count(t), 516);
    assert_int_equal(ss_tokenize(t, &cx, "<new1><new2>", ids, &info), SS_OK);
    assert_int_equal(ids[1], 514);
    assert_int_equal(ids[2], 515);
    assert_int_equal(ids[3], 513);
    assert_int_equal(ids[4], 515);
    ss_tokenizer_free(t);
    free(vocab);
}

/* Fails every allocation in turn. */
static void memory_runs_out(void **state) {
    (void)state;
    char *vocab = small_vocab(MARKS ", \"ab\": 514");
    ss_tokenizer_files files = {"tok",
                                bytes_of(vocab),
                                bytes_of("a b\n"),
                                bytes_of("{\"added_tokens_decoder\": {\"515\": {\"content\": \"<new1>\"}}}"),
                                bytes_of(NULL),
                                bytes_of("{\"<new1>\": 515}")};
    ss_status st = SS_ERR_NOMEM;
    int64_t n = 0;
    for (; st; n++) {
        ss_tokenizer *t = NULL;
        int32_t ids[SS_TOKENS], id;
        ss_tokens info;
        int places[SS_TOKENS], count;
        clear();
        cx.fail_allocation = n;
        st = ss_tokenizer_parse(&t, &cx, &files);
        if (!st) st = ss_tokenizer_add(t, &cx, "<new2>", &id);
        if (!st) st = ss_tokenize(t, &cx, "ab <new2> e\u0345\u0301", ids, &info);
        if (!st) st = ss_token_places(places, &count, &cx, "ab", &info, "ab");
        if (st) assert_int_equal(st, SS_ERR_NOMEM);
        ss_tokenizer_free(t);
    }
    assert_true(n > 15);
    clear();
    free(vocab);

    /* The carried one takes its memory in blocks. */
    for (st = SS_ERR_NOMEM, n = 0; st; n++) {
        ss_tokenizer *t = NULL;
        clear();
        cx.fail_allocation = n;
        st = ss_tokenizer_builtin(&t, &cx, 0);
        if (st) assert_int_equal(st, SS_ERR_NOMEM);
        ss_tokenizer_free(t);
    }
    assert_true(n > 5);
    clear();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_of_sd1),
        cmocka_unit_test(cases_of_sd2),
        cmocka_unit_test(places_of_words),
        cmocka_unit_test(small_vocabularies),
        cmocka_unit_test(carried_vocabulary_is_the_original),
        cmocka_unit_test(added_tokens),
        cmocka_unit_test(marks_in_order),
        cmocka_unit_test(long_prompts_are_cut),
        cmocka_unit_test(places_of_phrases),
        cmocka_unit_test(text_that_is_not_utf8),
        cmocka_unit_test(huge_prompts),
        cmocka_unit_test(files_that_are_wrong),
        cmocka_unit_test(folders_with_added_tokens),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
