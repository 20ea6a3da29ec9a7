/* What training on the built-in model is good for, measured: individuals that the model has never seen are learned from
 * five photos each, and asked for two scenes of the clay bench, with and without what was learned, with and without the
 * subject of the first photo carried over by MasaCtrl. Everything starts from the same noise. Tables in Markdown on
 * standard output; photos and pictures stay in FOLDER.
 *
 *     bench-learn MODEL FOLDER [INDIVIDUALS] [STEPS] [RATE]
 *
 * Defaults: 4 individuals, 150 steps of all of cross-attention at a rate of 0.0004. Beside the photos the training sees
 * twenty rendered pictures of others of the class. */
#include "score/interval.h"
#include "score/player.h"
#include "score/readers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { PHOTOS = 5, OTHERS = 20, SEEDS = 2, MOST = 64, FIRST = 9001, OTHERS_SEED = 101, SIDE = 256 };

typedef enum arm { CLASS, NAMED, LEARNED, CARRIED_CLASS, CARRIED_NAMED, CARRIED_LEARNED, ARMS } arm;
static const char *const arm_names[ARMS] = {
    "`a dog ...`",          "`a blue dog ...`",          "`a <new1> dog ...`",
    "carried, `a dog ...`", "carried, `a blue dog ...`", "carried, `a <new1> dog ...`"};

typedef enum measure { OF_IDENTITY, OF_SPECIES, OF_ACTION, OF_PLACE, OF_MEAN, MEASURES } measure;
static const ss_clay_part part_of[MEASURES] = {
    [OF_SPECIES] = SS_CLAY_SPECIES, [OF_ACTION] = SS_CLAY_ACTION, [OF_PLACE] = SS_CLAY_PLACE};

typedef struct bench {
    ss_ctx *cx;
    ss_model *m;
    ss_readers *readers;
    const char *folder;
    int steps;
    double rate;
    ss_player player;
    ss_image photo; /* the first one */
    ss_read known[PHOTOS];
    double value[ARMS][MEASURES][MOST]; /* by individual: means of its pictures */
    double seconds[MOST];
} bench;

static char *folder_of(const bench *b, const char *name) {
    char *path = ss_format(b->cx, "%s/%llu-%s", b->folder, (unsigned long long)b->player.seed, name);
    if (path && mkdir(path, 0777) && errno != EEXIST) {
        ss_fail(b->cx, SS_ERR_FILE, "%s: %s", path, strerror(errno));
        free(path);
        path = NULL;
    }
    return path;
}

static ss_status write_picture(const bench *b, const char *folder, const char *name, int number, const ss_image *im) {
    char *path = ss_format(b->cx, "%s/%s%d.png", folder, name, number);
    ss_status st = path ? ss_image_write(b->cx, path, im, NULL) : SS_ERR_NOMEM;
    free(path);
    return st;
}

static ss_status look(ss_read *out, const bench *b, const ss_image *im) {
    ss_status st = ss_readers_look(out, b->cx, b->readers, im);
    if (!st) free(out->mask);
    return st;
}

/* "a blue dog sitting in a meadow" in the words of an arm. */
static char *in_words(const bench *b, const char *caption, arm a) {
    const char *species = ss_clay_words(SS_CLAY_SPECIES)[b->player.photo.id.species], *from = strstr(caption, species);
    if (a == NAMED || a == CARRIED_NAMED) return ss_format(b->cx, "%s", caption);
    if (a == CLASS || a == CARRIED_CLASS) return ss_format(b->cx, "%s %s", species[0] == 'e' ? "an" : "a", from);
    return ss_format(b->cx, "a <new1> %s", from);
}

static ss_status write_caption(const bench *b, FILE *to, const ss_clay_scene *s, arm a) {
    char plain[CAPTION_BYTES];
    ss_clay_caption_plain(plain, s);
    char *text = in_words(b, plain, a);
    if (text) fprintf(to, "%s\n", text);
    free(text);
    return b->cx->status;
}

/* `count` scenes of a request as pictures in a folder, and a file with what each shows; of the photos also what is read
 * from them. */
static ss_status render(bench *b, const char *folder, const ss_clay_request *q, int count, bool photos) {
    char *path = ss_format(b->cx, "%s.txt", folder);
    FILE *captions = path ? fopen(path, "w") : NULL;
    ss_status st = captions ? SS_OK : ss_fail(b->cx, SS_ERR_FILE, "%s.txt: %s", folder, strerror(errno));
    free(path);
    for (int i = 0; i < count && !st; i++) {
        ss_clay_scene s;
        ss_image im = {.w = SIDE, .h = SIDE, .rgb = ss_alloc(b->cx, 3 * SIDE * SIDE, 1)};
        st = b->cx->status;
        if (!st) st = ss_clay_scene_draw(&s, b->cx, q, (uint64_t)i);
        if (!st) st = ss_clay_render(b->cx, &s, &(ss_clay_picture){.size = SIDE, .rgb = im.rgb});
        if (!st) st = write_picture(b, folder, "", i + 1, &im);
        if (!st) st = write_caption(b, captions, &s, photos ? LEARNED : NAMED);
        if (!st && photos) st = look(&b->known[i], b, &im);
        if (!st && photos && !i)
            b->photo = im;
        else
            ss_image_free(&im);
    }
    if (captions && fclose(captions) && !st) st = ss_fail(b->cx, SS_ERR_FILE, "%s.txt: %s", folder, strerror(errno));
    return st;
}

