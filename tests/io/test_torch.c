/* Pickles that no golden file has, assembled here in torch's older form, which is plain concatenation; and a zip
 * archive beyond 4 GiB.
 */
#include "io/weights.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static ss_ctx cx = {.fail_allocation = -1};

static int clear(void **state) {
    (void)state;
    cx.status = SS_OK;
    cx.error[0] = 0;
    cx.fail_allocation = -1;
    return 0;
}

/* Bytes that grow. */
typedef struct bytes {
    unsigned char at[1 << 18];
    size_t size;
} bytes;

static void put(bytes *y, const void *x, size_t n) {
    assert_true(n <= sizeof y->at - y->size);
    memcpy(y->at + y->size, x, n);
    y->size += n;
}

static void put_number(bytes *y, uint64_t v, int n) {
    for (int i = 0; i < n; i++) put(y, &(unsigned char){i < 8 ? (unsigned char)(v >> 8 * i) : 0}, 1);
}

/* A text literal without its final zero. */
#define PUT(y, literal) put(y, literal, sizeof(literal) - 1)

/* Opcodes in a readable form: 'text' a unicode string, <module name> a global, #7 a small number, all else one opcode a
 * character, "..." in hexadecimal. T is a tensor of shape [2] in storage 1: 1.0f, 2.0f. */
static void assemble(bytes *y, const char *s) {
    for (; *s; s++) {
        if (*s == '\'') {
            size_t n = strcspn(s + 1, "'");
            PUT(y, "X");
            put_number(y, n, 4);
            put(y, s + 1, n);
            s += n + 1;
        } else if (*s == '<') {
            size_t n = strcspn(s + 1, ">");
            PUT(y, "c");
            for (size_t i = 1; i <= n; i++) put(y, s[i] == ' ' ? "\n" : &s[i], 1);
            PUT(y, "\n");
            s += n + 1;
        } else if (*s == '#') {
            PUT(y, "K");
            put_number(y, strtoul(s + 1, NULL, 10), 1);
            s += strspn(s + 1, "0123456789");
        } else if (*s == '"') {
            for (s++; *s != '"'; s += 2) put_number(y, strtoul((char[]){s[0], s[1], 0}, NULL, 16), 1);
        } else if (*s == 'T') {
            assemble(y,
                     "<torch._utils _rebuild_tensor_v2>(('storage'<torch FloatStorage>'1''cpu'#2tQ#0(#2t(#1t\"89\"}tR");
        } else if (*s != ' ') {
            put(y, s, 1);
        }
    }
}

static ss_status parse(ss_weights **w, const char *object) {
    static bytes file;
    file.size = 0;
    PUT(&file, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    PUT(&file, "\x80\x02M\xe9\x03.");
    PUT(&file, "\x80\x02}.");
    PUT(&file, "\x80\x02");
    assemble(&file, object);
    PUT(&file, ".\x80\x02(X\1\0\0\0"
               "1l.");
    put_number(&file, 2, 8);
    put(&file, (const float[]){1, 2}, 8);
    return ss_weights_parse(w, &cx, "test.pt", file.at, file.size);
}

/* The file is read, and its tensors are called like this, sorted, and all are T. */
static void expect_names(const char *object, const char *names) {
    ss_weights *w = NULL;
    char all[1024] = "";
    clear(NULL);
    if (parse(&w, object)) fail_msg("%s", cx.error);
    for (int64_t i = 0; i < w->count; i++) {
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? " " : "", w->at[i].name);
        assert_int_equal(w->at[i].bytes, 8);
        assert_memory_equal(w->at[i].data, ((const float[]){1, 2}), 8);
    }
    assert_string_equal(all, names);
    ss_weights_close(w);
}

static void expect_failure(const char *object, const char *sentence) {
    ss_weights *w = NULL;
    clear(NULL);
    assert_int_equal(parse(&w, object), SS_ERR_FORMAT);
    if (!strstr(cx.error, sentence)) fail_msg("\"%s\" is not in: %s", sentence, cx.error);
}

