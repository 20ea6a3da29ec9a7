/* Subjects from files. What a tensor is, its name says; what no name says is listed and refused.
 *
 * Custom Diffusion's deltas in five forms, LoRAs in four, textual-inversion embeddings in four: docs/formats.md has the
 * table, with who writes what.
 */
#include "io/json.h"
#include "subject/modules.h"
#include "subject/subject.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Tensors that nothing here knows: the first few by name. */
typedef struct leftover {
    int64_t count;
    char text[512];
} leftover;

/* One file while it is being read. */
typedef struct reader {
    ss_subject *s;
    ss_ctx *cx;
    const ss_weights *w;
    const char *file;
    ss_modules modules; /* listed when the first LoRA key asks */
    ss_object peft;     /* adapter_config.json; its .json is NULL where there is none */
    leftover l;
} reader;

static const char *after(const char *name, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(name, prefix, n) ? NULL : name + n;
}

static bool ends(const char *name, const char *ending) {
    size_t n = strlen(name), m = strlen(ending);
    return n >= m && !strcmp(name + n - m, ending);
}

static void leave(reader *r, const char *name) {
    size_t n = strlen(r->l.text);
    if (r->l.count++ < 4 && n + 4 < sizeof r->l.text)
        snprintf(r->l.text + n, sizeof r->l.text - n, "%s%.100s", n ? ", " : "", name);
}

static bool shaped(const ss_stored *t, int least, int most) {
    return t->rank >= least && t->rank <= most && ss_dtype_size(t->dtype) > 0;
}

/* ------------------------------------------------------------------------------------------------ numbers */

static ss_status check_numbers(reader *r, const ss_stored *t) {
    size_t size = ss_dtype_size(t->dtype);
    char text[64];
    if (!size)
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s is stored as %s, which holds no usable numbers", r->file, t->name,
                       t->type_name);
    if (t->rank > SS_RANK)
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s is %s; no weight has more than 4 dimensions", r->file, t->name,
                       ss_shape_text(text, t->rank < 8 ? t->rank : 8, t->shape));
    if (ss_any_nonfinite(t->data, t->dtype, t->bytes / size))
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s holds NaN or infinite numbers: the file is damaged", r->file,
                       t->name);
    return SS_OK;
}

static ss_status take_numbers(ss_numbers *y, reader *r, const ss_stored *t) {
    ss_status st = check_numbers(r, t);
    if (st) return st;
    *y = (ss_numbers){.type = t->dtype, .rank = t->rank, .data = t->data};
    memcpy(y->shape, t->shape, (size_t)t->rank * sizeof *y->shape);
    return SS_OK;
}

/* ------------------------------------------------------------------------------------------------ tokens */

/* Rows [count, width], or one row, as a token. `name` is copied. */
static ss_status take_token(reader *r, const char *name, const ss_stored *t, const char *data, int64_t count,
                            int64_t width) {
    ss_status st = check_numbers(r, t);
    if (st) return st;
    if (!*name || count < 1 || width < 1)
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s is no token with its vectors", r->file, t->name);
    float *vectors = ss_alloc(r->cx, (size_t)(count * width), sizeof *vectors);
    if (!vectors) return SS_ERR_NOMEM;
    ss_to_f32(vectors, data, t->dtype, (size_t)(count * width));
    st = ss_subject_add_token(r->s, r->cx,
                              &(ss_subject_token){.name = name, .count = count, .width = width, .vectors = vectors});
    free(vectors);
    return st;
}

static ss_status take_embedding(reader *r, const char *name, const ss_stored *t) {
    if (!shaped(t, 1, 2))
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s has %d dimensions; a token has one vector or a list of them",
                       r->file, t->name, t->rank);
    return take_token(r, name, t, t->data, t->rank == 2 ? t->shape[0] : 1, t->shape[t->rank - 1]);
}

