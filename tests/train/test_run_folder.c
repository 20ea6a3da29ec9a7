/* What a run leaves to look at: lines, pictures, a page; taken up again where the state says. */
#include "train/run_folder.h"

#include "io/json.h"
#include "train/photos.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static json_t *settings(void) {
    return json_pack("{s:s, s:i, s:f, s:b, s:[{s:s}]}", "recipe", "selfsame", "steps", 4, "rate", 4e-5, "still", 0,
                     "concepts", "prompt", "photo of a <new1> \"dog\" & co");
}

static ss_run_folder *opened(ss_ctx *cx, const char *path, bool resume, int64_t done) {
    json_t *about = settings();
    ss_run_folder *f = NULL;
    if (ss_run_folder_open(&f, cx, path, about, 4, resume, done)) fail_msg("%s", cx->error);
    json_decref(about);
    return f;
}

static void step(ss_run_folder *f, ss_ctx *cx, int64_t k) {
    ss_run_step s = {.step = k,
                     .loss = 1.0 / (double)k,
                     .smoothed = 2.0 / (double)k,
                     .rate = 4e-5,
                     .norm = 0.5,
                     .seconds = 7.5,
                     .memory = 3000000000u};
    assert_int_equal(ss_run_folder_step(f, cx, &s), SS_OK);
}

static void sample(ss_run_folder *f, ss_ctx *cx, int64_t k, int number, const char *copy_of) {
    ss_image im = made_picture(300, 200, (uint64_t)(10 * k + number));
    ss_run_sample s = {.step = k,
                       .number = number,
                       .seed = 7,
                       .caption = "a <new1> dog\non a wall",
                       .text = 0.3125,
                       .image = NAN,
                       .likeness = 0.5,
                       .copy_of = copy_of};
    assert_int_equal(ss_run_folder_sample(f, cx, &s, &im), SS_OK);
    ss_image_free(&im);
}

static char *text_of(const char *path) {
    size_t n;
    char *text = slurp(path, &n);
    text[n] = 0;
    return text;
}

static void has(const char *text, const char *part) {
    if (!strstr(text, part)) fail_msg("\"%s\" is not in \"%.3000s\"", part, text);
}

static void has_not(const char *text, const char *part) {
    if (strstr(text, part)) fail_msg("\"%s\" is there", part);
}

static void writes_lines_pictures_and_a_page(void **state) {
    (void)state;
    char *dir = made_dir(), *run = strdup(made_path(dir, "runs/one"));
    ss_ctx cx = context();
    ss_run_folder *f = opened(&cx, run, false, 0);
    sample(f, &cx, 0, 0, NULL);
    for (int k = 1; k <= 2; k++) step(f, &cx, k);
    sample(f, &cx, 2, 0, NULL);
    sample(f, &cx, 2, 1, "photos/a&b.png");
    assert_int_equal(ss_run_folder_note(f, &cx, 2, "sample 2 copies <a>"), SS_OK);
    assert_int_equal(ss_run_folder_page(f, &cx, false), SS_OK);

    /* Every line is JSON of its own. */
    char *log = text_of(made_path(run, "log.jsonl")), *line = strtok(log, "\n");
    int lines = 0, losses = 0, samples = 0;
    for (; line; line = strtok(NULL, "\n"), lines++) {
        json_t *one = NULL;
        assert_int_equal(ss_json_parse(&one, &cx, "line", line, strlen(line)), SS_OK);
        losses += json_object_get(one, "loss") != NULL;
        const char *file = json_string_value(json_object_get(one, "sample"));
        if (file) {
            ss_image im = {0};
            assert_int_equal(ss_image_read(&im, &cx, made_path(run, "%s", file)), SS_OK);
            assert_true(im.w == 300 && im.h == 200);
            ss_image_free(&im);
            assert_null(json_object_get(one, "image")); /* not measured */
            assert_true(json_real_value(json_object_get(one, "text")) == 0.3125);
            samples++;
        }
        json_decref(one);
    }
    assert_true(lines == 6 && losses == 2 && samples == 3);
    free(log);

    char *page = text_of(made_path(run, "index.html"));
    has(page, "http-equiv=\"refresh\"");
    has(page, "Step 2 of 4; loss 0.5, smoothed 1; 7.50 s a step, 0 min left; 3.00 GB at most");
    has(page, "sample 2 copies &lt;a&gt;");
    has(page, "a &lt;new1&gt; dog");
    has(page, "<a href=\"samples/step-000002-2.png\"><img src=\"data:image/jpeg;base64,/9j/");
    has(page, "a copy of photos/a&amp;b.png");
    has(page, "text 0.312");
    has_not(page, "image nan");
    has(page, "<th>concepts 1.prompt</th><td>photo of a &lt;new1&gt; &quot;dog&quot; &amp; co</td>");
    has(page, "<th>still</th><td>no</td>");
    has_not(page, "<new1>");
    has_not(page, "<script");
    has_not(page, "http://");
    assert_true(strstr(page, "<h3>Step 2</h3>") < strstr(page, "<h3>Step 0</h3>"));
    free(page);

    step(f, &cx, 3);
    step(f, &cx, 4);
    assert_int_equal(ss_run_folder_page(f, &cx, true), SS_OK);
    page = text_of(made_path(run, "index.html"));
    has(page, "Step 4 of 4, done; ");
    has_not(page, "refresh");
    free(page);
    ss_run_folder_close(f);

    /* Begun anew, nothing of it is left in the log. */
    f = opened(&cx, run, false, 0);
    step(f, &cx, 1);
    assert_true(f->steps == 1 && f->samples == 0);
    ss_run_folder_close(f);
    log = text_of(made_path(run, "log.jsonl"));
    assert_true(strchr(log, '\n') == strrchr(log, '\n'));
    free(log);
    free(run);
    made_dir_free(dir);
}

