/* ss_edit on the tiny model: what is kept, reused and repeated comes out the same, a stop keeps what is finished, and
 * requests that make no sense say why.
 */
#include "api/request.h"
#include "io/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <glob.h>

#include "support/golden.h"
#include "support/made.h"

#define TINY GOLDEN_DIR "/tiny-sd15"

static ss_ctx *cx;
static ss_model *model;
static ss_image photo;
static char *dir;

static int enter(void **state) {
    (void)state;
    dir = made_dir();
    return ss_ctx_new(&cx, &(ss_ctx_options){.threads = 2, .numbers = "float32"}) ||
           ss_model_open(&model, cx, TINY, NULL) || ss_image_read(&photo, cx, TINY "/act/picture-96x64.png");
}

static int leave(void **state) {
    (void)state;
    ss_image_free(&photo);
    ss_model_free(model);
    ss_ctx_free(cx);
    made_dir_free(dir);
    return 0;
}

static const char *const prompts[] = {"a red cat on a wall", "a dog in the snow", "a blue cat"};

/* Five steps, the last four of them controlled in the layers of the decoder. */
static ss_edit_request small(int count) {
    return (ss_edit_request){.photo = &photo,
                             .width = 64,
                             .height = 64,
                             .source = "a cat",
                             .prompts = prompts,
                             .prompt_count = count,
                             .sampling = {.steps = 5},
                             .control = {.from_given = true, .from = 1}};
}

static ss_edited edited(const ss_edit_request *r) {
    ss_edited e = {0};
    if (ss_edit(&e, cx, model, r)) fail_msg("%s", ss_ctx_error(cx));
    assert_int_equal(e.count, r->prompt_count);
    return e;
}

static bool equal(const ss_image *a, const ss_image *b) {
    return a->w && a->w == b->w && a->h == b->h && !memcmp(a->rgb, b->rgb, (size_t)a->w * (size_t)a->h * 3);
}

static int files_like(const char *pattern) {
    glob_t found;
    int n = glob(made_path(dir, "%s", pattern), 0, NULL, &found) ? 0 : (int)found.gl_pathc;
    if (n) globfree(&found);
    return n;
}

/* ------------------------------------------------------------------------------------------------ faithful, repeatable
 */

static void equal_requests_give_equal_bytes_in_every_method_and_inversion(void **state) {
    (void)state;
    float half[64] = {0};
    for (int i = 0; i < 32; i++) half[i] = 1;
    ss_image first[5] = {{0}};
    for (int method = 0; method < 5; method++)
        for (int inversion = 0; inversion < 4; inversion++) {
            ss_edit_request r = small(1);
            r.method = (ss_method)method, r.inversion = (ss_inversion)inversion, r.sampling.steps = 2;
            if (method == SS_METHOD_MASK) r.source_mask = r.target_mask = (ss_mask){8, 8, half};
            ss_edited a = edited(&r), b = edited(&r);
            assert_true(equal(&a.targets[0], &b.targets[0]));
            assert_true(equal(&a.reconstruction, &b.reconstruction));
            if (inversion == 0) first[method] = a.targets[0], a.targets[0] = (ss_image){0};
            ss_edited_free(&a);
            ss_edited_free(&b);
        }
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < i; j++)
            if (equal(&first[i], &first[j])) fail_msg("methods %d and %d draw the same", i, j);
    for (int i = 0; i < 5; i++) ss_image_free(&first[i]);
}

/* Direct inversion ends on the photo's own latent: what the autoencoder makes of that is the reconstruction. */
static void direct_inversion_reconstructs_as_well_as_the_autoencoder(void **state) {
    (void)state;
    ss_edit_request r = small(1);
    ss_edited e = edited(&r);
    float *z = calloc(4 * 8 * 8, sizeof *z);
    assert_non_null(z);
    ss_image back = {0};
    assert_int_equal(ss_encode_image(cx, model, &e.source, z, NULL), SS_OK);
    for (int i = 0; i < 4 * 8 * 8; i++) z[i] *= model->vae.scaling;
    assert_int_equal(ss_decode_image(&back, cx, model, z, 8, 8), SS_OK);
    assert_true(equal(&back, &e.reconstruction));
    assert_true(e.psnr == ss_psnr(&e.source, &e.reconstruction));
    free(z);
    ss_image_free(&back);
    ss_edited_free(&e);
}

