/* Completions for shells, as scripts in their languages. */
#include "help.h"
#include "kinds.h"

#include <stdio.h>
#include <string.h>

const char *const completion_shells[] = {"bash", "zsh", "fish", NULL};

static const char *const *words_of(const option_row *o) {
    return o->kind == &sampler_kind ? ss_sampler_names() : o->words;
}

/* Samplers have spaces in their names, and hyphens do as well. */
static void print_words(const char *const *words) {
    for (int i = 0; words[i]; i++) {
        if (i) putchar(' ');
        for (const char *c = words[i]; *c; c++) putchar(*c == ' ' ? '-' : *c);
    }
}

static void print_verb_names(void) {
    for (int i = 0; i < verb_count; i++) printf("%s ", verbs[i].name);
}

/* ------------------------------------------------------------------------------------------------ bash */

static void print_bash(void) {
    fputs("_selfsame() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} words=\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        COMPREPLY=($(compgen -W '",
          stdout);
    print_verb_names();
    puts("--help --version --completion' -- \"$cur\"))\n"
         "        return\n"
         "    fi\n"
         "    case $verb/$prev in\n"
         "        --completion/*) words='bash zsh fish' ;;");
    for (int i = 0; i < option_count; i++) {
        if (!options[i].argument) continue;
        printf("        */--%s", options[i].name);
        if (options[i].letter) printf(" | */-%c", options[i].letter);
        fputs(") ", stdout);
        if (words_of(&options[i])) {
            fputs("words='", stdout);
            print_words(words_of(&options[i]));
            puts("' ;;");
        } else if (options[i].kind->names_file) {
            puts("COMPREPLY=($(compgen -f -- \"$cur\")); return ;;");
        } else {
            puts("return ;;");
        }
    }
    puts("    esac\n"
         "    if [[ -z $words && $cur == -* ]]; then\n"
         "        case $verb in");
    for (int v = 0; v < verb_count; v++) {
        printf("            %s) words='", verbs[v].name);
        for (int i = 0; i < option_count; i++)
            if (options[i].verbs & verbs[v].bit) printf("--%s ", options[i].name);
        puts("' ;;");
    }
    puts("        esac\n"
         "    fi\n"
         "    if [[ -n $words ]]; then\n"
         "        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "    else\n"
         "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
         "    fi\n"
         "}\n"
         "complete -o filenames -F _selfsame selfsame");
}

/* ------------------------------------------------------------------------------------------------ zsh */

/* Within '...[text]:...' of _arguments. */
static void zsh_text(const char *text) {
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *c))
            printf("\\%c", *c);
        else
            putchar(*c);
    }
}

static void print_zsh_option(const option_row *o) {
    fputs(" \\\n                '", stdout);
    if (o->kind == &prompts_kind)
        printf("*'{-%c,--%s}'[", o->letter, o->name);
    else if (o->letter)
        printf("(-%c --%s)'{-%c,--%s}'[", o->letter, o->name, o->letter, o->name);
    else
        printf("--%s[", o->name);
    zsh_text(o->help);
    putchar(']');
    if (o->argument) {
        printf(":%s:", o->argument);
        if (words_of(o)) {
            putchar('(');
            print_words(words_of(o));
            putchar(')');
        } else if (o->kind->names_file) {
            fputs("_files", stdout);
        }
    }
    putchar('\'');
}

static void print_zsh(void) {
    puts("#compdef selfsame\n"
         "_selfsame() {\n"
         "    if ((CURRENT == 2)); then\n"
         "        local -a verbs=(");
    for (int i = 0; i < verb_count; i++) {
        printf("            '%s:", verbs[i].name);
        zsh_text(verbs[i].what);
        puts("'");
    }
    puts("        )\n"
         "        _describe verb verbs\n"
         "        return\n"
         "    fi\n"
         "    local verb=$words[2]\n"
         "    shift words\n"
         "    ((CURRENT--))\n"
         "    case $verb in");
    for (int v = 0; v < verb_count; v++) {
        printf("        %s)\n            _arguments", verbs[v].name);
        for (int i = 0; i < option_count; i++)
            if (options[i].verbs & verbs[v].bit) print_zsh_option(&options[i]);
        if (verbs[v].operand) printf(" \\\n                '1:%s:_files'", verbs[v].operand);
        puts(" ;;");
    }
    puts("    esac\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _selfsame ]; then _selfsame \"$@\"; else compdef _selfsame selfsame; fi");
}

/* ------------------------------------------------------------------------------------------------ fish */

static void fish_text(const char *text) {
    for (const char *c = text; *c; c++) printf(strchr("'\\", *c) ? "\\%c" : "%c", *c);
}

static void print_fish(void) {
    puts("complete -c selfsame -f -n __fish_use_subcommand -l help -d 'What the verbs are'\n"
         "complete -c selfsame -f -n __fish_use_subcommand -l version -d 'Which selfsame this is'\n"
         "complete -c selfsame -f -n __fish_use_subcommand -l completion -x -a 'bash zsh fish' -d 'This script'");
    for (int v = 0; v < verb_count; v++) {
        printf("complete -c selfsame -f -n __fish_use_subcommand -a %s -d '", verbs[v].name);
        fish_text(verbs[v].what);
        puts("'");
        if (!verbs[v].operand) printf("complete -c selfsame -f -n '__fish_seen_subcommand_from %s'\n", verbs[v].name);
    }
    for (int i = 0; i < option_count; i++) {
        const option_row *o = &options[i];
        fputs("complete -c selfsame -n '__fish_seen_subcommand_from", stdout);
        for (int v = 0; v < verb_count; v++)
            if (o->verbs & verbs[v].bit) printf(" %s", verbs[v].name);
        printf("' -l %s", o->name);
        if (o->letter) printf(" -s %c", o->letter);
        if (words_of(o)) {
            fputs(" -x -a '", stdout);
            print_words(words_of(o));
            putchar('\'');
        } else if (o->argument) {
            fputs(o->kind->names_file ? " -r -F" : " -x", stdout);
        }
        fputs(" -d '", stdout);
        fish_text(o->help);
        puts("'");
    }
}

bool print_completion(const char *shell) {
    static void (*const print[])(void) = {print_bash, print_zsh, print_fish};
    for (int i = 0; completion_shells[i]; i++)
        if (!strcmp(shell, completion_shells[i])) {
            print[i]();
            return true;
        }
    return false;
}
