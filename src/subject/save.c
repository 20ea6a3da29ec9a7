/* Subjects into files, of the keys, shapes and types that the programs have whose forms they are.
 *
 *     whole weights        delta.ckpt, delta.bin, diffusers' folder, ours
 *     thin products        LoRA (kohya, PEFT); compressed forms of delta.ckpt, delta.bin and ours
 *     tokens alone         embeddings
 *
 * What stands in between, with the model at hand, is made by adding a product to the weight, or by the singular values
 * of the change.
 */
#include "io/json.h"
#include "io/torch_write.h"
#include "subject/modules.h"
#include "subject/subject.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const format_words[SS_SUBJECT_FORMATS + 1] = {
    [SS_SUBJECT_SELFSAME] = "selfsame",
    [SS_SUBJECT_COMPVIS] = "compvis",
    [SS_SUBJECT_BIN] = "bin",
    [SS_SUBJECT_DIFFUSERS] = "diffusers",
    [SS_SUBJECT_DIFFUSERS_BIN] = "diffusers-bin",
    [SS_SUBJECT_KOHYA] = "kohya",
    [SS_SUBJECT_PEFT] = "peft",
    [SS_SUBJECT_EMBEDDING] = "embedding",
    [SS_SUBJECT_EMBEDDING_BIN] = "embedding-bin",
    [SS_SUBJECT_WEBUI] = "webui",
};

const char *const *ss_subject_formats(void) { return format_words; }

/* What is being written: a list of tensors, and copies of numbers that had to be made. */
typedef struct saving {
    ss_ctx *cx;
    const ss_subject *s;
    const ss_subject_writing *w;
    ss_subject_format format;
    const char *path;
    ss_pool pool;
    ss_to_store *tensor;
    int64_t count;
    ss_pair *metadata;
    int64_t metadata_count;
} saving;

static const char *print(saving *v, const char *format, ...) SS_PRINTF(2, 3);
static const char *print(saving *v, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ss_pool_text(&v->pool, v->cx, text, strlen(text));
}

/* ------------------------------------------------------------------------------------------------ numbers */

static ss_status put(saving *v, const char *name, const ss_numbers *a) {
    size_t n = (size_t)v->count;
    if (!name || !a->data) return SS_ERR_NOMEM;
    ss_status st = n & (n - 1) ? SS_OK : ss_grow(v->cx, &v->tensor, n, n ? 2 * n : 1, sizeof *v->tensor);
    if (st) return st;
    int64_t *shape = ss_pool_take(&v->pool, v->cx, SS_RANK, sizeof *shape);
    if (!shape) return SS_ERR_NOMEM;
    memcpy(shape, a->shape, sizeof a->shape);
    v->tensor[v->count++] = (ss_to_store){name, a->type, a->rank, shape, a->data};
    return SS_OK;
}

/* In float16 where that is wished; .data is NULL when memory is out. */
static ss_numbers narrowed(saving *v, const ss_numbers *a) {
    ss_numbers y = *a;
    size_t n = (size_t)ss_numbers_count(a);
    if (!v->w->half || a->type == SS_F16 || !n) return y;
    float *f = ss_pool_take(&v->pool, v->cx, n, sizeof *f);
    uint16_t *half = f ? ss_pool_take(&v->pool, v->cx, n, sizeof *half) : NULL;
    if (half) {
        ss_to_f32(f, a->data, a->type, n);
        ss_f32_to_f16(half, f, n);
    }
    y.type = SS_F16, y.data = half;
    return y;
}

static ss_numbers scaled(saving *v, const ss_numbers *a, double by) {
    ss_numbers y = *a;
    size_t n = (size_t)ss_numbers_count(a);
    if (by == 1) return y;
    float *f = ss_pool_take(&v->pool, v->cx, n ? n : 1, sizeof *f);
    if (f) ss_to_f32(f, a->data, a->type, n);
    for (size_t i = 0; f && i < n; i++) f[i] *= (float)by;
    y.type = SS_F32, y.data = f;
    return y;
}

