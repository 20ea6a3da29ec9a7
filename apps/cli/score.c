/* score: how good a model's pictures are, by a bench whose truth is known. */
#include "job.h"
#include "options.h"
#include "say.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int score(settings *s) {
    job j = {0};
    ss_clay_score_report report = {0};
    if (!s->output) return usage("where does it go? -o names a folder, which a stopped bench goes on from");
    if (s->seed < 0) s->seed = 9001;
    if (s->seed < 9001)
        warning("--seed %lld: individuals of seeds below 9001 may have been trained on", (long long)s->seed);
    ss_clay_score_request q = {
        .folder = s->output,
        .readers = s->readers ? s->readers : format_text(s, "%s/readers", s->model),
        .parts = s->parts_of_bench,
        .individuals = s->individuals,
        .seed = (uint64_t)s->seed,
        .sampling = {.steps = s->steps, .guidance = s->guidance},
    };
    int rc = job_open(&j, s);
    if (!rc) rc = job_open_model(&j);
    if (!rc) rc = job_verdict(&j, ss_clay_score(&report, j.cx, j.m, &q));
    if (rc == STOPPED) note("stopped; the same command goes on from what is in %s", s->output);
    if (!rc && s->json)
        s->report = must(json_loads(report.json, 0, NULL));
    else if (!rc)
        fputs(report.markdown, stdout);
    ss_clay_score_report_free(&report);
    job_close(&j);
    return rc;
}
