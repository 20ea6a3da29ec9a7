/* Every sampler against diffusers' schedulers with a formula for the network (vectors-*.json, tools/samplers),
 * timesteps and noise levels of the golden runs, names, and what is refused. */
#include "diffuse/sampler.h"
#include "io/weights.h"
#include "support/golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ss_ctx cx = {.fail_allocation = -1};

static void clear(void) {
    cx.status = SS_OK;
    cx.error[0] = 0;
    cx.fail_allocation = -1;
}

static json_t *read_json(const char *path) {
    json_t *json = NULL;
    if (ss_json_read(&json, &cx, path)) fail_msg("%s", cx.error);
    return json;
}

/* A run as a JSON row describes it. Releases of diffusers before 0.16 end at the least sigma; their pipelines would add
 * an offset of 1 to timesteps, which these runs do for themselves. */
static ss_sampling *open_run(const char *name, const json_t *run, int64_t count, bool old_release) {
    json_t *settings = json_object_get(run, "settings");
    ss_sampler_options options = {0};
    ss_schedule schedule;
    ss_sampling *s = NULL;
    const json_t *steps = json_object_get(run, "steps"), *eta = json_object_get(run, "eta");
    const ss_sampler *sampler =
        ss_sampler_for(&options, &cx, json_string_value(json_object_get(run, "scheduler")), settings);
    if (!sampler) fail_msg("%s: %s", name, cx.error);
    if (old_release) options.final_sigma = SS_FINAL_LEAST;
    options.eta = json_number_value(eta);
    assert_int_equal(ss_schedule_read(&schedule, &cx, (ss_object){settings, name}), SS_OK);
    schedule.steps_offset = (int)json_integer_value(json_object_get(settings, "steps_offset"));
    size_t calls = json_array_size(json_object_get(run, "timesteps"));
    int n = steps ? (int)json_integer_value(steps) : ss_sampler_steps(sampler, (int)calls);
    if (ss_sampling_new(&s, &cx, sampler, &schedule, n, &options, count)) fail_msg("%s: %s", name, cx.error);
    assert_int_equal(ss_sampling_calls(s), calls);
    return s;
}

/* Where a method looks between two levels, diffusers' list of sigmas has the level behind. */
static bool looks_between(const json_t *run) {
    return !strncmp(json_string_value(json_object_get(run, "scheduler")), "KDPM2", 5);
}

static void same_levels(const char *name, const ss_sampling *s, const json_t *run) {
    const json_t *times = json_object_get(run, "timesteps"), *sigmas = json_object_get(run, "sigmas");
    int calls = ss_sampling_calls(s);
    /* Timesteps of given sigmas are interpolated, by diffusers in float32. */
    bool found =
        looks_between(run) || json_is_true(json_object_get(json_object_get(run, "settings"), "use_karras_sigmas"));
    double tolerance = found ? 1e-4 : 0;
    for (int i = 0; i < calls; i++) {
        double want = json_number_value(json_array_get(times, (size_t)i)), got = ss_sampling_time(s, i);
        if (!(fabs(got - want) <= tolerance + 1e-7 * want))
            fail_msg("%s: timestep %d is %.9g, not %.9g", name, i, got, want);
    }
    for (int i = 0; i <= calls && sigmas; i += looks_between(run) ? 2 : 1) {
        double want = json_number_value(json_array_get(sigmas, (size_t)i)), got = ss_sampling_sigma(s, i);
        if (!(fabs(got - want) <= 1e-6 * want)) fail_msg("%s: sigma %d is %.9g, not %.9g", name, i, got, want);
    }
    double want = json_number_value(json_object_get(run, "init_noise_sigma"));
    assert_true(fabs(ss_sampling_init_sigma(s) - want) <= 1e-6 * want);
}

static double distance(const float *a, const float *b, int64_t n) {
    double d = 0;
    for (int64_t i = 0; i < n; i++) d += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sqrt(d);
}

static void network(float *y, const float *x, float t, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = 0.3f * x[i] + sinf(t / 100) + 0.1f * cosf((float)i);
}

