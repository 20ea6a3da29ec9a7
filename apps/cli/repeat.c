/* repeat: a picture again, from what it carries. */
#include "files.h"
#include "job.h"
#include "options.h"
#include "recipe.h"
#include "say.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_meta(ss_image_meta *meta, settings *s) {
    job j = {0};
    int rc = job_open(&j, s);
    if (!rc) rc = job_verdict(&j, ss_image_meta_read(meta, j.cx, s->operand));
    job_close(&j);
    return rc;
}

static int parse(json_t **recipe, const ss_image_meta *meta, const char *picture) {
    if (!meta->json)
        return failure(meta->parameters
                           ? "%s carries another program's settings, but no recipe of selfsame"
                           : "%s carries no recipe: it was not made by selfsame, or lost what it said on the way",
                       picture);
    json_error_t error;
    *recipe = json_loads(meta->json, JSON_REJECT_DUPLICATES, &error);
    if (!*recipe) return failure("%s: its recipe is no JSON: %s", picture, error.text);
    return DONE;
}

/* What this command line says about where things are and where they go. */
static int redirect(settings *t, const settings *s) {
    const struct {
        const char *option;
        const char *const *from;
        const char **to;
    } at[] = {
        {"model", &s->model, &t->model},
        {"vae", &s->vae, &t->vae},
        {"config", &s->config, &t->config},
        {"photo", &s->photo, &t->photo},
        {"source-mask", &s->source_mask, &t->source_mask},
        {"target-mask", &s->target_mask, &t->target_mask},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        if (*at[i].from) *at[i].to = *at[i].from;
    const struct {
        const char *path, *option, *what;
    } needed[] = {{t->model, "-m", "the model"}, {t->photo, "--photo", "the photo"}};
    for (int i = 0; i < 2; i++)
        if (needed[i].path && access(needed[i].path, F_OK))
            return failure("%s that %s was made with is not at %s: %s says where it is now", needed[i].what, s->operand,
                           needed[i].path, needed[i].option);
    if (s->subjects.count && s->subjects.count != t->subjects.count)
        return failure(
            "%s was made with %d subjects, and --subject is there %d times: each says where one of them is now, "
            "in their order",
            s->operand, t->subjects.count, s->subjects.count);
    for (int i = 0; i < s->subjects.count; i++) t->subjects.at[i] = s->subjects.at[i];
    if (!t->model) return failure("the recipe of %s names no model: -m says where it is", s->operand);
    if (t->verb->bit == EDIT && !t->photo && !t->draw_source)
        return failure("the recipe of %s names no photo: --photo says where it is", s->operand);
    t->operand = s->operand;
    t->output = s->output;
    t->preview = s->preview;
    t->json = s->json, t->quiet = s->quiet, t->memory = s->memory;
    return DONE;
}

/* All of a file, or NULL. */
static char *contents(const char *path, size_t *n) {
    char *bytes = NULL;
    FILE *in = fopen(path, "rb");
    long size = in && !fseek(in, 0, SEEK_END) ? ftell(in) : -1;
    if (size >= 0 && !fseek(in, 0, SEEK_SET)) {
        bytes = must(malloc((size_t)size + 1));
        *n = fread(bytes, 1, (size_t)size, in);
    }
    if (in) fclose(in);
    return bytes;
}

static bool same_bytes(const char *a, const char *b) {
    size_t n = 0, m = 0;
    char *x = contents(a, &n), *y = contents(b, &m);
    bool same = x && y && n == m && !memcmp(x, y, n);
    free(x);
    free(y);
    return same;
}

int repeat(settings *s) {
    ss_image_meta meta = {0};
    json_t *recipe = NULL;
    settings t = {0};

    int rc = read_meta(&meta, s);
    if (!rc) rc = parse(&recipe, &meta, s->operand);
    if (!rc) rc = recipe_read(&t, recipe, s->operand);
    if (!rc) rc = redirect(&t, s);
    if (!rc) {
        const char *dot = strrchr(s->operand, '.');
        t.meta = &meta;
        t.stem = format_text(&t, "%s-repeat", stem_of(&t, s->operand));
        t.suffix = dot && !strchr(dot, '/') ? dot : ".png";
        rc = t.verb->run(&t);
    }
    const json_t *first = json_array_get(json_object_get(t.report, "pictures"), 0);
    const char *path = json_string_value(json_object_get(first, "path"));
    if (!rc && path) {
        bool same = same_bytes(path, s->operand);
        json_object_set_new(t.report, "identical", json_boolean(same));
        if (same)
            note("%s and %s are the same, byte for byte", path, s->operand);
        else
            warning("%s differs from %s, which has been changed since or was drawn on another machine", path,
                    s->operand);
    }
    s->report = json_incref(t.report);
    settings_free(&t);
    json_decref(recipe);
    ss_image_meta_free(&meta);
    return rc;
}
