/* A bench's rows as tables. Every number is a mean over individuals with its 95 % interval. */
#include "score/tables.h"

#include "io/buffer.h"
#include "io/replace.h"
#include "score/plane.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct tables {
    ss_ctx *cx;
    const ss_row_list *rows;
    ss_buffer md, csv;
    json_t *means, *differences;
} tables;

static void put(tables *t, const char *format, ...) SS_PRINTF(2, 3);
static void put(tables *t, const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ss_put_text(&t->md, t->cx, line);
}

static ss_interval mean(const tables *t, const ss_pick *p) {
    ss_interval r = {NAN, NAN, NAN, 0};
    ss_rows_mean(&r, t->cx, t->rows, p);
    return r;
}

static ss_interval difference(const tables *t, const ss_pick *a, const ss_pick *b) {
    ss_interval r = {NAN, NAN, NAN, 0};
    ss_rows_difference(&r, t->cx, t->rows, a, b);
    return r;
}

static ss_pick pick(ss_experiment e, ss_arm arm, ss_measure m, int held) {
    return (ss_pick){.experiment = e, .arm = arm, .measure = m, .held = held, .step = -1, .layer = -1};
}

/* ------------------------------------------------------------------------------------------------ Markdown */

/* Shares in percent, decibels with a digit, the rest with two; the half interval where there is one. */
static void put_number(tables *t, ss_measure m, const ss_interval *r, bool sign) {
    bool share = m <= SS_MEASURE_ATTRIBUTES, decibel = m == SS_MEASURE_BACKGROUND || m == SS_MEASURE_PSNR;
    int digits = share ? 0 : decibel ? 1 : 2;
    double by = share ? 100 : 1, half = by * (r->high - r->mean);
    if (!r->n) return;
    put(t, sign ? " %+.*f" : " %.*f", digits, by * r->mean);
    if (isfinite(half)) put(t, " ± %.*f", digits, half);
}

static void put_cell(tables *t, ss_measure m, const ss_interval *r, bool sign) {
    put_number(t, m, r, sign);
    put(t, " |");
}

typedef struct column {
    const char *title;
    ss_measure measure;
    int held; /* as in ss_pick */
} column;

typedef struct line {
    const char *title;
    ss_experiment experiment;
    ss_arm arm;
} line;

static void put_head(tables *t, const char *first, const column *columns, int n) {
    put(t, "| %s |", first);
    for (int i = 0; i < n; i++) put(t, " %s |", columns[i].title);
    put(t, "\n| --- |");
    for (int i = 0; i < n; i++) put(t, " --- |");
    put(t, "\n");
}

static void put_table(tables *t, const char *first, const column *columns, int n, const line *lines, int m) {
    put_head(t, first, columns, n);
    for (int i = 0; i < m; i++) {
        put(t, "| %s |", lines[i].title);
        for (int k = 0; k < n; k++) {
            ss_pick p = pick(lines[i].experiment, lines[i].arm, columns[k].measure, columns[k].held);
            ss_interval r = mean(t, &p);
            put_cell(t, columns[k].measure, &r, false);
        }
        put(t, "\n");
    }
    put(t, "\n");
}

static bool has(const tables *t, ss_experiment e) {
    for (int i = 0; i < t->rows->count; i++)
        if (t->rows->at[i].experiment == e) return true;
    return false;
}

static void put_renders(tables *t) {
    static const column reads[] = {
        {"species %", SS_MEASURE_SPECIES, -1}, {"color %", SS_MEASURE_COLOR, -1},
        {"action %", SS_MEASURE_ACTION, -1},   {"place %", SS_MEASURE_PLACE, -1},
        {"all four %", SS_MEASURE_PROMPT, -1}, {"held-out combinations %", SS_MEASURE_PROMPT, 1},
        {"mask IoU", SS_MEASURE_MASK, -1}};
    static const line through[] = {{"renders", SS_RENDERS, SS_ARM_SAME},
                                   {"renders through the autoencoder", SS_RENDERS, SS_ARM_AUTOENCODER}};
    static const column alike[] = {{"identity", SS_MEASURE_IDENTITY, -1},
                                   {"hue distance", SS_MEASURE_HUE, -1},
                                   {"pattern distance", SS_MEASURE_PATTERN, -1}};
    static const line who[] = {{"the same individual: the ceiling", SS_RENDERS, SS_ARM_SAME},
                               {"another one of its species and color: chance", SS_RENDERS, SS_ARM_KIN},
                               {"one of another species", SS_RENDERS, SS_ARM_STRANGER}};
    if (!has(t, SS_RENDERS)) return;
    put(t, "### The readers on real renders\n\n");
    put_table(t, "pictures", reads, SS_COUNT_OF(reads), through, SS_COUNT_OF(through));
    put(t, "### The scale of identity: a render of the photo's individual beside a render, in another scene, of\n\n");
    put_table(t, "whom", alike, SS_COUNT_OF(alike), who, SS_COUNT_OF(who));
}