static ss_status measure_picture(bench *b, int who, arm a, int target, double share, const ss_image *im) {
    ss_read read;
    ss_status st = look(&read, b, im);
    if (st) return st;
    for (int i = 0; i < PHOTOS; i++)
        b->value[a][OF_IDENTITY][who] += share * ss_read_alike(&read, &b->known[i]) / PHOTOS;
    for (measure k = OF_SPECIES; k <= OF_PLACE; k++) {
        bool right = read.part[part_of[k]] == ss_clay_scene_part(&b->player.target[target], part_of[k]);
        b->value[a][k][who] += share * right;
        b->value[a][OF_MEAN][who] += share * right / (OF_PLACE - OF_SPECIES + 1);
    }
    return SS_OK;
}

static ss_status from_text(bench *b, int who, arm a, const char *folder) {
    ss_status st = SS_OK;
    for (int t = 0; t < SS_PLAYER_TARGETS && !st; t++) {
        char *prompt = in_words(b, b->player.prompt[t], a), *name = ss_format(b->cx, "arm%d-", a);
        for (int i = 0; i < SEEDS && prompt && name && !st; i++) {
            ss_generate_request q = {.prompt = prompt,
                                     .width = SIDE,
                                     .height = SIDE,
                                     .seed = b->player.seed + (uint64_t)i,
                                     .sampling = {.steps = 30, .guidance = 4}};
            ss_image im = {0};
            st = ss_generate(&im, b->cx, b->m, &q);
            if (!st) st = measure_picture(b, who, a, t, 1.0 / (SS_PLAYER_TARGETS * SEEDS), &im);
            if (!st) st = write_picture(b, folder, name, SEEDS * t + i + 1, &im);
            ss_image_free(&im);
        }
        if (!prompt || !name) st = SS_ERR_NOMEM;
        free(prompt), free(name);
    }
    return st;
}

static ss_status from_photo(bench *b, int who, arm a, const char *folder) {
    char *prompts[SS_PLAYER_TARGETS], *source = in_words(b, b->player.source, a), *name = ss_format(b->cx, "arm%d-", a);
    for (int t = 0; t < SS_PLAYER_TARGETS; t++) prompts[t] = in_words(b, b->player.prompt[t], a);
    ss_status st = b->cx->status;
    for (int i = 0; i < SEEDS && !st; i++) {
        ss_edited e = {0};
        ss_edit_request q = {.photo = &b->photo,
                             .width = SIDE,
                             .height = SIDE,
                             .source = source,
                             .prompts = (const char *const *)prompts,
                             .prompt_count = SS_PLAYER_TARGETS,
                             .seed = b->player.seed + (uint64_t)i,
                             .fresh = 1,
                             .method = SS_METHOD_AUTO,
                             .subject = ss_clay_words(SS_CLAY_SPECIES)[b->player.photo.id.species],
                             .own_background = true,
                             .sampling = {.steps = 30, .guidance = 4}};
        st = ss_edit(&e, b->cx, b->m, &q);
        for (int t = 0; t < SS_PLAYER_TARGETS && !st; t++) {
            st = measure_picture(b, who, a, t, 1.0 / (SS_PLAYER_TARGETS * SEEDS), &e.targets[t]);
            if (!st) st = write_picture(b, folder, name, SEEDS * t + i + 1, &e.targets[t]);
        }
        ss_edited_free(&e);
    }
    for (int t = 0; t < SS_PLAYER_TARGETS; t++) free(prompts[t]);
    free(source), free(name);
    return st;
}

static ss_status learn(bench *b, int who, const char *photos, const char *others) {
    struct timespec begin, end;
    char *told = ss_format(b->cx, "%s.txt", photos), *class = ss_format(b->cx, "%s.txt", others);
    if (!told || !class) {
        free(told), free(class);
        return SS_ERR_NOMEM;
    }
    ss_train_concept concept = {.photos = photos,
                                .class_word = ss_clay_words(SS_CLAY_SPECIES)[b->player.photo.id.species],
                                .prompt = told,
                                .class_photos = others,
                                .class_prompt = class};
    ss_train_request q = {.concepts = &concept,
                          .concept_count = 1,
                          .parameters = "crossattn",
                          .steps = b->steps,
                          .rate = b->rate,
                          .still = true,
                          .flip = -1,
                          .clip = "",
                          .seed = 42};
    ss_subject *subject = NULL;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    ss_status st = ss_train(&subject, b->cx, b->m, &q);
    clock_gettime(CLOCK_MONOTONIC, &end);
    b->seconds[who] = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    ss_subject_free(subject);
    free(told), free(class);
    return st;
}

