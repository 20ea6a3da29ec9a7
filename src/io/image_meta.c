/* What pictures say about themselves. In a PNG two texts, under the keywords "parameters" and "selfsame"; in JPEG and
 * WebP one EXIF block with the first as UserComment (UTF-16, as other tools write it) and the second as MakerNote.
 *
 * All bytes come from outside: each walk below goes forward only and looks at nothing that it has not measured. What is
 * damaged is passed over: a picture without a recipe is a picture still.
 */
#include "io/image_meta.h"

#include "io/buffer.h"
#include "io/image.h"
#include "io/image_codec.h"
#include "io/map.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include <zlib.h>

static const char parameters_keyword[] = "parameters", json_keyword[] = "selfsame";

typedef struct span {
    const uint8_t *at;
    size_t n;
} span;

static bool starts_with(span s, const void *prefix, size_t n) { return s.n >= n && !memcmp(s.at, prefix, n); }

static span behind(span s, size_t n) {
    if (n > s.n) n = s.n;
    return (span){s.at + n, s.n - n};
}

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]; }

static uint32_t le32(const uint8_t *p) { return (uint32_t)p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0]; }

void ss_image_meta_free(ss_image_meta *meta) {
    if (!meta) return;
    free(meta->parameters);
    free(meta->json);
    *meta = (ss_image_meta){0};
}

/* ------------------------------------------------------------------------------------------------ characters */

static bool is_utf8(span s) {
    utf8proc_int32_t rune;
    while (s.n) {
        utf8proc_ssize_t used = utf8proc_iterate(s.at, (utf8proc_ssize_t)s.n, &rune);
        if (used < 1) return false;
        s = behind(s, (size_t)used);
    }
    return true;
}

/* Takes one character off the front; what is not UTF-8 counts byte by byte as U+FFFD. */
static int32_t next_rune(span *s) {
    utf8proc_int32_t rune;
    utf8proc_ssize_t used = utf8proc_iterate(s->at, (utf8proc_ssize_t)s->n, &rune);
    *s = behind(*s, used < 1 ? 1 : (size_t)used);
    return used < 1 ? 0xfffd : rune;
}

/* Some programs write UTF-8 where Latin-1 is due; real Latin-1 is hardly ever valid UTF-8. The text ends at a 0. */
static ss_status utf8_or_latin1(char **out, ss_ctx *cx, span s) {
    void *made;
    ss_buffer b = {0};
    s.n = strnlen((const char *)s.at, s.n);
    if (is_utf8(s))
        ss_put(&b, cx, s.at, s.n);
    else
        for (size_t i = 0; i < s.n; i++) ss_put_rune(&b, cx, s.at[i]);
    ss_status st = ss_buffer_take(&made, NULL, &b, cx);
    if (!st) *out = made;
    return st;
}

/* The byte order is the writer's secret unless a mark tells: zeros, of which these texts are full, betray it. */
static bool is_big_endian(span s) {
    size_t zeros[2] = {0};
    if (starts_with(s, "\xfe\xff", 2)) return true;
    if (starts_with(s, "\xff\xfe", 2)) return false;
    for (size_t i = 0; i + 1 < s.n; i++) zeros[i % 2] += s.at[i] == 0;
    return zeros[0] >= zeros[1];
}