static void put_reconstruction(tables *t) {
    static const column psnr[] = {
        {"PSNR dB", SS_MEASURE_PSNR, -1}, {"identity", SS_MEASURE_IDENTITY, -1}, {"all four %", SS_MEASURE_PROMPT, -1}};
    static const line lines[] = {{"autoencoder", SS_RENDERS, SS_ARM_AUTOENCODER},
                                 {"DDIM inversion and back, without guidance", SS_EDIT, SS_ARM_SOURCE}};
    put(t, "### Drawing the photo back\n\n");
    put_table(t, "by", psnr, SS_COUNT_OF(psnr), lines, SS_COUNT_OF(lines));
}

static const column drawn[] = {{"species %", SS_MEASURE_SPECIES, -1},
                               {"color %", SS_MEASURE_COLOR, -1},
                               {"action %", SS_MEASURE_ACTION, -1},
                               {"place %", SS_MEASURE_PLACE, -1},
                               {"all four %", SS_MEASURE_PROMPT, -1},
                               {"mean of the four %", SS_MEASURE_ATTRIBUTES, -1},
                               {"the same, held-out combinations %", SS_MEASURE_ATTRIBUTES, 1},
                               {"identity", SS_MEASURE_IDENTITY, -1},
                               {"hue distance", SS_MEASURE_HUE, -1},
                               {"pattern distance", SS_MEASURE_PATTERN, -1},
                               {"background dB", SS_MEASURE_BACKGROUND, -1},
                               {"automatic mask IoU", SS_MEASURE_MASK, -1}};
enum { DRAWN = SS_COUNT_OF(drawn) };

static void put_differences(tables *t, ss_experiment e) {
    static const struct {
        const char *title;
        ss_arm arm, than;
    } lines[] = {{"MasaCtrl - off", SS_ARM_PLAIN, SS_ARM_OFF},
                 {"masked - off", SS_ARM_MASKED, SS_ARM_OFF},
                 {"subject - off", SS_ARM_SUBJECT, SS_ARM_OFF},
                 {"masked - MasaCtrl", SS_ARM_MASKED, SS_ARM_PLAIN},
                 {"subject - MasaCtrl", SS_ARM_SUBJECT, SS_ARM_PLAIN}};
    put_head(t, "difference", drawn, DRAWN - 1);
    for (int i = 0; i < SS_COUNT_OF(lines); i++) {
        put(t, "| %s |", lines[i].title);
        for (int k = 0; k < DRAWN - 1; k++) {
            ss_pick a = pick(e, lines[i].arm, drawn[k].measure, drawn[k].held), b = a;
            b.arm = lines[i].than;
            ss_interval r = difference(t, &a, &b);
            put_cell(t, drawn[k].measure, &r, true);
        }
        put(t, "\n");
    }
    put(t, "\n");
}

static void put_text(tables *t) {
    static const line lines[] = {{"first picture", SS_TEXT, SS_ARM_SOURCE},
                                 {"others: off", SS_TEXT, SS_ARM_OFF},
                                 {"others: MasaCtrl", SS_TEXT, SS_ARM_PLAIN},
                                 {"others: masked", SS_TEXT, SS_ARM_MASKED},
                                 {"others: subject", SS_TEXT, SS_ARM_SUBJECT}};
    if (!has(t, SS_TEXT)) return;
    put(t, "### Text to image: a first picture, and others that read it\n\n");
    put_table(t, "pictures", drawn, DRAWN - 1, lines, SS_COUNT_OF(lines));
    put_differences(t, SS_TEXT);
}

static void put_edit(tables *t, ss_experiment e, const char *title) {
    const line lines[] = {{"off", e, SS_ARM_OFF},
                          {"MasaCtrl", e, SS_ARM_PLAIN},
                          {"masked", e, SS_ARM_MASKED},
                          {"subject", e, SS_ARM_SUBJECT}};
    if (!has(t, e)) return;
    put(t, "### %s\n\n", title);
    put_table(t, "control", drawn, DRAWN, lines, SS_COUNT_OF(lines));
    put_differences(t, e);
}

