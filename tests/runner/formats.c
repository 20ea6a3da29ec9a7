/* formats/: what is in every small file, what subjects do to the base model, hostile files. */
#include "runner/runner.h"
#include "subject/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double pass_limit = 1e-4; /* one pass of a network with a subject */

/* ---- contents.json: tensors as they went in, under "<file>|<name>" */

/* What the file calls a tensor of the list. Embeddings of the web interface lie in a dictionary. */
static const char *name_in_file(const ss_weights *w, const char *listed, char other[300]) {
    if (ss_weights_find(w, listed)) return listed;
    snprintf(other, 300, "string_to_param.%s", listed);
    if (ss_weights_find(w, other)) return other;
    const char *space = strstr(listed, " (top level)");
    snprintf(other, 300, "%.*s", space ? (int)(space - listed) : (int)strlen(listed), listed);
    return other;
}

static void compare_tensor(runner *r, const char *line, const ss_stored *got, const ss_stored *want) {
    size_t n = 1, m = 1;
    for (int i = 0; i < want->rank; i++) n *= (size_t)want->shape[i];
    for (int i = 0; i < got->rank; i++) m *= (size_t)got->shape[i];
    bool same = got->rank == want->rank && n == m;
    for (int i = 0; i < want->rank && same; i++) same = got->shape[i] == want->shape[i];
    if (!same) {
        broken(r, line, "another shape than was stored");
        return;
    }
    float *a = malloc((n + 1) * sizeof *a), *b = malloc((n + 1) * sizeof *b);
    ss_to_f32(a, got->data, got->dtype, n);
    ss_to_f32(b, want->data, want->dtype, n);
    int64_t wrong = 0;
    for (size_t i = 0; i < n; i++) wrong += isnan(b[i]) ? !isnan(a[i]) : a[i] != b[i];
    check(r, line, "wrong numbers", (double)wrong, 0);
    free(a);
    free(b);
}

static void compare_contents(runner *r, const char *folder) {
    json_t *info = open_json(r, under(r, "%s/contents.json", folder)), *entry;
    ss_weights *golden = open_tensors(r, under(r, "%s/contents.safetensors", folder));
    const char *file, *name;
    json_t *about;
    if (info && golden) json_object_foreach(info, file, entry) {
            const json_t *tensors = json_object_get(entry, "tensors");
            const char *path = under(r, "%s/%s", folder, file);
            if (!tensors || !is_there(path)) continue;
            ss_weights *w = open_tensors(r, path);
            if (w) json_object_foreach((json_t *)tensors, name, about) {
                    char line[300], other[300];
                    snprintf(line, sizeof line, "%s|%s", file, name);
                    const ss_stored *want = stored(r, golden, line);
                    const ss_stored *got = ss_weights_find(w, name_in_file(w, name, other));
                    if (!got)
                        broken(r, line, "not found in the file");
                    else if (want)
                        compare_tensor(r, line, got, want);
                }
            ss_weights_close(w);
        }
    json_decref(info);
    ss_weights_close(golden);
}

/* ---- contents of subjects: the same numbers again, as a subject holds them */

