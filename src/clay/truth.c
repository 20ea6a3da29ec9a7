/* What is known about a scene, written out. */
#include "clay/truth.h"

#include "clay/scene.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *numbers(const float *x, int n) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_real((double)x[i]));
    return list;
}

static json_t *keypoints(const ss_clay_keypoint *k) {
    json_t *list = json_array();
    for (int i = 0; i < SS_CLAY_KEYPOINTS; i++)
        json_array_append_new(list, json_pack("[f, f, i]", (double)k[i].x, (double)k[i].y, k[i].seen));
    return list;
}

/* Colours of what nobody wears are left out. */
static bool set_parts(json_t *o, const ss_clay_scene *s, ss_clay_part from, ss_clay_part to) {
    int bad = 0;
    for (ss_clay_part k = from; k <= to; k++) {
        const char *word = ss_clay_words(k)[ss_clay_scene_part(s, k)];
        const char *name = k == SS_CLAY_ACCESSORY_COLOR ? "accessory_color" : ss_clay_part_name(k);
        if (k != SS_CLAY_ACCESSORY_COLOR || s->id.accessory != BARE)
            bad |= json_object_set_new(o, name, json_string(word));
    }
    return !bad;
}

json_t *ss_clay_truth_of(const ss_clay_scene *s, const ss_clay_keypoint *k) {
    char seed[17];
    snprintf(seed, sizeof seed, "%016llx", (unsigned long long)s->place_seed);
    json_t *o = json_object();
    int bad = !o || !set_parts(o, s, SS_CLAY_SPECIES, SS_CLAY_ACCESSORY_COLOR);
    bad |= json_object_set_new(o, "genes", numbers(s->id.gene, SS_CLAY_GENES));
    bad |= !set_parts(o, s, SS_CLAY_ACTION, SS_CLAY_TIME);
    bad |= json_object_set_new(o, "yaw", json_real((double)s->yaw));
    bad |= json_object_set_new(o, "elevation", json_real((double)s->elevation));
    bad |= json_object_set_new(o, "fill", json_real((double)s->fill));
    bad |= json_object_set_new(o, "at", numbers(s->at, 2));
    bad |= json_object_set_new(o, "horizon", json_real((double)s->horizon));
    bad |= json_object_set_new(o, "light", json_real((double)s->light));
    bad |= json_object_set_new(o, "sway", numbers(s->sway, SS_CLAY_SWAYS));
    bad |= json_object_set_new(o, "place_seed", json_string(seed));
    if (k) bad |= json_object_set_new(o, "keypoints", keypoints(k));
    if (!bad) return o;
    json_decref(o);
    return NULL;
}

char *ss_clay_json_line(const json_t *json) { return json_dumps(json, JSON_REAL_PRECISION(9)); }

ss_status ss_clay_truth(char **out, ss_ctx *cx, const ss_clay_scene *scene, const ss_clay_keypoint *k) {
    ss_status st = ss_clay_scene_check(cx, scene);
    if (st) return st;
    json_t *o = ss_clay_truth_of(scene, k);
    char *line = o ? ss_clay_json_line(o) : NULL;
    json_decref(o);
    if (!line) return ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for what is known about a scene");
    *out = line;
    return SS_OK;
}
