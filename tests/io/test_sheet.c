/* Sheets and grids: everything in its place, captions legible, the same bytes everywhere. */
#include "io/sheet.h"

#include "io/font.h"
#include "io/image.h"
#include "io/pictures.h"

/* A picture of one colour. */
static ss_image plain(int w, int h, int grey) {
    ss_ctx cx = context();
    ss_image im = {0};
    assert_int_equal(ss_image_new(&im, &cx, w, h), SS_OK);
    memset(im.rgb, grey, (size_t)3 * w * h);
    return im;
}

static int at(const ss_image *im, int x, int y) {
    assert_in_range(x, 0, im->w - 1);
    assert_in_range(y, 0, im->h - 1);
    return im->rgb[3 * (y * im->w + x)];
}

static void free_all(ss_image *images, int n) {
    for (int i = 0; i < n; i++) ss_image_free(&images[i]);
}

static void grids_like_torchvision(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_image x[10], y = {0};
    for (int i = 0; i < 10; i++) x[i] = plain(512, 512, 20 * i + 20);
    assert_int_equal(ss_image_grid(&y, &cx, x, 3), SS_OK);
    assert_true(y.w == 1544 && y.h == 516);
    static const struct {
        int x, y, grey;
    } want[] = {{0, 0, 0},    {1, 100, 0},   {2, 2, 20},      {513, 513, 20}, {514, 100, 0}, {515, 100, 0},
                {516, 2, 40}, {1030, 2, 60}, {1541, 513, 60}, {1542, 9, 0},   {9, 514, 0},   {9, 515, 0}};
    for (int i = 0; i < SS_COUNT_OF(want); i++) assert_int_equal(at(&y, want[i].x, want[i].y), want[i].grey);
    ss_image_free(&y);
    assert_int_equal(ss_image_grid(&y, &cx, x, 10), SS_OK);
    assert_true(y.w == 8 * 514 + 2 && y.h == 2 * 514 + 2);
    assert_int_equal(at(&y, 514 + 2, 514 + 2), 200);
    assert_int_equal(at(&y, 2 * 514 + 2, 514 + 2), 0); /* nobody's place */
    ss_image_free(&y);
    assert_int_equal(ss_image_grid(&y, &cx, x, 1), SS_OK);
    assert_true(y.w == 512 && y.h == 512 && at(&y, 0, 0) == 20);
    ss_image_free(&y);

    ss_image_free(&x[1]);
    x[1] = plain(512, 511, 0);
    assert_int_equal(ss_image_grid(&y, &cx, x, 2), SS_ERR_SHAPE);
    assert_sentence(&cx, "the first is 512 x 512, number 2 is 512 x 511");
    cx = context();
    assert_int_equal(ss_image_grid(&y, &cx, x, 0), SS_ERR_ARG);
    free_all(x, 10);
}

/* Dark pixels of a part of a sheet. */
static int ink_in(const ss_image *im, int x, int y, int w, int h) {
    int n = 0;
    for (int j = y; j < y + h; j++)
        for (int i = x; i < x + w; i++) n += at(im, i, j) < 100;
    return n;
}

static void lays_out_pictures_and_captions(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_image x[3] = {plain(300, 200, 200), plain(300, 200, 150), plain(100, 100, 120)}, y = {0}, z = {0};
    const char *const captions[3] = {"source", NULL, "a much longer caption that needs more than one line to be told"};
    assert_int_equal(ss_sheet_draw(&y, &cx, x, captions, 3), SS_OK);
    assert_int_equal(y.w, 24 + 300 + 16 + 300 + 16 + 300 + 24);
    assert_int_equal(y.h, 24 + 200 + 10 + 2 * SS_FONT_LINE + 24);
    assert_int_equal(at(&y, 24, 24), 200);
    assert_int_equal(at(&y, 323, 223), 200);
    assert_int_equal(at(&y, 324, 223), 250);
    assert_int_equal(at(&y, 340, 24), 150);
    assert_int_equal(at(&y, 656 + 100, 24 + 50), 120); /* a small one stands in the middle */
    assert_int_equal(at(&y, 656 + 99, 24 + 50), 250);
    assert_true(ink_in(&y, 24, 234, 300, SS_FONT_HEIGHT) > 50);
    assert_int_equal(ink_in(&y, 24, 234 + SS_FONT_LINE, 300, SS_FONT_LINE), 0);
    assert_int_equal(ink_in(&y, 340, 234, 300, 2 * SS_FONT_LINE), 0);
    assert_true(ink_in(&y, 656, 234 + SS_FONT_LINE, 300, SS_FONT_HEIGHT) > 50);
    assert_int_equal(crc32(0, y.rgb, (uInt)(3 * y.w * y.h)), 0xdf395937u); /* on every machine */

    assert_int_equal(ss_sheet_draw(&z, &cx, x, NULL, 3), SS_OK);
    assert_int_equal(z.h, 24 + 200 + 24);
    ss_image_free(&z);
    ss_image_free(&y);
    free_all(x, 3);
}

