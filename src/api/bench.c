/* Where the time of a piece of work goes: every class of operation with its arithmetic, its traffic and the share of
 * what the machine allows, the two limits measured on the spot, before the work and after. */
#include "api/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *processor(char *name, size_t size) {
    char line[256];
    snprintf(name, size, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon) continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(name, size, "%s", colon + 2);
        break;
    }
    if (f) fclose(f);
    return name;
}

static int by_time(const void *a, const void *b) {
    double x = ((const ss_profile_row *)a)->seconds, y = ((const ss_profile_row *)b)->seconds;
    return (x < y) - (x > y);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static json_t *table(ss_profile *p, const ss_peak *peak) {
    json_t *rows = json_array();
    qsort(p->row, (size_t)p->count, sizeof *p->row, by_time);
    for (int i = 0; i < p->count; i++) {
        const ss_profile_row *r = &p->row[i];
        double arithmetic = r->flop / peak->flops, traffic = r->bytes / peak->bytes;
        double least = arithmetic > traffic ? arithmetic : traffic;
        json_array_append_new(rows, json_pack("{ss ss si sf sf sf sf}", "operation", r->name, "shape", r->detail,
                                              "calls", r->calls, "seconds", r->seconds, "flop", r->flop, "bytes",
                                              r->bytes, "share", r->seconds > 0 ? least / r->seconds : 0.0));
    }
    return rows;
}

/* One piece of work as measured. */
typedef struct measured {
    const char *name;
    double first, median, best; /* seconds; the first run packs weights */
    ss_profile *profile;        /* of one more run */
} measured;

static ss_status measure(measured *r, ss_ctx *cx, ss_work *w, int repeats) {
    double *time = ss_alloc(cx, (size_t)repeats, sizeof *time), begun = ss_now();
    ss_status st = time ? ss_work_run(w, cx, r->name) : SS_ERR_NOMEM;
    r->first = ss_now() - begun;
    for (int i = 0; i < repeats && !st; i++) {
        ss_report(cx, r->name, i, repeats);
        begun = ss_now();
        if (!(st = ss_stopped(cx))) st = ss_work_run(w, cx, r->name);
        time[i] = ss_now() - begun;
    }
    if (!st) {
        ss_report(cx, r->name, repeats, repeats);
        qsort(time, (size_t)repeats, sizeof *time, ascending);
        r->median = time[repeats / 2], r->best = time[0];
        cx->device->profile = r->profile = ss_alloc(cx, 1, sizeof *r->profile);
        st = r->profile ? ss_work_run(w, cx, r->name) : SS_ERR_NOMEM;
        cx->device->profile = NULL;
    }
    free(time);
    return st;
}

static char *document(ss_ctx *cx, ss_size size, double prepared, const measured *rows, int count, const ss_peak *peak) {
    char name[128];
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{ss sf sf sf so}", "work", rows[i].name, "seconds", rows[i].median,
                                              "best", rows[i].best, "first", rows[i].first, "operations",
                                              table(rows[i].profile, peak)));
    json_t *j =
        json_pack("{ss ss si si si sf sf sf so}", "processor", processor(name, sizeof name), "numbers",
                  ss_ctx_numbers(cx), "threads", cx->threads, "width", size.w, "height", size.h, "product_flops",
                  peak->flops, "copy_bytes_per_second", peak->bytes, "prepared", prepared, "work", list);
    char *text = json_dumps(j, JSON_INDENT(1));
    json_decref(j);
    if (!text) ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for the table");
    return text;
}

ss_status ss_bench(char **json, ss_ctx *cx, ss_model *m, const ss_bench_options *o) {
    enum { MOST = 16 };
    measured rows[MOST] = {{0}};
    int count = 0, repeats = o->repeats ? o->repeats : 3;
    ss_peak peak = {0};
    ss_size size;
    ss_work *w = NULL;
    double begun = ss_now();
    ss_ctx_clear(cx);
    ss_status st = ss_request_size(&size, cx, m, o->width, o->height);
    if (!st && (repeats < 1 || repeats > 10000)) st = ss_fail(cx, SS_ERR_ARG, "%d repeats: give 1 to 10000", repeats);
    if (!st) st = ss_work_new(&w, cx, m, size);
    double prepared = ss_now() - begun;
    if (!st) st = ss_peak_measure(&peak, cx);
    for (int i = 0; o->work ? !i : ss_work_names[i] != NULL; i++) {
        rows[count].name = o->work ? o->work : ss_work_names[i];
        if (!st) st = measure(&rows[count++], cx, w, repeats);
    }
    if (!st) st = ss_peak_measure(&peak, cx);
    char *text = st ? NULL : document(cx, size, prepared, rows, count, &peak);
    if (!st && !text) st = cx->status;
    if (!st) *json = text;
    for (int i = 0; i < count; i++) ss_profile_free(rows[i].profile);
    ss_work_free(w);
    ss_arena_trim(cx->arena);
    return st;
}