static ss_numbers vectors_of(const ss_subject_token *t, bool always_two) {
    bool one = t->count == 1 && !always_two;
    ss_numbers a = {.type = SS_F32, .rank = one ? 1 : 2, .shape = {one ? t->width : t->count, one ? 0 : t->width}};
    a.data = t->vectors;
    return a;
}

/* ------------------------------------------------------------------------------------------------ metadata */

static ss_status say(saving *v, const char *key, const char *value) {
    size_t n = (size_t)v->metadata_count;
    if (!value) return SS_ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        if (!strcmp(v->metadata[i].key, key)) return SS_OK;
    ss_status st = ss_grow(v->cx, &v->metadata, n, n + 1, sizeof *v->metadata);
    if (!st) v->metadata[v->metadata_count++] = (ss_pair){key, value};
    return st;
}

static ss_status say_tokens(saving *v) {
    json_t *list = json_array();
    for (int i = 0; i < v->s->token_count; i++) {
        const ss_subject_token *t = &v->s->token[i];
        json_array_append_new(list, json_pack("{s:s, s:s*, s:s*, s:I}", "token", t->name, "class", t->class_word,
                                              "initializer", t->initializer, "vectors", (json_int_t)t->count));
    }
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    const char *kept = text ? ss_pool_text(&v->pool, v->cx, text, strlen(text)) : NULL;
    free(text);
    if (!kept) return ss_fail(v->cx, SS_ERR_NOMEM, "out of memory: no room for the metadata of %s", v->path);
    return v->s->token_count ? say(v, "selfsame.tokens", kept) : SS_OK;
}

/* "<new1> dog, <new2> chair" */
static const char *trigger(saving *v) {
    const char *all = "";
    for (int i = 0; i < v->s->token_count && all; i++) {
        const ss_subject_token *t = &v->s->token[i];
        all = print(v, "%.400s%s%.100s%s%.60s", all, i ? ", " : "", t->name, t->class_word ? " " : "",
                    t->class_word ? t->class_word : "");
    }
    return all;
}

static ss_status say_all(saving *v, const char *architecture) {
    const ss_subject *s = v->s;
    ss_status st = SS_OK;
    bool sd2 = s->token_count && s->token[0].width == 1024;
    for (int64_t i = 0; i < s->metadata_count && !st; i++)
        if (strcmp(s->metadata[i].key, "format") && strncmp(s->metadata[i].key, "ss_", 3) &&
            strcmp(s->metadata[i].key, "selfsame.tokens") && strcmp(s->metadata[i].key, "modelspec.architecture"))
            st = say(v, s->metadata[i].key, s->metadata[i].value);
    if (!st) st = say(v, "format", "pt");
    if (!st) st = say(v, "modelspec.sai_model_spec", "1.0.0");
    if (!st)
        st = say(v, "modelspec.architecture", print(v, "stable-diffusion-%s/%s", sd2 ? "v2-512" : "v1", architecture));
    if (!st) st = say(v, "modelspec.implementation", "diffusers");
    if (!st && s->token_count) st = say(v, "modelspec.trigger_phrase", trigger(v));
    return st ? st : say_tokens(v);
}

/* ------------------------------------------------------------------------------------------------ keys */

static const char *prefix_of(ss_part part) { return part == SS_PART_UNET ? "unet" : "text_encoder"; }

/* "P.attn2.to_out.0.bias" is "P.attn2.processor.to_out_custom_diffusion.0.bias"; NULL for what has no such key. */
static const char *processor_key(saving *v, const ss_change *c) {
    static const char mark[] = ".attn2.";
    const char *at = strstr(c->name, mark), *layer = at ? at + strlen(mark) : NULL;
    size_t n = layer ? strcspn(layer, ".") : 0;
    if (c->part != SS_PART_UNET || !layer || strncmp(layer, "to_", 3)) return NULL;
    return print(v, "%.*s%sprocessor.%.*s_custom_diffusion%s", (int)(at - c->name), c->name, mark, (int)n, layer,
                 layer + n);
}

