/* Weight files: names, element types, shapes and where the bytes lie. safetensors (one file or shards behind an index),
 * torch zip archives and torch's older stream of pickles, told apart by their content, never by their name.
 *
 * A file is mapped and only its table of contents is read, so opening costs milliseconds whatever the size. What the
 * tensors mean is not known here: see model/.
 */
#ifndef SS_WEIGHTS_H
#define SS_WEIGHTS_H

#include "base/base.h"
#include "base/dtype.h"
#include "io/map.h"
#include "io/pool.h"

enum {
    SS_MAX_TENSORS = 1 << 20,    /* in one file */
    SS_MAX_RANK = 64,            /* dimensions of one tensor */
    SS_MAX_TENSOR_NAME = 1 << 20 /* bytes of one name */
};

/* One tensor as a file stores it. `data` points into the mapping (at any alignment) or into memory that the ss_weights
 * owns: a tensor whose strides were not plain row-major has been gathered, a compressed one inflated. */
typedef struct ss_stored {
    const char *name; /* UTF-8 */
    ss_dtype dtype;
    const char *type_name; /* as the file spells it: "F16", "HalfStorage" */
    int rank;              /* 0: one element */
    const int64_t *shape;  /* slowest first; a dimension may be 0 */
    const void *data;      /* never NULL */
    size_t bytes;
    int64_t place; /* as which the file lists it, from 0 */
} ss_stored;

typedef struct ss_pair {
    const char *key, *value;
} ss_pair;

typedef enum ss_weights_format { SS_SAFETENSORS, SS_TORCH_ZIP, SS_TORCH_LEGACY } ss_weights_format;

typedef struct ss_weights {
    ss_weights_format format; /* of the shards, if there are several */
    int shards;               /* 1 for a file that is whole */
    int64_t count;
    ss_stored *at; /* sorted by name, no name twice */

    /* safetensors: __metadata__. torch: numbers and texts beside or among the tensors ("global_step": "470000"), their
     * keys joined with '.'. Sorted by key, no key twice. */
    int64_t metadata_count;
    ss_pair *metadata;

    /* Functions and classes ("pytorch_lightning.callbacks.ModelCheckpoint") that a pickle wanted called. They were not.
     */
    int64_t refused_count;
    const char **refused;

    ss_map *maps; /* what the pointers above point into, with `pool` */
    int map_count;
    ss_pool pool;
} ss_weights;

/* A file of any of the formats, or the JSON index of a sharded one ("model.safetensors.index.json").
 * Fails with SS_ERR_FILE or SS_ERR_FORMAT and a sentence that names the file. */
ss_status ss_weights_open(ss_weights **out, ss_ctx *cx, const char *path);
void ss_weights_close(ss_weights *w);

const ss_stored *ss_weights_find(const ss_weights *w, const char *name); /* NULL if there is none */
const char *ss_weights_metadata(const ss_weights *w, const char *key);   /* NULL if there is none */
const char *ss_weights_format_name(ss_weights_format format);            /* "safetensors", "torch zip", ... */

/* The same from bytes that the caller keeps until ss_weights_close; `name` is for sentences. */
ss_status ss_weights_parse(ss_weights **out, ss_ctx *cx, const char *name, const void *bytes, size_t size);

/* safetensors as the reference implementation writes it, byte for byte (with sorted metadata). The file is written
 * beside `path` and renamed over it once it is complete: see replace.h. Names must differ; dtype is any but
 * SS_OTHER_TYPE; data holds the elements row-major. */
typedef struct ss_to_store {
    const char *name;
    ss_dtype dtype;
    int rank;
    const int64_t *shape;
    const void *data;
} ss_to_store;

ss_status ss_safetensors_write(ss_ctx *cx, const char *path, const ss_to_store *t, int64_t count,
                               const ss_pair *metadata, int64_t metadata_count);

/* ------------------------------------------------------------------------------------- between the readers' files */

/* Each adds what it finds in the bytes to w. */
ss_status ss_safetensors_parse(ss_weights *w, ss_ctx *cx, const char *name, const void *bytes, size_t size);
ss_status ss_torch_parse(ss_weights *w, ss_ctx *cx, const char *name, const void *bytes, size_t size);

/* t and what it points to, or the two texts, must outlive w or lie in w->pool. Sorting and the check for names that
 * occur twice come once, at the end. */
ss_status ss_weights_add(ss_weights *w, ss_ctx *cx, const ss_stored *t);
ss_status ss_weights_add_metadata(ss_weights *w, ss_ctx *cx, const char *key, const char *value);
ss_status ss_weights_add_refused(ss_weights *w, ss_ctx *cx, const char *name);

#endif
