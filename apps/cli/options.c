/* The command line into settings: parsing by getopt_long, suggestions, and what contradicts what. */
#include "options.h"

#include "kinds.h"
#include "say.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ texts that s owns */

void *must(void *p) {
    if (p) return p;
    fputs("selfsame: out of memory\n", stderr);
    exit(FAILED);
}

const char *own(settings *s, char *text) {
    s->owned = must(realloc(s->owned, (size_t)(s->owned_count + 1) * sizeof *s->owned));
    return s->owned[s->owned_count++] = text;
}

const char *format_text(settings *s, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = must(n < 0 ? NULL : malloc((size_t)n + 1));
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return own(s, text);
}

void settings_free(settings *s) {
    for (int i = 0; i < s->owned_count; i++) free(s->owned[i]);
    free(s->owned);
    free(s->operands.at);
    free(s->prompts.at);
    free(s->subjects.at);
    free(s->step_list.at);
    json_decref(s->report);
    *s = (settings){0};
}

/* ------------------------------------------------------------------------------------------------ rows */

const verb *verb_of(unsigned bit) {
    const verb *v = verbs;
    while (v->bit != bit) v++;
    return v;
}

const option_row *option_named(const char *name) {
    for (int i = 0; i < option_count; i++)
        if (!strcmp(options[i].name, name)) return &options[i];
    return NULL;
}

bool given(const settings *s, const char *name) {
    const option_row *o = option_named(name);
    assert(o);
    return s->given[o - options];
}

const char *did_you_mean(settings *s, const char *word, const char *const *words, int count) {
    const char *near = ss_nearest(word, words, count);
    return near ? format_text(s, "; did you mean \"%s\"?", near) : "";
}

static const char *verbs_that_take(settings *s, const option_row *o) {
    const char *list = "";
    for (int i = 0; i < verb_count; i++)
        if (o->verbs & verbs[i].bit) list = format_text(s, "%s%s%s", list, *list ? ", " : "", verbs[i].name);
    return list;
}

/* ------------------------------------------------------------------------------------------------ parsing */

static int unknown(settings *s, const char *word) {
    const verb *v = s->verb;
    const char *names[MOST_OPTIONS];
    int n = 0;
    size_t length = strcspn(word, "=");
    const char *name = format_text(s, "%.*s", (int)length, word);
    const option_row *elsewhere = strncmp(name, "--", 2) ? NULL : option_named(name + 2);
    if (elsewhere && !(elsewhere->verbs & v->bit))
        return usage("%s does not go with %s, only with %s", name, v->name, verbs_that_take(s, elsewhere));
    const char *beginnings = "";
    for (int i = 0; i < option_count; i++) {
        if (!(options[i].verbs & v->bit)) continue;
        names[n++] = format_text(s, "--%s", options[i].name);
        if (!strncmp(names[n - 1], name, strlen(name)))
            beginnings = format_text(s, "%s%s%s", beginnings, *beginnings ? " or " : "", names[n - 1]);
    }
    if (*beginnings && strlen(name) > 2) return usage("%s could be %s: write it out", name, beginnings);
    return usage("there is no option %s%s (selfsame %s --help lists them)", name, did_you_mean(s, name, names, n),
                 v->name);
}

static int take_operand(settings *s, const char *word) {
    if (!s->verb->operand)
        return usage("\"%s\" stands there without an option before it%s", word,
                     s->verb->bit == GENERATE ? "; the prompt goes behind -p, in quotation marks" : "");
    if (s->operand && !strstr(s->verb->operand, "..."))
        return usage("%s takes one %s, and there are two: \"%s\" and \"%s\"", s->verb->name, s->verb->operand,
                     s->operand, word);
    if (!*word) return usage("the %s is named by an empty text", s->verb->operand);
    s->operands.at = must(realloc(s->operands.at, (size_t)(s->operands.count + 1) * sizeof *s->operands.at));
    s->operands.at[s->operands.count++] = word;
    s->operand = s->operands.at[0];
    return DONE;
}

