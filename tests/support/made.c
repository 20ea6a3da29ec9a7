/* Copies of the tiny model's files and tensors, for tests that spoil them. */
#include "support/made.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "io/torch_write.h"
#include "support/golden.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TINY GOLDEN_DIR "/tiny-sd15"

static void *room(size_t bytes) {
    void *p = calloc(bytes ? bytes : 1, 1);
    assert_non_null(p);
    return p;
}

/* ---- folders */

char *made_dir(void) {
    char *dir = strdup("/tmp/selfsame-test-XXXXXX");
    assert_non_null(dir);
    assert_non_null(mkdtemp(dir));
    return dir;
}

void made_dir_free(char *dir) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
    free(dir);
}

const char *made_path(const char *dir, const char *format, ...) {
    static char path[8][512];
    static int next;
    char *p = path[next++ % 8];
    int n = snprintf(p, sizeof path[0], "%s/", dir);
    va_list args;
    va_start(args, format);
    vsnprintf(p + n, sizeof path[0] - (size_t)n, format, args);
    va_end(args);
    return p;
}

char *made_model(const char *dir, const char *name) {
    static const char *const folders[] = {"", "unet", "vae", "text_encoder", "tokenizer", "scheduler"};
    static const char *const files[] = {"unet/config.json",
                                        "unet/diffusion_pytorch_model.safetensors",
                                        "vae/config.json",
                                        "vae/diffusion_pytorch_model.safetensors",
                                        "text_encoder/config.json",
                                        "text_encoder/model.safetensors",
                                        "tokenizer/merges.txt",
                                        "tokenizer/vocab.json",
                                        "tokenizer/special_tokens_map.json",
                                        "tokenizer/tokenizer_config.json",
                                        "scheduler/scheduler_config.json",
                                        "model_index.json"};
    for (int i = 0; i < SS_COUNT_OF(folders); i++)
        assert_int_equal(mkdir(made_path(dir, "%s/%s", name, folders[i]), 0777), 0);
    for (int i = 0; i < SS_COUNT_OF(files); i++)
        assert_int_equal(symlink(made_path(TINY, "%s", files[i]), made_path(dir, "%s/%s", name, files[i])), 0);
    char *model = strdup(made_path(dir, "%s", name));
    assert_non_null(model);
    return model;
}

void made_remove(const char *path) {
    if (unlink(path)) fail_msg("%s: %s", path, strerror(errno));
}