static void compare_subject(runner *r, const char *line, const ss_subject *s, const ss_weights *golden,
                            const char *file) {
    int64_t wrong = 0, found = 0;
    size_t n = strlen(file);
    for (int64_t i = 0; i < golden->count; i++) {
        const ss_stored *t = &golden->at[i];
        if (strncmp(t->name, file, n) || t->name[n] != '|') continue;
        float *want = malloc(t->bytes + 1);
        ss_to_f32(want, t->data, t->dtype, t->bytes / ss_dtype_size(t->dtype));
        const char *name = t->name + n + 1, *last = strrchr(name, '.');
        int64_t row = 0;
        for (int k = 0; k < s->token_count; k++) { /* tokens in order are rows in order, whatever they are called */
            const ss_subject_token *token = &s->token[k];
            const char *called = strstr(name, "modifier_token.");
            bool all = !strncmp(name, "embed", 5) || !strcmp(name, "emb_params") || !strcmp(name, "*") ||
                       !strcmp(name, "clip_l") || !strcmp(name, token->name);
            if (!all && !(called && !strcmp(called + strlen("modifier_token."), token->name))) continue;
            for (int64_t j = 0; j < token->count * token->width; j++) wrong += token->vectors[j] != want[row + j];
            row += token->count * token->width;
            found++;
        }
        for (int64_t k = 0; k < s->change_count; k++) {
            const ss_change *c = &s->change[k];
            bool key = strstr(name, ".to_k.") != NULL, value = strstr(name, ".to_v.") != NULL;
            bool mine = key     ? strstr(c->name, ".to_k.") != NULL
                        : value ? strstr(c->name, ".to_v.") != NULL
                                : strlen(name) >= strlen(c->name) && strstr(name, c->name);
            if (!mine || last == name) continue;
            const ss_numbers *a = c->kind == SS_CHANGE_SET ? &c->to : !strcmp(last, ".u") ? &c->up : &c->down;
            int64_t count = ss_numbers_count(a);
            float *got = malloc((size_t)(count + 1) * sizeof *got);
            ss_to_f32(got, a->data, a->type, (size_t)count);
            wrong += count != (int64_t)(t->bytes / ss_dtype_size(t->dtype));
            for (int64_t j = 0; j < count && !wrong; j++) wrong += got[j] != want[j];
            free(got);
            found++;
        }
        free(want);
    }
    check(r, line, "wrong numbers", (double)wrong, 0);
    if (!found) broken(r, line, "the subject holds none of the listed tensors");
}

static void open_small_subjects(runner *r, const char *folder) {
    json_t *info = open_json(r, under(r, "%s/contents.json", folder)), *entry;
    ss_weights *golden = open_tensors(r, under(r, "%s/contents.safetensors", folder));
    const char *file;
    if (info && golden) json_object_foreach(info, file, entry) {
            const char *kind = json_string_value(json_object_get(entry, "kind"));
            bool subject = kind && (strstr(kind, "delta") || strstr(kind, "embedding") || strstr(kind, "token file"));
            const char *path = under(r, "%s/%s", folder, file);
            char line[300];
            ss_subject *s = NULL;
            if (!subject || strstr(file, "text_encoder") || !is_there(path)) continue;
            snprintf(line, sizeof line, "subject %s (%s)", file, kind);
            if (ss_subject_open(&s, r->cx, path)) {
                broken(r, line, NULL);
                continue;
            }
            compare_subject(r, line, s, golden, file);
            check(r, line, "said to be SDXL", s->sdxl != (strstr(kind, "SDXL") != NULL), 0);
            ss_subject_free(s);
        }
    json_decref(info);
    ss_weights_close(golden);
}

/* ---- written again: the reference program's keys, shapes, types and numbers */

static bool same_tensor(const ss_stored *a, const ss_stored *b) {
    if (a->rank != b->rank || memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape)) return false;
    /* An alpha's own type varies within one file, and its number is what counts. */
    size_t n = strlen(a->name);
    if (n > 6 && !strcmp(a->name + n - 6, ".alpha")) return true;
    return a->dtype == b->dtype && a->bytes == b->bytes && !memcmp(a->data, b->data, a->bytes);
}