/* Relative to the larger of a call's ends: where sigma falls far, float32 leaves the small end that uncertain. The
 * limit is a few units in the last place, in diffusers' arithmetic as in ours. */
static void check_trajectory(const char *name, ss_sampling *s, const float *states, int64_t n, uint64_t seed) {
    enum { MOST = 64 };
    float x[MOST], input[MOST], out[MOST], zero[MOST] = {0};
    ss_rng noise;
    assert_true(n <= MOST);
    ss_rng_seed(&noise, seed + 1);
    memcpy(x, states, (size_t)n * sizeof *x);
    for (int i = 0; i < ss_sampling_calls(s); i++) {
        ss_sampling_scale_input(s, i, input, x);
        network(out, input, ss_sampling_time(s, i), n);
        assert_int_equal(ss_sampling_step(s, &cx, i, x, out, &noise), SS_OK);
        const float *before = states + i * n, *want = before + n;
        double size = fmax(distance(before, zero, n), distance(want, zero, n));
        double e = distance(x, want, n) / size;
        if (!(e <= 1e-6))
            fail_msg("%s: after call %d of %d the latents are off by %.2g", name, i + 1, ss_sampling_calls(s), e);
    }
}

static void check_vectors(const char *release) {
    char path[4096];
    snprintf(path, sizeof path, SELFSAME_SOURCE_DIR "/tests/diffuse/vectors-%s.json", release);
    json_t *info = read_json(path), *run;
    snprintf(path, sizeof path, SELFSAME_SOURCE_DIR "/tests/diffuse/vectors-%s.safetensors", release);
    ss_weights *arrays = NULL;
    assert_int_equal(ss_weights_open(&arrays, &cx, path), SS_OK);
    int64_t n = json_integer_value(json_object_get(info, "count"));
    const char *name;
    int runs = 0;
    json_object_foreach(json_object_get(info, "runs"), name, run) {
        const ss_stored *states = ss_weights_find(arrays, name);
        assert_non_null(states);
        float *copy = malloc(states->bytes);
        assert_non_null(copy);
        memcpy(copy, states->data, states->bytes);
        ss_sampling *s = open_run(name, run, n, !strcmp(release, "0.15.0"));
        same_levels(name, s, run);
        check_trajectory(name, s, copy, n, (uint64_t)json_integer_value(json_object_get(info, "seed")));
        ss_sampling_free(s);
        free(copy);
        runs++;
    }
    assert_true(runs > 40);
    ss_weights_close(arrays);
    json_decref(info);
}

static void as_diffusers_0_15(void **state) {
    (void)state;
    check_vectors("0.15.0");
}

static void as_diffusers_0_27(void **state) {
    (void)state;
    check_vectors("0.27.2");
}

/* Timesteps and noise levels of the runs that the whole model is compared with elsewhere. */
static void golden_levels(void **state) {
    (void)state;
    static const char *const files[] = {GOLDEN_DIR "/samplers/samplers.json",
                                        SELFSAME_SOURCE_DIR "/tests/diffuse/newer.json"};
    for (int f = 0; f < SS_COUNT_OF(files); f++) {
        json_t *info = read_json(files[f]), *run;
        const char *name;
        int runs = 0;
        json_object_foreach(json_object_get(info, "runs"), name, run) {
            ss_sampling *s = open_run(name, run, 1, f == 0);
            same_levels(name, s, run);
            ss_sampling_free(s);
            runs++;
        }
        assert_true(runs >= 19);
        json_decref(info);
    }
}

