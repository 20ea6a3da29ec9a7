/* compress: a subject in fewer bytes. */
#include "job.h"
#include "options.h"
#include "say.h"
#include "subjects.h"
#include "verbs.h"

#include <stdio.h>

int compress(settings *s) {
    job j = {.s = s};
    ss_subject *whole = NULL, *thin = NULL;
    ss_thinned how = {0};
    ss_thinning o = {.share = s->share, .rank = s->rank, .everything = s->everything};

    s->report = must(json_object());
    int rc = s->share > 0 || s->rank > 0 ? DONE : usage("how much of it? --share 0.6 or --rank 16 say");
    if (!rc) rc = subject_check_output(s, "small.safetensors");
    if (!rc) rc = job_open(&j, s);
    if (!rc) rc = job_open_model(&j);
    if (!rc) rc = job_verdict(&j, ss_subject_open(&whole, j.cx, s->operand));
    if (!rc) rc = job_verdict(&j, ss_subject_compress(&thin, j.cx, j.m, whole, &o, &how));
    if (!rc) rc = job_verdict(&j, ss_subject_write(j.cx, thin, s->output, NULL));
    if (!rc) {
        if (!s->json) printf("ranks up to %lld; %.2g %% of the change is lost\n", (long long)how.rank, 100 * how.error);
        json_object_set_new(s->report, "rank", json_integer(how.rank));
        json_object_set_new(s->report, "error", json_real(how.error));
        subject_tell(s, thin);
    }
    ss_subject_free(whole);
    ss_subject_free(thin);
    job_close(&j);
    return rc;
}
