/* From the object in a torch file to named tensors. What is looked for is told by the names of the functions that
 * rebuild tensors; every other call in the pickle stays a value that nobody opens.
 */
#include "io/torch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEEPEST = 64,           /* dictionaries within dictionaries */
    MOST_STEPS = 1 << 24,   /* values looked at */
    MOST_METADATA = 1 << 16 /* entries, and bytes of one of them */
};

static const ss_torch_type types[] = {
    {"FloatStorage", "float32", SS_F32, 4},
    {"HalfStorage", "float16", SS_F16, 2},
    {"BFloat16Storage", "bfloat16", SS_BF16, 2},
    {"DoubleStorage", "float64", SS_F64, 8},
    {"LongStorage", "int64", SS_I64, 8},
    {"IntStorage", "int32", SS_I32, 4},
    {"ShortStorage", "int16", SS_I16, 2},
    {"CharStorage", "int8", SS_I8, 1},
    {"ByteStorage", "uint8", SS_U8, 1},
    {"BoolStorage", "bool", SS_BOOL, 1},
    {"ComplexFloatStorage", "complex64", SS_OTHER_TYPE, 8},
    {"ComplexDoubleStorage", "complex128", SS_OTHER_TYPE, 16},
    {"storage.UntypedStorage", "", SS_U8, 1},
    {"storage.TypedStorage", "", SS_U8, 1},
    {"UntypedStorage", "", SS_U8, 1},
    {"", "uint16", SS_U16, 2},
    {"", "uint32", SS_U32, 4},
    {"", "uint64", SS_U64, 8},
    {"", "float8_e4m3fn", SS_F8_E4M3, 1},
    {"", "float8_e5m2", SS_F8_E5M2, 1},
    {"", "float8_e4m3fnuz", SS_OTHER_TYPE, 1},
    {"", "float8_e5m2fnuz", SS_OTHER_TYPE, 1},
};

const ss_torch_type *ss_torch_type_of(const ss_pickle *global, bool storage) {
    if (global->kind != SS_PICKLE_GLOBAL || strncmp(global->text, "torch.", 6)) return NULL;
    for (int i = 0; i < SS_COUNT_OF(types); i++) {
        if (strcmp(global->text + 6, storage ? types[i].storage : types[i].dtype) == 0) return &types[i];
    }
    return NULL;
}

static bool calls(const ss_pickle *v, const char *name) {
    return v->kind == SS_PICKLE_OBJECT && v->callee->kind == SS_PICKLE_GLOBAL && strcmp(v->callee->text, name) == 0;
}

/* ------------------------------------------------------------------------------------------------ one tensor */

/* What a _rebuild_ function was to do. */
typedef struct rebuild {
    ss_pickle *const *args;
    size_t count;
    bool typed; /* _v3: the element type is an argument of its own, the storage is bytes */
} rebuild;

/* False if v is no tensor. A parameter is a tensor in a wrapper; with attributes of its own, in another. */
static bool as_tensor(rebuild *y, const ss_pickle *v) {
    static const char *const wrappers[] = {
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch.nn.parameter.Parameter",
    };
    for (int i = 0; i < SS_COUNT_OF(wrappers);) {
        bool wrapped = calls(v, wrappers[i]) && v->args->count > 0;
        if (wrapped) v = v->args->items[0];
        i = wrapped ? 0 : i + 1;
    }
    if (v->kind != SS_PICKLE_OBJECT || v->callee->kind != SS_PICKLE_GLOBAL) return false;
    const char *how = v->callee->text;
    const ss_pickle *args = v->args;
    if (calls(v, "torch._tensor._rebuild_from_type_v2") && args->count == 4 &&
        args->items[0]->kind == SS_PICKLE_GLOBAL && args->items[2]->kind == SS_PICKLE_TUPLE) {
        how = args->items[0]->text;
        args = args->items[2];
    }
    bool v3 = strcmp(how, "torch._utils._rebuild_tensor_v3") == 0;
    if (!v3 && strcmp(how, "torch._utils._rebuild_tensor_v2") && strcmp(how, "torch._utils._rebuild_tensor"))
        return false;
    *y = (rebuild){args->items, args->count, v3};
    return true;
}