static void several_targets_are_those_of_single_runs(void **state) {
    (void)state;
    static const ss_method methods[] = {SS_METHOD_MASACTRL, SS_METHOD_UNION, SS_METHOD_AUTO};
    for (int k = 0; k < SS_COUNT_OF(methods); k++) {
        ss_edit_request r = small(3);
        r.method = methods[k];
        if (r.method == SS_METHOD_AUTO) r.subject = "cat", r.target_subject = "a";
        ss_edited all = edited(&r);
        for (int i = 0; i < 3; i++) {
            ss_edit_request one = r;
            one.prompts = &prompts[i], one.prompt_count = 1;
            ss_edited alone = edited(&one);
            double psnr = ss_psnr(&alone.targets[0], &all.targets[i]);
            if (!(psnr > 60)) fail_msg("method %d, target %d: %.1f dB", methods[k], i, psnr);
            ss_edited_free(&alone);
        }
        ss_edited_free(&all);
    }
}

static void without_guidance_and_at_odd_sizes(void **state) {
    (void)state;
    static const int sizes[][2] = {{8, 8}, {72, 40}};
    for (int i = 0; i < 4; i++) {
        ss_edit_request r = small(2);
        r.width = sizes[i / 2][0], r.height = sizes[i / 2][1], r.sampling.steps = 3;
        r.sampling.guidance = i % 2 ? 1 : 0;
        ss_edited e = edited(&r);
        assert_int_equal(e.targets[1].w, r.width);
        assert_int_equal(e.targets[1].h, r.height);
        ss_edited_free(&e);
    }
}

/* Without a step or a layer, the target is what no method draws. */
static void control_of_nothing_is_no_control(void **state) {
    (void)state;
    ss_edit_request r = small(1);
    r.method = SS_METHOD_NONE;
    ss_edited none = edited(&r);
    r.method = SS_METHOD_MASACTRL, r.control.from = 90;
    ss_edited nothing = edited(&r);
    assert_true(ss_psnr(&none.targets[0], &nothing.targets[0]) > 60);
    ss_edited_free(&none);
    ss_edited_free(&nothing);
}

/* What the fast numbers cost in a whole edit, there and back, by each method. */
static void bfloat16_draws_what_float32_draws(void **state) {
    (void)state;
    if (!ss_cpu_detect(NULL).avx512_bf16) {
        print_message("skipped: this processor does not multiply bfloat16\n");
        skip();
    }
    static const ss_method methods[] = {SS_METHOD_MASACTRL, SS_METHOD_UNION, SS_METHOD_AUTO};
    ss_ctx *half = NULL;
    ss_model *m = NULL;
    assert_int_equal(ss_ctx_new(&half, &(ss_ctx_options){.threads = 2, .numbers = "bfloat16"}), SS_OK);
    assert_int_equal(ss_model_open(&m, half, TINY, NULL), SS_OK);
    for (int i = 0; i < SS_COUNT_OF(methods); i++) {
        ss_edit_request r = small(1);
        r.width = r.height = 128, r.method = methods[i], r.sampling.steps = 20;
        ss_edited exact = edited(&r), fast = {0};
        assert_int_equal(ss_edit(&fast, half, m, &r), SS_OK);
        double psnr = ss_psnr(&exact.targets[0], &fast.targets[0]);
        if (psnr < 35) fail_msg("method %d: %.1f dB", methods[i], psnr);
        ss_edited_free(&exact);
        ss_edited_free(&fast);
    }
    ss_model_free(m);
    ss_ctx_free(half);
}

/* ------------------------------------------------------------------------------------------------ the kept source */