static const char *compvis_key(saving *v, const ss_change *c) {
    char key[SS_NAME];
    if (c->part != SS_PART_UNET || !ss_single_key(key, c->part, c->name, false)) return NULL;
    return print(v, "%s", key);
}

static ss_status has_no_place(saving *v, const char *what) {
    return ss_fail(v->cx, SS_ERR_ARG, "%s: the form \"%s\" has no place for %s, which the subject changes", v->path,
                   format_words[v->format], what);
}

/* ------------------------------------------------------------------------------------------------ whole weights */

/* What the weight becomes, where the subject says what is added to it. */
static ss_status expand(saving *v, ss_change *c) {
    if (c->kind == SS_CHANGE_SET) return SS_OK;
    if (!v->w->model)
        return ss_fail(v->cx, SS_ERR_ARG,
                       "%s: the subject holds differences, and the form \"%s\" whole weights: the model "
                       "that they are added to is needed",
                       v->path, format_words[v->format]);
    const ss_param *p = ss_params_find(ss_model_params(v->w->model, c->part), c->name);
    int64_t n = 1;
    for (int i = 0; i < p->rank; i++) n *= p->shape[i];
    float *f = ss_pool_take(&v->pool, v->cx, (size_t)n, sizeof *f);
    if (!f) return SS_ERR_NOMEM;
    ss_model_original(f, v->w->model, c->part, p, 0, n);
    ss_status st = ss_low_rank_add(f, v->cx, c, 1);
    c->kind = SS_CHANGE_SET;
    c->to = (ss_numbers){.type = SS_F32, .rank = p->rank, .data = f};
    memcpy(c->to.shape, p->shape, sizeof p->shape);
    return st;
}

/* A change under its key: whole, or as u and v. */
static ss_status put_change(saving *v, const char *key, const ss_change *c) {
    if (c->kind == SS_CHANGE_SET) {
        ss_numbers to = narrowed(v, &c->to);
        return put(v, key, &to);
    }
    ss_numbers up = scaled(v, &c->up, c->scale), down = narrowed(v, &c->down);
    if (!up.data) return SS_ERR_NOMEM;
    up = narrowed(v, &up);
    ss_status st = put(v, print(v, "%s.u", key), &up);
    return st ? st : put(v, print(v, "%s.v", key), &down);
}

/* All changes under the keys of the form; with a model, products become whole weights, except in our own form. */
static ss_status put_changes(saving *v) {
    ss_status st = SS_OK;
    for (int64_t i = 0; i < v->s->change_count && !st; i++) {
        ss_change c = v->s->change[i];
        const char *key = NULL;
        bool processor = v->format == SS_SUBJECT_DIFFUSERS || v->format == SS_SUBJECT_DIFFUSERS_BIN;
        if (processor)
            key = processor_key(v, &c);
        else if (v->format == SS_SUBJECT_COMPVIS)
            key = compvis_key(v, &c);
        else
            key = print(v, "%s.%s", prefix_of(c.part), c.name);
        st = v->cx->status;
        if (!st && !key) st = has_no_place(v, c.name);
        if (!st && (processor || (v->w->model && v->format != SS_SUBJECT_SELFSAME))) st = expand(v, &c);
        if (!st) st = put_change(v, key, &c);
    }
    return st;
}

/* ------------------------------------------------------------------------------------------------ ours */

static ss_status save_selfsame(saving *v) {
    ss_status st = put_changes(v);
    for (int i = 0; i < v->s->token_count && !st; i++) {
        ss_numbers a = vectors_of(&v->s->token[i], false), y = narrowed(v, &a);
        st = put(v, print(v, "modifier_token.%s", v->s->token[i].name), &y);
    }
    if (!st) st = say_all(v, "custom-diffusion");
    return st ? st : ss_safetensors_write(v->cx, v->path, v->tensor, v->count, v->metadata, v->metadata_count);
}

