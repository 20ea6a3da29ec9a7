/* Photos read, named, counted; captions and masks found; the same rows for the same step, whatever came before. */
#include "train/dataset.h"

#include "train/photos.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static void make(const char *path) { assert_int_equal(mkdir(path, 0777), 0); }

/* DIR/NAME with `n` photos a.png, b.png, ... of 90 x 70 pixels, or of the seeds after `seed`. */
static void photos(const char *dir, const char *name, int n, uint64_t seed) {
    make(made_path(dir, "%s", name));
    for (int i = 0; i < n; i++) made_photo(made_path(dir, "%s/%c.png", name, 'a' + i), 90, 70, seed + (uint64_t)i);
}

static ss_dataset_options options(const ss_concept *c) {
    return (ss_dataset_options){.concepts = c, .concept_count = 1, .augment = {.size = 64, .flip = 0.5}, .seed = 7};
}

static ss_dataset *opened(ss_ctx *cx, const ss_dataset_options *o) {
    ss_dataset *d = NULL;
    if (ss_dataset_open(&d, cx, o)) fail_msg("%s", cx->error);
    return d;
}

static void refused(const ss_dataset_options *o, ss_status st, const char *part) {
    ss_ctx cx = listening();
    ss_dataset *d = NULL;
    assert_int_equal(ss_dataset_open(&d, &cx, o), st);
    assert_null(d);
    assert_sentence(&cx, part);
}

/* ---- reading */

static void names_and_counts_what_it_leaves_out(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 4, 10);
    made_text(made_path(dir, "p/broken.jpg"), "\xff\xd8\xff no picture");
    made_text(made_path(dir, "p/notes.md"), "about them");
    made_text(made_path(dir, "p/.hidden.png"), "nothing");
    make(made_path(dir, "p/inside.png"));
    write_picture(made_path(dir, "p/twice.webp"), made_picture(90, 70, 99));
    write_picture(made_path(dir, "p/z-long.png"), made_picture(9, 300, 5));
    size_t n;
    void *bytes = slurp(made_path(dir, "p/a.png"), &n);
    spill(made_path(dir, "p/f.png"), bytes, n);
    free(bytes);

    ss_ctx cx = listening();
    char *p = strdup(made_path(dir, "p"));
    ss_concept c = {.photos = p, .prompt = "photo of a <new1> dog"};
    ss_dataset_options o = options(&c);
    ss_dataset *d = opened(&cx, &o);
    ss_dataset_count count = ss_dataset_counts(d);
    assert_true(count.photos == 5 && count.broken == 2 && count.twice == 1 && count.class_pictures == 0);
    assert_warned("left out: ");
    assert_warned("broken.jpg");
    assert_warned("f.png is the same picture as");
    assert_warned("z-long.png is 9 x 300 pixels, which is more than 32 to 1");
    assert_string_equal(ss_dataset_path(d, 0), made_path(dir, "p/a.png"));
    assert_string_equal(ss_dataset_path(d, 4), made_path(dir, "p/twice.webp"));
    assert_int_equal(ss_dataset_captions(d), 5);
    assert_string_equal(ss_dataset_caption(d, 2), "very small photo of a <new1> dog");
    ss_dataset_close(d);
    free(p);
    made_dir_free(dir);
}

