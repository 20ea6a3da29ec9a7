/* Subjects on the command line: FILE or FILE:STRENGTH, added to the model in their order. */
#ifndef CLI_SUBJECTS_H
#define CLI_SUBJECTS_H

#include "job.h"

/* What --subject says, taken apart. A file that is called so wins over a strength. */
const char *subject_path(settings *s, const char *value, double *strength);

/* Opens them and adds them to the job's model; j->subjects says what the recipe will. For repeat, whether they are
 * still those that the picture was made with. */
int subjects_apply(job *j);

/* A name for a file that can be written, before hours of work; `example` is one. */
int subject_check_output(settings *s, const char *example);

/* Says what was written where, and how it is used. */
void subject_tell(settings *s, const ss_subject *written);

/* "my-dog (1a2b3c4d5e), style:0.6 (...)" for what other tools read; NULL if there are none. */
const char *subjects_text(const job *j);

#endif
