/* The progress bar: where a long piece of work stands, how fast it goes and when it will be done. A line now and then
 * where standard error is no terminal.
 */
#ifndef CLI_METER_H
#define CLI_METER_H

#include <selfsame/selfsame.h>

typedef struct meter {
    bool terminal, quiet, drawn;
    int part, parts; /* which of several equal pieces of work this is; for the time left */
    char what[64];
    char more[96]; /* said behind the counts until another stage begins */
    int done;
    double began;   /* when this stage's first step was done, which is slower than the others; 0: not yet */
    int began_done; /* steps done by then */
    double spoke;   /* when a line was last written */
} meter;

void meter_open(meter *m, bool quiet);
void meter_show(meter *m, const ss_progress *p);
void meter_wipe(meter *m); /* before anything else is written */

#endif
