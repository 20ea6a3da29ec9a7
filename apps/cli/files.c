/* Names of pictures. */
#include "files.h"

#include "say.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *stem_of(settings *s, const char *path) {
    size_t end = strlen(path), start;
    while (end > 1 && path[end - 1] == '/') end--;
    for (start = end; start && path[start - 1] != '/';) start--;
    for (size_t i = end - 1; i > start; i--)
        if (path[i] == '.' && isalpha((unsigned char)path[i + 1])) { /* v1.5 is a whole name */
            end = i;
            break;
        }
    return format_text(s, "%.*s", (int)(end - start), path + start);
}

static bool is_folder(const char *path) {
    struct stat st;
    size_t n = strlen(path);
    return (n && path[n - 1] == '/') || (!stat(path, &st) && S_ISDIR(st.st_mode));
}

static bool exists(const char *path) {
    struct stat st;
    return !lstat(path, &st);
}

/* Also of files that are not there yet: the folder's real name and the file's. */
static bool same_file(const char *a, const char *b) {
    struct stat at_a, at_b;
    if (!stat(a, &at_a) && !stat(b, &at_b)) return at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
    const char *path[] = {a, b}, *name[2];
    char *real[2];
    for (int i = 0; i < 2; i++) {
        const char *slash = strrchr(path[i], '/');
        name[i] = slash ? slash + 1 : path[i];
        char *folder = slash ? must(strndup(path[i], (size_t)(slash - path[i] + 1))) : NULL;
        real[i] = realpath(folder ? folder : ".", NULL);
        free(folder);
    }
    bool same = real[0] && real[1] && !strcmp(real[0], real[1]) && !strcmp(name[0], name[1]);
    free(real[0]);
    free(real[1]);
    return same;
}

/* A file made there and taken away again tells what permissions alone do not. */
static int check_folder_of(settings *s, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *folder = slash ? format_text(s, "%.*s", (int)(slash - path + 1), path) : "./";
    char *probe = (char *)format_text(s, "%s.selfsame-XXXXXX", folder);
    int fd = mkstemp(probe);
    if (fd < 0) return failure("%s cannot be written: %s", path, strerror(errno));
    close(fd);
    unlink(probe);
    return DONE;
}

/* %d with or without a width such as %03d, %s, %%: what a number's part looks like, or 0. */
static size_t field(const char *at, char *letter, int *width) {
    size_t n = 1;
    *width = 0;
    while (isdigit((unsigned char)at[n]) && n < 3) *width = *width * 10 + at[n++] - '0';
    *letter = at[n];
    bool known = *letter == 'd' || ((*letter == 's' || *letter == '%') && n == 1);
    return known ? n + 1 : 0;
}

static bool has_number(const char *pattern) {
    char letter;
    int width;
    for (const char *at = pattern; *at; at += *at == '%' ? field(at, &letter, &width) : 1)
        if (*at == '%' && field(at, &letter, &width) && letter == 'd') return true;
    return false;
}

static const char *filled(settings *s, const char *pattern, int number, int64_t seed) {
    char letter;
    int width;
    const char *name = "";
    for (const char *at = pattern; *at;) {
        size_t n = *at == '%' ? field(at, &letter, &width) : 1;
        if (*at != '%')
            name = format_text(s, "%s%c", name, *at);
        else if (letter == 'd')
            name = format_text(s, "%s%0*d", name, width, number);
        else if (letter == 's')
            name = format_text(s, "%s%lld", name, (long long)seed);
        else
            name = format_text(s, "%s%%", name);
        at += n;
    }
    return name;
}

static int check_pattern(const char *pattern) {
    char letter;
    int width;
    for (const char *at = pattern; *at;) {
        size_t n = *at == '%' ? field(at, &letter, &width) : 1;
        if (!n)
            return usage("--output %s: after %% come d (the number), a width and d, s (the seed) or another %%",
                         pattern);
        at += n;
    }
    return DONE;
}

const char *output_name(const output *out, settings *s, int i, int64_t seed) {
    if (out->pattern && !out->folder) {
        const char *pattern = out->pattern;
        if (out->count > 1 && !has_number(pattern)) {
            const char *slash = strrchr(pattern, '/'), *dot = strrchr(pattern, '.');
            size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - pattern) : strlen(pattern);
            pattern = format_text(s, "%.*s-%%d%s", (int)stem, pattern, pattern + stem);
        }
        return filled(s, pattern, i + 1, seed);
    }
    const char *folder = out->pattern ? out->pattern : "";
    const char *slash = *folder && folder[strlen(folder) - 1] != '/' ? "/" : "";
    const char *stem = out->stem ? out->stem : format_text(s, "selfsame-%lld", (long long)seed);
    const char *suffix = s->suffix ? s->suffix : ".png";
    if (out->numbered) return format_text(s, "%s%s%s-%d%s", folder, slash, stem, i + 1, suffix);
    const char *name = format_text(s, "%s%s%s%s", folder, slash, stem, suffix);
    for (int n = 2; exists(name); n++) name = format_text(s, "%s%s%s-%d%s", folder, slash, stem, n, suffix);
    return name;
}

static int check_suffix(ss_ctx *cx, const char *option, const char *path) {
    if (ss_image_path_check(cx, path)) return usage("--%s: %s", option, ss_ctx_error(cx));
    return DONE;
}

/* Whether a picture at `path` would take the place of something that is read. */
static int check_input(const settings *s, const char *option, const char *path) {
    static const char *const names[] = {"the photo", "the mask of the photo", "the mask of the picture"};
    const char *const input[] = {s->photo, s->source_mask, s->target_mask};
    for (int i = 0; i < 3; i++)
        if (input[i] && same_file(path, input[i])) return usage("--%s %s would overwrite %s", option, path, names[i]);
    return DONE;
}

int output_open(output *out, settings *s, ss_ctx *cx, int count) {
    out->pattern = s->output;
    out->folder = s->output && is_folder(s->output);
    out->numbered = s->story;
    out->count = count;
    int rc = s->output && !out->folder ? check_pattern(s->output) : DONE;
    const char *first = rc ? NULL : output_name(out, s, 0, s->seed);
    const struct {
        const char *option, *path;
    } file[] = {{"output", first}, {"sheet", s->sheet}, {"preview", s->preview}};
    for (int i = 0; i < 3 && !rc; i++) {
        if (!file[i].path) continue;
        rc = check_suffix(cx, file[i].option, file[i].path);
        if (!rc) rc = check_input(s, file[i].option, file[i].path);
        if (!rc) rc = check_folder_of(s, file[i].path);
    }
    if (!rc && s->sheet && s->preview && same_file(s->sheet, s->preview))
        return usage("--sheet and --preview are the same file, %s", s->sheet);
    for (int i = 0; i < count && !rc && (out->numbered || (s->output && !out->folder)); i++) {
        const char *name = output_name(out, s, i, s->seed + i);
        rc = check_input(s, "output", name);
        for (int j = 1; j < 3 && !rc; j++)
            if (file[j].path && same_file(name, file[j].path))
                return usage("--output and --%s are the same file, %s", file[j].option, name);
    }
    return rc;
}
