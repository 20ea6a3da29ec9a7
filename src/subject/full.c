/* A whole model into a file or a folder: the checkpoint that was opened, with what was added to it since.
 *
 * A single file has the original program's names and no tokenizer: vectors of added tokens go into files beside it. A
 * folder has diffusers' names, and its tokenizer learns the tokens. Numbers keep the checkpoint's types.
 */
#include "io/json.h"
#include "io/map.h"
#include "io/replace.h"
#include "io/torch_write.h"
#include "subject/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct saving {
    ss_ctx *cx;
    const ss_model *m;
    const char *path;
    bool half;
    ss_pool pool; /* names and numbers that had to be made */
    ss_to_store *tensor;
    int64_t count;
} saving;

static bool ends(const char *name, const char *ending) {
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && !strcmp(name + n - m, ending);
}

static size_t count_of(int rank, const int64_t *shape) {
    size_t n = 1;
    for (int i = 0; i < rank; i++) n *= (size_t)shape[i];
    return n;
}

/* ------------------------------------------------------------------------------------------------ numbers */

static bool is_float(ss_dtype t) { return t == SS_F32 || t == SS_F16 || t == SS_BF16; }

/* n numbers of a parameter in the type that they are to have, or NULL. */
static const void *converted(saving *v, const void *data, ss_dtype from, ss_dtype to, size_t n) {
    if (from == to) return data;
    float *f = ss_alloc(v->cx, n, sizeof *f);
    void *y = f ? ss_pool_take(&v->pool, v->cx, n, ss_dtype_size(to)) : NULL;
    if (y) {
        ss_to_f32(f, data, from, n);
        if (to == SS_F16)
            ss_f32_to_f16(y, f, n);
        else if (to == SS_BF16)
            ss_f32_to_bf16(y, f, n);
        else
            memcpy(y, f, n * sizeof *f);
    }
    free(f);
    return y;
}

/* What the checkpoint stored, whatever the parameter has become since. */
static ss_dtype type_of(const saving *v, ss_part part, const ss_param *p) {
    ss_dtype type = p->dtype;
    for (int64_t i = 0; i < v->m->altered_count; i++)
        if (v->m->altered[i].part == part && v->m->altered[i].file && !strcmp(v->m->altered[i].name, p->name))
            type = v->m->altered[i].type;
    return v->half && is_float(type) ? SS_F16 : is_float(type) ? type : SS_F32;
}

static ss_status put(saving *v, const char *name, ss_dtype type, int rank, const int64_t *shape, const void *data) {
    size_t n = (size_t)v->count;
    ss_status st = n & (n - 1) ? SS_OK : ss_grow(v->cx, &v->tensor, n, n ? 2 * n : 1, sizeof *v->tensor);
    int64_t *kept = st ? NULL : ss_pool_take(&v->pool, v->cx, SS_RANK, sizeof *kept);
    const char *copy = kept ? ss_pool_text(&v->pool, v->cx, name, strlen(name)) : NULL;
    if (!copy || !data) return v->cx->status;
    memcpy(kept, shape, (size_t)rank * sizeof *shape);
    v->tensor[v->count++] = (ss_to_store){copy, type, rank, kept, data};
    return SS_OK;
}

static ss_status put_param(saving *v, ss_part part, const ss_param *p, const char *name, int rank,
                           const int64_t *shape) {
    ss_dtype type = type_of(v, part, p);
    return put(v, name, type, rank, shape, converted(v, p->stored, p->dtype, type, count_of(p->rank, p->shape)));
}

/* ------------------------------------------------------------------------------------------------ a single file */

