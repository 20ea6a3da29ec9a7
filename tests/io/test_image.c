/* Pictures: decoded and resized as the reference programs do, written whole, refused with a sentence. */
#include "io/image.h"

#include "io/image_codec.h"
#include "io/pictures.h"
#include "support/golden.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

#define IMAGES GOLDEN_DIR "/image/"

/* ------------------------------------------------------------------------------------------------ golden */

static unsigned char *golden;
static json_t *golden_index;

static int open_golden(void **state) {
    (void)state;
    size_t n;
    golden = slurp(IMAGES "image.safetensors", &n);
    uint64_t length;
    memcpy(&length, golden, 8);
    golden_index = json_loadb((char *)golden + 8, length, 0, NULL);
    golden += 8;
    return golden_index ? 0 : -1;
}

static int close_golden(void **state) {
    (void)state;
    free(golden - 8);
    json_decref(golden_index);
    return 0;
}

static const uint8_t *golden_data(const json_t *entry, int *w, int *h) {
    const json_t *shape = json_object_get(entry, "shape");
    uint64_t length;
    memcpy(&length, golden - 8, 8);
    *h = (int)json_integer_value(json_array_get(shape, 0));
    *w = (int)json_integer_value(json_array_get(shape, 1));
    return golden + length + json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0));
}

/* The most that any byte differs by. */
static int furthest(const ss_image *a, const uint8_t *b) {
    int most = 0;
    for (int64_t i = 0, n = (int64_t)3 * a->w * a->h; i < n; i++) {
        int d = abs(a->rgb[i] - b[i]);
        if (d > most) most = d;
    }
    return most;
}

/* "rgb_png.squash64.bicubic" names the picture rgb.png. */
static void read_stem(ss_image *im, ss_ctx *cx, const char *key) {
    char path[256];
    snprintf(path, sizeof path, IMAGES "%.*s", (int)strcspn(key, "."), key);
    *strrchr(path, '_') = '.';
    if (ss_image_read(im, cx, path)) fail_msg("%s: %s", key, cx->error);
}

/* Pillow's JPEG decoder is libvips', too; one level is left for another release's rounding. */
static int tolerance(const char *key) { return strstr(key, "_jpg") ? 1 : 0; }

static void decodes_like_pillow(void **state) {
    (void)state;
    const char *key;
    json_t *entry;
    int seen = 0;
    json_object_foreach(golden_index, key, entry) {
        bool rgb = strstr(key, ".rgb") && strcmp(key, "grey16_png.rgb"), upper = !strcmp(key, "grey16_png.upper_byte");
        if (!rgb && !upper) continue;
        ss_ctx cx = context();
        ss_image im = {0};
        int w, h;
        const uint8_t *want = golden_data(entry, &w, &h);
        read_stem(&im, &cx, key);
        assert_int_equal(im.w, w);
        assert_int_equal(im.h, h);
        if (upper) {
            for (int i = 0; i < w * h; i++)
                for (int c = 0; c < 3; c++) assert_int_equal(im.rgb[3 * i + c], want[i]);
        } else if (furthest(&im, want) > tolerance(key)) {
            fail_msg("%s is %d levels off", key, furthest(&im, want));
        }
        ss_image_free(&im);
        seen++;
    }
    assert_int_equal(seen, 10);
}

static void resizes_like_pillow(void **state) {
    (void)state;
    static const char *const names[] = {"nearest", "box", "bilinear", "bicubic", "lanczos"};
    const char *key;
    json_t *entry;
    int seen = 0;
    json_object_foreach(golden_index, key, entry) {
        const char *how = strrchr(key, '.') + 1;
        int filter = -1;
        for (int i = 0; i < 5; i++)
            if (!strcmp(how, names[i])) filter = SS_NEAREST_CENTRE + i;
        if (filter < 0) continue;
        ss_ctx cx = context();
        ss_image im = {0}, y = {0};
        int w, h;
        const uint8_t *want = golden_data(entry, &w, &h);
        read_stem(&im, &cx, key);
        if (strstr(key, ".crop")) {
            ss_image part = {0};
            assert_int_equal(ss_image_crop(&part, &cx, &im, ss_crop_box(im.w, im.h, 1, 1)), SS_OK);
            ss_image_free(&im);
            im = part;
        }
        assert_int_equal(ss_image_resize(&y, &cx, &im, w, h, filter), SS_OK);
        if (furthest(&y, want) > tolerance(key)) fail_msg("%s is %d levels off", key, furthest(&y, want));
        ss_image_free(&im);
        ss_image_free(&y);
        seen++;
    }
    assert_int_equal(seen, 19);
}