int options_preset(settings *s, const verb *v) {
    s->verb = v;
    s->seed = -1;
    int rc = DONE;
    /* The verb's own last: what two verbs call the same may begin otherwise. */
    for (int i = 0; i < 2 * option_count && !rc; i++) {
        const option_row *o = &options[i % option_count];
        bool own = o->verbs & v->bit;
        if (o->preset && own == (i >= option_count)) rc = o->kind->take(s, o, o->preset);
    }
    assert(!rc);
    return rc;
}

int options_parse(settings *s, const verb *v, int argc, char **argv) {
    assert(option_count < MOST_OPTIONS);
    struct option rows[MOST_OPTIONS] = {0};
    char letters[3 + 2 * MOST_OPTIONS] = "-:", *letter = letters + 2; /* operands come as code 1, in their place */
    int row_of[MOST_OPTIONS], n = 0;
    for (int i = 0; i < option_count; i++) {
        const option_row *o = &options[i];
        if (!(o->verbs & v->bit)) continue;
        row_of[n] = i;
        rows[n++] = (struct option){o->name, o->argument ? required_argument : no_argument, NULL, 256 + i};
        if (o->letter) *letter++ = o->letter;
        if (o->letter && o->argument) *letter++ = ':';
    }

    int rc = options_preset(s, v);
    opterr = 0;
    optind = 1;
    while (!rc) {
        int c = getopt_long(argc, argv, letters, rows, NULL);
        if (c < 0) break;
        const char *word = argv[optind - 1];
        if (c == 1) {
            rc = take_operand(s, optarg);
            continue;
        }
        const option_row *o = c >= 256 ? &options[c - 256] : NULL;
        for (int i = 0; i < n && !o && c != '?' && c != ':'; i++)
            if (options[row_of[i]].letter == c) o = &options[row_of[i]];
        if (c == ':') {
            rc = usage("%s takes a value, and nothing follows it", word);
        } else if (c == '?' && !strncmp(word, "--", 2) && strchr(word, '=') && optopt >= 256) {
            rc = usage("--%s is a switch and takes no value", options[optopt - 256].name);
        } else if (!o) {
            bool is_letter = strncmp(word, "--", 2) && optopt;
            rc = unknown(s, is_letter ? format_text(s, "-%c", optopt) : word);
        } else if (optarg == word && !strncmp(optarg, "--", 2)) {
            rc = usage("--%s takes a value, and \"%s\" looks like the next option (if it is the value, write --%s=%s)",
                       o->name, word, o->name, word);
        } else {
            s->given[o - options] = true;
            rc = o->kind->take(s, o, optarg);
        }
    }
    while (!rc && optind < argc) rc = take_operand(s, argv[optind++]);
    return rc;
}

/* ------------------------------------------------------------------------------------------------ contradictions */

typedef struct rule {
    const char *option, *other, *why;
} rule;

/* The first makes sense only with the second. */
static const rule needs[] = {
    {"strength", "init", "it says how much of that picture is drawn anew"},
    {"compare", "sheet", "the sheet is where both are shown"},
    {"clip", "sample-every", "it says how the samples do"},
    {"resume", "run", "that is the folder with the state to go on from"},
    {"class-caption", "class-photos", "it says what those show"},
    {"story-photo", "story", "the story's pictures read it"},
    {"source-mask", "target-mask", "the subject's places in the photo and in the picture go together"},
    {"target-mask", "source-mask", "the subject's places in the photo and in the picture go together"},
};

/* The two cannot both be. */
static const rule excludes[] = {
    {"step-list", "start-step", "the list names every step"},
    {"step-list", "end-step", "the list names every step"},
    {"step-list", "every", "the list names every step"},
    {"step-list", "last-digit", "the list names every step"},
    {"size", "width", "the size names both sides"},
    {"size", "height", "the size names both sides"},
    {"images", "batch", "the first counts seeds up, the second draws all pictures from one"},
};