/* spec: A(0) 0.99914998, A(981) 0.00577550, A(999) 0.00466010; sigma(0) 0.02916753, sigma(999) 14.614645 */
static void schedule_table(void **state) {
    (void)state;
    ss_schedule s = ss_schedule_default();
    ss_schedule_fill(&s);
    assert_true(s.alpha[0] == 0.99914998f);
    assert_true(fabs(s.alpha[981] - 0.00577550) < 5e-9);
    assert_true(fabs(s.alpha[999] - 0.00466010) < 5e-9);
    assert_true(fabs(s.sigma[0] - 0.02916753) < 5e-9);
    assert_true(fabs(s.sigma[999] - 14.614647) < 5e-6);
    assert_true(ss_schedule_alpha(&s, -1) == s.alpha[0]);
    s.set_alpha_to_one = true;
    assert_true(ss_schedule_alpha(&s, -1) == 1);
    assert_true(fabs(ss_schedule_time_of(&s, ss_schedule_sigma_at(&s, 321)) - 321) < 1e-3);
}

static void schedule_from_json(void **state) {
    (void)state;
    static const struct {
        const char *json, *sentence;
    } rows[] = {
        {"{\"prediction_type\": \"flow\"}",
         "c.json: prediction_type is \"flow\"; this program knows epsilon, v_prediction or"},
        {"{\"beta_schedule\": \"sigmoid\"}",
         "beta_schedule is \"sigmoid\"; this program knows scaled_linear or linear"},
        {"{\"timestep_spacing\": \"even\"}", "knows leading, linspace or trailing"},
        {"{\"num_train_timesteps\": 4000}", "num_train_timesteps is 4000; Stable Diffusion was trained on 1000"},
        {"{\"beta_start\": -1}", "beta goes from -1 to 0.012"},
        {"{\"beta_end\": \"x\"}", "\"beta_end\" is a text"},
    };
    ss_schedule s;
    for (int i = 0; i < SS_COUNT_OF(rows); i++) {
        json_t *json = json_loads(rows[i].json, 0, NULL);
        assert_true(ss_schedule_read(&s, &cx, (ss_object){json, "c.json"}) != SS_OK);
        if (!strstr(cx.error, rows[i].sentence)) fail_msg("\"%s\" does not say \"%s\"", cx.error, rows[i].sentence);
        clear();
        json_decref(json);
    }
    assert_int_equal(ss_schedule_read(&s, &cx, (ss_object){NULL, "none"}), SS_OK);
    assert_true(s.steps_offset == 1 && s.prediction == SS_PREDICT_EPSILON && s.alpha[0] == 0.99914998f);
}

/* ------------------------------------------------------------------------------------------------ inversion, img2img
 */

static ss_sampling *sampling(const ss_sampler *sampler, int steps, int64_t count) {
    ss_schedule schedule = ss_schedule_default();
    ss_sampling *s = NULL;
    assert_non_null(sampler);
    ss_schedule_fill(&schedule);
    assert_int_equal(ss_sampling_new(&s, &cx, sampler, &schedule, steps, &(ss_sampler_options){0}, count), SS_OK);
    return s;
}

/* One number through the formulas of the original, in float64. */
static void inversion(void **state) {
    (void)state;
    ss_schedule schedule = ss_schedule_default();
    ss_schedule_fill(&schedule);
    ss_sampling *s = sampling(ss_sampler_inversion(), 20, 1);
    float x = 0.7f, e;
    double z = 0.7f;
    for (int i = 0; i < 20; i++) {
        int there = 50 * i + 1, here = there - 50;
        assert_true(ss_sampling_time(s, i) == (float)there);
        e = 0.3f * x + sinf((float)there / 100);
        double a = schedule.alpha[here < 0 ? 0 : here], b = schedule.alpha[there];
        z = sqrt(b) * (z - sqrt(1 - a) * e) / sqrt(a) + sqrt(1 - b) * e;
        assert_int_equal(ss_sampling_step(s, &cx, i, &x, &e, NULL), SS_OK);
        assert_true(fabs(x - z) < 2e-6 * fabs(z));
    }
    ss_sampling_free(s);
}

