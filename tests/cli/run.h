/* Runs the built program the way a person does, through a shell, in a folder of its own. */
#ifndef SS_TEST_CLI_RUN_H
#define SS_TEST_CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ran {
    int code;   /* -1 if a signal ended it */
    int signal; /* 0 if none did */
    char *out, *err;
    size_t out_size;
} ran;

/* A new folder under the system's temporary one with what commands name: `model` (the tiny model), photo.png (96x64).
 * The program's cache is there, too. */
char *scene_new(void);
void scene_free(char *scene);

/* `command` by sh in the scene; $selfsame is the program. Freed with ran_clear. */
ran run(const char *scene, const char *command);
void ran_clear(ran *r);

/* run(), and a failed test with everything that was said if the code is another. */
ran run_expect(const char *scene, const char *command, int code);

bool scene_has(const char *scene, const char *name);
int scene_count(const char *scene, const char *pattern); /* files that a shell pattern finds */
char *scene_read(const char *scene, const char *name, size_t *n);

#endif
