/* torch's archives: a pickle that describes the object, and the numbers of each tensor as an entry of their own, stored
 * without compression at a multiple of 64 bytes, as torch lays them out for mapping.
 */
#include "io/torch_write.h"

#include "io/replace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ------------------------------------------------------------------------------------------------ the pickle */

enum { ALIGNED = 64 };

static void put_byte(ss_torch_file *f, ss_ctx *cx, int byte) { ss_put(&f->pickle, cx, &(uint8_t){(uint8_t)byte}, 1); }

static void put_text(ss_torch_file *f, ss_ctx *cx, const char *text) {
    put_byte(f, cx, 'X'); /* BINUNICODE */
    ss_put_le32(&f->pickle, cx, (uint32_t)strlen(text));
    ss_put_text(&f->pickle, cx, text);
}

static void put_integer(ss_torch_file *f, ss_ctx *cx, int64_t n) {
    if (n >= 0 && n < 256) {
        put_byte(f, cx, 'K'); /* BININT1 */
        put_byte(f, cx, (int)n);
    } else if (n >= INT32_MIN && n <= INT32_MAX) {
        put_byte(f, cx, 'J'); /* BININT */
        ss_put_le32(&f->pickle, cx, (uint32_t)n);
    } else {
        put_byte(f, cx, 0x8a); /* LONG1 of eight bytes */
        put_byte(f, cx, 8);
        ss_put_le32(&f->pickle, cx, (uint32_t)(uint64_t)n);
        ss_put_le32(&f->pickle, cx, (uint32_t)((uint64_t)n >> 32));
    }
}

static void begin_file(ss_torch_file *f, ss_ctx *cx) {
    if (!f->pickle.n) ss_put(&f->pickle, cx, "\x80\x02", 2); /* PROTO 2 */
}

void ss_torch_begin(ss_torch_file *f, ss_ctx *cx) {
    begin_file(f, cx);
    ss_put_text(&f->pickle, cx, "}("); /* EMPTY_DICT, MARK */
}

void ss_torch_end(ss_torch_file *f, ss_ctx *cx) { put_byte(f, cx, 'u'); /* SETITEMS */ }

void ss_torch_key(ss_torch_file *f, ss_ctx *cx, const char *key) { put_text(f, cx, key); }

void ss_torch_text(ss_torch_file *f, ss_ctx *cx, const char *text) { put_text(f, cx, text); }

void ss_torch_integer(ss_torch_file *f, ss_ctx *cx, int64_t n) { put_integer(f, cx, n); }

static const char *storage_class(ss_dtype type) {
    static const char *const names[SS_DTYPES] = {
        [SS_F32] = "Float", [SS_F16] = "Half",  [SS_BF16] = "BFloat16", [SS_F64] = "Double", [SS_I64] = "Long",
        [SS_I32] = "Int",   [SS_I16] = "Short", [SS_I8] = "Char",       [SS_U8] = "Byte",    [SS_BOOL] = "Bool",
    };
    return names[type];
}