/* A network that looks at the timestep alone is inverted exactly: there and back. */
static void inversion_and_back(void **state) {
    (void)state;
    ss_sampling *up = sampling(ss_sampler_inversion(), 10, 1), *down = sampling(ss_sampler_find(&cx, "ddim"), 10, 1);
    float x = 0.7f, e;
    for (int i = 0; i < 10; i++) {
        e = sinf(ss_sampling_time(up, i) / 100);
        assert_int_equal(ss_sampling_step(up, &cx, i, &x, &e, NULL), SS_OK);
    }
    for (int i = 0; i < 10; i++) {
        e = sinf(ss_sampling_time(down, i) / 100);
        assert_int_equal(ss_sampling_step(down, &cx, i, &x, &e, NULL), SS_OK);
    }
    assert_true(fabsf(x - 0.7f) < 1e-5f);
    ss_sampling_free(up);
    ss_sampling_free(down);
}

/* spec 6.6: of n steps, min(int(n strength), n) are drawn; the first is at the noise that is put on the picture. */
static void starts_of_img2img(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double strength;
        int first;
        float time;
    } rows[] = {
        {"ddim", 0.6, 4, 501},  {"ddim", 1, 0, 901},    {"ddim", 0.01, 9, 1},   {"ddim", 0.79, 3, 601},
        {"pndm", 0.75, 3, 701}, {"heun", 0.5, 10, 444}, {"dpm2", 0.5, 10, 444}, {"euler", 0.5, 5, 444},
    };
    for (int i = 0; i < SS_COUNT_OF(rows); i++) {
        ss_sampling *s = sampling(ss_sampler_find(&cx, rows[i].name), 10, 2);
        int first = ss_sampling_first_call(s, rows[i].strength);
        assert_int_equal(first, rows[i].first);
        assert_true(ss_sampling_time(s, first) == rows[i].time);
        ss_sampling_free(s);
    }
    float x[2];
    ss_sampling *s = sampling(ss_sampler_find(&cx, "ddim"), 10, 2);
    ss_sampling_add_noise(s, 4, x, (float[]){1, 0}, (float[]){0, 1});
    ss_schedule schedule = ss_schedule_default();
    ss_schedule_fill(&schedule);
    assert_true(fabs(x[0] - sqrt(schedule.alpha[501])) < 1e-6 && fabs(x[1] - sqrt(1 - schedule.alpha[501])) < 1e-6);
    ss_sampling_free(s);
    s = sampling(ss_sampler_find(&cx, "euler"), 10, 2);
    ss_sampling_add_noise(s, 5, x, (float[]){1, 0}, (float[]){0, 1});
    assert_true(x[0] == 1 && x[1] == ss_sampling_sigma(s, 5));
    ss_sampling_free(s);
}

/* Whatever step a run begins at, a perfect network (x is x_0 + sigma e with both fixed) leads to x_0 through samplers
 * that end at sigma 0, and through the others to x_0 with the noise that is left. */
static void runs_from_the_middle(void **state) {
    (void)state;
    static const char *const names[] = {"ddim",     "euler",         "heun",     "lms",   "dpm2", "dpm++ 2m",
                                        "dpm++ 3m", "dpm++ 2m heun", "dpm++ 2s", "unipc", "deis"};
    for (int k = 0; k < SS_COUNT_OF(names); k++) {
        for (int first_step = 0; first_step < 10; first_step++) {
            ss_sampling *s = sampling(ss_sampler_find(&cx, names[k]), 10, 1);
            float x, x0 = 0.3f, e = -0.8f;
            int first = ss_sampling_first_call(s, 1 - first_step / 10. + 1e-9);
            assert_int_equal(ss_sampling_step_of(s, first), first_step);
            ss_sampling_add_noise(s, first, &x, &x0, &e);
            for (int i = first; i < ss_sampling_calls(s); i++)
                assert_int_equal(ss_sampling_step(s, &cx, i, &x, &e, NULL), SS_OK);
            double left = ss_sampling_sigma(s, ss_sampling_calls(s));
            double want = ss_sampling_init_sigma(s) > 1 ? x0 + left * e : (x0 + left * e) / sqrt(left * left + 1);
            if (!(fabs(x - want) < 2e-5)) fail_msg("%s from step %d: %.9g, not %.9g", names[k], first_step, x, want);
            ss_sampling_free(s);
        }
    }
}