static void squashes_like_the_study(void **state) {
    (void)state;
    static const char *const names[][2] = {{"rgb.png", "rgb_png-load-image.png"},
                                           {"rgba.png", "rgba_png-load-image.png"},
                                           {"rotated.jpg", "rotated_jpg-load-image.png"}};
    for (int i = 0; i < 3; i++) {
        ss_ctx cx = context();
        ss_image im = {0}, y = {0}, want = {0};
        char path[256];
        snprintf(path, sizeof path, IMAGES "%s", names[i][0]);
        assert_int_equal(ss_image_read_unturned(&im, &cx, path), SS_OK);
        snprintf(path, sizeof path, IMAGES "%s", names[i][1]);
        assert_int_equal(ss_image_read(&want, &cx, path), SS_OK);
        assert_int_equal(ss_image_fit(&y, &cx, &im, 512, 512, SS_FIT_SQUASH), SS_OK);
        assert_true(furthest(&y, want.rgb) <= tolerance(names[i][1]));
        ss_image_free(&im);
        ss_image_free(&y);
        ss_image_free(&want);
    }
}

/* Check values of Pillow 9.4 for one row, and for a picture of 10 x 6. */
static void resizes_rows_exactly(void **state) {
    (void)state;
    static const uint8_t row[8] = {0, 10, 200, 255, 30, 90, 120, 60};
    static const struct {
        ss_resample how;
        int n;
        uint8_t y[12];
    } cases[] = {
        {SS_BICUBIC, 4, {19, 195, 84, 90}},
        {SS_LANCZOS, 4, {16, 197, 86, 90}},
        {SS_BILINEAR, 4, {33, 176, 92, 90}},
        {SS_BICUBIC, 3, {69, 147, 82}},
        {SS_LANCZOS, 3, {73, 152, 74}},
        {SS_BILINEAR, 3, {71, 140, 88}},
        {SS_BICUBIC, 12, {0, 0, 33, 174, 253, 230, 54, 44, 98, 121, 90, 56}},
        {SS_LANCZOS, 12, {4, 0, 33, 166, 255, 223, 56, 29, 107, 126, 89, 54}},
        {SS_BILINEAR, 12, {0, 5, 42, 168, 228, 217, 68, 60, 95, 115, 90, 60}},
    };
    ss_ctx cx = context();
    for (int upright = 0; upright < 2; upright++)
        for (int i = 0; i < SS_COUNT_OF(cases); i++) {
            ss_image x = {0}, y = {0};
            int n = cases[i].n;
            assert_int_equal(ss_image_new(&x, &cx, upright ? 1 : 8, upright ? 8 : 1), SS_OK);
            for (int k = 0; k < 24; k++) x.rgb[k] = row[k / 3];
            assert_int_equal(ss_image_resize(&y, &cx, &x, upright ? 1 : n, upright ? n : 1, cases[i].how), SS_OK);
            for (int k = 0; k < 3 * n; k++) assert_int_equal(y.rgb[k], cases[i].y[k / 3]);
            ss_image_free(&x);
            ss_image_free(&y);
        }
    static const uint8_t want[4][7] = {{37, 99, 138, 112, 149, 60, 119},
                                       {164, 124, 110, 91, 154, 165, 130},
                                       {73, 138, 132, 117, 121, 158, 153},
                                       {135, 96, 102, 186, 143, 151, 173}};
    ss_image x = {0}, y = {0};
    assert_int_equal(ss_image_new(&x, &cx, 10, 6), SS_OK);
    for (int i = 0; i < 60; i++)
        memset(x.rgb + 3 * i, (37 * (i % 10) + 91 * (i / 10) + 5 * (i % 10) * (i / 10)) % 256, 3);
    assert_int_equal(ss_image_resize(&y, &cx, &x, 7, 4, SS_BICUBIC), SS_OK);
    for (int i = 0; i < 28; i++) assert_int_equal(y.rgb[3 * i + 1], want[i / 7][i % 7]);
    ss_image_free(&x);
    ss_image_free(&y);
}

