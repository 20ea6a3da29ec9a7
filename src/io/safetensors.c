/* safetensors: eight bytes of header length, a JSON header, the data. Reading checks everything that the format
 * promises (each byte of the data belongs to exactly one tensor); writing gives the reference implementation's bytes.
 */
#include "io/json.h"
#include "io/replace.h"
#include "io/weights.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, MOST_HEADER = 100 * 1000 * 1000 };

/* Every type of the format, in the order in which its writer sorts them. */
static const struct type {
    const char *name;
    int bits;
    ss_dtype dtype;
} types[] = {
    {"U64", 64, SS_U64},
    {"I64", 64, SS_I64},
    {"F64", 64, SS_F64},
    {"C64", 64, SS_OTHER_TYPE},
    {"F32", 32, SS_F32},
    {"U32", 32, SS_U32},
    {"I32", 32, SS_I32},
    {"BF16", 16, SS_BF16},
    {"F16", 16, SS_F16},
    {"U16", 16, SS_U16},
    {"I16", 16, SS_I16},
    {"F8_E5M2FNUZ", 8, SS_OTHER_TYPE},
    {"F8_E4M3FNUZ", 8, SS_OTHER_TYPE},
    {"F8_E8M0", 8, SS_OTHER_TYPE},
    {"F8_E4M3", 8, SS_F8_E4M3},
    {"F8_E5M2", 8, SS_F8_E5M2},
    {"I8", 8, SS_I8},
    {"U8", 8, SS_U8},
    {"F6_E3M2", 6, SS_OTHER_TYPE},
    {"F6_E2M3", 6, SS_OTHER_TYPE},
    {"F4", 4, SS_OTHER_TYPE},
    {"BOOL", 8, SS_BOOL},
};

static const struct type *find_type(const char *name) {
    for (int i = 0; i < SS_COUNT_OF(types); i++) {
        if (strcmp(name, types[i].name) == 0) return &types[i];
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------ reading */

/* What all the functions below are about: one file. */
typedef struct reader {
    ss_weights *w;
    ss_ctx *cx;
    const char *file;
    const unsigned char *data; /* behind the header */
    size_t data_size;
    int64_t first; /* where this file's tensors begin in w->at */
} reader;

/* A whole number that is not negative. */
static bool is_size(const json_t *v) { return json_is_integer(v) && json_integer_value(v) >= 0; }

static ss_status read_metadata(reader *r, json_t *entries) {
    if (!json_is_object(entries)) {
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: __metadata__ is not an object", r->file);
    }
    const char *key;
    json_t *value;
    json_object_foreach(entries, key, value) {
        if (!json_is_string(value)) {
            return ss_fail(r->cx, SS_ERR_FORMAT, "%s: the metadata entry \"%s\" is not a text", r->file, key);
        }
        const char *k = ss_pool_text(&r->w->pool, r->cx, key, strlen(key));
        const char *v = ss_pool_text(&r->w->pool, r->cx, json_string_value(value), json_string_length(value));
        if (!k || !v) return SS_ERR_NOMEM;
        ss_status st = ss_weights_add_metadata(r->w, r->cx, k, v);
        if (st) return st;
    }
    return SS_OK;
}

/* Fills t->shape, and *bits with what the tensor needs. */
static ss_status read_shape(reader *r, ss_stored *t, const json_t *shape, const struct type *type, size_t *bits) {
    size_t rank = json_array_size(shape);
    if (!json_is_array(shape) || rank > SS_MAX_RANK) {
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: the shape of %s is no list of at most %d sizes", r->file, t->name,
                       SS_MAX_RANK);
    }
    int64_t *sizes = ss_pool_take(&r->w->pool, r->cx, rank, sizeof *sizes);
    if (!sizes) return SS_ERR_NOMEM;
    *bits = (size_t)type->bits;
    for (size_t i = 0; i < rank; i++) {
        const json_t *size = json_array_get(shape, i);
        if (!is_size(size)) {
            return ss_fail(r->cx, SS_ERR_FORMAT, "%s: the shape of %s holds something that is no size", r->file,
                           t->name);
        }
        sizes[i] = json_integer_value(size);
        if (!ss_mul(*bits, (size_t)sizes[i], bits)) {
            return ss_fail(r->cx, SS_ERR_FORMAT, "%s: the shape of %s overflows 64 bits", r->file, t->name);
        }
    }
    t->rank = (int)rank;
    t->shape = sizes;
    return SS_OK;
}

static ss_status read_tensor(reader *r, const char *name, const json_t *entry) {
    if (strlen(name) > SS_MAX_TENSOR_NAME) {
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: a tensor's name is longer than %d bytes", r->file,
                       SS_MAX_TENSOR_NAME);
    }
    const json_t *dtype = json_object_get(entry, "dtype");
    const struct type *type = json_is_string(dtype) ? find_type(json_string_value(dtype)) : NULL;
    if (!type) {
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s has no element type that this format knows (\"dtype\" is %s)",
                       r->file, name, json_is_string(dtype) ? json_string_value(dtype) : "missing or no text");
    }
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !is_size(begin) || !is_size(end) ||
        json_integer_value(begin) > json_integer_value(end)) {
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: the data_offsets of %s are not two ascending sizes", r->file, name);
    }
    size_t from = (size_t)json_integer_value(begin), to = (size_t)json_integer_value(end), bits = 0;
    if (to > r->data_size) {
        return ss_fail(r->cx, SS_ERR_FORMAT,
                       "%s: %s ends at byte %zu of the data, of which the file has %zu; it has been cut off", r->file,
                       name, to, r->data_size);
    }
    ss_stored t = {
        .name = ss_pool_text(&r->w->pool, r->cx, name, strlen(name)),
        .dtype = type->dtype,
        .type_name = type->name,
        .data = r->data + from,
        .bytes = to - from,
    };
    if (!t.name) return SS_ERR_NOMEM;
    ss_status st = read_shape(r, &t, json_object_get(entry, "shape"), type, &bits);
    if (st) return st;
    if (bits % 8) {
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: the shape of %s makes %zu bits, no whole number of bytes", r->file,
                       name, bits);
    }
    if (bits / 8 != t.bytes) {
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: the shape of %s makes %zu bytes, its data_offsets %zu", r->file, name,
                       bits / 8, t.bytes);
    }
    return ss_weights_add(r->w, r->cx, &t);
}