static void rewrite(runner *r, const char *folder, const char *file, const char *format) {
    const char *from = under(r, "%s/%s", folder, file), *suffix = strrchr(file, '.');
    char to[] = "/tmp/selfsame-golden-XXXXXX.safetensors", line[300];
    ss_subject *s = NULL;
    ss_weights *a = NULL, *b = NULL;
    if (!is_there(from)) return;
    snprintf(line, sizeof line, "%s written again", file);
    snprintf(to + strlen("/tmp/selfsame-golden-XXXXXX"), sizeof to - strlen("/tmp/selfsame-golden-XXXXXX"), "%s",
             suffix);
    int fd = mkstemps(to, (int)strlen(suffix));
    ss_status st = fd < 0 ? SS_ERR_FILE : ss_subject_open(&s, r->cx, from);
    if (!st) st = ss_subject_write(r->cx, s, to, &(ss_subject_writing){.format = format});
    if (!st) st = ss_weights_open(&a, r->cx, to);
    if (!st) st = ss_weights_open(&b, r->cx, from);
    int64_t wrong = 0, more = 0;
    for (int64_t i = 0; !st && i < b->count; i++) {
        const ss_stored *t = ss_weights_find(a, b->at[i].name);
        wrong += !t || !same_tensor(t, &b->at[i]);
    }
    for (int64_t i = 0; !st && i < a->count; i++) {
        bool alpha = strstr(a->at[i].name, ".alpha") != NULL; /* which the reader of the original took for granted */
        more += !alpha && !ss_weights_find(b, a->at[i].name);
    }
    if (st)
        broken(r, line, NULL);
    else
        check(r, line, "wrong tensors", (double)(wrong + more), 0);
    if (fd >= 0) close(fd), unlink(to);
    ss_weights_close(a);
    ss_weights_close(b);
    ss_subject_free(s);
}

static void rewrite_all(runner *r, const char *folder) {
    static const struct {
        const char *file, *format;
    } files[] = {
        {"delta_epoch=000001.ckpt", "compvis"},
        {"delta.bin", "bin"},
        {"compressed_delta.bin", "bin"},
        {"newest_kv.safetensors", "diffusers"},
        {"newest_full.bin", "diffusers-bin"},
        {"<new1>.safetensors", "embedding"},
        {"learned_embeds.safetensors", "embedding"},
        {"learned_embeds.bin", "embedding-bin"},
        {"embedding_webui.pt", "webui"},
        {"lora_kohya_linear.safetensors", "kohya"},
        {"lora_kohya_locon.safetensors", "kohya"},
        {"lora_peft.safetensors", "peft"},
    };
    for (int i = 0; i < SS_COUNT_OF(files); i++) rewrite(r, folder, files[i].file, files[i].format);
}

/* ---- what a subject does to the base model */

/* Outputs of the base with the subject, against PREFIX.eps and PREFIX.text of the golden file. */
static void compare_effect(runner *r, const char *base, const char *line, const char *file, double strength,
                           const ss_weights *w, const char *prefix, int timestep) {
    ss_model *m = NULL;
    ss_subject *s = NULL;
    char key[80], name[300];
    if (ss_model_open(&m, r->cx, base, NULL) || ss_subject_open(&s, r->cx, file) ||
        ss_subject_apply(r->cx, m, s, strength)) {
        broken(r, line, NULL);
        ss_subject_free(s);
        ss_model_free(m);
        return;
    }
#define AT(what) (snprintf(key, sizeof key, "%s%s", prefix, what), key)
    int64_t n, len;
    float *x = numbers(r, w, AT("sample"), NULL), *text = numbers(r, w, AT("context"), &len),
          *eps = numbers(r, w, AT("eps"), &n);
    ss_mark start = ss_arena_mark(r->cx->arena);
    const ss_stored *shape = stored(r, w, AT("sample")), *context = stored(r, w, AT("context"));
    if (x && text && eps && shape && context) {
        float t = (float)timestep, *got = malloc((size_t)n * sizeof *got);
        ss_tensor *xt = ss_tensor_from_planar(r->cx, x, shape->shape);
        ss_tensor *y = ss_unet_run(r->cx, &m->unet, xt, &t, ss_tensor_wrap(r->cx, text, 3, context->shape), 0);
        snprintf(name, sizeof name, "%s unet", line);
        if (!y) {
            broken(r, name, NULL);
        } else {
            ss_tensor_to_planar(got, y);
            check(r, name, "rel_l2", relative(got, eps, n), pass_limit);
        }
        free(got);
    }
    if (ss_weights_find(w, AT("text"))) {
        const ss_stored *stored_ids = stored(r, w, AT("ids"));
        float *want = numbers(r, w, AT("text"), &n);
        int32_t ids[SS_TOKENS];
        for (int i = 0; stored_ids && i < SS_TOKENS; i++) {
            int64_t id;
            memcpy(&id, (const char *)stored_ids->data + (size_t)i * sizeof id, sizeof id);
            ids[i] = (int32_t)id;
        }
        ss_tensor *y = ss_clip_text_run(r->cx, &m->text, ids, 1, 0);
        snprintf(name, sizeof name, "%s text", line);
        if (y && want)
            check(r, name, "rel_l2", relative(y->data, want, n), pass_limit);
        else
            broken(r, name, NULL);
        free(want);
    }
    ss_arena_rewind(r->cx->arena, start);
    free(x);
    free(text);
    free(eps);
    ss_subject_free(s);
    ss_model_free(m);
}

