/* The readers: their folder, and pictures brought to what they look at.
 *
 * They compute in float32 whatever the context's numbers are: a judge should not change with the machine. */
#include "score/readers.h"

#include "io/json.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ opening */

/* The number of a word among those of a part, -1 if it is none. */
static int number_of(ss_clay_part part, const char *word) {
    const char *const *words = ss_clay_words(part);
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], word)) return i;
    return -1;
}

static ss_status take_words(ss_readers *r, ss_ctx *cx, ss_object values, ss_clay_part part) {
    const char *name = ss_clay_part_name(part);
    const json_t *list = ss_json_array(cx, values, name);
    size_t n = json_array_size(list);
    if (!list || cx->status) return cx->status;
    if (!n || n > SS_READER_WORDS)
        return ss_fail(cx, SS_ERR_FORMAT, "%s: %s has %zu words; a reader tells 1 to %d apart", values.name, name, n,
                       SS_READER_WORDS);
    for (size_t i = 0; i < n; i++) {
        const char *word = json_string_value(json_array_get(list, i));
        int number = word ? number_of(part, word) : -1;
        if (number < 0)
            return ss_fail(cx, SS_ERR_FORMAT, "%s: %s has \"%s\", which the clay world does not know", values.name,
                           name, word ? word : "a value that is no word");
        r->word[part][i] = number;
    }
    r->words[part] = (int)n;
    return SS_OK;
}

static ss_status configure(ss_readers *r, ss_ctx *cx, const char *path) {
    json_t *json = NULL;
    ss_status st = ss_json_read(&json, cx, path);
    ss_object config = {json, path}, values = ss_json_object(cx, config, "values"),
              identity = ss_json_object(cx, config, "identity");
    const char *kind = st ? NULL : ss_json_text(cx, config, "kind", "nothing");
    int64_t sides[2] = {ss_json_int(cx, config, "side", 0), ss_json_int(cx, identity, "side", 0)};
    values.name = path;
    if (!st) st = cx->status;
    if (!st && strcmp(kind, "reader"))
        st = ss_fail(cx, SS_ERR_FORMAT, "%s: its kind is \"%s\", where readers have \"reader\"", path, kind);
    if (!st && !values.json) st = ss_fail(cx, SS_ERR_FORMAT, "%s has no \"values\": which words are read?", path);
    if (!st && !identity.json)
        st = ss_fail(cx, SS_ERR_FORMAT, "%s has no \"identity\": the second reader was not trained into this folder",
                     path);
    for (int i = 0; i < 2 && !st; i++)
        if (sides[i] != SS_READER_SIDE)
            st = ss_fail(cx, SS_ERR_FORMAT, "%s: a reader looks at %lld pixels a side, and this program's at %d", path,
                         (long long)sides[i], SS_READER_SIDE);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)values.json, name, value) {
        int part = 0;
        while (part < SS_CLAY_PARTS && strcmp(ss_clay_part_name((ss_clay_part)part), name)) part++;
        if (st) break;
        st = part < SS_CLAY_PARTS ? take_words(r, cx, values, (ss_clay_part)part)
                                  : ss_fail(cx, SS_ERR_FORMAT, "%s: the clay world has no \"%s\"", path, name);
    }
    json_decref(json);
    return st;
}

static ss_status take_weights(ss_params *p, ss_weights **file, ss_ctx *cx, const char *path) {
    ss_status st = ss_weights_open(file, cx, path);
    for (int64_t i = 0; !st && i < (*file)->count; i++) {
        const ss_stored *t = &(*file)->at[i];
        if (!ss_dtype_size(t->dtype))
            st = ss_fail(cx, SS_ERR_MODEL, "%s: %s is stored as %s, which holds no usable numbers", path, t->name,
                         t->type_name);
        else
            st = ss_reader_add(p, cx, t->name, t->dtype, t->rank, t->shape, t->data);
    }
    return st ? st : ss_params_sort(p, cx);
}

