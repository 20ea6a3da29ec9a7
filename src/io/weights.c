/* Opening a weight file of whatever format, a sharded one included, and looking into it. The formats themselves are
 * read in safetensors.c and torch.c.
 */
#include "io/weights.h"

#include "io/json.h"

#include <stdlib.h>
#include <string.h>

const char *ss_weights_format_name(ss_weights_format format) {
    static const char *const names[] = {
        [SS_SAFETENSORS] = "safetensors", [SS_TORCH_ZIP] = "torch zip", [SS_TORCH_LEGACY] = "torch legacy"};
    return names[format];
}

void ss_weights_close(ss_weights *w) {
    if (!w) return;
    for (int i = 0; i < w->map_count; i++) ss_unmap(&w->maps[i]);
    free(w->maps);
    free(w->at);
    free(w->metadata);
    free(w->refused);
    ss_pool_free(&w->pool);
    free(w);
}

/* Room for one more in a list that doubles: its size is the power of two from `count` upwards. */
static ss_status make_room(ss_ctx *cx, void *list, int64_t count, size_t size) {
    if (count & (count - 1)) return SS_OK;
    return ss_grow(cx, list, (size_t)count, count ? 2 * (size_t)count : 1, size);
}

ss_status ss_weights_add(ss_weights *w, ss_ctx *cx, const ss_stored *t) {
    ss_status st = make_room(cx, &w->at, w->count, sizeof *w->at);
    if (st) return st;
    w->at[w->count] = *t;
    w->at[w->count].place = w->count;
    w->count++;
    return SS_OK;
}

ss_status ss_weights_add_metadata(ss_weights *w, ss_ctx *cx, const char *key, const char *value) {
    ss_status st = make_room(cx, &w->metadata, w->metadata_count, sizeof *w->metadata);
    if (!st) w->metadata[w->metadata_count++] = (ss_pair){key, value};
    return st;
}

ss_status ss_weights_add_refused(ss_weights *w, ss_ctx *cx, const char *name) {
    for (int64_t i = 0; i < w->refused_count; i++) {
        if (strcmp(w->refused[i], name) == 0) return SS_OK;
    }
    ss_status st = make_room(cx, &w->refused, w->refused_count, sizeof *w->refused);
    if (!st) w->refused[w->refused_count++] = name;
    return st;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const ss_stored *)a)->name, ((const ss_stored *)b)->name);
}

static int by_key(const void *a, const void *b) { return strcmp(((const ss_pair *)a)->key, ((const ss_pair *)b)->key); }

static ss_status sort(ss_weights *w, ss_ctx *cx, const char *file) {
    if (w->count) qsort(w->at, (size_t)w->count, sizeof *w->at, by_name);
    for (int64_t i = 1; i < w->count; i++) {
        if (strcmp(w->at[i - 1].name, w->at[i].name) == 0) {
            return ss_fail(cx, SS_ERR_FORMAT, "%s holds two tensors called %s", file, w->at[i].name);
        }
    }
    if (w->metadata_count) qsort(w->metadata, (size_t)w->metadata_count, sizeof *w->metadata, by_key);
    int64_t kept = 0;
    for (int64_t i = 0; i < w->metadata_count; i++) {
        if (kept && strcmp(w->metadata[kept - 1].key, w->metadata[i].key) == 0) continue; /* shards repeat theirs */
        w->metadata[kept++] = w->metadata[i];
    }
    w->metadata_count = kept;
    return SS_OK;
}

static bool starts(const void *bytes, size_t size, const char *magic, size_t n) {
    return size >= n && memcmp(bytes, magic, n) == 0;
}

static bool is_called(const char *name, const char *ending) {
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && strcmp(name + n - m, ending) == 0;
}

/* One file that is no index. Its ending decides only which sentence a damaged one gets. */
static ss_status parse_one(ss_weights *w, ss_ctx *cx, const char *name, const unsigned char *bytes, size_t size) {
    const char *foreign = ss_foreign(bytes, size);
    if (foreign) return ss_fail(cx, SS_ERR_FORMAT, "%s is %s", name, foreign);
    if (starts(bytes, size, "PK", 2) || starts(bytes, size, "\x80\x02\x8a\x0a", 4)) {
        return ss_torch_parse(w, cx, name, bytes, size);
    }
    if ((size > 8 && bytes[8] == '{') || is_called(name, ".safetensors")) {
        return ss_safetensors_parse(w, cx, name, bytes, size);
    }
    if (size >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5) {
        return ss_fail(cx, SS_ERR_FORMAT,
                       "%s is a bare pickle, without the storages of tensors; torch.save writes those", name);
    }
    return ss_fail(cx, SS_ERR_FORMAT,
                   "%s is no weight file that this program reads (safetensors, torch zip, torch legacy)", name);
}