static void breaks_long_captions(void **state) {
    (void)state;
    static char words[2000], letters[2000], boxes[3001], blanks[100];
    for (int i = 0; i < 1999; i++) words[i] = i % 5 == 4 ? '\n' : 'w', letters[i] = 'i';
    for (int i = 0; i < 1000; i++) memcpy(boxes + 3 * i, "\xe7\x8c\xab", 3);
    memset(blanks, ' ', sizeof blanks - 1);
    const char *const captions[] = {words, letters, boxes, "\xff\xfe\x80 not UTF-8 \xe7\x8c", blanks};
    for (int i = 0; i < SS_COUNT_OF(captions); i++) {
        ss_ctx cx = context();
        ss_image x = plain(200, 50, 180), y = {0};
        assert_int_equal(ss_sheet_draw(&y, &cx, &x, &captions[i], 1), SS_OK);
        int lines = i < 3 ? 4 : i == 3 ? 1 : 0;
        assert_int_equal(y.h, 24 + 50 + (lines ? 10 + lines * SS_FONT_LINE : 0) + 24);
        for (int l = 0; l < lines; l++) {
            assert_true(ink_in(&y, 24, 84 + l * SS_FONT_LINE, 200, SS_FONT_HEIGHT) > 30);
            assert_int_equal(ink_in(&y, 0, 84 + l * SS_FONT_LINE, 24, SS_FONT_LINE), 0);
            assert_int_equal(ink_in(&y, 224, 84 + l * SS_FONT_LINE, 24, SS_FONT_LINE), 0);
        }
        ss_image_free(&x);
        ss_image_free(&y);
    }
}

static void makes_rows_and_keeps_to_a_size(void **state) {
    (void)state;
    static ss_image many[1025];
    ss_ctx cx = context();
    ss_image y = {0}, big = plain(6000, 3000, 90);
    for (int i = 0; i < 8; i++) many[i] = big;
    assert_int_equal(ss_sheet_draw(&y, &cx, many, NULL, 8), SS_OK);
    assert_true(y.w <= 16000 && y.h <= 16000 && (int64_t)y.w * y.h <= SS_IMAGE_PIXELS);
    assert_true(y.w > 6000);
    assert_in_range(y.w * 100 / y.h, 350, 420); /* four by two of two to one */
    ss_image_free(&y);
    ss_image_free(&big);

    ss_image small = plain(8, 8, 90);
    for (int i = 0; i < 1025; i++) many[i] = small;
    assert_int_equal(ss_sheet_draw(&y, &cx, many, NULL, 1024), SS_OK);
    assert_int_equal(y.w, 48 + 40 * 208 - 16);
    ss_image_free(&y);
    assert_int_equal(ss_sheet_draw(&y, &cx, many, NULL, 1025), SS_ERR_ARG);
    assert_sentence(&cx, "1 to 1024 pictures, not 1025");
    cx = context();
    assert_int_equal(ss_sheet_draw(&y, &cx, many, NULL, 0), SS_ERR_ARG);
    ss_image_free(&small);
}

/* Every letter has ink of its own and keeps to its height; what stands for none is a box. */
static void tells_letters_apart(void **state) {
    (void)state;
    enum { W = 12, H = 24, PIXELS = 3 * W * H };
    static uint8_t seen[96][PIXELS];
    static const uint8_t black[3] = {0};
    for (int c = ' '; c <= 127; c++) {
        ss_image im = plain(W, H, 255);
        char text[4] = {(char)c};
        if (c == 127) memcpy(text, "\xe7\x8c\xab", 4);
        int w = ss_font_width(text, strlen(text));
        assert_in_range(w, 2, 10);
        ss_font_draw(&im, 0, 2, text, strlen(text), black);
        assert_int_equal(ink_in(&im, w, 0, W - w, H), 0);
        assert_int_equal(ink_in(&im, 0, 0, W, 2), 0);
        assert_int_equal(ink_in(&im, 0, 2 + SS_FONT_HEIGHT, W, H - 2 - SS_FONT_HEIGHT), 0);
        memcpy(seen[c - ' '], im.rgb, PIXELS);
        for (int other = ' '; other < c; other++)
            if (!memcmp(seen[other - ' '], im.rgb, PIXELS)) fail_msg("\"%c\" looks like \"%c\"", c, other);
        ss_image_free(&im);
    }
    /* Marks are left out, both ways of writing them. */
    assert_int_equal(ss_font_width("\xc3\xa9", 2), ss_font_width("e", 1));
    assert_int_equal(ss_font_width("e\xcc\x81x", 4), ss_font_width("ex", 2));
    /* Cut off at the border. */
    ss_image im = plain(5, 5, 255);
    ss_font_draw(&im, -4, -4, "WWW", 3, black);
    assert_true(ink_in(&im, 0, 0, 5, 5) > 0);
    ss_image_free(&im);
}

static void writes_and_survives_lack_of_memory(void **state) {
    (void)state;
    ss_image x[2] = {plain(40, 30, 1), plain(30, 40, 2)};
    const char *const captions[2] = {"one", "two"};
    ss_status st = SS_ERR_NOMEM;
    int tries = 0;
    for (; st; tries++) {
        ss_ctx cx = context();
        ss_image y = {0};
        cx.fail_allocation = tries;
        st = ss_sheet_write(&cx, in_folder("sheet.png"), x, captions, 2);
        if (!st) st = ss_image_read(&y, &cx, in_folder("sheet.png"));
        if (st) assert_int_equal(st, SS_ERR_NOMEM);
        if (!st) assert_int_equal(y.w, 48 + 2 * 192 + 16);
        ss_image_free(&y);
        assert_true(tries < 100);
    }
    assert_true(tries > 5);
    ss_ctx cx = context();
    assert_int_equal(ss_sheet_write(&cx, in_folder("sheet.gif"), x, captions, 2), SS_ERR_ARG);
    free_all(x, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grids_like_torchvision), cmocka_unit_test(lays_out_pictures_and_captions),
        cmocka_unit_test(breaks_long_captions),   cmocka_unit_test(makes_rows_and_keeps_to_a_size),
        cmocka_unit_test(tells_letters_apart),    cmocka_unit_test(writes_and_survives_lack_of_memory),
    };
    return cmocka_run_group_tests_name("sheet", tests, make_folder, remove_folder);
}
