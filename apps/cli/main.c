/* selfsame: which verb, and how it ends. */
#include "help.h"
#include "options.h"
#include "say.h"

#include "job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const elsewhere[] = {"--help", "--version", "--completion"};
enum { ELSEWHERE = sizeof elsewhere / sizeof *elsewhere };

static int complete(int argc, char **argv) {
    if (argc != 3) return usage("--completion takes one shell: bash, zsh or fish");
    if (!print_completion(argv[2])) return usage("--completion knows bash, zsh and fish, not \"%s\"", argv[2]);
    return DONE;
}

static int unknown_verb(const char *word) {
    const char *names[16];
    int n = 0;
    for (int i = 0; i < verb_count; i++) names[n++] = verbs[i].name;
    for (int i = 0; i < ELSEWHERE; i++) names[n++] = elsewhere[i];
    const char *near = ss_nearest(word, names, n);
    if (near) return usage("there is no verb \"%s\"; did you mean \"%s\"? (selfsame --help lists them)", word, near);
    return usage("there is no verb \"%s\" (selfsame --help lists them)", word);
}

/* The report on standard output, with what went wrong in it. */
static void print_report(settings *s, int rc) {
    json_t *report = s->report ? s->report : (s->report = must(json_object()));
    if (rc == FAILED || rc == BAD_USAGE) {
        json_t *sentence = json_string(said());
        json_object_set_new(report, "error", sentence ? sentence : json_string("a name that is not UTF-8"));
    }
    if (rc == STOPPED) json_object_set_new(report, "stopped", json_true());
    json_dumpf(report, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    putchar('\n');
}

static int run_verb(const verb *v, int argc, char **argv) {
    settings s = {0};
    int rc = options_parse(&s, v, argc, argv);
    if (!rc && (s.help || s.help_all)) {
        print_help(v, s.help_all);
        settings_free(&s);
        return DONE;
    }
    if (!rc) rc = options_check(&s);
    if (!rc) rc = prompts_read(&s);
    if (!rc) rc = v->run(&s);
    if (s.json) print_report(&s, rc);
    settings_free(&s);
    return rc;
}

static int run(int argc, char **argv) {
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word) return usage("what shall be done? selfsame --help lists the verbs");
    for (int i = 0; i < verb_count; i++)
        if (!strcmp(word, verbs[i].name)) return run_verb(&verbs[i], argc - 1, argv + 1);
    if (!strcmp(word, "--completion")) return complete(argc, argv);
    if (!strcmp(word, "--help") || !strcmp(word, "-h"))
        print_overview();
    else if (!strcmp(word, "--version"))
        puts("selfsame " SS_VERSION);
    else if (!strcmp(word, "--man"))
        print_man_page();
    else
        return unknown_verb(word);
    return DONE;
}

/* Idle threads of OpenMP spin by default. Where other programs want the processor, too, every operation then waits for
 * a whole time slice: measured, a step of a small model took 11 s instead of 0.2. Asleep they cost microseconds. The
 * runtime reads this once, before main, so the program starts itself again. */
static void let_idle_threads_sleep(char **argv) {
    if (getenv("OMP_WAIT_POLICY")) return;
    if (!setenv("OMP_WAIT_POLICY", "passive", 1)) execv("/proc/self/exe", argv);
}

int main(int argc, char **argv) {
    let_idle_threads_sleep(argv);
    int rc = run(argc, argv);
    if ((fflush(stdout) || ferror(stdout)) && rc == DONE)
        rc = failure("standard output cannot be written: %s", strerror(errno));
    if (rc == STOPPED) {
        /* A shell that runs us in a loop has to see that it was the signal, or Ctrl-C would only skip to the next. */
        signal(job_signal(), SIG_DFL);
        raise(job_signal());
    }
    return rc;
}
