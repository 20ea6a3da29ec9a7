/* inspect: what a weights file or a model folder is, for people. */
#include "job.h"
#include "options.h"
#include "say.h"
#include "verbs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_TENSORS = 12, FIRST_METADATA = 160 /* characters of one value */, TYPES = 24 };

static const char *text_at(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

static int64_t integer_at(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

/* Names come from outside and may hold what would move a terminal's cursor; `width` pads. */
static void print_text(const char *text, int width) {
    char *copy = printable(must(strdup(text)));
    for (char *c = copy; *c; c++)
        if (*c == '\n' || *c == '\t') *c = ' ';
    printf("%-*s", width, copy);
    free(copy);
}

static void print_bytes(double n) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    int u = 0;
    while (u < 3 && n >= 1024) n /= 1024, u++;
    printf(u && n < 100 ? "%.1f %s" : "%.0f %s", n, units[u]);
}

static void print_parameters(int64_t n) {
    if (n < 1000000)
        printf("%" PRId64 " parameters", n);
    else
        printf("%.1f million parameters", (double)n / 1e6);
}

/* "F16", or "F32 and I64" */
static void print_types(const json_t *tensors) {
    const char *seen[TYPES];
    int n = 0;
    size_t i;
    json_t *t;
    json_array_foreach(tensors, i, t) {
        const char *type = text_at(t, "type");
        int k = 0;
        while (type && k < n && strcmp(seen[k], type)) k++;
        if (type && k == n && n < TYPES) seen[n++] = type;
    }
    for (int k = 0; k < n; k++) {
        fputs(k == 0 ? ", " : k == n - 1 ? " and " : ", ", stdout);
        print_text(seen[k], 0);
    }
}

static void print_shape(const json_t *shape) {
    size_t i;
    json_t *side;
    putchar('[');
    json_array_foreach(shape, i, side) printf("%s%" PRId64, i ? ", " : "", (int64_t)json_integer_value(side));
    putchar(']');
}

static void print_tensors(const json_t *tensors, bool all) {
    size_t count = json_array_size(tensors), n = all || count <= FIRST_TENSORS + 1 ? count : FIRST_TENSORS;
    int widest = 0;
    for (size_t i = 0; i < n; i++) {
        const char *name = text_at(json_array_get(tensors, i), "name");
        int width = name ? (int)strlen(name) : 0;
        if (width > widest && width <= 72) widest = width;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *t = json_array_get(tensors, i);
        const char *name = text_at(t, "name"), *type = text_at(t, "type");
        fputs("  ", stdout);
        print_text(name ? name : "?", widest);
        fputs("  ", stdout);
        print_text(type ? type : "?", 4);
        putchar(' ');
        print_shape(json_object_get(t, "shape"));
        putchar('\n');
    }
    if (n < count) printf("  and %zu more tensors (--all lists them)\n", count - n);
}

static void print_metadata(const json_t *metadata, bool all) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)metadata, key, value) {
        const char *text = json_string_value(value);
        size_t length = text ? strlen(text) : 0;
        bool cut = !all && length > FIRST_METADATA;
        fputs("  ", stdout);
        print_text(key, 0);
        fputs(": ", stdout);
        if (text && cut) {
            char *start = must(strndup(text, FIRST_METADATA));
            print_text(start, 0);
            free(start);
            printf("... (%zu bytes, --all shows them)", length);
        } else {
            print_text(text ? text : "?", 0);
        }
        putchar('\n');
    }
}

/* One file's content, under a heading. */
static void print_weights(const char *heading, const json_t *w, bool all) {
    const json_t *tensors = json_object_get(w, "tensors"), *refused = json_object_get(w, "not_executed");
    const char *format = text_at(w, "format"), *layout = text_at(w, "layout");
    print_text(heading, 0);
    printf(": %s%s%s", format ? format : "", layout ? ", " : "", layout ? layout : "");
    if (integer_at(w, "shards")) printf(", %" PRId64 " shards", integer_at(w, "shards"));
    printf(", %" PRId64 " tensors, ", integer_at(w, "tensor_count"));
    print_parameters(integer_at(w, "parameters"));
    fputs(", ", stdout);
    print_bytes((double)integer_at(w, "bytes"));
    print_types(tensors);
    putchar('\n');
    print_metadata(json_object_get(w, "metadata"), all);
    size_t i;
    json_t *name;
    json_array_foreach(refused, i, name) {
        fputs("  not executed: ", stdout);
        print_text(json_string_value(name), 0);
        putchar('\n');
    }
    print_tensors(tensors, all);
}

static void print_document(const json_t *document, const char *path, bool all) {
    const json_t *components = json_object_get(document, "components");
    const char *kind = text_at(document, "kind"), *missing = text_at(document, "missing"),
               *family = text_at(document, "family");
    print_text(path, 0);
    printf(": %s%s%s\n", kind ? kind : "", family ? ", " : "", family ? family : "");
    if (json_is_true(json_object_get(document, "usable"))) {
        int64_t size = integer_at(document, "size");
        printf("  %s, predicts %s, sampler %s, made for %" PRId64 "x%" PRId64 " pixels, %" PRId64 " attention layers\n",
               text_at(document, "layout"), text_at(document, "predicts"), text_at(document, "sampler"), size, size,
               integer_at(document, "attention_layers"));
    } else if (missing) {
        fputs("  selfsame cannot draw with it: ", stdout);
        print_text(missing, 0);
        putchar('\n');
    }
    const char *part;
    json_t *weights;
    json_object_foreach((json_t *)components, part, weights) {
        putchar('\n');
        print_weights(part, weights, all);
    }
    if (!components) print_weights("content", document, all);
}

int inspect(settings *s) {
    job j = {0};
    char *text = NULL;
    json_t *document = NULL;

    int rc = job_open(&j, s);
    if (!rc) rc = job_verdict(&j, ss_inspect(&text, j.cx, s->operand));
    if (!rc) document = must(json_loads(text, 0, NULL));
    if (!rc && s->json)
        s->report = json_incref(document);
    else if (!rc)
        print_document(document, s->operand, s->all);
    json_decref(document);
    free(text);
    job_close(&j);
    return rc;
}