/* ------------------------------------------------------------------------------------------------ fitting */

/* Check values of Pillow 13, whose earlier releases differ from them in 22 places. */
static void shrinks_the_height_first(void **state) {
    (void)state;
    static const uint8_t want[] = {144, 192, 135, 187, 241, 189, 191, 181, 156, 109, 97,  81,  40,  81,  74,
                                   106, 119, 166, 183, 223, 206, 176, 173, 169, 125, 108, 165, 96,  113, 133,
                                   134, 120, 80,  197, 18,  87,  43,  172, 102, 66,  144, 74,  145, 105, 54,
                                   166, 129, 95,  132, 171, 125, 151, 130, 49,  49,  127, 199, 93,  135, 168,
                                   186, 171, 160, 197, 116, 121, 116, 81,  112, 62,  253, 231};
    ss_ctx cx = context();
    ss_image x = {0}, y = {0};
    assert_int_equal(ss_image_new(&x, &cx, 5, 8), SS_OK);
    uint32_t s = 1;
    for (int i = 0; i < 3 * 5 * 8; i++) x.rgb[i] = (uint8_t)((s = s * 1103515245u + 12345) >> 24);
    assert_int_equal(ss_image_resize(&y, &cx, &x, 6, 4, SS_BICUBIC), SS_OK);
    assert_memory_equal(y.rgb, want, sizeof want);
    ss_image_free(&x);
    ss_image_free(&y);
}

static void fits_by_crop_and_pad(void **state) {
    (void)state;
    ss_box b = ss_crop_box(101, 75, 64, 64);
    assert_true(b.x == 13 && b.y == 0 && b.w == 75 && b.h == 75);
    b = ss_crop_box(100, 400, 200, 100);
    assert_true(b.x == 0 && b.y == 175 && b.w == 100 && b.h == 50);
    b = ss_pad_box(100, 50, 64, 64);
    assert_true(b.x == 0 && b.y == 16 && b.w == 64 && b.h == 32);
    b = ss_pad_box(1, 20000, 64, 64);
    assert_true(b.w == 1 && b.h == 64);

    ss_ctx cx = context();
    ss_image x = {0}, y = {0};
    assert_int_equal(ss_image_new(&x, &cx, 4, 2), SS_OK);
    memset(x.rgb, 10, 12);
    memset(x.rgb + 12, 200, 12);
    assert_int_equal(ss_image_fit(&y, &cx, &x, 4, 4, SS_FIT_PAD), SS_OK);
    static const uint8_t rows[4] = {10, 10, 200, 200}; /* the border's pixels run on */
    for (int i = 0; i < 48; i++) assert_int_equal(y.rgb[i], rows[i / 12]);
    ss_image_free(&y);
    for (int i = 0; i < 8; i++) memset(x.rgb + 3 * i, i % 4 == 0 || i % 4 == 3 ? 255 : 60, 3);
    assert_int_equal(ss_image_fit(&y, &cx, &x, 2, 2, SS_FIT_CROP), SS_OK);
    for (int i = 0; i < 12; i++) assert_int_equal(y.rgb[i], 60);
    ss_image_free(&y);

    for (int how = SS_FIT_SQUASH; how <= SS_FIT_PAD; how++) {
        cx = context();
        assert_int_equal(ss_image_fit(&y, &cx, &x, 0, 64, how), SS_ERR_ARG);
        assert_sentence(&cx, "0 x 64");
        assert_null(y.rgb);
    }
    ss_image_free(&x);
}

/* ------------------------------------------------------------------------------------------------ bad input */

static void assert_refused(const char *path, const char *sentence) {
    ss_ctx cx = context();
    ss_image im = {0};
    ss_status st = ss_image_read(&im, &cx, path);
    if (st != SS_ERR_FORMAT && st != SS_ERR_FILE) fail_msg("%s: status %d, \"%s\"", path, st, cx.error);
    assert_null(im.rgb);
    assert_sentence(&cx, sentence);
    assert_sentence(&cx, strrchr(path, '/'));
}