/* ------------------------------------------------------------------------------------------------ torch's forms */

/* Tensors [first, first + 2) are u and v of one weight, and go into a dictionary of their own. */
static void put_torch(ss_torch_file *f, saving *v, int64_t *i, const char *drop) {
    const ss_to_store *t = &v->tensor[*i];
    size_t n = strlen(t->name), skip = strlen(drop);
    bool product = n > 9 && !strcmp(t->name + n - 9, ".weight.u");
    if (product) {
        ss_torch_key(f, v->cx, print(v, "%.*s", (int)(n - 2 - skip), t->name + skip));
        ss_torch_begin(f, v->cx);
        ss_torch_key(f, v->cx, "u");
        ss_torch_tensor(f, v->cx, t);
        ss_torch_key(f, v->cx, "v");
        ss_torch_tensor(f, v->cx, t + 1);
        ss_torch_end(f, v->cx);
        ++*i;
    } else {
        ss_torch_key(f, v->cx, t->name + skip);
        ss_torch_tensor(f, v->cx, t);
    }
}

/* {"unet": {...}, "modifier_token": {"<new1>": [width]}, "text_encoder": {...}} */
static ss_status save_bin(saving *v) {
    static const char *const parts[] = {"unet.", "text_encoder."};
    ss_torch_file f = {0};
    ss_status st = put_changes(v);
    if (st) return st;
    ss_torch_begin(&f, v->cx);
    for (int k = 0; k < 2; k++) {
        bool any = k == 0;
        for (int64_t i = 0; i < v->count; i++) any = any || !strncmp(v->tensor[i].name, parts[k], strlen(parts[k]));
        if (!any) continue;
        ss_torch_key(&f, v->cx, prefix_of(k ? SS_PART_TEXT : SS_PART_UNET));
        ss_torch_begin(&f, v->cx);
        for (int64_t i = 0; i < v->count; i++)
            if (!strncmp(v->tensor[i].name, parts[k], strlen(parts[k]))) put_torch(&f, v, &i, parts[k]);
        ss_torch_end(&f, v->cx);
    }
    ss_torch_key(&f, v->cx, "modifier_token");
    ss_torch_begin(&f, v->cx);
    for (int i = 0; i < v->s->token_count && !st; i++) {
        ss_numbers a = vectors_of(&v->s->token[i], false), y = narrowed(v, &a);
        ss_torch_key(&f, v->cx, v->s->token[i].name);
        st = put(v, v->s->token[i].name, &y);
        if (!st) ss_torch_tensor(&f, v->cx, &v->tensor[v->count - 1]);
    }
    ss_torch_end(&f, v->cx);
    ss_torch_end(&f, v->cx);
    if (st) ss_torch_drop(&f);
    return st ? st : ss_torch_finish(&f, v->cx, v->path);
}