/* _rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()) */
void ss_torch_tensor(ss_torch_file *f, ss_ctx *cx, const ss_to_store *t) {
    char key[24], class[64];
    int64_t count = 1, stride = 1;
    size_t n = (size_t)f->count;
    if (f->pickle.status) return;
    if (!storage_class(t->dtype)) {
        f->pickle.status = ss_fail(cx, SS_ERR_ARG, "%s: torch has no storage for %s", t->name, ss_dtype_name(t->dtype));
        return;
    }
    if (!(n & (n - 1))) f->pickle.status = ss_grow(cx, &f->tensor, n, n ? 2 * n : 1, sizeof *f->tensor);
    if (f->pickle.status) return;
    f->tensor[f->count++] = *t;
    for (int i = 0; i < t->rank; i++) count *= t->shape[i];
    snprintf(key, sizeof key, "%zu", n);
    snprintf(class, sizeof class, "ctorch\n%sStorage\n", storage_class(t->dtype));
    ss_put_text(&f->pickle, cx, "ctorch._utils\n_rebuild_tensor_v2\n(("); /* GLOBAL, MARK, MARK */
    put_text(f, cx, "storage");
    ss_put_text(&f->pickle, cx, class);
    put_text(f, cx, key);
    put_text(f, cx, "cpu");
    put_integer(f, cx, count);
    ss_put_text(&f->pickle, cx, "tQ"); /* TUPLE, BINPERSID */
    put_integer(f, cx, 0);
    put_byte(f, cx, '(');
    for (int i = 0; i < t->rank; i++) put_integer(f, cx, t->shape[i]);
    ss_put_text(&f->pickle, cx, "t(");
    for (int i = 0; i < t->rank; i++) {
        stride = 1;
        for (int k = i + 1; k < t->rank; k++) stride *= t->shape[k];
        put_integer(f, cx, stride);
    }
    ss_put_text(&f->pickle, cx, "t\x89"); /* TUPLE, NEWFALSE */
    ss_put_text(&f->pickle, cx, "ccollections\nOrderedDict\n)RtR");
}

/* ------------------------------------------------------------------------------------------------ the archive */

typedef struct entry {
    char name[48];
    uint32_t crc;
    uint64_t size, at; /* of the local header */
} entry;

typedef struct archive {
    ss_ctx *cx;
    ss_replacement out;
    uint64_t written;
    entry *entry;
    int64_t count;
} archive;

static ss_status append(archive *a, const void *bytes, size_t n) {
    a->written += n;
    return ss_replace_write(&a->out, a->cx, bytes, n);
}

static void put16(uint8_t *p, unsigned v) { p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8); }
static void put32(uint8_t *p, uint32_t v) { put16(p, v & 0xffff), put16(p + 2, v >> 16); }
static void put64(uint8_t *p, uint64_t v) { put32(p, (uint32_t)v), put32(p + 4, (uint32_t)(v >> 32)); }

static uint32_t checksum(const unsigned char *bytes, size_t n) {
    uLong crc = crc32(0, NULL, 0);
    for (size_t done = 0, part; done < n; done += part) {
        part = n - done < (1u << 30) ? n - done : 1u << 30;
        crc = crc32(crc, bytes + done, (uInt)part);
    }
    return (uint32_t)crc;
}

static ss_status add_entry(archive *a, const char *name, const void *bytes, size_t n) {
    uint8_t header[30] = {'P', 'K', 3, 4}, extra[4 + ALIGNED] = {'F', 'B'};
    if (n >= UINT32_MAX)
        return ss_fail(a->cx, SS_ERR_ARG, "a tensor of %zu bytes: torch's archives hold less than 4 GiB in one piece",
                       n);
    entry *e = &a->entry[a->count++];
    *e = (entry){.crc = checksum(bytes, n), .size = n, .at = a->written};
    snprintf(e->name, sizeof e->name, "archive/%s", name);
    size_t length = strlen(e->name), start = a->written + sizeof header + length + 4;
    size_t pad = (ALIGNED - start % ALIGNED) % ALIGNED;
    put16(header + 4, 20); /* needs version 2.0; flags and method 0: stored */
    put32(header + 14, e->crc);
    put32(header + 18, (uint32_t)n);
    put32(header + 22, (uint32_t)n);
    put16(header + 26, (unsigned)length);
    put16(header + 28, (unsigned)(4 + pad));
    put16(extra + 2, (unsigned)pad);
    ss_status st = append(a, header, sizeof header);
    if (!st) st = append(a, e->name, length);
    if (!st) st = append(a, extra, 4 + pad);
    return st ? st : append(a, bytes, n);
}