static int by_place(const void *a, const void *b) {
    const ss_stored *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

/* Each byte of the data belongs to exactly one tensor. */
static ss_status check_cover(reader *r) {
    int64_t n = r->w->count - r->first;
    ss_stored *t = n ? r->w->at + r->first : NULL;
    const unsigned char *end = r->data;
    if (n) qsort(t, (size_t)n, sizeof *t, by_place);
    for (int64_t i = 0; i < n; i++) {
        const unsigned char *begin = t[i].data;
        if (begin != end) {
            return ss_fail(r->cx, SS_ERR_FORMAT,
                           "%s: %s begins at byte %td of the data, the tensor before it ends at byte %td", r->file,
                           t[i].name, begin - r->data, end - r->data);
        }
        end = begin + t[i].bytes;
    }
    if (end != r->data + r->data_size) {
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %td bytes more than its tensors have", r->file,
                       r->data + r->data_size - end);
    }
    return SS_OK;
}

static ss_status read_header(reader *r, json_t *header) {
    if (json_object_size(header) > SS_MAX_TENSORS) {
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %zu tensors, the limit is %d", r->file, json_object_size(header),
                       SS_MAX_TENSORS);
    }
    ss_status st = SS_OK;
    const char *name;
    json_t *entry;
    json_object_foreach(header, name, entry) {
        st = strcmp(name, "__metadata__") ? read_tensor(r, name, entry) : read_metadata(r, entry);
        if (st) return st;
    }
    return check_cover(r);
}