/* A run that was cut off and goes on leaves what one that never stopped leaves. */
static void goes_on_from_the_state(void **state) {
    (void)state;
    char *dir = made_dir(), *run[2] = {strdup(made_path(dir, "whole")), strdup(made_path(dir, "cut"))}, *log[2],
         *page[2];
    for (int cut = 0; cut < 2; cut++) {
        ss_ctx cx = context();
        ss_run_folder *f = opened(&cx, run[cut], false, 0);
        sample(f, &cx, 0, 0, NULL);
        step(f, &cx, 1);
        step(f, &cx, 2);
        sample(f, &cx, 2, 0, "photos/a.png");
        assert_int_equal(ss_run_folder_note(f, &cx, 2, "a warning"), SS_OK);
        step(f, &cx, 3);
        if (cut) {
            sample(f, &cx, 3, 0, NULL); /* the state is older than this */
            ss_run_folder_close(f);
            FILE *torn = fopen(made_path(run[cut], "log.jsonl"), "a");
            fputs("{\"step\":4,\"lo", torn);
            fclose(torn);
            f = opened(&cx, run[cut], true, 2);
            assert_true(f->steps == 2 && f->samples == 2 && f->notes == 1);
            step(f, &cx, 3);
        }
        step(f, &cx, 4);
        assert_int_equal(ss_run_folder_page(f, &cx, true), SS_OK);
        ss_run_folder_close(f);
        log[cut] = text_of(made_path(run[cut], "log.jsonl"));
        page[cut] = text_of(made_path(run[cut], "index.html"));
    }
    assert_string_equal(log[0], log[1]);
    assert_string_equal(page[0], page[1]);

    /* Pictures that somebody removed, and a log that is none. */
    ss_ctx cx = context();
    assert_int_equal(unlink(made_path(run[1], "samples/step-000002-1.png")), 0);
    ss_run_folder *f = opened(&cx, run[1], true, 4);
    assert_true(f->samples == 2 && !f->sample[1].small && f->sample[0].small);
    assert_int_equal(ss_run_folder_page(f, &cx, true), SS_OK);
    ss_run_folder_close(f);
    made_text(made_path(run[1], "log.jsonl"), "{\"step\":1}\nnothing\n");
    f = NULL;
    json_t *about = settings();
    assert_int_equal(ss_run_folder_open(&f, &cx, run[1], about, 4, true, 4), SS_ERR_FORMAT);
    assert_sentence(&cx, "line 2 of the run's log.jsonl is not valid JSON");
    json_decref(about);
    for (int i = 0; i < 2; i++) {
        free(run[i]);
        free(log[i]);
        free(page[i]);
    }
    made_dir_free(dir);
}

static void scored(ss_run_folder *f, ss_ctx *cx, int64_t k, int number, double text, double image) {
    ss_image im = made_picture(8, 8, 1);
    ss_run_sample s = {.step = k, .number = number, .caption = "a dog", .text = text, .image = image, .likeness = NAN};
    assert_int_equal(ss_run_folder_sample(f, cx, &s, &im), SS_OK);
    ss_image_free(&im);
}