ss_status ss_weights_parse(ss_weights **out, ss_ctx *cx, const char *name, const void *bytes, size_t size) {
    ss_weights *w = ss_alloc(cx, 1, sizeof *w);
    if (!w) return SS_ERR_NOMEM;
    w->shards = 1;
    ss_status st = parse_one(w, cx, name, bytes, size);
    if (!st) st = sort(w, cx, name);
    if (st) {
        ss_weights_close(w);
        return st;
    }
    *out = w;
    return SS_OK;
}

/* The file stays mapped as long as w is open, whether or not it turns out to be one. */
static ss_status map_into(ss_weights *w, ss_ctx *cx, const char *path, ss_map *map) {
    ss_status st = ss_map_file(map, cx, path);
    if (st) return st;
    st = ss_grow(cx, &w->maps, (size_t)w->map_count, (size_t)w->map_count + 1, sizeof *w->maps);
    if (st) {
        ss_unmap(map);
        return st;
    }
    w->maps[w->map_count++] = *map;
    return SS_OK;
}

/* ------------------------------------------------------------------------------------------------ shards */

/* A shard lies beside its index: its name is a file name and nothing more. */
static bool is_plain_name(const char *name) {
    return *name && !strpbrk(name, "/\\") && strcmp(name, ".") && strcmp(name, "..");
}

static ss_status open_shard(ss_weights *w, ss_ctx *cx, const char *index, const char *shard) {
    const char *slash = strrchr(index, '/');
    char *path = ss_format(cx, "%.*s%s", slash ? (int)(slash + 1 - index) : 0, index, shard);
    if (!path) return SS_ERR_NOMEM;
    ss_map map;
    ss_status st = map_into(w, cx, path, &map);
    if (!st) st = parse_one(w, cx, path, map.bytes, map.size);
    if (!st) w->shards++;
    free(path);
    return st;
}

/* weight_map gives each tensor's shard; the shards themselves say the rest. */
static ss_status read_index(ss_weights *w, ss_ctx *cx, const char *path, json_t *index) {
    ss_status st = SS_OK;
    json_t *weight_map = json_object_get(index, "weight_map"), *seen = NULL, *shard;
    const char *name;
    if (!json_is_object(weight_map)) {
        return ss_fail(cx, SS_ERR_FORMAT, "%s is JSON but no index of weight files: it has no \"weight_map\"", path);
    }
    seen = json_object();
    if (!seen) return ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for the index of %s", path);
    json_object_foreach(weight_map, name, shard) {
        if (!json_is_string(shard) || !is_plain_name(json_string_value(shard))) {
            st = ss_fail(cx, SS_ERR_FORMAT, "%s: the shard of %s is not a plain file name", path, name);
            goto done;
        }
        if (json_object_get(seen, json_string_value(shard))) continue;
        if (json_object_set(seen, json_string_value(shard), shard)) {
            st = ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for the index of %s", path);
            goto done;
        }
        st = open_shard(w, cx, path, json_string_value(shard));
        if (st) goto done;
    }
    st = sort(w, cx, path);
    if (st) goto done;
    json_object_foreach(weight_map, name, shard) {
        if (!ss_weights_find(w, name)) {
            st = ss_fail(cx, SS_ERR_FORMAT, "%s: %s should be in %s but is not", path, name, json_string_value(shard));
            goto done;
        }
    }
done:
    json_decref(seen);
    return st;
}

ss_status ss_weights_open(ss_weights **out, ss_ctx *cx, const char *path) {
    json_t *index = NULL;
    ss_map map;
    ss_weights *w = ss_alloc(cx, 1, sizeof *w);
    if (!w) return SS_ERR_NOMEM;
    ss_status st = map_into(w, cx, path, &map);
    if (!st && (map.bytes[0] == '{' || is_called(path, ".index.json"))) {
        st = ss_json_parse(&index, cx, path, map.bytes, map.size);
        if (!st) st = read_index(w, cx, path, index);
    } else if (!st) {
        st = parse_one(w, cx, path, map.bytes, map.size);
        if (!st) st = sort(w, cx, path);
        w->shards = 1;
    }
    json_decref(index);
    if (st) {
        ss_weights_close(w);
        return st;
    }
    *out = w;
    return SS_OK;
}

/* ------------------------------------------------------------------------------------------------ looking */

const ss_stored *ss_weights_find(const ss_weights *w, const char *name) {
    ss_stored key = {.name = name};
    return w->count ? bsearch(&key, w->at, (size_t)w->count, sizeof key, by_name) : NULL;
}

const char *ss_weights_metadata(const ss_weights *w, const char *key) {
    ss_pair wanted = {.key = key};
    const ss_pair *found =
        w->metadata_count ? bsearch(&wanted, w->metadata, (size_t)w->metadata_count, sizeof wanted, by_key) : NULL;
    return found ? found->value : NULL;
}