static void refuses_what_is_no_picture(void **state) {
    (void)state;
    assert_refused(in_folder("none.png"), "there is no file");
    spill(in_folder("empty.png"), "", 0);
    assert_refused(in_folder("empty.png"), "is empty");
    spill(in_folder("text.png"), "once upon a time", 16);
    assert_refused(in_folder("text.png"), "is not a picture; pictures are read as PNG, JPEG");
    spill(in_folder("page.jpg"), "<!DOCTYPE html><html>", 21);
    assert_refused(in_folder("page.jpg"), "a web page");
    spill(in_folder("drawing.svg"), "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>", 61);
    assert_refused(in_folder("drawing.svg"), "is not a picture");
    spill(in_folder("film.heic"),
          "\0\0\0\x18"
          "ftypisom\0\0\0\0isomiso2",
          24);
    assert_refused(in_folder("film.heic"), "is not a picture");
    ss_ctx cx = context();
    ss_image im = {0};
    assert_int_equal(ss_image_read(&im, &cx, folder), SS_ERR_FILE);
    assert_sentence(&cx, "is a folder");
}

/* Every cut of a file somewhere in its middle, and one within its head. */
static void refuses_what_is_cut_short(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_image im = {0};
    assert_int_equal(ss_image_read(&im, &cx, IMAGES "rgb_png-load-image.png"), SS_OK);
    static const char *const names[] = {"cut.png", "cut.jpg", "cut.webp"};
    for (int i = 0; i < 3; i++) {
        void *bytes;
        size_t n;
        assert_int_equal(ss_image_encode(&bytes, &n, &cx, &im, NULL, strchr(names[i], '.') + 1), SS_OK);
        for (int part = 1; part < 8; part++) {
            spill(in_folder(names[i]), bytes, n * part / 8);
            assert_refused(in_folder(names[i]), "damaged or cut short");
        }
        spill(in_folder(names[i]), bytes, 20);
        assert_refused(in_folder(names[i]), "damaged or cut short");
        free(bytes);
    }
    ss_image_free(&im);
}

static void refuses_huge_pictures_before_it_allocates(void **state) {
    (void)state;
    uint8_t png[2048];
    ss_image im = {0};
    static const uint32_t sizes[][2] = {{100000, 100000}, {32000, 32000}, {1, 40000}};
    for (int i = 0; i < 3; i++) {
        ss_ctx cx = context();
        cx.fail_allocation = 0; /* so that any would be noticed */
        size_t n = small_png(png, sizes[i][0], sizes[i][1], NULL, 0, NULL, 0);
        assert_int_equal(ss_image_read_bytes(&im, &cx, png, n, "big.png"), SS_ERR_FORMAT);
        assert_int_equal(cx.fail_allocation, 0);
        assert_sentence(&cx, "big.png is ");
        assert_sentence(&cx, "at most 32768 a side and 64 million in all");
    }
    ss_ctx cx = context();
    size_t n = small_png(png, 0, 7, NULL, 0, NULL, 0);
    assert_int_equal(ss_image_read_bytes(&im, &cx, png, n, "nothing.png"), SS_ERR_FORMAT);
    assert_sentence(&cx, "nothing.png starts like PNG but its header is damaged");
    cx = context();
    n = small_png(png, 4, 4, NULL, 0, NULL, 0);
    assert_int_equal(ss_image_read_bytes(&im, &cx, png, n, "small.png"), SS_OK);
    ss_image_free(&im);
    /* A bit of the packed pixels or their two checksums is wrong: said, unless the decoder had all pixels before it
     * came there (libspng does not look at what is left then). Wrong pixels never pass. */
    int refused = 0;
    for (size_t at = 41; at < n - 16; at++)
        for (int round = 0; round < 4; round++) { /* libvips' threads would let one pass now and then */
            cx = context();
            png[at] ^= 1;
            ss_status st = ss_image_read_bytes(&im, &cx, png, n, "small.png");
            png[at] ^= 1;
            if (st) assert_int_equal(st, SS_ERR_FORMAT);
            if (st) assert_sentence(&cx, "small.png: the PNG is damaged or cut short");
            refused += st != SS_OK;
            for (int i = 0; i < 48 && !st; i++) assert_int_equal(im.rgb[i], 0);
            ss_image_free(&im);
        }
    assert_in_range(refused, 4 * (n - 16 - 41) * 3 / 4, 4 * (n - 16 - 41));
    cx = context();
    assert_int_equal(ss_image_new(&im, &cx, 100000, 100000), SS_ERR_ARG);
    assert_sentence(&cx, "100000 x 100000");
}