/* Reads a tuple of numbers; torch.Size is one in a wrapper. */
static ss_status read_numbers(ss_torch *t, const char *name, const ss_pickle *v, int64_t *y, size_t *rank) {
    if (calls(v, "torch.Size") && v->args->count == 1) v = v->args->items[0];
    bool good = (v->kind == SS_PICKLE_TUPLE || v->kind == SS_PICKLE_LIST) && v->count <= SS_MAX_RANK;
    for (size_t i = 0; good && i < v->count; i++) {
        good = v->items[i]->kind == SS_PICKLE_INTEGER && v->items[i]->integer >= 0;
        y[i] = v->items[i]->integer;
    }
    if (!good) {
        ss_fail(t->cx, SS_ERR_FORMAT, "%s: shape or strides of %s are not at most %d numbers from 0 upwards", t->file,
                name, SS_MAX_RANK);
        return SS_ERR_FORMAT;
    }
    *rank = v->count;
    return SS_OK;
}

/* A window on a storage, all in elements of the type. */
typedef struct view {
    const ss_torch_type *type;
    const char *type_name;
    const unsigned char *storage;
    size_t rank;
    int64_t shape[SS_MAX_RANK], stride[SS_MAX_RANK];
    int64_t offset, elements;
} view;

/* Whether the last element reached lies within `count`. Sets v->elements. */
static bool fits(view *v, int64_t count) {
    int64_t last = v->offset;
    v->elements = 1;
    for (size_t i = 0; i < v->rank; i++) {
        if (v->shape[i] == 0) v->elements = 0;
    }
    for (size_t i = 0; v->elements && i < v->rank; i++) {
        int64_t reach;
        if (__builtin_mul_overflow(v->elements, v->shape[i], &v->elements)) return false;
        if (v->shape[i] == 1) v->stride[i] = 0; /* it may be anything and means nothing */
        if (__builtin_mul_overflow(v->shape[i] - 1, v->stride[i], &reach) || __builtin_add_overflow(last, reach, &last))
            return false;
    }
    return v->elements == 0 || last < count;
}

static bool is_row_major(const view *v) {
    int64_t expected = 1;
    for (size_t i = v->rank; i-- > 0;) {
        if (v->shape[i] == 1) continue;
        if (v->stride[i] != expected) return false;
        expected *= v->shape[i];
    }
    return true;
}

/* y = the elements of x in row-major order, `size` bytes each. The rank is not 0: that is always row-major. */
static void gather(unsigned char *y, const unsigned char *x, const view *v, size_t size) {
    int64_t at[SS_MAX_RANK] = {0}, from = v->offset;
    size_t inner = v->rank - 1, d;
    do {
        for (int64_t i = 0; i < v->shape[inner]; i++, y += size) {
            memcpy(y, x + (size_t)(from + i * v->stride[inner]) * size, size);
        }
        for (d = inner; d > 0; d--) {
            from += v->stride[d - 1];
            if (++at[d - 1] < v->shape[d - 1]) break;
            from -= v->shape[d - 1] * v->stride[d - 1];
            at[d - 1] = 0;
        }
    } while (d > 0);
}

/* Whose elements they are, and where. */
static ss_status read_storage(view *y, int64_t *count, ss_torch *t, const char *name, const rebuild *how) {
    ss_torch_reference r = {0};
    ss_torch_storage storage = {0};
    const ss_pickle *dtype = how->typed ? how->args[6] : NULL;
    ss_status st = ss_torch_read_reference(&r, t, how->args[0]);
    if (st) return st;
    y->type = dtype ? ss_torch_type_of(dtype, false) : r.type;
    if (!y->type || !r.type) {
        const ss_pickle *unknown = r.type && dtype->kind == SS_PICKLE_GLOBAL ? dtype : r.class;
        ss_fail(t->cx, SS_ERR_FORMAT, "%s: %s has elements of a type that is not understood (%s)", t->file, name,
                unknown->text);
        return SS_ERR_FORMAT;
    }
    y->type_name = dtype ? y->type->dtype : y->type->storage;
    st = ss_torch_find_storage(&storage, t, &r);
    if (st) return st;
    size_t size = (size_t)r.type->size;
    if (r.whole > (int64_t)(storage.size / size)) {
        ss_fail(t->cx, SS_ERR_FORMAT,
                "%s: storage %.*s of %s has %zu bytes where %" PRId64 " elements of %zu bytes should be", t->file,
                (int)r.key_length, r.key, name, storage.size, r.whole, size);
        return SS_ERR_FORMAT;
    }
    y->storage = storage.bytes + (size_t)r.view_from * size;
    *count = (int64_t)((size_t)r.count * size / (size_t)y->type->size);
    return SS_OK;
}

