/* Writing: the reference writer's bytes, and what happens when there is no room or no permission. Reading is tested in
 * test_weights.c, except for files too large to keep. */
#include "io/replace.h"
#include "io/weights.h"
#include "support/golden.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static ss_ctx cx = {.fail_allocation = -1};

static void clear(void) {
    cx.status = SS_OK;
    cx.error[0] = 0;
    cx.fail_allocation = -1;
}

/* A folder of each test's own. */
static char folder[64];

static int make_folder(void **state) {
    (void)state;
    clear();
    snprintf(folder, sizeof folder, "/tmp/selfsame-test-XXXXXX");
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

static int files_in_folder(void) {
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    closedir(d);
    return n;
}

static void expect_bytes(const char *path, const void *want, size_t size) {
    ss_map map = {0};
    if (ss_map_file(&map, &cx, path)) fail_msg("%s", cx.error);
    assert_int_equal(map.size, size);
    assert_memory_equal(map.bytes, want, size);
    ss_unmap(&map);
}

/* ------------------------------------------------------------------------------------------------ bytes */

static void test_known_file(void **state) {
    (void)state;
    static const char want[] = "\x40\0\0\0\0\0\0\0"
                               "{\"w\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}       "
                               "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0";
    const int32_t data[] = {1, 2, 3, 4};
    ss_to_store w = {.name = "w", .dtype = SS_I32, .rank = 2, .shape = (int64_t[]){2, 2}, .data = data};
    assert_int_equal(sizeof want - 1, 88);
    assert_int_equal(ss_safetensors_write(&cx, at("w"), &w, 1, NULL, 0), SS_OK);
    expect_bytes(at("w"), want, sizeof want - 1);
    unlink(at("w"));
}

/* Read and written again, in the opposite order, a file of the reference writer is the same file. */
static void expect_same_again(const char *file) {
    char path[1024];
    ss_weights *w = NULL;
    ss_map map = {0};
    snprintf(path, sizeof path, GOLDEN_DIR "/%s", file);
    if (ss_weights_open(&w, &cx, path) || ss_map_file(&map, &cx, path)) fail_msg("%s", cx.error);
    ss_to_store *t = calloc((size_t)w->count + 1, sizeof *t);
    for (int64_t i = 0; i < w->count; i++) {
        const ss_stored *x = &w->at[w->count - 1 - i];
        t[i] = (ss_to_store){x->name, x->dtype, x->rank, x->shape, x->data};
    }
    if (ss_safetensors_write(&cx, at("again"), t, w->count, w->metadata, w->metadata_count)) fail_msg("%s", cx.error);
    expect_bytes(at("again"), map.bytes, map.size);
    free(t);
    ss_unmap(&map);
    ss_weights_close(w);
    unlink(at("again"));
}

static void test_same_again(void **state) {
    (void)state;
    expect_same_again("formats/every_type.safetensors");
    expect_same_again("formats/bfloat16.safetensors");
    expect_same_again("formats/contents.safetensors");
    expect_same_again("formats/<new1>.safetensors");
    expect_same_again("formats/embedding_xl.safetensors");
    expect_same_again("tiny-sd15/single/tiny-sd15.safetensors");
}

static void test_names_and_metadata(void **state) {
    (void)state;
    static const char name[] = "a\"b\\c\b\f\n\r\t\x01/\x7f\xc3\xa9";
    const uint8_t byte = 7;
    const ss_pair metadata[] = {{"z", "2"}, {"a", "{\"x\": 1}\n"}};
    ss_to_store t = {.name = name, .dtype = SS_U8, .data = &byte};
    ss_weights *w = NULL;
    assert_int_equal(ss_safetensors_write(&cx, at("w"), &t, 1, metadata, 2), SS_OK);
    static const char want[] = "{\"__metadata__\":{\"a\":\"{\\\"x\\\": 1}\\n\",\"z\":\"2\"},"
                               "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001/\x7f\xc3\xa9\":{\"dtype\":\"U8\",\"shape\":[],";
    ss_map map = {0};
    assert_int_equal(ss_map_file(&map, &cx, at("w")), SS_OK);
    assert_memory_equal(map.bytes + 8, want, sizeof want - 1);
    ss_unmap(&map);
    assert_int_equal(ss_weights_open(&w, &cx, at("w")), SS_OK);
    assert_non_null(ss_weights_find(w, name));
    assert_string_equal(ss_weights_metadata(w, "a"), "{\"x\": 1}\n");
    assert_string_equal(ss_weights_metadata(w, "z"), "2");
    ss_weights_close(w);
    unlink(at("w"));
}

static void test_nothing_to_store(void **state) {
    (void)state;
    static const char want[] = "\x08\0\0\0\0\0\0\0{}      ";
    assert_int_equal(ss_safetensors_write(&cx, at("w"), NULL, 0, NULL, 0), SS_OK);
    expect_bytes(at("w"), want, sizeof want - 1);
    unlink(at("w"));
}

/* ------------------------------------------------------------------------------------------------ large files */

/* Offsets beyond 32 bits, in a file with a hole in it, and 1,200 tensors: what a whole checkpoint looks like. */
static void test_large(void **state) {
    (void)state;
    enum { COUNT = 1200 };
    const uint64_t bytes = 4u << 20;
    char *header = malloc(COUNT * 120 + 8);
    size_t n = 8;
    for (int i = 0; i < COUNT; i++) {
        n += (size_t)sprintf(
            header + n, "%c\"block.%d.weight\":{\"dtype\":\"F16\",\"shape\":[2097152],\"data_offsets\":[%llu,%llu]}",
            i ? ',' : '{', i, (unsigned long long)(bytes * (unsigned)i),
            (unsigned long long)(bytes * (unsigned)(i + 1)));
    }
    header[n++] = '}';
    for (int i = 0; i < 8; i++) header[i] = (char)((n - 8) >> 8 * i);
    int fd = open(at("large"), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, header, n), n);
    assert_int_equal(ftruncate(fd, (off_t)(n + COUNT * bytes)), 0);
    assert_int_equal(pwrite(fd, "\x12\x34", 2, (off_t)(n + (COUNT - 1) * bytes)), 2);
    close(fd);
    free(header);
    ss_weights *w = NULL;
    if (ss_weights_open(&w, &cx, at("large"))) fail_msg("%s", cx.error);
    assert_int_equal(w->count, COUNT);
    const ss_stored *t = ss_weights_find(w, "block.1199.weight");
    assert_non_null(t);
    assert_memory_equal(t->data, "\x12\x34", 2);
    ss_weights_close(w);
    unlink(at("large"));
}