/* OpenCLIP keeps queries, keys and values in one matrix, rows in this order. */
static ss_status put_fused(saving *v, const ss_param *q, const char *key) {
    static const char *const third[] = {".q_proj.", ".k_proj.", ".v_proj."};
    ss_dtype type = type_of(v, SS_PART_TEXT, q);
    size_t n = count_of(q->rank, q->shape), bytes = n * ss_dtype_size(type);
    char *all = ss_pool_take(&v->pool, v->cx, 3 * bytes, 1);
    const char *at = strstr(q->name, third[0]);
    for (int i = 0; i < 3 && all; i++) {
        char name[SS_NAME];
        snprintf(name, sizeof name, "%.*s%s%s", (int)(at - q->name), q->name, third[i], at + strlen(third[0]));
        const ss_param *p = ss_params_find(&v->m->text.params, name);
        const void *part = p ? converted(v, p->stored, p->dtype, type, n) : NULL;
        if (!part)
            return v->cx->status ? v->cx->status : ss_fail(v->cx, SS_ERR_MODEL, "text_encoder: there is no %s", name);
        memcpy(all + (size_t)i * bytes, part, bytes);
    }
    return put(v, key, type, q->rank, (int64_t[]){3 * q->shape[0], q->rank > 1 ? q->shape[1] : 1}, all);
}

static ss_status put_single(saving *v, ss_part part, const ss_param *p) {
    char key[SS_NAME];
    bool open_clip = v->m->sd2, fused = open_clip && part == SS_PART_TEXT && strstr(p->name, ".self_attn.");
    if (!strcmp(p->name, SS_ADDED_TOKENS)) return SS_OK;
    if (!ss_single_key(key, part, p->name, open_clip))
        return ss_fail(v->cx, SS_ERR_MODEL, "%s: %s has no name in a single file", ss_model_params(v->m, part)->part,
                       p->name);
    if (fused && strstr(p->name, ".q_proj.")) return put_fused(v, p, key);
    if (fused && !strstr(p->name, ".out_proj.")) return SS_OK; /* went along with the queries */
    int64_t shape[SS_RANK] = {0};
    memcpy(shape, p->shape, sizeof p->shape);
    bool kernel = part == SS_PART_VAE && strstr(p->name, ".attentions.0.to_") && p->rank == 2;
    if (kernel) shape[2] = shape[3] = 1;
    return put_param(v, part, p, key, kernel ? 4 : p->rank, shape);
}

static ss_status write_ckpt(saving *v) {
    ss_torch_file f = {0};
    ss_torch_begin(&f, v->cx);
    ss_torch_key(&f, v->cx, "state_dict");
    ss_torch_begin(&f, v->cx);
    for (int64_t i = 0; i < v->count; i++) {
        ss_torch_key(&f, v->cx, v->tensor[i].name);
        ss_torch_tensor(&f, v->cx, &v->tensor[i]);
    }
    ss_torch_end(&f, v->cx);
    ss_torch_end(&f, v->cx);
    return ss_torch_finish(&f, v->cx, v->path);
}

/* The single layout has no tokenizer, and its readers want the table as large as it was. */
static ss_status write_tokens_beside(saving *v) {
    const char *dot = strrchr(v->path, '.');
    const ss_tokenizer *t = v->m->tokenizer;
    int64_t width = ss_model_token_width(v->m);
    ss_status st = SS_OK;
    for (int32_t id = v->m->text.first_added, count; id && id < ss_tokenizer_count(t) && !st; id += count) {
        const char *name = ss_tokenizer_added(t, id, &count);
        char path[4096], safe[128];
        float *rows = ss_alloc(v->cx, (size_t)(count * width), sizeof *rows);
        if (!rows) return SS_ERR_NOMEM;
        for (int32_t i = 0; i < count; i++) ss_model_token_row(rows + i * width, v->m, id + i);
        snprintf(safe, sizeof safe, "%.100s", name);
        for (char *p = safe; *p; p++)
            if (*p == '/') *p = '_';
        snprintf(path, sizeof path, "%.*s.%s.safetensors", (int)(dot - v->path), v->path, safe);
        int64_t one[] = {width}, several[] = {count, width};
        ss_to_store store = {name, SS_F32, count == 1 ? 1 : 2, count == 1 ? one : several, rows};
        st = ss_safetensors_write(v->cx, path, &store, 1, &(ss_pair){"format", "pt"}, 1);
        if (!st) ss_note(v->cx, "a single file holds no tokens: %s is in %s, which goes with it", name, path);
        free(rows);
    }
    return st;
}

static const ss_part parts[] = {SS_PART_UNET, SS_PART_VAE, SS_PART_TEXT};