static ss_status from_utf16(char **out, ss_ctx *cx, span s) {
    void *made;
    ss_buffer b = {0};
    int high = is_big_endian(s) ? 0 : 1;
    for (size_t i = 0; i + 1 < s.n; i += 2) {
        int32_t rune = s.at[i + high] << 8 | s.at[i + 1 - high];
        if (rune == 0) break;
        if (rune == 0xfeff && i == 0) continue;
        if (rune >= 0xd800 && rune < 0xdc00 && i + 3 < s.n) {
            int32_t low = s.at[i + 2 + high] << 8 | s.at[i + 3 - high];
            if (low >= 0xdc00 && low < 0xe000) {
                rune = 0x10000 + ((rune - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            }
        }
        ss_put_rune(&b, cx, rune);
    }
    ss_status st = ss_buffer_take(&made, NULL, &b, cx);
    if (!st) *out = made;
    return st;
}

static void put_utf16(ss_buffer *b, ss_ctx *cx, const char *text) {
    span s = {(const uint8_t *)text, strlen(text)};
    while (s.n) {
        uint32_t rune = (uint32_t)next_rune(&s);
        if (rune < 0x10000) {
            ss_put_be16(b, cx, rune);
        } else {
            ss_put_be16(b, cx, 0xd800 + ((rune - 0x10000) >> 10));
            ss_put_be16(b, cx, 0xdc00 + ((rune - 0x10000) & 0x3ff));
        }
    }
}

/* ------------------------------------------------------------------------------------------------ EXIF */

enum { EXIF_IFD = 0x8769, MAKER_NOTE = 0x927c, USER_COMMENT = 0x9286, UNDEFINED = 7, LONG = 4 };

/* The first eight bytes of a UserComment name its encoding; these mark our note as ours. */
static const uint8_t unicode[8] = "UNICODE\0", ascii[8] = "ASCII\0\0\0", ours[8] = "selfsame";

static uint32_t number(span tiff, size_t at, int bytes) {
    uint32_t v = 0;
    if (at > tiff.n || tiff.n - at < (size_t)bytes) return 0;
    for (int i = 0; i < bytes; i++) v = v << 8 | tiff.at[at + (tiff.at[0] == 'M' ? i : bytes - 1 - i)];
    return v;
}

/* Where the 12 bytes of an entry lie in the directory at `ifd`; 0 if it is not there. */
static size_t entry(span tiff, size_t ifd, uint32_t tag) {
    uint32_t count = number(tiff, ifd, 2);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = ifd + 2 + 12 * (size_t)i;
        if (at > tiff.n || tiff.n - at < 12) return 0;
        if (number(tiff, at, 2) == tag) return at;
    }
    return 0;
}

/* The bytes of a text-like entry of the EXIF directory; empty if it is not there or points outside. */
static span exif_value(span tiff, size_t ifd, uint32_t tag) {
    size_t at = entry(tiff, ifd, tag);
    if (!at || number(tiff, at + 2, 2) != UNDEFINED) return (span){0};
    size_t n = number(tiff, at + 4, 4), from = n <= 4 ? at + 8 : number(tiff, at + 8, 4);
    if (from > tiff.n || tiff.n - from < n) return (span){0};
    return (span){tiff.at + from, n};
}

static ss_status read_exif(ss_image_meta *meta, ss_ctx *cx, span tiff) {
    if (starts_with(tiff, "Exif\0", 6)) tiff = behind(tiff, 6);
    if (!starts_with(tiff, "MM\0*", 4) && !starts_with(tiff, "II*\0", 4)) return SS_OK;
    size_t pointer = entry(tiff, number(tiff, 4, 4), EXIF_IFD);
    size_t ifd = pointer ? number(tiff, pointer + 8, 4) : 0;
    if (!ifd) return SS_OK;

    ss_status st = SS_OK;
    char *text = NULL;
    span comment = exif_value(tiff, ifd, USER_COMMENT), note = exif_value(tiff, ifd, MAKER_NOTE);
    if (starts_with(comment, unicode, 8))
        st = from_utf16(&text, cx, behind(comment, 8));
    else if (starts_with(comment, ascii, 8) || starts_with(comment, "\0\0\0\0\0\0\0", 8))
        st = utf8_or_latin1(&text, cx, behind(comment, 8));
    if (text && *text) {
        free(meta->parameters);
        meta->parameters = text;
        text = NULL;
    }
    free(text);
    if (!st && starts_with(note, ours, 8)) {
        free(meta->json);
        meta->json = NULL;
        st = utf8_or_latin1(&meta->json, cx, behind(note, 8));
    }
    return st;
}

static void put_entry(ss_buffer *b, ss_ctx *cx, uint32_t tag, uint32_t type, size_t count, size_t value) {
    ss_put_be16(b, cx, tag);
    ss_put_be16(b, cx, type);
    ss_put_be32(b, cx, (uint32_t)count);
    ss_put_be32(b, cx, (uint32_t)value);
}

/* "Exif\0\0" and a TIFF of two directories, the second holding one or two entries whose values follow it. */
static void put_exif(ss_buffer *b, ss_ctx *cx, const char *parameters, const char *json) {
    enum { HEADER = 6, DIRECTORY = 2 + 4, ENTRY = 12, SECOND = 8 + DIRECTORY + ENTRY };
    ss_buffer comment = {0}, note = {0};
    if (parameters) {
        ss_put(&comment, cx, unicode, 8);
        put_utf16(&comment, cx, parameters);
    }
    if (json) {
        ss_put(&note, cx, ours, 8);
        ss_put_text(&note, cx, json);
    }
    int count = (json != NULL) + (parameters != NULL);
    size_t values = SECOND + DIRECTORY + (size_t)count * ENTRY;

    ss_put(b, cx, "Exif\0\0MM\0*\0\0\0\x8", HEADER + 8);
    ss_put_be16(b, cx, 1);
    put_entry(b, cx, EXIF_IFD, LONG, 1, SECOND);
    ss_put_be32(b, cx, 0);
    ss_put_be16(b, cx, (uint32_t)count);
    if (json) put_entry(b, cx, MAKER_NOTE, UNDEFINED, note.n, values);
    if (parameters) put_entry(b, cx, USER_COMMENT, UNDEFINED, comment.n, values + note.n);
    ss_put_be32(b, cx, 0);
    ss_put(b, cx, note.bytes, note.n);
    ss_put(b, cx, comment.bytes, comment.n);

    if (!b->status) b->status = note.status ? note.status : comment.status;
    ss_buffer_free(&note);
    ss_buffer_free(&comment);
}

/* ------------------------------------------------------------------------------------------------ PNG */

typedef struct chunk {
    const uint8_t *type; /* four letters; the length lies before them, the checksum behind the data */
    span data;
} chunk;

/* Takes the next chunk off the front; false at the end, at damage, and behind IEND. */
static bool next_chunk(chunk *c, span *rest) {
    if (rest->n < 12) return false;
    size_t n = be32(rest->at);
    if (n > rest->n - 12) return false;
    *c = (chunk){rest->at + 4, {rest->at + 8, n}};
    *rest = memcmp(c->type, "IEND", 4) ? behind(*rest, n + 12) : (span){0};
    return true;
}

/* zlib's packed bytes to *out, refused (empty) where they are damaged or more than a text may be. */
static ss_status unpack(ss_buffer *out, ss_ctx *cx, span packed) {
    uint8_t piece[4096];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.at, .avail_in = (uInt)packed.n};
    int rc = inflateInit(&z);
    if (rc != Z_OK) return ss_fail(cx, SS_ERR_NOMEM, "out of memory: zlib cannot start");
    while (rc == Z_OK && !out->status && out->n <= SS_IMAGE_TEXT) {
        z.next_out = piece;
        z.avail_out = sizeof piece;
        rc = inflate(&z, Z_NO_FLUSH);
        ss_put(out, cx, piece, sizeof piece - z.avail_out);
    }
    inflateEnd(&z);
    ss_status st = out->status;
    if (!st && (rc != Z_STREAM_END || out->n > SS_IMAGE_TEXT)) ss_buffer_free(out);
    return st;
}

