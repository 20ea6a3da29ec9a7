/* The readers of the shipped model: the same numbers as PyTorch gives, right on renders that nobody trained on, and
 * folders that are none.
 */
#include "score/readers.h"

#include "clay/measure.h"
#include "score/player.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/made.h"

#define SHIPPED SELFSAME_SOURCE_DIR "/models/clay/readers"

static ss_ctx *context(const char *numbers, const char *device) {
    ss_ctx *cx = NULL;
    if (ss_ctx_new(&cx, &(ss_ctx_options){.threads = 2, .numbers = numbers, .device = device})) fail_msg("no context");
    return cx;
}

static ss_readers *opened(ss_ctx *cx, const char *folder) {
    ss_readers *r = NULL;
    ss_ctx_clear(cx);
    if (ss_readers_open(&r, cx, folder)) fail_msg("%s", ss_ctx_error(cx));
    return r;
}

/* ------------------------------------------------------------------------------------------------ PyTorch's numbers */

/* Of byte (7 v + 13 u + 31 c + v u / 8) mod 256 at row v, column u and channel c, by tools/clay's networks in float32.
 */
static const float species[] = {-2.0021429f, -0.3387238f, -0.3612609f, -0.6936994f, 2.1016161f, 0.0666234f},
                   places[] = {-0.4792323f, 1.8319451f, -0.5537102f, 0.0638079f, -0.6343811f, -1.3792686f},
                   who[] = {-0.6669137f, -1.3230840f, -1.9261854f, 0.3011812f,
                            0.0697905f,  -0.5290637f, -0.7785246f, -0.9168884f},
                   mask_row_16[] = {-4.0516262f, -0.5613026f, 4.0044413f, 3.2748547f,
                                    3.3338907f,  2.0881565f,  0.1718336f, 3.2804468f};

static void compare(const char *what, const float *x, const float *want, int n) {
    for (int i = 0; i < n; i++)
        if (!(fabsf(x[i] - want[i]) < 2e-5f))
            fail_msg("%s[%d] is %.7g, not %.7g", what, i, (double)x[i], (double)want[i]);
}

/* Float noise of sums of a thousand products; the judge computes in float32 whatever the context's numbers are. */
static void numbers_are_pytorchs(void **state) {
    (void)state;
    enum { SIDE = SS_READER_SIDE };
    static float x[SIDE * SIDE * 3];
    for (int v = 0; v < SIDE; v++)
        for (int u = 0; u < SIDE; u++)
            for (int c = 0; c < 3; c++)
                x[(v * SIDE + u) * 3 + c] = (float)((7 * v + 13 * u + 31 * c + v * u / 8) % 256) / 127.5f - 1;
    static const char *const devices[] = {"cpu", "reference"};
    for (int i = 0; i < 2; i++) {
        ss_ctx *cx = context(NULL, devices[i]);
        ss_readers *r = opened(cx, SHIPPED);
        ss_tensor *in = ss_tensor_wrap(cx, x, 4, (int64_t[]){1, 3, SIDE, SIDE}), *mask = NULL;
        ss_tensor *hidden = ss_reader_attributes(cx, &r->attributes, in);
        ss_tensor *s = ss_reader_head(cx, &r->attributes, "species", hidden),
                  *p = ss_reader_head(cx, &r->attributes, "place", hidden),
                  *w = ss_reader_identity(&mask, cx, &r->identity, in);
        if (cx->status) fail_msg("%s", cx->error);
        compare("species", s->data, species, 6);
        compare("place", p->data, places, 6);
        compare("who", w->data, who, 8);
        compare("mask", mask->data + 16 * SS_READER_MASK, mask_row_16, 8);
        ss_readers_free(r);
        ss_ctx_free(cx);
    }
}

/* ------------------------------------------------------------------------------------------------ renders */

enum { SIZE = 128, AREA = SIZE * SIZE };

static ss_read look(ss_ctx *cx, const ss_readers *r, const ss_clay_scene *s, uint8_t *truth) {
    static uint8_t rgb[AREA * 3];
    ss_image im = {SIZE, SIZE, rgb};
    ss_read read = {0};
    ss_status st = ss_clay_render(cx, s, &(ss_clay_picture){.size = SIZE, .rgb = rgb, .mask = truth});
    if (!st) st = ss_readers_look(&read, cx, r, &im);
    if (st) fail_msg("%s", cx->error);
    return read;
}

