/* The program at work on the tiny model: pictures, recipes, repeating, stopping. */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device/device.h"

#include <jansson.h>
#include <selfsame/selfsame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_up(void **state) {
    *state = scene_new();
    return 0;
}

static int tear_down(void **state) {
    scene_free(*state);
    return 0;
}

static void do_well(const char *scene, const char *command) {
    ran r = run_expect(scene, command, 0);
    ran_clear(&r);
}

static json_t *report(const char *scene, const char *command, int code) {
    ran r = run_expect(scene, command, code);
    json_error_t error;
    json_t *json = json_loads(r.out, 0, &error);
    if (!json) fail_msg("%s\n  is not JSON (%s): %s", command, error.text, r.out);
    ran_clear(&r);
    return json;
}

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    if (!text) fail_msg("no text \"%s\"", key);
    return text;
}

static bool same_bytes(const char *scene, const char *a, const char *b) {
    size_t n, m;
    char *x = scene_read(scene, a, &n), *y = scene_read(scene, b, &m);
    bool same = n == m && !memcmp(x, y, n);
    free(x);
    free(y);
    return same;
}

static ss_image_meta meta_of(const char *scene, const char *name) {
    char path[512];
    ss_ctx *cx = NULL;
    ss_image_meta meta = {0};
    snprintf(path, sizeof path, "%s/%s", scene, name);
    assert_int_equal(ss_ctx_new(&cx, NULL), SS_OK);
    assert_int_equal(ss_image_meta_read(&meta, cx, path), SS_OK);
    ss_ctx_free(cx);
    return meta;
}

/* ------------------------------------------------------------------------------------------------ generate */

static void pictures_are_named_after_their_seeds(void **state) {
    do_well(*state, "$selfsame generate -m model -p 'a dog' --steps 2 --seed 7 -n 2");
    assert_true(scene_has(*state, "selfsame-7.png"));
    assert_true(scene_has(*state, "selfsame-8.png"));
    do_well(*state, "cp selfsame-7.png first.png; $selfsame generate -m model -p 'a cat' --steps 2 --seed 7");
    assert_true(scene_has(*state, "selfsame-7-2.png"));
    assert_true(same_bytes(*state, "selfsame-7.png", "first.png"));
    do_well(*state, "mkdir out; $selfsame generate -m model -p 'a dog' --steps 2 --seed 7 -o out; cmp "
                    "out/selfsame-7.png first.png");
}

/* Largest difference between two pictures' numbers. */
static int difference(const char *scene, const char *a, const char *b) {
    ss_ctx *cx = NULL;
    ss_image x = {0}, y = {0};
    char path[512];
    assert_int_equal(ss_ctx_new(&cx, NULL), SS_OK);
    snprintf(path, sizeof path, "%s/%s", scene, a);
    assert_int_equal(ss_image_read(&x, cx, path), SS_OK);
    snprintf(path, sizeof path, "%s/%s", scene, b);
    assert_int_equal(ss_image_read(&y, cx, path), SS_OK);
    assert_true(x.w == y.w && x.h == y.h);
    int most = 0;
    for (int i = 0; i < 3 * x.w * x.h; i++) most = abs(x.rgb[i] - y.rgb[i]) > most ? abs(x.rgb[i] - y.rgb[i]) : most;
    ss_image_free(&x);
    ss_image_free(&y);
    ss_ctx_free(cx);
    return most;
}

/* A process each: oneDNN settles its instructions once. */
static void every_level_of_instructions_draws_the_same(void **state) {
    static const char *const levels[] = {"auto", "portable", "avx2", "avx512", "avx512_bf16"};
    ss_cpu_features all = ss_cpu_detect(NULL);
    int have = 2 + all.avx2 + all.avx512 + all.avx512_bf16;
    do_well(*state, "$selfsame generate -m model -p 'a dog' --steps 3 --seed 7 --device reference -o plain.png");
    for (int i = 0; i < have; i++) {
        char command[256];
        snprintf(
            command, sizeof command,
            "$selfsame generate -m model -p 'a dog' --steps 3 --seed 7 --numbers float32 --isa %s -o at.png --json "
            ">/dev/null && $selfsame repeat at.png -o again.png && cmp at.png again.png",
            levels[i]);
        do_well(*state, command);
        int most = difference(*state, "plain.png", "at.png");
        if (most > 1) fail_msg("--isa %s: a pixel differs by %d from what the plain loops draw", levels[i], most);
        do_well(*state, "rm at.png again.png");
    }
    ran r = run_expect(*state, "$selfsame generate -m model -p x --isa avx2 --numbers bfloat16", 2);
    assert_non_null(strstr(r.err, "was ruled out"));
    ran_clear(&r);
}