/* Splits s behind the first 0; false if there is none. */
static bool cut(span *head, span *s) {
    const uint8_t *end = s->n ? memchr(s->at, 0, s->n) : NULL;
    if (!end) return false;
    *head = (span){s->at, (size_t)(end - s->at)};
    *s = behind(*s, head->n + 1);
    return true;
}

static bool is_chunk(chunk c, const char *type) { return !memcmp(c.type, type, 4); }

/* A text chunk whose keyword is one of ours; the first of a keyword counts. */
static ss_status read_text_chunk(ss_image_meta *meta, ss_ctx *cx, chunk c) {
    span text = c.data, keyword, ignored;
    bool packed = is_chunk(c, "zTXt"), unicode_text = is_chunk(c, "iTXt");
    if (!cut(&keyword, &text)) return SS_OK;
    char **to = NULL;
    if (keyword.n == strlen(parameters_keyword) && starts_with(keyword, parameters_keyword, keyword.n))
        to = &meta->parameters;
    if (keyword.n == strlen(json_keyword) && starts_with(keyword, json_keyword, keyword.n)) to = &meta->json;
    if (!to || *to) return SS_OK;

    if (unicode_text) {
        if (text.n < 2) return SS_OK;
        packed = text.at[0] == 1;
        text = behind(text, 2);
        if (!cut(&ignored, &text) || !cut(&ignored, &text)) return SS_OK; /* a language, the keyword translated */
    } else if (packed) {
        if (text.n < 1) return SS_OK;
        text = behind(text, 1); /* the method, of which there is one */
    }
    if (!packed) return text.n <= SS_IMAGE_TEXT ? utf8_or_latin1(to, cx, text) : SS_OK;
    ss_buffer b = {0};
    ss_status st = unpack(&b, cx, text);
    if (!st && b.n) st = utf8_or_latin1(to, cx, (span){b.bytes, b.n});
    ss_buffer_free(&b);
    return st;
}

