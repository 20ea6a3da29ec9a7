/* Files of torch.save: since version 1.6 a zip archive with one pickle and an entry for each storage, before that a
 * stream of five pickles with the storages behind them.
 */
#include "io/torch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_text(const ss_pickle *v, const char *s) {
    return v->kind == SS_PICKLE_TEXT && v->count == strlen(s) && memcmp(v->text, s, v->count) == 0;
}

/* ------------------------------------------------------------------------------------------------ references */

static bool is_decimal(const ss_pickle *v) {
    if (v->kind != SS_PICKLE_TEXT || v->count == 0 || v->count > 20) return false;
    for (size_t i = 0; i < v->count; i++) {
        if (v->text[i] < '0' || v->text[i] > '9') return false;
    }
    return true;
}

static bool is_size(const ss_pickle *v) { return v->kind == SS_PICKLE_INTEGER && v->integer >= 0; }

ss_status ss_torch_read_reference(ss_torch_reference *out, ss_torch *t, const ss_pickle *id) {
    const ss_pickle *args = id->kind == SS_PICKLE_PERSISTENT ? id->args : NULL;
    bool good = args && args->count >= 5 && is_text(args->items[0], "storage") &&
                args->items[1]->kind == SS_PICKLE_GLOBAL && is_decimal(args->items[2]) && is_size(args->items[4]);
    if (!good) {
        ss_fail(t->cx, SS_ERR_FORMAT, "%s: a tensor's storage is not described as torch does it", t->file);
        return SS_ERR_FORMAT;
    }
    ss_torch_reference r = {
        .class = args->items[1],
        .type = ss_torch_type_of(args->items[1], true),
        .key = args->items[2]->text,
        .key_length = args->items[2]->count,
        .count = args->items[4]->integer,
        .whole = args->items[4]->integer,
    };
    if (args->count > 5 && args->items[5]->kind == SS_PICKLE_TUPLE) { /* legacy: (view key, offset, view size) */
        const ss_pickle *view = args->items[5];
        if (view->count != 3 || !is_size(view->items[1]) || !is_size(view->items[2]) ||
            view->items[1]->integer > r.whole || view->items[2]->integer > r.whole - view->items[1]->integer) {
            ss_fail(t->cx, SS_ERR_FORMAT, "%s: a view lies outside of its storage %.*s", t->file, (int)r.key_length,
                    r.key);
            return SS_ERR_FORMAT;
        }
        r.view_from = view->items[1]->integer;
        r.count = view->items[2]->integer;
    }
    *out = r;
    return SS_OK;
}

/* ------------------------------------------------------------------------------------------------ zip */

static ss_status find_in_zip(ss_torch_storage *out, ss_torch *t, const ss_torch_reference *r) {
    char *name = ss_format(t->cx, "%.*sdata/%.*s", t->root_length, t->root, (int)r->key_length, r->key);
    if (!name) return SS_ERR_NOMEM;
    const ss_zip_entry *e = ss_zip_find(&t->zip, name);
    free(name);
    if (!e) {
        return ss_fail(t->cx, SS_ERR_FORMAT, "%s: storage %.*s is not in the archive; the file is damaged", t->file,
                       (int)r->key_length, r->key);
    }
    const unsigned char **bytes = &t->unpacked[e - t->zip.entries];
    ss_status st = *bytes ? SS_OK : ss_zip_read(bytes, t->cx, &t->w->pool, t->limit, &t->zip, e);
    if (!st) *out = (ss_torch_storage){.bytes = *bytes, .size = e->size};
    return st;
}

/* The object lies in "ROOT/data.pkl"; an archive inside the archive would have a longer name of that kind. */
static const ss_zip_entry *find_object(const ss_zip *z) {
    static const char ending[] = "/data.pkl";
    const size_t n = sizeof ending - 1;
    const ss_zip_entry *best = NULL;
    for (int64_t i = 0; i < z->count; i++) {
        const ss_zip_entry *e = &z->entries[i];
        if (e->name_length < n || memcmp(e->name + e->name_length - n, ending, n)) continue;
        if (!best || e->name_length < best->name_length) best = e;
    }
    return best;
}

static ss_status check_byte_order(ss_torch *t) {
    const unsigned char *order;
    char *name = ss_format(t->cx, "%.*sbyteorder", t->root_length, t->root);
    if (!name) return SS_ERR_NOMEM;
    const ss_zip_entry *e = ss_zip_find(&t->zip, name);
    free(name);
    if (!e) return SS_OK; /* older versions left it out */
    ss_status st = ss_zip_read(&order, t->cx, &t->pool, t->limit, &t->zip, e);
    if (!st && !(e->size == 6 && memcmp(order, "little", 6) == 0)) {
        st = ss_fail(t->cx, SS_ERR_FORMAT,
                     "%s was written on a big-endian machine; save it again on a little-endian one", t->file);
    }
    return st;
}

