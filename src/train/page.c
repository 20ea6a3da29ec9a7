/* HTML, CSS and an SVG curve. Texts from outside pass `put_plain`, which leaves nothing that HTML could take for its
 * own.
 */
#include "train/page.h"

#include "io/buffer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFRESH = 20 /* seconds */ };

typedef struct page {
    ss_ctx *cx;
    ss_buffer b;
} page;

static void put(page *p, const char *format, ...) SS_PRINTF(2, 3);

static void put(page *p, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ss_put_text(&p->b, p->cx, text);
}

static void put_plain(page *p, const char *text) {
    for (; *text; text++) {
        const char *name = *text == '<'   ? "&lt;"
                           : *text == '>' ? "&gt;"
                           : *text == '&' ? "&amp;"
                           : *text == '"' ? "&quot;"
                                          : NULL;
        if (name)
            ss_put_text(&p->b, p->cx, name);
        else
            ss_put(&p->b, p->cx, text, 1);
    }
}

/* ------------------------------------------------------------------------------------------------ the curve */

enum { WIDTH = 860, HEIGHT = 280, LEFT = 56, BOTTOM = 30, TOP = 10, RIGHT = 14, POINTS = 400 };

typedef struct axes {
    double x0, x1, y1; /* steps from x0 to x1, loss from 0 to y1 */
} axes;

static double across(const axes *a, double x) { return LEFT + (x - a->x0) / (a->x1 - a->x0) * (WIDTH - LEFT - RIGHT); }

static double down(const axes *a, double y) { return HEIGHT - BOTTOM - fmin(y / a->y1, 1) * (HEIGHT - BOTTOM - TOP); }

/* 1, 2 or 5 times a power of ten, so that about `parts` of them make up `range`. */
static double tick(double range, int parts) {
    double least = range / parts, power = pow(10, floor(log10(least)));
    double of = least / power;
    return power * (of <= 1 ? 1 : of <= 2 ? 2 : of <= 5 ? 5 : 10);
}

/* The mean of loss (or of its smoothed form) over runs of steps, so that no curve has more than POINTS points. */
static void polyline(page *p, const ss_run_folder *f, const axes *a, bool smoothed) {
    int each = (f->steps + POINTS - 1) / POINTS;
    put(p, "<polyline class=\"%s\" points=\"", smoothed ? "smooth" : "loss");
    for (int i = 0; i < f->steps; i += each) {
        double x = 0, y = 0;
        int n = 0;
        for (int k = i; k < i + each && k < f->steps; k++) {
            double v = smoothed ? f->step[k].smoothed : f->step[k].loss;
            if (!isfinite(v)) continue;
            x += (double)f->step[k].step;
            y += v;
            n++;
        }
        if (n) put(p, "%.1f,%.1f ", across(a, x / n), down(a, y / n));
    }
    put(p, "\"/>\n");
}

static void put_curve(page *p, const ss_run_folder *f) {
    axes a = {.x0 = 0, .x1 = (double)(f->steps_in_all > 0 ? f->steps_in_all : 1)};
    double sum = 0;
    int n = 0;
    for (int i = 0; i < f->steps; i++) {
        if (isfinite(f->step[i].smoothed)) a.y1 = fmax(a.y1, f->step[i].smoothed);
        if (isfinite(f->step[i].loss)) sum += f->step[i].loss, n++;
        a.x1 = fmax(a.x1, (double)f->step[i].step);
    }
    /* Single steps may be far above the others: the axis shows what is smoothed, and twice the mean. */
    if (n) a.y1 = fmax(1.05 * a.y1, 2 * sum / n);
    if (!(a.y1 > 0)) a.y1 = 1;
    put(p, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"loss over steps\">\n", WIDTH, HEIGHT);
    const double y_by = tick(a.y1, 5), x_by = fmax(1, tick(a.x1, 8));
    for (int i = 0; i * y_by <= a.y1; i++)
        put(p,
            "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" "
            "text-anchor=\"end\">%g</text>\n",
            LEFT, WIDTH - RIGHT, down(&a, i * y_by), down(&a, i * y_by), LEFT - 6, down(&a, i * y_by) + 4, i * y_by);
    for (int i = 0; i * x_by <= a.x1; i++)
        put(p, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n", across(&a, i * x_by),
            HEIGHT - BOTTOM + 18, i * x_by);
    for (int i = 0; i < f->samples; i++)
        if (!i || f->sample[i].about.step != f->sample[i - 1].about.step)
            put(p, "<line class=\"sampled\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>\n",
                across(&a, (double)f->sample[i].about.step), across(&a, (double)f->sample[i].about.step),
                HEIGHT - BOTTOM, HEIGHT - BOTTOM + 5);
    if (f->steps) {
        polyline(p, f, &a, false);
        polyline(p, f, &a, true);
    }
    put(p,
        "</svg>\n<p class=\"quiet\">Loss of each step, thin, and smoothed, over the steps. Small marks below: samples "
        "were drawn.</p>\n");
}