/* ------------------------------------------------------------------------------------------------ the study */

static ss_pick study_pick(ss_arm arm, ss_measure m, int step, int layer) {
    return (ss_pick){SS_STUDY, arm, m, -1, step, layer};
}

/* Identity and attributes of a cell. */
static void put_pair(tables *t, ss_arm arm, int step, int layer) {
    ss_pick who = study_pick(arm, SS_MEASURE_IDENTITY, step, layer), what = who;
    what.measure = SS_MEASURE_ATTRIBUTES;
    ss_interval a = mean(t, &who), b = mean(t, &what);
    put_number(t, SS_MEASURE_IDENTITY, &a, false);
    put(t, ",");
    put_number(t, SS_MEASURE_ATTRIBUTES, &b, false);
}

static void put_grid(tables *t, const ss_grid *g, ss_arm arm, const char *title) {
    put(t, "| %s, first step |", title);
    for (int k = 0; k < g->layers; k++) put(t, " from layer %d |", g->layer[k]);
    put(t, "\n| --- |");
    for (int k = 0; k < g->layers; k++) put(t, " --- |");
    for (int i = 0; i < g->steps; i++) {
        put(t, "\n| %d |", g->step[i]);
        for (int k = 0; k < g->layers; k++) {
            put_pair(t, arm, g->step[i], g->layer[k]);
            put(t, " |");
        }
    }
    put(t, "\n\n");
}

static void put_study(tables *t, const ss_grid *g) {
    if (!has(t, SS_STUDY)) return;
    put(t, "### The study: where control starts\n\n");
    put(t, "Identity, and the mean of the four attributes in percent. Without control:");
    put_pair(t, SS_ARM_OFF, -1, -1);
    put(t, "; from new noise:");
    put_pair(t, SS_ARM_SUBJECT, -1, -1);
    put(t, ".\n\n");
    put_grid(t, g, SS_ARM_PLAIN, "MasaCtrl");
    put_grid(t, g, SS_ARM_MASKED, "masked");
    put_grid(t, g, SS_ARM_SUBJECT, "subject, from new noise");
}

static int individuals(const ss_row_list *r) {
    int n = 0;
    for (int i = 0; i < r->count; i++) {
        int k = 0;
        while (k < i && r->at[k].individual != r->at[i].individual) k++;
        n += k == i;
    }
    return n;
}

static void put_markdown(tables *t, const json_t *settings, const ss_grid *g) {
    int n = individuals(t->rows);
    put(t, "%d individuals that no training saw, %d steps, guidance %g, pictures of %d pixels, %s; model %.12s.\n", n,
        (int)json_integer_value(json_object_get(settings, "steps")),
        json_number_value(json_object_get(settings, "guidance")),
        (int)json_integer_value(json_object_get(settings, "size")),
        json_string_value(json_object_get(settings, "numbers")), json_string_value(json_object_get(settings, "model")));
    put(t, "Means over individuals ± half of their 95 %% interval (Student's t); differences are paired.\n\n");
    put_renders(t);
    if (has(t, SS_RENDERS) || has(t, SS_EDIT)) put_reconstruction(t);
    put_text(t);
    put_edit(t, SS_EDIT, "Edits of a photo, from its own noise");
    put_edit(t, SS_FRESH, "Edits of a photo, from new noise");
    put_study(t, g);
}

/* ------------------------------------------------------------------------------------------------ for machines */

static void add_number(json_t *o, const char *key, double x) {
    json_object_set_new(o, key, isfinite(x) ? json_real(x) : json_null());
}

/* `than`: what was subtracted, or NULL. */
static void add_result(tables *t, const ss_pick *p, const ss_interval *r, const char *than) {
    char text[256];
    if (!r->n || t->cx->status) return;
    json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i}", "experiment", ss_experiment_names[p->experiment],
                          "arm", ss_arm_names[p->arm], "measure", ss_measure_names[p->measure], "held", p->held, "step",
                          p->step, "layer", p->layer, "individuals", r->n);
    if (than) json_object_set_new(o, "minus", json_string(than));
    add_number(o, "mean", r->mean), add_number(o, "low", r->low), add_number(o, "high", r->high);
    json_array_append_new(than ? t->differences : t->means, o);
    snprintf(text, sizeof text, "%s,%s,%s,%s,%d,%d,%d,%d,%.6g,%.6g,%.6g\n", ss_experiment_names[p->experiment],
             ss_arm_names[p->arm], than ? than : "", ss_measure_names[p->measure], p->held, p->step, p->layer, r->n,
             r->mean, r->low, r->high);
    ss_put_text(&t->csv, t->cx, text);
}