static void a_kept_source_is_written_reused_and_refused_for_another_photo(void **state) {
    (void)state;
    for (int keys = 0; keys < 2; keys++) {
        const char *file = made_path(dir, "kept%d", keys);
        char path[512];
        snprintf(path, sizeof path, "%s", file);
        ss_edit_request r = small(1);
        ss_edited plain = edited(&r);
        r.keep_source = path, r.keep_keys = keys;
        ss_edited first = edited(&r);
        struct stat before, after;
        assert_int_equal(stat(path, &before), 0);
        ss_edited again = edited(&r);
        assert_int_equal(stat(path, &after), 0);
        assert_true(before.st_ino == after.st_ino); /* not written again */
        assert_true(equal(&first.targets[0], &again.targets[0]));
        if (keys)
            assert_true(ss_psnr(&plain.targets[0], &first.targets[0]) > 60);
        else
            assert_true(equal(&plain.targets[0], &first.targets[0]));
        ss_edited_free(&plain);
        ss_edited_free(&first);
        ss_edited_free(&again);

        ss_edited e = {0};
        photo.rgb[0] ^= 1, r.fit = SS_FIT_SQUASH;
        r.width = 96, r.height = 64;
        assert_int_equal(ss_edit(&e, cx, model, &r), SS_ERR_ARG);
        assert_non_null(strstr(ss_ctx_error(cx), "was kept of something else"));
        photo.rgb[0] ^= 1;
        ss_edited_free(&e);
        r = small(1);
        r.keep_source = path, r.sampling.steps = 4;
        assert_int_equal(ss_edit(&e, cx, model, &r), SS_ERR_ARG);
        assert_non_null(strstr(ss_ctx_error(cx), "5 steps"));
        assert_non_null(strstr(ss_ctx_error(cx), "4 steps"));
        ss_edited_free(&e);
    }
}

/* A file of the path alone gets the keys when they are asked for. */
static void keys_join_a_path_that_was_kept_without(void **state) {
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", made_path(dir, "grows"));
    ss_edit_request r = small(1);
    struct stat alone, with;
    r.keep_source = path;
    ss_edited a = edited(&r);
    assert_int_equal(stat(path, &alone), 0);
    r.keep_keys = true;
    ss_edited b = edited(&r);
    assert_int_equal(stat(path, &with), 0);
    assert_true(with.st_size > alone.st_size);
    ss_edited_free(&a);
    ss_edited_free(&b);

    ss_edited e = {0};
    r.control.from = 0; /* which was not kept */
    assert_int_equal(ss_edit(&e, cx, model, &r), SS_ERR_ARG);
    assert_non_null(strstr(ss_ctx_error(cx), "no keys for step 0"));
    ss_edited_free(&e);
}

/* Keys of another width would be read beyond their end. */
static void kept_keys_of_another_size_are_refused(void **state) {
    (void)state;
    char path[512];
    snprintf(path, sizeof path, "%s", made_path(dir, "spoiled"));
    ss_edit_request r = small(1);
    r.keep_source = path, r.keep_keys = true;
    ss_edited e = edited(&r);
    ss_edited_free(&e);

    ss_weights *w = NULL;
    assert_int_equal(ss_weights_open(&w, cx, path), SS_OK);
    ss_pair of = {"selfsame.kept_source", ss_weights_metadata(w, "selfsame.kept_source")};
    ss_to_store *t = calloc((size_t)w->count, sizeof *t);
    assert_non_null(t);
    for (int64_t i = 0; i < w->count; i++) {
        static const int64_t narrow[2] = {1, 4};
        const ss_stored *s = &w->at[i];
        bool spoiled = !strcmp(s->name, "k.2.11.0") || !strcmp(s->name, "v.2.11.0");
        t[i] = (ss_to_store){s->name, s->dtype, s->rank, spoiled ? narrow : s->shape, s->data};
    }
    assert_int_equal(ss_safetensors_write(cx, path, t, w->count, &of, 1), SS_OK);
    ss_weights_close(w);
    free(t);
    assert_int_equal(ss_edit(&e, cx, model, &r), SS_ERR_FORMAT);
    assert_non_null(strstr(ss_ctx_error(cx), "step 2, layer 11"));
    ss_edited_free(&e);
}