/* ------------------------------------------------------------------------------------------------ trouble */

static const float value = 1;
static const ss_to_store one = {.name = "w", .data = &value};

static void expect_not_written(const char *path, const char *sentence) {
    clear();
    assert_int_equal(ss_safetensors_write(&cx, path, &one, 1, NULL, 0), SS_ERR_FILE);
    if (!strstr(cx.error, sentence) || !strstr(cx.error, path)) fail_msg("\"%s\" is not in: %s", sentence, cx.error);
}

static void test_trouble(void **state) {
    (void)state;
    expect_not_written(folder, "it is a folder");
    expect_not_written(at("no/w"), "there is no folder");
    expect_not_written("/dev/full", "the disk is full");
    assert_int_equal(files_in_folder(), 0);
}

/* A disk that fills up while the file is being written: what was there stays, and nothing is left beside it. */
static void test_disk_full(void **state) {
    (void)state;
    struct rlimit old, small;
    assert_int_equal(ss_write_file(&cx, at("w"), "old", 3), SS_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){16, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    ss_status st = ss_safetensors_write(&cx, at("w"), &one, 1, NULL, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(st, SS_ERR_FILE);
    assert_non_null(strstr(cx.error, "cannot be written"));
    assert_int_equal(files_in_folder(), 1);
    expect_bytes(at("w"), "old", 3);
    unlink(at("w"));
}

static void test_read_only(void **state) {
    (void)state;
    if (geteuid() == 0) skip(); /* who may write everywhere is refused nothing */
    assert_int_equal(chmod(folder, 0500), 0);
    expect_not_written(at("w"), "Permission denied");
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(files_in_folder(), 0);
}

/* Whoever has the old file mapped keeps it; links stay links; permissions stay. */
static void test_replaced(void **state) {
    (void)state;
    char link[1024];
    snprintf(link, sizeof link, "%s", at("link"));
    assert_int_equal(ss_write_file(&cx, at("w"), "old", 3), SS_OK);
    assert_int_equal(chmod(at("w"), 0640), 0);
    assert_int_equal(symlink("w", link), 0);
    ss_map map = {0};
    assert_int_equal(ss_map_file(&map, &cx, at("w")), SS_OK);
    assert_int_equal(ss_write_file(&cx, link, "new one", 7), SS_OK);
    assert_memory_equal(map.bytes, "old", 3);
    ss_unmap(&map);
    expect_bytes(at("w"), "new one", 7);
    struct stat about;
    assert_int_equal(lstat(link, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(stat(link, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
    assert_int_equal(files_in_folder(), 2);
    unlink(link);
    unlink(at("w"));
}

static void test_arguments(void **state) {
    (void)state;
    ss_to_store t = {.name = "w", .dtype = SS_OTHER_TYPE, .data = &value};
    assert_int_equal(ss_safetensors_write(&cx, at("w"), &t, 1, NULL, 0), SS_ERR_ARG);
    clear();
    t = (ss_to_store){.name = "w", .rank = 2, .shape = (int64_t[]){INT64_MAX, INT64_MAX}, .data = &value};
    assert_int_equal(ss_safetensors_write(&cx, at("w"), &t, 1, NULL, 0), SS_ERR_ARG);
    clear();
    t = (ss_to_store){.name = "w", .rank = 1, .shape = (int64_t[]){-1}, .data = &value};
    assert_int_equal(ss_safetensors_write(&cx, at("w"), &t, 1, NULL, 0), SS_ERR_ARG);
    clear();
    t = (ss_to_store){.name = "__metadata__", .data = &value};
    assert_int_equal(ss_safetensors_write(&cx, at("w"), &t, 1, NULL, 0), SS_ERR_ARG);
    clear();
    const ss_to_store twice[] = {one, one};
    assert_int_equal(ss_safetensors_write(&cx, at("w"), twice, 2, NULL, 0), SS_ERR_ARG);
    assert_int_equal(files_in_folder(), 0);
}

static void test_every_allocation(void **state) {
    (void)state;
    const ss_pair metadata[] = {{"format", "pt"}};
    int64_t n = 0;
    for (;; n++) {
        clear();
        cx.fail_allocation = n;
        ss_status st = ss_safetensors_write(&cx, at("w"), &one, 1, metadata, 1);
        if (!st) break;
        assert_int_equal(st, SS_ERR_NOMEM);
        assert_int_equal(files_in_folder(), 0);
    }
    assert_true(n >= 4);
    unlink(at("w"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_known_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_same_again, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_names_and_metadata, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_nothing_to_store, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_large, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_trouble, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_disk_full, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_read_only, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_replaced, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_arguments, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_every_allocation, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
