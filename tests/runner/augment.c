/* custom-diffusion/augment: the published data sets draw by draw. Recorded draws are played to ours, which has to ask
 * for them in their order and with their bounds; captions, pixels and masks have to come out exactly.
 */
#include "runner/runner.h"

#include "train/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- recorded draws */

typedef struct recording {
    const json_t *draws;
    size_t next;
    int wrong; /* draws that were not the next one, or had other bounds */
} recording;

static const json_t *next_draw(recording *r, const char *kind, const char *other_kind) {
    const json_t *draw = json_array_get(r->draws, r->next++);
    const char *drawn = json_string_value(json_object_get(draw, "draw"));
    if (drawn && (!strcmp(drawn, kind) || (other_kind && !strcmp(drawn, other_kind)))) return draw;
    r->wrong++;
    return NULL;
}

static const json_t *argument(const json_t *draw, size_t i) { return json_array_get(json_object_get(draw, "args"), i); }

/* numpy's draws are numbers, torch's lists of one. */
static const json_t *value(const json_t *draw) {
    const json_t *v = json_object_get(draw, "value");
    return json_is_array(v) ? json_array_get(v, 0) : v;
}

static double play_uniform(void *user) { return json_number_value(value(next_draw(user, "torch.rand", NULL))); }

static int64_t play_integer(void *user, int64_t from, int64_t to) {
    recording *r = user;
    const json_t *draw = next_draw(r, "numpy.random.randint", "torch.randint");
    if (!draw) return from;
    r->wrong += json_integer_value(argument(draw, 0)) != from || json_integer_value(argument(draw, 1)) != to;
    int64_t v = json_integer_value(value(draw));
    return v >= from && v < to ? v : from;
}

static int play_choice(void *user, const char *const *of, int count) {
    recording *r = user;
    const json_t *draw = next_draw(r, "numpy.random.choice", NULL), *choices = argument(draw, 0);
    int chosen = 0;
    r->wrong += draw && json_array_size(choices) != (size_t)count;
    for (int i = 0; i < count && draw; i++) {
        const char *choice = json_string_value(json_array_get(choices, (size_t)i));
        r->wrong += !choice || strcmp(choice, of[i]) != 0;
        if (!strcmp(of[i], json_string_value(value(draw)))) chosen = i;
    }
    return chosen;
}

/* ---- the data set of a recipe */

/* A list of the folder's pictures whose names begin with `kind`, in a file that the caller removes. */
static void list_pictures(runner *r, char path[64], const char *folder, const json_t *info, const char *kind) {
    snprintf(path, 64, "/tmp/selfsame-augment-XXXXXX");
    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    const char *name;
    json_t *size;
    json_object_foreach(json_object_get(info, "pictures"), name, size) {
        char *real = strncmp(name, kind, strlen(kind)) ? NULL : realpath(under(r, "%s/augment/%s", folder, name), NULL);
        if (f && real) fprintf(f, "%s\n", real);
        free(real);
    }
    if (f) fclose(f);
}

/* What the cases call the subject: "<new1> cat". */
static const char *subject(const json_t *cases) {
    size_t i;
    const json_t *one;
    json_array_foreach(cases, i, one) {
        const char *caption = json_string_value(json_object_get(one, "caption"));
        const char *token = caption ? strchr(caption, '<') : NULL;
        if (token) return token;
    }
    return "";
}

static ss_dataset *open_recipe(runner *r, const char *folder, const json_t *info, ss_recipe recipe) {
    static const char *const template = "photo of a {}";
    char photos[64], class_photos[64], prompt[256];
    list_pictures(r, photos, folder, info, "concept");
    list_pictures(r, class_photos, folder, info, "reg");
    const char *token = subject(json_object_get(info, "cases")), *word = strchr(token, ' ');
    bool compvis = recipe == SS_RECIPE_COMPVIS;
    snprintf(prompt, sizeof prompt, "%s%s", compvis ? "" : "photo of a ", token);
    ss_concept concept = {.photos = photos,
                          .prompt = prompt,
                          .class_photos = class_photos,
                          .class_prompt = word ? word + 1 : "",
                          .templates = &template,
                          .template_count = compvis};
    ss_dataset_options o = {
        .concepts = &concept,
        .concept_count = 1,
        .augment = {.recipe = recipe, .size = (int)json_integer_value(json_object_get(info, "size")), .flip = 0.5}};
    ss_dataset *d = NULL;
    if (ss_dataset_open(&d, r->cx, &o)) broken(r, ss_recipe_name(recipe), NULL);
    unlink(photos);
    unlink(class_photos);
    return d;
}

/* Where an item stood in the data set; CompVis' cases came from its last two, by the parity of their number. */
static int64_t index_of(const json_t *one, const ss_dataset *d, bool compvis) {
    const json_t *index = json_object_get(one, "dataset_index");
    if (index) return json_integer_value(index);
    const char *picture = json_string_value(json_object_get(one, "picture"));
    int64_t number = picture ? strtol(picture + strcspn(picture, "0123456789"), NULL, 10) : 0;
    if (!compvis) return number;
    int64_t last = ss_dataset_items(d, 0) - 1;
    return last % 2 == number % 2 ? last : last - 1;
}