/* Kept keys make a target neither depend on the others nor on where the keys were kept, in any kind of inversion. */
static void targets_of_kept_keys_are_those_of_single_runs(void **state) {
    (void)state;
    for (int inversion = 0; inversion < 4; inversion++) {
        ss_edit_request r = small(2);
        r.method = SS_METHOD_AUTO, r.subject = "cat", r.target_subject = "a";
        r.inversion = (ss_inversion)inversion, r.keep_keys = true;
        ss_edited kept = edited(&r);
        r.prompts = &prompts[1], r.prompt_count = 1;
        ss_edited alone = edited(&r);
        r.keep_keys = false;
        ss_edited beside = edited(&r);
        assert_true(equal(&kept.targets[1], &alone.targets[0]));
        assert_true(ss_psnr(&kept.targets[1], &beside.targets[0]) > 60);
        ss_edited_free(&kept);
        ss_edited_free(&alone);
        ss_edited_free(&beside);
    }
}

static void another_file_is_no_kept_source(void **state) {
    (void)state;
    ss_edit_request r = small(1);
    ss_edited e = {0};
    r.keep_source = TINY "/vae/diffusion_pytorch_model.safetensors";
    assert_int_equal(ss_edit(&e, cx, model, &r), SS_ERR_FORMAT);
    assert_non_null(strstr(ss_ctx_error(cx), "is no kept source"));
    ss_edited_free(&e);
}

/* Without a photo the source is what ss_generate draws, and a target without control what its prompt gives. */
static void a_source_is_drawn_where_no_photo_is(void **state) {
    (void)state;
    ss_edit_request r = small(1);
    r.photo = NULL, r.seed = 9, r.method = SS_METHOD_NONE;
    ss_edited e = edited(&r);
    ss_generate_request g = {
        .prompt = "a cat", .sampling = {.sampler = "ddim", .steps = 5}, .width = 64, .height = 64, .seed = 9};
    ss_image source = {0}, target = {0};
    assert_int_equal(ss_generate(&source, cx, model, &g), SS_OK);
    g.prompt = prompts[0];
    assert_int_equal(ss_generate(&target, cx, model, &g), SS_OK);
    assert_true(equal(&source, &e.source) && equal(&target, &e.targets[0]));
    assert_null(e.reconstruction.rgb);
    r.method = SS_METHOD_MASACTRL;
    ss_edited controlled = edited(&r);
    assert_true(equal(&source, &controlled.source));
    assert_false(equal(&target, &controlled.targets[0]));
    r.inversion = SS_INVERT_DDIM;
    ss_edited none = {0};
    assert_int_equal(ss_edit(&none, cx, model, &r), SS_ERR_ARG);
    ss_edited_free(&e);
    ss_edited_free(&controlled);
    ss_image_free(&source);
    ss_image_free(&target);
}

/* All of the noise new: the start is that of a drawing by itself. A part of it: neither the photo's nor that. */
static void fresh_noise_is_that_of_the_seed(void **state) {
    (void)state;
    for (int drawn = 0; drawn < 2; drawn++) {
        ss_edit_request r = small(1);
        r.seed = 9, r.fresh = 1, r.method = SS_METHOD_NONE;
        if (drawn) r.photo = NULL;
        ss_generate_request g = {.prompt = prompts[0],
                                 .sampling = {.sampler = "ddim", .steps = 5},
                                 .width = 64,
                                 .height = 64,
                                 .seed = drawn ? 10 : 9};
        ss_image alone = {0};
        assert_int_equal(ss_generate(&alone, cx, model, &g), SS_OK);
        ss_edited whole = edited(&r);
        assert_true(equal(&alone, &whole.targets[0]));
        r.fresh = 0.5;
        ss_edited half = edited(&r);
        r.fresh = 0;
        ss_edited none = edited(&r);
        assert_false(equal(&half.targets[0], &whole.targets[0]));
        assert_false(equal(&half.targets[0], &none.targets[0]));
        assert_true(equal(&half.source, &none.source));
        r.fresh = 1, r.method = SS_METHOD_MASACTRL;
        ss_edited beside = edited(&r);
        assert_false(equal(&alone, &beside.targets[0])); /* it reads the source */
        r.keep_keys = true;
        ss_edited kept = edited(&r);
        assert_true(ss_psnr(&kept.targets[0], &beside.targets[0]) > 40);
        ss_image_free(&alone);
        ss_edited_free(&whole), ss_edited_free(&half), ss_edited_free(&none), ss_edited_free(&beside);
        ss_edited_free(&kept);
    }
}

