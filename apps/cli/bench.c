/* bench: where the time of a step goes, as a table; how it grows with threads and sizes. */
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

static const char *work_of(const json_t *document) {
    return text_at(json_array_get(json_object_get(document, "work"), 0), "work");
}

static void print_row(const json_t *row, double whole) {
    double seconds = number_at(row, "seconds"), t = seconds > 0 ? seconds : 1e-12;
    printf("  %-14s %-30.30s %6.0f %10.4f %6.1f%% %10.1f %9.1f %7.0f%%\n", text_at(row, "operation"),
           text_at(row, "shape"), number_at(row, "calls"), seconds, 100 * seconds / whole,
           number_at(row, "flop") / t / 1e9, number_at(row, "bytes") / t / 1e9, 100 * number_at(row, "share"));
}

static void print_work(const json_t *work) {
    const json_t *rows = json_object_get(work, "operations");
    double sum = 0, rest = 0;
    size_t i, left = 0;
    json_t *row;
    json_array_foreach(rows, i, row) sum += number_at(row, "seconds");
    printf("\n%s: %.4f s, at best %.4f, the first time %.4f\n", text_at(work, "work"), number_at(work, "seconds"),
           number_at(work, "best"), number_at(work, "first"));
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

static void print_head(const json_t *document) {
    char *processor = must(strdup(text_at(document, "processor")));
    printf("%s, %.0f threads, %s\n", printable(processor), number_at(document, "threads"),
           text_at(document, "numbers"));
    free(processor);
    printf("at %.0fx%.0f pixels; its limits, measured here: %.1f GFLOP/s in large products, %.1f GB/s in copying\n",
           number_at(document, "width"), number_at(document, "height"), number_at(document, "product_flops") / 1e9,
           number_at(document, "copy_bytes_per_second") / 1e9);
}

static void print_document(const json_t *document) {
    const json_t *works = json_object_get(document, "work"), *first = json_array_get(works, 0);
    double packing = number_at(first, "first") - number_at(first, "seconds"),
           before = number_at(document, "opened") + number_at(document, "prepared");
    print_head(document);
    printf("from the command to the first step: %.2f s (opening %.2f, texts %.2f, packing weights %.2f)\n",
           before + packing, number_at(document, "opened"), number_at(document, "prepared"), packing);
    size_t i;
    json_t *work;
    json_array_foreach(works, i, work) print_work(work);
}

/* What the settings say, once. */
static int measure(settings *s, json_t **document) {
    job j = {0};
    char *text = NULL;
    ss_bench_options o = {.work = s->work, .repeats = s->repeats};

    int rc = job_open(&j, s);
    if (!rc) rc = job_open_model(&j);
    o.width = s->width, o.height = s->height;
    if (!rc) rc = job_verdict(&j, ss_bench(&text, j.cx, j.m, &o));
    meter_wipe(&j.meter);
    if (!rc) {
        *document = must(json_loads(text, 0, NULL));
        json_object_set_new(*document, "opened", json_real(j.seconds_open));
    }
    free(text);
    job_close(&j);
    return rc;
}

/* Seconds of a document's one piece of work, in all and without attention, whose cost grows with the square of the
 * pixels. */
static double seconds_of(const json_t *document) {
    return number_at(json_array_get(json_object_get(document, "work"), 0), "seconds");
}

static double outside_attention(const json_t *document) {
    double all = 0, others = 0;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(json_array_get(json_object_get(document, "work"), 0), "operations"), i, row) {
        all += number_at(row, "seconds");
        if (strcmp(text_at(row, "operation"), "attention")) others += number_at(row, "seconds");
    }
    return all > 0 ? seconds_of(document) * others / all : 0;
}

static void print_threads(const json_t *all) {
    const json_t *one = json_array_get(all, 0), *at;
    size_t i;
    print_head(json_array_get(all, json_array_size(all) - 1));
    printf("\n%-10s %12s %14s %14s %14s\n", "threads", work_of(one), "faster", "products", "of theirs");
    json_array_foreach(all, i, at) {
        double faster = seconds_of(one) / seconds_of(at),
               products = number_at(at, "product_flops") / number_at(one, "product_flops");
        printf("%-10.0f %10.4f s %13.2fx %13.2fx %13.2fx\n", number_at(at, "threads"), seconds_of(at), faster, products,
               faster / products);
    }
}

static void print_sizes(const json_t *all) {
    const json_t *at;
    size_t i;
    print_head(json_array_get(all, 0));
    printf("\n%-10s %12s %22s %26s\n", "size", work_of(json_array_get(all, 0)), "seconds a megapixel",
           "the same without attention");
    json_array_foreach(all, i, at) {
        double pixels = number_at(at, "width") * number_at(at, "height") / 1e6;
        printf("%4.0fx%-5.0f %10.4f s %22.3f %26.3f\n", number_at(at, "width"), number_at(at, "height"), seconds_of(at),
               seconds_of(at) / pixels, outside_attention(at) / pixels);
    }
}

/* The same work with 1, 2, 4 ... threads, or at sizes from 256 to 1024. */
static int scale(settings *s, json_t *all) {
    int most = s->threads, rc = DONE;
    bool threads = s->scale == SCALE_THREADS;
    if (!s->work) s->work = "guided step";
    if (!most) {
        job j = {0};
        rc = job_open(&j, s); /* counts the cores */
        most = s->threads;
        job_close(&j);
    }
    for (int n = threads ? 1 : 256; n <= (threads ? most : 1024) && !rc; n = threads ? 2 * n : n + 256) {
        json_t *document = NULL;
        if (threads)
            s->threads = n > most / 2 ? most : n; /* the last one is all of them */
        else
            s->width = s->height = n;
        rc = measure(s, &document);
        if (!rc) json_array_append_new(all, document);
        if (threads && s->threads == most) break;
    }
    return rc;
}

int bench(settings *s) {
    json_t *document = NULL;
    int rc;
    if (s->scale == SCALE_NOTHING) {
        rc = measure(s, &document);
    } else {
        document = must(json_array());
        rc = scale(s, document);
    }
    if (!rc && s->json)
        s->report = json_incref(document);
    else if (!rc && s->scale == SCALE_THREADS)
        print_threads(document);
    else if (!rc && s->scale == SCALE_SIZE)
        print_sizes(document);
    else if (!rc)
        print_document(document);
    json_decref(document);
    return rc;
}
