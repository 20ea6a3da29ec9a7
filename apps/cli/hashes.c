/* Hashes of checkpoints, by a thread of their own, and the file that remembers them:
 *
 *     {"/absolute/path": {"size": bytes, "modified": nanoseconds, "sha256": "..."}, ...}
 *
 * A file of another size or time is read again. Whatever is wrong with that file or its folder costs only time.
 */
#include "hashes.h"

#include "say.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODEL, VAE, HASHED };

struct hashes {
    ss_ctx *cx;
    pthread_t thread;
    bool running;
    const char *path[HASHED];
    char hex[HASHED][65]; /* "": none */
};

/* ------------------------------------------------------------------------------------------------ what is remembered
 */

/* Where it lies, in allocated memory; the folders are made. NULL if there is no such place. */
static char *memory_path(void) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char path[4096];
    int n = -1;
    if (cache && *cache == '/')
        n = snprintf(path, sizeof path, "%s", cache);
    else if (home && *home == '/')
        n = snprintf(path, sizeof path, "%s/.cache", home);
    if (n < 0 || n >= (int)sizeof path - 64) return NULL;
    mkdir(path, 0700);
    strcat(path, "/selfsame");
    mkdir(path, 0700);
    strcat(path, "/hashes.json");
    return strdup(path);
}

/* An object, empty if nothing is remembered. */
static json_t *recall(void) {
    char *path = memory_path();
    json_t *known = path ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : NULL;
    free(path);
    if (json_is_object(known)) return known;
    json_decref(known);
    return json_object();
}

static void remember(const char *file, json_t *entry) {
    char *path = memory_path(), temporary[4200];
    json_t *known = recall(), *value;
    const char *key;
    void *next;
    json_object_foreach_safe(known, next, key, value) if (access(key, F_OK)) json_object_del(known, key);
    if (!path || json_object_set(known, file, entry)) goto done;
    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int fd = mkstemp(temporary);
    if (fd < 0) goto done;
    bool written = !json_dumpfd(known, fd, JSON_INDENT(1));
    if (close(fd) || !written || rename(temporary, path)) unlink(temporary);
done:
    json_decref(known);
    free(path);
}

/* ------------------------------------------------------------------------------------------------ the thread */

static void find(hashes *h, int k) {
    struct stat about;
    char *real = h->path[k] ? realpath(h->path[k], NULL) : NULL;
    if (real && !stat(real, &about) && S_ISREG(about.st_mode)) {
        json_int_t size = about.st_size, modified = about.st_mtim.tv_sec * 1000000000LL + about.st_mtim.tv_nsec;
        json_t *known = recall(), *entry = json_object_get(known, real);
        const char *hex = json_string_value(json_object_get(entry, "sha256"));
        bool same = hex && strlen(hex) == 64 && json_integer_value(json_object_get(entry, "size")) == size &&
                    json_integer_value(json_object_get(entry, "modified")) == modified;
        if (same) {
            memcpy(h->hex[k], hex, 65);
        } else if (!ss_file_hash(h->hex[k], h->cx, real)) {
            json_t *new = json_pack("{s:I, s:I, s:s}", "size", size, "modified", modified, "sha256", h->hex[k]);
            remember(real, new);
            json_decref(new);
        }
        json_decref(known);
    }
    free(real);
}

static void *find_all(void *user) {
    hashes *h = user;
    for (int k = 0; k < HASHED; k++) find(h, k);
    return NULL;
}

/* ------------------------------------------------------------------------------------------------ */

hashes *hashes_start(const char *model, const char *vae) {
    hashes *h = must(calloc(1, sizeof *h));
    h->path[MODEL] = model, h->path[VAE] = vae;
    if (!ss_ctx_new(&h->cx, &(ss_ctx_options){.threads = 1}))
        h->running = !pthread_create(&h->thread, NULL, find_all, h);
    return h;
}

static const char *of(hashes *h, int k) {
    if (h && h->running) {
        pthread_join(h->thread, NULL);
        h->running = false;
    }
    return h && *h->hex[k] ? h->hex[k] : NULL;
}

const char *hashes_of_model(hashes *h) { return of(h, MODEL); }

const char *hashes_of_vae(hashes *h) { return of(h, VAE); }

void hashes_end(hashes *h) {
    if (!h) return;
    if (h->running) {
        ss_ctx_stop(h->cx);
        pthread_join(h->thread, NULL);
    }
    ss_ctx_free(h->cx);
    free(h);
}