/* ------------------------------------------------------------------------------------------------ looking on */

static int previews, reconstructed;

static void preview(void *user, const ss_image *picture, int step, int steps) {
    (void)user, (void)step;
    assert_int_equal(picture->w, 64);
    assert_int_equal(steps, 5);
    previews++;
}

static void note_reconstruction(void *user, const ss_image *reconstruction, double psnr) {
    (void)user;
    assert_int_equal(reconstruction->w, 64);
    assert_true(psnr > 0);
    assert_int_equal(previews, 0); /* before any target */
    reconstructed++;
}

static void those_who_look_on_see_all_and_change_nothing(void **state) {
    (void)state;
    char masks[512], maps[512];
    snprintf(masks, sizeof masks, "%s", made_path(dir, "masks"));
    snprintf(maps, sizeof maps, "%s", made_path(dir, "maps"));
    ss_edit_request r = small(1);
    r.method = SS_METHOD_AUTO;
    ss_edited a = edited(&r);
    previews = reconstructed = 0;
    r.preview = preview, r.reconstructed = note_reconstruction, r.save_masks = masks, r.save_attention = maps;
    ss_edited b = edited(&r);
    assert_int_equal(previews, 5);
    assert_int_equal(reconstructed, 1);
    assert_true(equal(&a.targets[0], &b.targets[0]));
    /* Four steps of six layers, the source's mask and the target's. */
    assert_int_equal(files_like("masks/source-step*-layer*.png"), 24);
    assert_int_equal(files_like("masks/target1-step*-layer*.png"), 24);
    assert_true(files_like("maps/target1-*-cat.png") >= 1);
    assert_true(files_like("maps/target1-*.png") >= 6);
    ss_edited_free(&a);
    ss_edited_free(&b);
}

static int drawing;

static void stop_in_the_second_target(void *user, const ss_image *picture, int step, int steps) {
    (void)picture, (void)steps;
    drawing += step == 1;
    if (drawing == 2 && step == 3) ss_ctx_stop(user);
}

static int handed_over;

static void hand_over(void *user, int target, const ss_image *picture) {
    const ss_edited *whole = user;
    assert_int_equal(target, handed_over);
    assert_true(equal(picture, &whole->targets[target]));
    handed_over++;
}

static void a_stop_keeps_the_targets_that_are_finished(void **state) {
    (void)state;
    ss_edit_request r = small(3);
    ss_edited whole = edited(&r), e = {0};
    drawing = handed_over = 0;
    r.drawn = hand_over, r.drawn_user = &whole;
    r.preview = stop_in_the_second_target, r.preview_user = cx;
    assert_int_equal(ss_edit(&e, cx, model, &r), SS_ERR_STOPPED);
    assert_int_equal(e.count, 3);
    assert_int_equal(handed_over, 1);
    assert_true(equal(&e.targets[0], &whole.targets[0]));
    assert_true(equal(&e.reconstruction, &whole.reconstruction));
    assert_int_equal(e.targets[1].w, 0);
    assert_null(e.targets[2].rgb);
    ss_edited_free(&e);
    ss_edited_free(&whole);
}

/* ------------------------------------------------------------------------------------------------ refusing */

