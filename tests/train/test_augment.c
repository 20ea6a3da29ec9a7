/* Scale, place, prefix and mask of training pictures. That draws and pixels equal the published programs' is the golden
 * runner's business; here are the rules, and what those programs leave undefined.
 */
#include "train/augment.h"

#include "train/photos.h"

#include <math.h>

/* ---- lots that the test decides */

typedef struct script {
    double uniform;
    const int64_t *integers;
    int next;
    int choice;
} script;

static double scripted_uniform(void *user) { return ((script *)user)->uniform; }

static int64_t scripted_integer(void *user, int64_t from, int64_t to) {
    script *s = user;
    int64_t v = s->integers[s->next++];
    assert_in_range(v - from, 0, to - from - 1);
    return v;
}

static int scripted_choice(void *user, const char *const *of, int count) {
    (void)of;
    assert_int_equal(count, 2);
    return ((script *)user)->choice;
}

static ss_placement placed(const ss_augment *a, script *s) {
    ss_dice dice = {scripted_uniform, scripted_integer, scripted_choice, s};
    return ss_place_photo(a, &dice);
}

static void places_by_scale(void **state) {
    (void)state;
    ss_augment a = {.size = 512, .flip = 0.5};
    script s = {.uniform = 0.49, .integers = (int64_t[]){0, 201, 150, 400}};
    ss_placement p = placed(&a, &s);
    assert_true(p.flip);
    assert_int_equal(p.scale, 202); /* made even */
    assert_int_equal(p.prefix, SS_FAR_AWAY);
    assert_true(p.row == 150 && p.column == 400);

    s = (script){.uniform = 0.5, .integers = (int64_t[]){2, 700, 256, 444}, .choice = 1};
    p = placed(&a, &s);
    assert_false(p.flip);
    assert_int_equal(p.prefix, SS_CLOSE_UP);
    assert_true(p.scale == 700 && p.row == 256 && p.column == 444);

    s = (script){.integers = (int64_t[]){1, 308}};
    p = placed(&a, &s);
    assert_true(p.scale == 512 && p.prefix == SS_PREFIX_NONE);
    assert_int_equal(s.next, 2); /* nothing else is drawn */

    a.still = true;
    s = (script){.uniform = 0.1};
    p = placed(&a, &s);
    assert_true(p.flip && p.scale == 512 && s.next == 0);
}

/* About 27 of 100 are small, 33 large. */
static void draws_in_proportion(void **state) {
    (void)state;
    ss_rng r;
    ss_rng_seed(&r, 1);
    ss_dice dice = ss_dice_rng(&r);
    ss_augment a = {.size = 512, .flip = 0.25};
    int count[SS_PREFIXES] = {0}, flipped = 0, n = 20000;
    for (int i = 0; i < n; i++) {
        ss_placement p = ss_place_photo(&a, &dice);
        count[p.prefix]++;
        flipped += p.flip;
    }
    double small = (count[SS_FAR_AWAY] + count[SS_VERY_SMALL]) / (double)n,
           large = (count[SS_ZOOMED_IN] + count[SS_CLOSE_UP]) / (double)n;
    assert_true(fabs(small - 2.0 / 3 * 138 / 343) < 0.015);
    assert_true(fabs(large - 1.0 / 3) < 0.015);
    assert_true(fabs(count[SS_FAR_AWAY] / (double)n - small / 2) < 0.015);
    assert_true(fabs(flipped / (double)n - 0.25) < 0.015);
}

static void crops_pictures_of_the_class(void **state) {
    (void)state;
    ss_augment a = {.recipe = SS_RECIPE_DIFFUSERS, .size = 64, .flip = 0.5};
    script s = {.uniform = 0.9, .integers = (int64_t[]){0, 16}};
    ss_dice dice = {scripted_uniform, scripted_integer, scripted_choice, &s};
    ss_placement p = ss_place_class(&a, &dice, 100, 80); /* becomes 80 x 64 */
    assert_true(p.row == 0 && p.column == 16 && s.next == 2);
    s.next = 0;
    p = ss_place_class(&a, &dice, 50, 50);
    assert_true(p.row == 0 && p.column == 0 && s.next == 0);
    a.centre_class = true;
    p = ss_place_class(&a, &dice, 69, 64);
    assert_int_equal(p.column, 2); /* 2.5 goes to the even number */
    a.recipe = SS_RECIPE_OWN;
    p = ss_place_class(&a, &dice, 100, 80);
    assert_true(p.column == 0 && s.next == 0);
}