static void refuses_what_teaches_nothing(void **state) {
    (void)state;
    char *dir = made_dir();
    make(made_path(dir, "empty"));
    make(made_path(dir, "broken"));
    made_text(made_path(dir, "broken/a.png"), "no picture");
    photos(dir, "p", 1, 1);
    made_text(made_path(dir, "two.txt"), "one\ntwo\n");
    char *path[4] = {strdup(made_path(dir, "empty")), strdup(made_path(dir, "broken")), strdup(made_path(dir, "p")),
                     strdup(made_path(dir, "two.txt"))};

    ss_concept c = {.photos = path[0], .prompt = "x"};
    ss_dataset_options o = options(&c);
    refused(&o, SS_ERR_FILE, "holds no pictures");
    c.photos = path[1];
    refused(&o, SS_ERR_FILE, "none of its pictures can be used");
    c.photos = "/nowhere/at all";
    refused(&o, SS_ERR_FILE, "there is no folder, picture or list of pictures called /nowhere/at all");
    c.photos = path[3];
    refused(&o, SS_ERR_FILE, "two.txt, line 1: there is no file one");
    c.photos = path[2];
    c.prompt = path[3];
    refused(&o, SS_ERR_SHAPE, "two.txt has 2 captions");
    c.prompt = NULL;
    refused(&o, SS_ERR_ARG, "concept 1 has no prompt");
    c.prompt = "x";
    c.class_photos = path[2];
    refused(&o, SS_ERR_ARG, "need a class prompt");
    c.class_prompt = "dog";
    refused(&o, SS_ERR_FILE, "none of its pictures can be used"); /* all of them are photos of the subject */
    c.class_photos = NULL;
    const char *template = "no gap";
    c.templates = &template;
    c.template_count = 1;
    refused(&o, SS_ERR_ARG, "\"no gap\" has no {}");
    c.template_count = 0;
    o.augment.size = 100;
    refused(&o, SS_ERR_ARG, "100 pixels a side");
    o.concept_count = 0;
    refused(&o, SS_ERR_ARG, "nothing to learn");
    for (int i = 0; i < 4; i++) free(path[i]);
    made_dir_free(dir);
}

static void warns_of_poor_photos(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "one", 1, 1);
    char *one = strdup(made_path(dir, "one")), *photo = strdup(made_path(dir, "one/a.png"));
    ss_concept c = {.photos = one, .prompt = "x"};
    ss_dataset_options o = options(&c);
    ss_ctx cx = listening();
    ss_dataset_close(opened(&cx, &o));
    assert_warned("is one photo");
    assert_null(strstr(warnings, "blur"));

    /* The same scene saved smaller is no duplicate, but nearly. */
    ss_image im = {0}, small = {0};
    assert_int_equal(ss_image_read(&im, &cx, photo), SS_OK);
    assert_int_equal(ss_image_resize(&small, &cx, &im, 45, 35, SS_BICUBIC), SS_OK);
    write_picture(made_path(dir, "one/b.jpg"), small);
    ss_image_free(&im);
    o.augment.size = 128;
    cx = listening();
    ss_dataset *d = opened(&cx, &o);
    assert_int_equal(ss_dataset_counts(d).photos, 2);
    assert_warned("one/a.png and ");
    assert_warned("show nearly the same");
    assert_warned("one/b.jpg is 45 x 35 pixels, less than half of what is drawn (128)");
    ss_dataset_close(d);

    /* One picture by its own path. */
    c.photos = photo;
    d = opened(&cx, &o);
    assert_int_equal(ss_dataset_counts(d).photos, 1);
    ss_dataset_close(d);
    free(one);
    free(photo);
    made_dir_free(dir);
}

/* images.txt and caption.txt as the retrieval script leaves them: paths from where it ran, captions in their order. */
static void reads_the_lists_of_the_originals(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 2, 1);
    make(made_path(dir, "real_reg"));
    photos(dir, "real_reg/wooden_chair", 4, 50);
    made_text(made_path(dir, "real_reg/wooden_chair/b.png"), "broken");
    made_text(made_path(dir, "real_reg/images.txt"),
              "real_reg/samples/real_reg/wooden_chair/a.png\r\nwooden_chair/b.png\nreal_reg/wooden_chair/c.png\n"
              "wooden_chair/d.png\n\n\n");
    made_text(made_path(dir, "real_reg/caption.txt"), "\xef\xbb\xbfone\ntwo\nthree\nfour\n");
    char *p = strdup(made_path(dir, "p")), *reg = strdup(made_path(dir, "real_reg"));

    ss_ctx cx = listening();
    ss_concept c = {.photos = p, .prompt = "x", .class_photos = reg};
    ss_dataset_options o = options(&c);
    o.augment.still = true;
    ss_dataset *d = opened(&cx, &o);
    assert_int_equal(ss_dataset_counts(d).class_pictures, 3);
    assert_int_equal(ss_dataset_captions(d), 4);
    assert_string_equal(ss_dataset_path(d, 3), made_path(dir, "real_reg/wooden_chair/c.png"));
    static const char *const want[] = {"one", "three", "four"}; /* the second one's picture is broken */
    ss_row rows[2];
    for (int i = 0; i < 12; i++) {
        ss_dataset_draw(rows, d, i);
        assert_true(!rows[0].prior && rows[1].prior && rows[1].picture >= 2);
        assert_string_equal(ss_dataset_caption(d, rows[0].caption), "x");
        assert_string_equal(ss_dataset_caption(d, rows[1].caption), want[rows[1].picture - 2]);
    }
    ss_dataset_close(d);

    o.class_most = 3;
    d = opened(&cx, &o);
    assert_int_equal(ss_dataset_counts(d).class_pictures, 2);
    ss_dataset_close(d);

    made_text(made_path(dir, "real_reg/caption.txt"), "one\ntwo\nthree\n");
    refused(&o, SS_ERR_SHAPE, "caption.txt has 3 captions, ");
    made_text(made_path(dir, "real_reg/images.txt"), "wooden_chair/a.png\n\nwooden_chair/c.png\n");
    refused(&o, SS_ERR_FORMAT, "images.txt, line 2 is empty");
    spill(made_path(dir, "real_reg/images.txt"), "a\0b", 3);
    refused(&o, SS_ERR_FORMAT, "not a text");
    free(p);
    free(reg);
    made_dir_free(dir);
}

