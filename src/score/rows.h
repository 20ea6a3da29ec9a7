/* What a bench has measured: a row a picture. Rows are kept in files of a few, one for each piece of work, so that a
 * bench goes on where it was stopped; means and differences are taken over individuals.
 */
#ifndef SS_ROWS_H
#define SS_ROWS_H

#include "base/base.h"
#include "score/interval.h"

typedef enum ss_measure {
    SS_MEASURE_SPECIES, /* 1 where the reader reads what the prompt says, else 0; */
    SS_MEASURE_COLOR,
    SS_MEASURE_ACTION,
    SS_MEASURE_PLACE,
    SS_MEASURE_PROMPT,     /* all four of them at once */
    SS_MEASURE_ATTRIBUTES, /* the share of the four */
    SS_MEASURE_IDENTITY,   /* cosine of its embedding and the photo's */
    SS_MEASURE_HUE,        /* distance of its hues from the photo's, 0 to 1 */
    SS_MEASURE_PATTERN,    /* the same of its pattern */
    SS_MEASURE_BACKGROUND, /* PSNR against the photo where neither has the figure, dB */
    SS_MEASURE_MASK,       /* intersection over union with the true mask */
    SS_MEASURE_PSNR,       /* against the photo, dB */
    SS_MEASURES
} ss_measure;

typedef enum ss_experiment { SS_RENDERS, SS_TEXT, SS_EDIT, SS_FRESH, SS_STUDY, SS_EXPERIMENTS } ss_experiment;

typedef enum ss_arm {
    SS_ARM_SAME, /* renders of the individual in other scenes; of one of its kind there; of a stranger there */
    SS_ARM_KIN,
    SS_ARM_STRANGER,
    SS_ARM_AUTOENCODER, /* the photo, through the autoencoder */
    SS_ARM_SOURCE,      /* the source that was drawn; the photo, inverted and drawn back */
    SS_ARM_OFF,         /* targets drawn without control, with MasaCtrl, and with its automatic masks */
    SS_ARM_PLAIN,
    SS_ARM_MASKED,
    SS_ARM_SUBJECT, /* the masks, and a background that reads itself; in a study all from new noise */
    SS_ARMS
} ss_arm;

extern const char *const ss_measure_names[SS_MEASURES], *const ss_experiment_names[SS_EXPERIMENTS],
                                                            *const ss_arm_names[SS_ARMS];

typedef struct ss_row {
    ss_experiment experiment;
    ss_arm arm;
    uint64_t individual;       /* its seed */
    int target;                /* SS_PLAYER_STAYS, SS_PLAYER_MOVES; -1: the photo itself */
    int held;                  /* the scene has a combination that no training saw */
    int step, layer;           /* of a study: the first that are controlled; -1 elsewhere, and without control */
    double value[SS_MEASURES]; /* NaN where it makes no sense */
} ss_row;

ss_row ss_row_new(ss_experiment e, ss_arm arm, uint64_t individual, int target); /* all values NaN */

typedef struct ss_row_list {
    ss_row *at;
    int count, capacity;
} ss_row_list;

ss_status ss_rows_add(ss_row_list *r, ss_ctx *cx, const ss_row *row);
void ss_rows_clear(ss_row_list *r);

/* Rows from `first` on as a file of their own, and a file's rows added. SS_ERR_FORMAT: it holds something else. */
ss_status ss_rows_write(const ss_row_list *r, ss_ctx *cx, const char *path, int first);
ss_status ss_rows_read(ss_row_list *r, ss_ctx *cx, const char *path);

/* All of them as comma-separated values with a line of names. */
ss_status ss_rows_write_csv(const ss_row_list *r, ss_ctx *cx, const char *path);

/* Which rows, of those that have the measure. */
typedef struct ss_pick {
    ss_experiment experiment;
    ss_arm arm;
    ss_measure measure;
    int held;        /* 0 or 1; -1: either */
    int step, layer; /* -1 where nothing is studied */
} ss_pick;

/* Over individuals, each of which counts once, with the mean of its own rows. */
ss_status ss_rows_mean(ss_interval *out, ss_ctx *cx, const ss_row_list *r, const ss_pick *p);

/* The same of a - b, over individuals that have both: what two methods differ in on the same photos and prompts. */
ss_status ss_rows_difference(ss_interval *out, ss_ctx *cx, const ss_row_list *r, const ss_pick *a, const ss_pick *b);

#endif