/* ------------------------------------------------------------------------------------------------ names, refusals */

static void names(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"DDIM", "ddim"},
        {"plms", "pndm"},
        {"Euler a", "euler a"},
        {"euler_ancestral", "euler a"},
        {"dpm++2m", "dpm++ 2m"},
        {"DPM++ 2M Karras", "dpm++ 2m"},
        {"dpmpp_2m", "dpm++ 2m"},
        {"k_dpmpp_2m_sde", "dpm++ 2m sde"},
        {"DPM2 a Karras", "dpm2 a"},
        {"UniPC", "unipc"},
        {"LMSDiscreteScheduler", "lms"},
        {"DPM++ 2M SDE", "dpm++ 2m sde"},
    };
    for (int i = 0; i < SS_COUNT_OF(rows); i++) {
        const ss_sampler *s = ss_sampler_find(&cx, rows[i][0]);
        if (!s) fail_msg("%s", cx.error);
        assert_string_equal(ss_sampler_name(s), rows[i][1]);
    }
    int count = 0;
    for (const char *const *name = ss_sampler_names(); *name; name++, count++) {
        const ss_sampler *s = ss_sampler_find(&cx, *name);
        assert_non_null(s);
        assert_string_equal(ss_sampler_name(s), *name);
        assert_ptr_equal(ss_sampler_find(&cx, ss_sampler_webui_name(s)), s);
    }
    assert_int_equal(count, 17);
    assert_true(ss_sampler_wants_karras("DPM++ 2M Karras") && !ss_sampler_wants_karras("DPM++ 2M"));
    assert_string_equal(ss_sampler_of_class("HeunDiscreteScheduler"), "heun");
    assert_string_equal(ss_sampler_of_class("FlowMatch"), "ddim");

    assert_null(ss_sampler_find(&cx, "eular"));
    assert_string_equal(cx.error, "there is no sampler \"eular\"; did you mean \"euler\"?");
    clear();
    assert_null(ss_sampler_find(&cx, "ddim inversion")); /* nobody draws with it */
    clear();
}

static void schedulers_that_are_not_known(void **state) {
    (void)state;
    static const struct {
        const char *class_name, *settings, *sentence;
    } rows[] = {
        {"FlowMatchScheduler", "{}", "scheduler class \"FlowMatchScheduler\" is not known"},
        {"DPMSolverMultistepScheduler", "{\"algorithm_type\": \"dpmsolver\"}", "algorithm \"dpmsolver\" is not known"},
        {"DPMSolverMultistepScheduler", "{\"solver_order\": 5}", "a solver of order 5"},
        {"DPMSolverMultistepScheduler", "{\"final_sigmas_type\": \"half\"}", "final_sigmas_type is \"half\""},
        {"EulerDiscreteScheduler", "{\"use_karras_sigmas\": 1}", "not true or false"},
    };
    for (int i = 0; i < SS_COUNT_OF(rows); i++) {
        json_t *settings = json_loads(rows[i].settings, 0, NULL);
        ss_sampler_options options = {0};
        assert_null(ss_sampler_for(&options, &cx, rows[i].class_name, settings));
        if (!strstr(cx.error, rows[i].sentence)) fail_msg("\"%s\" does not say \"%s\"", cx.error, rows[i].sentence);
        clear();
        json_decref(settings);
    }
}