static void add_pick(tables *t, const ss_pick *p) {
    ss_interval r = mean(t, p);
    add_result(t, p, &r, NULL);
    if (p->step >= 0 && p->arm == SS_ARM_SUBJECT) { /* the same noise without control */
        ss_pick start = study_pick(p->arm, p->measure, -1, -1);
        r = difference(t, p, &start);
        add_result(t, p, &r, "fresh");
    }
    for (ss_arm than = SS_ARM_OFF; than < p->arm; than++) {
        ss_pick other = *p;
        other.arm = than;
        if (than == SS_ARM_OFF) other.step = other.layer = -1;
        r = difference(t, p, &other);
        add_result(t, p, &r, ss_arm_names[than]);
    }
}

static void add_all(tables *t) {
    ss_put_text(&t->csv, t->cx, "experiment,arm,minus,measure,held,step,layer,individuals,mean,low,high\n");
    for (ss_experiment e = SS_RENDERS; e < SS_STUDY; e++)
        for (ss_arm arm = 0; arm < SS_ARMS; arm++)
            for (ss_measure m = 0; m < SS_MEASURES; m++)
                for (int held = -1; held <= 1; held++) {
                    ss_pick p = pick(e, arm, m, held);
                    add_pick(t, &p);
                }
}

static void add_study(tables *t, const ss_grid *g) {
    for (ss_measure m = 0; m < SS_MEASURES; m++) {
        ss_pick p = study_pick(SS_ARM_OFF, m, -1, -1);
        add_pick(t, &p);
        p.arm = SS_ARM_SUBJECT;
        add_pick(t, &p);
        for (ss_arm arm = SS_ARM_PLAIN; arm <= SS_ARM_SUBJECT; arm++)
            for (int i = 0; i < g->steps * g->layers; i++) {
                p = study_pick(arm, m, g->step[i / g->layers], g->layer[i % g->layers]);
                add_pick(t, &p);
            }
    }
}

/* ------------------------------------------------------------------------------------------------ the files */

static ss_status write_text(const tables *t, const char *folder, const char *name, const char *text) {
    char *path = ss_format(t->cx, "%s/%s", folder, name);
    ss_status st = path ? ss_write_file(t->cx, path, text, strlen(text)) : SS_ERR_NOMEM;
    free(path);
    return st;
}

ss_status ss_tables_write(ss_clay_score_report *out, ss_ctx *cx, const ss_row_list *rows, const json_t *settings,
                          const char *folder) {
    tables t = {.cx = cx, .rows = rows, .means = json_array(), .differences = json_array()};
    void *md = NULL, *csv = NULL;
    ss_grid grid = ss_grid_of(rows);
    put_markdown(&t, settings, &grid);
    add_all(&t);
    add_study(&t, &grid);
    json_t *all = json_pack("{s:O, s:i, s:O, s:O}", "settings", settings, "individuals", individuals(rows), "means",
                            t.means, "differences", t.differences);
    char *json = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    ss_status st = ss_buffer_take(&md, NULL, &t.md, cx);
    if (!st) st = ss_buffer_take(&csv, NULL, &t.csv, cx);
    if (!st && !json) st = ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for the bench's tables");
    if (!st) st = cx->status;
    const char *const names[] = {"bench.md", "results.json", "summary.csv"}, *const texts[] = {md, json, csv};
    for (int i = 0; i < 3 && !st; i++) st = texts[i] ? write_text(&t, folder, names[i], texts[i]) : SS_ERR_NOMEM;
    char *path = st ? NULL : ss_format(cx, "%s/pictures.csv", folder);
    if (!st) st = path ? ss_rows_write_csv(rows, cx, path) : SS_ERR_NOMEM;
    if (!st && has(&t, SS_STUDY)) st = ss_plane_write(rows, cx, &grid, folder);
    if (!st)
        *out = (ss_clay_score_report){md, json};
    else
        free(md), free(json);
    free(csv), free(path);
    ss_buffer_free(&t.md), ss_buffer_free(&t.csv);
    json_decref(all), json_decref(t.means), json_decref(t.differences);
    return st;
}
