/* selfsame: pictures of the same subject, again and again.
 *
 * The whole public interface. Nothing here prints, exits, reads the environment or keeps a global: what a call needs is
 * in its arguments, what it has to say goes to the callbacks of its context. One context belongs to one thread at a time;
 * a model may be used by one context at a time.
 *
 * Functions return ss_status. On failure the context keeps the first failure's sentence (ss_ctx_error) and outputs are
 * left as they were. Structs of options are made for `= {0}`: a zero means the sensible default.
 */
#ifndef SELFSAME_H
#define SELFSAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SS_VERSION "0.1.0"

#if defined(__GNUC__)
#define SS_API __attribute__((visibility("default")))
#else
#define SS_API
#endif

typedef enum ss_status {
    SS_OK = 0,
    SS_ERR_NOMEM = -1,   /* the machine has not the memory */
    SS_ERR_ARG = -2,     /* a request that makes no sense: unknown name, number out of range, options that contradict */
    SS_ERR_FILE = -3,    /* a file cannot be opened, read or written */
    SS_ERR_FORMAT = -4,  /* a file's bytes are not what its format says */
    SS_ERR_SHAPE = -5,   /* two shapes disagree */
    SS_ERR_MODEL = -6,   /* tensors missing or left over, or a family of models that this program does not draw with */
    SS_ERR_DEVICE = -7,  /* the device cannot do it, or failed */
    SS_ERR_STOPPED = -8, /* somebody asked to stop; what was finished is kept */
} ss_status;

/* ------------------------------------------------------------------------------------------------ context */

typedef struct ss_ctx ss_ctx;

typedef enum ss_log_level { SS_LOG_NOTE, SS_LOG_WARNING } ss_log_level;

/* Where work stands: `what` is a word or two ("inversion", "drawing 2 of 3"), `done` of `total` steps of it. */
typedef struct ss_progress {
    const char *what;
    int done, total;
} ss_progress;

typedef struct ss_callbacks {
    void (*log)(void *user, ss_log_level level, const char *sentence);
    void (*progress)(void *user, const ss_progress *p);
    void *user;
} ss_callbacks;

typedef struct ss_ctx_options {
    ss_callbacks callbacks;
    int threads;         /* 0: one for each core that the process may use */
    const char *device;  /* NULL or "cpu"; "reference" for the plain loops */
    const char *numbers; /* NULL or "auto": bfloat16 where the processor multiplies it, else "float32"; or name one */
} ss_ctx_options;

/* Fails with SS_ERR_NOMEM or, for names it does not know, SS_ERR_ARG (then *out is still a context that holds the sentence
 * and has to be freed). */
SS_API ss_status ss_ctx_new(ss_ctx **out, const ss_ctx_options *options);
SS_API void ss_ctx_free(ss_ctx *cx);

/* The first failure's sentence since the last ss_ctx_clear, "" if there was none. Owned by the context. */
SS_API const char *ss_ctx_error(const ss_ctx *cx);
SS_API void ss_ctx_clear(ss_ctx *cx);

/* Asks the running call to stop at the next step; it returns SS_ERR_STOPPED. Safe from a signal handler or another thread. */
SS_API void ss_ctx_stop(ss_ctx *cx);

#ifdef __cplusplus
}
#endif

#endif