static int timestep_of(const json_t *info) { return (int)json_integer_value(json_object_get(info, "timestep")); }

/* NAME.json with strength and timestep beside NAME.safetensors and NAME.expected.safetensors. */
static void run_lora(runner *r, const char *folder, const char *base, const char *name) {
    if (!is_there(under(r, "%s/%s.json", folder, name))) return;
    json_t *info = open_json(r, under(r, "%s/%s.json", folder, name));
    ss_weights *w = open_tensors(r, under(r, "%s/%s.expected.safetensors", folder, name));
    char line[120];
    snprintf(line, sizeof line, "%s.safetensors", name);
    if (info && w)
        compare_effect(r, base, line, under(r, "%s/%s.safetensors", folder, name),
                       json_number_value(json_object_get(info, "strength")), w, "", timestep_of(info));
    json_decref(info);
    ss_weights_close(w);
}

/* NAME.json lists cases with files of their own; the expected numbers are CASE/.... */
static void run_listed(runner *r, const char *folder, const char *base, const char *name) {
    if (!is_there(under(r, "%s/%s.json", folder, name))) return;
    json_t *info = open_json(r, under(r, "%s/%s.json", folder, name)), *one;
    ss_weights *w = open_tensors(r, under(r, "%s/%s.expected.safetensors", folder, name));
    const json_t *strength = json_object_get(info, "strength");
    const char *key;
    if (info && w) json_object_foreach(info, key, one) {
            const char *file = json_string_value(json_object_get(one, "file"));
            char prefix[64];
            if (!file) continue;
            snprintf(prefix, sizeof prefix, "%s/", key);
            compare_effect(r, base, file, under(r, "%s/%s", folder, file), strength ? json_number_value(strength) : 1,
                           w, prefix, timestep_of(info));
        }
    json_decref(info);
    ss_weights_close(w);
}

/* ---- the base's parts in other containers */

static void compare_params(runner *r, const char *line, const ss_params *a, const ss_params *b) {
    int64_t wrong = 0;
    for (int64_t i = 0; i < b->count; i++) {
        const ss_param *want = &b->at[i], *got = ss_params_find(a, want->name);
        size_t n = 1;
        for (int d = 0; d < want->rank; d++) n *= (size_t)want->shape[d];
        float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
        if (got) ss_to_f32(x, got->stored, got->dtype, n);
        ss_to_f32(y, want->stored, want->dtype, n);
        wrong += !got || memcmp(x, y, n * sizeof *x);
        free(x);
        free(y);
    }
    check(r, line, "wrong tensors", (double)wrong, 0);
}

static void run_sharded(runner *r, const char *folder, const char *base) {
    const char *index = under(r, "%s/sharded/text_encoder/model.safetensors.index.json", folder);
    ss_model *m = NULL;
    ss_weights *w = NULL;
    ss_params p = {.part = "text_encoder"};
    if (!is_there(index)) return;
    if (ss_model_open(&m, r->cx, base, NULL) || ss_weights_open(&w, r->cx, index)) broken(r, "sharded", NULL);
    for (int64_t i = 0; m && w && i < w->count; i++) {
        char name[SS_NAME];
        if (ss_rename_component(name, SS_PART_TEXT, w->at[i].name) == SS_PART_TEXT)
            ss_params_add(&p, r->cx, name, w->at[i].dtype, w->at[i].rank, w->at[i].shape, w->at[i].data);
    }
    if (m && w && !ss_params_sort(&p, r->cx)) compare_params(r, "sharded", &p, &m->text.params);
    ss_params_clear(&p);
    ss_weights_close(w);
    ss_model_free(m);
}