/* ---- masks */

static void takes_masks_from_files(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 2, 1);
    make(made_path(dir, "m"));
    ss_ctx cx = listening();
    ss_image m = {0};
    assert_int_equal(ss_image_new(&m, &cx, 180, 140), SS_OK); /* twice the photo's size */
    for (int y = 0; y < 140; y++)
        for (int x = 80; x < 100; x++) memset(m.rgb + 3 * (y * 180 + x), 255, 3);
    assert_int_equal(ss_image_write(&cx, made_path(dir, "m/a.jpg"), &m, NULL), SS_OK);
    char *p = strdup(made_path(dir, "p")), *masks = strdup(made_path(dir, "m"));
    ss_concept c = {.photos = p, .masks = masks, .prompt = "x"};
    ss_dataset_options o = options(&c);
    o.augment.still = true;
    refused(&o, SS_ERR_FILE, "has no mask for");

    assert_int_equal(ss_image_write(&cx, made_path(dir, "m/b.png"), &m, NULL), SS_OK);
    ss_dataset *d = opened(&cx, &o);
    ss_row row;
    float x[3 * 64 * 64], mask[64];
    ss_dataset_draw(&row, d, 0);
    assert_int_equal(ss_dataset_render(x, mask, d, &cx, &row), SS_OK);
    /* 10 of the middle 70 columns: about 9 of 64 pixels, in the two cells beside the middle. */
    assert_true(mask[3] > 0.4f && mask[4] > 0.4f && mask[2] < 0.1f && mask[5] < 0.1f);
    ss_dataset_close(d);

    ss_image black = {0}, odd = {0};
    assert_int_equal(ss_image_new(&black, &cx, 90, 70), SS_OK);
    assert_int_equal(ss_image_write(&cx, made_path(dir, "m/b.png"), &black, NULL), SS_OK);
    refused(&o, SS_ERR_ARG, "shows nothing of");
    assert_int_equal(ss_image_new(&odd, &cx, 70, 90), SS_OK);
    assert_int_equal(ss_image_write(&cx, made_path(dir, "m/b.png"), &odd, NULL), SS_OK);
    refused(&o, SS_ERR_SHAPE, "b.png is 70 x 90, its photo");
    ss_image_free(&m);
    ss_image_free(&black);
    ss_image_free(&odd);
    free(p);
    free(masks);
    made_dir_free(dir);
}

static ss_status upper_half(void *user, ss_ctx *cx, int concept, const ss_image *photo, float *mask) {
    int *calls = user;
    if (++*calls == 3) return ss_fail(cx, SS_ERR_DEVICE, "no mask today");
    assert_int_equal(concept, 0);
    for (int i = 0; i < photo->w * photo->h; i++) mask[i] = i < photo->w * photo->h / 2;
    return SS_OK;
}