static ss_status walk(ss_ctx *cx, void *user) {
    ss_readers *r = user;
    ss_tensor *x = ss_tensor_wrap(cx, NULL, 4, (int64_t[]){1, 3, SS_READER_SIDE, SS_READER_SIDE}), *mask;
    ss_tensor *hidden = ss_reader_attributes(cx, &r->attributes, x);
    for (int k = 0; k < SS_CLAY_PARTS && !cx->status; k++) {
        const char *name = ss_clay_part_name((ss_clay_part)k);
        ss_tensor *y = r->words[k] ? ss_reader_head(cx, &r->attributes, name, hidden) : NULL;
        if (y && ss_channels(y) != r->words[k])
            return ss_fail(cx, SS_ERR_MODEL, "attribute reader: heads.%s tells %lld words apart, config.json has %d",
                           name, (long long)ss_channels(y), r->words[k]);
    }
    ss_tensor *who = ss_reader_identity(&mask, cx, &r->identity, x);
    if (cx->status) return cx->status;
    if (ss_channels(mask) != 1)
        return ss_fail(cx, SS_ERR_MODEL, "identity reader: mask.weight gives %lld masks, a picture has one figure",
                       (long long)ss_channels(mask));
    if (ss_channels(who) > SS_READER_WHO)
        return ss_fail(cx, SS_ERR_MODEL, "identity reader: embed.weight gives %lld numbers, more than %d",
                       (long long)ss_channels(who), SS_READER_WHO);
    r->who = (int)ss_channels(who);
    return SS_OK;
}

static ss_status check_leftovers(const ss_params *p, ss_ctx *cx) {
    for (int64_t i = 0; i < p->count; i++) {
        int64_t n = 1;
        for (int k = 0; k < p->at[i].rank; k++) n *= p->at[i].shape[k];
        if (!p->at[i].reads)
            return ss_fail(cx, SS_ERR_MODEL, "%s: %s is left over: these are another network's weights", p->part,
                           p->at[i].name);
        if (ss_any_nonfinite(p->at[i].stored, p->at[i].dtype, (size_t)n))
            return ss_fail(cx, SS_ERR_MODEL, "%s: %s holds NaN or infinite numbers: the file is damaged", p->part,
                           p->at[i].name);
    }
    return SS_OK;
}

ss_status ss_readers_open(ss_readers **out, ss_ctx *cx, const char *folder) {
    ss_readers *r = ss_alloc(cx, 1, sizeof *r);
    if (!r) return SS_ERR_NOMEM;
    r->attributes.part = "attribute reader", r->identity.part = "identity reader";
    char *path[] = {ss_format(cx, "%s/config.json", folder), ss_format(cx, "%s/attributes.safetensors", folder),
                    ss_format(cx, "%s/identity.safetensors", folder)};
    ss_status st = cx->status;
    if (!st) st = configure(r, cx, path[0]);
    if (!st) st = take_weights(&r->attributes, &r->file[0], cx, path[1]);
    if (!st) st = take_weights(&r->identity, &r->file[1], cx, path[2]);
    if (!st) st = ss_shape_walk(cx, SS_F32, walk, r, NULL);
    if (!st) st = check_leftovers(&r->attributes, cx);
    if (!st) st = check_leftovers(&r->identity, cx);
    for (int i = 0; i < SS_COUNT_OF(path); i++) free(path[i]);
    if (!st) return *out = r, SS_OK;
    ss_readers_free(r);
    return st;
}

void ss_readers_free(ss_readers *r) {
    if (!r) return;
    ss_params_clear(&r->attributes);
    ss_params_clear(&r->identity);
    ss_weights_close(r->file[0]);
    ss_weights_close(r->file[1]);
    free(r);
}

/* ------------------------------------------------------------------------------------------------ looking */