/* Which methods an option goes with; bit i is method_words[i]. */
enum { PLAIN = 1, UNION = 2, MASK = 4, AUTO_MASK = 8, CONTROLLED = PLAIN | UNION | MASK | AUTO_MASK };

static const struct {
    const char *option;
    unsigned methods;
} of_method[] = {
    {"source-mask", MASK},       {"target-mask", MASK},     {"subject-words", AUTO_MASK},
    {"target-words", AUTO_MASK}, {"threshold", AUTO_MASK},  {"layers", CONTROLLED},
    {"start-step", CONTROLLED},  {"end-step", CONTROLLED},  {"every", CONTROLLED},
    {"last-digit", CONTROLLED},  {"step-list", CONTROLLED}, {"keep-keys", CONTROLLED},
    {"save-masks", AUTO_MASK},   {"compare", CONTROLLED},   {"background", MASK | AUTO_MASK},
};

static int check_pairs(const settings *s) {
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (given(s, needs[i].option) && !given(s, needs[i].other))
            return usage("--%s makes sense only with --%s, which is not there: %s", needs[i].option, needs[i].other,
                         needs[i].why);
    for (size_t i = 0; i < sizeof excludes / sizeof *excludes; i++)
        if (given(s, excludes[i].option) && given(s, excludes[i].other))
            return usage("--%s and --%s contradict each other: %s", excludes[i].option, excludes[i].other,
                         excludes[i].why);
    return DONE;
}

static int check_method(settings *s) {
    for (size_t i = 0; i < sizeof of_method / sizeof *of_method; i++) {
        if (!given(s, of_method[i].option) || of_method[i].methods >> s->method & 1) continue;
        const char *list = "";
        for (int m = 0; method_words[m]; m++)
            if (of_method[i].methods >> m & 1)
                list = format_text(s, "%s%s%s", list, *list ? ", " : "", method_words[m]);
        return usage("--%s goes with --method %s, and the method is %s", of_method[i].option, list,
                     method_words[s->method]);
    }
    if (s->method == SS_METHOD_MASK && !given(s, "source-mask"))
        return usage(
            "--method mask takes the subject's places from --source-mask and --target-mask, which are not there");
    if (s->draw_source && (!s->source || !*s->source))
        return usage("--draw-source draws what --source says, which is not there");
    if (s->draw_source && s->inversion != SS_INVERT_DIRECT)
        return usage("--draw-source draws the source and inverts nothing, so --inversion does not go with it");
    bool asks_for_source = s->verb->bit == EDIT || s->photo;
    if (s->method == SS_METHOD_AUTO && asks_for_source && (!s->source || !*s->source))
        return usage(
            "--method auto-mask finds the subject by a word of --source, which is not there: say what the photo shows");
    if (s->inversion == SS_INVERT_NEGATIVE && given(s, "negative"))
        return usage(
            "--negative and --inversion negative-prompt contradict each other: the source prompt stands in its place");
    return DONE;
}

static int check_steps(const settings *s) {
    if (s->start_step >= s->steps && given(s, "start-step"))
        return usage("--start-step %d never comes: --steps %d are counted from 0 to %d", s->start_step, s->steps,
                     s->steps - 1);
    if (s->end_step && s->end_step < s->start_step)
        return usage("--end-step %d comes before --start-step %d", s->end_step, s->start_step);
    bool some = !s->step_list.count;
    for (int i = 0; i < s->step_list.count; i++) some = some || s->step_list.at[i] < s->steps;
    if (!some)
        return usage("none of the steps in --step-list ever comes: --steps %d are counted from 0 to %d", s->steps,
                     s->steps - 1);
    bool idle = s->start_step >= s->steps && !s->step_list.count && s->method != SS_METHOD_NONE;
    if (idle)
        warning("the photo is read from step %d on, and there are only %d steps: nothing will be carried over "
                "(--start-step changes that)",
                s->start_step, s->steps);
    return DONE;
}