/* ---- pictures and masks */

enum { S = 128, CELLS = S / 8 };

static int counted(const float *mask) {
    int n = 0;
    for (int i = 0; i < CELLS * CELLS; i++) n += mask[i] > 0;
    return n;
}

static void masks_small_photos_by_a_margin(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_augment a = {.size = S};
    ss_image im = made_picture(200, 160, 3);
    float x[3 * S * S], mask[CELLS * CELLS];
    ss_placement p = {.scale = 60, .row = 40, .column = 90};
    assert_int_equal(ss_render_photo(x, mask, &cx, &a, &p, &im, NULL), SS_OK);
    /* Rows 10..69 hold the photo: cells 1..8 touch it, 2..6 count. Columns 60..119: 8..13. */
    for (int y = 0; y < CELLS; y++)
        for (int i = 0; i < CELLS; i++)
            assert_true((mask[y * CELLS + i] == 1) == (y >= 2 && y < 7 && i >= 8 && i < 14));
    /* Grey around it. */
    for (int c = 0; c < 3; c++) {
        assert_true(x[3 * (9 * S + 90) + c] == 0 && x[3 * (70 * S + 90) + c] == 0);
        assert_true(x[3 * (40 * S + 59) + c] == 0 && x[3 * (40 * S + 120) + c] == 0);
    }
    float most = 0;
    for (int i = 0; i < 3 * S * S; i++) most = fmaxf(most, fabsf(x[i]));
    assert_true(most > 0.5f && most <= 1);

    /* Where nothing would be left, one cell stays: also for a photo in the last corner. */
    p = (ss_placement){.scale = 14, .row = 121, .column = 121};
    assert_int_equal(ss_render_photo(x, mask, &cx, &a, &p, &im, NULL), SS_OK);
    assert_int_equal(counted(mask), 1);
    assert_true(mask[15 * CELLS + 15] == 1);

    p = (ss_placement){.scale = 170, .row = 64, .column = 106};
    assert_int_equal(ss_render_photo(x, mask, &cx, &a, &p, &im, NULL), SS_OK);
    assert_int_equal(counted(mask), CELLS * CELLS);
    ss_image_free(&im);
}

/* A white left third of a photo of 120 x 120. */
static ss_image left_third(void) {
    ss_ctx cx = context();
    ss_image m = {0};
    assert_int_equal(ss_image_new(&m, &cx, 60, 60), SS_OK); /* a mask need not have the photo's size */
    for (int i = 0; i < 60 * 60; i++) memset(m.rgb + 3 * i, i % 60 < 20 ? 255 : 0, 3);
    return m;
}

static void counts_only_the_subject(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_augment a = {.size = S};
    ss_image im = made_picture(120, 120, 3), subject = left_third();
    float x[3 * S * S], mask[CELLS * CELLS];
    ss_placement p = {.scale = S};
    assert_int_equal(ss_render_photo(x, mask, &cx, &a, &p, &im, &subject), SS_OK);
    /* A third of 128 is 42.7: five cells and a third of one. */
    assert_true(mask[0] == 1 && mask[4] > 0.99f && mask[7] < 0.01f && fabsf(mask[5] - 0.33f) < 0.1f);
    p.flip = true;
    assert_int_equal(ss_render_photo(x, mask, &cx, &a, &p, &im, &subject), SS_OK);
    assert_true(mask[15] == 1 && mask[0] == 0);

    /* A small photo: what the margin leaves of the subject. */
    p = (ss_placement){.scale = 72, .row = 64, .column = 64};
    assert_int_equal(ss_render_photo(x, mask, &cx, &a, &p, &im, &subject), SS_OK);
    assert_true(mask[8 * CELLS + 4] > 0.9f && mask[8 * CELLS + 3] == 0 && mask[8 * CELLS + 8] < 0.01f);

    /* A crop without the subject counts everywhere. */
    p = (ss_placement){.scale = 240, .row = 120, .column = 176};
    assert_int_equal(ss_render_photo(x, mask, &cx, &a, &p, &im, &subject), SS_OK);
    assert_int_equal(counted(mask), CELLS * CELLS);
    ss_image_free(&im);
    ss_image_free(&subject);
}

