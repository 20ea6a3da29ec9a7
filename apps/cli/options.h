/* The options of all verbs, one row each. Parsing, the suggestions for misspelled ones, --help, completions, the man
 * page and the recipe in a picture are all read off this table.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "settings.h"

enum {
    GENERATE = 1,
    EDIT = 2,
    INSPECT = 4,
    REPEAT = 8,
    BENCH = 16,
    TRAIN = 32,
    MERGE = 64,
    COMPRESS = 128,
    CONVERT = 256,
    STORY = 512,
    CLAY = 1024,
    SCORE = 2048,
    ANY_VERB = 0xffff
};

enum { MOST_EXAMPLES = 4 };

struct verb {
    const char *name;
    unsigned bit;
    const char
        *operand;      /* what it is called in the usage line, "..." behind it: any number; NULL: the verb takes none */
    const char *needs; /* the options one has to give, for the usage line */
    const char *what;  /* one line */
    const char *more;  /* a paragraph for the man page */
    const char *example[MOST_EXAMPLES]; /* what follows "selfsame VERB", NULL at the end */
    int (*run)(settings *s);
};

extern const verb verbs[];
extern const int verb_count;
const verb *verb_of(unsigned bit);

typedef struct option_kind option_kind;

typedef struct option_row {
    const char *group; /* the heading it stands under; NULL: the previous row's */
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* NULL: a switch */
    unsigned verbs;
    unsigned shown; /* verbs whose --help gives it a line of its own; the others' only names it */
    const option_kind *kind;
    size_t place; /* in settings */
    double least, most;
    const char *const *words; /* what a choice is between, NULL at the end */
    const char *preset;
    bool recipe; /* it decides the pixels, and is written into the picture */
    const char *help;
} option_row;

struct option_kind {
    /* Reads the value into s; a sentence and BAD_USAGE if it makes no sense. */
    int (*take)(settings *s, const option_row *o, const char *value);
    /* What s holds as JSON that take() understands piece by piece; NULL if there is nothing to write. */
    json_t *(*give)(const settings *s, const option_row *o);
    bool names_file; /* completions offer files */
};

extern const option_row options[];
extern const int option_count;

/* The row with that name, or NULL. */
const option_row *option_named(const char *name);

/* True if the option was on the command line. The name has to be one. */
bool given(const settings *s, const char *name);

/* All presets, then what the command line says. argv[0] is the verb's name. DONE or BAD_USAGE. */
int options_parse(settings *s, const verb *v, int argc, char **argv);
int options_preset(settings *s, const verb *v);

/* Contradictions between options, and what the verb cannot do without. */
int options_check(settings *s);

/* The lines of a file behind those that the list has: UTF-8, of a bearable length, empty ones left out. s owns them,
 * list->at is freed by the caller. */
int lines_read(texts *list, settings *s, const char *path);

/* Prompts that stand in files or on standard input are read; all of them are checked. */
int prompts_read(settings *s);

/* The recipe's options into s, and out of it. */
int options_from_json(settings *s, const json_t *options, const char *picture);
json_t *options_to_json(const settings *s);

/* "; did you mean ...?", or "" if nothing is near. */
const char *did_you_mean(settings *s, const char *word, const char *const *words, int count);

enum { RECIPE_SELFSAME, RECIPE_COMPVIS, RECIPE_DIFFUSERS }; /* recipe_words */
enum { NUMBERS_AUTO, NUMBERS_FLOAT32, NUMBERS_BFLOAT16 };   /* numbers_words */
enum { PHOTO_BACKGROUND, PROMPT_BACKGROUND };               /* background_words */
enum { MEMORY_CHECK, MEMORY_ANYWAY };                       /* memory_words */
enum { SCALE_NOTHING, SCALE_THREADS, SCALE_SIZE };          /* scale_words */
extern const char *const kind_words[], *const recipe_words[], *const schedule_words[];
extern const char *const method_words[],
    *const inversion_words[],
        *const fit_words[], *const prediction_words[],
                                *const numbers_words[], *const device_words[],
                                                            *const isa_words[], *const scale_words[],
                                                                                    *const memory_words[],
                                                                                        *const world_words[],
                                                                                            *const held_words[],
                                                                                                *const profile_words[];

#endif
