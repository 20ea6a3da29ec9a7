/* Pictures written, and what they say about themselves read back. */
#include "io/image.h"
#include "io/pictures.h"

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const suffixes[] = {"png", "jpg", "webp"};

/* A smooth picture, which every coder keeps well. */
static void gradient(ss_image *im, ss_ctx *cx) {
    assert_int_equal(ss_image_new(im, cx, 61, 47), SS_OK);
    for (int y = 0; y < 47; y++)
        for (int x = 0; x < 61; x++) {
            uint8_t *p = im->rgb + 3 * (61 * y + x);
            p[0] = (uint8_t)(4 * x), p[1] = (uint8_t)(5 * y), p[2] = (uint8_t)(255 - 2 * x - 2 * y);
        }
}

static void assert_same(const char *a, const char *b) {
    if (a && b)
        assert_string_equal(a, b);
    else
        assert_ptr_equal(a, b);
}

static void comes_back(void **state) {
    (void)state;
    static const ss_image_meta metas[] = {
        {0},
        {"a cat\nNegative prompt: a dog\nSteps: 20, Sampler: DDIM, Seed: 1", "{\"prompt\":\"a cat\"}"},
        {"caf\xc3\xa9 cr\xc3\xa8me, Steps: 3", NULL}, /* fits Latin-1 */
        {"\xc3\x83\xc2\xa9", NULL},                   /* Latin-1 that looks like UTF-8 */
        {"\xe7\x8c\xab\xe3\x81\xa8\xe7\x8a\xac \xf0\x9f\x90\x88, Steps: 3",
         NULL}, /* cats and dogs and a surrogate pair */
        {"\xe7\x8c\xab", "{\"\xe7\x8c\xab\":\"\xf0\x9f\x90\x88\"}"},
        {NULL, "{}"},
    };
    for (int i = 0; i < SS_COUNT_OF(metas); i++)
        for (int k = 0; k < 3; k++) {
            ss_ctx cx = context();
            ss_image x = {0}, y = {0};
            ss_image_meta got = {0};
            void *bytes, *again;
            size_t n, m;
            gradient(&x, &cx);
            assert_int_equal(ss_image_encode(&bytes, &n, &cx, &x, &metas[i], suffixes[k]), SS_OK);
            assert_int_equal(ss_image_encode(&again, &m, &cx, &x, &metas[i], suffixes[k]), SS_OK);
            assert_int_equal(n, m);
            assert_memory_equal(bytes, again, n);
            assert_int_equal(ss_image_read_bytes(&y, &cx, bytes, n, "x"), SS_OK);
            assert_int_equal(y.w, x.w);
            assert_int_equal(y.h, x.h);
            double psnr = ss_psnr(&x, &y);
            assert_true(k == 0 ? isinf(psnr) : psnr > 38);
            assert_int_equal(ss_image_meta_read_bytes(&got, &cx, bytes, n, "x"), SS_OK);
            assert_same(got.parameters, metas[i].parameters);
            assert_same(got.json, metas[i].json);
            assert_string_equal(last_warning, "");
            ss_image_meta_free(&got);
            ss_image_free(&x);
            ss_image_free(&y);
            free(bytes);
            free(again);
        }
}

/* 64 KB are no matter for PNG and WebP; a JPEG's EXIF block ends there, and the recipe outlives the text. */
static void carries_long_texts(void **state) {
    (void)state;
    static char text[64 * 1024 + 1];
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < (int)sizeof text - 1; i += 40) text[i] = '\n';
    const ss_image_meta meta = {text, "{\"prompt\":1}"}, reversed = {"short", text};
    for (int k = 0; k < 3; k++) {
        ss_ctx cx = context();
        ss_image x = {0};
        ss_image_meta got = {0};
        void *bytes;
        size_t n;
        gradient(&x, &cx);
        assert_int_equal(ss_image_encode(&bytes, &n, &cx, &x, &meta, suffixes[k]), SS_OK);
        assert_int_equal(ss_image_meta_read_bytes(&got, &cx, bytes, n, "x"), SS_OK);
        assert_same(got.parameters, k == 1 ? NULL : text);
        assert_same(got.json, meta.json);
        assert_true(k == 1 ? strstr(last_warning, "the parameters text (65536 bytes) is left out") != NULL
                           : !*last_warning);
        ss_image_meta_free(&got);
        free(bytes);

        assert_int_equal(ss_image_encode(&bytes, &n, &cx, &x, &reversed, suffixes[k]), SS_OK);
        assert_int_equal(ss_image_meta_read_bytes(&got, &cx, bytes, n, "x"), SS_OK);
        assert_same(got.json, k == 1 ? NULL : text);
        if (k == 1) assert_non_null(strstr(last_warning, "the recipe (65536 bytes) is left out"));
        ss_image_meta_free(&got);
        free(bytes);
        ss_image_free(&x);
    }
}

