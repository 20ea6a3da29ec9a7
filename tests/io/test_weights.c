/* Weight files against golden/formats: the damaged and hostile ones of bad/index.json, the contents of the good ones,
 * one model in two formats, shards, and every allocation failing in turn.
 */
#include "io/json.h"
#include "io/replace.h"
#include "io/weights.h"
#include "support/golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FORMATS GOLDEN_DIR "/formats/"
#define SINGLE GOLDEN_DIR "/tiny-sd15/single/tiny-sd15."

static char warning[2048];

static void keep_warning(void *user, ss_log_level level, const char *sentence) {
    (void)user;
    if (level == SS_LOG_WARNING) snprintf(warning, sizeof warning, "%s", sentence);
}

static ss_ctx cx = {.callbacks = {.log = keep_warning}, .fail_allocation = -1};

static void clear(void) {
    cx.status = SS_OK;
    cx.error[0] = warning[0] = 0;
    cx.fail_allocation = -1;
}

static ss_weights *opened(const char *path) {
    ss_weights *w = NULL;
    clear();
    if (ss_weights_open(&w, &cx, path)) fail_msg("%s", cx.error);
    return w;
}

static json_t *json_of(const char *path) {
    json_t *json = NULL;
    clear();
    if (ss_json_read(&json, &cx, path)) fail_msg("%s", cx.error);
    return json;
}

/* The elements of t as float32; the caller frees. */
static float *values_of(const ss_stored *t, size_t *n) {
    *n = t->bytes / ss_dtype_size(t->dtype);
    float *y = calloc(*n + 1, sizeof *y);
    ss_to_f32(y, t->data, t->dtype, *n);
    return y;
}

/* ------------------------------------------------------------------------------------------------ bad files */

/* Files whose "w" is not 0..7 in order: what they are about is something else. */
static bool is_special(const char *file) {
    static const char *const special[] = {"expanded.pt",          "transposed.pt",        "empty_tensor.pt",
                                          "scalar.safetensors",   "big_endian.pt",        "legacy_big_endian.pt",
                                          "expanded_bomb.pt",     "bool_two.safetensors", "nan_and_inf.safetensors",
                                          "unaligned.safetensors"};
    for (int i = 0; i < SS_COUNT_OF(special); i++) {
        if (strcmp(special[i], file) == 0) return true;
    }
    return false;
}

static bool counts_up(const ss_weights *w) {
    const ss_stored *t = ss_weights_find(w, "w");
    if (!t) return true;
    size_t n;
    float *y = values_of(t, &n);
    bool good = n == 8;
    for (size_t i = 0; good && i < n; i++) good = y[i] == (float)i;
    free(y);
    return good;
}

static void test_bad(void **state) {
    (void)state;
    json_t *index = json_of(FORMATS "bad/index.json"), *entry;
    size_t i, wrong = 0;
    json_array_foreach(json_object_get(index, "files"), i, entry) {
        const char *file = json_string_value(json_object_get(entry, "file"));
        const char *expect = json_string_value(json_object_get(entry, "expect"));
        const char *why = json_string_value(json_object_get(entry, "why"));
        char path[1024];
        ss_weights *w = NULL;
        snprintf(path, sizeof path, FORMATS "bad/%s", file);
        clear();
        ss_status st = ss_weights_open(&w, &cx, path);
        assert_true(!st == !!w);
        bool good = strcmp(expect, "either") == 0 || (st == SS_OK) == (strcmp(expect, "accept") == 0);
        if (!good) print_error("%s: %s expected (%s): %s\n", file, expect, why, st ? cx.error : "was read");
        if (good && st && (!strstr(cx.error, file) || (st != SS_ERR_FORMAT && st != SS_ERR_FILE))) {
            print_error("%s: the sentence does not name the file: %d %s\n", file, st, cx.error);
            good = false;
        }
        if (good && !st && !is_special(file) && !counts_up(w)) {
            print_error("%s: w is not 0 to 7\n", file);
            good = false;
        }
        wrong += !good;
        if (getenv("SHOW_SENTENCES")) print_message("%-40s %s\n", file, st ? cx.error : "read");
        ss_weights_close(w);
    }
    json_decref(index);
    assert_true(i > 150);
    assert_int_equal(wrong, 0);
    assert_int_not_equal(access("owned.txt", F_OK), 0);
}

