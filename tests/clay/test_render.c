/* Pictures: the same bits for every tracer, thread count, compiler and library; masks and keypoints that fit them. */
#include "clay/render.h"
#include "clay/trace.h"

#include <stdio.h>

#include "clay/scenes.h"
#include "io/hash.h"

enum { MOST = 96 };

typedef struct drawn {
    uint8_t rgb[MOST * MOST * 3], mask[MOST * MOST];
    ss_clay_keypoint k[SS_CLAY_KEYPOINTS];
} drawn;

static void draw(drawn *d, const ss_clay_scene *s, int size, int samples, int threads) {
    ss_ctx cx = context();
    cx.threads = threads;
    ss_clay_picture p = {.size = size, .samples = samples, .rgb = d->rgb, .mask = d->mask, .keypoints = d->k};
    if (ss_clay_render(&cx, s, &p)) fail_msg("%s", cx.error);
}

static void hash_of(char hex[SS_HASH_TEXT], const drawn *d, int size) {
    ss_ctx cx = context();
    ss_hash *h = NULL;
    assert_int_equal(ss_hash_new(&h, &cx), SS_OK);
    ss_hash_add(h, d->rgb, (size_t)size * (size_t)size * 3);
    ss_hash_add(h, d->mask, (size_t)size * (size_t)size);
    ss_hash_text(h, hex);
    ss_hash_free(h);
    hex[16] = 0;
}

/* Every species, place, marking, accessory and action is in one of these. */
static ss_clay_scene one_of_each(int i) {
    static const char *const hours[] = {"day",   "day",   "sunset", "night", "day", "night",
                                        "night", "night", "day",    "day",   "day", "sunset"};
    ss_clay_request q = {.seed = 100 + (uint64_t)i};
    q.word[SS_CLAY_SPECIES] = ss_clay_words(SS_CLAY_SPECIES)[i];
    q.word[SS_CLAY_PLACE] = ss_clay_words(SS_CLAY_PLACE)[i];
    q.word[SS_CLAY_TIME] = hours[i];
    q.word[SS_CLAY_MARKING] = ss_clay_words(SS_CLAY_MARKING)[i % MARKINGS];
    q.word[SS_CLAY_ACCESSORY] = ss_clay_words(SS_CLAY_ACCESSORY)[i % ACCESSORIES];
    if (can(i, i % ACTIONS)) q.word[SS_CLAY_ACTION] = ss_clay_words(SS_CLAY_ACTION)[i % ACTIONS];
    return scene_of(&q, 0);
}

static void pictures_stay_what_they_were(void **state) {
    (void)state;
    static const char *const want[SPECIES] = {
        "51173d290bed577d", "f1d977d6917c68e9", "c9274932c1455a2e", "b9827078e92b9697",
        "b984898619957c06", "7a053364ea2f6e31", "ca6f9b17cefb6023", "5a7dffc81856d844",
        "659b2328f02b2967", "5519a8a067b1e29c", "ed46ff17c7126a98", "fa789b712889438a",
    };
    static const char *const small_want = "d9bc3d125bbe902a";
    drawn d;
    char hex[SS_HASH_TEXT];
    for (int i = 0; i < SPECIES; i++) {
        ss_clay_scene s = one_of_each(i);
        draw(&d, &s, 48, 1, 2);
        hash_of(hex, &d, 48);
        if (strcmp(hex, want[i])) fail_msg("the %s is %s now", ss_clay_words(SS_CLAY_SPECIES)[i], hex);
    }
    ss_clay_scene s = scene_of(&(ss_clay_request){.seed = 1, .small = true}, 0);
    draw(&d, &s, 64, 2, 2);
    hash_of(hex, &d, 64);
    if (strcmp(hex, small_want)) fail_msg("the small world's first is %s now", hex);
}

static bool runs(int tracer) {
    (void)tracer;
#ifdef SS_X86
    if (tracer == 1) return __builtin_cpu_supports("avx2");
    if (tracer == 2)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    return tracer == 0;
}

