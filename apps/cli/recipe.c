/* Recipes in pictures.
 *
 *     {"selfsame": version, "verb": ..., "index": ..., "options": {name: value, ...},
 *      "model": {"path": ..., "family": ..., "fingerprint": ...}, "files": {"photo": {"path": ..., "sha256": ...},
 * ...}, "subjects": [{"path": ..., "strength": ..., "fingerprint": ...}, ...]}
 *
 * It holds what decides the pixels and nothing else: no date, no place that something was written to. Paths below the
 * home folder start with ~/, so that a picture does not tell whose it was.
 */
#include "recipe.h"

#include "files.h"
#include "kinds.h"
#include "options.h"
#include "say.h"
#include "subjects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The files besides the model that pixels come from, as they are called in a recipe. */
typedef struct read_file {
    const char *name;
    size_t place; /* in settings */
} read_file;

static const read_file read_files[] = {
    {"photo", offsetof(settings, photo)},
    {"source-mask", offsetof(settings, source_mask)},
    {"target-mask", offsetof(settings, target_mask)},
};
enum { READ_FILES = sizeof read_files / sizeof *read_files };

static const char **path_at(settings *s, size_t place) { return (const char **)((char *)s + place); }

/* ------------------------------------------------------------------------------------------------ paths */

static const char *home(void) {
    const char *path = getenv("HOME");
    return path && *path == '/' && path[1] ? path : NULL;
}

const char *recipe_path(settings *s, const char *path) {
    size_t n = home() ? strlen(home()) : 0;
    bool below = n && !strncmp(path, home(), n) && path[n] == '/';
    return below ? format_text(s, "~%s", path + n) : path;
}

/* Where a recipe's path is here: as it stands, or beside the picture. What is nowhere comes back as it stands. */
static const char *find(settings *s, const char *path, const char *picture) {
    if (!strncmp(path, "~/", 2) && home()) return format_text(s, "%s%s", home(), path + 1);
    const char *slash = strrchr(picture, '/');
    if (*path == '/' || !access(path, F_OK) || !slash) return path;
    const char *beside = format_text(s, "%.*s%s", (int)(slash - picture + 1), picture, path);
    return access(beside, F_OK) ? path : beside;
}

/* ------------------------------------------------------------------------------------------------ writing */

json_t *recipe_model(const job *j) {
    settings *s = j->s;
    json_t *model = must(json_object());
    const struct {
        const char *key, *text;
    } at[] = {
        {"path", recipe_path(s, s->model)},
        {"vae", s->vae ? recipe_path(s, s->vae) : NULL},
        {"config", s->config ? recipe_path(s, s->config) : NULL},
        {"family", j->info.family},
        {"fingerprint", j->fingerprint},
    };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        if (at[i].text) json_object_set_new(model, at[i].key, json_string(at[i].text));
    return model;
}

int recipe_hash_files(job *j) {
    settings *s = j->s;
    json_decref(j->files);
    j->files = must(json_object());
    for (int i = 0; i < READ_FILES; i++) {
        const char *path = *path_at(s, read_files[i].place);
        char hex[65];
        if (!path) continue;
        int rc = job_verdict(j, ss_file_hash(hex, j->cx, path));
        if (rc) return rc;
        const json_t *was = json_object_get(json_object_get(s->recipe, "files"), read_files[i].name);
        const char *hash = json_string_value(json_object_get(was, "sha256"));
        if (hash && strcmp(hash, hex))
            return failure("%s is not the %s that %s was made from: its SHA-256 is %.12s..., that one's was %.12s...",
                           path, read_files[i].name, s->operand, hex, hash);
        json_t *file = json_pack("{s:o?, s:s}", "path", json_string(recipe_path(s, path)), "sha256", hex);
        json_object_set_new(j->files, read_files[i].name, must(file));
    }
    return DONE;
}

static char *recipe_json(const job *j, const portrait *p) {
    settings one = *j->s;
    if (p->plain) one.verb = verb_of(GENERATE);
    one.prompts = (texts){(const char *[]){p->prompt}, 1};
    one.seed = p->seed, one.width = p->width, one.height = p->height;
    json_t *recipe = must(json_object());
    json_object_set_new(recipe, "selfsame", json_string(SS_VERSION));
    json_object_set_new(recipe, "verb", json_string(one.verb->name));
    if (p->index) json_object_set_new(recipe, "index", json_integer(p->index));
    json_object_set_new(recipe, "options", options_to_json(&one));
    json_object_set_new(recipe, "model", recipe_model(j));
    if (json_object_size(j->files) && !p->plain) json_object_set(recipe, "files", j->files);
    if (json_array_size(j->subjects)) json_object_set(recipe, "subjects", j->subjects);
    char *text = must(json_dumps(recipe, JSON_COMPACT));
    json_decref(recipe);
    return text;
}

