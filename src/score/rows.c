/* Rows: in files and out, and their means over individuals. */
#include "score/rows.h"

#include "io/buffer.h"
#include "io/json.h"
#include "io/replace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const ss_measure_names[SS_MEASURES] = {"species",  "color", "action",  "place",      "prompt", "attributes",
                                                   "identity", "hue",   "pattern", "background", "mask",   "psnr"};
const char *const ss_experiment_names[SS_EXPERIMENTS] = {"renders", "text", "edit", "fresh", "study"};
const char *const ss_arm_names[SS_ARMS] = {"same", "kin",   "stranger", "autoencoder", "source",
                                           "off",  "plain", "masked",   "subject"};

ss_row ss_row_new(ss_experiment e, ss_arm arm, uint64_t individual, int target) {
    ss_row row = {.experiment = e, .arm = arm, .individual = individual, .target = target, .step = -1, .layer = -1};
    for (int i = 0; i < SS_MEASURES; i++) row.value[i] = NAN;
    return row;
}

ss_status ss_rows_add(ss_row_list *r, ss_ctx *cx, const ss_row *row) {
    if (r->count == r->capacity) {
        int capacity = r->capacity ? 2 * r->capacity : 64;
        ss_status st = ss_grow(cx, &r->at, (size_t)r->capacity, (size_t)capacity, sizeof *r->at);
        if (st) return st;
        r->capacity = capacity;
    }
    r->at[r->count++] = *row;
    return SS_OK;
}

void ss_rows_clear(ss_row_list *r) {
    free(r->at);
    *r = (ss_row_list){0};
}

/* ------------------------------------------------------------------------------------------------ files */

static json_t *json_of(const ss_row *row) {
    json_t *values = json_object();
    for (int i = 0; i < SS_MEASURES; i++)
        if (isfinite(row->value[i])) json_object_set_new(values, ss_measure_names[i], json_real(row->value[i]));
    return json_pack("{s:s, s:s, s:I, s:i, s:i, s:i, s:i, s:o}", "experiment", ss_experiment_names[row->experiment],
                     "arm", ss_arm_names[row->arm], "individual", (json_int_t)row->individual, "target", row->target,
                     "held", row->held, "step", row->step, "layer", row->layer, "values", values);
}

ss_status ss_rows_write(const ss_row_list *r, ss_ctx *cx, const char *path, int first) {
    json_t *list = json_array();
    for (int i = first; i < r->count; i++) json_array_append_new(list, json_of(&r->at[i]));
    char *text = json_dumps(list, JSON_INDENT(1)); /* every bit: what is read again gives the same tables */
    bool whole = text && json_array_size(list) == (size_t)(r->count - first);
    json_decref(list);
    ss_status st = whole ? ss_write_file(cx, path, text, strlen(text))
                         : ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for what was measured");
    free(text);
    return st;
}

static int index_of(const char *word, const char *const *names, int count) {
    for (int i = 0; word && i < count; i++)
        if (!strcmp(word, names[i])) return i;
    return -1;
}

static ss_status take_row(ss_row *row, ss_ctx *cx, ss_object o) {
    int e = index_of(ss_json_text(cx, o, "experiment", ""), ss_experiment_names, SS_EXPERIMENTS);
    int arm = index_of(ss_json_text(cx, o, "arm", ""), ss_arm_names, SS_ARMS);
    ss_object values = ss_json_object(cx, o, "values");
    int64_t who = ss_json_int(cx, o, "individual", -1), target = ss_json_int(cx, o, "target", -1),
            step = ss_json_int(cx, o, "step", -1), layer = ss_json_int(cx, o, "layer", -1);
    if (cx->status) return cx->status;
    values.name = o.name;
    if (e < 0 || arm < 0 || !values.json || who < 0 || target < -1 || target > 1 || step < -1 || step > 1000 ||
        layer < -1 || layer > 1000)
        return ss_fail(cx, SS_ERR_FORMAT, "%s is no file of measurements: remove it, and they are made again", o.name);
    *row = ss_row_new((ss_experiment)e, (ss_arm)arm, (uint64_t)who, (int)target);
    row->held = ss_json_int(cx, o, "held", 0) != 0, row->step = (int)step, row->layer = (int)layer;
    for (int i = 0; i < SS_MEASURES; i++) row->value[i] = ss_json_number(cx, values, ss_measure_names[i], NAN);
    return cx->status;
}