/* vae_single.json: single-file names to the base's; vae_single.safetensors itself where the folder has it. */
static void run_vae(runner *r, const char *folder, const char *base) {
    if (!is_there(under(r, "%s/vae_single.json", folder))) return;
    json_t *info = open_json(r, under(r, "%s/vae_single.json", folder)), *want;
    const char *file = under(r, "%s/vae_single.safetensors", folder), *single;
    int64_t wrong = 0;
    json_object_foreach(json_object_get(info, "names"), single, want) {
        char name[SS_NAME], wanted[SS_NAME];
        ss_rename_component(wanted, SS_PART_VAE, json_string_value(want));
        wrong += ss_rename_single(name, single) != SS_PART_VAE || strcmp(name, wanted);
    }
    check(r, "vae_single.json", "wrong names", (double)wrong, 0);
    ss_model *m = NULL, *other = NULL;
    if (is_there(file)) {
        ss_model_options o = {.vae = file};
        if (ss_model_open(&m, r->cx, base, NULL) || ss_model_open(&other, r->cx, base, &o))
            broken(r, "vae_single.safetensors", NULL);
        else
            compare_params(r, "vae_single.safetensors", &other->vae.params, &m->vae.params);
    }
    ss_model_free(m);
    ss_model_free(other);
    json_decref(info);
}

/* ---- bad/: accepted or rejected as the index says */

static void run_bad(runner *r, const char *folder) {
    if (!is_there(under(r, "%s/bad/index.json", folder))) return;
    json_t *index = open_json(r, under(r, "%s/bad/index.json", folder));
    const json_t *files = json_object_get(index, "files");
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *one = json_array_get(files, i);
        const char *file = json_string_value(json_object_get(one, "file")),
                   *expect = json_string_value(json_object_get(one, "expect"));
        char line[300];
        ss_weights *w = NULL;
        ss_status st = ss_weights_open(&w, r->cx, under(r, "%s/bad/%s", folder, file));
        ss_ctx_clear(r->cx);
        snprintf(line, sizeof line, "bad/%s (%s)", file, expect);
        bool right = !strcmp(expect, "either") || (!strcmp(expect, "accept")) == (st == SS_OK);
        check(r, line, "wrong", !right, 0);
        ss_weights_close(w);
        ss_subject *s = NULL; /* none of them is one: to be refused, whatever else they are */
        ss_status opened = ss_subject_open(&s, r->cx, under(r, "%s/bad/%s", folder, file));
        if (opened && !*ss_ctx_error(r->cx)) broken(r, line, "refused as a subject without a sentence");
        ss_ctx_clear(r->cx);
        ss_subject_free(s);
    }
    json_decref(index);
}

void run_formats(runner *r, const char *folder) {
    char base[4096]; /* the ring of under() goes round meanwhile */
    snprintf(base, sizeof base, "%s", under(r, "custom-diffusion/base"));
    run_bad(r, folder);
    if (is_there(under(r, "%s/contents.json", folder))) {
        compare_contents(r, folder);
        open_small_subjects(r, folder);
    }
    rewrite_all(r, folder);
    if (!is_there(base)) {
        skip(r, "subjects on a model", "custom-diffusion/base is not beside this folder");
        return;
    }
    run_lora(r, folder, base, "lora_kohya_linear");
    run_lora(r, folder, base, "lora_kohya_locon");
    run_lora(r, folder, base, "lora_old");
    run_listed(r, folder, base, "lora_new");
    run_listed(r, folder, base, "newest");
    run_sharded(r, folder, base);
    run_vae(r, folder, base);
}