static ss_status set(ss_infotext *t, job *j, const char *key, const char *value) {
    return value ? ss_infotext_set(t, j->cx, key, value) : SS_OK;
}

/* "4-", "4-20", "4-, every 2", "3,7,9" */
static const char *control_steps(settings *s) {
    if (s->step_list.count) {
        const char *list = "";
        for (int i = 0; i < s->step_list.count; i++)
            list = format_text(s, "%s%s%d", list, i ? "," : "", s->step_list.at[i]);
        return list;
    }
    const char *last = s->end_step ? format_text(s, "%d", s->end_step) : "";
    const char *every = s->every > 1 ? format_text(s, ", every %d", s->every) : "";
    const char *digit = s->last_digit ? format_text(s, ", last digit %d-9", s->last_digit) : "";
    return format_text(s, "%d-%s%s%s", s->start_step, last, every, digit);
}

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* What other tools read. Keys that they know keep their meaning; ours come behind. */
static int parameters(char **text, job *j, const portrait *p) {
    settings *s = j->s;
    bool edits = s->verb->bit == EDIT && !p->plain;
    const char *model_hash = hashes_of_model(j->hashes), *vae_hash = hashes_of_vae(j->hashes);
    ss_infotext t = {.prompt = must(strdup(p->prompt)), .negative = s->negative ? must(strdup(s->negative)) : NULL};
    bool batch = s->batch > 1;
    const struct {
        const char *key, *value;
    } field[] = {
        {"Steps", format_text(s, "%d", s->steps)},
        {"Sampler", ss_sampler_label(j->cx, s->sampler)},
        {"Schedule type", s->karras ? "Karras" : NULL},
        {"CFG scale", format_text(s, "%g", s->guidance)},
        {"Seed", format_text(s, "%lld", (long long)p->seed)},
        {"Size", format_text(s, "%dx%d", p->width, p->height)},
        {"Model hash", model_hash ? format_text(s, "%.10s", model_hash) : NULL},
        {"Model", stem_of(s, s->model)},
        {"VAE hash", vae_hash ? format_text(s, "%.10s", vae_hash) : NULL},
        {"VAE", vae_hash ? name_of(s->vae)
                : s->vae ? stem_of(s, s->vae)
                         : NULL}, /* A1111 leaves it its suffix */
        {"Denoising strength", s->photo && !edits ? format_text(s, "%g", s->strength) : NULL},
        {"Clip skip", format_text(s, "%d", s->clip_skip)},
        {"RNG", edits && s->photo ? NULL : "CPU"},
        {"Eta", s->eta > 0 ? format_text(s, "%g", s->eta) : NULL},
        {"Batch size", batch ? format_text(s, "%d", s->batch) : NULL},
        {"Batch pos", batch ? format_text(s, "%d", p->index) : NULL},
        {"Model fingerprint", format_text(s, "%.10s", j->fingerprint)},
        {"Subjects", subjects_text(j)},
        {"Source image", edits && s->photo ? name_of(s->photo) : NULL},
        {"Source prompt", edits ? s->source : NULL},
        {"Inversion", edits && s->photo ? inversion_words[s->inversion] : NULL},
        {"MasaCtrl method", edits ? method_words[s->method] : NULL},
        {"MasaCtrl steps", edits && s->method != SS_METHOD_NONE ? control_steps(s) : NULL},
        {"MasaCtrl layers", edits && s->method != SS_METHOD_NONE ? s->layers : NULL},
        {"Version", "selfsame " SS_VERSION},
    };
    ss_status st = SS_OK;
    for (size_t i = 0; i < sizeof field / sizeof *field && !st; i++) st = set(&t, j, field[i].key, field[i].value);
    if (!st) st = ss_infotext_build(text, j->cx, &t);
    ss_infotext_free(&t);
    return job_verdict(j, st);
}

int recipe_write(ss_image_meta *meta, job *j, const portrait *p) {
    const ss_image_meta *was = j->s->meta;
    if (was) {
        *meta = (ss_image_meta){was->parameters ? must(strdup(was->parameters)) : NULL, must(strdup(was->json))};
        return DONE;
    }
    meta->json = recipe_json(j, p);
    return parameters(&meta->parameters, j, p);
}