static void all_tracers_see_the_same(void **state) {
    (void)state;
#ifdef SS_X86
    static trace_fn *const tracers[] = {ss_clay_trace_portable, ss_clay_trace_avx2, ss_clay_trace_avx512};
#else
    static trace_fn *const tracers[] = {ss_clay_trace_portable};
#endif
    stage *s = malloc(sizeof *s);
    for (int i = 0; i < SPECIES; i++) {
        ss_clay_scene scene = one_of_each(i);
        ss_clay_compose(s, &scene);
        for (int y = 0; y < 48; y += TILE)
            for (int x = y / TILE % 2 * TILE; x < 48; x += 2 * TILE) {
                seen first, other;
                tracers[0](&first, s, x, y, 48, 1);
                for (int t = 1; t < SS_COUNT_OF(tracers); t++) {
                    if (!runs(t)) continue;
                    tracers[t](&other, s, x, y, 48, 1);
                    if (memcmp(&first, &other, sizeof first)) fail_msg("tracer %d, scene %d, at %d, %d", t, i, x, y);
                }
            }
    }
    free(s);
}

static void threads_do_not_show(void **state) {
    (void)state;
    drawn one = {0}, more = {0};
    ss_clay_scene s = scene_of(&(ss_clay_request){.seed = 8}, 2);
    for (int samples = 1; samples < 3; samples++) {
        draw(&one, &s, 32, samples, 1);
        for (int threads = 2; threads < 5; threads++) {
            draw(&more, &s, 32, samples, threads);
            assert_memory_equal(&one, &more, sizeof one);
        }
    }
}

/* Larger pictures and more samples show the same thing. */
static void sizes_show_the_same(void **state) {
    (void)state;
    static drawn small, large;
    ss_clay_scene s = scene_of(&(ss_clay_request){.seed = 31, .small = true}, 4);
    draw(&small, &s, 48, 2, 2);
    draw(&large, &s, 96, 1, 2);
    double difference = 0;
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 48; x++) {
            int at = 2 * y * 96 + 2 * x, mean = 0;
            for (int i = 0; i < 4; i++) mean += large.rgb[3 * (at + i / 2 * 96 + i % 2) + 1];
            difference += abs(small.rgb[3 * (y * 48 + x) + 1] - mean / 4);
        }
    assert_true(difference / (48 * 48) < 2);
    for (int i = 0; i < SS_CLAY_KEYPOINTS; i++) {
        assert_true(large.k[i].x > 2 * small.k[i].x - 0.01f && large.k[i].x < 2 * small.k[i].x + 0.01f);
        assert_true(large.k[i].depth == small.k[i].depth);
    }
}

/* Within two pixels of (x, y): is there any of the subject? */
static bool near_subject(const drawn *d, int size, float x, float y) {
    for (int v = (int)y - 2; v <= (int)y + 2; v++)
        for (int u = (int)x - 2; u <= (int)x + 2; u++)
            if (u >= 0 && v >= 0 && u < size && v < size && d->mask[v * size + u]) return true;
    return false;
}

static void keypoints_lie_in_the_mask(void **state) {
    (void)state;
    enum { SIZE = 64 };
    static drawn d;
    int visible = 0, hidden = 0;
    for (int i = 0; i < 2 * SPECIES; i++) {
        ss_clay_request q = {.seed = 50 + (uint64_t)i,
                             .word = {[SS_CLAY_SPECIES] = ss_clay_words(SS_CLAY_SPECIES)[i / 2]}};
        ss_clay_scene s = scene_of(&q, 1);
        draw(&d, &s, SIZE, 1, 2);
        for (int j = 0; j < SS_CLAY_KEYPOINTS; j++) {
            ss_clay_keypoint k = d.k[j];
            if (k.seen == SS_CLAY_ABSENT) continue;
            assert_true(k.x >= 0 && k.x < SIZE && k.y >= 0 && k.y < SIZE && k.depth > 1);
            if (k.seen == SS_CLAY_VISIBLE && !near_subject(&d, SIZE, k.x, k.y))
                fail_msg("keypoint %d of a %s is seen at %.1f, %.1f, where nothing is", j,
                         ss_clay_words(SS_CLAY_SPECIES)[i / 2], (double)k.x, (double)k.y);
            visible += k.seen == SS_CLAY_VISIBLE, hidden += k.seen == SS_CLAY_HIDDEN;
        }
    }
    assert_true(visible > 200 && hidden > 20);
}