static void asks_for_masks(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 2, 1);
    char *p = strdup(made_path(dir, "p"));
    int calls = 0;
    ss_ctx cx = listening();
    ss_concept c = {.photos = p, .prompt = "x"};
    ss_dataset_options o = options(&c);
    o.augment.still = true;
    o.mask = upper_half;
    o.mask_user = &calls;
    ss_dataset *d = opened(&cx, &o);
    ss_row row;
    float x[3 * 64 * 64], mask[64];
    ss_dataset_draw(&row, d, 0);
    assert_int_equal(ss_dataset_render(x, mask, d, &cx, &row), SS_OK);
    assert_true(mask[0] == 1 && mask[63] == 0);
    assert_int_equal(calls, 2);
    ss_dataset_close(d);
    refused(&o, SS_ERR_DEVICE, "no mask today");
    free(p);
    made_dir_free(dir);
}

/* ---- rows */

static void draws_the_same_rows_for_a_step(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 3, 1);
    photos(dir, "r", 5, 50);
    char *p = strdup(made_path(dir, "p")), *r = strdup(made_path(dir, "r"));
    for (ss_recipe recipe = SS_RECIPE_OWN; recipe <= SS_RECIPE_DIFFUSERS; recipe++) {
        ss_ctx cx = listening();
        ss_concept c = {.photos = p, .prompt = "x", .class_photos = r, .class_prompt = "y"};
        ss_dataset_options o = options(&c);
        o.augment.recipe = recipe;
        o.batch = 2;
        ss_dataset *d = opened(&cx, &o), *again = opened(&cx, &o);
        int n = ss_dataset_rows(d), same = 0, prior = 0;
        assert_int_equal(n, recipe == SS_RECIPE_COMPVIS ? 2 : 4);
        ss_row all[60][4], one[4];
        memset(all, 0, sizeof all);
        memset(one, 0, sizeof one);
        for (int i = 0; i < 60; i++) ss_dataset_draw(all[i], d, i);
        static const int jumps[] = {59, 0, 17, 16, 31, 5};
        for (int i = 0; i < SS_COUNT_OF(jumps); i++) {
            ss_dataset_draw(one, again, jumps[i]);
            for (int k = 0; k < n; k++) {
                assert_true(ss_row_same(&one[k], &all[jumps[i]][k]));
                assert_int_equal(one[k].caption, all[jumps[i]][k].caption);
            }
        }
        int seen[8] = {0};
        for (int i = 0; i < 60; i++)
            for (int k = 0; k < n; k++) {
                seen[all[i][k].picture]++;
                prior += all[i][k].prior;
                same += i && ss_row_same(&all[i][k], &all[i - 1][k]);
            }
        assert_true(same < 60 * n / 4); /* few pictures: some come twice running */
        /* Of five class pictures and three photos the published order pairs the last photo once where the others come
         * twice; ours shows all of a kind equally often. */
        for (int i = 0; i < 8; i++) {
            int equally = i < 3 ? 40 : 24;
            assert_true(recipe == SS_RECIPE_OWN ? seen[i] == equally : seen[i] >= 12);
        }
        /* Pairs, or half and half: of ten items CompVis counts six as class pictures. */
        assert_int_equal(prior, recipe == SS_RECIPE_COMPVIS ? 72 : 120);
        o.seed = 8;
        ss_dataset_close(again);
        again = opened(&cx, &o);
        int other = 0;
        for (int i = 0; i < 60; i++) {
            ss_dataset_draw(one, again, i);
            other += !ss_row_same(&one[0], &all[i][0]);
        }
        assert_true(other > 40);
        ss_dataset_close(d);
        ss_dataset_close(again);
    }
    free(p);
    free(r);
    made_dir_free(dir);
}

static void takes_turns_between_concepts(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 3, 1);
    photos(dir, "q", 1, 20);
    photos(dir, "r", 2, 50);
    photos(dir, "s", 2, 60);
    char *path[4];
    for (int i = 0; i < 4; i++) path[i] = strdup(made_path(dir, "%c", 'p' + i));
    ss_ctx cx = listening();
    ss_concept c[2] = {{.photos = path[0], .prompt = "a", .class_photos = path[2], .class_prompt = "b"},
                       {.photos = path[1], .prompt = "c", .class_photos = path[3], .class_prompt = "d"}};
    ss_dataset_options o = options(c);
    o.concept_count = 2;
    ss_dataset *d = opened(&cx, &o);
    ss_row rows[4];
    for (int i = 0; i < 10; i++) {
        ss_dataset_draw(rows, d, i);
        assert_true(rows[0].concept == i % 2 && rows[1].concept == i % 2 && rows[1].prior);
    }
    ss_dataset_close(d);

    o.augment.recipe = SS_RECIPE_COMPVIS;
    o.batch = 2;
    d = opened(&cx, &o);
    assert_int_equal(ss_dataset_rows(d), 4);
    ss_dataset_draw(rows, d, 0);
    for (int i = 0; i < 4; i++) assert_true(rows[i].group == i / 2 && rows[i].concept == i / 2);
    ss_dataset_close(d);

    c[1].class_photos = NULL;
    refused(&o, SS_ERR_ARG, "concept 2 has no pictures of its class, concept 1 has some");
    for (int i = 0; i < 4; i++) free(path[i]);
    made_dir_free(dir);
}