/* CompVis keeps the rows of all tokens in one matrix, or, after its converter, in one line; they are <new1>, <new2> ...
 * in order. Of a line only the keys' width tells where rows end. */
static ss_status take_embed(reader *r, const ss_stored *t) {
    int64_t width = t->rank == 2 ? t->shape[1] : 0;
    for (int64_t i = 0; i < r->w->count && t->rank == 1; i++)
        if (ends(r->w->at[i].name, ".attn2.to_k.weight") && r->w->at[i].rank == 2) width = r->w->at[i].shape[1];
    for (int64_t i = 0; i < r->w->count && t->rank == 1 && !width; i++)
        if (ends(r->w->at[i].name, ".attn2.to_k.weight.v") && r->w->at[i].rank == 2) width = r->w->at[i].shape[1];
    if (!shaped(t, 1, 2) || width < 1 || (t->rank == 1 && t->shape[0] % width))
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: its \"embed\" does not divide into vectors of tokens", r->file);
    int64_t count = t->rank == 2 ? t->shape[0] : t->shape[0] / width;
    ss_status st = SS_OK;
    for (int64_t i = 0; i < count && !st; i++) {
        char name[32];
        snprintf(name, sizeof name, "<new%lld>", (long long)i + 1);
        const char *row = (const char *)t->data + (size_t)(i * width) * ss_dtype_size(t->dtype);
        st = take_token(r, name, t, row, 1, width);
    }
    return st;
}

/* modifier_token.NAME, or for SDXL modifier_token.NAME.0 and .1, a vector for each text encoder. */
static ss_status take_modifier(reader *r, const ss_stored *t, const char *name) {
    char other[SS_NAME], first[SS_NAME];
    size_t n = strlen(name);
    if (n >= SS_NAME - 32) return ss_fail(r->cx, SS_ERR_FORMAT, "%s: a token's name has %zu bytes", r->file, n);
    bool listed = ends(name, ".0") || ends(name, ".1");
    snprintf(other, sizeof other, "modifier_token.%.*s%s", (int)n - 2, name, ends(name, ".0") ? ".1" : ".0");
    if (!listed || !ss_weights_find(r->w, other)) return take_embedding(r, name, t);
    r->s->sdxl = true;
    if (ends(name, ".1")) return check_numbers(r, t);
    snprintf(first, sizeof first, "%.*s", (int)n - 2, name);
    return take_embedding(r, first, t);
}

/* The token of a file that does not name one. */
static void stem_of(char *stem, size_t size, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
    snprintf(stem, size, "%.*s", dot && dot > name ? (int)(dot - name) : (int)strlen(name), name);
}

/* ------------------------------------------------------------------------------------------------ whole weights */

/* "...attn2.processor.to_out_custom_diffusion.0.weight" is "...attn2.to_out.0.weight". */
static bool without_processor(char name[SS_NAME], const char *key) {
    static const char middle[] = ".processor.", mark[] = "_custom_diffusion.";
    const char *m = strstr(key, middle), *c = m ? strstr(m, mark) : NULL;
    if (!c) return false;
    const char *layer = m + strlen(middle);
    return snprintf(name, SS_NAME, "%.*s.%.*s.%s", (int)(m - key), key, (int)(c - layer), layer, c + strlen(mark)) <
           SS_NAME;
}

/* Which weight a key of a delta means. */
static ss_part weight_of(char name[SS_NAME], const char *key) {
    const char *rest;
    if (strlen(key) >= SS_NAME - 16) return SS_PART_NONE;
    if (strstr(key, "_custom_diffusion.")) {
        rest = after(key, "unet.");
        return without_processor(name, rest ? rest : key) ? SS_PART_UNET : SS_PART_NONE;
    }
    if (after(key, "model.diffusion_model.")) return ss_rename_single(name, key);
    if ((rest = after(key, "unet."))) return ss_rename_component(name, SS_PART_UNET, rest);
    if ((rest = after(key, "text_encoder."))) return ss_rename_component(name, SS_PART_TEXT, rest);
    return SS_PART_NONE;
}