static ss_status read_zip(ss_torch *t, const void *bytes, size_t size) {
    const unsigned char *pickle = NULL;
    ss_pickled object = {0};
    ss_status st = ss_zip_open(&t->zip, t->cx, &t->pool, t->file, bytes, size);
    if (st) return st;
    const ss_zip_entry *e = find_object(&t->zip);
    if (!e) {
        return ss_fail(t->cx, SS_ERR_FORMAT,
                       "%s is a zip archive, but torch did not write it: there is no data.pkl inside", t->file);
    }
    t->root = e->name;
    t->root_length = (int)(e->name_length - strlen("data.pkl"));
    t->unpacked = ss_pool_take(&t->pool, t->cx, (size_t)t->zip.count, sizeof *t->unpacked);
    if (!t->unpacked) return SS_ERR_NOMEM;
    st = check_byte_order(t);
    if (!st) st = ss_zip_read(&pickle, t->cx, &t->pool, t->limit, &t->zip, e);
    if (!st) st = ss_pickle_read(&object, t->cx, &t->pool, t->file, pickle, e->size);
    if (!st) st = ss_torch_collect(t, &object);
    t->w->format = SS_TORCH_ZIP;
    return st;
}

/* ------------------------------------------------------------------------------------------------ legacy */

static const unsigned char magic[] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                      0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

static int compare_key(const char *a, size_t n, const char *b, size_t m) {
    if (n != m) return n < m ? -1 : 1;
    return memcmp(a, b, n);
}

/* Position in t->sorted, or -1. */
static int64_t find_key(const ss_torch *t, const char *key, size_t n) {
    int64_t low = 0, high = (int64_t)t->keys->count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        const ss_pickle *k = t->keys->items[t->sorted[middle]];
        int order = compare_key(key, n, k->text, k->count);
        if (order == 0) return t->sorted[middle];
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return -1;
}

static ss_status find_in_stream(ss_torch_storage *out, ss_torch *t, const ss_torch_reference *r) {
    int64_t i = find_key(t, r->key, r->key_length);
    if (i < 0) {
        return ss_fail(t->cx, SS_ERR_FORMAT, "%s: storage %.*s is not in the file's list; the file is damaged", t->file,
                       (int)r->key_length, r->key);
    }
    *out = t->storages[i];
    return SS_OK;
}

/* For sorting without a global: an index with its key. */
typedef struct keyed {
    const ss_pickle *key;
    int64_t index;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    return compare_key(x->key->text, x->key->count, y->key->text, y->key->count);
}

static ss_status sort_keys(ss_torch *t) {
    size_t n = t->keys->count;
    keyed *order = ss_pool_take(&t->pool, t->cx, n, sizeof *order);
    t->sorted = ss_pool_take(&t->pool, t->cx, n, sizeof *t->sorted);
    t->storages = ss_pool_take(&t->pool, t->cx, n, sizeof *t->storages);
    if (!order || !t->sorted || !t->storages) return SS_ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        if (!is_decimal(t->keys->items[i])) {
            return ss_fail(t->cx, SS_ERR_FORMAT, "%s: the list of storages holds something that is no key", t->file);
        }
        order[i] = (keyed){t->keys->items[i], (int64_t)i};
    }
    if (n) qsort(order, n, sizeof *order, by_key);
    for (size_t i = 0; i < n; i++) {
        if (i && by_key(&order[i - 1], &order[i]) == 0) {
            return ss_fail(t->cx, SS_ERR_FORMAT, "%s: the list of storages names %.*s twice", t->file,
                           (int)order[i].key->count, order[i].key->text);
        }
        t->sorted[i] = order[i].index;
    }
    return SS_OK;
}

/* The stream gives counts of elements; how large one is, only the references to the storage tell. */
static ss_status size_elements(ss_torch *t, const ss_pickled *object) {
    for (const ss_pickle *v = object->last; v; v = v->previous) {
        ss_torch_reference r;
        if (v->kind != SS_PICKLE_PERSISTENT) continue;
        ss_status st = ss_torch_read_reference(&r, t, v);
        if (st) return st;
        int64_t i = find_key(t, r.key, r.key_length);
        if (i < 0) continue; /* an error only if somebody needs it */
        if (!r.type) {
            return ss_fail(t->cx, SS_ERR_FORMAT, "%s: elements of %s are not understood", t->file, r.class->text);
        }
        if (t->storages[i].element && t->storages[i].element != r.type->size) {
            return ss_fail(t->cx, SS_ERR_FORMAT, "%s: storage %.*s has two types of elements", t->file,
                           (int)r.key_length, r.key);
        }
        t->storages[i].element = r.type->size;
    }
    return SS_OK;
}

