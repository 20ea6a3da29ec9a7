/* Prompts: from the command line, from files, from standard input; UTF-8 and of a bearable length, or refused. */
#include "kinds.h"
#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LONGEST_PROMPT = 16 * 1024, /* bytes; the text encoder reads some 75 words of it */
    LONGEST_LIST = 16 * 1024 * 1024,
    MOST_PROMPTS = 10000
};

/* Everything that `in` has, with a zero byte behind it; NULL with a sentence. */
static char *read_all(FILE *in, const char *name, size_t most, size_t *n) {
    char *text = must(malloc(most + 2));
    *n = fread(text, 1, most + 1, in);
    if (ferror(in)) {
        failure("%s cannot be read: %s", name, strerror(errno));
    } else if (*n > most) {
        usage("%s is longer than %zu bytes; of a prompt some 75 words are read", name, most);
    } else {
        text[*n] = 0;
        return text;
    }
    free(text);
    return NULL;
}

static int read_file(settings *s, const char *path, size_t most, const char **text, size_t *n) {
    bool standard_input = !strcmp(path, "-");
    const char *name = standard_input ? "standard input" : path;
    FILE *in = standard_input ? stdin : fopen(path, "rb");
    if (!in) return failure("%s cannot be opened: %s", name, strerror(errno));
    char *all = read_all(in, name, most, n);
    if (!standard_input) fclose(in);
    if (!all) return *n > most ? BAD_USAGE : FAILED;
    *text = own(s, all);
    if (strlen(all) != *n) return usage("%s has a zero byte at place %zu: it is not a text", name, strlen(all));
    return DONE;
}

/* jansson takes UTF-8 and nothing else. */
static bool is_utf8(const char *text) {
    json_t *json = json_string(text);
    json_decref(json);
    return json != NULL;
}

/* `what` is "--prompt", or the file that the text is a line of. */
static int check(const char *what, const char *text) {
    if (strlen(text) > LONGEST_PROMPT)
        return usage("%s is %zu bytes long, and %d are the limit: of a prompt some 75 words are read", what,
                     strlen(text), LONGEST_PROMPT);
    if (!is_utf8(text)) return usage("%s is not UTF-8 (iconv -f latin1 -t utf-8 converts older texts)", what);
    return DONE;
}

/* What the option's value stands for: itself, @FILE's content, standard input; @@ at the start is a plain @. */
static int fetch(settings *s, const char *option, const char **value) {
    const char *text = *value, *what = option;
    size_t n;
    if (!strcmp(text, "-") || (*text == '@' && text[1] != '@')) {
        const char *path = *text == '@' ? text + 1 : text;
        if (!*path)
            return usage("%s @ is to be followed by a file's name (a prompt that starts with @ is written with @@)",
                         option);
        int rc = read_file(s, path, LONGEST_PROMPT, &text, &n);
        if (rc) return rc;
        what = path;
        while (n && (text[n - 1] == '\n' || text[n - 1] == '\r')) n--;
        text = format_text(s, "%.*s", (int)n, text);
    } else if (*text == '@') {
        text++;
    }
    *value = text;
    return check(what, text);
}

static void append(texts *list, const char *text) {
    list->at = must(realloc(list->at, (size_t)(list->count + 1) * sizeof *list->at));
    list->at[list->count++] = text;
}

int lines_read(texts *list, settings *s, const char *path) {
    const char *text;
    size_t n;
    int rc = read_file(s, path, LONGEST_LIST, &text, &n), before = list->count;
    while (!rc && *text) {
        size_t line = strcspn(text, "\n"), length = line;
        if (length && text[length - 1] == '\r') length--;
        if (length > LONGEST_PROMPT)
            return usage("%s has a line of %zu bytes, and %d are the limit", path, length, LONGEST_PROMPT);
        if (length) {
            append(list, format_text(s, "%.*s", (int)length, text));
            rc = check(path, list->at[list->count - 1]);
        }
        text += line + (text[line] == '\n');
    }
    if (!rc && list->count == before) return usage("%s has no prompt in it: it takes one a line", path);
    if (!rc && list->count > MOST_PROMPTS)
        return usage("%s has %d prompts, and %d are the limit", path, list->count - before, MOST_PROMPTS);
    return rc;
}

int prompts_read(settings *s) {
    int rc = DONE, from_stdin = 0;
    const char **single[] = {&s->source, &s->negative};
    static const char *const names[] = {"--source", "--negative"};
    for (int i = 0; i < s->prompts.count; i++) from_stdin += !strcmp(s->prompts.at[i], "-");
    for (int i = 0; i < 2; i++) from_stdin += *single[i] && !strcmp(*single[i], "-");
    from_stdin += s->prompts_file && !strcmp(s->prompts_file, "-");
    if (from_stdin > 1) return usage("%d texts are to come from standard input, which can be read once", from_stdin);

    for (int i = 0; i < s->prompts.count && !rc; i++) rc = fetch(s, "--prompt", &s->prompts.at[i]);
    for (int i = 0; i < 2 && !rc; i++)
        if (*single[i]) rc = fetch(s, names[i], single[i]);
    if (!rc && s->prompts_file) rc = lines_read(&s->prompts, s, s->prompts_file);
    if (!rc && s->subject_words) rc = check("--subject-words", s->subject_words);
    if (!rc && s->target_words) rc = check("--target-words", s->target_words);
    if (rc) return rc;
    for (int i = 0; i < s->prompts.count; i++)
        if (!s->prompts.at[i][strspn(s->prompts.at[i], " \t\r\n")])
            warning("prompt %d is empty: the picture will show what the model likes", i + 1);
    return DONE;
}