ss_status ss_safetensors_parse(ss_weights *w, ss_ctx *cx, const char *name, const void *bytes, size_t size) {
    const unsigned char *p = bytes;
    uint64_t length = 0;
    if (size < LENGTH_BYTES) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s is no safetensors file: %zu bytes are too few", name, size);
    }
    for (int i = LENGTH_BYTES - 1; i >= 0; i--) length = length << 8 | p[i];
    if (length > MOST_HEADER) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s is no safetensors file: a header of %" PRIu64 " bytes, the limit is %d",
                       name, length, MOST_HEADER);
    }
    if (length > size - LENGTH_BYTES) {
        return ss_fail(cx, SS_ERR_FORMAT,
                       "%s: the header has %" PRIu64 " bytes, the file ends after %zu; it has been cut off", name,
                       length, size - LENGTH_BYTES);
    }
    if (length == 0 || p[LENGTH_BYTES] != '{') {
        return ss_fail(cx, SS_ERR_FORMAT, "%s is no safetensors file: its header does not begin with {", name);
    }
    reader r = {
        .w = w,
        .cx = cx,
        .file = name,
        .data = p + LENGTH_BYTES + length,
        .data_size = size - LENGTH_BYTES - length,
        .first = w->count,
    };
    json_t *header = NULL;
    char *label = ss_format(cx, "the header of %s", name);
    if (!label) return SS_ERR_NOMEM;
    ss_status st = ss_json_parse(&header, cx, label, p + LENGTH_BYTES, length);
    if (!st) st = read_header(&r, header);
    json_decref(header);
    free(label);
    if (!st) w->format = SS_SAFETENSORS;
    return st;
}

/* ------------------------------------------------------------------------------------------------ writing */

/* A text that grows. */
typedef struct text {
    ss_ctx *cx;
    char *bytes;
    size_t length, room;
    ss_status status;
} text;

static void put(text *y, const char *bytes, size_t n) {
    if (y->status) return;
    if (n > y->room - y->length) {
        size_t room = 2 * y->room + n + 256;
        y->status = ss_grow(y->cx, &y->bytes, y->room, room, 1);
        if (y->status) return;
        y->room = room;
    }
    memcpy(y->bytes + y->length, bytes, n);
    y->length += n;
}

static void put_text(text *y, const char *s) { put(y, s, strlen(s)); }

static void put_number(text *y, uint64_t v) {
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, v);
    put(y, digits, (size_t)n);
}

/* A JSON string with the same escapes as the reference writer: the short ones, \u00xx in lower case, the rest as it is.
 */
static void put_quoted(text *y, const char *s) {
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    put_text(y, "\"");
    for (; *s; s++) {
        const char *special = strchr(from, *s);
        char escape[8] = {'\\', special ? to[special - from] : 0};
        if (!special && (unsigned char)*s < 0x20) snprintf(escape, sizeof escape, "\\u%04x", *s);
        if (special || (unsigned char)*s < 0x20) {
            put_text(y, escape);
        } else {
            put(y, s, 1);
        }
    }
    put_text(y, "\"");
}

/* What is written, with its place. */
typedef struct item {
    const ss_to_store *t;
    int type; /* in types */
    size_t bytes;
} item;

static int in_data_order(const void *a, const void *b) {
    const item *x = a, *y = b;
    if (x->type != y->type) return x->type < y->type ? -1 : 1;
    return strcmp(x->t->name, y->t->name);
}

static int by_key(const void *a, const void *b) { return strcmp(((const ss_pair *)a)->key, ((const ss_pair *)b)->key); }

