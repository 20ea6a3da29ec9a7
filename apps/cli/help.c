/* --help: a screen for each verb. */
#include "help.h"

#include "kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 100, LABEL = 96 };

void print_overview(void) {
    puts("selfsame draws pictures of the same subject with Stable Diffusion checkpoints.\n\n"
         "Usage: selfsame VERB [options]\n");
    for (int i = 0; i < verb_count; i++) printf("  %-10s %s\n", verbs[i].name, verbs[i].what);
    puts("\n  selfsame VERB --help          the options of a verb, with examples\n"
         "  selfsame --version            which selfsame this is\n"
         "  selfsame --completion SHELL   completions for bash, zsh or fish, as a script\n\n"
         "Exit status: 0 done, 1 failed, 2 bad usage; ended by its signal when it was stopped with Ctrl-C.\n\n"
         "Examples:");
    for (int i = 0; i < verb_count; i++) printf("  selfsame %s %s\n", verbs[i].name, verbs[i].example[0]);
}

/* "-m, --model PATH" */
static void label_of(const option_row *o, char label[LABEL]) {
    char letter[8] = "    ";
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(label, LABEL, "  %s--%s%s%s", letter, o->name, o->argument ? " " : "", o->argument ? o->argument : "");
}

static int widest_label(const verb *v, bool all) {
    int width = 0;
    for (int i = 0; i < option_count; i++) {
        char label[LABEL];
        label_of(&options[i], label);
        bool here = (all ? options[i].verbs : options[i].shown) & v->bit;
        if (here && (int)strlen(label) > width) width = (int)strlen(label);
    }
    return width;
}

/* A list of words, comma between, broken where the line is full; `indent` columns stand before every line. */
typedef struct list {
    int indent, column;
} list;

static void list_add(list *l, const char *word) {
    int n = (int)strlen(word);
    if (l->column == 0)
        l->column = printf("%*s", l->indent, "");
    else if (l->column + n + 3 > COLUMNS)
        l->column = printf(",\n%*s", l->indent, "") - 2;
    else
        l->column += printf(", ");
    l->column += printf("%s", word);
}

static void print_row(const option_row *o, int width) {
    char label[LABEL];
    label_of(o, label);
    printf("%-*s  %s", width, label, o->help);
    if (o->preset) printf(" [%s]", o->preset);
    putchar('\n');
    if (o->kind != &sampler_kind) return;
    list names = {.indent = width + 2};
    for (const char *const *name = ss_sampler_names(); *name; name++) list_add(&names, *name);
    putchar('\n');
}

/* The options that did not get a line, by name. */
static void print_others(const verb *v) {
    list others = {.indent = 2};
    puts("\nMore, which --help-all tells about:");
    for (int i = 0; i < option_count; i++) {
        const option_row *o = &options[i];
        if (!(o->verbs & v->bit) || o->shown & v->bit) continue;
        char word[LABEL];
        snprintf(word, sizeof word, "--%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        list_add(&others, word);
    }
    putchar('\n');
}

/* What the choice of --kind sets. */
static void print_kinds(void) {
    ss_ctx *cx = NULL;
    char *table = NULL;
    if (!ss_ctx_new(&cx, NULL) && !ss_train_kinds(&table, cx))
        printf("\nKinds of subjects, with the published values (the rate is times what a step sees):\n%s", table);
    free(table);
    ss_ctx_free(cx);
}

void print_help(const verb *v, bool all) {
    printf("Usage: selfsame %s%s%s%s%s [options]\n%s\n\n", v->name, v->operand ? " " : "", v->operand ? v->operand : "",
           v->needs ? " " : "", v->needs ? v->needs : "", v->what);
    int width = widest_label(v, all);
    const char *group = NULL, *printed = NULL;
    for (int i = 0; i < option_count; i++) {
        const option_row *o = &options[i];
        if (o->group) group = o->group;
        if (!((all ? o->verbs : o->shown) & v->bit)) continue;
        if (all && group != printed) printf("%s%s\n", printed ? "\n" : "", group);
        printed = group;
        print_row(o, width);
    }
    if (!all) print_others(v);
    if (all && v->bit == TRAIN) print_kinds();
    puts("\nExamples:");
    for (int i = 0; i < MOST_EXAMPLES && v->example[i]; i++) printf("  selfsame %s %s\n", v->name, v->example[i]);
}
