/* Lists of files, and checked pictures. */
#include "train/pictures.h"

#include "io/image.h"
#include "io/map.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* ------------------------------------------------------------------------------------------------ lists */

bool ss_is_folder(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool ss_is_file(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

char *ss_join(ss_ctx *cx, const char *folder, const char *name) {
    size_t n = strlen(folder);
    return ss_format(cx, n && folder[n - 1] == '/' ? "%s%s" : "%s/%s", folder, name);
}

const char *ss_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void ss_lines_free(ss_lines *l) {
    for (int i = 0; i < l->count; i++) free(l->at[i]);
    free(l->at);
    *l = (ss_lines){0};
}

ss_status ss_lines_append(ss_lines *l, ss_ctx *cx, char *line, const char *name) {
    ss_status st = line ? SS_OK : SS_ERR_NOMEM;
    if (!st && l->count == SS_MOST_LINES)
        st = ss_fail(cx, SS_ERR_FORMAT, "%s lists more than %d entries", name, SS_MOST_LINES);
    /* In powers of two: a count that is one is a list that is full. */
    if (!st && (l->count & (l->count - 1)) == 0)
        st = ss_grow(cx, &l->at, (size_t)l->count, l->count ? 2 * (size_t)l->count : 1, sizeof *l->at);
    if (st)
        free(line);
    else
        l->at[l->count++] = line;
    return st;
}

ss_status ss_lines_read(ss_lines *out, ss_ctx *cx, const char *path) {
    ss_map file = {0};
    ss_lines made = {0};
    ss_status st = ss_map_file(&file, cx, path);
    if (st) return st;
    const char *s = (const char *)file.bytes, *end = s + file.size;
    const char *foreign = ss_foreign(s, file.size);
    if (foreign)
        st = ss_fail(cx, SS_ERR_FORMAT, "%s is %s, not a list with a line for each picture", path, foreign);
    else if (memchr(s, 0, file.size))
        st = ss_fail(cx, SS_ERR_FORMAT, "%s is not a text: it holds zero bytes", path);
    if (!st && file.size >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) s += 3;
    while (s < end && !st) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        size_t n = (size_t)((stop ? stop : end) - s);
        if (n && s[n - 1] == '\r') n--;
        st = ss_lines_append(&made, cx, ss_format(cx, "%.*s", n > INT32_MAX ? INT32_MAX : (int)n, s), path);
        s = stop ? stop + 1 : end;
    }
    ss_unmap(&file);
    while (!st && made.count && !*made.at[made.count - 1]) free(made.at[--made.count]);
    if (!st && !made.count) st = ss_fail(cx, SS_ERR_FORMAT, "%s has no lines", path);
    if (st)
        ss_lines_free(&made);
    else
        *out = made;
    return st;
}

static bool named_as_picture(const char *name) {
    static const char *const suffixes[] = {".png", ".jpg",  ".jpeg", ".webp", ".gif",
                                           ".tif", ".tiff", ".avif", ".heic", ".heif"};
    const char *point = strrchr(name, '.');
    for (int i = 0; point && i < SS_COUNT_OF(suffixes); i++)
        if (!strcasecmp(point, suffixes[i])) return true;
    return false;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static ss_status list_folder(ss_lines *out, ss_ctx *cx, const char *folder) {
    DIR *d = opendir(folder);
    if (!d) return ss_fail(cx, SS_ERR_FILE, "%s cannot be read: %s", folder, strerror(errno));
    ss_lines made = {0};
    ss_status st = SS_OK;
    int others = 0;
    for (struct dirent *e; !st && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        char *path = ss_join(cx, folder, e->d_name);
        if (!path)
            st = SS_ERR_NOMEM;
        else if (named_as_picture(e->d_name) && !ss_is_folder(path))
            st = ss_lines_append(&made, cx, path, folder), path = NULL;
        else if (!ss_is_folder(path))
            others++;
        free(path);
    }
    closedir(d);
    if (!st && !made.count)
        st = ss_fail(cx, SS_ERR_FILE, "%s holds no pictures (.png, .jpg, .webp, ...)%s", folder,
                     others ? ", only other files" : "");
    if (!st && others) ss_note(cx, "%s: %d file%s no picture", folder, others, others == 1 ? " is" : "s are");
    if (!st) qsort(made.at, (size_t)made.count, sizeof *made.at, by_bytes);
    if (st)
        ss_lines_free(&made);
    else
        *out = made;
    return st;
}

/* *line becomes a path that leads to a file. */
static ss_status resolve(char **line, ss_ctx *cx, const char *list, int number) {
    const char *slash = strrchr(list, '/'), *written = *line, *rest = written;
    char *folder = slash ? ss_format(cx, "%.*s", (int)(slash - list) + 1, list) : ss_strdup(cx, "./");
    char *path = folder ? ss_join(cx, folder, written) : NULL;
    ss_status st = SS_OK;
    if (path && !ss_is_file(path) && ss_is_file(written)) {
        free(path);
        path = ss_strdup(cx, written);
    }
    while (path && !ss_is_file(path) && (rest = strchr(rest, '/'))) {
        rest += strspn(rest, "/");
        free(path);
        path = ss_join(cx, folder, rest);
    }
    if (!path) {
        st = SS_ERR_NOMEM;
    } else if (!ss_is_file(path)) {
        st = ss_fail(cx, SS_ERR_FILE, "%s, line %d: there is no file %s, neither from here nor beside the list", list,
                     number, written);
    } else {
        free(*line);
        *line = path;
        path = NULL;
    }
    free(folder);
    free(path);
    return st;
}

ss_status ss_paths_find(ss_lines *out, ss_ctx *cx, const char *where) {
    if (ss_is_folder(where)) return list_folder(out, cx, where);
    ss_lines made = {0};
    ss_status st = SS_OK;
    if (!ss_is_file(where))
        return ss_fail(cx, SS_ERR_FILE, "there is no folder, picture or list of pictures called %s", where);
    if (named_as_picture(where)) {
        st = ss_lines_append(&made, cx, ss_strdup(cx, where), where);
    } else {
        st = ss_lines_read(&made, cx, where);
        for (int i = 0; i < made.count && !st; i++) {
            if (!*made.at[i]) st = ss_fail(cx, SS_ERR_FORMAT, "%s, line %d is empty", where, i + 1);
            if (!st) st = resolve(&made.at[i], cx, where, i + 1);
        }
    }
    if (st)
        ss_lines_free(&made);
    else
        *out = made;
    return st;
}

/* ------------------------------------------------------------------------------------------------ pictures */

static void free_picture(ss_picture *p) {
    free(p->path);
    ss_image_free(&p->kept);
    ss_image_free(&p->mask);
}

void ss_pictures_free(ss_pictures *p) {
    for (int i = 0; i < p->count; i++) free_picture(&p->at[i]);
    free(p->at);
    *p = (ss_pictures){0};
}

static ss_status hash_pixels(char hex[SS_HASH_TEXT], ss_ctx *cx, const ss_image *im) {
    ss_hash *h = NULL;
    ss_status st = ss_hash_new(&h, cx);
    if (st) return st;
    char size[32];
    snprintf(size, sizeof size, "%dx%d ", im->w, im->h);
    ss_hash_add(h, size, strlen(size));
    ss_hash_add(h, im->rgb, (size_t)3 * im->w * im->h);
    ss_hash_text(h, hex);
    ss_hash_free(h);
    return SS_OK;
}

/* One file: SS_OK with an empty picture (path NULL) when it is left out. */
static ss_status look_at(ss_picture *out, ss_pictures *all, ss_ctx *cx, const char *path, int since) {
    ss_picture p = {0};
    ss_image im = {0};
    ss_status st = ss_image_read(&im, cx, path);
    if (st == SS_ERR_FILE || st == SS_ERR_FORMAT || st == SS_ERR_ARG) {
        ss_warn(cx, "left out: %s", cx->error);
        cx->status = SS_OK; /* somebody who asked to stop is still heard */
        cx->error[0] = 0;
        all->broken++;
        return SS_OK;
    }
    if (st) return st;
    int longer = im.w > im.h ? im.w : im.h, shorter = im.w > im.h ? im.h : im.w;
    if (longer / shorter >= SS_LONGEST_SHAPE) {
        ss_warn(cx, "left out: %s is %d x %d pixels, which is more than %d to 1", path, im.w, im.h, SS_LONGEST_SHAPE);
        all->broken++;
        goto done;
    }
    st = hash_pixels(p.hash, cx, &im);
    for (int i = since; i < all->count && !st; i++) {
        if (strcmp(all->at[i].hash, p.hash)) continue;
        ss_warn(cx, "left out: %s is the same picture as %s", path, all->at[i].path);
        all->twice++;
        goto done;
    }
    if (!st) st = ss_thumb_make(&p.thumb, cx, &im);
    if (!st && !(p.path = ss_strdup(cx, path))) st = SS_ERR_NOMEM;
    if (st) goto done;
    p.w = im.w;
    p.h = im.h;
    size_t bytes = (size_t)3 * im.w * im.h;
    if (bytes <= SS_KEPT_PIXELS - all->kept) {
        all->kept += bytes;
        p.kept = im;
        im = (ss_image){0};
    }
    *out = p;
done:
    ss_image_free(&im);
    return st;
}

ss_status ss_pictures_add(ss_pictures *p, ss_ctx *cx, const ss_lines *paths, int since) {
    ss_status st = ss_grow(cx, &p->at, (size_t)p->count, (size_t)p->count + (size_t)paths->count, sizeof *p->at);
    for (int i = 0; i < paths->count && !st; i++) {
        ss_picture *next = &p->at[p->count];
        ss_report(cx, "reading pictures", i, paths->count);
        st = ss_stopped(cx);
        if (!st) st = look_at(next, p, cx, paths->at[i], since);
        if (st || !next->path) continue;
        next->line = i;
        p->count++;
    }
    return st;
}

ss_status ss_picture_read(ss_image *out, ss_ctx *cx, const ss_picture *p) {
    if (p->kept.rgb) return ss_image_copy(out, cx, &p->kept);
    ss_image im = {0};
    char hash[SS_HASH_TEXT];
    ss_status st = ss_image_read(&im, cx, p->path);
    if (!st) st = hash_pixels(hash, cx, &im);
    if (!st && strcmp(hash, p->hash)) st = ss_fail(cx, SS_ERR_FILE, "%s has changed since it was first read", p->path);
    if (st)
        ss_image_free(&im);
    else
        *out = im;
    return st;
}

ss_status ss_picture_mask(ss_picture *p, ss_ctx *cx, const float *mask, int w, int h, const char *name) {
    /* Of equal proportions as far as whole pixels allow. */
    if (fabs((double)w * p->h - (double)h * p->w) > 0.02 * w * p->h)
        return ss_fail(cx, SS_ERR_SHAPE, "%s is %d x %d, its photo %s is %d x %d: their proportions have to agree",
                       name, w, h, p->path, p->w, p->h);
    ss_image grey = {0}, small = {0};
    ss_status st = ss_image_new(&grey, cx, w, h);
    double shown = 0;
    for (int64_t i = 0; i < (int64_t)w * h && !st; i++) {
        float v = fminf(fmaxf(mask[i], 0), 1); /* NaN is 0 */
        memset(grey.rgb + 3 * i, (int)lrintf(255 * v), 3);
        shown += v;
    }
    if (!st && shown < 1) st = ss_fail(cx, SS_ERR_ARG, "%s shows nothing of %s: all of it is black", name, p->path);
    int longer = w > h ? w : h;
    if (!st && longer > SS_MASK_SIDE) {
        int to_w = (int)((int64_t)w * SS_MASK_SIDE / longer), to_h = (int)((int64_t)h * SS_MASK_SIDE / longer);
        st = ss_image_resize(&small, cx, &grey, to_w ? to_w : 1, to_h ? to_h : 1, SS_BILINEAR);
        ss_image_free(&grey);
        grey = small;
    }
    if (!st) st = hash_pixels(p->mask_hash, cx, &grey);
    if (st) {
        ss_image_free(&grey);
        return st;
    }
    ss_image_free(&p->mask);
    p->mask = grey;
    return SS_OK;
}