/* Pixels in -1 .. 1, each the mean of those of the picture that it covers (torch's "area"). */
static void shrink(float *x, const ss_image *im) {
    enum { SIDE = SS_READER_SIDE };
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            int top = i * im->h / SIDE, bottom = ((i + 1) * im->h + SIDE - 1) / SIDE;
            int left = j * im->w / SIDE, right = ((j + 1) * im->w + SIDE - 1) / SIDE;
            double sum[3] = {0};
            for (int v = top; v < bottom; v++)
                for (int u = left; u < right; u++)
                    for (int c = 0; c < 3; c++)
                        sum[c] += im->rgb[3 * ((size_t)v * (size_t)im->w + (size_t)u) + (size_t)c];
            for (int c = 0; c < 3; c++) *x++ = (float)(sum[c] / ((bottom - top) * (right - left)) / 127.5 - 1);
        }
}

static int highest(const float *x, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* Logits between the reader's places, as shares of 255. */
static void spread_mask(uint8_t *mask, int w, int h, const float *logits) {
    enum { SIDE = SS_READER_MASK };
    for (int i = 0; i < h; i++)
        for (int j = 0; j < w; j++) {
            float v = ((float)i + 0.5f) * SIDE / (float)h - 0.5f, u = ((float)j + 0.5f) * SIDE / (float)w - 0.5f;
            v = fminf(fmaxf(v, 0), SIDE - 1), u = fminf(fmaxf(u, 0), SIDE - 1);
            int top = (int)v, left = (int)u, below = top + (top < SIDE - 1), right = left + (left < SIDE - 1);
            float dv = v - (float)top, du = u - (float)left;
            float upper = logits[top * SIDE + left] * (1 - du) + logits[top * SIDE + right] * du;
            float lower = logits[below * SIDE + left] * (1 - du) + logits[below * SIDE + right] * du;
            mask[(size_t)i * (size_t)w + (size_t)j] =
                (uint8_t)(255 / (1 + expf(-(upper * (1 - dv) + lower * dv))) + 0.5f);
        }
}

static void take_embedding(ss_read *out, const float *x, int n) {
    double length = 0;
    for (int i = 0; i < n; i++) length += (double)x[i] * x[i];
    for (int i = 0; i < n; i++) out->who[i] = length > 0 ? (float)(x[i] / sqrt(length)) : 0;
}

ss_status ss_readers_look(ss_read *out, ss_ctx *cx, const ss_readers *r, const ss_image *im) {
    if (cx->status) return cx->status;
    ss_read seen = {.mask = ss_alloc(cx, (size_t)im->w, (size_t)im->h)};
    ss_mark m = ss_arena_mark(cx->arena);
    ss_tensor *x = seen.mask ? ss_tensor_new(cx, SS_F32, 4, (int64_t[]){1, 3, SS_READER_SIDE, SS_READER_SIDE}) : NULL;
    if (x) shrink(x->data, im);
    ss_tensor *hidden = ss_reader_attributes(cx, &r->attributes, x);
    for (int k = 0; k < SS_CLAY_PARTS && !cx->status; k++) {
        seen.part[k] = -1;
        if (!r->words[k]) continue;
        ss_tensor *y = ss_reader_head(cx, &r->attributes, ss_clay_part_name((ss_clay_part)k), hidden);
        if (y) seen.part[k] = r->word[k][highest(y->data, r->words[k])];
    }
    ss_tensor *mask = NULL, *who = ss_reader_identity(&mask, cx, &r->identity, x);
    if (!cx->status) {
        take_embedding(&seen, who->data, r->who);
        spread_mask(seen.mask, im->w, im->h, mask->data);
        *out = seen;
    } else {
        free(seen.mask);
    }
    ss_arena_rewind(cx->arena, m);
    return cx->status;
}

double ss_read_alike(const ss_read *a, const ss_read *b) {
    double sum = 0;
    for (int i = 0; i < SS_READER_WHO; i++) sum += (double)a->who[i] * b->who[i];
    return sum;
}