/* KEY.u [out, r] and KEY.v [r, in]: what is added to the weight KEY. */
static ss_status take_compressed(reader *r, const ss_stored *u, const char *key) {
    char name[SS_NAME], partner[SS_NAME + 4], shape_u[64], shape_v[64];
    ss_change c = {.kind = SS_CHANGE_LOW_RANK, .scale = 1, .part = weight_of(name, key)};
    snprintf(partner, sizeof partner, "%s.v", key);
    const ss_stored *v = ss_weights_find(r->w, partner);
    if (c.part != SS_PART_UNET && c.part != SS_PART_TEXT) {
        leave(r, u->name);
        return SS_OK;
    }
    if (!v) return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s is there without its .v", r->file, u->name);
    bool plain = u->rank == 2 || (u->rank == 4 && u->shape[2] == 1 && u->shape[3] == 1);
    if (!plain || (v->rank != 2 && v->rank != 4) || u->shape[1] != v->shape[0])
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s is %s and its .v %s; they have no product", r->file, u->name,
                       ss_shape_text(shape_u, u->rank < 8 ? u->rank : 8, u->shape),
                       ss_shape_text(shape_v, v->rank < 8 ? v->rank : 8, v->shape));
    ss_status st = take_numbers(&c.up, r, u);
    if (!st) st = take_numbers(&c.down, r, v);
    if (!st && !(c.name = ss_pool_text(&r->s->pool, r->cx, name, strlen(name)))) st = SS_ERR_NOMEM;
    return st ? st : ss_subject_change(r->s, r->cx, &c);
}

static ss_status take_weight(reader *r, const ss_stored *t) {
    char name[SS_NAME], key[SS_NAME];
    size_t n = strlen(t->name);
    bool u = ends(t->name, ".weight.u"), v = ends(t->name, ".weight.v");
    if ((u || v) && n < SS_NAME) {
        char partner[SS_NAME];
        snprintf(key, sizeof key, "%.*s", (int)n - 2, t->name);
        snprintf(partner, sizeof partner, "%.*s.u", (int)n - 2, t->name);
        if (u) return take_compressed(r, t, key);
        if (!ss_weights_find(r->w, partner)) leave(r, t->name);
        return SS_OK;
    }
    ss_change c = {.kind = SS_CHANGE_SET, .part = weight_of(name, t->name)};
    if (c.part != SS_PART_UNET && c.part != SS_PART_TEXT) {
        if (c.part != SS_PART_IGNORED) leave(r, t->name);
        return SS_OK;
    }
    ss_status st = take_numbers(&c.to, r, t);
    if (!st && !(c.name = ss_pool_text(&r->s->pool, r->cx, name, strlen(name)))) st = SS_ERR_NOMEM;
    return st ? st : ss_subject_change(r->s, r->cx, &c);
}

/* ------------------------------------------------------------------------------------------------ LoRA */

/* How the two matrices of a layer are called, behind the layer's own name. */
static const struct {
    const char *down, *up, *alpha;
    ss_subject_format format;
} lora[] = {
    {".lora_down.weight", ".lora_up.weight", ".alpha", SS_SUBJECT_KOHYA},
    {".lora_A.weight", ".lora_B.weight", ".alpha", SS_SUBJECT_PEFT},
    {".lora_A.default.weight", ".lora_B.default.weight", ".alpha", SS_SUBJECT_PEFT},
    {".lora.down.weight", ".lora.up.weight", ".alpha", SS_SUBJECT_LORA_OLD},
    {".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight", ".alpha", SS_SUBJECT_LORA_OLD},
    {"_lora.down.weight", "_lora.up.weight", ".alpha", SS_SUBJECT_LORA_OLD},
};