static ss_status describe(item *y, ss_ctx *cx, const char *path, const ss_to_store *t) {
    const struct type *type = find_type(ss_dtype_name(t->dtype));
    if (!type) {
        return ss_fail(cx, SS_ERR_ARG, "%s: %s has an element type that cannot be written", path, t->name);
    }
    *y = (item){.t = t, .type = (int)(type - types), .bytes = (size_t)type->bits / 8};
    for (int i = 0; i < t->rank; i++) {
        if (t->shape[i] < 0 || !ss_mul(y->bytes, (size_t)t->shape[i], &y->bytes)) {
            return ss_fail(cx, SS_ERR_ARG, "%s: the shape of %s is no shape", path, t->name);
        }
    }
    return SS_OK;
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static ss_status check_names(ss_ctx *cx, const char *path, const ss_to_store *t, int64_t count) {
    ss_status st = SS_OK;
    const char **names = ss_alloc(cx, (size_t)count, sizeof *names);
    if (!names) return SS_ERR_NOMEM;
    for (int64_t i = 0; i < count; i++) {
        names[i] = t[i].name;
        if (strcmp(names[i], "__metadata__") == 0) {
            st = ss_fail(cx, SS_ERR_ARG, "%s: a tensor cannot be called __metadata__", path);
        }
    }
    if (count) qsort(names, (size_t)count, sizeof *names, by_name);
    for (int64_t i = 1; !st && i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            st = ss_fail(cx, SS_ERR_ARG, "%s: two tensors called %s", path, names[i]);
    }
    free(names);
    return st;
}

static ss_status write_header(text *y, ss_ctx *cx, const char *path, const item *items, int64_t count,
                              const ss_pair *metadata, int64_t metadata_count) {
    size_t offset = 0;
    put_text(y, "{");
    if (metadata_count) put_text(y, "\"__metadata__\":{");
    for (int64_t i = 0; i < metadata_count; i++) {
        put_quoted(y, metadata[i].key);
        put_text(y, ":");
        put_quoted(y, metadata[i].value);
        put_text(y, i + 1 < metadata_count ? "," : "}");
    }
    for (int64_t i = 0; i < count; i++) {
        const item *x = &items[i];
        if (i || metadata_count) put_text(y, ",");
        put_quoted(y, x->t->name);
        put_text(y, ":{\"dtype\":\"");
        put_text(y, types[x->type].name);
        put_text(y, "\",\"shape\":[");
        for (int k = 0; k < x->t->rank; k++) {
            if (k) put_text(y, ",");
            put_number(y, (uint64_t)x->t->shape[k]);
        }
        put_text(y, "],\"data_offsets\":[");
        put_number(y, offset);
        if (!ss_add_size(offset, x->bytes, &offset)) {
            return ss_fail(cx, SS_ERR_ARG, "%s: the tensors together are larger than any file", path);
        }
        put_text(y, ",");
        put_number(y, offset);
        put_text(y, "]}");
    }
    put_text(y, "}");
    put(y, "       ", (8 - y->length % 8) % 8);
    if (!y->status && y->length > MOST_HEADER) {
        return ss_fail(cx, SS_ERR_ARG, "%s: names and metadata need %zu bytes, the format allows %d", path, y->length,
                       MOST_HEADER);
    }
    return y->status;
}

ss_status ss_safetensors_write(ss_ctx *cx, const char *path, const ss_to_store *t, int64_t count,
                               const ss_pair *metadata, int64_t metadata_count) {
    text header = {.cx = cx};
    ss_replacement file = {.fd = -1};
    ss_pair *pairs = ss_alloc(cx, (size_t)metadata_count, sizeof *pairs);
    item *items = pairs ? ss_alloc(cx, (size_t)count, sizeof *items) : NULL;
    ss_status st = items ? SS_OK : SS_ERR_NOMEM;

    for (int64_t i = 0; !st && i < count; i++) st = describe(&items[i], cx, path, &t[i]);
    if (!st && count) qsort(items, (size_t)count, sizeof *items, in_data_order);
    if (!st) st = check_names(cx, path, t, count);
    if (!st && metadata_count) {
        memcpy(pairs, metadata, (size_t)metadata_count * sizeof *pairs);
        qsort(pairs, (size_t)metadata_count, sizeof *pairs, by_key);
    }
    if (!st) st = write_header(&header, cx, path, items, count, pairs, metadata_count);
    if (!st) st = ss_replace_open(&file, cx, path);
    if (!st) {
        unsigned char length[LENGTH_BYTES];
        for (int i = 0; i < LENGTH_BYTES; i++) length[i] = (unsigned char)(header.length >> 8 * i);
        st = ss_replace_write(&file, cx, length, sizeof length);
    }
    if (!st) st = ss_replace_write(&file, cx, header.bytes, header.length);
    for (int64_t i = 0; !st && i < count; i++) st = ss_replace_write(&file, cx, items[i].t->data, items[i].bytes);
    if (!st) st = ss_replace_commit(&file, cx);
    ss_replace_close(&file);
    free(header.bytes);
    free(items);
    free(pairs);
    return st;
}
