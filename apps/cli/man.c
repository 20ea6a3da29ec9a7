/* The man page, as roff: selfsame --man > selfsame.1 */
#include "help.h"
#include "kinds.h"

#include <stdio.h>

/* Text with what roff would take for itself written so that it does not. */
static void roff(const char *text) {
    for (const char *c = text; *c; c++) {
        if (*c == '-' || *c == '\\')
            printf("\\%c", *c == '\\' ? 'e' : '-');
        else if ((*c == '.' || *c == '\'') && c == text)
            printf("\\&%c", *c);
        else if (*c == '\'')
            printf("\\(aq");
        else
            putchar(*c);
    }
}

static void print_option(const option_row *o) {
    puts(".TP");
    fputs(".B ", stdout);
    if (o->letter) printf("\\-%c\\fR, \\fB", o->letter);
    roff("--");
    roff(o->name);
    if (o->argument) printf(" \\fI%s", o->argument);
    putchar('\n');
    roff(o->help);
    if (o->preset) printf(" [%s]", o->preset);
    putchar('\n');
    if (o->kind != &sampler_kind) return;
    fputs("They are", stdout);
    for (const char *const *name = ss_sampler_names(); *name; name++) {
        putchar(' ');
        roff(*name);
        putchar(name[1] ? ',' : '.');
    }
    putchar('\n');
}

static void print_verb(const verb *v) {
    printf(".SH \"%s\"\n", v->name);
    printf(".B selfsame %s\n", v->name);
    if (v->operand) printf(".I %s\n", v->operand);
    if (v->needs) roff(v->needs), putchar('\n');
    puts("[options]\n.PP");
    roff(v->what);
    putchar('\n');
    roff(v->more);
    putchar('\n');
    const char *group = NULL, *printed = NULL;
    for (int i = 0; i < option_count; i++) {
        if (options[i].group) group = options[i].group;
        if (!(options[i].verbs & v->bit)) continue;
        if (group != printed) printf(".SS \"%s\"\n", group);
        printed = group;
        print_option(&options[i]);
    }
    puts(".SS \"Examples\"");
    for (int i = 0; i < MOST_EXAMPLES && v->example[i]; i++) {
        puts(".PP\n.EX");
        printf("selfsame %s ", v->name);
        roff(v->example[i]);
        puts("\n.EE");
    }
}

void print_man_page(void) {
    puts(".TH SELFSAME 1 \"\" \"selfsame " SS_VERSION "\"\n"
         ".SH NAME\n"
         "selfsame \\- pictures of the same subject, again and again\n"
         ".SH SYNOPSIS\n"
         ".B selfsame\n"
         ".I VERB\n"
         "[options]\n"
         ".SH DESCRIPTION\n"
         "Draws with Stable Diffusion checkpoints: pictures from text, and the subject of a photo again in other "
         "scenes.\n"
         "Results go to standard output, progress and warnings to standard error.\n"
         "Every picture carries its recipe and can be drawn again from it.\n"
         "The first Ctrl\\-C stops at the next step and keeps what is finished, the second ends the program at once.");
    for (int i = 0; i < verb_count; i++) print_verb(&verbs[i]);
    puts(".SH \"EXIT STATUS\"\n"
         "0 done, 1 failed, 2 bad usage. After Ctrl\\-C the program ends by that signal, which shells show as 130.");
}