int options_check(settings *s) {
    const verb *v = s->verb;
    hush(s->quiet);
    if (v->bit == EDIT && s->draw_source && s->operand)
        return usage("--draw-source draws the source, and \"%s\" is one, too: one of them is enough", s->operand);
    if (v->operand && !s->operand && !s->concepts && !s->draw_source && v->bit != CONVERT)
        return usage("selfsame %s takes a %s, which is not there", v->name, v->operand);
    bool draws = v->bit & (GENERATE | EDIT | STORY);
    if ((draws || v->bit & (BENCH | TRAIN | MERGE | COMPRESS | SCORE)) && !s->model)
        return usage("which model? Name it with -m: a diffusers folder, or a .safetensors or .ckpt file");
    if (v->bit == SCORE && !given(s, "profile")) return usage("by which bench? --profile names it: clay");
    if (draws && !s->prompts.count && !s->prompts_file)
        return usage("what shall be drawn? Say it with -p, in quotation marks");
    if (v->bit == GENERATE && s->prompts.count > 1)
        return usage(
            "generate takes one prompt, and there are two: \"%s\" and \"%s\" (--images draws several pictures)",
            s->prompts.at[0], s->prompts.at[1]);
    if (v->bit == GENERATE && given(s, "fit") && !s->photo)
        return usage(
            "--fit makes sense only with --init, which is not there: it says how that picture is brought to the size");
    int rc = check_pairs(s);
    bool edits = v->bit & (EDIT | STORY);
    if (!rc && edits) rc = check_method(s);
    if (!rc && edits) rc = check_steps(s);
    if (rc) return rc;
    if (s->size[0]) s->width = s->size[0], s->height = s->size[1];
    if (v->bit == TRAIN && s->width != s->height)
        return usage("training pictures are squares: --size takes one number, and %dx%d is there", s->width, s->height);
    for (int i = 0; i < 2; i++) {
        int *side = i ? &s->height : &s->width;
        if (*side % 8)
            note("%s %d is rounded down to %d, a multiple of 8", i ? "height" : "width", *side, *side / 8 * 8);
        *side = *side / 8 * 8;
    }
    return DONE;
}

/* ------------------------------------------------------------------------------------------------ recipes */

int options_from_json(settings *s, const json_t *object, const char *picture) {
    for (int i = 0; i < option_count; i++) {
        const option_row *o = &options[i];
        const json_t *value = json_object_get(object, o->name);
        if (!o->recipe || !(o->verbs & s->verb->bit) || !value) continue;
        size_t n = json_is_array(value) ? json_array_size(value) : 1;
        for (size_t j = 0; j < n; j++) {
            const json_t *one = json_is_array(value) ? json_array_get(value, j) : value;
            const char *text = json_string_value(one);
            if (json_is_integer(one)) text = format_text(s, "%lld", (long long)json_integer_value(one));
            if (json_is_real(one)) text = format_text(s, "%.17g", json_real_value(one));
            if (!text && !json_is_true(one))
                return failure("%s: its recipe's \"%s\" is neither text, number nor true", picture, o->name);
            if (!text != !o->argument)
                return failure("%s: its recipe's \"%s\" has a value of the wrong kind", picture, o->name);
            if (o->kind->take(s, o, text ? text : "")) return FAILED;
        }
    }
    return DONE;
}

json_t *options_to_json(const settings *s) {
    json_t *object = must(json_object());
    for (int i = 0; i < option_count; i++) {
        const option_row *o = &options[i];
        if (!o->recipe || !(o->verbs & s->verb->bit)) continue;
        json_t *value = o->kind->give(s, o);
        if (value) json_object_set_new(object, o->name, value);
    }
    return object;
}