static ss_status read_png(ss_image_meta *meta, ss_ctx *cx, span png) {
    ss_status st = SS_OK;
    chunk c, exif = {0};
    png = behind(png, 8);
    while (!st && next_chunk(&c, &png)) {
        if (is_chunk(c, "tEXt") || is_chunk(c, "zTXt") || is_chunk(c, "iTXt")) st = read_text_chunk(meta, cx, c);
        if (is_chunk(c, "eXIf")) exif = c;
    }
    return st || !exif.type ? st : read_exif(meta, cx, exif.data);
}

static void put_chunk(ss_buffer *b, ss_ctx *cx, const char *type, span data) {
    ss_put_be32(b, cx, (uint32_t)data.n);
    ss_put_text(b, cx, type);
    ss_put(b, cx, data.at, data.n);
    ss_put_be32(b, cx, (uint32_t)crc32(crc32(0, (const Bytef *)type, 4), data.at, (uInt)data.n));
}

/* The text in Latin-1; false if it cannot be said in it or would be taken for UTF-8 by who reads it. */
static bool put_latin1(ss_buffer *b, ss_ctx *cx, const char *text) {
    span s = {(const uint8_t *)text, strlen(text)};
    bool plain = true;
    while (s.n) {
        int32_t rune = next_rune(&s);
        if (rune > 255) return false;
        plain &= rune < 128;
        ss_put(b, cx, &(uint8_t){(uint8_t)rune}, 1);
    }
    return plain || !is_utf8((span){b->bytes, b->n});
}

static void put_png_text(ss_buffer *b, ss_ctx *cx, const char *keyword, const char *text) {
    ss_buffer latin1 = {0}, data = {0};
    bool fits = put_latin1(&latin1, cx, text);
    ss_put(&data, cx, keyword, strlen(keyword) + 1);
    if (fits) {
        ss_put(&data, cx, latin1.bytes, latin1.n);
    } else {
        ss_put(&data, cx, "\0\0\0", 4); /* not packed, by no method, in no language, no translated keyword */
        ss_put_text(&data, cx, text);
    }
    put_chunk(b, cx, fits ? "tEXt" : "iTXt", (span){data.bytes, data.n});
    if (!b->status) b->status = latin1.status ? latin1.status : data.status;
    ss_buffer_free(&latin1);
    ss_buffer_free(&data);
}

/* Pixels and nothing else: libvips would also say a resolution. */
static void put_png(ss_buffer *b, ss_ctx *cx, span png, const ss_image_meta *meta) {
    chunk c;
    ss_put(b, cx, png.at, 8);
    png = behind(png, 8);
    while (next_chunk(&c, &png)) {
        if (is_chunk(c, "IHDR") || is_chunk(c, "IDAT") || is_chunk(c, "IEND")) ss_put(b, cx, c.type - 4, c.data.n + 12);
        if (!is_chunk(c, "IHDR")) continue;
        if (meta->parameters) put_png_text(b, cx, parameters_keyword, meta->parameters);
        if (meta->json) put_png_text(b, cx, json_keyword, meta->json);
    }
}

/* ------------------------------------------------------------------------------------------------ JPEG */

enum {
    APP0 = 0xe0,
    APP1 = 0xe1,
    APP15 = 0xef,
    SOS = 0xda,
    SEGMENT = 65533 /* bytes that a segment's length can say */
};

typedef struct segment {
    int marker;
    const uint8_t *at; /* from the marker on */
    span data;         /* behind the length */
} segment;