static void test_where_weights_are(void **state) {
    (void)state;
    expect_names("}'w'Ts", "w");
    expect_names("}('state_dict'}'w'Ts 'epoch'#3 'optimizer'}'moment'Tsu", "w");
    expect_names("}('state_dict'}'w'Ts 'embed'T u", "embed w");
    expect_names("}'params_ema'}'w'Tss", "w");
    expect_names("}('unet'}'a.b'Ts 'modifier_token'}'<new1>'(TTtsu",
                 "modifier_token.<new1>.0 modifier_token.<new1>.1 unet.a.b");
    expect_names("}(#3T #10T u", "10 3");
    expect_names("(TTl", "0 1");
    expect_names("T", "");
}

static void test_kinds_of_dictionaries(void **state) {
    (void)state;
    expect_names("<collections OrderedDict>)R('w'Tu", "w");
    expect_names("<collections OrderedDict>((('w'TtltR 'v'Ts", "v w");
    expect_names("<collections OrderedDict>((('w'TlltR 'v'Ts", "v w");
    expect_names("}('w'T 'v'<torch._utils _rebuild_parameter>(T\"88\"}tR u}'_metadata'Nsb", "v w");
}

/* A whole pickled network: an object of any class whose attributes are the dictionaries that torch keeps parts in. */
static void test_modules(void **state) {
    (void)state;
    expect_names("<my.net Net>)\"81\"}('training'\"88\"'_parameters'}'w'Ts'_buffers'}'b'Ts"
                 "'_modules'}'sub'<torch.nn Linear>)\"81\"}'_parameters'}'weight'Tssbsub",
                 "b sub.weight w");
    expect_names("<__torch__.multimodal.model.multimodal_model Multimodal>)\"81\"}('training'\"89\"'visual'"
                 "<__torch__.VisualTransformer VisualTransformer>)\"81\"}'proj'Tsb'logit_scale'Tub",
                 "logit_scale visual.proj");
}

static void test_sharing(void **state) {
    (void)state;
    expect_names("}q\"01\"('w'T 'self'h\"01\"u", "w");
    expect_names("}'a'}q\"01\"'w'Tss 'b'h\"01\"s", "a.w b.w");
    expect_failure("}('w'T 'w'T u", "two tensors called w");
    /* Eleven steps, each four times the one before: 2^22 paths, with a tensor at the end of each, or none. */
#define TIMES4(from, to) "(h\"" from "\"h\"" from "\"h\"" from "\"h\"" from "\"lq\"" to "\""
#define ELEVEN_TIMES                                                                                                   \
    TIMES4("00", "01")                                                                                                 \
    TIMES4("01", "02")                                                                                                 \
    TIMES4("02", "03")                                                                                                 \
    TIMES4("03", "04")                                                                                                 \
    TIMES4("04", "05")                                                                                                 \
    TIMES4("05", "06") TIMES4("06", "07") TIMES4("07", "08") TIMES4("08", "09") TIMES4("09", "0a") TIMES4("0a", "0b")
    expect_names("]q\"00\"" ELEVEN_TIMES "000000000000}('w'T 'bomb'h\"0b\"u", "w");
    expect_failure("Tq\"00\"" ELEVEN_TIMES, "more than 1048576 tensors");
}

static void test_damage(void **state) {
    (void)state;
    expect_failure("T0}", "test.pt holds no weights");
    expect_failure("}'w's", "empty stack");
    expect_failure("}'w'}'a's", "no dictionary");
    expect_failure("}('w'u", "a key without a value");
    expect_failure("]'w'Ts", "no dictionary");
    expect_failure("}#1a", "no list");
    expect_failure("#1#1R", "no tuple");
    expect_failure("}t", "misses a mark");
    expect_failure("}h\"05\"", "never stored");
    expect_failure("cos", "middle of a name");
    expect_failure("}'a\xff'Ts", "not UTF-8");
    expect_failure("T0}'w'<torch._utils _rebuild_tensor_v2>(#1#0(#2t(#1ttRs", "storage is not described");
    expect_failure("}'w'<torch._utils _rebuild_tensor_v2>(('storage'<torch FloatStorage>'1''cpu'#2tQ#1(#2t(#1ttRs",
                   "reaches outside");
}