/* {"state_dict": {KEY: tensor ..., "embed": [tokens, width]}}: the names of tokens are lost. */
static ss_status save_compvis(saving *v) {
    const ss_subject *s = v->s;
    ss_torch_file f = {0};
    ss_status st = put_changes(v);
    int64_t width = s->token_count ? s->token[0].width : 0;
    float *rows = ss_pool_take(&v->pool, v->cx, (size_t)(s->token_count * width) + 1, sizeof *rows);
    if (!rows) return SS_ERR_NOMEM;
    for (int i = 0; i < s->token_count && !st; i++) {
        char name[32];
        snprintf(name, sizeof name, "<new%d>", i + 1);
        if (s->token[i].count != 1)
            return ss_fail(v->cx, SS_ERR_ARG, "%s: token %s has %lld vectors, and this form one for each token",
                           v->path, s->token[i].name, (long long)s->token[i].count);
        if (strcmp(s->token[i].name, name))
            ss_note(v->cx, "%s keeps no names: token %s is %s there", v->path, s->token[i].name, name);
        memcpy(rows + i * width, s->token[i].vectors, (size_t)width * sizeof *rows);
    }
    ss_numbers a = {SS_F32, 2, {s->token_count, width}, rows}, embed = narrowed(v, &a);
    if (st) return st;
    ss_torch_begin(&f, v->cx);
    ss_torch_key(&f, v->cx, "state_dict");
    ss_torch_begin(&f, v->cx);
    for (int64_t i = 0; i < v->count; i++) put_torch(&f, v, &i, "");
    if (s->token_count) {
        ss_torch_key(&f, v->cx, "embed");
        ss_torch_tensor(&f, v->cx, &(ss_to_store){"embed", embed.type, 2, embed.shape, embed.data});
    }
    ss_torch_end(&f, v->cx);
    ss_torch_end(&f, v->cx);
    return ss_torch_finish(&f, v->cx, v->path);
}

/* ------------------------------------------------------------------------------------------------ tokens alone */

static ss_status write_embedding(saving *v, const ss_subject_token *t, const char *path, ss_subject_format format) {
    ss_numbers a = vectors_of(t, format == SS_SUBJECT_WEBUI), y = narrowed(v, &a);
    ss_to_store store = {t->name, y.type, y.rank, y.shape, y.data};
    if (!y.data) return SS_ERR_NOMEM;
    if (format == SS_SUBJECT_EMBEDDING)
        return ss_safetensors_write(v->cx, path, &store, 1, &(ss_pair){"format", "pt"}, 1);
    ss_torch_file f = {0};
    ss_torch_begin(&f, v->cx);
    if (format == SS_SUBJECT_WEBUI) {
        enum {
            STAR = 265
        }; /* the token "*</w>" of CLIP's vocabulary, which this form trains in place of the new one */
        ss_torch_key(&f, v->cx, "string_to_token");
        ss_torch_begin(&f, v->cx);
        ss_torch_key(&f, v->cx, "*");
        ss_torch_integer(&f, v->cx, STAR);
        ss_torch_end(&f, v->cx);
        ss_torch_key(&f, v->cx, "string_to_param");
        ss_torch_begin(&f, v->cx);
        ss_torch_key(&f, v->cx, "*");
        ss_torch_tensor(&f, v->cx, &store);
        ss_torch_end(&f, v->cx);
        ss_torch_key(&f, v->cx, "name");
        ss_torch_text(&f, v->cx, t->name);
        ss_torch_key(&f, v->cx, "step");
        const char *step = ss_subject_said(v->s, "step");
        ss_torch_integer(&f, v->cx, step ? strtoll(step, NULL, 10) : 0);
    } else {
        ss_torch_key(&f, v->cx, t->name);
        ss_torch_tensor(&f, v->cx, &store);
    }
    ss_torch_end(&f, v->cx);
    return ss_torch_finish(&f, v->cx, path);
}

/* A token's name as part of a file's: nothing that would be another folder. */
static const char *as_file_name(saving *v, const char *token) {
    char name[120];
    snprintf(name, sizeof name, "%.100s", token);
    for (char *p = name; *p; p++)
        if (*p == '/' || (unsigned char)*p < 32) *p = '_';
    return print(v, "%s", name);
}

/* "DIR/STEM", without the suffix of the file that stands there. */
static const char *stem_of(saving *v) {
    const char *slash = strrchr(v->path, '/'), *dot = strrchr(v->path, '.');
    bool suffix = dot && dot > (slash ? slash : v->path);
    return print(v, "%.*s", suffix ? (int)(dot - v->path) : (int)strlen(v->path), v->path);
}