/* Reads storage, offset, shape and strides, all checked. */
static ss_status read_view(view *y, ss_torch *t, const char *name, const rebuild *how) {
    int64_t count = 0;
    size_t strides = 0;
    if (how->count < (how->typed ? 7 : 4)) {
        ss_fail(t->cx, SS_ERR_FORMAT, "%s: %s lacks storage, shape or strides", t->file, name);
        return SS_ERR_FORMAT;
    }
    const ss_pickle *offset = how->args[1];
    ss_status st = read_storage(y, &count, t, name, how);
    if (!st) st = read_numbers(t, name, how->args[2], y->shape, &y->rank);
    if (!st) st = read_numbers(t, name, how->args[3], y->stride, &strides);
    if (st) return st;
    bool inside = offset->kind == SS_PICKLE_INTEGER && offset->integer >= 0 && strides == y->rank;
    y->offset = offset->integer;
    if (!inside || !fits(y, count)) {
        ss_fail(t->cx, SS_ERR_FORMAT, "%s: %s reaches outside of its storage of %" PRId64 " elements", t->file, name,
                count);
        return SS_ERR_FORMAT;
    }
    return SS_OK;
}

static bool room_for(ss_torch *t, size_t n) { return t->w->pool.total <= t->limit && n <= t->limit - t->w->pool.total; }

/* `name` lies in t->w->pool. */
static ss_status add_tensor(ss_torch *t, const char *name, const rebuild *how) {
    view v = {0};
    ss_pool *pool = &t->w->pool;
    ss_status st = read_view(&v, t, name, how);
    if (st) return st;
    size_t size = (size_t)v.type->size, bytes;
    if (!ss_mul((size_t)v.elements, size, &bytes)) {
        return ss_fail(t->cx, SS_ERR_FORMAT, "%s: the shape of %s overflows 64 bits", t->file, name);
    }
    int64_t *shape = ss_pool_take(pool, t->cx, v.rank, sizeof *shape);
    if (!shape) return SS_ERR_NOMEM;
    memcpy(shape, v.shape, v.rank * sizeof *shape);
    ss_stored y = {name, v.type->type, v.type_name, (int)v.rank, shape, v.storage, bytes, 0};
    if (bytes && is_row_major(&v)) {
        y.data = v.storage + (size_t)v.offset * size;
    } else if (bytes) {
        if (!room_for(t, bytes)) {
            return ss_fail(t->cx, SS_ERR_FORMAT,
                           "%s: %s repeats its storage to %zu bytes, far more than the file has; that is refused",
                           t->file, name, bytes);
        }
        unsigned char *data = ss_pool_take(pool, t->cx, bytes, 1);
        if (!data) return SS_ERR_NOMEM;
        gather(data, v.storage, &v, size);
        y.data = data;
    }
    return ss_weights_add(t->w, t->cx, &y);
}

/* ------------------------------------------------------------------------------------------------ dictionaries */

/* A dictionary's pairs; an OrderedDict of Python 2 got its first ones as a list of pairs. */
static const ss_pickle *first_pairs(const ss_pickle *v) {
    if (v->kind != SS_PICKLE_OBJECT || v->args->count != 1) return NULL;
    return v->args->items[0]->kind == SS_PICKLE_LIST ? v->args->items[0] : NULL;
}

static bool is_dict(const ss_pickle *v) { return v->kind == SS_PICKLE_DICT || calls(v, "collections.OrderedDict"); }

static size_t pair_count(const ss_pickle *v) {
    const ss_pickle *first = first_pairs(v);
    return v->count / 2 + (first ? first->count : 0);
}