static void fills_templates(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 2, 1);
    photos(dir, "r", 2, 50);
    char *p = strdup(made_path(dir, "p")), *r = strdup(made_path(dir, "r"));
    static const char *const templates[] = {"photo of a {}", "a {} on a table"};
    ss_ctx cx = listening();
    ss_concept c = {.photos = p,
                    .prompt = "<new1> mug",
                    .class_photos = r,
                    .class_prompt = "mug",
                    .templates = templates,
                    .template_count = 2};
    ss_dataset_options o = options(&c);
    ss_dataset *d = opened(&cx, &o);
    bool seen[4] = {false};
    for (int i = 0; i < 60; i++) {
        ss_row rows[2];
        ss_dataset_draw(rows, d, i);
        const char *text = ss_dataset_caption(d, rows[0].caption) + strlen(ss_prefix_text(rows[0].at.prefix));
        assert_memory_equal(ss_dataset_caption(d, rows[0].caption), ss_prefix_text(rows[0].at.prefix),
                            strlen(ss_prefix_text(rows[0].at.prefix)));
        const char *other = ss_dataset_caption(d, rows[1].caption);
        seen[0] |= !strcmp(text, "photo of a <new1> mug");
        seen[1] |= !strcmp(text, "a <new1> mug on a table");
        seen[2] |= !strcmp(other, "photo of a mug");
        seen[3] |= !strcmp(other, "a mug on a table");
    }
    for (int i = 0; i < 4; i++) assert_true(seen[i]);
    ss_dataset_close(d);
    free(p);
    free(r);
    made_dir_free(dir);
}

/* ---- copies and changes */

static void recognises_copies(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 3, 1);
    char *p = strdup(made_path(dir, "p"));
    ss_ctx cx = listening();
    ss_concept c = {.photos = p, .prompt = "x"};
    ss_dataset_options o = options(&c);
    ss_dataset *d = opened(&cx, &o);
    bool copy = false;
    double likeness;
    int picture;
    float x[3 * 64 * 64], mask[64];
    ss_row row = {.picture = 1, .at = {.scale = 64, .flip = true}};
    ss_image sample = {0};
    assert_int_equal(ss_dataset_render(x, mask, d, &cx, &row), SS_OK);
    assert_int_equal(ss_image_new(&sample, &cx, 64, 64), SS_OK);
    for (int i = 0; i < 3 * 64 * 64; i++) sample.rgb[i] = (uint8_t)lrintf((x[i] * 0.8f + 1) * 127.5f);
    assert_int_equal(ss_dataset_copied(&copy, &likeness, &picture, d, &cx, 0, &sample), SS_OK);
    assert_true(copy && likeness > 0.97 && picture == 1);
    ss_image_free(&sample);
    sample = made_picture(64, 64, 77);
    assert_int_equal(ss_dataset_copied(&copy, &likeness, &picture, d, &cx, 0, &sample), SS_OK);
    assert_true(!copy && likeness < 0.6);
    memset(sample.rgb, 9, 3 * 64 * 64);
    assert_int_equal(ss_dataset_copied(&copy, &likeness, &picture, d, &cx, 0, &sample), SS_OK);
    assert_true(!copy && likeness == 0);
    ss_image_free(&sample);
    ss_dataset_close(d);
    free(p);
    made_dir_free(dir);
}

static char *changed(const ss_dataset_options *o, const json_t *before) {
    ss_ctx cx = listening();
    ss_dataset *d = opened(&cx, o);
    char *sentence = NULL;
    assert_int_equal(ss_dataset_changed(&sentence, d, &cx, before), SS_OK);
    ss_dataset_close(d);
    return sentence;
}