static void patterns_number_pictures(void **state) {
    do_well(*state, "$selfsame generate -m model -p 'a dog' --steps 1 --seed 3 -n 2 -o 'p%02d-%s.png'");
    assert_true(scene_has(*state, "p01-3.png"));
    assert_true(scene_has(*state, "p02-4.png"));
    do_well(*state, "$selfsame generate -m model -p 'a dog' --steps 1 --seed 3 --batch 2 -o b.png");
    assert_true(scene_has(*state, "b-1.png"));
    assert_true(scene_has(*state, "b-2.png"));
    assert_false(same_bytes(*state, "b-1.png", "b-2.png"));
}

static void sizes_are_rounded_and_said(void **state) {
    ran r = run_expect(*state, "$selfsame generate -m model -p 'a dog' --steps 1 --size 70x64 --seed 1 -o r.png", 0);
    assert_non_null(strstr(r.err, "width 70 is rounded down to 64"));
    assert_non_null(strstr(r.out, "64x64"));
    ran_clear(&r);
}

static void prompts_come_from_files_and_standard_input(void **state) {
    do_well(*state,
            "$selfsame generate -m model -p 'a dog' --steps 1 --seed 1 -o f1.png\n"
            "echo 'a dog' >prompt.txt; $selfsame generate -m model -p @prompt.txt --steps 1 --seed 1 -o f2.png\n"
            "echo 'a dog' | $selfsame generate -m model -p - --steps 1 --seed 1 -o f3.png\n"
            "cmp f1.png f2.png && cmp f1.png f3.png");
    ran r = run_expect(*state, "$selfsame generate -m model -p '' --steps 1 --seed 1 -o f4.png", 0);
    assert_non_null(strstr(r.err, "empty"));
    ran_clear(&r);
}

static void a_long_prompt_is_cut_and_quoted(void **state) {
    ran r = run_expect(
        *state,
        "$selfsame generate -m model --steps 1 -o l.png -p \"$(for i in $(seq 90); do printf 'dog '; done) tail\"", 0);
    assert_non_null(strstr(r.err, "warning"));
    assert_non_null(strstr(r.err, "tail"));
    ran_clear(&r);
}

static void every_format_carries_the_recipe(void **state) {
    static const char *const suffixes[] = {"png", "jpg", "webp"};
    for (int i = 0; i < 3; i++) {
        char command[256], name[16];
        snprintf(
            command, sizeof command,
            "$selfsame generate -m model -p 'a dog, red' --negative blurry --steps 2 --seed 5 --guidance 3 -o m.%s",
            suffixes[i]);
        do_well(*state, command);
        snprintf(name, sizeof name, "m.%s", suffixes[i]);
        ss_image_meta meta = meta_of(*state, name);
        assert_non_null(meta.parameters);
        assert_non_null(strstr(meta.parameters, "a dog, red\nNegative prompt: blurry\nSteps: 2, "));
        assert_non_null(strstr(meta.parameters, "CFG scale: 3, Seed: 5, Size: 128x128"));
        json_t *recipe = json_loads(meta.json, 0, NULL);
        assert_non_null(recipe);
        assert_string_equal(text_at(recipe, "verb"), "generate");
        assert_int_equal(json_integer_value(json_object_get(json_object_get(recipe, "options"), "seed")), 5);
        json_decref(recipe);
        ss_image_meta_free(&meta);
    }
}