/* False if the i-th pair is none. */
static bool pair_at(const ss_pickle *v, size_t i, ss_pickle **key, ss_pickle **value) {
    const ss_pickle *first = first_pairs(v);
    if (first && i < first->count) {
        const ss_pickle *pair = first->items[i];
        if ((pair->kind != SS_PICKLE_TUPLE && pair->kind != SS_PICKLE_LIST) || pair->count != 2) return false;
        *key = pair->items[0];
        *value = pair->items[1];
        return true;
    }
    i -= first ? first->count : 0;
    *key = v->items[2 * i];
    *value = v->items[2 * i + 1];
    return true;
}

static bool is_key(const ss_pickle *key, const char *name) {
    return key->kind == SS_PICKLE_TEXT && key->count == strlen(name) && memcmp(key->text, name, key->count) == 0;
}

/* The value at a key, the last one if there are several, NULL if there is none. */
static ss_pickle *value_at(const ss_pickle *dict, const char *name) {
    ss_pickle *found = NULL;
    for (size_t i = 0, n = pair_count(dict); i < n; i++) {
        ss_pickle *key, *value;
        if (pair_at(dict, i, &key, &value) && is_key(key, name)) found = value;
    }
    return found;
}

/* A pickled module is an object whose state is a dictionary of attributes; a compiled one has a class of its own name.
 */
static bool is_module(const ss_pickle *v) {
    if (v->kind != SS_PICKLE_OBJECT || !v->state || !is_dict(v->state)) return false;
    bool compiled = v->callee->kind == SS_PICKLE_GLOBAL && strncmp(v->callee->text, "__torch__.", 10) == 0;
    return compiled || value_at(v->state, "_parameters") || value_at(v->state, "_modules");
}

/* ------------------------------------------------------------------------------------------------ the walk */

/* What a container's `mark` says. */
enum { FRESH, ON_THE_WAY, BARREN };

typedef struct walk {
    ss_torch *t;
    char *name; /* of where the walk stands, not 0-terminated */
    size_t length, room;
    int steps;
} walk;

/* Valid UTF-8 without zero bytes, overlong forms and surrogates. */
static bool is_utf8(const char *s, size_t n) {
    for (const unsigned char *p = (const unsigned char *)s; n > 0;) {
        size_t more = *p < 0x80 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
        if (*p == 0 || (*p >= 0x80 && *p < 0xc2) || *p > 0xf4 || n <= more) return false;
        if (more == 2 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))) return false;
        if (more == 3 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))) return false;
        n -= 1 + more;
        for (p++; more > 0; more--, p++) {
            if ((*p & 0xc0) != 0x80) return false;
        }
    }
    return true;
}

static ss_status append(walk *k, const char *text, size_t n) {
    if (n > SS_MAX_TENSOR_NAME - k->length) {
        return ss_fail(k->t->cx, SS_ERR_FORMAT, "%s: a tensor's name is longer than %d bytes", k->t->file,
                       SS_MAX_TENSOR_NAME);
    }
    if (!k->name || k->length + n > k->room) {
        size_t room = 2 * (k->length + n) + 64;
        ss_status st = ss_grow(k->t->cx, &k->name, k->room, room, 1);
        if (st) return st;
        k->room = room;
    }
    memcpy(k->name + k->length, text, n);
    k->length += n;
    return SS_OK;
}

/* Goes down by one key. */
static ss_status descend(walk *k, int parts, const char *key, size_t n) {
    ss_status st = parts ? append(k, ".", 1) : SS_OK;
    return st ? st : append(k, key, n);
}

static const char *keep_name(walk *k) {
    ss_torch *t = k->t;
    if (!is_utf8(k->name, k->length)) {
        ss_fail(t->cx, SS_ERR_FORMAT, "%s: a tensor's name is not UTF-8", t->file);
        return NULL;
    }
    if (!room_for(t, k->length)) {
        ss_fail(t->cx, SS_ERR_FORMAT, "%s: the names of its tensors are far larger than the file; that is refused",
                t->file);
        return NULL;
    }
    return ss_pool_text(&t->w->pool, t->cx, k->name, k->length);
}