ss_status ss_rows_read(ss_row_list *r, ss_ctx *cx, const char *path) {
    json_t *list = NULL;
    ss_status st = ss_json_read(&list, cx, path);
    if (!st && !json_is_array(list))
        st = ss_fail(cx, SS_ERR_FORMAT, "%s is no file of measurements: remove it, and they are made again", path);
    for (size_t i = 0; i < json_array_size(list) && !st; i++) {
        ss_row row;
        st = take_row(&row, cx, (ss_object){json_array_get(list, i), path});
        if (!st) st = ss_rows_add(r, cx, &row);
    }
    json_decref(list);
    return st;
}

ss_status ss_rows_write_csv(const ss_row_list *r, ss_ctx *cx, const char *path) {
    char line[512];
    ss_buffer b = {0};
    ss_put_text(&b, cx, "experiment,arm,individual,target,held,step,layer");
    for (int i = 0; i < SS_MEASURES; i++) ss_put_text(&b, cx, ","), ss_put_text(&b, cx, ss_measure_names[i]);
    ss_put_text(&b, cx, "\n");
    for (int i = 0; i < r->count; i++) {
        const ss_row *row = &r->at[i];
        snprintf(line, sizeof line, "%s,%s,%llu,%d,%d,%d,%d", ss_experiment_names[row->experiment],
                 ss_arm_names[row->arm], (unsigned long long)row->individual, row->target, row->held, row->step,
                 row->layer);
        ss_put_text(&b, cx, line);
        for (int k = 0; k < SS_MEASURES; k++) {
            snprintf(line, sizeof line, isfinite(row->value[k]) ? ",%.6g" : ",", row->value[k]);
            ss_put_text(&b, cx, line);
        }
        ss_put_text(&b, cx, "\n");
    }
    void *text = NULL;
    size_t n;
    ss_status st = ss_buffer_take(&text, &n, &b, cx);
    if (!st) st = ss_write_file(cx, path, text, n);
    free(text);
    return st;
}

/* ------------------------------------------------------------------------------------------------ means */

/* The sum of an individual's rows, as long as its rows follow each other. */
typedef struct one {
    uint64_t individual;
    double sum;
    int count;
} one;

static bool fits(const ss_row *row, const ss_pick *p) {
    return row->experiment == p->experiment && row->arm == p->arm && row->step == p->step && row->layer == p->layer &&
           (p->held < 0 || row->held == p->held) && !isnan(row->value[p->measure]);
}

/* Every individual's mean, in the order in which they come up; at most r->count. */
static int collect(one *list, const ss_row_list *r, const ss_pick *p) {
    int n = 0;
    for (int i = 0; i < r->count; i++) {
        if (!fits(&r->at[i], p)) continue;
        int k = n - 1;
        while (k >= 0 && list[k].individual != r->at[i].individual) k--;
        if (k < 0) list[k = n++] = (one){r->at[i].individual, 0, 0};
        list[k].sum += r->at[i].value[p->measure], list[k].count++;
    }
    return n;
}

static double mean_of(const one *o) { return o->sum / o->count; }

ss_status ss_rows_mean(ss_interval *out, ss_ctx *cx, const ss_row_list *r, const ss_pick *p) {
    one *list = ss_alloc(cx, (size_t)r->count + 1, sizeof *list);
    double *x = list ? ss_alloc(cx, (size_t)r->count + 1, sizeof *x) : NULL;
    int n = x ? collect(list, r, p) : 0;
    for (int i = 0; i < n; i++) x[i] = mean_of(&list[i]);
    if (x) *out = ss_interval_of(x, n);
    free(list), free(x);
    return cx->status;
}

ss_status ss_rows_difference(ss_interval *out, ss_ctx *cx, const ss_row_list *r, const ss_pick *a, const ss_pick *b) {
    one *list = ss_alloc(cx, (size_t)r->count + 1, sizeof *list);
    one *others = list ? ss_alloc(cx, (size_t)r->count + 1, sizeof *others) : NULL;
    double *x = others ? ss_alloc(cx, (size_t)r->count + 1, sizeof *x) : NULL;
    int n = x ? collect(list, r, a) : 0, m = x ? collect(others, r, b) : 0, pairs = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < m; k++)
            if (list[i].individual == others[k].individual) x[pairs++] = mean_of(&list[i]) - mean_of(&others[k]);
    if (x) *out = ss_interval_of(x, pairs);
    free(list), free(others), free(x);
    return cx->status;
}
