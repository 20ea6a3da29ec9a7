/* The study's figure, as SVG. Points of one first layer are joined in the order of their first step; without control
 * there is one point for each noise, from which all others depart, and grey lines mark what renders of one individual
 * and of two of a kind reach. */
#include "score/plane.h"

#include "io/buffer.h"
#include "io/replace.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ the grid */

/* Keeps a rising list of different numbers. */
static void insert(int *list, int *n, int x) {
    int i = *n;
    for (int k = 0; k < *n; k++)
        if (list[k] == x) return;
    if (*n == SS_GRID) return;
    for (; i > 0 && list[i - 1] > x; i--) list[i] = list[i - 1];
    list[i] = x, ++*n;
}

ss_grid ss_grid_of(const ss_row_list *r) {
    ss_grid g = {0};
    for (int i = 0; i < r->count; i++) {
        if (r->at[i].experiment != SS_STUDY || r->at[i].step < 0) continue;
        insert(g.step, &g.steps, r->at[i].step);
        insert(g.layer, &g.layers, r->at[i].layer);
    }
    return g;
}

/* ------------------------------------------------------------------------------------------------ the figure */

static const double unit[2] = {5, 0.1}; /* between two marks of an axis */
enum { PANELS = 3, HEIGHT = 430, TOP = 50, BOTTOM = 60, PANEL = 370, LEFT = 70, BETWEEN = 60 };
enum { WIDTH = LEFT + PANELS * (PANEL + BETWEEN) };

static const struct {
    const char *title;
    ss_arm arm, off;
} panels[PANELS] = {{"MasaCtrl", SS_ARM_PLAIN, SS_ARM_OFF},
                    {"MasaCtrl with automatic masks", SS_ARM_MASKED, SS_ARM_OFF},
                    {"The subject alone, from new noise", SS_ARM_SUBJECT, SS_ARM_SUBJECT}};

typedef struct plane {
    ss_ctx *cx;
    const ss_row_list *rows;
    const ss_grid *grid;
    double low[2], high[2]; /* of both axes: prompt accuracy in percent, identity */
    ss_buffer svg;
} plane;

static void put(plane *p, const char *format, ...) SS_PRINTF(2, 3);
static void put(plane *p, const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ss_put_text(&p->svg, p->cx, line);
}

typedef struct point {
    ss_interval x, y;
} point;

static point point_of(const plane *p, ss_arm arm, int step, int layer) {
    point at = {{NAN, NAN, NAN, 0}, {NAN, NAN, NAN, 0}};
    ss_pick pick = {SS_STUDY, arm, SS_MEASURE_ATTRIBUTES, -1, step, layer};
    ss_rows_mean(&at.x, p->cx, p->rows, &pick);
    pick.measure = SS_MEASURE_IDENTITY;
    ss_rows_mean(&at.y, p->cx, p->rows, &pick);
    at.x.mean *= 100, at.x.low *= 100, at.x.high *= 100;
    return at;
}

static double across(const plane *p, int panel, double x) {
    return LEFT + panel * (PANEL + BETWEEN) + PANEL * (x - p->low[0]) / (p->high[0] - p->low[0]);
}

static double down(const plane *p, double y) {
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - p->low[1]) / (p->high[1] - p->low[1]);
}

static void widen(plane *p, const point *at) {
    if (!at->x.n || !at->y.n) return;
    p->low[0] = fmin(p->low[0], at->x.mean), p->high[0] = fmax(p->high[0], at->x.mean);
    p->low[1] = fmin(p->low[1], at->y.mean), p->high[1] = fmax(p->high[1], at->y.mean);
}

/* Axes that hold every point, with room around it. */
static void fit(plane *p) {
    p->low[0] = p->low[1] = INFINITY, p->high[0] = p->high[1] = -INFINITY;
    for (int panel = 0; panel < PANELS; panel++) {
        point at = point_of(p, panels[panel].off, -1, -1);
        widen(p, &at);
        for (int i = 0; i < p->grid->steps * p->grid->layers; i++) {
            at =
                point_of(p, panels[panel].arm, p->grid->step[i / p->grid->layers], p->grid->layer[i % p->grid->layers]);
            widen(p, &at);
        }
    }
    for (int k = 0; k < 2; k++) {
        if (!isfinite(p->low[k])) p->low[k] = 0, p->high[k] = unit[k];
        p->low[k] = unit[k] * (floor(p->low[k] / unit[k]) - (k == 0));
        p->high[k] = unit[k] * (ceil(p->high[k] / unit[k]) + 1);
    }
}