/* ------------------------------------------------------------------------------------------------ awkward input */

/* A picture whose corners differ: red, green, blue and grey quarters of 16 x 8. */
static void quarters(ss_image *im, ss_ctx *cx) {
    static const uint8_t colour[4][3] = {{200, 30, 40}, {40, 190, 50}, {50, 60, 210}, {120, 120, 120}};
    assert_int_equal(ss_image_new(im, cx, 32, 16), SS_OK);
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 32; x++) memcpy(im->rgb + 3 * (32 * y + x), colour[2 * (y / 8) + x / 16], 3);
}

static VipsImage *as_vips(const ss_image *im) {
    VipsImage *plain =
        vips_image_new_from_memory_copy(im->rgb, (size_t)3 * im->w * im->h, im->w, im->h, 3, VIPS_FORMAT_UCHAR);
    VipsImage *srgb = NULL;
    assert_non_null(plain);
    assert_int_equal(vips_copy(plain, &srgb, "interpretation", VIPS_INTERPRETATION_sRGB, NULL), 0);
    g_object_unref(plain);
    return srgb;
}

static void turns_by_exif(void **state) {
    (void)state;
    /* Where the shown picture's top left, top right, bottom left quarter comes from in the stored one. */
    static const int corner[9][3] = {[1] = {0, 1, 2}, {1, 0, 3}, {3, 2, 1}, {2, 3, 0},
                                     {0, 2, 1},       {2, 0, 3}, {3, 1, 2}, {1, 3, 0}};
    ss_ctx cx = context();
    ss_image x = {0};
    quarters(&x, &cx);
    for (int turn = 1; turn <= 8; turn++) {
        VipsImage *im = as_vips(&x);
        void *bytes;
        size_t n;
        ss_image y = {0};
        vips_image_set_int(im, VIPS_META_ORIENTATION, turn);
        assert_int_equal(vips_jpegsave_buffer(im, &bytes, &n, "Q", 95, NULL), 0);
        assert_int_equal(ss_image_read_bytes(&y, &cx, bytes, n, "turned.jpg"), SS_OK);
        assert_int_equal(y.w, turn < 5 ? 32 : 16);
        assert_int_equal(y.h, turn < 5 ? 16 : 32);
        const int places[3][2] = {{3, 3}, {y.w - 4, 3}, {3, y.h - 4}};
        for (int i = 0; i < 3; i++) {
            const uint8_t *got = y.rgb + 3 * (y.w * places[i][1] + places[i][0]);
            int from = corner[turn][i];
            const uint8_t *want = x.rgb + 3 * (32 * (from / 2 * 8 + 4) + from % 2 * 16 + 8);
            for (int c = 0; c < 3; c++) assert_in_range(got[c], want[c] - 12, want[c] + 12);
        }
        ss_image_free(&y);
        g_free(bytes);
        g_object_unref(im);
    }
    ss_image_free(&x);
}

/* The same colours, told in another space with a profile that says so. */
static void applies_colour_profiles(void **state) {
    (void)state;
    static const char *const spaces[] = {"p3", "cmyk"};
    ss_ctx cx = context();
    ss_image x = {0}, y = {0};
    quarters(&x, &cx);
    for (int i = 0; i < x.w * x.h * 3; i++) x.rgb[i] = 100 + x.rgb[i] / 5; /* pale enough for printing inks */
    for (int i = 0; i < 2; i++) {
        VipsImage *im = as_vips(&x), *other = NULL;
        void *bytes;
        size_t n;
        assert_int_equal(
            vips_icc_transform(im, &other, spaces[i], "input_profile", "srgb", "intent", VIPS_INTENT_RELATIVE, NULL),
            0);
        assert_int_equal(vips_tiffsave_buffer(other, &bytes, &n, NULL), 0);
        assert_int_equal(ss_image_read_bytes(&y, &cx, bytes, n, "other.tiff"), SS_OK);
        if (furthest(&y, x.rgb) > (i ? 12 : 1)) fail_msg("%s is %d levels off", spaces[i], furthest(&y, x.rgb));
        assert_string_equal(last_warning, "");
        ss_image_free(&y);
        g_free(bytes);
        g_object_unref(other);

        /* A profile that is none does no harm, whether libvips passes over it or we do. */
        other = NULL;
        assert_int_equal(vips_copy(im, &other, NULL), 0);
        vips_image_set_blob_copy(other, VIPS_META_ICC_NAME, "no profile at all", 17);
        assert_int_equal(vips_tiffsave_buffer(other, &bytes, &n, NULL), 0);
        assert_int_equal(ss_image_read_bytes(&y, &cx, bytes, n, "odd.tiff"), SS_OK);
        assert_true(furthest(&y, x.rgb) <= 1);
        last_warning[0] = 0;
        ss_image_free(&y);
        g_free(bytes);
        g_object_unref(other);
        g_object_unref(im);
    }
    ss_image_free(&x);
}