static ss_status save_embeddings(saving *v) {
    if (v->s->change_count) return has_no_place(v, v->s->change[0].name);
    if (!v->s->token_count) return ss_fail(v->cx, SS_ERR_ARG, "%s: the subject has no token to write", v->path);
    ss_status st = SS_OK;
    for (int i = 0; i < v->s->token_count && !st; i++) {
        const ss_subject_token *t = &v->s->token[i];
        const char *path = v->path, *dot = strrchr(v->path, '.');
        if (v->s->token_count > 1)
            path = print(v, "%s.%s%s", stem_of(v), as_file_name(v, t->name), dot && !strchr(dot, '/') ? dot : "");
        st = path ? write_embedding(v, t, path, v->format) : SS_ERR_NOMEM;
        if (!st && v->s->token_count > 1) ss_note(v->cx, "token %s is in %s", t->name, path);
    }
    return st;
}

/* For forms that hold weights only: each token into a file beside. */
static ss_status save_tokens_beside(saving *v) {
    ss_status st = SS_OK;
    for (int i = 0; i < v->s->token_count && !st; i++) {
        const ss_subject_token *t = &v->s->token[i];
        const char *path = print(v, "%s.%s.safetensors", stem_of(v), as_file_name(v, t->name));
        st = path ? write_embedding(v, t, path, SS_SUBJECT_EMBEDDING) : SS_ERR_NOMEM;
        if (!st) ss_note(v->cx, "a LoRA holds no tokens: %s is in %s, which goes with it", t->name, path);
    }
    return st;
}

/* ------------------------------------------------------------------------------------------------ diffusers' folder */

static bool is_file_name(const char *path) {
    size_t n = strlen(path);
    return (n > 12 && !strcmp(path + n - 12, ".safetensors")) || (n > 4 && !strcmp(path + n - 4, ".bin"));
}

/* The torch form lists the processors of self-attention, too, as empty dictionaries: its reader counts them. */
static void put_empty_processors(ss_torch_file *f, saving *v) {
    static const struct {
        const char *way;
        int levels, first, attentions;
    } ways[] = {{"down", 3, 0, 2}, {"up", 4, 1, 3}};
    char key[120];
    for (int w = 0; w < 2; w++)
        for (int i = ways[w].first; i < ways[w].levels; i++)
            for (int j = 0; j < ways[w].attentions; j++) {
                snprintf(key, sizeof key, "%s_blocks.%d.attentions.%d.transformer_blocks.0.attn1.processor",
                         ways[w].way, i, j);
                ss_torch_key(f, v->cx, key);
                ss_torch_begin(f, v->cx);
                ss_torch_end(f, v->cx);
            }
    ss_torch_key(f, v->cx, "mid_block.attentions.0.transformer_blocks.0.attn1.processor");
    ss_torch_begin(f, v->cx);
    ss_torch_end(f, v->cx);
}

static ss_status save_diffusers(saving *v) {
    bool torch = v->format == SS_SUBJECT_DIFFUSERS_BIN, folder = !is_file_name(v->path);
    const char *suffix = torch ? "bin" : "safetensors", *slash = strrchr(v->path, '/');
    const char *in =
        folder ? print(v, "%s/", v->path) : print(v, "%.*s", slash ? (int)(slash - v->path) + 1 : 0, v->path);
    const char *file = folder ? print(v, "%spytorch_custom_diffusion_weights.%s", in, suffix) : v->path;
    ss_status st = v->cx->status;
    if (!st && folder && mkdir(v->path, 0777) && errno != EEXIST)
        st = ss_fail(v->cx, SS_ERR_FILE, "%s: the folder cannot be made: %s", v->path, strerror(errno));
    if (!st) st = put_changes(v);
    if (!st && torch) {
        ss_torch_file f = {0};
        ss_torch_begin(&f, v->cx);
        for (int64_t i = 0; i < v->count; i++) put_torch(&f, v, &i, "");
        put_empty_processors(&f, v);
        ss_torch_end(&f, v->cx);
        st = ss_torch_finish(&f, v->cx, file);
    } else if (!st) {
        st = ss_safetensors_write(v->cx, file, v->tensor, v->count, &(ss_pair){"format", "pt"}, 1);
    }
    for (int i = 0; i < v->s->token_count && !st; i++) {
        const ss_subject_token *t = &v->s->token[i];
        const char *path = print(v, "%s%s.%s", in, as_file_name(v, t->name), suffix);
        st = path ? write_embedding(v, t, path, torch ? SS_SUBJECT_EMBEDDING_BIN : SS_SUBJECT_EMBEDDING) : SS_ERR_NOMEM;
    }
    return st;
}

