/* The smallest program that does selfsame's main job: one photo in, the same subject in another scene out.
 *
 *     cc edit.c -o edit $(pkg-config --cflags --libs selfsame)
 *     ./edit MODEL photo.jpg "a cat on a beach" beach.png
 */
#include <selfsame/selfsame.h>
#include <stdio.h>

static void say(void *user, const ss_progress *p) {
    (void)user;
    fprintf(stderr, "\r%s: %d of %d%s", p->what, p->done, p->total, p->done == p->total ? "\n" : " ");
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: edit MODEL PHOTO PROMPT PICTURE [STEPS]\n");
        return 2;
    }
    const char *prompt = argv[3];
    int steps = 0;
    if (argc == 6 && sscanf(argv[5], "%d", &steps) != 1) return 2;

    ss_ctx *cx = NULL;
    ss_model *model = NULL;
    ss_image photo = {0};
    ss_edited edited = {0};

    ss_status st = ss_ctx_new(&cx, &(ss_ctx_options){.callbacks = {.progress = say}});
    if (!st) st = ss_model_open(&model, cx, argv[1], NULL);
    if (!st) st = ss_image_read(&photo, cx, argv[2]);
    if (!st) {
        ss_edit_request request = {.photo = &photo, .prompts = &prompt, .prompt_count = 1, .sampling.steps = steps};
        st = ss_edit(&edited, cx, model, &request);
    }
    if (!st) printf("the photo comes back with a PSNR of %.1f dB\n", edited.psnr);
    if (!st) st = ss_image_write(cx, argv[4], &edited.targets[0], NULL);
    if (st) fprintf(stderr, "%s\n", cx ? ss_ctx_error(cx) : "out of memory");

    ss_edited_free(&edited);
    ss_image_free(&photo);
    ss_model_free(model);
    ss_ctx_free(cx);
    return st ? 1 : 0;
}