/* Operations that torch's own files lack and older or other writers use. */
static void test_rare_operations(void **state) {
    (void)state;
    expect_names("('w'Td", "w");                                      /* DICT */
    expect_names("}(#1#2 1'w'Ts", "w");                               /* POP_MARK */
    expect_names("}'w'T2q\"01\"0s'v'j\"01000000\"s", "v w");          /* DUP, POP, LONG_BINGET */
    expect_names("}('w'T 'n'\"8b0200000001ff\"u", "w");               /* LONG4 */
    expect_names("}('w'T 'x'<some Thing>(t}\"92\"u", "w");            /* NEWOBJ_EX */
    expect_names("}('w'T 'q'<collections deque>)R#1a(#2#3e u", "w");  /* APPEND, APPENDS */
    expect_names("}('w'T 's'\"8f\"(#1#2\"90\"u", "w");                /* EMPTY_SET, ADDITEMS */
    expect_names("\"95\"\"0000000000000000\"}\"8c\"\"0177\"Ts", "w"); /* FRAME, SHORT_BINUNICODE */
    expect_names("}'w'<torch._tensor _rebuild_from_type_v2>(<torch._utils _rebuild_tensor_v2>"
                 "<torch.nn.parameter Parameter>(('storage'<torch FloatStorage>'1''cpu'#2tQ#0(#2t(#1t\"89\"}t}tRs",
                 "w");
    expect_failure("}(#1d", "a key without a value");
    expect_failure("#1#2\"93\"", "no text");
    expect_failure("}('w''storage''x'R", "no tuple");
}

static void test_numbers(void **state) {
    (void)state;
    ss_weights *w = NULL;
    static const char object[] =
        "}('w'T 'minus'\"8a01ff\" 'zero'\"8a00\" 'long'\"8a08ffffffffffffff7f\" 'huge'\"8a09ffffffffffffffff01\""
        "'int'J\"feffffff\" 'half'G\"3fe0000000000000\" 'yes'\"88\" 'text''abc' 'none'N"
        "'in'}'deep'#4s u";
    if (parse(&w, object)) fail_msg("%s", cx.error);
    assert_string_equal(ss_weights_metadata(w, "minus"), "-1");
    assert_string_equal(ss_weights_metadata(w, "zero"), "0");
    assert_string_equal(ss_weights_metadata(w, "long"), "9223372036854775807");
    assert_string_equal(ss_weights_metadata(w, "int"), "-2");
    assert_string_equal(ss_weights_metadata(w, "half"), "0.5");
    assert_string_equal(ss_weights_metadata(w, "yes"), "true");
    assert_string_equal(ss_weights_metadata(w, "text"), "abc");
    assert_string_equal(ss_weights_metadata(w, "in.deep"), "4");
    assert_null(ss_weights_metadata(w, "huge"));
    assert_null(ss_weights_metadata(w, "none"));
    ss_weights_close(w);
}

/* A view of a storage, as the older form describes it in the persistent id. */
static void test_view(void **state) {
    (void)state;
    ss_weights *w = NULL;
    static const char object[] =
        "}'w'<torch._utils _rebuild_tensor>(('storage'<torch FloatStorage>'1''cpu'#2('9'#1#1ttQ#0(#1t(#1ttRs";
    if (parse(&w, object)) fail_msg("%s", cx.error);
    assert_int_equal(w->at[0].bytes, 4);
    assert_memory_equal(w->at[0].data, &(const float){2}, 4);
    ss_weights_close(w);
    expect_failure(
        "}'w'<torch._utils _rebuild_tensor>(('storage'<torch FloatStorage>'1''cpu'#2('9'#1#2ttQ#0(#1t(#1ttRs",
        "outside of its storage");
}

/* Types without a storage class of their own name themselves in the call. */
static void test_typed(void **state) {
    (void)state;
    ss_weights *w = NULL;
    static const char object[] =
        "}'w'<torch._utils _rebuild_tensor_v3>(('storage'<torch.storage UntypedStorage>'1''cpu'#2tQ"
        "#1(#1t(#1t\"89\"}<torch float8_e4m3fn>tRs";
    if (parse(&w, object)) fail_msg("%s", cx.error);
    assert_int_equal(w->at[0].dtype, SS_F8_E4M3);
    assert_string_equal(w->at[0].type_name, "float8_e4m3fn");
    assert_int_equal(w->at[0].bytes, 1);
    ss_weights_close(w);
}

