/* The progress bar. */
#include "meter.h"

#include "job.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR = 24, SECONDS_BETWEEN_LINES = 20 };

void meter_open(meter *m, bool quiet) { *m = (meter){.terminal = isatty(STDERR_FILENO), .quiet = quiet, .parts = 1}; }

static int columns(void) {
    struct winsize size;
    return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

static void duration(char *text, size_t n, double seconds) {
    int s = (int)(seconds + 0.5);
    if (s < 60)
        snprintf(text, n, "%d s", s);
    else if (s < 3600)
        snprintf(text, n, "%d:%02d min", s / 60, s % 60);
    else
        snprintf(text, n, "%d:%02d h", s / 3600, s / 60 % 60);
}

/* "23/50, 1.24 s a step, 33 s left" */
static void account(const meter *m, const ss_progress *p, double t, char *text, size_t n) {
    int steps = p->done - m->began_done;
    int at = snprintf(text, n, "%d/%d", p->done, p->total);
    if (!m->began || steps < 1) return;
    double pace = (t - m->began) / steps;
    char left[32];
    duration(left, sizeof left, pace * (p->total - p->done + (double)p->total * (m->parts - 1 - m->part)));
    snprintf(text + at, n - (size_t)at, ", %.*f s a step, %s left", pace < 1 ? 3 : 2, pace, left);
}

void meter_show(meter *m, const ss_progress *p) {
    if (m->quiet || p->total < 1) return;
    double t = now();
    bool new_stage = strncmp(m->what, p->what, sizeof m->what - 1) || p->done < m->done;
    if (new_stage) {
        snprintf(m->what, sizeof m->what, "%s", p->what);
        m->began = 0;
        m->more[0] = 0;
    }
    if (!m->began && p->done) m->began = t, m->began_done = p->done;
    m->done = p->done;

    char what[128], counts[256];
    if (m->parts > 1)
        snprintf(what, sizeof what, "%s, picture %d of %d", m->what, m->part + 1, m->parts);
    else
        snprintf(what, sizeof what, "%s", m->what);
    account(m, p, t, counts, sizeof counts);
    if (*m->more) {
        size_t n = strlen(counts);
        snprintf(counts + n, sizeof counts - n, ", %s", m->more);
    }
    if (m->terminal) {
        char bar[BAR + 1], line[512];
        int full = (int)((int64_t)BAR * p->done / p->total);
        for (int i = 0; i < BAR; i++) bar[i] = i < full ? '=' : ' ';
        bar[BAR] = 0;
        int n = snprintf(line, sizeof line, "%s [%s] %s", what, bar, counts);
        if (n >= columns()) snprintf(line, sizeof line, "%s %s", what, counts);
        fprintf(stderr, "\r%.*s\033[K", columns() - 1, line);
        fflush(stderr);
        m->drawn = true;
    } else if (p->done && (p->done == p->total || t - m->spoke >= SECONDS_BETWEEN_LINES)) {
        fprintf(stderr, "selfsame: %s: %s\n", what, counts);
        m->spoke = t;
    }
}

void meter_wipe(meter *m) {
    if (m->drawn) fputs("\r\033[K", stderr);
    m->drawn = false;
}
