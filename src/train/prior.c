/* The cache of class pictures: CACHE/<class>-<hash of model, prompt and way>/0000.png. */
#include "train/prior.h"

#include "io/hash.h"
#include "io/image.h"
#include "io/replace.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST = 10000, WORD = 24, DIGITS = 16 };

ss_status ss_make_folders(ss_ctx *cx, const char *path) {
    char *part = ss_strdup(cx, path);
    if (!part) return SS_ERR_NOMEM;
    ss_status st = SS_OK;
    for (char *end = part; end && !st;) {
        end = strchr(end + 1, '/');
        if (end) *end = 0;
        struct stat s;
        if (*part && mkdir(part, 0777) && !(errno == EEXIST && stat(part, &s) == 0 && S_ISDIR(s.st_mode)))
            st = ss_fail(cx, SS_ERR_FILE, "the folder %s cannot be made: %s", part,
                         errno == EEXIST ? "a file is in its place" : strerror(errno));
        if (end) *end = '/';
    }
    free(part);
    return st;
}

/* The prompt as part of a file's name: letters and digits, joined by '-'. */
static void plain_words(char word[WORD], const char *prompt) {
    size_t n = 0;
    for (; *prompt && n < WORD - 1; prompt++) {
        if (isalnum((unsigned char)*prompt))
            word[n++] = *prompt;
        else if (n && word[n - 1] != '-')
            word[n++] = '-';
    }
    while (n && word[n - 1] == '-') n--;
    word[n] = 0;
}

static char *picture_path(ss_ctx *cx, const char *folder, int i) { return ss_format(cx, "%s/%04d.png", folder, i); }

static ss_status is_drawn(bool *out, ss_ctx *cx, const char *folder, int i) {
    struct stat s;
    char *path = picture_path(cx, folder, i);
    if (!path) return SS_ERR_NOMEM;
    *out = stat(path, &s) == 0 && S_ISREG(s.st_mode);
    free(path);
    return SS_OK;
}

ss_status ss_prior_folder(char **folder, int *there, ss_ctx *cx, const ss_prior_options *o) {
    if (o->count < 1 || o->count > MOST)
        return ss_fail(cx, SS_ERR_ARG, "%d pictures of the class: give 1 to %d", o->count, MOST);
    ss_hash *h = NULL;
    char word[WORD], hex[SS_HASH_TEXT];
    ss_status st = ss_hash_new(&h, cx);
    if (st) return st;
    const char *parts[] = {o->model, o->prompt, o->way};
    for (int i = 0; i < SS_COUNT_OF(parts); i++) ss_hash_add(h, parts[i], strlen(parts[i]) + 1);
    ss_hash_text(h, hex);
    ss_hash_free(h);
    plain_words(word, o->prompt);
    char *path = ss_format(cx, "%s/%s%s%.*s", o->cache, word, *word ? "-" : "", DIGITS, hex);
    if (!path) return SS_ERR_NOMEM;
    int drawn = 0;
    for (int i = 0; i < o->count && !st; i++) {
        bool one = false;
        st = is_drawn(&one, cx, path, i);
        drawn += one;
    }
    if (st) {
        free(path);
        return st;
    }
    *folder = path;
    *there = drawn;
    return SS_OK;
}

static ss_status write_about(ss_ctx *cx, const char *folder, const ss_prior_options *o) {
    json_t *about = json_pack("{s:s, s:s, s:s}", "model", o->model, "prompt", o->prompt, "way", o->way);
    char *text = about ? json_dumps(about, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    char *path = ss_format(cx, "%s/prior.json", folder);
    json_decref(about);
    ss_status st = path ? SS_OK : SS_ERR_NOMEM;
    if (!st && !text) st = ss_fail(cx, SS_ERR_ARG, "the class prompt is no UTF-8 text");
    if (!st) st = ss_write_file(cx, path, text, strlen(text));
    free(text);
    free(path);
    return st;
}

static ss_status draw_one(ss_ctx *cx, const char *folder, const ss_prior_options *o, int i) {
    ss_image im = {0};
    char *path = picture_path(cx, folder, i);
    ss_status st = path ? o->draw(o->draw_user, cx, &im, o->prompt, (uint64_t)i) : SS_ERR_NOMEM;
    if (!st) st = ss_image_write(cx, path, &im, NULL);
    ss_image_free(&im);
    free(path);
    return st;
}

ss_status ss_prior_fill(char **folder, ss_ctx *cx, const ss_prior_options *o) {
    char *path = NULL;
    int there = 0;
    ss_status st = ss_prior_folder(&path, &there, cx, o);
    if (!st && there < o->count) {
        st = ss_make_folders(cx, path);
        if (!st) st = write_about(cx, path, o);
    }
    for (int i = 0; i < o->count && there < o->count && !st; i++) {
        bool drawn = false;
        ss_report(cx, "drawing pictures of the class", i, o->count);
        st = ss_stopped(cx);
        if (!st) st = is_drawn(&drawn, cx, path, i);
        if (!st && !drawn) st = draw_one(cx, path, o, i);
    }
    if (st)
        free(path);
    else
        *folder = path;
    return st;
}