/* ------------------------------------------------------------------------------------------------ comparing */

static void forget_path(json_t *recipe, const char *of) {
    const char *key;
    size_t i;
    void *next;
    json_t *value, *what = json_object_get(recipe, of);
    json_object_del(what, "path");
    json_object_foreach_safe(what, next, key, value) json_object_del(value, "path");
    json_array_foreach(what, i, value) json_object_del(value, "path");
}

/* Without places, NULL for what is no recipe. */
static json_t *placeless(const char *text) {
    json_t *recipe = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    static const char *const of[] = {"model", "files", "subjects"};
    json_object_del(json_object_get(recipe, "model"), "vae");
    json_object_del(json_object_get(recipe, "model"), "config");
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) forget_path(recipe, of[i]);
    return recipe;
}

bool recipe_same(const ss_image_meta *meta, job *j, const portrait *p) {
    char *text = recipe_json(j, p);
    json_t *has = placeless(meta->json), *wanted = placeless(text);
    bool same = has && json_equal(has, wanted);
    json_decref(has);
    json_decref(wanted);
    free(text);
    return same;
}

int64_t recipe_seed(const ss_image_meta *meta) {
    json_t *recipe = meta->json ? json_loads(meta->json, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *seed = json_object_get(json_object_get(recipe, "options"), "seed");
    int64_t value = json_is_integer(seed) ? json_integer_value(seed) : -1;
    json_decref(recipe);
    return value;
}

/* ------------------------------------------------------------------------------------------------ reading */

int recipe_read(settings *t, const json_t *recipe, const char *picture) {
    const char *verb_name = json_string_value(json_object_get(recipe, "verb"));
    const char *version = json_string_value(json_object_get(recipe, "selfsame"));
    const verb *v = NULL;
    for (int i = 0; i < verb_count; i++)
        if (verb_name && !strcmp(verb_name, verbs[i].name) && verbs[i].bit & (GENERATE | EDIT)) v = &verbs[i];
    if (!v || !version) return failure("%s: its recipe says of no verb that draws", picture);
    if (strcmp(version, SS_VERSION))
        warning("%s was made by selfsame %s, and this is " SS_VERSION ": it may come out a little different", picture,
                version);

    int rc = options_preset(t, v);
    if (!rc) rc = options_from_json(t, json_object_get(recipe, "options"), picture);
    if (rc) return rc;
    t->recipe = recipe;
    t->index = (int)json_integer_value(json_object_get(recipe, "index"));
    if (t->index < 0 || t->index >= t->batch)
        return failure("%s: its recipe counts picture %d of %d", picture, t->index, t->batch);
    if (t->prompts.count != 1)
        return failure("%s: its recipe has %d prompts, and a picture has one", picture, t->prompts.count);

    const json_t *model = json_object_get(recipe, "model"), *files = json_object_get(recipe, "files");
    const char *path = json_string_value(json_object_get(model, "path"));
    if (path) t->model = find(t, path, picture);
    if ((path = json_string_value(json_object_get(model, "vae")))) t->vae = find(t, path, picture);
    if ((path = json_string_value(json_object_get(model, "config")))) t->config = find(t, path, picture);
    for (int i = 0; i < READ_FILES; i++) {
        path = json_string_value(json_object_get(json_object_get(files, read_files[i].name), "path"));
        if (path) *path_at(t, read_files[i].place) = find(t, path, picture);
    }
    size_t i;
    json_t *subject;
    json_array_foreach(json_object_get(recipe, "subjects"), i, subject) {
        path = json_string_value(json_object_get(subject, "path"));
        double strength = json_number_value(json_object_get(subject, "strength"));
        if (!path) return failure("%s: its recipe does not say where its subject %zu is", picture, i + 1);
        const char *value = format_text(t, "%s:%.17g", find(t, path, picture), strength);
        rc = files_kind.take(t, option_named("subject"), value);
        if (rc) return rc;
    }
    return DONE;
}

int recipe_check_model(const job *j) {
    const json_t *was = json_object_get(json_object_get(j->s->recipe, "model"), "fingerprint");
    if (!json_is_string(was) || !strcmp(json_string_value(was), j->fingerprint)) return DONE;
    return failure(
        "%s was made with another model: its weights' fingerprint is %.12s..., that of %s is %.12s... (-m names "
        "another place)",
        j->s->operand, json_string_value(was), j->s->model, j->fingerprint);
}