static ss_status save_single(saving *v) {
    ss_status st = SS_OK;
    for (int k = 0; k < SS_COUNT_OF(parts) && !st; k++) {
        const ss_params *in = ss_model_params(v->m, parts[k]);
        for (int64_t i = 0; i < in->count && !st; i++) st = put_single(v, parts[k], &in->at[i]);
    }
    if (!st)
        st = ends(v->path, ".ckpt")
                 ? write_ckpt(v)
                 : ss_safetensors_write(v->cx, v->path, v->tensor, v->count, &(ss_pair){"format", "pt"}, 1);
    return st ? st : write_tokens_beside(v);
}

/* ------------------------------------------------------------------------------------------------ a folder */

static ss_status make_folder(saving *v, const char *name) {
    char *path = ss_format(v->cx, "%s/%s", v->path, name);
    if (!path) return SS_ERR_NOMEM;
    ss_status st = SS_OK;
    if (mkdir(path, 0777) && errno != EEXIST)
        st = ss_fail(v->cx, SS_ERR_FILE, "%s: the folder cannot be made: %s", path, strerror(errno));
    free(path);
    return st;
}

/* A file of the folder that the model's settings came from, if it is there. */
static ss_status copy_file(saving *v, const char *name) {
    char *from = ss_format(v->cx, "%s/%s", ss_model_config(v->m), name);
    char *to = from ? ss_format(v->cx, "%s/%s", v->path, name) : NULL;
    struct stat about;
    ss_map map = {0};
    ss_status st = to ? SS_OK : SS_ERR_NOMEM;
    if (!st && !stat(from, &about) && about.st_size) {
        st = ss_map_file(&map, v->cx, from);
        if (!st) st = ss_write_file(v->cx, to, map.bytes, map.size);
        ss_unmap(&map);
    }
    free(from);
    free(to);
    return st;
}

/* A JSON file of that folder, or an empty object; decref'd by the caller. */
static json_t *read_json(saving *v, const char *name) {
    char *from = ss_format(v->cx, "%s/%s", ss_model_config(v->m), name);
    json_t *json = NULL;
    struct stat about;
    if (from && !stat(from, &about)) ss_json_read(&json, v->cx, from);
    free(from);
    return json ? json : json_object();
}

static ss_status write_json(saving *v, const char *name, json_t *json) {
    char *text = json_dumps(json, JSON_INDENT(2));
    char *to = ss_format(v->cx, "%s/%s", v->path, name);
    ss_status st = text && to ? ss_write_file(v->cx, to, text, strlen(text))
                              : ss_fail(v->cx, SS_ERR_NOMEM, "out of memory: no room for %s", name);
    free(text);
    free(to);
    json_decref(json);
    return st;
}

static ss_status save_part(saving *v, ss_part part, const char *file) {
    const ss_params *in = ss_model_params(v->m, part);
    static const char table[] = "text_model.embeddings.token_embedding.weight";
    ss_status st = SS_OK;
    v->count = 0;
    for (int64_t i = 0; i < in->count && !st; i++) {
        const ss_param *p = &in->at[i];
        bool linear = part == SS_PART_VAE && strstr(p->name, ".attentions.0.to_") && p->rank == 4;
        if (!strcmp(p->name, SS_ADDED_TOKENS)) continue;
        if (strcmp(p->name, table) || part != SS_PART_TEXT || !v->m->text.first_added) {
            st = put_param(v, part, p, p->name, linear ? 2 : p->rank, p->shape);
            continue;
        }
        /* The table grows by the rows of added tokens. */
        int64_t rows = ss_tokenizer_count(v->m->tokenizer), width = p->shape[1];
        if (rows < p->shape[0]) rows = p->shape[0];
        float *all = ss_pool_take(&v->pool, v->cx, (size_t)(rows * width), sizeof *all);
        for (int64_t r = 0; r < rows && all; r++)
            if (r < p->shape[0] || r >= v->m->text.first_added) ss_model_token_row(all + r * width, v->m, (int32_t)r);
        ss_dtype type = type_of(v, part, p);
        if (!all) return SS_ERR_NOMEM;
        st =
            put(v, p->name, type, 2, (int64_t[]){rows, width}, converted(v, all, SS_F32, type, (size_t)(rows * width)));
    }
    char *path = st ? NULL : ss_format(v->cx, "%s/%s", v->path, file);
    if (path) st = ss_safetensors_write(v->cx, path, v->tensor, v->count, &(ss_pair){"format", "pt"}, 1);
    if (!path && !st) st = SS_ERR_NOMEM;
    free(path);
    return st;
}

