/* Runs a fuzzer's function over every file of a folder, for compilers without libFuzzer. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The file's bytes in a block of exactly their size, so that the address sanitizer sees the first one too many. */
static uint8_t *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long n = -1;
    if (f && fseek(f, 0, SEEK_END) == 0) n = ftell(f);
    if (n >= 0 && fseek(f, 0, SEEK_SET) == 0) bytes = malloc(n ? (size_t)n : 1);
    if (bytes && fread(bytes, 1, (size_t)n, f) != (size_t)n) {
        free(bytes);
        bytes = NULL;
    }
    if (!bytes) fprintf(stderr, "%s: %s\n", path, strerror(errno));
    if (f) fclose(f);
    *size = (size_t)n;
    return bytes;
}

int main(int argc, char **argv) {
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    int done = 0, unread = 0;
    if (!folder) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    for (struct dirent *e; (e = readdir(folder));) {
        char path[4096];
        size_t size;
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        uint8_t *bytes = read_file(path, &size);
        if (bytes) {
            printf("%s\n", path);
            fflush(stdout); /* the last line is the file that a crash is about */
            LLVMFuzzerTestOneInput(bytes, size);
            done++;
        } else {
            unread++;
        }
        free(bytes);
    }
    closedir(folder);
    printf("%d files\n", done);
    return unread || !done;
}
