/* Every number of an archive is from outside: it is compared with what the file can hold before it is used. */
#include "io/zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    END_BYTES = 22,     /* end of central directory, without its comment */
    LOCATOR_BYTES = 20, /* zip64: lies before the end record and says where the zip64 end record is */
    END64_BYTES = 56,
    ENTRY_BYTES = 46,  /* in the central directory, without name, extra field and comment */
    HEADER_BYTES = 30, /* before the data, without name and extra field */
    MOST_COMMENT = 65535,

    ENCRYPTED = 1 | 1 << 6 | 1 << 13,
};
#define SATURATED32 0xffffffffu

static uint64_t little(const unsigned char *p, int n) {
    uint64_t v = 0;
    while (n--) v = v << 8 | p[n];
    return v;
}

static bool is_signature(const unsigned char *p, const char *letters) {
    return memcmp(p, "PK", 2) == 0 && memcmp(p + 2, letters, 2) == 0;
}

/* The end record is the last one whose comment reaches exactly to the end of the file. NULL if there is none. */
static const unsigned char *find_end(const ss_zip *z) {
    for (size_t comment = 0; comment <= MOST_COMMENT && comment + END_BYTES <= z->size; comment++) {
        const unsigned char *p = z->bytes + z->size - END_BYTES - comment;
        if (is_signature(p, "\5\6") && little(p + 20, 2) == comment) return p;
    }
    return NULL;
}

typedef struct directory {
    uint64_t begin, size, count;
} directory;

static ss_status find_directory(directory *y, ss_ctx *cx, const ss_zip *z) {
    const unsigned char *end = find_end(z);
    if (!end) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s: the zip archive has no directory at its end; it has been cut off",
                       z->file);
    }
    *y = (directory){.begin = little(end + 16, 4), .size = little(end + 12, 4), .count = little(end + 10, 2)};
    const unsigned char *locator = end - z->bytes >= LOCATOR_BYTES ? end - LOCATOR_BYTES : NULL;
    size_t limit = (size_t)(end - z->bytes);
    if (locator && is_signature(locator, "\6\7")) {
        uint64_t at = little(locator + 8, 8);
        limit = (size_t)(locator - z->bytes);
        if (limit < END64_BYTES || at > limit - END64_BYTES || !is_signature(z->bytes + at, "\6\6")) {
            return ss_fail(cx, SS_ERR_FORMAT,
                           "%s: the zip64 record is not where the archive says (byte %" PRIu64 " of %zu)", z->file, at,
                           z->size);
        }
        const unsigned char *record = z->bytes + at;
        limit = at;
        *y = (directory){
            .begin = little(record + 48, 8), .size = little(record + 40, 8), .count = little(record + 32, 8)};
    }
    if (y->begin > limit || y->size > limit - y->begin) {
        return ss_fail(cx, SS_ERR_FORMAT,
                       "%s: the zip archive's directory lies outside of the file (byte %" PRIu64 " of %zu)", z->file,
                       y->begin, z->size);
    }
    if (y->count > y->size / ENTRY_BYTES) {
        return ss_fail(cx, SS_ERR_FORMAT,
                       "%s: the zip archive's directory of %" PRIu64 " bytes cannot hold %" PRIu64 " entries", z->file,
                       y->size, y->count);
    }
    return SS_OK;
}

/* The zip64 extra field holds, in this order, those of the numbers that were saturated. False if it does not. */
static bool read_extra(ss_zip_entry *e, const unsigned char *extra, size_t n) {
    uint64_t *numbers[] = {&e->size, &e->packed, &e->header};
    bool wanted = false;
    for (int i = 0; i < 3; i++) wanted |= *numbers[i] == SATURATED32;
    while (wanted && n >= 4) {
        size_t length = little(extra + 2, 2);
        if (length > n - 4) return false;
        if (little(extra, 2) == 1) {
            const unsigned char *p = extra + 4;
            for (int i = 0; i < 3; i++) {
                if (*numbers[i] != SATURATED32) continue;
                if (length < 8) return false;
                *numbers[i] = little(p, 8);
                p += 8;
                length -= 8;
            }
            return true;
        }
        extra += 4 + length;
        n -= 4 + length;
    }
    return !wanted;
}

/* Reads one entry of the directory and returns its length there, 0 if it is damaged. */
static size_t read_entry(ss_zip_entry *y, const unsigned char *p, size_t n) {
    if (n < ENTRY_BYTES || !is_signature(p, "\1\2")) return 0;
    size_t name = little(p + 28, 2), extra = little(p + 30, 2), comment = little(p + 32, 2);
    size_t all = ENTRY_BYTES + name + extra + comment;
    if (all > n) return 0;
    *y = (ss_zip_entry){
        .name = (const char *)p + ENTRY_BYTES,
        .name_length = name,
        .method = (uint16_t)little(p + 10, 2),
        .packed = little(p + 20, 4),
        .size = little(p + 24, 4),
        .header = little(p + 42, 4),
    };
    return read_extra(y, p + ENTRY_BYTES + name, extra) ? all : 0;
}

/* How much of a name a sentence quotes. */
static int shown(const ss_zip_entry *e) { return e->name_length < 200 ? (int)e->name_length : 200; }