/* ---- comparing */

/* Values that differ from the stored bytes', which are planar, zero outside the box if there is one. */
static int64_t other_pixels(const float *x, const ss_stored *want, int s, const json_t *box, bool normalised) {
    const uint8_t *u = want->data;
    int edge[4] = {0, s, 0, s};
    for (size_t i = 0; box && i < 4; i++) edge[i] = (int)json_integer_value(json_array_get(box, i));
    int64_t other = 0;
    for (int y = 0; y < s; y++)
        for (int i = 0; i < s; i++)
            for (int c = 0; c < 3; c++) {
                bool filled = y >= edge[0] && y < edge[1] && i >= edge[2] && i < edge[3];
                uint8_t level = u[(c * s + y) * s + i];
                float v = normalised ? ((float)level / 255.0f - 0.5f) / 0.5f : (float)(level / 127.5 - 1);
                other += x[3 * (y * s + i) + c] != (filled ? v : 0);
            }
    return other;
}

static bool right_size(runner *r, const ss_stored *t, int64_t n) {
    if (!t) return false;
    if (t->dtype == SS_U8 && (int64_t)t->bytes == n) return true;
    broken(r, t->name, "not of the size that the case has");
    return false;
}

static void compare_row(runner *r, ss_dataset *d, const ss_row *row, const ss_weights *w, const char *name,
                        const char *caption, const json_t *box, int s) {
    char line[300], *key = line + strlen("augment/");
    size_t room = sizeof line - strlen("augment/");
    int n = s / 8;
    snprintf(line, sizeof line, "augment/%s", name);
    float *x = malloc((size_t)3 * s * s * sizeof *x), *mask = malloc((size_t)n * n * sizeof *mask);
    check(r, line, "wrong captions", !caption || strcmp(caption, ss_dataset_caption(d, row->caption)) != 0, 0);
    if (ss_dataset_render(x, mask, d, r->cx, row)) {
        broken(r, line, NULL);
        goto done;
    }
    bool paired = row->prior && strncmp(name, "a", 1);
    snprintf(key, room, "%s/%s", name, paired ? "reg_picture" : "picture");
    const ss_stored *picture = stored(r, w, key);
    if (right_size(r, picture, (int64_t)3 * s * s))
        check(r, line, "other values", (double)other_pixels(x, picture, s, box, paired), 0);
    if (paired) goto done;
    snprintf(key, room, "%s/mask", name);
    const ss_stored *want = stored(r, w, key);
    int64_t other = 0, counted = 0;
    if (!right_size(r, want, (int64_t)n * n)) goto done;
    for (int i = 0; i < n * n; i++) {
        other += mask[i] != ((const uint8_t *)want->data)[i];
        counted += ((const uint8_t *)want->data)[i];
    }
    /* Where the published program leaves nothing to divide by, one cell stays. */
    check(r, line, counted ? "other cells" : "cells beside the one that stays", (double)(counted ? other : other - 1),
          0);
done:
    free(x);
    free(mask);
}

void run_augment(runner *r, const char *folder) {
    json_t *info = open_json(r, under(r, "%s/augment/cases.json", folder));
    ss_weights *w = open_tensors(r, under(r, "%s/augment/expected.safetensors", folder));
    ss_dataset *set[2] = {NULL};
    if (!info || !w) goto done;
    set[0] = open_recipe(r, folder, info, SS_RECIPE_COMPVIS);
    set[1] = open_recipe(r, folder, info, SS_RECIPE_DIFFUSERS);
    if (!set[0] || !set[1]) goto done;
    int s = (int)json_integer_value(json_object_get(info, "size"));
    size_t i;
    const json_t *one, *cases = json_object_get(info, "cases");
    json_array_foreach(cases, i, one) {
        const char *name = json_string_value(json_object_get(one, "name")),
                   *recipe = json_string_value(json_object_get(one, "recipe"));
        bool compvis = recipe && !strcmp(recipe, "A");
        ss_dataset *d = set[!compvis];
        recording draws = {.draws = json_object_get(one, "draws")};
        ss_dice dice = {play_uniform, play_integer, play_choice, &draws};
        ss_row rows[2];
        int count = ss_dataset_item(rows, d, &dice, 0, index_of(one, d, compvis));
        char line[280];
        snprintf(line, sizeof line, "augment/%s", name);
        check(r, line, "wrong draws", draws.wrong + (draws.next != json_array_size(draws.draws)), 0);
        compare_row(r, d, &rows[0], w, name, json_string_value(json_object_get(one, "caption")),
                    json_object_get(one, "filled_box_y0_y1_x0_x1"), s);
        const char *reg_caption = json_string_value(json_object_get(one, "reg_caption"));
        if (count == 2 && reg_caption) compare_row(r, d, &rows[1], w, name, reg_caption, NULL, s);
    }
done:
    ss_dataset_close(set[0]);
    ss_dataset_close(set[1]);
    ss_weights_close(w);
    json_decref(info);
}