/* tokenizer/added_tokens.json, and the list in tokenizer_config.json that newer libraries go by. A token of several
 * vectors is TOKEN, TOKEN_1 ... there. */
static ss_status save_tokenizer(saving *v) {
    static const char *const files[] = {"tokenizer/vocab.json", "tokenizer/merges.txt",
                                        "tokenizer/special_tokens_map.json"};
    const ss_tokenizer *t = v->m->tokenizer;
    ss_status st = SS_OK;
    for (int i = 0; i < SS_COUNT_OF(files) && !st; i++) st = copy_file(v, files[i]);
    if (st) return st;
    json_t *added = read_json(v, "tokenizer/added_tokens.json"),
           *config = read_json(v, "tokenizer/tokenizer_config.json");
    json_t *decoder = json_object_get(config, "added_tokens_decoder");
    for (int32_t id = v->m->text.first_added, count; id && id < ss_tokenizer_count(t); id += count) {
        const char *name = ss_tokenizer_added(t, id, &count);
        for (int32_t i = 0; i < count; i++) {
            char one[160], number[16];
            snprintf(one, sizeof one, i ? "%.100s_%d" : "%.100s", name, i);
            snprintf(number, sizeof number, "%d", id + i);
            json_object_set_new(added, one, json_integer(id + i));
            if (decoder)
                json_object_set_new(decoder, number,
                                    json_pack("{s:s, s:b, s:b, s:b, s:b, s:b}", "content", one, "lstrip", 0,
                                              "normalized", 0, "rstrip", 0, "single_word", 0, "special", 0));
        }
    }
    if (json_object_size(added))
        st = write_json(v, "tokenizer/added_tokens.json", added);
    else
        json_decref(added);
    ss_status second =
        json_object_size(config) ? write_json(v, "tokenizer/tokenizer_config.json", json_incref(config)) : SS_OK;
    json_decref(config);
    return st ? st : second;
}

static ss_status save_folder(saving *v) {
    static const char *const folders[] = {"", "unet", "vae", "text_encoder", "tokenizer", "scheduler"};
    static const char *const copied[] = {"model_index.json", "unet/config.json", "vae/config.json",
                                         "scheduler/scheduler_config.json"};
    ss_status st = SS_OK;
    if (!ss_model_config(v->m))
        return ss_fail(v->cx, SS_ERR_ARG,
                       "%s: a folder has settings and a tokenizer, and a single file brings none: name a "
                       "folder that has them (--config)",
                       v->path);
    for (int i = 0; i < SS_COUNT_OF(folders) && !st; i++) st = make_folder(v, folders[i]);
    for (int i = 0; i < SS_COUNT_OF(copied) && !st; i++) st = copy_file(v, copied[i]);
    if (!st) {
        json_t *text = read_json(v, "text_encoder/config.json");
        if (v->m->text.first_added)
            json_object_set_new(text, "vocab_size", json_integer(ss_tokenizer_count(v->m->tokenizer)));
        st = write_json(v, "text_encoder/config.json", text);
    }
    if (!st) st = save_tokenizer(v);
    if (!st) st = save_part(v, SS_PART_UNET, "unet/diffusion_pytorch_model.safetensors");
    if (!st) st = save_part(v, SS_PART_VAE, "vae/diffusion_pytorch_model.safetensors");
    return st ? st : save_part(v, SS_PART_TEXT, "text_encoder/model.safetensors");
}

ss_status ss_model_write(ss_ctx *cx, const ss_model *m, const char *path, bool half) {
    ss_ctx_clear(cx);
    saving v = {.cx = cx, .m = m, .path = path, .half = half};
    ss_status st = ends(path, ".safetensors") || ends(path, ".ckpt") ? save_single(&v) : save_folder(&v);
    free(v.tensor);
    ss_pool_free(&v.pool);
    return st;
}
