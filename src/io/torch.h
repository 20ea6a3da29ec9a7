/* Between torch.c, which opens the containers, and torch_tensors.c, which finds the tensors in the object that a file
 * holds. */
#ifndef SS_TORCH_H
#define SS_TORCH_H

#include "io/pickle.h"
#include "io/weights.h"
#include "io/zip.h"

typedef struct ss_torch_storage {
    const unsigned char *bytes;
    size_t size;
    int64_t element; /* bytes of one, in the legacy form; 0: nobody has said yet */
} ss_torch_storage;

/* One file while it is being read. */
typedef struct ss_torch {
    ss_weights *w;
    ss_ctx *cx;
    const char *file;
    ss_pool pool; /* what is needed only while reading */
    size_t limit; /* of w->pool: names, gathered and unpacked data */
    ss_zip zip;   /* the zip form: storages are entries "ROOT/data/KEY" ... */
    const char *root;
    int root_length;
    const unsigned char **unpacked; /* ... and this is where those seen so far lie, by entry */
    const ss_pickle *keys;          /* the legacy form: storages in the order of this list of keys */
    ss_torch_storage *storages;
    int64_t *sorted; /* indices into the two above, by key */
} ss_torch;

/* The element type of a storage class, by its full name ("torch.HalfStorage"), or of a dtype ("torch.float16"). */
typedef struct ss_torch_type {
    const char *storage, *dtype; /* without "torch."; "" if there is none */
    ss_dtype type;
    int size;
} ss_torch_type;
const ss_torch_type *ss_torch_type_of(const ss_pickle *global, bool storage);

/* A persistent id, read: ("storage", class, key, location, element count [, view]). */
typedef struct ss_torch_reference {
    const ss_pickle *class;
    const ss_torch_type *type; /* NULL: a class that is not known */
    const char *key;           /* decimal digits, not 0-terminated */
    size_t key_length;
    int64_t count;            /* elements; of the view, if there is one */
    int64_t whole, view_from; /* of the whole storage */
} ss_torch_reference;
ss_status ss_torch_read_reference(ss_torch_reference *out, ss_torch *t, const ss_pickle *id);

/* The whole storage's bytes, from the container. */
ss_status ss_torch_find_storage(ss_torch_storage *out, ss_torch *t, const ss_torch_reference *r);

/* Adds the tensors of the object to t->w. */
ss_status ss_torch_collect(ss_torch *t, const ss_pickled *object);

#endif