static ss_status place_storages(ss_torch *t, const unsigned char *p, size_t left) {
    for (size_t i = 0; i < t->keys->count; i++) {
        const ss_pickle *key = t->keys->items[i];
        ss_torch_storage *s = &t->storages[i];
        uint64_t count = 0;
        if (!s->element) {
            return ss_fail(t->cx, SS_ERR_FORMAT, "%s: nothing tells what storage %.*s holds", t->file, (int)key->count,
                           key->text);
        }
        if (left >= 8) {
            for (int k = 7; k >= 0; k--) count = count << 8 | p[k];
        }
        if (left < 8 || count > (left - 8) / (uint64_t)s->element) {
            return ss_fail(t->cx, SS_ERR_FORMAT,
                           "%s: storage %.*s of %" PRIu64 " elements ends after the file; it has been cut off", t->file,
                           (int)key->count, key->text, count);
        }
        s->bytes = p + 8;
        s->size = (size_t)count * (size_t)s->element;
        p += 8 + s->size;
        left -= 8 + s->size;
    }
    return SS_OK;
}

/* Takes one pickle off the front. */
static ss_status next_pickle(ss_pickled *y, ss_torch *t, const unsigned char **p, size_t *left) {
    ss_status st = ss_pickle_read(y, t->cx, &t->pool, t->file, *p, *left);
    if (st) return st;
    *p += y->used;
    *left -= y->used;
    return SS_OK;
}

static bool is_big_endian(const ss_pickle *system) {
    if (system->kind != SS_PICKLE_DICT) return false;
    for (size_t i = 0; i + 1 < system->count; i += 2) {
        const ss_pickle *value = system->items[i + 1];
        if (is_text(system->items[i], "little_endian")) return value->kind == SS_PICKLE_BOOL && !value->integer;
    }
    return false;
}

static ss_status read_stream(ss_torch *t, const unsigned char *p, size_t left) {
    enum { PROTOCOL = 1001 };
    ss_pickled version = {0}, system = {0}, object = {0}, keys = {0};
    if (left < sizeof magic || memcmp(p, magic, sizeof magic)) {
        return ss_fail(t->cx, SS_ERR_FORMAT,
                       "%s begins like a torch file of the older kind, but its magic number is wrong", t->file);
    }
    p += sizeof magic;
    left -= sizeof magic;
    ss_status st = next_pickle(&version, t, &p, &left);
    if (!st && (version.root->kind != SS_PICKLE_INTEGER || version.root->integer != PROTOCOL)) {
        st = ss_fail(t->cx, SS_ERR_FORMAT, "%s: torch's older kind of file has version %d, this one has another",
                     t->file, PROTOCOL);
    }
    if (!st) st = next_pickle(&system, t, &p, &left);
    if (!st && is_big_endian(system.root)) {
        st = ss_fail(t->cx, SS_ERR_FORMAT,
                     "%s was written on a big-endian machine; save it again on a little-endian one", t->file);
    }
    if (!st) st = next_pickle(&object, t, &p, &left);
    if (!st) st = next_pickle(&keys, t, &p, &left);
    if (!st && keys.root->kind != SS_PICKLE_LIST) {
        st = ss_fail(t->cx, SS_ERR_FORMAT, "%s: there is no list of storages behind the object", t->file);
    }
    t->keys = keys.root;
    if (!st) st = sort_keys(t);
    if (!st) st = size_elements(t, &object);
    if (!st) st = place_storages(t, p, left);
    if (!st) st = ss_torch_collect(t, &object);
    t->w->format = SS_TORCH_LEGACY;
    return st;
}

/* ------------------------------------------------------------------------------------------------ both */

ss_status ss_torch_find_storage(ss_torch_storage *out, ss_torch *t, const ss_torch_reference *r) {
    return t->keys ? find_in_stream(out, t, r) : find_in_zip(out, t, r);
}

ss_status ss_torch_parse(ss_weights *w, ss_ctx *cx, const char *name, const void *bytes, size_t size) {
    /* What a file may make us allocate: enough for compressed archives and for strides that need gathering, too little
     * for a small file to fill the memory. */
    enum { LEAST_LIMIT = 64 << 20, TIMES_FILE = 16 };
    size_t limit;
    if (!ss_mul(size, TIMES_FILE, &limit) || !ss_add_size(limit, LEAST_LIMIT + w->pool.total, &limit)) limit = SIZE_MAX;
    ss_torch t = {.w = w, .cx = cx, .file = name, .limit = limit};
    bool zip = size >= 2 && memcmp(bytes, "PK", 2) == 0;
    ss_status st = zip ? read_zip(&t, bytes, size) : read_stream(&t, bytes, size);
    ss_pool_free(&t.pool);
    return st;
}