static void assert_changed(const ss_dataset_options *o, const json_t *before, const char *part) {
    char *sentence = changed(o, before);
    if (!sentence || !strstr(sentence, part)) fail_msg("\"%s\" does not say \"%s\"", sentence ? sentence : "", part);
    free(sentence);
}

static void says_what_has_changed(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 3, 1);
    photos(dir, "r", 2, 50);
    char *p = strdup(made_path(dir, "p")), *r = strdup(made_path(dir, "r"));
    ss_ctx cx = listening();
    ss_concept c = {.photos = p, .prompt = "x", .class_photos = r, .class_prompt = "y"};
    ss_dataset_options o = options(&c);
    ss_dataset *d = opened(&cx, &o);
    json_t *before = NULL;
    assert_int_equal(ss_dataset_describe(&before, d, &cx), SS_OK);
    ss_dataset_close(d);
    assert_null(changed(&o, before));

    o.augment.size = 128;
    assert_changed(&o, before, "size is another");
    o.augment.size = 64;
    c.prompt = "z";
    assert_changed(&o, before, "p/a.png has another caption");
    c.prompt = "x";
    made_photo(made_path(dir, "p/b.png"), 90, 70, 33);
    assert_changed(&o, before, "p/b.png shows other pixels");
    made_photo(made_path(dir, "p/d.png"), 90, 70, 34);
    made_remove(made_path(dir, "r/a.png"));
    assert_changed(&o, before, "p/b.png shows other pixels, ");
    assert_changed(&o, before, "p/d.png is new, ");
    assert_changed(&o, before, "r/a.png is gone");
    made_photo(made_path(dir, "p/b.png"), 90, 70, 2);
    made_photo(made_path(dir, "r/a.png"), 90, 70, 50);
    made_remove(made_path(dir, "p/d.png"));
    assert_null(changed(&o, before));
    assert_int_equal(rename(made_path(dir, "p/a.png"), made_path(dir, "p/x.png")), 0);
    assert_changed(&o, before, "stands in another place of the order");
    for (int i = 0; i < 9; i++) made_photo(made_path(dir, "p/n%d.png", i), 90, 70, 300 + (uint64_t)i);
    assert_changed(&o, before, " and ");
    json_decref(before);
    free(p);
    free(r);
    made_dir_free(dir);
}

static void survives_allocation_failures(void **state) {
    (void)state;
    char *dir = made_dir();
    photos(dir, "p", 2, 1);
    photos(dir, "r", 1, 50);
    char *p = strdup(made_path(dir, "p")), *r = strdup(made_path(dir, "r"));
    ss_concept c = {.photos = p, .masks = p, .prompt = "x", .class_photos = r, .class_prompt = "y"};
    ss_dataset_options o = options(&c);
    ss_status st;
    int n = 0;
    do {
        ss_ctx cx = listening();
        ss_dataset *d = NULL;
        json_t *about = NULL;
        char *sentence = NULL;
        cx.fail_allocation = n++;
        st = ss_dataset_open(&d, &cx, &o);
        if (!st) st = ss_dataset_describe(&about, d, &cx);
        if (!st) json_object_set_new(about, "size", json_integer(1));
        if (!st) st = ss_dataset_changed(&sentence, d, &cx, about);
        if (st) assert_int_equal(st, SS_ERR_NOMEM);
        free(sentence);
        json_decref(about);
        ss_dataset_close(d);
    } while (st && n < 1000);
    assert_true(n > 50 && n < 1000);
    free(p);
    free(r);
    made_dir_free(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_counts_what_it_leaves_out),
        cmocka_unit_test(refuses_what_teaches_nothing),
        cmocka_unit_test(warns_of_poor_photos),
        cmocka_unit_test(reads_the_lists_of_the_originals),
        cmocka_unit_test(takes_masks_from_files),
        cmocka_unit_test(asks_for_masks),
        cmocka_unit_test(draws_the_same_rows_for_a_step),
        cmocka_unit_test(takes_turns_between_concepts),
        cmocka_unit_test(fills_templates),
        cmocka_unit_test(recognises_copies),
        cmocka_unit_test(says_what_has_changed),
        cmocka_unit_test(survives_allocation_failures),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