/* The doll looks at us: its left is at our right, its head above its hips above its feet. */
static void keypoints_are_where_they_should_be(void **state) {
    (void)state;
    ss_clay_request q = {.seed = 5,
                         .word = {[SS_CLAY_SPECIES] = "doll", [SS_CLAY_VIEW] = "front", [SS_CLAY_ACTION] = "standing"}};
    drawn d;
    ss_clay_scene s = scene_of(&q, 0);
    draw(&d, &s, 64, 1, 2);
    static const int right[] = {2, 3, 4, 8, 9, 10, 14, 16}, left[] = {5, 6, 7, 11, 12, 13, 15, 17};
    for (int i = 0; i < SS_COUNT_OF(right); i++) assert_true(d.k[right[i]].x < d.k[left[i]].x);
    assert_true(d.k[0].y < d.k[1].y && d.k[1].y < d.k[8].y && d.k[8].y < d.k[9].y && d.k[9].y < d.k[10].y);
    assert_int_equal(d.k[0].seen, SS_CLAY_VISIBLE);
    assert_int_equal(d.k[SS_CLAY_TAIL_TIP].seen, SS_CLAY_ABSENT);
}

/* Another individual of the same parts changes pixels of the subject, and of its shadow, but not the sky. */
static void masks_are_the_subject(void **state) {
    (void)state;
    enum { SIZE = 64 };
    static drawn red, blue;
    ss_clay_scene s = scene_of(&(ss_clay_request){.seed = 12, .small = true}, 0);
    s.id.color = RED;
    draw(&red, &s, SIZE, 1, 2);
    s.id.color = BLUE;
    draw(&blue, &s, SIZE, 1, 2);
    assert_memory_equal(red.mask, blue.mask, SIZE * SIZE);
    int inside = 0, changed = 0;
    for (int i = 0; i < SIZE * SIZE; i++) {
        bool other = memcmp(red.rgb + 3 * i, blue.rgb + 3 * i, 3) != 0;
        if (!red.mask[i]) assert_false(other);
        assert_true(red.mask[i] == 0 || red.mask[i] == 255); /* one sample: all or nothing */
        inside += red.mask[i] != 0, changed += other;
    }
    assert_in_range(inside, SIZE * SIZE / 10, SIZE * SIZE / 2);
    assert_in_range(changed, inside / 2, inside);
}

static void nonsense_is_refused(void **state) {
    (void)state;
    ss_clay_scene s = scene_of(&(ss_clay_request){.seed = 1}, 0);
    static const struct {
        int size, samples;
        const char *sentence;
    } wrong[] = {{0, 1, "not 0"},       {12, 1, "not 12"},  {66, 1, "multiples of 4, not 66"},
                 {8192, 1, "not 8192"}, {64, -1, "not -1"}, {64, 9, "1 to 8 samples"}};
    for (int i = 0; i < SS_COUNT_OF(wrong); i++) {
        ss_ctx cx = context();
        ss_clay_picture p = {.size = wrong[i].size, .samples = wrong[i].samples};
        assert_int_equal(ss_clay_render(&cx, &s, &p), SS_ERR_ARG);
        assert_sentence(&cx, wrong[i].sentence);
    }
    ss_ctx cx = context();
    s.place = -1;
    assert_int_equal(ss_clay_render(&cx, &s, &(ss_clay_picture){.size = 16}), SS_ERR_ARG);
    assert_sentence(&cx, "place is number -1");
    s.place = 0, s.yaw = 0.0f / 0.0f;
    cx = context();
    assert_int_equal(ss_clay_render(&cx, &s, &(ss_clay_picture){.size = 16}), SS_ERR_ARG);
    s.yaw = 0;
    cx = context();
    cx.fail_allocation = 0;
    assert_int_equal(ss_clay_render(&cx, &s, &(ss_clay_picture){.size = 16}), SS_ERR_NOMEM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_stay_what_they_were), cmocka_unit_test(all_tracers_see_the_same),
        cmocka_unit_test(threads_do_not_show),          cmocka_unit_test(sizes_show_the_same),
        cmocka_unit_test(keypoints_lie_in_the_mask),    cmocka_unit_test(keypoints_are_where_they_should_be),
        cmocka_unit_test(masks_are_the_subject),        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