static ss_status play(bench *b, int who) {
    ss_status st = ss_player_of(&b->player, b->cx, FIRST + (uint64_t)who);
    if (st) return st;
    const ss_clay_identity *id = &b->player.photo.id;
    ss_clay_request own = {.seed = b->player.seed, .small = true, .who = id},
                    class = {.seed = OTHERS_SEED, .small = true};
    class.word[SS_CLAY_SPECIES] = ss_clay_words(SS_CLAY_SPECIES)[id->species];
    char *photos = folder_of(b, "photos"), *others = folder_of(b, "others"), *drawn = folder_of(b, "drawn");
    st = b->cx->status;
    if (!st) st = render(b, photos, &own, PHOTOS, true);
    if (!st) st = render(b, others, &class, OTHERS, false);
    if (!st) st = from_text(b, who, CLASS, drawn);
    if (!st) st = from_text(b, who, NAMED, drawn);
    if (!st) st = from_photo(b, who, CARRIED_CLASS, drawn);
    if (!st) st = from_photo(b, who, CARRIED_NAMED, drawn);
    if (!st) st = learn(b, who, photos, others);
    if (!st) st = from_text(b, who, LEARNED, drawn);
    if (!st) st = from_photo(b, who, CARRIED_LEARNED, drawn);
    ss_image_free(&b->photo);
    free(photos), free(others), free(drawn);
    return st;
}

static void print_row(const char *name, const double value[MEASURES][MOST], int n, const char *sign) {
    printf("| %s |", name);
    for (int k = 0; k < MEASURES; k++) {
        ss_interval i = ss_interval_of(value[k], n);
        double half = (i.high - i.low) / 2, unit = k == OF_IDENTITY ? 1 : 100;
        char text[40];
        snprintf(text, sizeof text, k == OF_IDENTITY ? "%.2f ± %.2f" : "%.0f ± %.0f", unit * i.mean, unit * half);
        printf(" %s%s |", *sign && i.mean >= 0 ? sign : "", text);
    }
    putchar('\n');
}

static void print_difference(const bench *b, arm a, arm minus, int n) {
    double value[MEASURES][MOST];
    char name[100];
    snprintf(name, sizeof name, "%s - %s", arm_names[a], arm_names[minus]);
    for (int k = 0; k < MEASURES; k++)
        for (int i = 0; i < n; i++) value[k][i] = b->value[a][k][i] - b->value[minus][k][i];
    print_row(name, value, n, "+");
}

static void print_tables(const bench *b, int n) {
    const char *head = "| pictures | identity | species % | action % | place % | mean of the three % |\n"
                       "| --- | --- | --- | --- | --- | --- |\n";
    double seconds = 0;
    for (int i = 0; i < n; i++) seconds += b->seconds[i] / n;
    printf("%d individuals, %d steps at %g, %.0f s of training each (%.2f s a step), %s, %d threads\n\n", n, b->steps,
           b->rate, seconds, seconds / b->steps, ss_ctx_numbers(b->cx), ss_ctx_threads(b->cx));
    fputs(head, stdout);
    for (int a = 0; a < ARMS; a++) print_row(arm_names[a], b->value[a], n, "");
    putchar('\n');
    fputs(head, stdout);
    print_difference(b, LEARNED, CLASS, n);
    print_difference(b, LEARNED, NAMED, n);
    print_difference(b, CARRIED_LEARNED, CARRIED_CLASS, n);
    print_difference(b, CARRIED_LEARNED, CARRIED_NAMED, n);
    print_difference(b, CARRIED_LEARNED, LEARNED, n);
}

int main(int argc, char **argv) {
    static bench b;
    const int n = argc > 3 ? atoi(argv[3]) : 4;
    b.steps = argc > 4 ? atoi(argv[4]) : 150;
    b.rate = argc > 5 ? atof(argv[5]) : 0.0004;
    if (argc < 3 || n < 1 || n > MOST || b.steps < 1 || !(b.rate > 0)) {
        fprintf(stderr, "usage: bench-learn MODEL FOLDER [INDIVIDUALS, at most %d] [STEPS] [RATE]\n", MOST);
        return 2;
    }
    b.folder = argv[2];
    mkdir(b.folder, 0777);
    ss_status st = ss_ctx_new(&b.cx, NULL);
    char *readers = st ? NULL : ss_format(b.cx, "%s/readers", argv[1]);
    if (!st) st = readers ? ss_readers_open(&b.readers, b.cx, readers) : SS_ERR_NOMEM;
    for (int i = 0; i < n && !st; i++) {
        st = ss_model_open(&b.m, b.cx, argv[1], NULL);
        if (!st) st = play(&b, i);
        ss_model_free(b.m);
        b.m = NULL;
        fprintf(stderr, "%d of %d\n", i + 1, n);
    }
    if (st)
        fprintf(stderr, "%s\n", b.cx ? ss_ctx_error(b.cx) : "out of memory");
    else
        print_tables(&b, n);
    free(readers);
    ss_readers_free(b.readers);
    ss_ctx_free(b.cx);
    return st ? 1 : 0;
}
