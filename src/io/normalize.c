/* Unicode's normalization form C, one character after the other so that each keeps its place in the text. The tables
 * are utf8proc's; its own driver knows no places and sorts long runs of marks in quadratic time. */
#include "io/normalize.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum {
    FIRST_MARK = 0x300,    /* characters below never reorder nor compose with what is before them */
    FIRST_COMPOSED = 0xc0, /* characters below do not decompose */
    MOST_PARTS = 18,       /* more than any character decomposes into */
    CLASSES = 256,
    DOTTED_I = 0x130,
    DOT_ABOVE = 0x307
};

static int class_of(uint32_t code) {
    return code < FIRST_MARK ? 0 : utf8proc_get_property((utf8proc_int32_t)code)->combining_class;
}

static ss_status add(ss_letters *y, ss_ctx *cx, ss_letter l) {
    if (y->count == y->room) {
        size_t room = y->room ? 2 * y->room : 128;
        ss_status st = ss_grow(cx, &y->at, y->room, room, sizeof *y->at);
        if (st) return st;
        y->room = room;
    }
    y->at[y->count++] = l;
    return SS_OK;
}

static ss_status decompose(ss_letters *y, ss_ctx *cx, const char *text, size_t from, size_t to) {
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
    ss_status st = SS_OK;
    while (from < to && !st) {
        utf8proc_int32_t code;
        utf8proc_ssize_t n = utf8proc_iterate(bytes + from, (utf8proc_ssize_t)(to - from), &code);
        if (n < 1) {
            return ss_fail(cx, SS_ERR_ARG, "the text is not UTF-8: byte %zu, 0x%02x, does not belong there", from + 1,
                           bytes[from]);
        }
        ss_letter l = {(uint32_t)code, (uint32_t)from, (uint32_t)(from + (size_t)n)};
        from += (size_t)n;
        if (l.code < FIRST_COMPOSED) {
            st = add(y, cx, l);
            continue;
        }
        utf8proc_int32_t part[MOST_PARTS];
        int boundclass = 0;
        n = utf8proc_decompose_char(code, part, MOST_PARTS, UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, &boundclass);
        for (utf8proc_ssize_t i = 0; i < n && !st; i++) {
            l.code = (uint32_t)part[i];
            st = add(y, cx, l);
        }
    }
    return st;
}

/* Sorts a run of marks by their combining class; marks of one class stay in order. `room` takes n of them. */
static void sort_marks(ss_letter *mark, size_t n, ss_letter *room) {
    size_t start[CLASSES + 1] = {0};
    for (size_t i = 0; i < n; i++) start[class_of(mark[i].code) + 1]++;
    for (int c = 0; c < CLASSES; c++) start[c + 1] += start[c];
    for (size_t i = 0; i < n; i++) room[start[class_of(mark[i].code)]++] = mark[i];
    memcpy(mark, room, n * sizeof *mark);
}

static ss_status reorder(ss_letters *y, ss_ctx *cx) {
    ss_letter *room = NULL;
    ss_status st = SS_OK;
    size_t room_for = 0;
    for (size_t i = 0, end; i < y->count && !st; i = end + 1) {
        bool sorted = true;
        for (end = i; end < y->count && class_of(y->at[end].code); end++)
            if (end > i && class_of(y->at[end - 1].code) > class_of(y->at[end].code)) sorted = false;
        if (sorted) continue;
        if (end - i > room_for) {
            st = ss_grow(cx, &room, room_for, end - i, sizeof *room);
            if (st) break;
            room_for = end - i;
        }
        sort_marks(y->at + i, end - i, room);
    }
    free(room);
    return st;
}

/* The character that two make together, or 0. */
static uint32_t composite(uint32_t a, uint32_t b) {
    if (b < FIRST_MARK) return 0;
    utf8proc_int32_t both[2] = {(utf8proc_int32_t)a, (utf8proc_int32_t)b};
    return utf8proc_normalize_utf32(both, 2, UTF8PROC_STABLE | UTF8PROC_COMPOSE) == 1 ? (uint32_t)both[0] : 0;
}

/* A mark joins the last starter unless a mark of the same or a higher class, or a starter, stands between. */
static void compose(ss_letters *y) {
    size_t count = 0;
    ss_letter *starter = NULL;
    int before = 0; /* class of the letter that was put down last */
    for (size_t i = 0; i < y->count; i++) {
        ss_letter l = y->at[i];
        int class = class_of(l.code);
        bool reaches = starter && (starter == y->at + count - 1 || before < class);
        uint32_t whole = reaches ? composite(starter->code, l.code) : 0;
        if (whole) {
            starter->code = whole;
            if (l.to > starter->to) starter->to = l.to;
            continue;
        }
        before = class;
        y->at[count] = l;
        if (!class) starter = y->at + count;
        count++;
    }
    y->count = count;
}

/* Capital I with a dot alone becomes two characters. There is room: it was two before it was composed. */
static void lower(ss_letters *y) {
    size_t dotted = 0;
    for (size_t i = 0; i < y->count; i++) dotted += y->at[i].code == DOTTED_I;
    for (size_t i = y->count, to = i + dotted; i-- > 0;) {
        ss_letter l = y->at[i];
        uint32_t code = l.code;
        if (code == DOTTED_I) {
            y->at[--to] = (ss_letter){DOT_ABOVE, l.from, l.to};
            code = 'I';
        }
        y->at[--to] = (ss_letter){(uint32_t)utf8proc_tolower((utf8proc_int32_t)code), l.from, l.to};
    }
    y->count += dotted;
}

ss_status ss_normalize(ss_letters *y, ss_ctx *cx, const char *text, size_t from, size_t to) {
    y->count = 0;
    ss_status st = decompose(y, cx, text, from, to);
    if (!st) st = reorder(y, cx);
    if (st) return st;
    compose(y);
    lower(y);
    return SS_OK;
}

ss_letter_kind ss_letter_kind_of(uint32_t code) {
    if ((code >= 9 && code <= 13) || code == 0x85) return SS_IS_SPACE;
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return SS_IS_LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return SS_IS_NUMBER;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return SS_IS_SPACE;
    default:
        return SS_IS_OTHER;
    }
}