static void test_refused_call_is_named(void **state) {
    (void)state;
    ss_weights *w = opened(FORMATS "bad/os_system_beside_weights.pt");
    assert_int_equal(w->refused_count, 1);
    assert_string_equal(w->refused[0], "os.system");
    assert_non_null(strstr(warning, "os.system"));
    assert_non_null(strstr(warning, "os_system_beside_weights.pt"));
    assert_true(counts_up(w));
    ss_weights_close(w);
}

static void expect_elements(const char *file, const float *want, size_t n) {
    char path[1024];
    snprintf(path, sizeof path, FORMATS "bad/%s", file);
    ss_weights *w = opened(path);
    const ss_stored *t = ss_weights_find(w, "w");
    size_t count = 0;
    float *y = t ? values_of(t, &count) : NULL;
    assert_non_null(y);
    assert_int_equal(count, n);
    if (n) assert_memory_equal(y, want, n * sizeof *y);
    free(y);
    ss_weights_close(w);
}

static void test_strides_of_bad(void **state) {
    (void)state;
    static const float transposed[] = {0, 4, 1, 5, 2, 6, 3, 7}, zero[1] = {0};
    float expanded[40];
    for (int i = 0; i < 40; i++) expanded[i] = (float)(i % 8);
    expect_elements("transposed.pt", transposed, 8);
    expect_elements("expanded.pt", expanded, 40);
    expect_elements("empty_tensor.pt", NULL, 0);
    expect_elements("unaligned.safetensors", zero, 1);
}

/* ------------------------------------------------------------------------------------------------ good files */

/* contents.json calls a tensor by its key in the dictionary that it lies in. */
static const ss_stored *find_called(const ss_weights *w, const char *name) {
    static const char *const folders[] = {"", "string_to_param."};
    char key[512];
    size_t length = strcspn(name, "(");
    if (length < strlen(name)) length--; /* "embed (top level)" */
    for (int i = 0; i < SS_COUNT_OF(folders); i++) {
        snprintf(key, sizeof key, "%s%.*s", folders[i], (int)length, name);
        const ss_stored *t = ss_weights_find(w, key);
        if (t) return t;
    }
    return NULL;
}

static bool is_of_type(const ss_stored *t, const char *torch_name) {
    static const struct {
        const char *torch_name;
        ss_dtype dtype;
    } types[] = {{"float32", SS_F32}, {"float16", SS_F16}, {"bfloat16", SS_BF16}, {"float64", SS_F64},
                 {"int64", SS_I64},   {"int32", SS_I32},   {"int16", SS_I16},     {"int8", SS_I8},
                 {"uint8", SS_U8},    {"bool", SS_BOOL}};
    for (int i = 0; i < SS_COUNT_OF(types); i++) {
        if (strcmp(types[i].torch_name, torch_name) == 0) return types[i].dtype == t->dtype;
    }
    return false;
}

/* Zeros have a sign and NaN equals NaN: the files hold both. */
static bool same_values(const ss_stored *a, const ss_stored *b) {
    size_t n, m;
    float *x = values_of(a, &n), *y = values_of(b, &m);
    bool same = n == m;
    for (size_t i = 0; same && i < n; i++)
        same = x[i] == y[i] ? !signbit(x[i]) == !signbit(y[i]) : isnan(x[i]) && isnan(y[i]);
    free(x);
    free(y);
    return same;
}

static bool has_shape(const ss_stored *t, const json_t *shape) {
    if (t->rank != (int)json_array_size(shape)) return false;
    for (int i = 0; i < t->rank; i++) {
        if (t->shape[i] != json_integer_value(json_array_get(shape, (size_t)i))) return false;
    }
    return true;
}

static void test_contents(void **state) {
    (void)state;
    json_t *contents = json_of(FORMATS "contents.json"), *about, *tensor;
    ss_weights *want = opened(FORMATS "contents.safetensors");
    const char *file, *name;
    int checked = 0;
    json_object_foreach(contents, file, about) {
        json_t *tensors = json_object_get(about, "tensors");
        if (!tensors) continue; /* the sharded folder: see below */
        char path[1024], key[1024];
        snprintf(path, sizeof path, FORMATS "%s", file);
        ss_weights *w = opened(path);
        json_object_foreach(tensors, name, tensor) {
            const ss_stored *t = find_called(w, name);
            snprintf(key, sizeof key, "%s|%s", file, name);
            const ss_stored *y = ss_weights_find(want, key);
            if (!t || !y)
                fail_msg("%s is not there", key);
            else if (!has_shape(t, json_object_get(tensor, "shape")))
                fail_msg("%s has another shape", key);
            else if (!is_of_type(t, json_string_value(json_object_get(tensor, "dtype"))))
                fail_msg("%s is %s", key, t->type_name);
            else if (!same_values(t, y))
                fail_msg("%s differs", key);
            checked++;
        }
        ss_weights_close(w);
    }
    assert_true(checked > 80);
    ss_weights_close(want);
    json_decref(contents);
}