static void takes_the_first_of_an_animation(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_image x = {0};
    quarters(&x, &cx);
    for (int kind = 0; kind < 2; kind++) {
        VipsImage *im = as_vips(&x);
        void *bytes;
        size_t n;
        ss_image y = {0};
        vips_image_set_int(im, VIPS_META_PAGE_HEIGHT, 8);
        assert_int_equal(kind ? vips_webpsave_buffer(im, &bytes, &n, "lossless", TRUE, NULL)
                              : vips_gifsave_buffer(im, &bytes, &n, NULL),
                         0);
        assert_int_equal(ss_image_read_bytes(&y, &cx, bytes, n, "film"), SS_OK);
        assert_int_equal(y.w, 32);
        assert_int_equal(y.h, 8);
        assert_true(furthest(&y, x.rgb) < 8); /* GIF has a palette */
        assert_string_equal(last_warning, "film holds 2 pictures; the first is used");
        last_warning[0] = 0;
        ss_image_free(&y);
        g_free(bytes);
        g_object_unref(im);
    }
    ss_image_free(&x);
}

/* AVIF and HEIC are read where libvips has their coder; who has none is told so. */
static void reads_avif_where_it_can(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_image x = {0}, y = {0};
    quarters(&x, &cx);
    VipsImage *im = as_vips(&x);
    void *bytes = NULL;
    size_t n;
    if (!vips_heifsave_buffer(im, &bytes, &n, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "Q", 95, NULL)) {
        assert_int_equal(ss_picture_kind(bytes, n), SS_HEIF);
        assert_int_equal(ss_image_read_bytes(&y, &cx, bytes, n, "small.avif"), SS_OK);
        assert_true(ss_psnr(&x, &y) > 30);
        ss_image_free(&y);
        assert_int_equal(ss_image_read_bytes(&y, &cx, bytes, n / 2, "small.avif"), SS_ERR_FORMAT);
        assert_sentence(&cx, "small.avif");
        g_free(bytes);
    }
    vips_error_clear();
    cx = context();
    assert_int_equal(ss_image_read_bytes(&y, &cx,
                                         "\0\0\0\x1c"
                                         "ftypheic\0\0\0\0mif1heic",
                                         24, "odd.heic"),
                     SS_ERR_FORMAT);
    assert_sentence(&cx, "odd.heic");
    g_object_unref(im);
    ss_image_free(&x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(decodes_like_pillow, open_golden, close_golden),
        cmocka_unit_test_setup_teardown(resizes_like_pillow, open_golden, close_golden),
        cmocka_unit_test(squashes_like_the_study),
        cmocka_unit_test(resizes_rows_exactly),
        cmocka_unit_test(shrinks_the_height_first),
        cmocka_unit_test(fits_by_crop_and_pad),
        cmocka_unit_test(refuses_what_is_no_picture),
        cmocka_unit_test(refuses_what_is_cut_short),
        cmocka_unit_test(refuses_huge_pictures_before_it_allocates),
        cmocka_unit_test(turns_by_exif),
        cmocka_unit_test(applies_colour_profiles),
        cmocka_unit_test(takes_the_first_of_an_animation),
        cmocka_unit_test(reads_avif_where_it_can),
    };
    return cmocka_run_group_tests_name("image", tests, make_folder, remove_folder);
}