static void reads_other_writers_pngs(void **state) {
    (void)state;
    static const char packed_text[] = "parameters\0\0", packed_unicode[] = "parameters\0\1\0en\0Parameter\0";
    uint8_t chunk[4096], data[2048], png[8192];
    char text[1001];
    for (int i = 0; i < 1000; i++) text[i] = "Steps: 20, "[i % 11];
    text[1000] = 0;
    for (int kind = 0; kind < 5; kind++) {
        ss_ctx cx = context();
        ss_image_meta got = {0};
        size_t n;
        uLongf room = 1500;
        switch (kind) {
        case 0: /* packed Latin-1 */
            memcpy(data, packed_text, sizeof packed_text - 1);
            assert_int_equal(compress(data + sizeof packed_text - 1, &room, (const Bytef *)text, 1000), Z_OK);
            n = png_chunk(chunk, "zTXt", data, sizeof packed_text - 1 + room);
            break;
        case 1: /* packed UTF-8 in a language */
            memcpy(data, packed_unicode, sizeof packed_unicode - 1);
            assert_int_equal(compress(data + sizeof packed_unicode - 1, &room, (const Bytef *)text, 1000), Z_OK);
            n = png_chunk(chunk, "iTXt", data, sizeof packed_unicode - 1 + room);
            break;
        case 2: /* Latin-1 */
            n = png_chunk(chunk, "tEXt", "parameters\0caf\xe9", 15);
            break;
        case 3: /* UTF-8 where Latin-1 is due */
            n = png_chunk(chunk, "tEXt", "parameters\0caf\xc3\xa9", 16);
            break;
        default: /* another keyword, then ours */
            n = png_chunk(chunk, "tEXt", "Software\0x", 10);
            n += png_chunk(chunk + n, "tEXt", "parameters\0caf\xc3\xa9", 16);
        }
        for (int after = 0; after < 2; after++) {
            size_t all = small_png(png, 4, 4, chunk, after ? 0 : n, chunk, after ? n : 0);
            assert_int_equal(ss_image_meta_read_bytes(&got, &cx, png, all, "x.png"), SS_OK);
            assert_same(got.parameters, kind < 2 ? text : "caf\xc3\xa9");
            ss_image_meta_free(&got);
        }
    }
}

/* EXIF blocks in a PNG, which win over its text chunk: little-endian both in numbers and in text; ASCII. */
static void reads_other_writers_exif(void **state) {
    (void)state;
    static const uint8_t little[] = "II*\0\x8\0\0\0"
                                    "\1\0"
                                    "\x69\x87\4\0\1\0\0\0\x1a\0\0\0"
                                    "\0\0\0\0"
                                    "\1\0"
                                    "\x86\x92\7\0\x0e\0\0\0\x2c\0\0\0"
                                    "\0\0\0\0"
                                    "UNICODE\0h\0i\0\x2b\x73";
    static const uint8_t ascii[] = "MM\0*\0\0\0\x8"
                                   "\0\1"
                                   "\x87\x69\0\4\0\0\0\1\0\0\0\x1a"
                                   "\0\0\0\0"
                                   "\0\1"
                                   "\x92\x86\0\7\0\0\0\x0d\0\0\0\x2c"
                                   "\0\0\0\0"
                                   "ASCII\0\0\0hello";
    uint8_t chunk[512], png[2048];
    static const struct {
        const uint8_t *exif;
        size_t n;
        const char *text;
    } cases[] = {{little, sizeof little - 1, "hi\xe7\x8c\xab"}, {ascii, sizeof ascii - 1, "hello"}};
    for (int i = 0; i < 2; i++) {
        ss_ctx cx = context();
        ss_image_meta got = {0};
        size_t n = png_chunk(chunk, "tEXt", "parameters\0text", 15);
        n += png_chunk(chunk + n, "eXIf", cases[i].exif, cases[i].n);
        size_t all = small_png(png, 4, 4, chunk, n, NULL, 0);
        assert_int_equal(ss_image_meta_read_bytes(&got, &cx, png, all, "x.png"), SS_OK);
        assert_same(got.parameters, cases[i].text);
        ss_image_meta_free(&got);
        /* Cut anywhere, it is read as far as it goes, and the chunk's text stands in for what is not there. */
        for (size_t cut = 0; cut < cases[i].n - 1; cut++) {
            n = png_chunk(chunk, "tEXt", "parameters\0text", 15);
            n += png_chunk(chunk + n, "eXIf", cases[i].exif, cut);
            all = small_png(png, 4, 4, chunk, n, NULL, 0);
            assert_int_equal(ss_image_meta_read_bytes(&got, &cx, png, all, "x.png"), SS_OK);
            assert_same(got.parameters, "text");
            ss_image_meta_free(&got);
        }
    }
}