/* ------------------------------------------------------------------------------------------------ LoRA */

/* The path of the layer that a weight belongs to, NULL for a bias. */
static const char *layer_of(saving *v, const ss_change *c) {
    size_t n = strlen(c->name), m = strlen(".weight");
    return n > m && !strcmp(c->name + n - m, ".weight") ? print(v, "%.*s", (int)(n - m), c->name) : NULL;
}

static ss_status put_pair(saving *v, const ss_change *c, const char *path) {
    ss_status st;
    if (v->format == SS_SUBJECT_PEFT) { /* there alpha is the rank */
        ss_numbers up = scaled(v, &c->up, c->scale), down = narrowed(v, &c->down);
        if (!up.data) return SS_ERR_NOMEM;
        up = narrowed(v, &up);
        st = put(v, print(v, "%s.%s.lora_A.weight", prefix_of(c->part), path), &down);
        return st ? st : put(v, print(v, "%s.%s.lora_B.weight", prefix_of(c->part), path), &up);
    }
    char key[SS_NAME];
    float *alpha = ss_pool_take(&v->pool, v->cx, 1, sizeof *alpha);
    if (!alpha) return SS_ERR_NOMEM;
    *alpha = (float)(c->scale * (double)c->up.shape[1]);
    ss_module_key(key, c->part, path);
    ss_numbers up = narrowed(v, &c->up), down = narrowed(v, &c->down), a = {.type = SS_F32, .data = alpha};
    a = narrowed(v, &a);
    st = put(v, print(v, "%s.lora_down.weight", key), &down);
    if (!st) st = put(v, print(v, "%s.lora_up.weight", key), &up);
    return st ? st : put(v, print(v, "%s.alpha", key), &a);
}

static ss_status say_kohya(saving *v, const ss_subject *thin) {
    int64_t rank = 0;
    double alpha = 0;
    const char *was = ss_subject_said(v->s, "ss_base_model_version");
    bool sd2 = v->s->token_count ? v->s->token[0].width == 1024 : was && !strncmp(was, "sd_v2", 5);
    for (int64_t i = 0; i < thin->change_count; i++)
        if (thin->change[i].up.shape[1] > rank) {
            rank = thin->change[i].up.shape[1];
            alpha = thin->change[i].scale * (double)rank;
        }
    ss_status st = say_all(v, "lora");
    if (!st) st = say(v, "ss_network_module", "networks.lora");
    if (!st) st = say(v, "ss_network_dim", print(v, "%lld", (long long)rank));
    if (!st) st = say(v, "ss_network_alpha", print(v, "%g", alpha));
    if (!st) st = say(v, "ss_network_args", "{}");
    if (!st) st = say(v, "ss_v2", sd2 ? "True" : "False");
    return st ? st : say(v, "ss_base_model_version", sd2 ? "sd_v2" : "sd_v1");
}

