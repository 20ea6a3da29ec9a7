/* What the tables say to a reader: --help, the man page, and to a shell: completions. All go to standard output. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "options.h"

void print_overview(void);
void print_help(const verb *v, bool all);
void print_man_page(void);

/* "bash", "zsh" or "fish"; false for others. */
bool print_completion(const char *shell);
extern const char *const completion_shells[]; /* NULL at the end */

#endif