/* CompVis and we cut the middle out, diffusers squashes. */
static void shapes_by_recipe(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_image im = {0};
    assert_int_equal(ss_image_new(&im, &cx, 256, 128), SS_OK);
    for (int i = 0; i < 256 * 128; i++) memset(im.rgb + 3 * i, i % 256 < 64 || i % 256 >= 192 ? 0 : 255, 3);
    float x[3 * S * S], mask[CELLS * CELLS];
    ss_augment a = {.size = S};
    ss_placement p = {.scale = S};
    assert_int_equal(ss_render_photo(x, mask, &cx, &a, &p, &im, NULL), SS_OK);
    assert_true(x[0] == 1 && x[3 * (S - 1)] == 1);
    a.recipe = SS_RECIPE_DIFFUSERS;
    assert_int_equal(ss_render_photo(x, mask, &cx, &a, &p, &im, NULL), SS_OK);
    assert_true(x[0] == -1 && x[3 * (S / 2)] == 1);
    p.column = 128;
    assert_int_equal(ss_render_class(x, mask, &cx, &a, &p, &im), SS_OK);
    assert_true(x[0] == 1 && x[3 * (S - 1)] == -1);
    assert_int_equal(counted(mask), CELLS * CELLS);
    ss_image_free(&im);
}

static void finds_recipes(void **state) {
    (void)state;
    ss_ctx cx = context();
    ss_recipe r;
    assert_int_equal(ss_recipe_find(&r, &cx, NULL), SS_OK);
    assert_int_equal(r, SS_RECIPE_OWN);
    assert_int_equal(ss_recipe_find(&r, &cx, "diffusers"), SS_OK);
    assert_string_equal(ss_recipe_name(r), "diffusers");
    assert_int_equal(ss_recipe_find(&r, &cx, "difusers"), SS_ERR_ARG);
    assert_sentence(&cx, "did you mean \"diffusers\"?");
    cx = context();
    assert_int_equal(ss_recipe_find(&r, &cx, "x"), SS_ERR_ARG);
    assert_sentence(&cx, "selfsame, compvis and diffusers");
}

static void survives_allocation_failures(void **state) {
    (void)state;
    ss_augment a = {.size = S};
    ss_image im = made_picture(120, 90, 3), subject = left_third();
    float x[3 * S * S], mask[CELLS * CELLS];
    ss_placement p = {.scale = 60, .row = 40, .column = 90};
    ss_status st;
    int n = 0;
    do {
        ss_ctx cx = context();
        cx.fail_allocation = n++;
        st = ss_render_photo(x, mask, &cx, &a, &p, &im, &subject);
        if (st) assert_int_equal(st, SS_ERR_NOMEM);
    } while (st);
    assert_true(n > 10);
    ss_image_free(&im);
    ss_image_free(&subject);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_by_scale),
        cmocka_unit_test(draws_in_proportion),
        cmocka_unit_test(crops_pictures_of_the_class),
        cmocka_unit_test(masks_small_photos_by_a_margin),
        cmocka_unit_test(counts_only_the_subject),
        cmocka_unit_test(shapes_by_recipe),
        cmocka_unit_test(finds_recipes),
        cmocka_unit_test(survives_allocation_failures),
    };
    return cmocka_run_group_tests_name("augment", tests, NULL, NULL);
}