static void options_that_make_no_sense(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int steps, offset;
        ss_sampler_options options;
        const char *sentence;
    } rows[] = {
        {"ddim", 0, 1, {.eta = 0}, "0 steps: sampler \"ddim\" takes 1 to 1000"},
        {"ddim", 1001, 1, {.eta = 0}, "1001 steps"},
        {"lcm", 51, 1, {.eta = 0}, "sampler \"lcm\" takes 1 to 50"},
        {"dpm++ 2m", 1000, 1, {.eta = 0}, "1000 steps are more than the training's 1000 timesteps have room for"},
        {"ddim", 10, 1, {.karras = true}, "does not take Karras' noise levels"},
        {"euler", 10, 1, {.eta = 0.5}, "eta 0.5: sampler \"euler\" has no such setting"},
        {"ddim", 10, 1, {.eta = 2}, "eta 2: it goes from 0 to 1"},
        {"ddim", 10, 200, {.eta = 0}, "10 steps with an offset of 200 start at timestep 1100"},
    };
    for (int i = 0; i < SS_COUNT_OF(rows); i++) {
        ss_schedule schedule = ss_schedule_default();
        ss_sampling *s = NULL;
        schedule.steps_offset = rows[i].offset;
        ss_schedule_fill(&schedule);
        assert_int_equal(
            ss_sampling_new(&s, &cx, ss_sampler_find(&cx, rows[i].name), &schedule, rows[i].steps, &rows[i].options, 4),
            SS_ERR_ARG);
        if (!strstr(cx.error, rows[i].sentence)) fail_msg("\"%s\" does not say \"%s\"", cx.error, rows[i].sentence);
        assert_null(s);
        clear();
    }
    float x = 0, out = 0;
    ss_sampling *s = sampling(ss_sampler_find(&cx, "euler a"), 3, 1);
    assert_int_equal(ss_sampling_step(s, &cx, 0, &x, &out, NULL), SS_ERR_ARG);
    clear();
    ss_sampling_free(s);
}

/* Every sampler takes one step and as many as it can, and stays finite. */
static void least_and_most_steps(void **state) {
    (void)state;
    for (const char *const *name = ss_sampler_names(); *name; name++) {
        const int most = !strcmp(*name, "lcm") ? 50 : 999;
        const int steps[] = {1, most};
        for (int k = 0; k < 2; k++) {
            ss_sampling *s = sampling(ss_sampler_find(&cx, *name), steps[k], 1);
            ss_rng noise;
            ss_rng_seed(&noise, 1);
            float x = ss_sampling_init_sigma(s), in, out;
            for (int i = 0; i < ss_sampling_calls(s); i++) {
                ss_sampling_scale_input(s, i, &in, &x);
                network(&out, &in, ss_sampling_time(s, i), 1);
                assert_int_equal(ss_sampling_step(s, &cx, i, &x, &out, &noise), SS_OK);
                if (!isfinite(x)) fail_msg("%s: not finite after call %d of %d", *name, i + 1, ss_sampling_calls(s));
            }
            ss_sampling_free(s);
        }
    }
}

static void memory_runs_out(void **state) {
    (void)state;
    static const char *const some[] = {"ddim", "pndm", "dpm2 a", "unipc"};
    ss_schedule schedule = ss_schedule_default();
    ss_schedule_fill(&schedule);
    for (int k = 0; k < SS_COUNT_OF(some); k++) {
        const ss_sampler *sampler = ss_sampler_find(&cx, some[k]);
        ss_status st = SS_ERR_NOMEM;
        for (int64_t n = 0; st; n++) {
            ss_sampling *s = NULL;
            clear();
            cx.fail_allocation = n;
            st = ss_sampling_new(&s, &cx, sampler, &schedule, 5, &(ss_sampler_options){0}, 8);
            if (st)
                assert_int_equal(st, SS_ERR_NOMEM);
            else
                assert_true(n > 2);
            ss_sampling_free(s);
        }
        clear();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_diffusers_0_15),
        cmocka_unit_test(as_diffusers_0_27),
        cmocka_unit_test(golden_levels),
        cmocka_unit_test(schedule_table),
        cmocka_unit_test(schedule_from_json),
        cmocka_unit_test(inversion),
        cmocka_unit_test(inversion_and_back),
        cmocka_unit_test(starts_of_img2img),
        cmocka_unit_test(runs_from_the_middle),
        cmocka_unit_test(names),
        cmocka_unit_test(schedulers_that_are_not_known),
        cmocka_unit_test(options_that_make_no_sense),
        cmocka_unit_test(least_and_most_steps),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
