/* bench: where the time of a step goes, as a table. */
#include "job.h"
#include "options.h"
#include "say.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERATIONS = 12 }; /* the slowest of each piece of work */

static double number_at(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static void print_row(const json_t *row, double whole) {
    double seconds = number_at(row, "seconds"), t = seconds > 0 ? seconds : 1e-12;
    printf("  %-14s %-30.30s %6.0f %10.4f %6.1f%% %10.1f %9.1f %7.0f%%\n", text_at(row, "operation"),
           text_at(row, "shape"), number_at(row, "calls"), seconds, 100 * seconds / whole,
           number_at(row, "flop") / t / 1e9, number_at(row, "bytes") / t / 1e9, 100 * number_at(row, "share"));
}

static void print_work(const json_t *work, double all) {
    const json_t *rows = json_object_get(work, "operations");
    double sum = 0, rest = 0;
    size_t i, left = 0;
    json_t *row;
    json_array_foreach(rows, i, row) sum += number_at(row, "seconds");
    printf("\n%s: %.4f s\n", text_at(work, "work"), all);
    printf("  %-14s %-30s %6s %10s %7s %10s %9s %8s\n", "operation", "shape", "calls", "seconds", "of all", "GFLOP/s",
           "GB/s", "of limit");
    json_array_foreach(rows, i, row) {
        if (i < OPERATIONS)
            print_row(row, sum > 0 ? sum : 1);
        else
            rest += number_at(row, "seconds"), left++;
    }
    if (left)
        printf("  %zu others%*s%10.4f %6.1f%%\n", left, 44 - (left > 9) - (left > 99), "", rest,
               100 * rest / (sum > 0 ? sum : 1));
}

static void print_document(const json_t *document) {
    char *processor = must(strdup(text_at(document, "processor")));
    printf("%s, %.0f threads, %s\n", printable(processor), number_at(document, "threads"),
           text_at(document, "numbers"));
    free(processor);
    printf("at %.0fx%.0f pixels; its limits, measured here: %.1f GFLOP/s in a large product, %.1f GB/s in copying\n",
           number_at(document, "width"), number_at(document, "height"), number_at(document, "product_flops") / 1e9,
           number_at(document, "copy_bytes_per_second") / 1e9);
    size_t i;
    json_t *work;
    json_array_foreach(json_object_get(document, "work"), i, work) print_work(work, number_at(work, "seconds"));
}

int bench(settings *s) {
    job j = {0};
    char *text = NULL;
    json_t *document = NULL;

    int rc = job_open(&j, s);
    if (!rc) rc = job_open_model(&j);
    if (!rc) rc = job_verdict(&j, ss_bench(&text, j.cx, j.m, s->width, s->height));
    meter_wipe(&j.meter);
    if (!rc) document = must(json_loads(text, 0, NULL));
    if (!rc && s->json)
        s->report = json_incref(document);
    else if (!rc)
        print_document(document);
    json_decref(document);
    free(text);
    job_close(&j);
    return rc;
}
