/* Mapping, and a look at the first bytes of files that are not what they are called. */
#include "io/map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

ss_status ss_map_file(ss_map *out, ss_ctx *cx, const char *path) {
    ss_status st = SS_OK;
    struct stat about;
    /* A pipe without a writer must not hold us here; on files the flag means nothing. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT) return ss_fail(cx, SS_ERR_FILE, "there is no file %s", path);
        return ss_fail(cx, SS_ERR_FILE, "%s cannot be opened: %s", path, strerror(errno));
    }
    if (fstat(fd, &about)) {
        st = ss_fail(cx, SS_ERR_FILE, "%s cannot be read: %s", path, strerror(errno));
    } else if (S_ISDIR(about.st_mode)) {
        st = ss_fail(cx, SS_ERR_FILE, "%s is a folder where a file is wanted", path);
    } else if (!S_ISREG(about.st_mode)) {
        st = ss_fail(cx, SS_ERR_FILE, "%s is a device or a pipe where a file is wanted", path);
    } else if (about.st_size == 0) {
        st = ss_fail(cx, SS_ERR_FILE, "%s is empty (0 bytes); was its download cut off?", path);
    } else {
        void *bytes = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED) {
            st = ss_fail(cx, errno == ENOMEM ? SS_ERR_NOMEM : SS_ERR_FILE, "%s cannot be mapped (%lld bytes): %s", path,
                         (long long)about.st_size, strerror(errno));
        } else {
            *out = (ss_map){bytes, (size_t)about.st_size};
        }
    }
    close(fd);
    return st;
}

void ss_unmap(ss_map *map) {
    if (map->bytes) munmap((void *)map->bytes, map->size);
    *map = (ss_map){0};
}

static bool has(const unsigned char *bytes, size_t size, size_t at, const char *text) {
    size_t n = strlen(text);
    return size >= n && at <= size - n && strncasecmp((const char *)bytes + at, text, n) == 0;
}

const char *ss_foreign(const void *bytes, size_t size) {
    static const struct {
        size_t at;
        const char *magic, *what;
    } kinds[] = {
        {0, "version https://git-lfs",
         "a Git-LFS pointer, not the file itself (run \"git lfs pull\" where it came from, or "
         "download it again)"},
        {0, "GGUF", "a GGUF file, a format of other programs; get the safetensors file of the same model"},
        {0, "ggml", "a ggml file, a format of other programs; get the safetensors file of the same model"},
        {0, "\x89PNG\r\n", "a PNG picture"},
        {0, "\xff\xd8\xff", "a JPEG picture"},
        {0, "GIF8", "a GIF picture"},
        {8, "WEBP", "a WebP picture"},
        {0, "\x89HDF\r\n", "an HDF5 file; get the safetensors file of the same model"},
        {0, "\x1f\x8b", "a gzip file; unpack it first"},
        {0, "7z\xbc\xaf", "a 7z archive; unpack it first"},
        {0, "Rar!", "a RAR archive; unpack it first"},
        {1, "ELF\x02", "a program"},
        {257, "ustar",
         "a tar archive (torch wrote weights so before 2017); open it with an old torch and save it again"},
        {0, "Entry not found", "an error message of a download site; download the file again"},
        {0, "Repository not found", "an error message of a download site; download the file again"},
        {0, "Invalid username or password",
         "an error message of a download site; download the file again after logging in"},
        {0, "Access to model", "an error message of a download site; download the file again after logging in"},
    };
    for (int i = 0; i < SS_COUNT_OF(kinds); i++) {
        if (has(bytes, size, kinds[i].at, kinds[i].magic)) return kinds[i].what;
    }
    size_t at = has(bytes, size, 0, "\xef\xbb\xbf") ? 3 : 0;
    while (at < size && at < 1024 && memchr(" \t\r\n", ((const char *)bytes)[at], 4)) at++;
    static const char *const html[] = {"<!doctype", "<html", "<head", "<?xml"};
    for (int i = 0; i < SS_COUNT_OF(html); i++) {
        if (has(bytes, size, at, html[i])) return "a web page, not the file it should have been; download it again";
    }
    return NULL;
}
