/* The state file. */
#include "train/state.h"

#include "io/json.h"
#include "io/weights.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[3] = {"weight", "m", "v"};

static float *numbers_of(const ss_training_tensor *a, int kind) {
    return kind == 0 ? a->param->data : kind == 1 ? a->m : a->v;
}

/* ---- writing */

static ss_status describe(char **out, ss_ctx *cx, const ss_trainer *t, const ss_training_record *r) {
    json_t *o = json_pack("{s:i, s:I, s:f, s:O, s:O}", "version", 1, "step", (json_int_t)t->step, "smoothed",
                          r->smoothed, "settings", r->settings, "data", r->data);
    *out = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return *out ? SS_OK : ss_fail(cx, SS_ERR_NOMEM, "out of memory for what a training's state says of itself");
}

ss_status ss_state_save(ss_ctx *cx, const char *path, const ss_trainer *t, const ss_training_record *r) {
    ss_to_store *list = ss_alloc(cx, (size_t)t->count * 3, sizeof *list);
    char *text = NULL;
    ss_status st = list ? describe(&text, cx, t, r) : SS_ERR_NOMEM;
    int n = 0;
    for (int i = 0; i < t->count && !st; i++)
        for (int k = 0; k < 3 && !st; k++) {
            const ss_param *p = t->at[i].param;
            list[n].name = ss_format(cx, "%s/%s", kinds[k], p->name);
            list[n].dtype = SS_F32, list[n].rank = p->rank, list[n].shape = p->shape;
            list[n].data = numbers_of(&t->at[i], k);
            if (!list[n++].name) st = SS_ERR_NOMEM;
        }
    ss_pair say = {"selfsame.training", text};
    if (!st) st = ss_safetensors_write(cx, path, list, n, &say, 1);
    for (int i = 0; i < n; i++) free((char *)list[i].name);
    free(list);
    free(text);
    return st;
}

/* ---- reading */

void ss_training_record_free(ss_training_record *r) {
    json_decref(r->settings);
    json_decref(r->data);
    *r = (ss_training_record){0};
}

/* One tensor of the file into its place; with `place` NULL it is only checked. */
static ss_status take(ss_ctx *cx, const char *path, const ss_weights *w, const ss_training_tensor *a, int kind,
                      float *place) {
    char *name = ss_format(cx, "%s/%s", kinds[kind], a->param->name), one[64], two[64];
    if (!name) return SS_ERR_NOMEM;
    const ss_stored *s = ss_weights_find(w, name);
    const ss_param *p = a->param;
    ss_status st = SS_OK;
    if (!s)
        st = ss_fail(cx, SS_ERR_FORMAT, "%s is the state of another training: it has no %s", path, name);
    else if (s->rank != p->rank || memcmp(s->shape, p->shape, (size_t)p->rank * sizeof *p->shape) || s->dtype != SS_F32)
        st = ss_fail(cx, SS_ERR_SHAPE, "%s: %s is %s, this training has %s of it", path, name,
                     ss_shape_text(one, s->rank < 8 ? s->rank : 8, s->shape), ss_shape_text(two, p->rank, p->shape));
    else if (place)
        memcpy(place, s->data, s->bytes);
    free(name);
    return st;
}

static ss_status read_record(ss_ctx *cx, const char *path, const ss_weights *w, json_t **out) {
    const char *text = ss_weights_metadata(w, "selfsame.training");
    if (!text) return ss_fail(cx, SS_ERR_FORMAT, "%s is no training's state: it does not say how far it is", path);
    ss_status st = ss_json_parse(out, cx, path, text, strlen(text));
    ss_object o = {*out, path};
    if (st) return st;
    int64_t version = ss_json_int(cx, o, "version", 0);
    if (cx->status) return cx->status;
    if (version != 1)
        return ss_fail(cx, SS_ERR_FORMAT, "%s is a training's state of version %lld; this program reads 1", path,
                       (long long)version);
    if (!json_is_object(json_object_get(*out, "settings")) || ss_json_int(cx, o, "step", -1) < 0)
        return ss_fail(cx, SS_ERR_FORMAT, "%s: the state does not say its step and settings", path);
    return SS_OK;
}

ss_status ss_state_load(ss_ctx *cx, const char *path, ss_trainer *t, ss_training_record *r) {
    ss_weights *w = NULL;
    json_t *said = NULL;
    ss_status st = ss_weights_open(&w, cx, path);
    if (!st) st = read_record(cx, path, w, &said);
    if (!st && w->count != 3 * (int64_t)t->count)
        st = ss_fail(cx, SS_ERR_FORMAT, "%s is the state of another training: it has %lld tensors, this one %d", path,
                     (long long)w->count, 3 * t->count);
    for (int put = 0; put < 2; put++) /* nothing is changed before everything fits */
        for (int i = 0; i < t->count && !st; i++)
            for (int k = 0; k < 3 && !st; k++)
                st = take(cx, path, w, &t->at[i], k, put ? numbers_of(&t->at[i], k) : NULL);
    if (!st) {
        for (int i = 0; i < t->count; i++) ss_param_drop_packed(t->at[i].param);
        t->step = json_integer_value(json_object_get(said, "step"));
        *r = (ss_training_record){.smoothed = json_number_value(json_object_get(said, "smoothed")),
                                  .settings = json_incref(json_object_get(said, "settings")),
                                  .data = json_incref(json_object_get(said, "data"))};
    }
    json_decref(said);
    ss_weights_close(w);
    return st;
}

/* ---- what is no longer the same */

static char *text_of(const json_t *value) {
    return value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : strdup("not set");
}

/* The keys of `a` whose values `b` lacks or has otherwise; keys that only b has are found the other way around. */
static void differences(char **list, ss_ctx *cx, const json_t *a, const json_t *b, bool missing_only) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)a, key, value) {
        const json_t *other = json_object_get(b, key);
        if (missing_only ? other != NULL : json_equal(value, other)) continue;
        char *was = text_of(missing_only ? NULL : value), *is = text_of(missing_only ? value : other), *longer = NULL;
        if (was && is)
            longer = ss_format(cx, "%s%s%s was %s and is %s", *list ? *list : "", *list ? "; " : "", key, was, is);
        free(was);
        free(is);
        free(*list);
        *list = longer;
        if (!longer) return;
    }
}

char *ss_settings_changed(ss_ctx *cx, const json_t *before, const json_t *now) {
    char *list = NULL;
    differences(&list, cx, before, now, false);
    if (!cx->status) differences(&list, cx, now, before, true);
    return list;
}