static void expect_metadata(const char *file, const char *key, const char *want) {
    char path[1024];
    snprintf(path, sizeof path, FORMATS "%s", file);
    ss_weights *w = opened(path);
    const char *value = ss_weights_metadata(w, key);
    if (!value || strcmp(value, want)) fail_msg("%s: %s is %s, not %s", file, key, value ? value : "absent", want);
    ss_weights_close(w);
}

static void test_metadata(void **state) {
    (void)state;
    expect_metadata("lightning.ckpt", "epoch", "3");
    expect_metadata("embedding_webui.pt", "name", "my thing");
    expect_metadata("embedding_webui.pt", "step", "499");
    expect_metadata("embedding_webui.pt", "string_to_token.*", "265");
    ss_weights *w = opened(FORMATS "embedding_webui.pt");
    assert_null(ss_weights_metadata(w, "absent"));
    ss_weights_close(w);
}

static void test_formats(void **state) {
    (void)state;
    static const struct {
        const char *path;
        ss_weights_format format;
    } files[] = {{FORMATS "every_type.safetensors", SS_SAFETENSORS},
                 {FORMATS "every_type.pt", SS_TORCH_ZIP},
                 {FORMATS "every_type_legacy.pt", SS_TORCH_LEGACY}};
    for (int i = 0; i < SS_COUNT_OF(files); i++) {
        ss_weights *w = opened(files[i].path);
        assert_int_equal(w->format, files[i].format);
        assert_int_equal(w->shards, 1);
        ss_weights_close(w);
    }
}

/* The .ckpt has EMA copies and its own element types beside what both have. */
static void test_single_file_both_ways(void **state) {
    (void)state;
    ss_weights *a = opened(SINGLE "safetensors"), *b = opened(SINGLE "ckpt");
    assert_true(a->count > 900);
    for (int64_t i = 0; i < a->count; i++) {
        const ss_stored *x = &a->at[i], *y = ss_weights_find(b, x->name);
        if (!y || x->dtype != y->dtype || x->bytes != y->bytes || memcmp(x->data, y->data, x->bytes))
            fail_msg("%s differs", x->name);
    }
    assert_true(b->count >= a->count + 3);
    assert_non_null(ss_weights_metadata(b, "global_step"));
    ss_weights_close(a);
    ss_weights_close(b);
}

/* ------------------------------------------------------------------------------------------------ shards */

#define SHARDED FORMATS "sharded/text_encoder/"

static void test_shards(void **state) {
    (void)state;
    ss_weights *w = opened(SHARDED "model.safetensors.index.json");
    json_t *index = json_of(SHARDED "model.safetensors.index.json"), *shard;
    assert_int_equal(w->shards, 2);
    assert_int_equal(w->count, (int64_t)json_object_size(json_object_get(index, "weight_map")));
    const char *name;
    json_object_foreach(json_object_get(index, "weight_map"), name, shard) assert_non_null(ss_weights_find(w, name));
    json_decref(index);
    ss_weights_close(w);
}

/* A folder of this test's own, removed with what the tests below put there. */
static char folder[] = "/tmp/selfsame-test-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static const char *at(const char *name) {
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void expect_no_index(const char *text, const char *sentence) {
    ss_weights *w = NULL;
    clear();
    assert_int_equal(ss_write_file(&cx, at("model.safetensors.index.json"), text, strlen(text)), SS_OK);
    assert_int_not_equal(ss_weights_open(&w, &cx, at("model.safetensors.index.json")), SS_OK);
    if (!strstr(cx.error, sentence)) fail_msg("\"%s\" is not in: %s", sentence, cx.error);
    unlink(at("model.safetensors.index.json"));
}

