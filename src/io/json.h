/* JSON from outside, by jansson, strictly: no duplicate keys, nothing behind the value, bounded size and depth. The
 * getters read settings out of an object and fail with sentences that name the file and the key.
 */
#ifndef SS_JSON_H
#define SS_JSON_H

#include "base/base.h"

#include <jansson.h>

enum {
    SS_JSON_BYTES = 100 * 1000 * 1000, /* safetensors allows a header of this size */
    SS_JSON_DEPTH = 64,
    SS_JSON_VALUES = 1 << 24
};

/* `name` is for sentences. The caller gives *out back with json_decref. SS_ERR_FORMAT for what is not JSON. */
ss_status ss_json_parse(json_t **out, ss_ctx *cx, const char *name, const void *bytes, size_t size);
ss_status ss_json_read(json_t **out, ss_ctx *cx, const char *path);

/* A JSON object under the name by which sentences call it. */
typedef struct ss_object {
    const json_t *json;
    const char *name; /* "unet/config.json" */
} ss_object;

/* The value at `key`, or `absent` if the object has no such key or null there. A value of another type is SS_ERR_FORMAT
 * in cx, and `absent` is returned: read everything, then look at cx->status once. Texts live as long as the object. */
int64_t ss_json_int(ss_ctx *cx, ss_object o, const char *key, int64_t absent);
double ss_json_number(ss_ctx *cx, ss_object o, const char *key, double absent); /* integers, too */
bool ss_json_bool(ss_ctx *cx, ss_object o, const char *key, bool absent);
const char *ss_json_text(ss_ctx *cx, ss_object o, const char *key, const char *absent);

/* Fills at most `most` numbers from an array and returns how many there are; a longer array or another type is a
 * failure. A lone number counts as an array of one, as configs use both. -1 if the key is absent or null. */
int ss_json_ints(ss_ctx *cx, ss_object o, const char *key, int64_t *y, int most);

/* The object or array at `key`, NULL if absent or null. */
const json_t *ss_json_array(ss_ctx *cx, ss_object o, const char *key);
ss_object ss_json_object(ss_ctx *cx, ss_object o,
                         const char *key); /* .json NULL if absent; getters take that as empty */

#endif
