/* Sentences on standard error. */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char first_failure[4096];
static bool quiet_please;

char *printable(char *text) {
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (*c < ' ' && *c != '\n' && *c != '\t') *c = '?';
        if (*c == 0x7f) *c = '?';
        if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) c[0] = c[1] = '?'; /* the second set of control codes */
    }
    return text;
}

static void say(const char *opening, const char *format, va_list args) {
    char line[4096];
    vsnprintf(line, sizeof line, format, args);
    fprintf(stderr, "selfsame: %s%s\n", opening, printable(line));
}

static void keep(const char *format, va_list args) {
    if (!*first_failure) vsnprintf(first_failure, sizeof first_failure, format, args);
}

int usage(const char *format, ...) {
    va_list args;
    va_start(args, format);
    keep(format, args);
    va_end(args);
    va_start(args, format);
    say("", format, args);
    va_end(args);
    return BAD_USAGE;
}

int failure(const char *format, ...) {
    va_list args;
    va_start(args, format);
    keep(format, args);
    va_end(args);
    va_start(args, format);
    say("", format, args);
    va_end(args);
    return FAILED;
}

void warning(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say("warning: ", format, args);
    va_end(args);
}

void note(const char *format, ...) {
    if (quiet_please) return;
    va_list args;
    va_start(args, format);
    say("", format, args);
    va_end(args);
}

void hush(bool quiet) { quiet_please = quiet; }

const char *said(void) { return first_failure; }
