/* Contact sheets and the study's grid. */
#include "io/sheet.h"

#include "io/font.h"
#include "io/image.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ grid */

static void paste(ss_image *to, int x, int y, const ss_image *from) {
    for (int row = 0; row < from->h; row++)
        memcpy(to->rgb + 3 * ((size_t)(y + row) * to->w + x), from->rgb + (size_t)3 * row * from->w,
               (size_t)3 * from->w);
}

ss_status ss_image_grid(ss_image *out, ss_ctx *cx, const ss_image *images, int count) {
    enum { PADDING = 2, ROW = 8 };
    if (count < 1) return ss_fail(cx, SS_ERR_ARG, "a grid of no pictures was asked for");
    for (int i = 1; i < count; i++)
        if (images[i].w != images[0].w || images[i].h != images[0].h)
            return ss_fail(cx, SS_ERR_SHAPE,
                           "a grid holds pictures of one size: the first is %d x %d, number %d is %d x %d", images[0].w,
                           images[0].h, i + 1, images[i].w, images[i].h);
    if (count == 1) return ss_image_copy(out, cx, images);

    int columns = count < ROW ? count : ROW, rows = (count + columns - 1) / columns;
    int w = images[0].w + PADDING, h = images[0].h + PADDING;
    if ((int64_t)columns * w > SS_IMAGE_SIDE || (int64_t)rows * h > SS_IMAGE_SIDE)
        return ss_fail(cx, SS_ERR_ARG, "a grid of %d pictures of %d x %d is more than %d pixels wide or high", count,
                       images[0].w, images[0].h, SS_IMAGE_SIDE);
    ss_image made = {0};
    ss_status st = ss_image_new(&made, cx, columns * w + PADDING, rows * h + PADDING);
    if (st) return st;
    for (int i = 0; i < count; i++) paste(&made, PADDING + i % columns * w, PADDING + i / columns * h, &images[i]);
    *out = made;
    return SS_OK;
}

/* ------------------------------------------------------------------------------------------------ sheet */

enum {
    MARGIN = 24,     /* around everything */
    GAP = 16,        /* between pictures, and between a row's captions and the next row */
    BELOW = 10,      /* between a picture and its caption */
    NARROWEST = 192, /* a cell, for the sake of its caption; small pictures stand in its middle */
    LINES = 4,       /* of a caption; the rest is cut off */
    SIDE = 16000,    /* of a sheet, which any format holds; pictures are made smaller to keep to it */
    CELLS = 1024,    /* more pictures than anyone looks at on one */
};

static const uint8_t paper[3] = {250, 249, 246}, ink[3] = {45, 45, 50};
static const char dots[] = "...";

typedef struct line {
    const char *at;
    size_t n;
} line;

static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

