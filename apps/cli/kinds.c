/* Values of options: from text with a sentence if they make no sense, and into JSON. */
#include "kinds.h"

#include "say.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *place(settings *s, const option_row *o) { return (char *)s + o->place; }
static const void *place_in(const settings *s, const option_row *o) { return (const char *)s + o->place; }

/* ------------------------------------------------------------------------------------------------ switches, numbers */

static int take_switch(settings *s, const option_row *o, const char *value) {
    (void)value; /* there is none */
    *(bool *)place(s, o) = true;
    return DONE;
}

static json_t *give_switch(const settings *s, const option_row *o) {
    return *(const bool *)place_in(s, o) ? json_true() : NULL;
}

const option_kind switch_kind = {take_switch, give_switch, false};

/* A whole number at the head of the text, *end behind it. */
static bool whole_number(const char *text, const char **end, long long *out) {
    char *stop;
    errno = 0;
    *out = strtoll(text, &stop, 10);
    *end = stop;
    return stop != text && !errno;
}

static int take_integer(settings *s, const option_row *o, const char *value) {
    const char *end;
    long long n;
    if (!whole_number(value, &end, &n) || *end)
        return usage("--%s takes a whole number, and \"%s\" is none", o->name, value);
    if (n < o->least || n > o->most)
        return usage("--%s takes %g to %g, and %s is outside", o->name, o->least, o->most, value);
    *(int *)place(s, o) = (int)n;
    return DONE;
}

static json_t *give_integer(const settings *s, const option_row *o) {
    int n = *(const int *)place_in(s, o);
    return n >= o->least ? json_integer(n) : NULL;
}

const option_kind integer_kind = {take_integer, give_integer, false};

static int take_number(settings *s, const option_row *o, const char *value) {
    char *end;
    double x = strtod(value, &end);
    if (end == value || *end || isnan(x)) return usage("--%s takes a number, and \"%s\" is none", o->name, value);
    if (x < o->least || x > o->most)
        return usage("--%s takes %g to %g, and %s is outside", o->name, o->least, o->most, value);
    *(double *)place(s, o) = x;
    return DONE;
}

static json_t *give_number(const settings *s, const option_row *o) {
    return json_real(*(const double *)place_in(s, o));
}

const option_kind number_kind = {take_number, give_number, false};

static int take_seed(settings *s, const option_row *o, const char *value) {
    const char *end;
    long long n;
    if (!whole_number(value, &end, &n) || *end || n < 0)
        return usage("--%s takes a whole number from 0 to %lld, and \"%s\" is none", o->name, LLONG_MAX, value);
    *(int64_t *)place(s, o) = n;
    return DONE;
}

static json_t *give_seed(const settings *s, const option_row *o) {
    int64_t n = *(const int64_t *)place_in(s, o);
    return n >= 0 ? json_integer(n) : NULL;
}

const option_kind seed_kind = {take_seed, give_seed, false};

static int take_size(settings *s, const option_row *o, const char *value) {
    const char *end;
    long long n[2];
    bool well = whole_number(value, &end, &n[0]);
    n[1] = n[0];
    if (well && (*end == 'x' || *end == 'X')) well = whole_number(end + 1, &end, &n[1]);
    if (!well || *end) return usage("--%s takes a size such as 512x768 or 512, and \"%s\" is none", o->name, value);
    for (int i = 0; i < 2; i++) {
        if (n[i] < o->least || n[i] > o->most)
            return usage("--%s takes sides of %g to %g pixels, and %s is outside", o->name, o->least, o->most, value);
        ((int *)place(s, o))[i] = (int)n[i];
    }
    return DONE;
}

const option_kind size_kind = {take_size, NULL, false};