/* What a command line leaves unsaid is what the verb's help page says. */
static void options_begin_as_the_help_page_says(void **state) {
    static const char *const verbs[] = {"generate", "edit photo.png", "story -p 'a dog'"};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        char command[256];
        snprintf(command, sizeof command, "$selfsame %s -m model -p 'a cat' --size 32 --seed 1 -o u%zu-%%d.png",
                 verbs[i], i);
        do_well(*state, command);
        snprintf(command, sizeof command, "u%zu-1.png", i);
        ss_image_meta meta = meta_of(*state, command);
        json_t *recipe = json_loads(meta.json, 0, NULL), *options = json_object_get(recipe, "options");
        assert_int_equal(json_integer_value(json_object_get(options, "steps")), 50);
        assert_true(json_number_value(json_object_get(options, "guidance")) == 7.5);
        json_decref(recipe);
        ss_image_meta_free(&meta);

        snprintf(command, sizeof command, "$selfsame %.*s --help", (int)strcspn(verbs[i], " "), verbs[i]);
        ran r = run_expect(*state, command, 0);
        if (!strstr(r.out, "denoising steps [50]") || !strstr(r.out, "[7.5]")) fail_msg("%s", r.out);
        ran_clear(&r);
    }
}

/* What `key` says in the `parameters` of a picture that a single file draws with `more` options; NULL: nothing. */
static char *said_by_single_file(const char *scene, const char *more, const char *key) {
    char command[512], *value = NULL;
    const char *field;
    ss_ctx *cx = NULL;
    ss_infotext text = {0};
    snprintf(command, sizeof command,
             "$selfsame generate -m one.safetensors --config model -p x --steps 1 --seed 1 --size 64 -o h.png %s",
             more);
    do_well(scene, command);
    ss_image_meta meta = meta_of(scene, "h.png");
    assert_int_equal(ss_ctx_new(&cx, NULL), SS_OK);
    assert_int_equal(ss_infotext_parse(&text, cx, meta.parameters), SS_OK);
    if ((field = ss_infotext_get(&text, key))) value = strdup(field);
    ss_infotext_free(&text);
    ss_image_meta_free(&meta);
    ss_ctx_free(cx);
    return value;
}

static void expect_said(const char *scene, const char *more, const char *key, const char *value) {
    char *is = said_by_single_file(scene, more, key);
    if (!is || strcmp(is, value)) fail_msg("%s is %s, not %s", key, is ? is : "missing", value);
    free(is);
}

/* Other tools know a checkpoint by ten digits of its file's SHA-256; sha256sum has the last word. */
static void pictures_name_their_checkpoint_as_other_tools_do(void **state) {
    const char *scene = *state;
    size_t n;
    do_well(scene,
            "cp model/single/tiny-sd15.safetensors one.safetensors; ln -s model/single/tiny-sd15.ckpt v.ae.ckpt\n"
            "sha256sum one.safetensors | cut -c 1-10 | tr -d '\\n' >hash\n"
            "sha256sum v.ae.ckpt | cut -c 1-10 | tr -d '\\n' >vae-hash");
    char *hash = scene_read(scene, "hash", &n), *vae_hash = scene_read(scene, "vae-hash", &n);
    expect_said(scene, "", "Model hash", hash);
    expect_said(scene, "", "Model", "one");
    assert_null(said_by_single_file(scene, "", "VAE hash"));
    expect_said(scene, "--vae v.ae.ckpt", "VAE hash", vae_hash);
    expect_said(scene, "--vae v.ae.ckpt", "VAE", "v.ae.ckpt");
    assert_null(said_by_single_file(scene, "-m model", "Model hash")); /* a folder is no file */

    /* The hash is remembered until the file changes, and forgotten memory is no failure. */
    do_well(scene, "sed -i 's/\"sha256\": \"..../\"sha256\": \"beef/' selfsame/hashes.json");
    char *remembered = said_by_single_file(scene, "", "Model hash");
    assert_non_null(remembered);
    assert_memory_equal(remembered, "beef", 4);
    assert_string_equal(remembered + 4, hash + 4);
    free(remembered);
    do_well(scene, "touch one.safetensors");
    expect_said(scene, "", "Model hash", hash);
    do_well(scene, "echo '{\"' >selfsame/hashes.json");
    expect_said(scene, "", "Model hash", hash);
    do_well(scene, "rm -r selfsame; touch selfsame"); /* no folder can be there */
    expect_said(scene, "", "Model hash", hash);
    do_well(scene, "rm selfsame; rm v.ae.ckpt");
    expect_said(scene, "", "Model hash", hash);
    free(hash);
    free(vae_hash);
}