/* ------------------------------------------------------------------------------------------------ zip64 */

/* One entry of a zip64 archive, at a place in the file, with its line for the directory. */
static void put_entry(bytes *directory, int fd, uint64_t at, const char *name, const void *data, uint64_t stored,
                      uint64_t size) {
    bytes *local = calloc(1, sizeof *local);
    size_t n = strlen(name);
    PUT(local, "PK\3\4\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0");
    put_number(local, UINT64_MAX, 8);
    put_number(local, n, 2);
    put_number(local, 0, 2);
    put(local, name, n);
    put(local, data, stored);
    assert_int_equal(pwrite(fd, local->at, local->size, (off_t)at), local->size);
    free(local);

    PUT(directory, "PK\1\2\x2d\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0");
    put_number(directory, UINT64_MAX, 8);
    put_number(directory, n, 2);
    put_number(directory, 4 + 24, 2);
    put_number(directory, 0, 10);
    put_number(directory, UINT32_MAX, 4);
    put(directory, name, n);
    put_number(directory, 1, 2);
    put_number(directory, 24, 2);
    put_number(directory, size, 8);
    put_number(directory, size, 8);
    put_number(directory, at, 8);
}

static void test_beyond_4_gib(void **state) {
    (void)state;
    const uint64_t elements = 1200000000, size = 4 * elements, behind = size + 1000;
    static bytes pickle, directory;
    char path[] = "/tmp/selfsame-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    pickle.size = directory.size = 0;
    PUT(&pickle, "\x80\2");
    assemble(&pickle,
             "}'w'<torch._utils _rebuild_tensor_v2>(('storage'<torch FloatStorage>'0''cpu'J\"008c8647\"tQ J\"fe8b8647\""
             "(#2t(#1t\"89\"}tRs.");
    put_entry(&directory, fd, 0, "archive/data/0", "", 0, size);
    assert_int_equal(pwrite(fd, (const float[]){1, 2}, 8, (off_t)(30 + 14 + size - 8)), 8);
    put_entry(&directory, fd, behind, "archive/data.pkl", pickle.at, pickle.size, pickle.size);
    uint64_t begin = behind + 30 + 16 + pickle.size, length = directory.size;
    PUT(&directory, "PK\6\6");
    put_number(&directory, 44, 8);
    put_number(&directory, 0, 12);
    put_number(&directory, 2, 8);
    put_number(&directory, 2, 8);
    put_number(&directory, length, 8);
    put_number(&directory, begin, 8);
    PUT(&directory, "PK\6\7\0\0\0\0");
    put_number(&directory, begin + length, 8);
    put_number(&directory, 1, 4);
    PUT(&directory, "PK\5\6\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    assert_int_equal(pwrite(fd, directory.at, directory.size, (off_t)begin), directory.size);
    close(fd);
    ss_weights *w = NULL;
    ss_status st = ss_weights_open(&w, &cx, path);
    unlink(path);
    if (st) fail_msg("%s", cx.error);
    assert_int_equal(w->count, 1);
    assert_int_equal(w->at[0].bytes, 8);
    assert_memory_equal(w->at[0].data, ((const float[]){1, 2}), 8);
    ss_weights_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_where_weights_are, clear),
        cmocka_unit_test_setup(test_kinds_of_dictionaries, clear),
        cmocka_unit_test_setup(test_modules, clear),
        cmocka_unit_test_setup(test_sharing, clear),
        cmocka_unit_test_setup(test_damage, clear),
        cmocka_unit_test_setup(test_rare_operations, clear),
        cmocka_unit_test_setup(test_numbers, clear),
        cmocka_unit_test_setup(test_view, clear),
        cmocka_unit_test_setup(test_typed, clear),
        cmocka_unit_test_setup(test_beyond_4_gib, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