/* Relatives of LoRA that would be half applied if only what looks familiar were taken. */
static const struct {
    const char *mark, *is;
} relatives[] = {
    {".hada_w", "LoHa"},
    {".lokr_", "LoKr"},
    {".dora_scale", "DoRA"},
    {".lora_magnitude_vector", "DoRA"},
    {".lora_mid.", "LoCon in CP form"},
    {".oft_", "OFT"},
    {".lora_embedding_", "a LoRA of token embeddings"},
};

static const char *relative_of(const char *name) {
    for (int i = 0; i < SS_COUNT_OF(relatives); i++)
        if (strstr(name, relatives[i].mark)) return relatives[i].is;
    return NULL;
}

/* The layer that the name before the suffix means, in the diffusers layout. */
static ss_part layer_of(char path[SS_NAME], reader *r, const char *base, int style) {
    static const char *const old[][2] = {
        {".to_q", ".q_proj"}, {".to_k", ".k_proj"}, {".to_v", ".v_proj"}, {".to_out", ".out_proj"}};
    const char *rest, *p;
    if (lora[style].format == SS_SUBJECT_KOHYA && after(base, "lora_")) {
        if (!r->modules.at && ss_modules_list(&r->modules, r->cx)) return SS_PART_NONE;
        const ss_module *m = ss_module_find(&r->modules, base);
        if (m) snprintf(path, SS_NAME, "%s", m->path);
        return m ? m->part : SS_PART_NONE;
    }
    ss_part part = SS_PART_UNET;
    if ((rest = after(base, "base_model.model."))) base = rest;
    if ((rest = after(base, "unet."))) base = rest;
    if ((rest = after(base, "text_encoder."))) base = rest, part = SS_PART_TEXT;
    if (after(base, "text_model.")) part = SS_PART_TEXT;
    if (after(base, "text_encoder_2.")) return SS_PART_NONE;
    p = strstr(base, ".processor.");
    if (p)
        snprintf(path, SS_NAME, "%.*s.%s", (int)(p - base), base, p + strlen(".processor."));
    else
        snprintf(path, SS_NAME, "%s", base);
    if (lora[style].down[0] != '_') return part;
    for (int i = 0; i < SS_COUNT_OF(old) && part == SS_PART_TEXT; i++)
        if (ends(path, old[i][0])) {
            size_t n = strlen(path) - strlen(old[i][0]);
            snprintf(path + n, SS_NAME - n, "%s", old[i][1]);
            return part;
        }
    if (ends(path, ".to_out")) snprintf(path + strlen(path), SS_NAME - strlen(path), ".0");
    return part;
}

/* alpha / r. Without an alpha it is 1, as the trainers of such files have it; an alpha of 0 stands for r. */
static ss_status scale_of(double *scale, reader *r, const char *base, const char *path, int style, int64_t rank) {
    char key[SS_NAME + 64];
    snprintf(key, sizeof key, "%s%s", base, lora[style].alpha);
    const ss_stored *t = ss_weights_find(r->w, key);
    double alpha = 0, divisor = (double)rank;
    if (t) {
        float a;
        if (t->bytes != ss_dtype_size(t->dtype) || check_numbers(r, t))
            return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s is no single number", r->file, key);
        ss_to_f32(&a, t->data, t->dtype, 1);
        if (a == 0) ss_warn(r->cx, "%s: %s is 0, which is taken for the rank, %lld", r->file, key, (long long)rank);
        alpha = a != 0 ? (double)a : (double)rank;
    } else if (r->peft.json) {
        ss_object patterns = ss_json_object(r->cx, r->peft, "alpha_pattern");
        const char *layer;
        json_t *value;
        alpha = ss_json_number(r->cx, r->peft, "lora_alpha", 8);
        json_object_foreach((json_t *)patterns.json, layer, value) {
            size_t n = strlen(layer), m = strlen(path);
            bool same = m >= n && !strcmp(path + m - n, layer) && (m == n || path[m - n - 1] == '.');
            if (same && json_is_number(value)) alpha = json_number_value(value);
        }
        if (ss_json_bool(r->cx, r->peft, "use_rslora", false)) divisor = sqrt((double)rank);
    } else {
        alpha = (double)rank;
    }
    *scale = alpha / divisor;
    return r->cx->status;
}