static void recipes_do_not_tell_the_home_folder(void **state) {
    do_well(
        *state,
        "ln -s \"$(readlink model)\" m2; HOME=$PWD $selfsame generate -m \"$PWD/m2\" -p x --steps 1 --seed 1 -o h.png");
    ss_image_meta meta = meta_of(*state, "h.png");
    assert_non_null(strstr(meta.json, "\"~/m2\""));
    assert_null(strstr(meta.json, *state));
    ss_image_meta_free(&meta);
}

static void img2img_starts_from_the_picture(void **state) {
    ran r = run_expect(
        *state, "$selfsame generate -m model -p 'a dog' --init photo.png --steps 4 --strength 0.5 --seed 1 -o i.png",
        0);
    assert_non_null(strstr(r.out, "96x64"));
    ran_clear(&r);
    do_well(
        *state,
        "$selfsame generate -m model -p 'a dog' --init photo.png --size 64 --fit crop --steps 4 --seed 1 -o i64.png");
    do_well(*state, "$selfsame repeat i64.png -o i64-again.png && cmp i64.png i64-again.png");
}

/* ------------------------------------------------------------------------------------------------ edit */

static void edits_draw_every_prompt(void **state) {
    json_t *r = report(*state,
                       "$selfsame edit photo.png -m model --source 'a dog' -p 'a cat' -p 'a bird' --steps 6 --size 64 "
                       "--sheet sheet.png -o 'e-%d.png' --json",
                       0);
    assert_int_equal(json_array_size(json_object_get(r, "pictures")), 2);
    assert_true(json_real_value(json_object_get(r, "reconstruction_psnr")) > 5);
    assert_true(scene_has(*state, text_at(json_array_get(json_object_get(r, "pictures"), 1), "path")));
    assert_true(scene_has(*state, text_at(r, "sheet")));
    json_decref(r);
}

/* The sheet with two rows is higher than the one without, whose four pictures are one row; the pictures are the same.
 */
static void what_is_carried_over_is_compared(void **state) {
    do_well(*state, "$selfsame edit photo.png -m model -p 'a cat' -p 'a bird' --steps 4 --size 64 --sheet one.png "
                    "-o 'one-%d.png'");
    do_well(*state, "$selfsame edit photo.png -m model -p 'a cat' -p 'a bird' --steps 4 --size 64 --sheet two.png "
                    "-o 'two-%d.png' --compare");
    do_well(*state, "cmp one-1.png two-1.png && cmp one-2.png two-2.png");
    ss_ctx *cx = NULL;
    ss_image one = {0}, two = {0};
    char path[512];
    assert_int_equal(ss_ctx_new(&cx, NULL), SS_OK);
    snprintf(path, sizeof path, "%s/one.png", (char *)*state);
    assert_int_equal(ss_image_read(&one, cx, path), SS_OK);
    snprintf(path, sizeof path, "%s/two.png", (char *)*state);
    assert_int_equal(ss_image_read(&two, cx, path), SS_OK);
    assert_true(two.h > one.h && two.w < one.w);
    ss_image_free(&one);
    ss_image_free(&two);
    ss_ctx_free(cx);
}

static void the_reconstruction_is_told_before_the_pictures(void **state) {
    ran r = run_expect(
        *state,
        "printf 'a cat\\n\\na bird\\r\\n' >list; $selfsame edit photo.png -m model --prompts list --steps 3 --size 64",
        0);
    const char *psnr = strstr(r.out, "dB PSNR"), *first = strstr(r.out, "photo-edit.png"),
               *second = strstr(r.out, "photo-edit-2.png");
    assert_non_null(psnr);
    assert_non_null(first);
    assert_non_null(second);
    assert_true(psnr < first && first < second);
    assert_non_null(strstr(r.err, "squashed"));
    ran_clear(&r);
}