/* Most like the photos, while prompts are still followed. */
static void keeps_the_best(void **state) {
    (void)state;
    char *dir = made_dir();
    ss_ctx cx = context();
    ss_run_folder *f = opened(&cx, made_path(dir, "run"), false, 0);
    assert_int_equal(ss_run_folder_best(f), 0);
    scored(f, &cx, 0, 0, 0.40, 0.9); /* the untrained model is no candidate */
    scored(f, &cx, 0, 1, 0.44, NAN);
    assert_int_equal(ss_run_folder_best(f), 0);
    scored(f, &cx, 10, 0, 0.38, 0.5); /* 0.39 is below 0.95 * 0.42 */
    scored(f, &cx, 10, 1, 0.40, NAN);
    assert_int_equal(ss_run_folder_best(f), 10); /* better than none */
    assert_true(fabs(ss_run_folder_scores(f, 10).text - 0.39) < 1e-12);
    assert_true(ss_run_folder_scores(f, 10).image == 0.5);
    scored(f, &cx, 20, 0, 0.41, 0.4);
    assert_int_equal(ss_run_folder_best(f), 20);
    scored(f, &cx, 30, 0, 0.40, 0.6);
    assert_int_equal(ss_run_folder_best(f), 30);
    scored(f, &cx, 40, 0, 0.20, 0.8); /* a photo, whatever is asked for */
    scored(f, &cx, 50, 0, 0.42, 0.6); /* no better: the earlier one stays */
    scored(f, &cx, 60, 0, NAN, NAN);
    assert_int_equal(ss_run_folder_best(f), 30);
    assert_true(isnan(ss_run_folder_scores(f, 60).text));
    assert_int_equal(ss_run_folder_page(f, &cx, true), SS_OK);
    char *page = text_of(made_path(dir, "run/index.html"));
    has(page, "<h3>Step 30</h3>\n<p class=\"quiet\">Together: <span>text 0.400</span> <span>image 0.600</span> "
              "<span>the best so far");
    assert_ptr_equal(strstr(strstr(page, "the best so far") + 1, "the best so far"), NULL);
    free(page);
    ss_run_folder_close(f);

    /* Taken up again, from the log alone. */
    f = opened(&cx, made_path(dir, "run"), true, 20);
    assert_int_equal(ss_run_folder_best(f), 20);
    ss_run_folder_close(f);
    made_dir_free(dir);
}

static void says_when_the_disk_is_full(void **state) {
    (void)state;
    if (access("/dev/full", W_OK)) skip();
    char *dir = made_dir(), *run = strdup(made_path(dir, "run"));
    ss_ctx cx = context();
    ss_run_folder *f = opened(&cx, run, false, 0);
    close(f->log);
    f->log = open("/dev/full", O_WRONLY);
    ss_run_step s = {.step = 1};
    assert_int_equal(ss_run_folder_step(f, &cx, &s), SS_ERR_FILE);
    assert_sentence(&cx, "No space left");
    ss_run_folder_close(f);
    free(run);
    made_dir_free(dir);
}

static void survives_allocation_failures(void **state) {
    (void)state;
    ss_image im = made_picture(40, 20, 1);
    json_t *about = settings();
    ss_status st;
    int n = 0;
    do {
        char *dir = made_dir();
        ss_run_folder *f = NULL;
        ss_ctx cx = context();
        ss_run_step s = {.step = 1, .loss = 1, .smoothed = 1};
        ss_run_sample k = {.step = 1, .caption = "x", .text = NAN, .image = NAN, .likeness = NAN, .copy_of = "y"};
        cx.fail_allocation = n++;
        st = ss_run_folder_open(&f, &cx, dir, about, 4, false, 0);
        if (!st) st = ss_run_folder_step(f, &cx, &s);
        if (!st) st = ss_run_folder_sample(f, &cx, &k, &im);
        if (!st) st = ss_run_folder_note(f, &cx, 1, "z");
        if (!st) st = ss_run_folder_page(f, &cx, false);
        ss_run_folder_close(f);
        f = NULL;
        if (!st) st = ss_run_folder_open(&f, &cx, dir, about, 4, true, 1);
        if (st) assert_int_equal(st, SS_ERR_NOMEM);
        ss_run_folder_close(f);
        made_dir_free(dir);
    } while (st && n < 500);
    assert_true(n > 30 && n < 500);
    json_decref(about);
    ss_image_free(&im);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_lines_pictures_and_a_page),
        cmocka_unit_test(goes_on_from_the_state),
        cmocka_unit_test(keeps_the_best),
        cmocka_unit_test(says_when_the_disk_is_full),
        cmocka_unit_test(survives_allocation_failures),
    };
    return cmocka_run_group_tests_name("run folder", tests, NULL, NULL);
}