static ss_status take_pair(reader *r, const ss_stored *down, const ss_stored *up, const char *base, int style) {
    char path[SS_NAME], name[SS_NAME + 16], shape_down[64], shape_up[64];
    ss_change c = {.kind = SS_CHANGE_LOW_RANK};
    c.part = layer_of(path, r, base, style);
    if (r->cx->status) return r->cx->status;
    if (c.part == SS_PART_NONE) {
        leave(r, down->name);
        return SS_OK;
    }
    bool plain = up->rank == 2 || (up->rank == 4 && up->shape[2] == 1 && up->shape[3] == 1);
    if (!plain || (down->rank != 2 && down->rank != 4) || up->shape[1] != down->shape[0] || down->shape[0] < 1)
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s is %s and the other half of it %s; they have no product", r->file,
                       down->name, ss_shape_text(shape_down, down->rank < 8 ? down->rank : 8, down->shape),
                       ss_shape_text(shape_up, up->rank < 8 ? up->rank : 8, up->shape));
    snprintf(name, sizeof name, "%s.weight", path);
    ss_status st = take_numbers(&c.up, r, up);
    if (!st) st = take_numbers(&c.down, r, down);
    if (!st) st = scale_of(&c.scale, r, base, path, style, down->shape[0]);
    if (!st && !(c.name = ss_pool_text(&r->s->pool, r->cx, name, strlen(name)))) st = SS_ERR_NOMEM;
    return st ? st : ss_subject_change(r->s, r->cx, &c);
}

/* The tensor's place in LoRA's naming: its style, and what stands before the suffix. */
static int style_of(char base[SS_NAME], const char *name, const char **half) {
    for (int i = 0; i < SS_COUNT_OF(lora); i++) {
        const char *const suffix[] = {lora[i].down, lora[i].up};
        for (int k = 0; k < 2; k++) {
            size_t n = strlen(name), m = strlen(suffix[k]);
            if (!ends(name, suffix[k]) || n - m >= SS_NAME - 48) continue;
            snprintf(base, SS_NAME, "%.*s", (int)(n - m), name);
            *half = suffix[k];
            return i;
        }
    }
    return -1;
}

static ss_status take_lora(reader *r, const ss_stored *t, int style, const char *base, const char *half) {
    char other[SS_NAME + 64];
    bool down = half == lora[style].down;
    snprintf(other, sizeof other, "%s%s", base, down ? lora[style].up : lora[style].down);
    const ss_stored *partner = ss_weights_find(r->w, other);
    r->s->format = lora[style].format;
    if (!partner) return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s is there without %s", r->file, t->name, other);
    return down ? take_pair(r, t, partner, base, style) : SS_OK;
}