static void every_method_and_inversion_works(void **state) {
    static const char *const options[] = {
        "--method union",
        "--method none",
        "--method mask --source-mask mask.png --target-mask mask.png",
        "--method auto-mask --source 'a dog' --subject-words dog --target-words cat --threshold 0.3 --save-masks masks",
        "--inversion ddim --inversion-guidance 2",
        "--inversion trajectory",
        "--inversion negative-prompt --source 'a dog'",
        "--layers encoder,12 --start-step 1 --end-step 2 --every 2 --save-attention attention",
        "--step-list 0,2-3 --fit pad --clip-skip 1",
        "--fit crop --guidance 1 --preview preview.png",
        "--fresh 0.5 --seed 3",
        "--method auto-mask --source 'a dog' --subject-words dog --target-words cat --background prompt --fresh 1",
        "--method mask --source-mask mask.png --target-mask mask.png --background prompt",
        "--fresh 1",
    };
    do_well(*state, "$selfsame generate -m model -p x --steps 1 --size 64 --seed 2 -o mask.png");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char command[512];
        snprintf(command, sizeof command,
                 "$selfsame edit photo.png -m model -p 'a cat' --steps 4 --start-step 1 --size 64 -o o%zu.png %s && "
                 "$selfsame repeat o%zu.png -o again.png && cmp o%zu.png again.png",
                 i, options[i], i, i);
        if (strstr(options[i], "start-step") || strstr(options[i], "step-list") || strstr(options[i], "none")) {
            char *given = strstr(command, " --start-step 1");
            memset(given, ' ', strlen(" --start-step 1"));
        }
        do_well(*state, command);
    }
    assert_true(scene_count(*state, "masks/*.png") > 0);
    assert_true(scene_count(*state, "attention/*.png") > 0);
    assert_true(scene_has(*state, "preview.png"));
}

static void a_kept_source_is_used_again(void **state) {
    do_well(
        *state,
        "$selfsame edit photo.png -m model -p 'a cat' --steps 6 --size 64 -o k1.png\n"
        "$selfsame edit photo.png -m model -p 'a cat' --steps 6 --size 64 --keep-source kept --keep-keys -o k2.png\n"
        "test -s kept && $selfsame edit photo.png -m model -p 'a cat' --steps 6 --size 64 --keep-source kept -o "
        "k3.png\n"
        "$selfsame edit photo.png -m model -p 'a dog' -p 'a cat' --steps 6 --size 64 --keep-source kept --keep-keys -o "
        "k4.png\n"
        "cmp k1.png k3.png && cmp k2.png k4-2.png");
}

/* ------------------------------------------------------------------------------------------------ repeat */

static void a_picture_repeats_to_the_same_bytes(void **state) {
    static const char *const made[] = {
        "generate -m model -p 'a \\\"dog\\\", é' --steps 3 --seed 11 --sampler euler --guidance 4.3 -o a.png",
        ("generate -m model -p 'a dog' --steps 3 --seed 11 --batch 3 -o a.webp && mv a-3.webp a.png.webp && cp "
         "a.png.webp a.png"),
        "generate -m model -p 'a dog' --steps 3 --seed 11 --numbers float32 --threads 1 -o a.png",
        "edit photo.png -m model -p 'a cat' -p 'a dog' --steps 6 --size 64 --last-digit 2 -o a.png && mv a-2.png a.png",
        "edit photo.png -m model -p 'a cat' -p 'a dog' --steps 6 --size 64 --keep-keys -o a.png && mv a-2.png a.png",
        "generate -m model -p 'a dog' --steps 5 --seed 3 --reuse 2 --json -o a.png >/dev/null",
        "edit photo.png -m model --source 'a dog' -p 'a dog asleep' -p 'a dog in snow' --steps 7 --start-step 2 --size "
        "64 "
        "--method auto-mask --keep-keys --reuse 3 -o a.png && mv a-2.png a.png",
    };
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        char command[512];
        bool webp = strstr(made[i], "webp") != NULL;
        snprintf(command, sizeof command,
                 "rm -f a*.png a*.webp again.*; eval \"$selfsame %s\" && $selfsame repeat %s -o again.%s", made[i],
                 webp ? "a.png.webp" : "a.png", webp ? "webp" : "png");
        ran r = run_expect(*state, command, 0);
        if (!strstr(r.err, "byte for byte")) fail_msg("%s\n  %s", command, r.err);
        ran_clear(&r);
        assert_true(same_bytes(*state, "a.png", webp ? "again.webp" : "again.png"));
    }
}