/* Whether a byte continues a character of UTF-8. */
static bool is_inside(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

/* n less the last character. */
static size_t before(const char *text, size_t n) {
    do n--;
    while (n && is_inside(text[n]));
    return n;
}

/* Breaks a caption between words into lines of at most `width` pixels; a word that is wider is broken anywhere. Returns
 * how many there are, *cut whether some of the text did not get a place. */
static int wrap(line *lines, bool *cut, const char *text, int width) {
    int count = 0;
    *cut = false;
    while (is_blank(*text)) text++;
    while (*text) {
        if (count == LINES) {
            *cut = true;
            break;
        }
        size_t fits = 0, n = 0; /* up to the last blank that fits, and up to where we look */
        while (text[n]) {
            do n++;
            while (is_inside(text[n]));
            if (ss_font_width(text, n) > width) break;
            if (is_blank(text[n]) || !text[n]) fits = n;
        }
        if (!fits) fits = before(text, n);
        lines[count++] = (line){text, fits};
        text += fits;
        while (is_blank(*text)) text++;
    }
    return count;
}

static void draw_caption(ss_image *sheet, int x, int y, int width, const char *text) {
    line lines[LINES];
    bool cut;
    int count = wrap(lines, &cut, text, width), end = ss_font_width(dots, 3);
    for (int i = 0; i < count; i++) {
        line l = lines[i];
        bool ends = cut && i == count - 1;
        while (ends && l.n && ss_font_width(l.at, l.n) + 2 + end > width) l.n = before(l.at, l.n);
        int drawn = ss_font_width(l.at, l.n), start = x + (width - drawn - (ends ? end + 2 : 0)) / 2;
        ss_font_draw(sheet, start, y + i * SS_FONT_LINE, l.at, l.n, ink);
        if (ends) ss_font_draw(sheet, start + drawn + 2, y + i * SS_FONT_LINE, dots, 3, ink);
    }
}

/* All cells are equal: as wide as the widest picture, as high as the highest and the longest caption. */
typedef struct layout {
    int columns, rows;
    int w, h;    /* of a cell's picture */
    int caption; /* height of its caption, 0 if there is none at all */
    int64_t sheet_w, sheet_h;
} layout;

static int scaled(int a, double scale) {
    int b = (int)(a * scale + 0.5);
    return b < 1 ? 1 : b;
}

/* A sheet somewhat wider than high; full rows if that makes it no more than half as wide again. */
static int columns_for(int count) {
    int most = (int)ceil(sqrt(1.5 * count));
    for (int c = most; c <= most + most / 2; c++)
        if (count % c == 0) return c;
    return most;
}

static layout lay_out(const ss_image *images, const char *const *captions, int count, double scale) {
    layout l = {.columns = count, .w = NARROWEST, .h = 1};
    if (count > 5) l.columns = columns_for(count);
    l.rows = (count + l.columns - 1) / l.columns;
    for (int i = 0; i < count; i++) {
        int w = scaled(images[i].w, scale), h = scaled(images[i].h, scale);
        if (w > l.w) l.w = w;
        if (h > l.h) l.h = h;
    }
    for (int i = 0; i < count; i++) {
        line lines[LINES];
        bool cut;
        int n = captions && captions[i] ? wrap(lines, &cut, captions[i], l.w) : 0;
        if (n * SS_FONT_LINE > l.caption) l.caption = n * SS_FONT_LINE;
    }
    int cell_h = l.h + (l.caption ? BELOW + l.caption : 0);
    l.sheet_w = 2 * MARGIN + (int64_t)l.columns * (l.w + GAP) - GAP;
    l.sheet_h = 2 * MARGIN + (int64_t)l.rows * (cell_h + GAP) - GAP;
    return l;
}

ss_status ss_sheet_draw(ss_image *out, ss_ctx *cx, const ss_image *images, const char *const *captions, int count) {
    if (count < 1 || count > CELLS)
        return ss_fail(cx, SS_ERR_ARG, "a sheet holds 1 to %d pictures, not %d", CELLS, count);
    double scale = 1;
    layout l = lay_out(images, captions, count, scale);
    while (l.sheet_w > SIDE || l.sheet_h > SIDE || l.sheet_w * l.sheet_h > SS_IMAGE_PIXELS)
        l = lay_out(images, captions, count, scale *= 0.9);

    ss_image made = {0};
    ss_status st = ss_image_new(&made, cx, (int)l.sheet_w, (int)l.sheet_h);
    for (int64_t i = 0, n = (int64_t)made.w * made.h; i < n; i++) memcpy(made.rgb + 3 * i, paper, 3);
    for (int i = 0; i < count && !st; i++) {
        int x = MARGIN + i % l.columns * (l.w + GAP);
        int y = MARGIN + i / l.columns * (l.h + (l.caption ? BELOW + l.caption : 0) + GAP);
        int w = scaled(images[i].w, scale), h = scaled(images[i].h, scale);
        ss_image small = {0};
        st = ss_image_resize(&small, cx, &images[i], w, h, SS_LANCZOS);
        if (!st) paste(&made, x + (l.w - w) / 2, y + (l.h - h) / 2, &small);
        if (!st && captions && captions[i]) draw_caption(&made, x, y + l.h + BELOW, l.w, captions[i]);
        ss_image_free(&small);
    }
    if (st)
        ss_image_free(&made);
    else
        *out = made;
    return st;
}

ss_status ss_sheet_write(ss_ctx *cx, const char *path, const ss_image *images, const char *const *captions, int count) {
    ss_image sheet = {0};
    ss_status st = ss_image_path_check(cx, path);
    if (!st) st = ss_sheet_draw(&sheet, cx, images, captions, count);
    if (!st) st = ss_image_write(cx, path, &sheet, NULL);
    ss_image_free(&sheet);
    return st;
}