/* Sixteen individuals of the bench, each in two scenes with two others in its place. */
static void right_on_renders_that_nobody_trained_on(void **state) {
    (void)state;
    enum { INDIVIDUALS = 16, PAIRS = INDIVIDUALS * SS_PLAYER_TARGETS };
    static const ss_clay_part parts[] = {SS_CLAY_SPECIES, SS_CLAY_COLOR, SS_CLAY_ACTION, SS_CLAY_PLACE};
    static uint8_t truth[AREA];
    ss_ctx *cx = context(NULL, NULL);
    ss_readers *r = opened(cx, SHIPPED);
    double right[4] = {0}, same = 0, kin = 0, stranger = 0, overlap = 0;
    for (int i = 0; i < INDIVIDUALS; i++) {
        ss_player p;
        assert_int_equal(ss_player_of(&p, cx, 9001 + (uint64_t)i), SS_OK);
        ss_read photo = look(cx, r, &p.photo, truth);
        for (int t = 0; t < SS_PLAYER_TARGETS; t++) {
            const ss_clay_identity *others[] = {&p.photo.id, &p.kin, &p.stranger};
            double *sums[] = {&same, &kin, &stranger};
            for (int k = 0; k < 3; k++) {
                ss_clay_scene s = p.target[t];
                s.id = *others[k];
                ss_read read = look(cx, r, &s, truth);
                *sums[k] += ss_read_alike(&read, &photo) / PAIRS;
                for (int a = 0; a < 4; a++)
                    right[a] += (double)(read.part[parts[a]] == ss_clay_scene_part(&s, parts[a])) / (3 * PAIRS);
                overlap += ss_clay_mask_iou(read.mask, truth, AREA) / (3 * PAIRS);
                free(read.mask);
            }
        }
        free(photo.mask);
    }
    for (int a = 0; a < 4; a++)
        if (right[a] < 0.95) fail_msg("%s: %.2f", ss_clay_part_name(parts[a]), right[a]);
    if (same < 0.8 || kin > 0.6 || kin > same - 0.3 || stranger > 0.2)
        fail_msg("identity: the same %.2f, of its kind %.2f, another species %.2f", same, kin, stranger);
    if (overlap < 0.85) fail_msg("masks: %.2f", overlap);
    ss_readers_free(r);
    ss_ctx_free(cx);
}

/* ------------------------------------------------------------------------------------------------ folders */

typedef struct place {
    ss_ctx *cx;
    char *dir;
} place;

static void restore(const place *p, const char *name) {
    const char *path = made_path(p->dir, "%s", name);
    unlink(path);
    assert_int_equal(symlink(made_path(SHIPPED, "%s", name), path), 0);
}

static int enter(void **state) {
    place *p = calloc(1, sizeof *p);
    if (!p) return -1;
    p->cx = context(NULL, NULL), p->dir = made_dir();
    restore(p, "config.json"), restore(p, "attributes.safetensors"), restore(p, "identity.safetensors");
    *state = p;
    return 0;
}

static int leave(void **state) {
    place *p = *state;
    ss_ctx_free(p->cx);
    made_dir_free(p->dir);
    free(p);
    return 0;
}

static void refused(place *p, ss_status status, const char *says) {
    ss_readers *r = NULL;
    ss_ctx_clear(p->cx);
    ss_status st = ss_readers_open(&r, p->cx, p->dir);
    if (st != status || r) fail_msg("status %d instead of %d: %s", st, status, ss_ctx_error(p->cx));
    if (!strstr(ss_ctx_error(p->cx), says)) fail_msg("\"%s\" does not say \"%s\"", ss_ctx_error(p->cx), says);
}

static void missing_files_are_named(void **state) {
    place *p = *state;
    static const char *const files[] = {"config.json", "attributes.safetensors", "identity.safetensors"};
    for (int i = 0; i < 3; i++) {
        made_remove(made_path(p->dir, "%s", files[i]));
        refused(p, SS_ERR_FILE, files[i]);
        restore(p, files[i]);
    }
    ss_readers_free(opened(p->cx, p->dir));
}