static void repeat_says_what_has_changed(void **state) {
    static const struct {
        const char *change, *word;
    } rows[] = {
        {"mv m3 elsewhere", "-m"},
        {"rm m3 && cp -rL model m3 && f=unet/diffusion_pytorch_model.safetensors && "
         "dd if=model/$f of=m3/$f bs=1 skip=700000 seek=600000 count=100000 conv=notrunc 2>/dev/null",
         "fingerprint"},
        {"cp out.png own.png", "SHA-256"},
        {"rm own.png", "--photo"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char command[700];
        snprintf(command, sizeof command,
                 "rm -rf m3 own.png elsewhere out.png; ln -s \"$(readlink model)\" m3; cp photo.png own.png\n"
                 "$selfsame edit own.png -m m3 -p 'a cat' --steps 3 --size 64 -o out.png || exit 7\n%s || exit 8\n"
                 "$selfsame repeat out.png -o changed.png",
                 rows[i].change);
        ran r = run_expect(*state, command, 1);
        if (!strstr(r.err, rows[i].word)) fail_msg("%s\n  %s", rows[i].change, r.err);
        assert_false(scene_has(*state, "changed.png"));
        ran_clear(&r);
    }
    do_well(*state, "cp photo.png moved.png; $selfsame repeat out.png -m model --photo moved.png -o changed.png");
}

/* A recipe may not write anywhere but where the command line says. */
static void a_recipe_names_no_place_to_write(void **state) {
    do_well(
        *state,
        "$selfsame edit photo.png -m model -p 'a cat' --steps 3 --size 64 -o w.png --keep-source wk --preview wp.png "
        "--save-attention wa --sheet ws.png\n"
        "rm -rf wk wp.png wa ws.png; $selfsame repeat w.png -o w2.png; "
        "test ! -e wk && test ! -e wp.png && test ! -e wa && test ! -e ws.png");
}

/* ------------------------------------------------------------------------------------------------ reports, stopping */

static void inspect_and_bench_report(void **state) {
    json_t *r = report(*state, "$selfsame inspect model --json", 0);
    json_decref(r);
    ran text = run_expect(*state, "$selfsame inspect model", 0);
    assert_non_null(strstr(text.out, "SD 1.x"));
    assert_non_null(strstr(text.out, "more tensors"));
    ran_clear(&text);
    text = run_expect(*state, "$selfsame inspect model/unet/diffusion_pytorch_model.safetensors --all", 0);
    assert_non_null(strstr(text.out, "up_blocks.3.resnets.2.norm2.weight"));
    ran_clear(&text);
    r = report(*state, "$selfsame bench -m model --json", 0);
    assert_true(json_object_size(r) > 2);
    json_decref(r);
    text = run_expect(*state, "$selfsame bench -m model --size 64", 0);
    assert_non_null(strstr(text.out, "GFLOP/s"));
    ran_clear(&text);
}

static void too_little_memory_is_a_number(void **state) {
    ran r = run_expect(*state, "$selfsame generate -m model -p x --size 4096 --batch 64 --steps 1", 1);
    assert_non_null(strstr(r.err, "MiB"));
    assert_non_null(strstr(r.err, "--memory anyway"));
    ran_clear(&r);
}

/* Stopped in the second picture, the first one stays and nothing else does. */
static void stopping_keeps_what_is_finished(void **state) {
    ran r = run(*state, "rm -f c-*; env --default-signal=INT $selfsame generate -m model -p 'a dog' --steps 300 --seed "
                        "1 -n 100 -o 'c-%03d.png' &\n"
                        "while ! test -e c-001.png; do sleep 0.05; done; kill -INT $!; wait $!");
    assert_int_equal(r.signal, 2);
    assert_non_null(strstr(r.err, "stopped"));
    assert_in_range(scene_count(*state, "c-*.png"), 1, 99);
    assert_int_equal(scene_count(*state, "c-*"), scene_count(*state, "c-*.png"));
    ran_clear(&r);
    do_well(*state, "$selfsame repeat c-001.png -o c.png && cmp c.png c-001.png");
}

static void a_stopped_report_is_json(void **state) {
    ran r = run(*state, "$selfsame generate -m model -p 'a dog' --steps 300 --seed 1 -n 100 -o 'd-%03d.png' --json &\n"
                        "while ! test -e d-001.png; do sleep 0.05; done; kill -TERM $!; wait $!");
    assert_int_equal(r.signal, 15);
    json_t *json = json_loads(r.out, 0, NULL);
    assert_non_null(json);
    assert_true(json_is_true(json_object_get(json, "stopped")));
    assert_true(json_array_size(json_object_get(json, "pictures")) >= 1);
    json_decref(json);
    ran_clear(&r);
}

static void stopping_keeps_finished_targets(void **state) {
    ran r =
        run(*state,
            "env --default-signal=INT $selfsame edit photo.png -m model $(for i in $(seq 90); do echo -p p$i; done) "
            "--steps 20 --size 64 -o 'z-%02d.png' &\n"
            "while ! grep -q 'drawing 3 of 90' .err; do sleep 0.05; done; kill -INT $!; wait $!");
    assert_int_equal(r.signal, 2);
    assert_true(scene_has(*state, "z-01.png") && scene_has(*state, "z-02.png"));
    assert_false(scene_has(*state, "z-90.png"));
    ran_clear(&r);
    do_well(*state, "$selfsame repeat z-02.png -o z.png && cmp z.png z-02.png");
}

static void a_full_disk_leaves_nothing(void **state) {
    ran r = run_expect(*state,
                       "trap '' XFSZ; ulimit -f 8; $selfsame generate -m model -p 'a dog' --steps 1 -o full.png", 1);
    assert_non_null(strstr(r.err, "full.png"));
    assert_int_equal(scene_count(*state, "full*"), 0);
    assert_int_equal(scene_count(*state, ".full*"), 0);
    ran_clear(&r);
}

static void a_full_standard_output_is_a_failure(void **state) {
    ran r = run_expect(*state, "$selfsame --help >/dev/full", 1);
    assert_non_null(strstr(r.err, "No space left"));
    ran_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_named_after_their_seeds),
        cmocka_unit_test(patterns_number_pictures),
        cmocka_unit_test(every_level_of_instructions_draws_the_same),
        cmocka_unit_test(sizes_are_rounded_and_said),
        cmocka_unit_test(prompts_come_from_files_and_standard_input),
        cmocka_unit_test(a_long_prompt_is_cut_and_quoted),
        cmocka_unit_test(every_format_carries_the_recipe),
        cmocka_unit_test(options_begin_as_the_help_page_says),
        cmocka_unit_test(pictures_name_their_checkpoint_as_other_tools_do),
        cmocka_unit_test(recipes_do_not_tell_the_home_folder),
        cmocka_unit_test(img2img_starts_from_the_picture),
        cmocka_unit_test(edits_draw_every_prompt),
        cmocka_unit_test(what_is_carried_over_is_compared),
        cmocka_unit_test(the_reconstruction_is_told_before_the_pictures),
        cmocka_unit_test(every_method_and_inversion_works),
        cmocka_unit_test(a_kept_source_is_used_again),
        cmocka_unit_test(a_picture_repeats_to_the_same_bytes),
        cmocka_unit_test(repeat_says_what_has_changed),
        cmocka_unit_test(a_recipe_names_no_place_to_write),
        cmocka_unit_test(inspect_and_bench_report),
        cmocka_unit_test(too_little_memory_is_a_number),
        cmocka_unit_test(stopping_keeps_what_is_finished),
        cmocka_unit_test(a_stopped_report_is_json),
        cmocka_unit_test(stopping_keeps_finished_targets),
        cmocka_unit_test(a_full_disk_leaves_nothing),
        cmocka_unit_test(a_full_standard_output_is_a_failure),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