/* Takes the next segment before the picture's data off the front; false once those begin, and at damage. */
static bool next_segment(segment *s, span *rest) {
    while (rest->n > 1 && rest->at[0] == 0xff && rest->at[1] == 0xff) *rest = behind(*rest, 1);
    if (rest->n < 4 || rest->at[0] != 0xff || rest->at[1] < 0xc0 || rest->at[1] == SOS) return false;
    size_t n = (size_t)rest->at[2] << 8 | rest->at[3];
    if (n < 2 || n > rest->n - 2) return false;
    *s = (segment){rest->at[1], rest->at, {rest->at + 4, n - 2}};
    *rest = behind(*rest, n + 2);
    return true;
}

static ss_status read_jpeg(ss_image_meta *meta, ss_ctx *cx, span jpeg) {
    segment s;
    jpeg = behind(jpeg, 2);
    while (next_segment(&s, &jpeg))
        if (s.marker == APP1 && starts_with(s.data, "Exif\0", 6)) return read_exif(meta, cx, s.data);
    return SS_OK;
}

/* The richest EXIF block that a segment holds. */
static void put_jpeg_exif(ss_buffer *b, ss_ctx *cx, const ss_image_meta *meta) {
    const ss_image_meta choices[] = {*meta, {.json = meta->json}};
    for (int i = 0; i < SS_COUNT_OF(choices) && !b->status; i++) {
        ss_buffer exif = {0};
        bool fits = false;
        if (choices[i].parameters || choices[i].json) {
            put_exif(&exif, cx, choices[i].parameters, choices[i].json);
            fits = exif.n <= SEGMENT;
        }
        if (fits) {
            ss_put(b, cx, "\xff\xe1", 2);
            ss_put_be16(b, cx, (uint32_t)exif.n + 2);
            ss_put(b, cx, exif.bytes, exif.n);
        }
        if (!b->status) b->status = exif.status;
        ss_buffer_free(&exif);
        if (fits) return;
        if (choices[i].parameters)
            ss_warn(cx,
                    "a JPEG holds 64 KB of texts about itself: the parameters text (%zu bytes) is left out; PNG and "
                    "WebP hold it",
                    strlen(choices[i].parameters));
        else if (choices[i].json)
            ss_warn(
                cx,
                "a JPEG holds 64 KB of texts about itself: the recipe (%zu bytes) is left out; PNG and WebP hold it",
                strlen(choices[i].json));
    }
}

static void put_jpeg(ss_buffer *b, ss_ctx *cx, span jpeg, const ss_image_meta *meta) {
    bool done = false;
    segment s;
    ss_put(b, cx, jpeg.at, 2);
    jpeg = behind(jpeg, 2);
    while (next_segment(&s, &jpeg)) {
        if (s.marker > APP0 && s.marker <= APP15) continue;
        if (s.marker != APP0 && !done) {
            put_jpeg_exif(b, cx, meta);
            done = true;
        }
        ss_put(b, cx, s.at, s.data.n + 4);
    }
    ss_put(b, cx, jpeg.at, jpeg.n);
}

/* ------------------------------------------------------------------------------------------------ WebP */

typedef struct riff {
    const uint8_t *type; /* four letters, behind them the length */
    span data;
} riff;

/* Takes the next chunk, with the byte that makes its length even, off the front. */
static bool next_riff(riff *c, span *rest) {
    if (rest->n < 8) return false;
    size_t n = le32(rest->at + 4);
    if (n > rest->n - 8) return false;
    *c = (riff){rest->at, {rest->at + 8, n}};
    n += n % 2;
    *rest = behind(*rest, n + 8);
    return true;
}

static ss_status read_webp(ss_image_meta *meta, ss_ctx *cx, span webp) {
    riff c;
    webp = behind(webp, 12);
    while (next_riff(&c, &webp))
        if (!memcmp(c.type, "EXIF", 4)) return read_exif(meta, cx, c.data);
    return SS_OK;
}

static void put_riff(ss_buffer *b, ss_ctx *cx, const char *type, span data) {
    ss_put_text(b, cx, type);
    ss_put_le32(b, cx, (uint32_t)data.n);
    ss_put(b, cx, data.at, data.n);
    if (data.n % 2) ss_put(b, cx, "", 1);
}