static void test_damaged_index(void **state) {
    (void)state;
    expect_no_index("{}", "no \"weight_map\"");
    expect_no_index("{\"weight_map\": {\"w\": \"../w.safetensors\"}}", "plain file name");
    expect_no_index("{\"weight_map\": {\"w\": \"..\"}}", "plain file name");
    expect_no_index("{\"weight_map\": {\"w\": 1}}", "plain file name");
    expect_no_index("{\"weight_map\": {\"w\": \"w.safetensors\"}}", "there is no file");
    expect_no_index("not json", "not valid JSON");
    /* An index that names itself is a file of weights to nobody. */
    expect_no_index("{\"weight_map\": {\"w\": \"model.safetensors.index.json\"}}", "model.safetensors.index.json");

    const float value = 1;
    ss_to_store x = {.name = "x", .data = &value};
    clear();
    assert_int_equal(ss_safetensors_write(&cx, at("w.safetensors"), &x, 1, NULL, 0), SS_OK);
    expect_no_index("{\"weight_map\": {\"w\": \"w.safetensors\"}}", "w should be in w.safetensors but is not");
    unlink(at("w.safetensors"));
}

/* ------------------------------------------------------------------------------------------------ mistakes */

static void expect_refusal(const char *name, const void *bytes, size_t size, const char *sentence) {
    ss_weights *w = NULL;
    clear();
    assert_int_equal(ss_weights_parse(&w, &cx, name, bytes, size), SS_ERR_FORMAT);
    if (!strstr(cx.error, sentence) || !strstr(cx.error, name))
        fail_msg("%s: \"%s\" is not in: %s", name, sentence, cx.error);
}

static void test_mistakes(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *sentence;
    } files[] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4265380512\n", "Git-LFS pointer"},
        {"<!DOCTYPE html>\n<html><head>", "web page"},
        {"\n  <HTML lang=en>", "web page"},
        {"GGUF\3", "GGUF"},
        {"\x89PNG\r\n\x1a\n", "PNG picture"},
        {"\xff\xd8\xff\xe0", "JPEG picture"},
        {"Entry not found", "error message"},
        {"something else", "no weight file"},
    };
    for (int i = 0; i < SS_COUNT_OF(files); i++) {
        expect_refusal("model.safetensors", files[i].bytes, strlen(files[i].bytes),
                       i < 7 ? files[i].sentence : "safetensors");
        expect_refusal("model.ckpt", files[i].bytes, strlen(files[i].bytes), files[i].sentence);
    }
}

static void expect_no_file(const char *path, const char *sentence) {
    ss_map map = {0};
    clear();
    assert_int_equal(ss_map_file(&map, &cx, path), SS_ERR_FILE);
    if (!strstr(cx.error, sentence) || !strstr(cx.error, path)) fail_msg("\"%s\" is not in: %s", sentence, cx.error);
    assert_null(map.bytes);
}

static void test_map(void **state) {
    (void)state;
    expect_no_file("/nowhere/model.ckpt", "there is no file");
    expect_no_file("/", "is a folder");
    expect_no_file("/dev/null", "device or a pipe");
    expect_no_file(FORMATS "bad/empty.pt", "is empty");
    ss_unmap(&(ss_map){0});
}

/* ------------------------------------------------------------------------------------------------ memory */

static void expect_no_memory(const char *path) {
    int64_t n = 0;
    for (;; n++) {
        ss_weights *w = NULL;
        clear();
        cx.fail_allocation = n;
        ss_status st = ss_weights_open(&w, &cx, path);
        if (!st) {
            ss_weights_close(w);
            break;
        }
        if (st != SS_ERR_NOMEM || cx.status != SS_ERR_NOMEM || w)
            fail_msg("%s, allocation %d: %s", path, (int)n, cx.error);
    }
    assert_true(n >= 4);
    clear();
}

static void test_every_allocation(void **state) {
    (void)state;
    expect_no_memory(FORMATS "every_type.safetensors");
    expect_no_memory(FORMATS "views.pt");
    expect_no_memory(FORMATS "views_legacy.pt");
    expect_no_memory(FORMATS "deflated.pt");
    expect_no_memory(FORMATS "lightning.ckpt");
    expect_no_memory(SHARDED "model.safetensors.index.json");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_refused_call_is_named),
        cmocka_unit_test(test_strides_of_bad),
        cmocka_unit_test(test_contents),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_single_file_both_ways),
        cmocka_unit_test(test_shards),
        cmocka_unit_test_setup_teardown(test_damaged_index, make_folder, remove_folder),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_every_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
