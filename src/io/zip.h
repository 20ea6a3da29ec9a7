/* Zip archives as torch writes them: the directory, and the bytes of an entry, stored or deflated. */
#ifndef SS_ZIP_H
#define SS_ZIP_H

#include "io/pool.h"

typedef struct ss_zip_entry {
    const char *name; /* not 0-terminated */
    size_t name_length;
    uint64_t packed, size; /* bytes in the archive, and unpacked */
    uint64_t header;       /* where its local header lies */
    uint16_t method;       /* 0 stored, 8 deflated */
} ss_zip_entry;

typedef struct ss_zip {
    const char *file; /* for sentences */
    const unsigned char *bytes;
    size_t size;
    int64_t count;
    ss_zip_entry *entries; /* sorted by name; in the pool given to ss_zip_open */
} ss_zip;

/* Reads the central directory only: the local headers of torch's files leave sizes out. Zip64 is understood; encrypted
 * entries are refused. SS_ERR_FORMAT for a damaged archive. */
ss_status ss_zip_open(ss_zip *out, ss_ctx *cx, ss_pool *pool, const char *file, const void *bytes, size_t size);

const ss_zip_entry *ss_zip_find(const ss_zip *z, const char *name); /* NULL if there is none */

/* The entry's bytes: where they lie in the archive, or unpacked into the pool, in which all of an archive may take no
 * more than `limit` bytes. Checksums are not looked at: torch can be told to leave them out, and its own reader does
 * not look either. */
ss_status ss_zip_read(const unsigned char **out, ss_ctx *cx, ss_pool *pool, size_t limit, const ss_zip *z,
                      const ss_zip_entry *e);

#endif
