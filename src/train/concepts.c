/* The concepts file. */
#include "train/concepts.h"

#include "io/json.h"
#include "io/map.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const keys[] = {"instance_prompt", "instance_data_dir", "class_prompt",      "class_data_dir",
                                   "mask_dir",        "modifier_token",    "initializer_token", "prompt_filename"};

char *ss_prompt_token(ss_ctx *cx, const char *prompt) {
    const char *open = strchr(prompt, '<'), *close = open ? strchr(open, '>') : NULL;
    size_t n = close ? (size_t)(close - open) + 1 : 0;
    bool word = n > 2 && strcspn(open, " \t\n") >= n;
    return word ? ss_format(cx, "%.*s", (int)n, open) : NULL;
}

static bool is_there(const char *path) {
    struct stat s;
    return stat(path, &s) == 0;
}

/* Makes the text the list's own. */
static ss_status own(const char **text, ss_concepts *c, ss_ctx *cx, char *made) {
    if (!made) return SS_ERR_NOMEM;
    *text = made;
    return ss_lines_append(&c->owned, cx, made, "the concepts file");
}

static ss_status own_path(const char **path, ss_concepts *c, ss_ctx *cx, const char *folder) {
    if (!*path) return SS_OK;
    char *beside = **path == '/' || is_there(*path) ? NULL : ss_join(cx, folder, *path);
    if (cx->status) return cx->status;
    bool found = beside && is_there(beside);
    ss_status st = own(path, c, cx, found ? beside : ss_strdup(cx, *path));
    if (!found) free(beside);
    return st;
}

static ss_status check_keys(ss_ctx *cx, ss_object o, int number) {
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)o.json, key, value) {
        bool known = false;
        for (int i = 0; i < SS_COUNT_OF(keys); i++) known |= !strcmp(key, keys[i]);
        if (known) continue;
        const char *near = ss_nearest(key, keys, SS_COUNT_OF(keys));
        return ss_fail(cx, SS_ERR_FORMAT, "%s: concept %d has a key \"%s\" that means nothing here%s%s%s", o.name,
                       number, key, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    }
    return SS_OK;
}

static ss_status required(ss_ctx *cx, ss_object o, int number, const char *key, const char *value) {
    if (value && *value) return SS_OK;
    return ss_fail(cx, SS_ERR_FORMAT, "%s: concept %d has no \"%s\"", o.name, number, key);
}

static ss_status read_one(ss_concepts *c, ss_ctx *cx, ss_object o, const char *folder) {
    int i = c->count, number = i + 1;
    ss_concept *k = &c->at[i];
    ss_status st = check_keys(cx, o, number);
    if (st) return st;
    k->prompt = ss_json_text(cx, o, "instance_prompt", NULL);
    k->photos = ss_json_text(cx, o, "instance_data_dir", NULL);
    k->class_prompt = ss_json_text(cx, o, "class_prompt", NULL);
    k->class_photos = ss_json_text(cx, o, "class_data_dir", NULL);
    k->masks = ss_json_text(cx, o, "mask_dir", NULL);
    const char *token = ss_json_text(cx, o, "modifier_token", NULL),
               *initializer = ss_json_text(cx, o, "initializer_token", NULL);
    st = cx->status;
    if (!st) st = required(cx, o, number, "instance_prompt", k->prompt);
    if (!st) st = required(cx, o, number, "instance_data_dir", k->photos);
    if (!st && k->class_photos && !*k->class_photos) k->class_photos = NULL;
    if (!st && token && !strstr(k->prompt, token))
        st = ss_fail(cx, SS_ERR_FORMAT, "%s: the prompt of concept %d, \"%s\", does not say its token %s", o.name,
                     number, k->prompt, token);
    if (!st) st = own(&k->prompt, c, cx, ss_strdup(cx, k->prompt));
    if (!st && k->class_prompt) st = own(&k->class_prompt, c, cx, ss_strdup(cx, k->class_prompt));
    if (!st && initializer) st = own(&c->initializer[i], c, cx, ss_strdup(cx, initializer));
    if (!st) st = own_path(&k->photos, c, cx, folder);
    if (!st) st = own_path(&k->class_photos, c, cx, folder);
    if (!st) st = own_path(&k->masks, c, cx, folder);
    if (!st) {
        char *said = token ? ss_strdup(cx, token) : ss_prompt_token(cx, k->prompt);
        st = said ? own(&c->token[i], c, cx, said) : cx->status;
    }
    for (int j = 0; j < i && !st; j++)
        if (c->token[i] && c->token[j] && !strcmp(c->token[i], c->token[j]))
            st = ss_fail(cx, SS_ERR_FORMAT, "%s: concepts %d and %d both call themselves %s; give each its own token",
                         o.name, j + 1, number, c->token[i]);
    c->count++;
    return st;
}

ss_status ss_concepts_parse(ss_concepts *out, ss_ctx *cx, const char *name, const void *bytes, size_t size,
                            const char *folder) {
    json_t *json = NULL;
    ss_concepts c = {0};
    ss_status st = ss_json_parse(&json, cx, name, bytes, size);
    if (st) return st;
    size_t n = json_array_size(json);
    if (!json_is_array(json))
        st = ss_fail(cx, SS_ERR_FORMAT, "%s is not a list of concepts: it begins with no [", name);
    else if (!n)
        st = ss_fail(cx, SS_ERR_FORMAT, "%s lists no concepts", name);
    else if (n > SS_MOST_CONCEPTS)
        st = ss_fail(cx, SS_ERR_FORMAT, "%s lists %zu concepts, the limit is %d", name, n, SS_MOST_CONCEPTS);
    if (!st) {
        c.at = ss_alloc(cx, n, sizeof *c.at);
        c.token = ss_alloc(cx, n, sizeof *c.token);
        c.initializer = ss_alloc(cx, n, sizeof *c.initializer);
        if (!c.at || !c.token || !c.initializer) st = SS_ERR_NOMEM;
    }
    for (size_t i = 0; i < n && !st; i++) {
        const json_t *one = json_array_get(json, i);
        if (json_is_object(one))
            st = read_one(&c, cx, (ss_object){one, name}, folder);
        else
            st = ss_fail(cx, SS_ERR_FORMAT, "%s: entry %zu of the list is no object with \"instance_prompt\"", name,
                         i + 1);
    }
    json_decref(json);
    if (st)
        ss_concepts_free(&c);
    else
        *out = c;
    return st;
}

ss_status ss_concepts_read(ss_concepts *out, ss_ctx *cx, const char *path) {
    ss_map file = {0};
    const char *slash = strrchr(path, '/');
    char *folder = slash ? ss_format(cx, "%.*s", (int)(slash - path) + 1, path) : ss_strdup(cx, "./");
    ss_status st = folder ? ss_map_file(&file, cx, path) : SS_ERR_NOMEM;
    if (!st) st = ss_concepts_parse(out, cx, path, file.bytes, file.size, folder);
    ss_unmap(&file);
    free(folder);
    return st;
}

void ss_concepts_free(ss_concepts *c) {
    free(c->at);
    free(c->token);
    free(c->initializer);
    ss_lines_free(&c->owned);
    *c = (ss_concepts){0};
}
