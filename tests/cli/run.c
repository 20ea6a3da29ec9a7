/* The program under test, in a folder of its own. */
#include "run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/golden.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void path_in(char path[512], const char *scene, const char *name) { snprintf(path, 512, "%s/%s", scene, name); }

char *scene_read(const char *scene, const char *name, size_t *n) {
    char path[512];
    path_in(path, scene, name);
    FILE *in = fopen(path, "rb");
    if (!in) fail_msg("%s: %s", path, strerror(errno));
    fseek(in, 0, SEEK_END);
    *n = (size_t)ftell(in);
    rewind(in);
    char *bytes = malloc(*n + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, in), *n);
    bytes[*n] = 0;
    fclose(in);
    return bytes;
}

char *scene_new(void) {
    char *scene = strdup("/tmp/selfsame-test-XXXXXX"), path[512];
    assert_non_null(scene);
    assert_non_null(mkdtemp(scene));
    setenv("selfsame", SELFSAME_PROGRAM, 1);
    setenv("XDG_CACHE_HOME", scene, 1);
    path_in(path, scene, "model");
    assert_int_equal(symlink(GOLDEN_DIR "/tiny-sd15", path), 0);
    path_in(path, scene, "photo.png");
    assert_int_equal(symlink(GOLDEN_DIR "/tiny-sd15/act/picture-96x64.png", path), 0);
    return scene;
}

void scene_free(char *scene) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", scene);
    assert_int_equal(system(command), 0);
    free(scene);
}

ran run(const char *scene, const char *command) {
    size_t room = strlen(command) + 2 * strlen(scene) + 100, n;
    char *whole = malloc(room);
    assert_non_null(whole);
    snprintf(whole, room, "cd '%s' || exit 99\nexec >.out 2>.err </dev/null\n%s", scene, command);
    int status = system(whole);
    free(whole);
    ran r = {.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1};
    if (r.code > 128) r.signal = r.code - 128, r.code = -1; /* so a shell tells of a program that a signal ended */
    r.out = scene_read(scene, ".out", &r.out_size);
    r.err = scene_read(scene, ".err", &n);
    return r;
}

void ran_clear(ran *r) {
    free(r->out);
    free(r->err);
    *r = (ran){0};
}

ran run_expect(const char *scene, const char *command, int code) {
    ran r = run(scene, command);
    if (r.code != code)
        fail_msg("%s\n  ended with %d (signal %d), expected %d\n  standard error: %s", command, r.code, r.signal, code,
                 r.err);
    return r;
}

bool scene_has(const char *scene, const char *name) {
    char path[512];
    path_in(path, scene, name);
    return !access(path, F_OK);
}

int scene_count(const char *scene, const char *pattern) {
    char path[512];
    glob_t found;
    path_in(path, scene, pattern);
    int n = glob(path, 0, NULL, &found) ? 0 : (int)found.gl_pathc;
    if (n) globfree(&found);
    return n;
}