/* 32 MB of nothing in 32 KB. */
static void passes_over_a_bomb(void **state) {
    (void)state;
    size_t size = 2 * (size_t)SS_IMAGE_TEXT;
    uLongf room = 64 * 1024;
    uint8_t *zeros = calloc(size, 1), *data = malloc(room + 16), *chunk = malloc(room + 64), *png = malloc(room + 2048);
    ss_ctx cx = context();
    ss_image_meta got = {0};
    memset(zeros, 'a', size);
    memcpy(data, "parameters\0", 12);
    assert_int_equal(compress(data + 12, &room, zeros, size), Z_OK);
    size_t n = png_chunk(chunk, "zTXt", data, room + 12);
    n = small_png(png, 4, 4, chunk, n, NULL, 0);
    assert_int_equal(ss_image_meta_read_bytes(&got, &cx, png, n, "x.png"), SS_OK);
    assert_null(got.parameters);
    free(zeros);
    free(data);
    free(chunk);
    free(png);
}

static int files_in_folder(void) {
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    closedir(d);
    return n;
}

static void writes_whole_or_not_at_all(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_image x = {0}, y = {0};
    ss_image_meta meta = {.parameters = "Steps: 20"}, got = {0};
    gradient(&x, &cx);
    assert_int_equal(ss_image_write(&cx, in_folder("a.PNG"), &x, &meta), SS_OK);
    assert_int_equal(ss_image_write(&cx, in_folder("a.PNG"), &x, &meta), SS_OK); /* over itself */
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(ss_image_read(&y, &cx, in_folder("a.PNG")), SS_OK);
    assert_true(isinf(ss_psnr(&x, &y)));
    assert_int_equal(ss_image_meta_read(&got, &cx, in_folder("a.PNG")), SS_OK);
    assert_same(got.parameters, meta.parameters);
    ss_image_meta_free(&got);

    static const struct {
        const char *name, *sentence;
        ss_status status;
    } bad[] = {
        {"none/a.png", "none", SS_ERR_FILE},
        {"a.PNG/b.png", "a.PNG", SS_ERR_FILE},
        {"full.png", "the disk is full", SS_ERR_FILE},
        {"a.bmp", "pictures are written as .png, .jpg or .webp", SS_ERR_ARG},
        {"a", "pictures are written as .png, .jpg or .webp", SS_ERR_ARG},
    };
    assert_int_equal(symlink("/dev/full", in_folder("full.png")), 0);
    for (int i = 0; i < SS_COUNT_OF(bad); i++) {
        cx = context();
        assert_int_equal(ss_image_write(&cx, in_folder(bad[i].name), &x, NULL), bad[i].status);
        assert_sentence(&cx, bad[i].sentence);
        assert_int_equal(files_in_folder(), 2);
    }
    cx = context();
    assert_int_equal(ss_image_meta_read(&got, &cx, in_folder("none.png")), SS_ERR_FILE);
    assert_int_equal(ss_image_meta_read_bytes(&got, &cx, "<html>", 6, "page.png"), SS_ERR_FORMAT);
    ss_image_free(&x);
    ss_image_free(&y);
    assert_int_equal(ss_image_new(&x, &cx, 16384, 1), SS_OK);
    cx = context();
    assert_int_equal(ss_image_write(&cx, in_folder("wide.webp"), &x, NULL), SS_ERR_ARG);
    assert_sentence(&cx, "at most 16383 pixels a side, this one is 16384 x 1");
    ss_image_free(&x);
}

