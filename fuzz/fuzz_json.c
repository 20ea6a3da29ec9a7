/* The bytes of a configuration, and every getter on every key of it. */
#include "io/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { MOST = 4 };
    ss_ctx cx = {.fail_allocation = -1};
    json_t *json = NULL, *value;
    const char *key;
    if (ss_json_parse(&json, &cx, "fuzz.json", data, size)) return 0;
    ss_object o = {json, "fuzz.json"};
    json_object_foreach(json, key, value) {
        int64_t numbers[MOST];
        ss_json_int(&cx, o, key, 0);
        ss_json_number(&cx, o, key, 0);
        ss_json_bool(&cx, o, key, false);
        ss_json_text(&cx, o, key, NULL);
        ss_json_array(&cx, o, key);
        ss_json_object(&cx, o, key);
        if (ss_json_ints(&cx, o, key, numbers, MOST) > MOST) abort();
    }
    json_decref(json);
    return 0;
}