/* Numbers and short texts; the rest is nobody's information. */
static ss_status add_metadata(walk *k, const ss_pickle *v) {
    ss_torch *t = k->t;
    char number[32];
    const char *text = number;
    size_t n;
    switch (v->kind) {
    case SS_PICKLE_BOOL:
        n = (size_t)snprintf(number, sizeof number, "%s", v->integer ? "true" : "false");
        break;
    case SS_PICKLE_INTEGER:
        n = (size_t)snprintf(number, sizeof number, "%" PRId64, v->integer);
        break;
    case SS_PICKLE_REAL:
        n = (size_t)snprintf(number, sizeof number, "%.17g", v->real);
        break;
    case SS_PICKLE_TEXT:
        text = v->text;
        n = v->count;
        break;
    default:
        return SS_OK;
    }
    if (n > MOST_METADATA || t->w->metadata_count >= MOST_METADATA || !is_utf8(text, n) || !is_utf8(k->name, k->length))
        return SS_OK;
    if (!room_for(t, n + k->length)) return SS_OK;
    const char *key = ss_pool_text(&t->w->pool, t->cx, k->name, k->length);
    const char *value = ss_pool_text(&t->w->pool, t->cx, text, n);
    if (!key || !value) return SS_ERR_NOMEM;
    return ss_weights_add_metadata(t->w, t->cx, key, value);
}

static ss_status visit(walk *k, ss_pickle *v, int parts, int depth);

/* In a module the three dictionaries of its parts are no part of the names. */
static bool is_unnamed(const ss_pickle *key) {
    return is_key(key, "_parameters") || is_key(key, "_buffers") || is_key(key, "_modules");
}

static ss_status visit_pairs(walk *k, const ss_pickle *dict, bool module, int parts, int depth) {
    ss_status st = SS_OK;
    size_t length = k->length;
    for (size_t i = 0, n = pair_count(dict); !st && i < n; i++) {
        ss_pickle *key, *value;
        char number[32];
        if (!pair_at(dict, i, &key, &value)) continue;
        if (module && is_unnamed(key)) {
            st = visit(k, value, parts, depth);
        } else if (key->kind == SS_PICKLE_TEXT || key->kind == SS_PICKLE_INTEGER) {
            bool text = key->kind == SS_PICKLE_TEXT;
            int digits = text ? 0 : snprintf(number, sizeof number, "%" PRId64, key->integer);
            st = descend(k, parts, text ? key->text : number, text ? key->count : (size_t)digits);
            if (!st) st = visit(k, value, parts + 1, depth);
        }
        k->length = length;
    }
    return st;
}

static ss_status visit_list(walk *k, const ss_pickle *list, int parts, int depth) {
    ss_status st = SS_OK;
    size_t length = k->length;
    for (size_t i = 0; !st && i < list->count; i++) {
        char number[32];
        rebuild how;
        /* Lists of numbers are common and long, and none of them is worth an entry. */
        if (list->items[i]->kind < SS_PICKLE_TUPLE && !as_tensor(&how, list->items[i])) continue;
        int digits = snprintf(number, sizeof number, "%zu", i);
        st = descend(k, parts, number, (size_t)digits);
        if (!st) st = visit(k, list->items[i], parts + 1, depth);
        k->length = length;
    }
    return st;
}

/* v lies at k->name, which has `parts` parts. A container that holds no tensor is not walked twice, so that values
 * which are shared many times over cost nothing; one that contains itself is left at the second meeting. */
static ss_status visit(walk *k, ss_pickle *v, int parts, int depth) {
    ss_torch *t = k->t;
    rebuild how;
    if (++k->steps > MOST_STEPS) {
        return ss_fail(t->cx, SS_ERR_FORMAT, "%s: the object inside refers to itself too often", t->file);
    }
    if (as_tensor(&how, v)) {
        if (t->w->count >= SS_MAX_TENSORS) {
            return ss_fail(t->cx, SS_ERR_FORMAT, "%s: more than %d tensors", t->file, SS_MAX_TENSORS);
        }
        const char *name = keep_name(k);
        if (!name) return t->cx->status;
        return add_tensor(t, name, &how);
    }
    bool module = is_module(v), list = v->kind == SS_PICKLE_LIST || v->kind == SS_PICKLE_TUPLE;
    if (!module && !list && !is_dict(v)) return add_metadata(k, v);
    if (v->mark != FRESH) return SS_OK;
    if (depth >= DEEPEST) {
        return ss_fail(t->cx, SS_ERR_FORMAT, "%s: the object inside is nested more than %d deep", t->file, DEEPEST);
    }
    int64_t before = t->w->count;
    v->mark = ON_THE_WAY;
    ss_status st =
        list ? visit_list(k, v, parts, depth + 1) : visit_pairs(k, module ? v->state : v, module, parts, depth + 1);
    v->mark = t->w->count == before ? BARREN : FRESH;
    return st;
}