/* Width and height of a lossy picture: 14 bits each behind the three bytes of a frame tag and the start code. */
static bool webp_size(span vp8, uint32_t *w, uint32_t *h) {
    if (vp8.n < 10 || memcmp(vp8.at + 3, "\x9d\x01\x2a", 3)) return false;
    *w = le32(vp8.at + 6) & 0x3fff;
    *h = le32(vp8.at + 6) >> 16 & 0x3fff;
    return *w && *h;
}

static void put_webp(ss_buffer *b, ss_ctx *cx, span webp, const ss_image_meta *meta) {
    enum { HAS_EXIF = 8 };
    riff c;
    span picture = {0};
    uint32_t w, h;
    webp = behind(webp, 12);
    while (!picture.at && next_riff(&c, &webp))
        if (!memcmp(c.type, "VP8 ", 4)) picture = c.data;
    if (!webp_size(picture, &w, &h)) {
        b->status = ss_fail(cx, SS_ERR_FORMAT, "a WebP without a lossy picture cannot be given texts");
        return;
    }
    ss_buffer body = {0}, exif = {0};
    ss_put_text(&body, cx, "WEBP");
    if (meta->parameters || meta->json) {
        /* Flags in 32 bits, then width and height less one, 24 bits each, of which 14 are ever used. */
        w--, h--;
        const uint8_t head[10] = {HAS_EXIF, [4] = w & 255, [5] = w >> 8, [7] = h & 255, [8] = h >> 8};
        put_riff(&body, cx, "VP8X", (span){head, sizeof head});
        put_exif(&exif, cx, meta->parameters, meta->json);
    }
    put_riff(&body, cx, "VP8 ", picture);
    if (exif.n) put_riff(&body, cx, "EXIF", behind((span){exif.bytes, exif.n}, 6));
    put_riff(b, cx, "RIFF", (span){body.bytes, body.n});
    if (!b->status) b->status = body.status ? body.status : exif.status;
    ss_buffer_free(&body);
    ss_buffer_free(&exif);
}

/* ------------------------------------------------------------------------------------------------ any */

ss_status ss_image_meta_read_bytes(ss_image_meta *out, ss_ctx *cx, const void *bytes, size_t n, const char *name) {
    span all = {bytes, n};
    ss_image_meta made = {0};
    ss_status st = SS_OK;
    switch (ss_picture_kind(bytes, n)) {
    case SS_PNG:
        st = read_png(&made, cx, all);
        break;
    case SS_JPEG:
        st = read_jpeg(&made, cx, all);
        break;
    case SS_WEBP:
        st = read_webp(&made, cx, all);
        break;
    case SS_NO_PICTURE: {
        const char *what = ss_foreign(bytes, n);
        st = ss_fail(cx, SS_ERR_FORMAT, "%s is %s; texts are read from PNG, JPEG and WebP", name,
                     what ? what : "not a picture");
        break;
    }
    default: /* other pictures say nothing that we read */
        break;
    }
    if (st)
        ss_image_meta_free(&made);
    else
        *out = made;
    return st;
}

ss_status ss_meta_embed(void **out, size_t *n, ss_ctx *cx, const void *bytes, size_t size, const ss_image_meta *meta) {
    static const ss_image_meta nothing = {0};
    span all = {bytes, size};
    ss_buffer b = {0};
    if (!meta) meta = &nothing;
    const char *const texts[] = {meta->parameters, meta->json};
    for (int i = 0; i < SS_COUNT_OF(texts); i++)
        if (texts[i] && strlen(texts[i]) > SS_IMAGE_TEXT)
            return ss_fail(cx, SS_ERR_ARG,
                           "a picture's text of %zu bytes is more than the %d million that are read back",
                           strlen(texts[i]), SS_IMAGE_TEXT >> 20);
    switch (ss_picture_kind(bytes, size)) {
    case SS_PNG:
        put_png(&b, cx, all, meta);
        break;
    case SS_JPEG:
        put_jpeg(&b, cx, all, meta);
        break;
    case SS_WEBP:
        put_webp(&b, cx, all, meta);
        break;
    default:
        return ss_fail(cx, SS_ERR_FORMAT, "texts are put into PNG, JPEG and WebP only");
    }
    return ss_buffer_take(out, n, &b, cx);
}