static void configurations_that_cannot_be_are_named(void **state) {
    place *p = *state;
    static const struct {
        const char *from, *to, *says;
        ss_status status;
    } cases[] = {
        {"\"kind\": \"reader\"", "\"kind\": \"clip\"", "its kind is \"clip\"", SS_ERR_FORMAT},
        {"\"values\"", "\"words\"", "has no \"values\"", SS_ERR_FORMAT},
        {"\"identity\"", "\"who\"", "has no \"identity\"", SS_ERR_FORMAT},
        {"\"side\": 64", "\"side\": 32", "32 pixels a side, and this program's at 64", SS_ERR_FORMAT},
        {"\"bear\"", "\"mole\"", "species has \"mole\"", SS_ERR_FORMAT},
        {"\"bear\"", "7", "a value that is no word", SS_ERR_FORMAT},
        {"\"place\"", "\"mood\"", "the clay world has no \"mood\"", SS_ERR_FORMAT},
        {"\"bear\",", "", "heads.species tells 6 words apart, config.json has 5", SS_ERR_MODEL},
        {"{", "", "config.json", SS_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made_edit(made_path(p->dir, "config.json"), cases[i].from, cases[i].to);
        refused(p, cases[i].status, cases[i].says);
        restore(p, "config.json");
    }
}

/* The file's tensors with one thing changed. */
typedef enum change { DROP, STRAY, MISSHAPE, NAN_IN_IT } change;

static void weights_that_do_not_fit_are_named(void **state) {
    place *p = *state;
    static const struct {
        const char *file, *tensor;
        change what;
        ss_status status;
        const char *says;
    } cases[] = {
        {"attributes.safetensors", "hidden.bias", DROP, SS_ERR_MODEL,
         "attribute reader: the checkpoint has no hidden.bias"},
        {"attributes.safetensors", "heads.mood.weight", STRAY, SS_ERR_MODEL,
         "attribute reader: heads.mood.weight is left over"},
        {"attributes.safetensors", "narrow.weight", MISSHAPE, SS_ERR_SHAPE, "[3, 5]"},
        {"identity.safetensors", "mask.weight", DROP, SS_ERR_MODEL,
         "identity reader: the checkpoint has no mask.weight"},
        {"identity.safetensors", "layers.2.conv.weight", MISSHAPE, SS_ERR_MODEL, "layers.2.conv.weight is [3, 5]"},
        {"identity.safetensors", "embed.bias", NAN_IN_IT, SS_ERR_MODEL, "embed.bias holds NaN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = made_path(p->dir, "%s", cases[i].file);
        made m = made_read(p->cx, path);
        if (cases[i].what == DROP) made_drop(&m, cases[i].tensor);
        if (cases[i].what == STRAY) made_add(&m, cases[i].tensor, SS_F32, 1, (int64_t[]){4});
        if (cases[i].what == MISSHAPE) made_add(&m, cases[i].tensor, SS_F32, 2, (int64_t[]){3, 5});
        if (cases[i].what == NAN_IN_IT)
            memset(made_find(&m, cases[i].tensor)->data, 0xff, made_find(&m, cases[i].tensor)->bytes);
        made_remove(path);
        made_write(&m, p->cx, path);
        made_free(&m);
        refused(p, cases[i].status, cases[i].says);
        restore(p, cases[i].file);
    }
}

/* Every allocation of opening and looking fails in turn. */
static void out_of_memory_is_said(void **state) {
    place *p = *state;
    static uint8_t rgb[64 * 64 * 3];
    bool done = false;
    for (int64_t n = 0; !done; n += n < 30 ? 1 : 11) {
        ss_readers *r = NULL;
        ss_read read = {0};
        ss_ctx_clear(p->cx);
        p->cx->fail_allocation = n;
        ss_status st = ss_readers_open(&r, p->cx, p->dir);
        if (!st) st = ss_readers_look(&read, p->cx, r, &(ss_image){64, 64, rgb});
        done = p->cx->fail_allocation >= 0;
        p->cx->fail_allocation = -1;
        if (done ? st != SS_OK : st != SS_ERR_NOMEM) fail_msg("allocation %lld: status %d", (long long)n, st);
        assert_int_equal(p->cx->arena->used, 0);
        free(read.mask);
        ss_readers_free(r);
    }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_pytorchs),  cmocka_unit_test(right_on_renders_that_nobody_trained_on),
        TEST(missing_files_are_named),           TEST(configurations_that_cannot_be_are_named),
        TEST(weights_that_do_not_fit_are_named), TEST(out_of_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
