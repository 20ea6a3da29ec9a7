/* Limits are checked on the bytes before jansson sees them: its parser recurses, and builds as it goes. */
#include "io/json.h"

#include "io/map.h"

#include <string.h>

/* Counts brackets and commas outside of strings; whether they make sense is the parser's business. */
static ss_status check_limits(ss_ctx *cx, const char *name, const char *bytes, size_t size) {
    if (size > SS_JSON_BYTES) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s: %zu bytes of JSON, the limit is %d", name, size, SS_JSON_BYTES);
    }
    int depth = 0, values = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (in_string) {
            if (c == '\\') i++;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > SS_JSON_DEPTH) {
                return ss_fail(cx, SS_ERR_FORMAT, "%s: JSON nested more than %d deep", name, SS_JSON_DEPTH);
            }
            values++;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if (c == ',') {
            values++;
        }
        if (values > SS_JSON_VALUES) {
            return ss_fail(cx, SS_ERR_FORMAT, "%s: JSON with more than %d values", name, SS_JSON_VALUES);
        }
    }
    return SS_OK;
}

ss_status ss_json_parse(json_t **out, ss_ctx *cx, const char *name, const void *bytes, size_t size) {
    ss_status st = check_limits(cx, name, bytes, size);
    if (st) return st;
    json_error_t error;
    json_t *json = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    if (json) {
        *out = json;
        return SS_OK;
    }
    if (json_error_code(&error) == json_error_out_of_memory) {
        return ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for the JSON of %s", name);
    }
    const char *foreign = ss_foreign(bytes, size);
    if (foreign) return ss_fail(cx, SS_ERR_FORMAT, "%s is %s", name, foreign);
    return ss_fail(cx, SS_ERR_FORMAT, "%s is not valid JSON: line %d, column %d: %s", name, error.line, error.column,
                   error.text);
}

ss_status ss_json_read(json_t **out, ss_ctx *cx, const char *path) {
    ss_map file = {0};
    ss_status st = ss_map_file(&file, cx, path);
    if (!st) st = ss_json_parse(out, cx, path, file.bytes, file.size);
    ss_unmap(&file);
    return st;
}

static const char *type_of(const json_t *v) {
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a text";
    case JSON_INTEGER:
        return "a whole number";
    case JSON_REAL:
        return "a number";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        break;
    }
    return "null";
}

/* NULL for what is absent or null. */
static const json_t *value_at(ss_object o, const char *key) {
    const json_t *v = json_object_get(o.json, key);
    return json_is_null(v) ? NULL : v;
}

static void wrong_type(ss_ctx *cx, ss_object o, const char *key, const json_t *v, const char *wanted) {
    ss_fail(cx, SS_ERR_FORMAT, "%s: \"%s\" is %s, not %s", o.name, key, type_of(v), wanted);
}

int64_t ss_json_int(ss_ctx *cx, ss_object o, const char *key, int64_t absent) {
    const json_t *v = value_at(o, key);
    if (!v) return absent;
    if (json_is_integer(v)) return json_integer_value(v);
    wrong_type(cx, o, key, v, "a whole number");
    return absent;
}

double ss_json_number(ss_ctx *cx, ss_object o, const char *key, double absent) {
    const json_t *v = value_at(o, key);
    if (!v) return absent;
    if (json_is_number(v)) return json_number_value(v);
    wrong_type(cx, o, key, v, "a number");
    return absent;
}

bool ss_json_bool(ss_ctx *cx, ss_object o, const char *key, bool absent) {
    const json_t *v = value_at(o, key);
    if (!v) return absent;
    if (json_is_boolean(v)) return json_is_true(v);
    wrong_type(cx, o, key, v, "true or false");
    return absent;
}

const char *ss_json_text(ss_ctx *cx, ss_object o, const char *key, const char *absent) {
    const json_t *v = value_at(o, key);
    if (!v) return absent;
    if (json_is_string(v)) return json_string_value(v);
    wrong_type(cx, o, key, v, "a text");
    return absent;
}

int ss_json_ints(ss_ctx *cx, ss_object o, const char *key, int64_t *y, int most) {
    const json_t *v = value_at(o, key);
    if (!v) return -1;
    if (json_is_integer(v) && most > 0) {
        y[0] = json_integer_value(v);
        return 1;
    }
    if (!json_is_array(v)) {
        wrong_type(cx, o, key, v, "a list of whole numbers");
        return -1;
    }
    if (json_array_size(v) > (size_t)most) {
        ss_fail(cx, SS_ERR_FORMAT, "%s: \"%s\" has %zu entries, at most %d are expected", o.name, key,
                json_array_size(v), most);
        return -1;
    }
    size_t i;
    const json_t *entry;
    json_array_foreach(v, i, entry) {
        if (!json_is_integer(entry)) {
            ss_fail(cx, SS_ERR_FORMAT, "%s: \"%s\" holds %s where a whole number is expected", o.name, key,
                    type_of(entry));
            return -1;
        }
        y[i] = json_integer_value(entry);
    }
    return (int)json_array_size(v);
}

const json_t *ss_json_array(ss_ctx *cx, ss_object o, const char *key) {
    const json_t *v = value_at(o, key);
    if (!v || json_is_array(v)) return v;
    wrong_type(cx, o, key, v, "a list");
    return NULL;
}

ss_object ss_json_object(ss_ctx *cx, ss_object o, const char *key) {
    const json_t *v = value_at(o, key);
    if (v && !json_is_object(v)) {
        wrong_type(cx, o, key, v, "an object");
        v = NULL;
    }
    return (ss_object){v, o.name};
}