static void keeps_masks(void **state) {
    (void)state;
    ss_ctx cx = context();
    static const float map[6] = {-2, -1, 0, 1, 2, 3}, even[6] = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f};
    float *got = NULL;
    int w, h;
    assert_int_equal(ss_mask_write(&cx, in_folder("map.png"), map, 3, 2), SS_OK);
    assert_int_equal(ss_mask_read(&got, &w, &h, &cx, in_folder("map.png")), SS_OK);
    assert_true(w == 3 && h == 2);
    for (int i = 0; i < 6; i++) assert_true(got[i] == (float)(51 * i) / 255.0f);
    free(got);
    assert_int_equal(ss_mask_write(&cx, in_folder("map.png"), even, 3, 2), SS_OK);
    assert_int_equal(ss_mask_read(&got, &w, &h, &cx, in_folder("map.png")), SS_OK);
    for (int i = 0; i < 6; i++) assert_true(got[i] == 128 / 255.0f);
    free(got);
}

static void measures_noise(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_image x = {0}, y = {0};
    gradient(&x, &cx);
    assert_int_equal(ss_image_copy(&y, &cx, &x), SS_OK);
    assert_true(isinf(ss_psnr(&x, &y)));
    for (int i = 0; i < 3 * 61 * 47; i++) y.rgb[i] ^= 1;
    assert_true(fabs(ss_psnr(&x, &y) - 10 * log10(255.0 * 255.0)) < 1e-9);
    ss_image_free(&x);
    ss_image_free(&y);
}

/* Every allocation of a whole round fails in turn: each ends in SS_ERR_NOMEM, and the sanitizer sees no leak. */
static ss_status a_round(ss_ctx *cx, const char *suffix) {
    static const ss_image_meta meta = {"\xe7\x8c\xab, Steps: 20", "{\"a\":\"caf\xc3\xa9\"}"};
    char name[32];
    ss_image x = {0}, y = {0}, z = {0};
    ss_image_meta got = {0};
    float *mask = NULL;
    int w, h;
    snprintf(name, sizeof name, "round.%s", suffix);
    ss_status st = ss_image_new(&x, cx, 31, 17);
    if (!st) st = ss_image_write(cx, in_folder(name), &x, &meta);
    if (!st) st = ss_image_meta_read(&got, cx, in_folder(name));
    if (!st) st = ss_mask_read(&mask, &w, &h, cx, in_folder(name));
    for (int how = SS_FIT_SQUASH; how <= SS_FIT_PAD && !st; how++) {
        ss_image_free(&z);
        st = ss_image_fit(&z, cx, &x, 16, 16, how);
    }
    if (!st) st = ss_image_read(&y, cx, in_folder(name));
    ss_image_free(&x);
    ss_image_free(&y);
    ss_image_free(&z);
    ss_image_meta_free(&got);
    free(mask);
    return st;
}

static void survives_lack_of_memory(void **state) {
    (void)state;
    for (int k = 0; k < 3; k++) {
        ss_status st = SS_ERR_NOMEM;
        int tries = 0;
        for (; st; tries++) {
            ss_ctx cx = context();
            cx.fail_allocation = tries;
            st = a_round(&cx, suffixes[k]);
            if (st && st != SS_ERR_NOMEM) fail_msg("allocation %d: status %d, \"%s\"", tries, st, cx.error);
            assert_true(tries < 500);
        }
        assert_true(tries > 20);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(carries_long_texts),
        cmocka_unit_test(reads_other_writers_pngs),
        cmocka_unit_test(reads_other_writers_exif),
        cmocka_unit_test(passes_over_a_bomb),
        cmocka_unit_test(writes_whole_or_not_at_all),
        cmocka_unit_test(keeps_masks),
        cmocka_unit_test(measures_noise),
        cmocka_unit_test(survives_lack_of_memory),
    };
    return cmocka_run_group_tests_name("image_meta", tests, make_folder, remove_folder);
}