/* ------------------------------------------------------------------------------------------------ samples */

static void put_score(page *p, const char *name, double v) {
    if (isfinite(v)) put(p, "<span>%s %.3f</span> ", name, v);
}

static void put_sample(page *p, const ss_kept_sample *s) {
    put(p, "<figure%s>", s->copy_of ? " class=\"copy\"" : "");
    if (s->small) {
        put(p, "<a href=\"");
        put_plain(p, s->file);
        put(p, "\"><img src=\"data:image/jpeg;base64,");
        ss_put_text(&p->b, p->cx, s->small);
        put(p, "\" alt=\"");
        put_plain(p, s->caption);
        put(p, "\"></a>");
    }
    put(p, "<figcaption>");
    put_plain(p, s->caption);
    put(p, "<br><small>");
    put_score(p, "text", s->about.text);
    put_score(p, "image", s->about.image);
    put_score(p, "nearest photo", s->about.likeness);
    put(p, "<span>seed %llu</span></small>", (unsigned long long)s->about.seed);
    if (s->copy_of) {
        put(p, "<br><b>a copy of ");
        put_plain(p, s->copy_of);
        put(p, "</b>");
    }
    put(p, "</figcaption></figure>\n");
}

static void put_step(page *p, const ss_run_folder *f, int64_t step) {
    ss_run_scores s = ss_run_folder_scores(f, step);
    put(p, "<h3>Step %lld</h3>\n", (long long)step);
    if (isfinite(s.text)) {
        put(p, "<p class=\"quiet\">Together: ");
        put_score(p, "text", s.text);
        put_score(p, "image", s.image);
        if (step && step == ss_run_folder_best(f)) put(p, "<span>the best so far, kept in best.safetensors</span>");
        put(p, "</p>\n");
    }
    put(p, "<div class=\"row\">\n");
}

/* The newest first, those of one step side by side. */
static void put_samples(page *p, const ss_run_folder *f) {
    for (int end = f->samples; end > 0;) {
        int first = end - 1;
        while (first > 0 && f->sample[first - 1].about.step == f->sample[end - 1].about.step) first--;
        put_step(p, f, f->sample[first].about.step);
        for (int i = first; i < end; i++) put_sample(p, &f->sample[i]);
        put(p, "</div>\n");
        end = first;
    }
}

/* ------------------------------------------------------------------------------------------------ settings */

static void put_value(page *p, const char *name, const json_t *v);

static void put_members(page *p, const char *name, const json_t *v) {
    const char *key;
    const json_t *member;
    size_t i;
    char longer[256];
    json_object_foreach((json_t *)v, key, member) {
        snprintf(longer, sizeof longer, "%s%s%s", name, *name ? "." : "", key);
        put_value(p, longer, member);
    }
    json_array_foreach(v, i, member) {
        snprintf(longer, sizeof longer, "%s %zu", name, i + 1);
        put_value(p, longer, member);
    }
}