static int take_list(settings *s, const option_row *o, const char *value) {
    numbers list = {0};
    const char *at = value;
    for (;;) {
        long long first, last;
        bool well = whole_number(at, &at, &first);
        last = first;
        if (well && *at == '-') well = whole_number(at + 1, &at, &last);
        if (!well || (*at && *at != ',')) {
            free(list.at);
            return usage("--%s takes numbers and ranges such as 4,6,10-20, and \"%s\" is none", o->name, value);
        }
        if (first < o->least || last > o->most || last < first) {
            free(list.at);
            return usage("--%s takes %g to %g, rising, and \"%s\" is not that", o->name, o->least, o->most, value);
        }
        if (list.count + (last - first) >= o->most * 4) {
            free(list.at);
            return usage("--%s names more than %g numbers", o->name, o->most * 4);
        }
        list.at = must(realloc(list.at, (size_t)(list.count + (last - first) + 1) * sizeof *list.at));
        for (long long n = first; n <= last; n++) list.at[list.count++] = (int)n;
        if (!*at) break;
        at++;
    }
    numbers *p = place(s, o);
    free(p->at);
    *p = list;
    return DONE;
}

static json_t *give_list(const settings *s, const option_row *o) {
    const numbers *list = place_in(s, o);
    if (!list->count) return NULL;
    char *text = must(malloc((size_t)list->count * 12)), *at = text;
    for (int i = 0; i < list->count; i++) at += sprintf(at, "%s%d", i ? "," : "", list->at[i]);
    json_t *json = json_string(text);
    free(text);
    return json;
}

const option_kind list_kind = {take_list, give_list, false};

/* ------------------------------------------------------------------------------------------------ words, texts */

static int words_in(const char *const *words) {
    int n = 0;
    while (words[n]) n++;
    return n;
}

static int take_choice(settings *s, const option_row *o, const char *value) {
    int n = words_in(o->words);
    for (int i = 0; i < n; i++)
        if (!strcmp(value, o->words[i])) {
            *(int *)place(s, o) = i;
            return DONE;
        }
    char list[128] = "";
    for (int i = 0; i < n; i++) {
        strcat(list, i == 0 ? "" : i == n - 1 ? " or " : ", ");
        strcat(list, o->words[i]);
    }
    return usage("--%s is %s, not \"%s\"%s", o->name, list, value, did_you_mean(s, value, o->words, n));
}

static json_t *give_choice(const settings *s, const option_row *o) {
    return json_string(o->words[*(const int *)place_in(s, o)]);
}

const option_kind choice_kind = {take_choice, give_choice, false};

static int take_text(settings *s, const option_row *o, const char *value) {
    *(const char **)place(s, o) = value;
    return DONE;
}

static json_t *give_text(const settings *s, const option_row *o) {
    const char *text = *(const char *const *)place_in(s, o);
    return text ? json_string(text) : NULL;
}

const option_kind text_kind = {take_text, give_text, false};
const option_kind prompt_kind = {take_text, give_text, false};

static int take_file(settings *s, const option_row *o, const char *value) {
    if (!*value) return usage("--%s takes a %s, and what is there is empty", o->name, o->argument);
    return take_text(s, o, value);
}

const option_kind file_kind = {take_file, give_text, true};

const option_kind sampler_kind = {take_text, give_text, false};

static int take_prompt(settings *s, const option_row *o, const char *value) {
    texts *list = place(s, o);
    list->at = must(realloc(list->at, (size_t)(list->count + 1) * sizeof *list->at));
    list->at[list->count++] = value;
    return DONE;
}

static json_t *give_prompts(const settings *s, const option_row *o) {
    const texts *list = place_in(s, o);
    json_t *json = must(json_array());
    for (int i = 0; i < list->count; i++) json_array_append_new(json, json_string(list->at[i]));
    return json;
}

const option_kind prompts_kind = {take_prompt, give_prompts, false};

static int take_files(settings *s, const option_row *o, const char *value) {
    if (!*value) return usage("--%s takes a %s, and what is there is empty", o->name, o->argument);
    return take_prompt(s, o, value);
}

const option_kind files_kind = {take_files, give_prompts, true};