void made_text(const char *path, const char *text) {
    unlink(path);
    FILE *f = fopen(path, "wb");
    if (!f) fail_msg("%s: %s", path, strerror(errno));
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

void made_edit(const char *path, const char *from, const char *to) {
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s: %s", path, strerror(errno));
    char *old = room(1 << 20), *new = room(1 << 20);
    old[fread(old, 1, (1 << 20) - 1, f)] = 0;
    fclose(f);
    const char *at = strstr(old, from);
    if (!at) fail_msg("%s has no %s", path, from);
    snprintf(new, 1 << 20, "%.*s%s%s", (int)(at - old), old, to, at + strlen(from));
    made_text(path, new);
    free(old);
    free(new);
}

/* ---- tensors */

static made_tensor *append(made *m, const char *name) {
    m->at = realloc(m->at, (size_t)(m->count + 1) * sizeof *m->at);
    assert_non_null(m->at);
    made_tensor *t = &m->at[m->count++];
    *t = (made_tensor){.name = strdup(name)};
    assert_non_null(t->name);
    return t;
}

made made_read(ss_ctx *cx, const char *path) {
    ss_weights *w = NULL;
    made m = {0};
    if (ss_weights_open(&w, cx, path)) fail_msg("%s", ss_ctx_error(cx));
    for (int64_t i = 0; i < w->count; i++) {
        const ss_stored *s = &w->at[i];
        made_tensor *t = append(&m, s->name);
        t->dtype = s->dtype, t->rank = s->rank, t->bytes = s->bytes;
        memcpy(t->shape, s->shape, (size_t)s->rank * sizeof *s->shape);
        t->data = room(s->bytes);
        memcpy(t->data, s->data, s->bytes);
    }
    ss_weights_close(w);
    return m;
}

static ss_to_store storable(const made_tensor *t) {
    return (ss_to_store){t->name, t->dtype, t->rank, t->shape, t->data};
}

static ss_status write_ckpt(const made *m, ss_ctx *cx, const char *path) {
    ss_torch_file f = {0};
    ss_torch_begin(&f, cx);
    ss_torch_key(&f, cx, "state_dict");
    ss_torch_begin(&f, cx);
    for (int64_t i = 0; i < m->count; i++) {
        ss_to_store s = storable(&m->at[i]);
        ss_torch_key(&f, cx, s.name);
        ss_torch_tensor(&f, cx, &s);
    }
    ss_torch_end(&f, cx);
    ss_torch_end(&f, cx);
    return ss_torch_finish(&f, cx, path);
}

void made_write(const made *m, ss_ctx *cx, const char *path) {
    ss_to_store *s = room((size_t)m->count * sizeof *s);
    for (int64_t i = 0; i < m->count; i++) s[i] = storable(&m->at[i]);
    bool ckpt = !fnmatch("*.ckpt", path, 0);
    if (ckpt ? write_ckpt(m, cx, path) : ss_safetensors_write(cx, path, s, m->count, NULL, 0))
        fail_msg("%s", ss_ctx_error(cx));
    free(s);
}

void made_free(made *m) {
    for (int64_t i = 0; i < m->count; i++) {
        free(m->at[i].name);
        free(m->at[i].data);
    }
    free(m->at);
    *m = (made){0};
}

made_tensor *made_find(const made *m, const char *name) {
    for (int64_t i = 0; i < m->count; i++)
        if (!strcmp(m->at[i].name, name)) return &m->at[i];
    fail_msg("there is no %s", name);
    return NULL;
}

void made_drop(made *m, const char *name) {
    made_tensor *t = made_find(m, name);
    free(t->name);
    free(t->data);
    *t = m->at[--m->count];
}

void made_rename(made *m, const char *name, const char *to) {
    made_tensor *t = made_find(m, name);
    free(t->name);
    t->name = strdup(to);
    assert_non_null(t->name);
}

made_tensor *made_add(made *m, const char *name, ss_dtype dtype, int rank, const int64_t *shape) {
    made_tensor new = {.dtype = dtype, .rank = rank, .bytes = ss_dtype_size(dtype)}, *t = NULL;
    for (int i = 0; i < rank; i++) { /* before the list moves: the shape may be that of a tensor in it */
        new.shape[i] = shape[i];
        new.bytes *= (size_t)shape[i];
    }
    for (int64_t i = 0; i < m->count && !t; i++)
        if (!strcmp(m->at[i].name, name)) t = &m->at[i];
    if (!t) t = append(m, name);
    free(t->data);
    new.name = t->name, new.data = room(new.bytes);
    *t = new;
    return t;
}

static void round_to(void *y, ss_dtype dtype, const float *x, size_t n) {
    if (dtype == SS_F32)
        memcpy(y, x, n * sizeof *x);
    else if (dtype == SS_F16)
        ss_f32_to_f16(y, x, n);
    else if (dtype == SS_BF16)
        ss_f32_to_bf16(y, x, n);
    else if (dtype == SS_F64)
        for (size_t i = 0; i < n; i++) ((double *)y)[i] = x[i];
    else if (dtype == SS_F8_E5M2) /* the upper half of a float16, cut */
        for (size_t i = 0; i < n; i++) {
            uint16_t half;
            ss_f32_to_f16(&half, &x[i], 1);
            ((uint8_t *)y)[i] = (uint8_t)(half >> 8);
        }
    else
        fail_msg("made_store_as cannot round to %s", ss_dtype_name(dtype));
}

void made_store_as(made *m, const char *pattern, ss_dtype dtype) {
    for (int64_t i = 0; i < m->count; i++) {
        made_tensor *t = &m->at[i];
        if (t->dtype == SS_I64 || fnmatch(pattern, t->name, 0)) continue;
        size_t n = t->bytes / ss_dtype_size(t->dtype);
        float *x = room(n * sizeof *x);
        ss_to_f32(x, t->data, t->dtype, n);
        free(t->data);
        t->dtype = dtype, t->bytes = n * ss_dtype_size(dtype);
        t->data = room(t->bytes);
        round_to(t->data, dtype, x, n);
        free(x);
    }
}

/* ---- pictures */

ss_image made_drawn(ss_ctx *cx, ss_model *m) {
    ss_image im = {0};
    ss_generate_request r = {.prompt = "a cat",
                             .seed = 3,
                             .width = 16,
                             .height = 8,
                             .sampling = {.sampler = "ddim", .steps = 1, .guidance = 1}};
    if (ss_generate(&im, cx, m, &r)) fail_msg("%s", ss_ctx_error(cx));
    return im;
}

static ss_image drawn_from(ss_ctx *cx, const char *path, const ss_model_options *o) {
    ss_model *m = NULL;
    if (ss_model_open(&m, cx, path, o)) fail_msg("%s: %s", path, ss_ctx_error(cx));
    ss_image im = made_drawn(cx, m);
    ss_model_free(m);
    return im;
}

void made_draw_alike(ss_ctx *cx, const char *one, const ss_model_options *o, const char *two,
                     const ss_model_options *p) {
    ss_image x = drawn_from(cx, one, o), y = drawn_from(cx, two, p);
    assert_memory_equal(x.rgb, y.rgb, (size_t)x.w * (size_t)x.h * 3);
    ss_image_free(&x);
    ss_image_free(&y);
}