static void put_value(page *p, const char *name, const json_t *v) {
    if (json_is_object(v) || json_is_array(v)) {
        put_members(p, name, v);
        return;
    }
    put(p, "<tr><th>");
    put_plain(p, name);
    put(p, "</th><td>");
    if (json_is_string(v)) put_plain(p, json_string_value(v));
    if (json_is_integer(v)) put(p, "%lld", (long long)json_integer_value(v));
    if (json_is_real(v)) put(p, "%g", json_real_value(v));
    if (json_is_boolean(v)) put(p, "%s", json_is_true(v) ? "yes" : "no");
    put(p, "</td></tr>\n");
}

/* ------------------------------------------------------------------------------------------------ the whole */

static const char style[] =
    ":root{color-scheme:light dark;--ink:#222;--quiet:#777;--grid:#ddd;--one:#9bbbd9;--two:#1f5f99;--warn:#b3541e}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#ddd;--quiet:#999;--grid:#444;--one:#3d5f7d;--two:#8cc4f2;"
    "--warn:#f0a070}}\n"
    "body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);max-width:900px;margin:2em auto;padding:0 1em}\n"
    "svg{width:100%;height:auto}text{font-size:12px;fill:var(--quiet)}\n"
    ".grid,.sampled{stroke:var(--grid)}.sampled{stroke:var(--quiet)}\n"
    "polyline{fill:none}.loss{stroke:var(--one)}.smooth{stroke:var(--two);stroke-width:2}\n"
    ".quiet,small{color:var(--quiet)}.row{display:flex;flex-wrap:wrap;gap:12px}\n"
    "figure{margin:0;width:192px;overflow-wrap:anywhere}img{width:100%;height:auto;display:block}\n"
    ".copy img{outline:3px solid var(--warn)}b,.warn{color:var(--warn)}small span{margin-right:.6em}\n"
    "table{border-collapse:collapse}th{text-align:left;font-weight:normal;color:var(--quiet);padding-right:1.5em;"
    "vertical-align:top}td{overflow-wrap:anywhere}\n";

static void put_summary(page *p, const ss_run_folder *f, bool ended) {
    if (!f->steps) {
        put(p, "<p>No step done yet.</p>\n");
        return;
    }
    const ss_run_step *s = &f->step[f->steps - 1];
    put(p, "<p>Step %lld of %lld%s; loss %.4g, smoothed %.4g; %.2f s a step", (long long)s->step,
        (long long)f->steps_in_all, ended ? s->step < f->steps_in_all ? ", stopped" : ", done" : "", s->loss,
        s->smoothed, s->seconds);
    if (!ended && isfinite(s->seconds))
        put(p, ", %.0f min left", (double)(f->steps_in_all - s->step) * s->seconds / 60);
    put(p, "; %.2f GB at most.</p>\n", (double)s->memory / 1e9);
}

ss_status ss_page_build(char **html, ss_ctx *cx, const ss_run_folder *f, bool ended) {
    page made = {.cx = cx}, *p = &made;
    put(p, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
           "content=\"width=device-width\">\n");
    if (!ended) put(p, "<meta http-equiv=\"refresh\" content=\"%d\">\n", REFRESH);
    put(p, "<title>Training</title>\n<style>\n");
    ss_put_text(&p->b, cx, style);
    put(p, "</style></head><body>\n<h1>Training</h1>\n");
    put_summary(p, f, ended);
    for (int i = 0; i < f->notes; i++) {
        put(p, "<p class=\"warn\">Step %lld: ", (long long)f->note[i].step);
        put_plain(p, f->note[i].text);
        put(p, "</p>\n");
    }
    put_curve(p, f);
    put(p, "<h2>Samples</h2>\n");
    put_samples(p, f);
    put(p, "<h2>Settings</h2>\n<table>\n");
    put_members(p, "", f->settings);
    put(p, "</table>\n</body></html>\n");
    return ss_buffer_take((void **)html, NULL, &p->b, cx);
}
