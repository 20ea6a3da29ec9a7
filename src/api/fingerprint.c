/* What tells one model from another: every tensor's name, type and size, and a sample of its bytes.
 *
 * Names are those of the diffusers layout whatever the file spells, and a matrix is the same as a 1x1 convolution, so a
 * folder and a single file of the same weights agree. Any training changes a tensor nearly everywhere: a sample tells.
 */
#include "io/hash.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

enum { SAMPLE = 1024 }; /* bytes from the start and from the middle of a tensor */

static void add_params(ss_hash *h, const ss_params *p) {
    char line[256];
    for (int64_t i = 0; i < p->count; i++) {
        const ss_param *t = &p->at[i];
        size_t bytes = ss_dtype_size(t->dtype);
        for (int d = 0; d < t->rank; d++) bytes *= (size_t)t->shape[d];
        int n = snprintf(line, sizeof line, "%s %s %s %zu\n", p->part, t->name, ss_dtype_name(t->dtype), bytes);
        ss_hash_add(h, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
        size_t half = bytes / 2;
        ss_hash_add(h, t->stored, bytes < SAMPLE ? bytes : SAMPLE);
        ss_hash_add(h, (const char *)t->stored + half, bytes - half < SAMPLE ? bytes - half : SAMPLE);
    }
}

ss_status ss_model_fingerprint(char hex[SS_HASH_TEXT], ss_ctx *cx, const ss_model *m) {
    ss_hash *h = NULL;
    ss_status st = ss_hash_new(&h, cx);
    if (st) return st;
    add_params(h, &m->text.params);
    add_params(h, &m->unet.params);
    add_params(h, &m->vae.params);
    ss_hash_text(h, hex);
    ss_hash_free(h);
    return SS_OK;
}