/* ------------------------------------------------------------------------------------------------ the file's object */

/* The dictionary of weights within the root, or the root itself. Training programs put theirs beside other things. */
static ss_pickle *find_weights(ss_pickle *root) {
    static const char *const keys[] = {"state_dict", "model", "module", "params_ema", "params"};
    for (int i = 0; is_dict(root) && i < SS_COUNT_OF(keys); i++) {
        ss_pickle *v = value_at(root, keys[i]);
        if (v && (is_dict(v) || is_module(v))) return v;
    }
    return root;
}

/* Tensors, numbers and texts right beside the dictionary of weights. What lies deeper there is state of a training. */
static ss_status visit_side(walk *k, ss_pickle *root, const ss_pickle *weights) {
    ss_status st = SS_OK;
    for (size_t i = 0, n = pair_count(root); !st && i < n; i++) {
        ss_pickle *key, *value;
        rebuild how;
        if (!pair_at(root, i, &key, &value) || value == weights || key->kind != SS_PICKLE_TEXT) continue;
        if (value->kind >= SS_PICKLE_TUPLE && !as_tensor(&how, value)) continue;
        st = append(k, key->text, key->count);
        if (!st) st = visit(k, value, 1, 1);
        k->length = 0;
    }
    return st;
}

/* Names whose calls this file understands, or that only wrap values. */
static bool is_harmless(const char *name) {
    static const char *const starts[] = {"torch._utils._rebuild_", "torch._tensor._rebuild_", "torch.nn.",
                                         "__torch__."};
    static const char *const names[] = {"collections.OrderedDict",
                                        "collections.Counter",
                                        "collections.defaultdict",
                                        "builtins.set",
                                        "__builtin__.set",
                                        "_codecs.encode",
                                        "torch.Size",
                                        "torch.device"};
    for (int i = 0; i < SS_COUNT_OF(starts); i++) {
        if (strncmp(name, starts[i], strlen(starts[i])) == 0) return true;
    }
    for (int i = 0; i < SS_COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0) return true;
    }
    return false;
}

static ss_status list_refused(ss_torch *t, const ss_pickled *object) {
    enum { ENOUGH = 100, SHOWN = 200 };
    for (const ss_pickle *v = object->last; v && t->w->refused_count < ENOUGH; v = v->previous) {
        if (v->kind != SS_PICKLE_OBJECT) continue;
        bool named = v->callee->kind == SS_PICKLE_GLOBAL;
        const char *name = named ? v->callee->text : "the result of another call";
        if (named && is_harmless(name)) continue;
        const char *kept = ss_pool_text(&t->w->pool, t->cx, name, strnlen(name, SHOWN));
        ss_status st = kept ? ss_weights_add_refused(t->w, t->cx, kept) : SS_ERR_NOMEM;
        if (st) return st;
    }
    return SS_OK;
}

ss_status ss_torch_collect(ss_torch *t, const ss_pickled *object) {
    walk k = {.t = t};
    ss_pickle *root = object->root, *weights = find_weights(root);
    int64_t before = t->w->count;
    ss_status st = list_refused(t, object);
    rebuild how;
    bool is_container =
        is_dict(root) || is_module(root) || root->kind == SS_PICKLE_LIST || root->kind == SS_PICKLE_TUPLE;
    if (!st && (is_container || as_tensor(&how, root))) st = visit(&k, weights, 0, 0);
    if (!st && weights != root) st = visit_side(&k, root, weights);
    free(k.name);
    if (st) return st;
    if (t->w->count == before) {
        return ss_fail(t->cx, SS_ERR_FORMAT, "%s holds no weights%s%s%s", t->file,
                       t->w->refused_count ? "; it wants " : "", t->w->refused_count ? t->w->refused[0] : "",
                       t->w->refused_count ? " called, which is never done" : "");
    }
    if (t->w->refused_count) {
        ss_warn(t->cx, "%s: its weights were read; it also wants %s%s called, which is never done", t->file,
                t->w->refused[0], t->w->refused_count > 1 ? " and others" : "");
    }
    return SS_OK;
}
