/* convert: a subject as other programs want it, or as a whole checkpoint; or a checkpoint alone, stored plainly. */
#include "job.h"
#include "options.h"
#include "say.h"
#include "subjects.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>

static const char checkpoint[] = "checkpoint";

/* The forms of files, and the checkpoint. */
static int check_form(settings *s) {
    const char *names[32] = {checkpoint}, *list = checkpoint;
    int n = 1;
    for (const char *const *f = ss_subject_formats(); *f && n < 32; f++) {
        names[n++] = *f;
        list = format_text(s, "%s, %s", list, *f);
    }
    if (!s->to) return usage("what shall it become? --to takes one of %s", list);
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], s->to)) return DONE;
    return usage("--to takes one of %s, and not \"%s\"%s", list, s->to, did_you_mean(s, s->to, names, n));
}

int convert(settings *s) {
    job j = {.s = s};
    ss_subject *subject = NULL;

    s->report = must(json_object());
    int rc = check_form(s);
    bool whole = !rc && !strcmp(s->to, checkpoint);
    if (!rc && !whole && !s->operand) rc = usage("--to %s takes a SUBJECT, which is not there", s->to);
    if (whole && !s->model)
        rc = usage("a whole checkpoint needs the model that the subject was learned with: name it with -m");
    if (whole && (s->rank || s->share > 0)) rc = usage("--rank and --share make LoRAs, and a checkpoint is none");
    if (!rc) rc = subject_check_output(s, "out.safetensors");
    if (!rc) rc = job_open(&j, s);
    if (!rc && s->model) rc = job_open_model(&j);
    if (!rc && s->operand) rc = job_verdict(&j, ss_subject_open(&subject, j.cx, s->operand));
    ss_subject_writing w = {.format = s->to, .model = j.m, .rank = s->rank, .share = s->share, .half = s->half};
    if (!rc && whole) {
        if (subject) rc = job_verdict(&j, ss_subject_apply(j.cx, j.m, subject, 1));
        if (!rc) rc = job_verdict(&j, ss_model_write(j.cx, j.m, s->output, s->half));
    } else if (!rc) {
        rc = job_verdict(&j, ss_subject_write(j.cx, subject, s->output, &w));
    }
    if (!rc && whole && !s->json) printf("%s  a checkpoint%s\n", s->output, subject ? " with the subject in it" : "");
    if (!rc && !whole) subject_tell(s, subject);
    ss_subject_free(subject);
    job_close(&j);
    return rc;
}