static int compare_names(const char *a, size_t n, const char *b, size_t m) {
    int order = memcmp(a, b, n < m ? n : m);
    return order ? order : n < m ? -1 : n > m;
}

static int by_name(const void *a, const void *b) {
    const ss_zip_entry *x = a, *y = b;
    return compare_names(x->name, x->name_length, y->name, y->name_length);
}

ss_status ss_zip_open(ss_zip *out, ss_ctx *cx, ss_pool *pool, const char *file, const void *bytes, size_t size) {
    ss_zip z = {.file = file, .bytes = bytes, .size = size};
    directory d = {0};
    ss_status st = find_directory(&d, cx, &z);
    if (st) return st;
    z.entries = ss_pool_take(pool, cx, d.count, sizeof *z.entries);
    if (!z.entries) return SS_ERR_NOMEM;
    const unsigned char *p = z.bytes + d.begin;
    for (; z.count < (int64_t)d.count; z.count++) {
        size_t left = (size_t)(z.bytes + d.begin + d.size - p);
        size_t n = read_entry(&z.entries[z.count], p, left);
        if (!n) {
            return ss_fail(cx, SS_ERR_FORMAT, "%s: entry %" PRId64 " of the zip archive's directory is damaged", file,
                           z.count);
        }
        if (little(p + 8, 2) & ENCRYPTED) {
            return ss_fail(cx, SS_ERR_FORMAT, "%s: the zip archive is encrypted", file);
        }
        p += n;
    }
    if (z.count) qsort(z.entries, (size_t)z.count, sizeof *z.entries, by_name);
    for (int64_t i = 1; i < z.count; i++) {
        if (by_name(&z.entries[i - 1], &z.entries[i]) == 0) {
            return ss_fail(cx, SS_ERR_FORMAT, "%s: the zip archive holds %.*s twice", file, shown(&z.entries[i]),
                           z.entries[i].name);
        }
    }
    *out = z;
    return SS_OK;
}

const ss_zip_entry *ss_zip_find(const ss_zip *z, const char *name) {
    ss_zip_entry key = {.name = name, .name_length = strlen(name)};
    return z->count ? bsearch(&key, z->entries, (size_t)z->count, sizeof key, by_name) : NULL;
}

/* zlib keeps about 40 KB of its own for the length of the call. */
static ss_status inflate_into(unsigned char *y, ss_ctx *cx, const ss_zip *z, const ss_zip_entry *e,
                              const unsigned char *x) {
    enum { PIECE = 1 << 30 }; /* zlib counts in 32 bits */
    uint64_t in_left = e->packed, out_left = e->size;
    z_stream s = {.next_in = (unsigned char *)x, .next_out = y};
    if (inflateInit2(&s, -MAX_WBITS) != Z_OK)
        return ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room to unpack %s", z->file);
    int st = Z_OK;
    while (st == Z_OK) {
        uInt in = in_left < PIECE ? (uInt)in_left : PIECE, room = out_left < PIECE ? (uInt)out_left : PIECE;
        s.avail_in = in;
        s.avail_out = room;
        st = inflate(&s, Z_NO_FLUSH);
        in_left -= in - s.avail_in;
        out_left -= room - s.avail_out;
    }
    inflateEnd(&s);
    if (st == Z_STREAM_END && out_left == 0) return SS_OK;
    return ss_fail(cx, SS_ERR_FORMAT, "%s: %.*s in the zip archive cannot be unpacked; the file is damaged", z->file,
                   shown(e), e->name);
}

ss_status ss_zip_read(const unsigned char **out, ss_ctx *cx, ss_pool *pool, size_t limit, const ss_zip *z,
                      const ss_zip_entry *e) {
    enum { MOST_RATIO = 1032 }; /* deflate cannot do better */
    uint64_t at = e->header;
    bool inside = z->size >= HEADER_BYTES && at <= z->size - HEADER_BYTES && is_signature(z->bytes + at, "\3\4");
    if (inside) {
        at += HEADER_BYTES + little(z->bytes + at + 26, 2) + little(z->bytes + at + 28, 2);
        inside = at <= z->size && e->packed <= z->size - at && (e->method != 0 || e->packed == e->size);
    }
    if (!inside) {
        return ss_fail(cx, SS_ERR_FORMAT,
                       "%s: %.*s lies outside of the zip archive; the file is damaged or has been cut off", z->file,
                       shown(e), e->name);
    }
    if (e->method == 0) {
        *out = z->bytes + at;
        return SS_OK;
    }
    if (e->method != 8) {
        return ss_fail(cx, SS_ERR_FORMAT,
                       "%s: %.*s is packed with method %d; stored (0) and deflated (8) are understood", z->file,
                       shown(e), e->name, e->method);
    }
    if (e->size / MOST_RATIO > e->packed || e->size > limit || pool->total > limit - e->size) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s: %.*s claims to unpack %" PRIu64 " bytes to %" PRIu64 "; that is refused",
                       z->file, shown(e), e->name, e->packed, e->size);
    }
    unsigned char *y = ss_pool_take(pool, cx, e->size, 1);
    if (!y) return SS_ERR_NOMEM;
    ss_status st = inflate_into(y, cx, z, e, z->bytes + at);
    if (!st) *out = y;
    return st;
}