/* Whether the alpha belongs to a layer that is there. */
static bool alpha_of_a_layer(const reader *r, const char *name) {
    size_t n = strlen(name) - strlen(".alpha");
    for (int i = 0; i < SS_COUNT_OF(lora); i++) {
        char down[SS_NAME];
        if (snprintf(down, sizeof down, "%.*s%s", (int)n, name, lora[i].down) < SS_NAME && ss_weights_find(r->w, down))
            return true;
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------ the file */

static ss_status refuse_models(const reader *r) {
    static const struct {
        const char *mark, *is;
    } kinds[] = {
        {"first_stage_model.", "a whole checkpoint"},
        {"cond_stage_model.", "a whole checkpoint"},
        {"conditioner.embedders.", "a whole SDXL checkpoint"},
        {"time_embedding.linear_1.weight", "a UNet"},
        {"text_model.embeddings.token_embedding.weight", "a text encoder"},
        {"control_model.", "a ControlNet"},
        {"controlnet_cond_embedding.", "a ControlNet"},
        {"vision_model.", "a CLIP model"},
    };
    for (int k = 0; k < SS_COUNT_OF(kinds); k++)
        for (int64_t i = 0; i < r->w->count; i++)
            if (after(r->w->at[i].name, kinds[k].mark))
                return ss_fail(r->cx, SS_ERR_FORMAT, "%s is %s, not a subject (-m takes models)", r->file, kinds[k].is);
    return SS_OK;
}

/* A tensor whose name nothing else has: the one vector, or list of vectors, of an embedding file. */
static ss_status take_named(reader *r, const ss_stored *t) {
    size_t n = strlen(t->name);
    bool token = r->w->count == 1 || (n > 2 && t->name[0] == '<' && t->name[n - 1] == '>');
    char stem[SS_NAME];
    if (!token || !shaped(t, 1, 2)) {
        leave(r, t->name);
        return SS_OK;
    }
    stem_of(stem, sizeof stem, r->file);
    r->s->format = r->w->format == SS_SAFETENSORS ? SS_SUBJECT_EMBEDDING : SS_SUBJECT_EMBEDDING_BIN;
    return take_embedding(r, n ? t->name : stem, t);
}

/* The web interface's forms, whose token is called by "name", or else as the file is. */
static ss_status take_webui(reader *r, const ss_stored *t) {
    char stem[SS_NAME];
    const char *name = ss_weights_metadata(r->w, "name");
    stem_of(stem, sizeof stem, r->file);
    r->s->format = SS_SUBJECT_WEBUI;
    return take_embedding(r, name && *name ? name : stem, t);
}

static ss_status take(reader *r, const ss_stored *t) {
    const char *name = t->name, *rest, *half, *relative = relative_of(name);
    char base[SS_NAME], stem[SS_NAME];
    if (relative)
        return ss_fail(r->cx, SS_ERR_FORMAT, "%s: %s belongs to %s, which selfsame cannot apply", r->file, name,
                       relative);
    if (!strcmp(name, "embed")) return take_embed(r, t);
    if ((rest = after(name, "modifier_token."))) return take_modifier(r, t, rest);
    if ((rest = after(name, "bundle_emb.")) && ends(rest, ".string_to_param.*")) {
        snprintf(base, sizeof base, "%.*s", (int)(strlen(rest) - strlen(".string_to_param.*")), rest);
        return take_embedding(r, base, t);
    }
    if (!strcmp(name, "string_to_param.*") || !strcmp(name, "emb_params")) return take_webui(r, t);
    if (!strcmp(name, "clip_g")) {
        r->s->sdxl = true;
        return check_numbers(r, t);
    }
    if (!strcmp(name, "clip_l")) {
        stem_of(stem, sizeof stem, r->file);
        r->s->format = SS_SUBJECT_EMBEDDING;
        return take_embedding(r, stem, t);
    }
    int style = style_of(base, name, &half);
    if (style >= 0) return take_lora(r, t, style, base, half);
    if (ends(name, ".alpha")) {
        if (!alpha_of_a_layer(r, name)) leave(r, name);
        return SS_OK;
    }
    if (after(name, "unet.") || after(name, "text_encoder.") || after(name, "model.diffusion_model.") ||
        strstr(name, "_custom_diffusion."))
        return take_weight(r, t);
    return take_named(r, t);
}

static int by_place(const void *a, const void *b) {
    int64_t x = (*(const ss_stored *const *)a)->place, y = (*(const ss_stored *const *)b)->place;
    return x < y ? -1 : x > y;
}

/* Tensors in the file's own order, which for tokens is the order of their ids. */
static ss_status take_all(reader *r) {
    const ss_stored **t = ss_alloc(r->cx, (size_t)r->w->count + 1, sizeof *t);
    if (!t) return SS_ERR_NOMEM;
    for (int64_t i = 0; i < r->w->count; i++) t[i] = &r->w->at[i];
    qsort(t, (size_t)r->w->count, sizeof *t, by_place);
    ss_status st = refuse_models(r);
    for (int64_t i = 0; i < r->w->count && !st; i++) st = take(r, t[i]);
    free(t);
    if (!st && r->l.count)
        st = ss_fail(r->cx, SS_ERR_FORMAT, "%s holds %lld tensors that no subject has: %s", r->file,
                     (long long)r->l.count, r->l.text);
    return st;
}

/* What form a delta has, by its names; LoRAs and embeddings have said theirs. */
static ss_subject_format delta_format(const ss_weights *w, ss_subject_format otherwise) {
    bool torch = w->format != SS_SAFETENSORS;
    for (int64_t i = 0; i < w->count; i++) {
        const char *name = w->at[i].name;
        if (after(name, "model.diffusion_model.") || !strcmp(name, "embed")) return SS_SUBJECT_COMPVIS;
        if (strstr(name, "_custom_diffusion.")) return torch ? SS_SUBJECT_DIFFUSERS_BIN : SS_SUBJECT_DIFFUSERS;
        if (after(name, "modifier_token.")) return torch ? SS_SUBJECT_BIN : SS_SUBJECT_SELFSAME;
    }
    return otherwise;
}

/* What selfsame wrote of its tokens: their order, class words, initializers. */
static ss_status read_said(ss_subject *s, ss_ctx *cx) {
    const char *text = ss_subject_said(s, "selfsame.tokens");
    json_t *list = NULL;
    if (!text) return SS_OK;
    ss_status st = ss_json_parse(&list, cx, "selfsame.tokens", text, strlen(text));
    int next = 0;
    for (size_t i = 0; i < json_array_size(list) && !st; i++) {
        ss_object o = {json_array_get(list, i), "selfsame.tokens"};
        const char *name = ss_json_text(cx, o, "token", "");
        for (int k = next; k < s->token_count; k++) {
            if (strcmp(s->token[k].name, name)) continue;
            ss_subject_token t = s->token[k];
            const char *word = ss_json_text(cx, o, "class", NULL), *from = ss_json_text(cx, o, "initializer", NULL);
            if (word) t.class_word = ss_pool_text(&s->pool, cx, word, strlen(word));
            if (from) t.initializer = ss_pool_text(&s->pool, cx, from, strlen(from));
            s->token[k] = s->token[next];
            s->token[next++] = t;
        }
        st = cx->status;
    }
    json_decref(list);
    return st;
}

/* One file into the subject, which owns it from here on. */
static ss_status read_file(ss_subject *s, ss_ctx *cx, const char *path, const json_t *peft) {
    size_t n = (size_t)s->files;
    ss_weights *w = NULL;
    ss_status st = ss_grow(cx, &s->file, n, n + 1, sizeof *s->file);
    if (!st) st = ss_weights_open(&w, cx, path);
    if (st) return st;
    s->file[s->files++] = w;
    reader r = {.s = s, .cx = cx, .w = w, .file = path, .peft = {peft, "adapter_config.json"}};
    st = take_all(&r);
    ss_modules_free(&r.modules);
    if (!st && !n) s->format = delta_format(w, s->format);
    for (int64_t i = 0; i < w->metadata_count && !st; i++)
        st = ss_subject_say(s, cx, w->metadata[i].key, w->metadata[i].value);
    return st ? st : read_said(s, cx);
}

/* ------------------------------------------------------------------------------------------------ folders */

static bool exists(const char *path) {
    struct stat s;
    return !stat(path, &s);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* diffusers writes each token into a file of its own beside the weights: "<new1>.safetensors". */
static ss_status read_token_files(ss_subject *s, ss_ctx *cx, const char *folder) {
    enum { MOST = 64 };
    char *path[MOST];
    int count = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && count < MOST && (e = readdir(d));) {
        bool suffix = ends(e->d_name, ".safetensors") || ends(e->d_name, ".bin");
        if (e->d_name[0] != '<' || !suffix) continue;
        path[count] = ss_format(cx, "%s/%s", folder, e->d_name);
        if (path[count]) count++;
    }
    if (d) closedir(d);
    qsort(path, (size_t)count, sizeof *path, by_text);
    ss_status st = cx->status;
    for (int i = 0; i < count && !st; i++) {
        size_t stem = strlen(path[i]) - (ends(path[i], ".bin") ? 4 : 12);
        bool twice =
            i && ends(path[i], ".safetensors") && !strncmp(path[i - 1], path[i], stem) && path[i - 1][stem] == '.';
        if (!twice) st = read_file(s, cx, path[i], NULL);
    }
    for (int i = 0; i < count; i++) free(path[i]);
    return st;
}

/* The file and what its writer puts beside it. */
static ss_status read_with_company(ss_subject *s, ss_ctx *cx, const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *folder = ss_format(cx, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    char *config = folder ? ss_format(cx, "%s/adapter_config.json", folder) : NULL;
    json_t *peft = NULL;
    ss_status st = cx->status;
    if (!st && after(name, "adapter_model.") && exists(config)) st = ss_json_read(&peft, cx, config);
    if (!st && peft && ss_json_bool(cx, (ss_object){peft, config}, "fan_in_fan_out", false))
        st = ss_fail(cx, SS_ERR_FORMAT, "%s: fan_in_fan_out is set; Stable Diffusion has no such layers", config);
    if (!st) st = read_file(s, cx, path, peft);
    if (!st && after(name, "pytorch_custom_diffusion_weights.")) st = read_token_files(s, cx, folder);
    json_decref(peft);
    free(config);
    free(folder);
    return st;
}

static ss_status read_folder(ss_subject *s, ss_ctx *cx, const char *path) {
    static const char *const names[] = {"pytorch_custom_diffusion_weights.safetensors",
                                        "pytorch_custom_diffusion_weights.bin",
                                        "adapter_model.safetensors",
                                        "adapter_model.bin",
                                        "pytorch_lora_weights.safetensors",
                                        "pytorch_lora_weights.bin",
                                        "learned_embeds.safetensors",
                                        "learned_embeds.bin",
                                        "delta.bin"};
    for (int i = 0; i < SS_COUNT_OF(names); i++) {
        char *file = ss_format(cx, "%s/%s", path, names[i]);
        bool there = file && exists(file);
        ss_status st = !file ? SS_ERR_NOMEM : there ? read_with_company(s, cx, file) : SS_OK;
        free(file);
        if (there || st) return st;
    }
    return ss_fail(cx, SS_ERR_FILE,
                   "%s is a folder without a subject in it: none of pytorch_custom_diffusion_weights, adapter_model, "
                   "pytorch_lora_weights and learned_embeds is there",
                   path);
}

ss_status ss_subject_open(ss_subject **out, ss_ctx *cx, const char *path) {
    ss_ctx_clear(cx);
    ss_subject *s = NULL;
    struct stat about;
    ss_status st = ss_subject_new(&s, cx);
    if (!st && !(s->path = ss_strdup(cx, path))) st = SS_ERR_NOMEM;
    if (!st)
        st = !stat(path, &about) && S_ISDIR(about.st_mode) ? read_folder(s, cx, path) : read_with_company(s, cx, path);
    if (!st && !s->token_count && !s->change_count)
        st = ss_fail(cx, SS_ERR_FORMAT, "%s holds no subject: neither tokens nor changes of weights", path);
    if (st) {
        ss_subject_free(s);
        return st;
    }
    *out = s;
    return SS_OK;
}