static ss_status save_lora(saving *v) {
    const ss_subject *thin = v->s;
    ss_subject *made = NULL;
    bool whole = false;
    ss_status st = SS_OK;
    for (int64_t i = 0; i < v->s->change_count && !st; i++) {
        whole = whole || v->s->change[i].kind == SS_CHANGE_SET;
        if (!layer_of(v, &v->s->change[i])) st = v->cx->status ? v->cx->status : has_no_place(v, v->s->change[i].name);
    }
    if (!st && !v->s->change_count)
        st = ss_fail(v->cx, SS_ERR_ARG,
                     "%s: the subject changes no weights, so there is no LoRA of it (the forms "
                     "\"embedding\" and \"webui\" hold tokens)",
                     v->path);
    if (!st && whole && !v->w->model)
        st = ss_fail(v->cx, SS_ERR_ARG,
                     "%s: the subject holds whole weights, and a LoRA differences: the model that they "
                     "differ from is needed",
                     v->path);
    if (!st && whole) {
        ss_thinned how;
        st = ss_subject_compress(&made, v->cx, v->w->model, v->s,
                                 &(ss_thinning){.share = v->w->share, .rank = v->w->rank, .everything = true}, &how);
        thin = made;
        if (!st) ss_note(v->cx, "rank up to %lld; relative error of the change %.2g", (long long)how.rank, how.error);
    }
    for (int64_t i = 0; i < (st ? 0 : thin->change_count) && !st; i++) {
        const ss_change *c = &thin->change[i];
        if (c->kind != SS_CHANGE_LOW_RANK) st = has_no_place(v, c->name);
        if (!st && c->up.shape[1]) st = put_pair(v, c, layer_of(v, c));
    }
    if (!st && v->format == SS_SUBJECT_KOHYA) st = say_kohya(v, thin);
    if (!st && v->format == SS_SUBJECT_PEFT) st = say_all(v, "lora");
    if (!st) st = ss_safetensors_write(v->cx, v->path, v->tensor, v->count, v->metadata, v->metadata_count);
    ss_subject_free(made);
    return st ? st : save_tokens_beside(v);
}

/* ------------------------------------------------------------------------------------------------ */

static ss_status find_format(ss_subject_format *out, ss_ctx *cx, const char *word) {
    const char *names[SS_SUBJECT_FORMATS];
    int n = 0;
    for (int i = 0; format_words[i]; i++) {
        names[n++] = format_words[i];
        if (!strcmp(word, format_words[i])) {
            *out = (ss_subject_format)i;
            return SS_OK;
        }
    }
    const char *near = ss_nearest(word, names, n);
    return ss_fail(cx, SS_ERR_ARG, "there is no form \"%.100s\" of subjects%s%s", word, near ? "; the nearest is " : "",
                   near ? near : "");
}

ss_status ss_subject_write(ss_ctx *cx, const ss_subject *s, const char *path, const ss_subject_writing *w) {
    static const ss_subject_writing ours;
    static ss_status (*const save[SS_SUBJECT_FORMATS])(saving * v) = {
        [SS_SUBJECT_SELFSAME] = save_selfsame,
        [SS_SUBJECT_COMPVIS] = save_compvis,
        [SS_SUBJECT_BIN] = save_bin,
        [SS_SUBJECT_DIFFUSERS] = save_diffusers,
        [SS_SUBJECT_DIFFUSERS_BIN] = save_diffusers,
        [SS_SUBJECT_KOHYA] = save_lora,
        [SS_SUBJECT_PEFT] = save_lora,
        [SS_SUBJECT_EMBEDDING] = save_embeddings,
        [SS_SUBJECT_EMBEDDING_BIN] = save_embeddings,
        [SS_SUBJECT_WEBUI] = save_embeddings,
    };
    ss_ctx_clear(cx);
    saving v = {.cx = cx, .s = s, .w = w ? w : &ours, .path = path};
    ss_status st = SS_OK;
    if (v.w->format) st = find_format(&v.format, cx, v.w->format);
    if (!st && s->sdxl)
        st = ss_fail(cx, SS_ERR_ARG,
                     "%s was made for SDXL, whose second text encoder's vectors are not kept: it cannot be "
                     "written again",
                     s->path);
    if (!st && v.w->model) st = ss_subject_check(cx, v.w->model, s);
    if (!st) st = save[v.format](&v);
    free(v.tensor);
    free(v.metadata);
    ss_pool_free(&v.pool);
    return st;
}