static void put_axes(plane *p, int panel) {
    double left = across(p, panel, p->low[0]), right = across(p, panel, p->high[0]), bottom = down(p, p->low[1]),
           top = down(p, p->high[1]);
    put(p, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='none' stroke='#888'/>\n", left, top, right - left,
        bottom - top);
    put(p, "<text x='%.1f' y='%.1f' text-anchor='middle' font-size='15'>%s</text>\n", (left + right) / 2, top - 12,
        panels[panel].title);
    put(p, "<text x='%.1f' y='%.1f' text-anchor='middle'>attributes as the prompt says, %%</text>\n",
        (left + right) / 2, bottom + 38);
    int marks[2], every[2]; /* not more than fit */
    for (int k = 0; k < 2; k++) {
        marks[k] = (int)lround((p->high[k] - p->low[k]) / unit[k]);
        every[k] = 1 + marks[k] / 10;
    }
    for (int i = 0; i <= marks[0]; i += every[0]) {
        double x = p->low[0] + i * unit[0];
        put(p, "<text x='%.1f' y='%.1f' text-anchor='middle'>%.0f</text>\n", across(p, panel, x), bottom + 18, x);
    }
    for (int i = 0; i <= marks[1]; i += every[1]) {
        double y = p->low[1] + i * unit[1];
        put(p, "<text x='%.1f' y='%.1f' text-anchor='end'>%.1f</text>\n", left - 6, down(p, y) + 4, y);
    }
    if (!panel)
        put(p, "<text transform='translate(%.1f %.1f) rotate(-90)' text-anchor='middle'>identity (cosine)</text>\n",
            left - 42, (top + bottom) / 2);
}

/* A level that renders reach, if it lies on the plane. */
static void put_level(plane *p, int panel, ss_arm arm, const char *what) {
    ss_interval r = {NAN, NAN, NAN, 0};
    ss_rows_mean(&r, p->cx, p->rows, &(ss_pick){SS_RENDERS, arm, SS_MEASURE_IDENTITY, -1, -1, -1});
    if (!r.n || r.mean < p->low[1] || r.mean > p->high[1]) return;
    put(p, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#aaa' stroke-dasharray='4 3'/>\n",
        across(p, panel, p->low[0]), across(p, panel, p->high[0]), down(p, r.mean), down(p, r.mean));
    put(p, "<text x='%.1f' y='%.1f' fill='#777'>%s</text>\n", across(p, panel, p->low[0]) + 4, down(p, r.mean) - 4,
        what);
}

static void put_series(plane *p, int panel, int k) {
    ss_arm arm = panels[panel].arm;
    static const char *const colors[] = {"#b03a2e", "#d68910", "#1e8449", "#2471a3", "#6c3483", "#515a5a"};
    const char *color = colors[k % SS_COUNT_OF(colors)];
    const ss_grid *g = p->grid;
    put(p, "<polyline fill='none' stroke='%s' stroke-width='1.5' points='", color);
    for (int i = 0; i < g->steps; i++) {
        point at = point_of(p, arm, g->step[i], g->layer[k]);
        if (at.y.n) put(p, "%.1f,%.1f ", across(p, panel, at.x.mean), down(p, at.y.mean));
    }
    put(p, "'/>\n");
    for (int i = 0; i < g->steps; i++) {
        point at = point_of(p, arm, g->step[i], g->layer[k]);
        if (!at.y.n) continue;
        put(p, "<circle cx='%.1f' cy='%.1f' r='4' fill='%s'/>\n", across(p, panel, at.x.mean), down(p, at.y.mean),
            color);
        put(p, "<text x='%.1f' y='%.1f' fill='%s' font-size='11'>%d</text>\n", across(p, panel, at.x.mean) + 6,
            down(p, at.y.mean) - 5, color, g->step[i]);
    }
    double y = TOP + 20 + 17 * k, x = across(p, panel, p->high[0]) - 110;
    put(p, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='%s' stroke-width='3'/>\n", x, x + 18, y, y, color);
    put(p, "<text x='%.1f' y='%.1f'>from layer %d</text>\n", x + 24, y + 4, g->layer[k]);
}

static void put_off(plane *p, int panel) {
    point at = point_of(p, panels[panel].off, -1, -1);
    if (!at.y.n) return;
    double x = across(p, panel, at.x.mean), y = down(p, at.y.mean);
    put(p, "<path d='M %.1f %.1f l 7 7 l -7 7 l -7 -7 z' fill='#222'/>\n", x, y - 7);
    put(p, "<text x='%.1f' y='%.1f'>no control</text>\n", x + 10, y + 14);
}

ss_status ss_plane_write(const ss_row_list *r, ss_ctx *cx, const ss_grid *g, const char *folder) {
    plane p = {.cx = cx, .rows = r, .grid = g};
    fit(&p);
    put(&p, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' font-size='12'>\n",
        WIDTH, HEIGHT);
    put(&p, "<title>Identity against prompt accuracy; numbers at the points are the first controlled step</title>\n");
    put(&p, "<rect width='%d' height='%d' fill='white'/>\n", WIDTH, HEIGHT);
    for (int panel = 0; panel < PANELS; panel++) {
        put_axes(&p, panel);
        put_level(&p, panel, SS_ARM_SAME, "renders of one individual");
        put_level(&p, panel, SS_ARM_KIN, "of two of its species and color");
        for (int k = 0; k < g->layers; k++) put_series(&p, panel, k);
        put_off(&p, panel);
    }
    put(&p, "</svg>\n");
    void *text = NULL;
    size_t n;
    char *path = ss_format(cx, "%s/study.svg", folder);
    ss_status st = ss_buffer_take(&text, &n, &p.svg, cx);
    if (!st) st = path ? ss_write_file(cx, path, text, n) : SS_ERR_NOMEM;
    free(text), free(path);
    return st;
}
