/* Subjects: from the command line into the model. */
#include "subjects.h"

#include "files.h"
#include "options.h"
#include "recipe.h"
#include "say.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *subject_path(settings *s, const char *value, double *strength) {
    const char *colon = strrchr(value, ':');
    char *end;
    *strength = 1;
    if (!colon || colon == value || !colon[1] || !access(value, F_OK)) return value;
    double x = strtod(colon + 1, &end);
    if (*end || isnan(x)) return value;
    *strength = x;
    return format_text(s, "%.*s", (int)(colon - value), value);
}

/* Somebody who never names the token gets a picture without the subject. */
static void tell_tokens(const settings *s, const char *path, const ss_subject *subject) {
    bool named = !ss_subject_trigger(subject, 0);
    for (int i = 0; i < s->prompts.count; i++)
        for (int k = 0; ss_subject_trigger(subject, k); k++)
            named = named || strstr(s->prompts.at[i], ss_subject_trigger(subject, k));
    if (!named && s->prompts.count)
        warning("no prompt names %s, the token of %s", ss_subject_trigger(subject, 0), path);
}

static int check_fingerprint(const job *j, int i, const char *path, const char *fingerprint) {
    const json_t *was = json_array_get(json_object_get(j->s->recipe, "subjects"), (size_t)i);
    const char *hash = json_string_value(json_object_get(was, "fingerprint"));
    if (!hash || !strcmp(hash, fingerprint)) return DONE;
    return failure("%s is not the subject that %s was made with: its fingerprint is %.12s..., that one's was %.12s... "
                   "(--subject names another place)",
                   path, j->s->operand, fingerprint, hash);
}

static int apply(job *j, int i) {
    settings *s = j->s;
    ss_subject *subject = NULL;
    double strength;
    char fingerprint[65];
    const char *path = subject_path(s, s->subjects.at[i], &strength);
    ss_status st = ss_subject_open(&subject, j->cx, path);
    if (!st) st = ss_subject_fingerprint(fingerprint, j->cx, subject);
    int rc = st ? job_verdict(j, st) : check_fingerprint(j, i, path, fingerprint);
    if (!rc) rc = job_verdict(j, ss_subject_apply(j->cx, j->m, subject, strength));
    if (!rc) {
        tell_tokens(s, path, subject);
        json_t *entry = json_pack("{s:o?, s:f, s:s}", "path", json_string(recipe_path(s, path)), "strength", strength,
                                  "fingerprint", fingerprint);
        json_array_append_new(j->subjects, must(entry));
    }
    ss_subject_free(subject);
    return rc;
}

int subjects_apply(job *j) {
    int rc = DONE;
    json_decref(j->subjects);
    j->subjects = must(json_array());
    for (int i = 0; i < j->s->subjects.count && !rc; i++) rc = apply(j, i);
    return rc;
}

const char *subjects_text(const job *j) {
    const char *list = NULL;
    size_t i;
    json_t *entry;
    json_array_foreach(j->subjects, i, entry) {
        double strength = json_number_value(json_object_get(entry, "strength"));
        const char *name = stem_of(j->s, json_string_value(json_object_get(entry, "path")));
        const char *times = strength == 1 ? "" : format_text(j->s, ":%g", strength);
        const char *hash = json_string_value(json_object_get(entry, "fingerprint"));
        list = format_text(j->s, "%s%s%s%s (%.10s)", list ? list : "", list ? ", " : "", name, times, hash);
    }
    return list;
}

int subject_check_output(settings *s, const char *example) {
    if (!s->output) return usage("what shall the file be called? Name it with -o: %s", example);
    const char *slash = strrchr(s->output, '/');
    const char *folder = slash ? format_text(s, "%.*s", (int)(slash - s->output), s->output) : ".";
    if (access(*folder ? folder : "/", W_OK))
        return failure("%s cannot be written: there is no folder %s that lets us", s->output, *folder ? folder : "/");
    return DONE;
}

void subject_tell(settings *s, const ss_subject *written) {
    const char *words = NULL;
    for (int i = 0; ss_subject_trigger(written, i); i++)
        words = format_text(s, "%s%s%s", words ? words : "", words ? ", " : "", ss_subject_trigger(written, i));
    json_object_set_new(s->report, "subject", json_string(s->output));
    if (s->json) return;
    printf("%s%s%s\n", s->output, words ? "  prompts name it " : "", words ? words : "");
}