static void requests_that_make_no_sense_say_why(void **state) {
    (void)state;
    static const char *const gap[] = {"a cat", NULL};
    static const char *const words[] = {"needs a photo",
                                        "at least one prompt",
                                        "at least one prompt",
                                        "prompt 2 of 2 is missing",
                                        "sampler \"euler\"",
                                        "eta 0.5",
                                        "method is not \"mask\"",
                                        "needs a source mask and a target mask",
                                        "a pixel at least",
                                        "threshold 1.5",
                                        "automatic masks, but",
                                        "automatic masks, but",
                                        "automatic masks can be saved",
                                        "inversion guidance -1",
                                        "guidance -1",
                                        "-2 steps",
                                        "guidance 101",
                                        "layers \"decodr\"",
                                        "steps from -1",
                                        "which words name the subject",
                                        "cannot be made",
                                        "sides go from 8",
                                        "clip skip 7",
                                        "fresh noise 1.5",
                                        "needs a method with masks"};
    float mask[1] = {1};
    for (int i = 0; i < SS_COUNT_OF(words); i++) {
        ss_edit_request r = small(1);
        if (i == 0) r.photo = NULL, r.source = NULL;
        if (i == 1) r.prompt_count = 0;
        if (i == 2) r.prompt_count = -100;
        if (i == 3) r.prompts = gap, r.prompt_count = 2;
        if (i == 4) r.sampling.sampler = "euler";
        if (i == 5) r.sampling.eta = 0.5;
        if (i == 6) r.source_mask = (ss_mask){1, 1, mask};
        if (i == 7) r.method = SS_METHOD_MASK, r.source_mask = (ss_mask){1, 1, mask};
        if (i == 8)
            r.method = SS_METHOD_MASK, r.source_mask = (ss_mask){1, 1, mask}, r.target_mask = (ss_mask){0, -3, mask};
        if (i == 9) r.method = SS_METHOD_AUTO, r.threshold = 1.5;
        if (i == 10) r.subject = "cat";
        if (i == 11) r.threshold = 0.2;
        if (i == 12) r.save_masks = dir;
        if (i == 13) r.inversion_guidance = -1;
        if (i == 14) r.sampling.guidance = -1;
        if (i == 15) r.sampling.steps = -2;
        if (i == 16) r.sampling.guidance = 101;
        if (i == 17) r.control.layers = "decodr";
        if (i == 18) r.control.from = -1;
        if (i == 19) r.method = SS_METHOD_AUTO, r.source = "the moon";
        if (i == 20) r.save_attention = "/dev/null/maps";
        if (i == 21) r.width = 5000;
        if (i == 22) r.sampling.clip_skip = 7;
        if (i == 23) r.fresh = 1.5;
        if (i == 24) r.own_background = true;
        ss_edited e = {0};
        ss_status st = ss_edit(&e, cx, model, &r);
        if (st != (i == 20 ? SS_ERR_FILE : SS_ERR_ARG) || !strstr(ss_ctx_error(cx), words[i]))
            fail_msg("request %d: status %d, no \"%s\" in \"%s\"", i, st, words[i], ss_ctx_error(cx));
        assert_null(e.reconstruction.rgb); /* before any work */
        ss_edited_free(&e);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_requests_give_equal_bytes_in_every_method_and_inversion),
        cmocka_unit_test(direct_inversion_reconstructs_as_well_as_the_autoencoder),
        cmocka_unit_test(several_targets_are_those_of_single_runs),
        cmocka_unit_test(without_guidance_and_at_odd_sizes),
        cmocka_unit_test(control_of_nothing_is_no_control),
        cmocka_unit_test(bfloat16_draws_what_float32_draws),
        cmocka_unit_test(a_kept_source_is_written_reused_and_refused_for_another_photo),
        cmocka_unit_test(keys_join_a_path_that_was_kept_without),
        cmocka_unit_test(kept_keys_of_another_size_are_refused),
        cmocka_unit_test(targets_of_kept_keys_are_those_of_single_runs),
        cmocka_unit_test(another_file_is_no_kept_source),
        cmocka_unit_test(a_source_is_drawn_where_no_photo_is),
        cmocka_unit_test(fresh_noise_is_that_of_the_seed),
        cmocka_unit_test(those_who_look_on_see_all_and_change_nothing),
        cmocka_unit_test(a_stop_keeps_the_targets_that_are_finished),
        cmocka_unit_test(requests_that_make_no_sense_say_why),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