/* Where an entry begins beyond 4 GiB, the directory says so in a field of its own. */
static ss_status add_directory_entry(archive *a, const entry *e) {
    uint8_t header[46] = {'P', 'K', 1, 2}, extra[12] = {1, 0, 8, 0};
    bool far = e->at >= UINT32_MAX;
    size_t length = strlen(e->name);
    put16(header + 4, 45), put16(header + 6, far ? 45 : 20);
    put32(header + 16, e->crc);
    put32(header + 20, (uint32_t)e->size);
    put32(header + 24, (uint32_t)e->size);
    put16(header + 28, (unsigned)length);
    put16(header + 30, far ? sizeof extra : 0);
    put32(header + 42, far ? UINT32_MAX : (uint32_t)e->at);
    put64(extra + 4, e->at);
    ss_status st = append(a, header, sizeof header);
    if (!st) st = append(a, e->name, length);
    return st || !far ? st : append(a, extra, sizeof extra);
}

static ss_status end_archive(archive *a) {
    uint64_t directory = a->written, size, end;
    ss_status st = SS_OK;
    for (int64_t i = 0; i < a->count && !st; i++) st = add_directory_entry(a, &a->entry[i]);
    size = a->written - directory;
    end = a->written;
    bool many = a->count >= UINT16_MAX, far = directory >= UINT32_MAX || size >= UINT32_MAX;
    if (!st && (many || far)) {
        uint8_t record[56] = {'P', 'K', 6, 6}, locator[20] = {'P', 'K', 6, 7};
        put64(record + 4, sizeof record - 12);
        put16(record + 12, 45), put16(record + 14, 45);
        put64(record + 24, (uint64_t)a->count), put64(record + 32, (uint64_t)a->count);
        put64(record + 40, size), put64(record + 48, directory);
        put64(locator + 8, end), put32(locator + 16, 1);
        st = append(a, record, sizeof record);
        if (!st) st = append(a, locator, sizeof locator);
    }
    uint8_t last[22] = {'P', 'K', 5, 6};
    unsigned count = many ? UINT16_MAX : (unsigned)a->count;
    put16(last + 8, count), put16(last + 10, count);
    put32(last + 12, far ? UINT32_MAX : (uint32_t)size);
    put32(last + 16, far ? UINT32_MAX : (uint32_t)directory);
    return st ? st : append(a, last, sizeof last);
}

static size_t bytes_of(const ss_to_store *t) {
    size_t n = ss_dtype_size(t->dtype);
    for (int i = 0; i < t->rank; i++) n *= (size_t)t->shape[i];
    return n;
}

static ss_status write_archive(ss_torch_file *f, ss_ctx *cx, const char *path) {
    enum { OTHERS = 3 };
    archive a = {.cx = cx, .out.fd = -1, .entry = ss_alloc(cx, (size_t)f->count + OTHERS, sizeof *a.entry)};
    if (!a.entry) return SS_ERR_NOMEM;
    ss_status st = ss_replace_open(&a.out, cx, path);
    if (!st) st = add_entry(&a, "data.pkl", f->pickle.bytes, f->pickle.n);
    if (!st) st = add_entry(&a, "byteorder", "little", strlen("little"));
    for (int64_t i = 0; i < f->count && !st; i++) {
        char name[32];
        snprintf(name, sizeof name, "data/%lld", (long long)i);
        st = add_entry(&a, name, f->tensor[i].data, bytes_of(&f->tensor[i]));
    }
    if (!st) st = add_entry(&a, "version", "3\n", strlen("3\n"));
    if (!st) st = end_archive(&a);
    if (!st) st = ss_replace_commit(&a.out, cx);
    ss_replace_close(&a.out);
    free(a.entry);
    return st;
}

ss_status ss_torch_finish(ss_torch_file *f, ss_ctx *cx, const char *path) {
    put_byte(f, cx, '.'); /* STOP */
    ss_status st = f->pickle.status ? f->pickle.status : write_archive(f, cx, path);
    ss_torch_drop(f);
    return st;
}

void ss_torch_drop(ss_torch_file *f) {
    ss_buffer_free(&f->pickle);
    free(f->tensor);
    *f = (ss_torch_file){0};
}
