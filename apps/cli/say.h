/* What the program says on standard error: one plain sentence at a time. */
#ifndef CLI_SAY_H
#define CLI_SAY_H

#include <stdbool.h>

/* Exit codes. STOPPED never leaves the program as such: main gives the signal back to the shell. */
enum { DONE = 0, FAILED = 1, BAD_USAGE = 2, STOPPED = 3 };

#define SAYS(text, first) __attribute__((format(printf, text, first)))

/* "selfsame: ..." and the code to leave with. The sentence is kept for said(). */
int usage(const char *format, ...) SAYS(1, 2);
int failure(const char *format, ...) SAYS(1, 2);

void warning(const char *format, ...) SAYS(1, 2);
void note(const char *format, ...) SAYS(1, 2); /* not heard when hush(true) */
void hush(bool quiet);

/* The first sentence of usage() or failure(), "" if there was none. */
const char *said(void);

/* The text with what would move a terminal's cursor or change its colours replaced, in place. Returns the text. */
char *printable(char *text);

#endif
