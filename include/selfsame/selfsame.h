/* selfsame: pictures of the same subject, again and again.
 *
 * The whole public interface. Nothing here prints, exits, reads the environment or keeps a global: what a call needs is
 * in its arguments, what it has to say goes to the callbacks of its context. One context belongs to one thread at a
 * time; a model may be used by one context at a time.
 *
 * Functions return ss_status. On failure the context keeps the first failure's sentence (ss_ctx_error) and outputs are
 * left as they were. Structs of options are made for `= {0}`: a zero means the sensible default.
 */
#ifndef SELFSAME_H
#define SELFSAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SS_VERSION "0.1.0"

#if defined(__GNUC__)
#define SS_API __attribute__((visibility("default")))
#else
#define SS_API
#endif

typedef enum ss_status {
    SS_OK = 0,
    SS_ERR_NOMEM = -1,   /* the machine has not the memory */
    SS_ERR_ARG = -2,     /* a request that makes no sense: unknown name, number out of range, options that contradict */
    SS_ERR_FILE = -3,    /* a file cannot be opened, read or written */
    SS_ERR_FORMAT = -4,  /* a file's bytes are not what its format says */
    SS_ERR_SHAPE = -5,   /* two shapes disagree */
    SS_ERR_MODEL = -6,   /* tensors missing or left over, or a family of models that this program does not draw with */
    SS_ERR_DEVICE = -7,  /* the device cannot do it, or failed */
    SS_ERR_STOPPED = -8, /* somebody asked to stop; what was finished is kept */
} ss_status;

/* ------------------------------------------------------------------------------------------------ context */

typedef struct ss_ctx ss_ctx;

typedef enum ss_log_level { SS_LOG_NOTE, SS_LOG_WARNING } ss_log_level;

/* Where work stands: `what` is a word or two ("inversion", "drawing 2 of 3"), `done` of `total` steps of it. */
typedef struct ss_progress {
    const char *what;
    int done, total;
} ss_progress;

typedef struct ss_callbacks {
    void (*log)(void *user, ss_log_level level, const char *sentence);
    void (*progress)(void *user, const ss_progress *p);
    void *user;
} ss_callbacks;

typedef struct ss_ctx_options {
    ss_callbacks callbacks;
    int threads;         /* 0: one for each core that the process may use */
    const char *device;  /* NULL or "cpu"; "reference" for the plain loops */
    const char *numbers; /* NULL or "auto": bfloat16 where the processor multiplies it, else "float32"; or name one */
    /* NULL or "auto": all that the processor has. "portable", "avx2", "avx512", "avx512_bf16" hold it to that much, to
     * compare. oneDNN settles this once for a process: a second context that wants another level fails with
     * SS_ERR_DEVICE. */
    const char *isa;
} ss_ctx_options;

/* Fails with SS_ERR_NOMEM or, for names it does not know, SS_ERR_ARG (then *out is still a context that holds the
 * sentence and has to be freed). */
SS_API ss_status ss_ctx_new(ss_ctx **out, const ss_ctx_options *options);
SS_API void ss_ctx_free(ss_ctx *cx);

/* The first failure's sentence since the last ss_ctx_clear, "" if there was none. Owned by the context. */
SS_API const char *ss_ctx_error(const ss_ctx *cx);
SS_API void ss_ctx_clear(ss_ctx *cx);

/* What activations are made of here: "float32" or "bfloat16". */
SS_API const char *ss_ctx_numbers(const ss_ctx *cx);
SS_API int ss_ctx_threads(const ss_ctx *cx);

/* Asks the running call to stop at the next step; it returns SS_ERR_STOPPED. Safe from a signal handler or another
 * thread. */
SS_API void ss_ctx_stop(ss_ctx *cx);

/* ------------------------------------------------------------------------------------------------ pictures */

/* 8-bit RGB, rows top to bottom, 3 * w bytes each. */
typedef struct ss_image {
    int w, h;
    uint8_t *rgb;
} ss_image;

SS_API void ss_image_free(ss_image *im); /* its pixels, not the struct; leaves {0} */

/* As a person sees it: EXIF orientation applied, grey and palette spread, 16 bits cut to their upper 8, CMYK and RGB
 * with a colour profile of their own brought to sRGB, alpha dropped without compositing (the colours under it stay). Of
 * an animation the first picture is taken, with a warning. SS_ERR_FILE or SS_ERR_FORMAT: not there, not a picture, cut
 * short, damaged, larger than the limits. */
SS_API ss_status ss_image_read(ss_image *out, ss_ctx *cx, const char *path);
SS_API ss_status ss_image_read_bytes(ss_image *out, ss_ctx *cx, const void *bytes, size_t n, const char *name);

/* What a picture says about itself, UTF-8; NULL for what it does not say. */
typedef struct ss_image_meta {
    char *parameters; /* the text that A1111's web interface writes and other tools read */
    char *json;       /* our own */
} ss_image_meta;

SS_API void ss_image_meta_free(ss_image_meta *meta);

/* From PNG text chunks, packed or not, and from EXIF in PNG, JPEG and WebP, which wins. A picture without any is no
 * failure. */
SS_API ss_status ss_image_meta_read(ss_image_meta *out, ss_ctx *cx, const char *path);
SS_API ss_status ss_image_meta_read_bytes(ss_image_meta *out, ss_ctx *cx, const void *bytes, size_t n,
                                          const char *name);

/* The suffix decides: .png .jpg .jpeg .webp; SS_ERR_ARG for others. Written whole or not at all. Equal pictures and
 * texts give equal bytes. `meta` may be NULL. PNG keeps pixels exactly; JPEG and WebP are written at high quality. What
 * a JPEG's EXIF block of 64 KB does not hold is left out with a warning, the parameters first. */
SS_API ss_status ss_image_write(ss_ctx *cx, const char *path, const ss_image *im, const ss_image_meta *meta);

/* The same into memory. `suffix` is "png", "jpg", "jpeg" or "webp". *bytes is freed with free(). */
SS_API ss_status ss_image_encode(void **bytes, size_t *n, ss_ctx *cx, const ss_image *im, const ss_image_meta *meta,
                                 const char *suffix);

/* SS_ERR_ARG, with a sentence, for a path that ss_image_write would not know how to write: to say no before hours of
 * work. */
SS_API ss_status ss_image_path_check(ss_ctx *cx, const char *path);

/* The `parameters` text, taken apart and put together: prompt, negative prompt and named values.
 *
 *     a cat on a wall
 *     Negative prompt: blurry
 *     Steps: 20, Sampler: DDIM, CFG scale: 7.5, Seed: 7, Size: 512x512, Model: v1-5, MasaCtrl step: 4
 *
 * All of it UTF-8 and owned by the struct; zero to begin with. */
typedef struct ss_infotext_field {
    char *key, *value;
} ss_infotext_field;

typedef struct ss_infotext {
    char *prompt, *negative; /* may have several lines; NULL: none */
    ss_infotext_field *fields;
    int count;
} ss_infotext;

SS_API void ss_infotext_free(ss_infotext *t); /* what it holds, not the struct; leaves {0} */

/* A key that is there already keeps its place and gets the new value. */
SS_API ss_status ss_infotext_set(ss_infotext *t, ss_ctx *cx, const char *key, const char *value);

/* The value; where the text does not say it, what that means to its writer ("Clip skip": "1"); NULL if it means
 * nothing. */
SS_API const char *ss_infotext_get(const ss_infotext *t, const char *key);

/* Standard keys in their standard order, then the others as they were set, then Version and User. Empty values, a clip
 * skip of 1 and a GPU's random numbers are not written, as its own writer does. *text is freed with free(). */
SS_API ss_status ss_infotext_build(char **text, ss_ctx *cx, const ss_infotext *t);

/* Every text is one: what looks like no line of values is prompt. Fails for lack of memory only. */
SS_API ss_status ss_infotext_parse(ss_infotext *out, ss_ctx *cx, const char *text);

/* How a picture of another shape is brought to a size. */
typedef enum ss_fit {
    SS_FIT_SQUASH, /* squashed by nearest neighbour, as the step and layer study did */
    SS_FIT_CROP,   /* the largest centred box of that shape (Lanczos) */
    SS_FIT_PAD,    /* whole, its border pixels repeated outwards (Lanczos) */
} ss_fit;

SS_API ss_status ss_image_fit(ss_image *out, ss_ctx *cx, const ss_image *in, int w, int h, ss_fit how);

/* A contact sheet: `count` pictures side by side, in rows if there are many, their captions (UTF-8, NULL for none)
 * below them. Equal pictures and captions give equal sheets on every machine. */
SS_API ss_status ss_sheet_draw(ss_image *out, ss_ctx *cx, const ss_image *images, const char *const *captions,
                               int count);
SS_API ss_status ss_sheet_write(ss_ctx *cx, const char *path, const ss_image *images, const char *const *captions,
                                int count);

/* ------------------------------------------------------------------------------------------------ models */

typedef struct ss_model ss_model;

typedef struct ss_model_options {
    const char *vae; /* a separate autoencoder: a file in either layout or a folder; NULL: the checkpoint's own */
    bool ema;        /* a single file's averaged weights instead of the plain ones */
    const char *prediction; /* NULL or "auto", "epsilon", "v": what a single file without configuration predicts */
    const char *config; /* a diffusers folder whose configuration and tokenizer are used; a single file has neither */
} ss_model_options;

/* `path` is a diffusers folder or a single file (.safetensors, .ckpt). Maps the weights and checks that every tensor is
 * accounted for; nothing is converted before it is needed. SS_ERR_MODEL names what is missing or left over. */
SS_API ss_status ss_model_open(ss_model **out, ss_ctx *cx, const char *path, const ss_model_options *options);
SS_API void ss_model_free(ss_model *m);

typedef struct ss_model_info {
    const char *family;     /* "SD 1.x", "SD 2.x" */
    const char *layout;     /* "diffusers folder", "single file" */
    const char *prediction; /* "epsilon", "v" */
    const char *sampler;    /* what the model's own scheduler asks for */
    int size;               /* pixels a side that it was made for */
    int layers;             /* transformer blocks, the numbers that attention control counts by */
    int64_t parameters, tensors;
} ss_model_info;

SS_API ss_model_info ss_model_describe(const ss_model *m); /* its strings are the model's */

/* What any weights file or model folder is, as a JSON document: format, layout, family, tensors with shapes and types,
 * metadata, what is missing for a whole model. Succeeds for every well-formed file. *json is freed with free(). */
SS_API ss_status ss_inspect(char **json, ss_ctx *cx, const char *path);

/* ------------------------------------------------------------------------------------------------ subjects */

/* What has been learned of something: tokens with their vectors, and changes of a model's weights. */
typedef struct ss_subject ss_subject;

/* A Custom Diffusion delta, a LoRA or a textual-inversion embedding, of any form that docs/formats.md lists, told apart
 * by what is in it. `path` is a file, or the folder that diffusers or PEFT wrote. Everything in it has to be something
 * that this program knows: SS_ERR_FORMAT or SS_ERR_MODEL lists what is not. */
SS_API ss_status ss_subject_open(ss_subject **out, ss_ctx *cx, const char *path);
SS_API void ss_subject_free(ss_subject *s);

/* Adds the subject to the model, for as long as the model is open: its tokens to the vocabulary, its changes to the
 * weights, these `strength` times. Several subjects add up: each changes what the checkpoint has. A token whose name
 * the model has already gets another, which is noted. SS_ERR_SHAPE and SS_ERR_MODEL name the tensor that does not fit;
 * the model is then as it was. */
SS_API ss_status ss_subject_apply(ss_ctx *cx, ss_model *m, const ss_subject *s, double strength);

/* The i-th token that the subject brings, to be named in prompts; NULL behind the last one. The subject's own. */
SS_API const char *ss_subject_trigger(const ss_subject *s, int i);

/* How a subject is written. The forms (docs/formats.md says whose they are): "selfsame", "compvis", "bin", "diffusers",
 * "diffusers-bin", "kohya", "peft", "embedding", "embedding-bin", "webui". */
typedef struct ss_subject_writing {
    const char *format; /* NULL: "selfsame" */
    ss_model *model;    /* what the subject was learned with, without the subject: for LoRAs of whole weights, and for
                           whole weights of LoRAs. NULL: a form that needs it fails */
    int rank;           /* LoRA: at most so high; 0: as many as the change has */
    double share;       /* LoRA: of the singular values' sum; 0: all of it */
    bool half;          /* float16 instead of float32 */
} ss_subject_writing;

SS_API const char *const *ss_subject_formats(void); /* NULL at the end; constant */

/* `path` is a file, or for "diffusers" a folder, which is made. Tokens that the form has no place for go into files
 * beside it, which is noted; changes that it has no place for are SS_ERR_ARG. */
SS_API ss_status ss_subject_write(ss_ctx *cx, const ss_subject *s, const char *path, const ss_subject_writing *w);

/* Changes as products of two thin matrices, by their singular values. */
typedef struct ss_thinning {
    double share;    /* of the sum of the singular values, which the kept ones stay below; 0: all of them */
    int64_t rank;    /* at most so many; 0: as many as the above says */
    bool everything; /* all matrices and kernels, not only keys and values of cross-attention */
} ss_thinning;

typedef struct ss_thinned {
    double error;        /* ||what was lost|| / ||the whole change||, over all weights */
    double change, lost; /* the squares of those two */
    int64_t rank;        /* the highest */
} ss_thinned;

/* A copy of the subject, compressed. `m` is the model it was learned with, without it. *how may be NULL. */
SS_API ss_status ss_subject_compress(ss_subject **out, ss_ctx *cx, const ss_model *m, const ss_subject *s,
                                     const ss_thinning *o, ss_thinned *how);

/* Several subjects into one by the constrained optimisation of Custom Diffusion: of all weights that make of the
 * subjects' own prompts what the subjects made of them, those that change what the model makes of general captions
 * least. */
typedef struct ss_merging {
    const ss_subject *const *subject;
    const char *const *class_word; /* of each: "dog"; NULL, or NULL for one: the subject's own */
    int count;
    const char *const *caption; /* general captions; NULL: 200 of selfsame's own */
    int caption_count;
    bool
        compvis; /* "a photo of <new1> dog" instead of "photo of a <new1> dog", as the first published program has it */
} ss_merging;

typedef struct ss_merged_concept {
    char class_word[64];
    double lost; /* ||W c - W_i c|| / ||W_i c - W0 c|| over what its prompts do not share with earlier ones: 0 all of it
                    is there, 1 nothing is */
} ss_merged_concept;

/* `m` is the model without any of them; it gets their tokens. found[count] tells how much of each was lost; *general,
 * if not NULL, how far keys and values of general captions moved, relatively. SS_ERR_ARG for subjects that change more
 * than keys and values of cross-attention, and for prompts that cannot be told apart. Best with float32 numbers. */
SS_API ss_status ss_subject_merge(ss_subject **out, ss_merged_concept *found, double *general, ss_ctx *cx, ss_model *m,
                                  const ss_merging *o);

/* The model as it is now, with the subjects that were added to it, as a checkpoint of its own: a single file in the
 * original layout (.safetensors, .ckpt), whose tokens go into files beside it, or else a diffusers folder, which needs
 * a model that came with settings. Numbers keep the types of the checkpoint; `half`: float16. */
SS_API ss_status ss_model_write(ss_ctx *cx, const ss_model *m, const char *path, bool half);

/* Tells subjects apart, whatever file they came in: SHA-256 over its tokens and changes. */
SS_API ss_status ss_subject_fingerprint(char hex[65], ss_ctx *cx, const ss_subject *s);

/* ------------------------------------------------------------------------------------------------ drawing */

/* How pictures come out of noise; shared by all requests. */
typedef struct ss_sampling_options {
    const char *sampler; /* NULL: the model's own; ss_sampler_names lists them */
    int steps;           /* 0: 50 */
    double guidance;     /* classifier-free guidance; 0: 7.5. 1 draws without */
    double eta;          /* DDIM: 0 deterministic .. 1 */
    bool karras;         /* Karras' noise levels, where the sampler knows them */
    int clip_skip;       /* 0 or 1: the text encoder's last layer, 2: one earlier (A1111's counting) */
    int reuse; /* above 1: the deep part of the UNet runs in every so many-th step and its result is reused in between
                  (DeepCache): faster, and an approximation. Photos are inverted without. 0 or 1: never */
} ss_sampling_options;

/* Called from within a request with the picture as it stands, a cheap guess at an eighth of the size scaled up. */
typedef void ss_preview_fn(void *user, const ss_image *picture, int step, int steps);

typedef struct ss_generate_request {
    const char *prompt, *negative; /* UTF-8; NULL: "" */
    ss_sampling_options sampling;
    int width, height; /* 0: the model's; rounded down to multiples of 8 */
    uint64_t seed;
    int batch;            /* pictures drawn together from one stream of noise, as diffusers does; 0: 1 */
    const ss_image *init; /* NULL, or start from this picture (img2img); its size is the size */
    double strength;      /* img2img: 0 means 0.75; 1 forgets the picture */
    ss_preview_fn *preview;
    void *preview_user;
} ss_generate_request;

/* Draws request->batch pictures into images[], which the caller frees with ss_image_free. */
SS_API ss_status ss_generate(ss_image *images, ss_ctx *cx, ss_model *m, const ss_generate_request *request);

typedef enum ss_method {
    SS_METHOD_MASACTRL, /* the default: a target reads its source's keys and values (MasaCtrl, section 3.2) */
    SS_METHOD_UNION,    /* it reads the source's and its own */
    SS_METHOD_MASK,     /* object and background read apart, by masks that are given */
    SS_METHOD_AUTO,     /* the same, by masks from cross-attention (MasaCtrl, section 3.3) */
    SS_METHOD_NONE,     /* no control: the same start, nothing carried over */
} ss_method;

typedef enum ss_inversion {
    SS_INVERT_DIRECT,     /* the source is put back on its inverted path after every step (PnP inversion) */
    SS_INVERT_DDIM,       /* DDIM inversion, nothing else (MasaCtrl's own) */
    SS_INVERT_TRAJECTORY, /* the source is put on its inverted path before every step (MasaCtrl's ref latents) */
    SS_INVERT_NEGATIVE,   /* negative-prompt inversion: the source prompt stands in for the empty one */
} ss_inversion;

/* A mask over the picture: w * h floats, 1 foreground. Resized to each layer's grid. */
typedef struct ss_mask {
    int w, h;
    const float *data;
} ss_mask;

/* When and where attention is controlled. Steps count from 0; the lists win over the ranges. */
typedef struct ss_control_range {
    bool from_given;  /* false: `from` is 4 */
    int from;         /* first step */
    int to;           /* last step, inclusive; 0: the end */
    int every;        /* true stride: 1 or 0 is every step, 2 every second from `from` on ... */
    int last_digit;   /* the study's "skip interval" k: a step counts only if step % 10 >= k; 0: all */
    const int *steps; /* a list instead of all the above */
    int step_count;
    const char *layers; /* NULL: "10-". Numbers, ranges and names: "10-15", "7,8,12", "decoder", "encoder", "mid",
                           the study's "Encoder" (0-7) and "Decoder" (10-15), "64x64", "32x32" ... */
} ss_control_range;

typedef struct ss_edit_request {
    const ss_image *photo; /* already upright; brought to width x height by `fit`. NULL: the source is drawn, from its
                              prompt and the seed, as ss_generate draws with DDIM (MasaCtrl's synthesis) */
    int width, height;     /* 0: the model's */
    ss_fit fit;
    const char *source; /* what the photo shows, or what is drawn; NULL: "" */
    const char *const *prompts;
    int prompt_count;
    const char *negative;
    ss_sampling_options sampling; /* always DDIM: .sampler has to be NULL or "ddim"; .eta 0 */
    uint64_t seed;                /* of a source that is drawn, and of fresh noise; nothing else in an edit is random */
    double fresh; /* of the noise that targets start from, the share of its variance that is new, 0 to 1:
                     sqrt(1 - fresh) * the source's + sqrt(fresh) * that of `seed`, or of `seed` + 1
                     where the source has that of `seed`. 0, as in MasaCtrl: the source's layout stays.
                     More frees pose and place; what is carried over is then all that targets have of it */
    ss_method method;
    ss_inversion inversion;
    double inversion_guidance; /* 0: 1 (none) */
    ss_control_range control;
    double threshold;           /* automatic masks; 0: 0.1 */
    const char *subject;        /* automatic masks: the words of `source` that name the subject; NULL: its first word */
    const char *target_subject; /* the same in every prompt; NULL: `subject`, where the prompt has it */
    ss_mask source_mask;        /* SS_METHOD_MASK */
    ss_mask target_mask;
    bool own_background; /* methods with masks: what is not the subject reads itself, not the source's background, and
                            is the prompt's */
    const char *keep_source; /* a file: the source branch is stored there, or taken from it if it is there and fits */
    bool keep_keys; /* the source is drawn once, and all targets read the keys and values that were kept of it, in
                       memory and, if a file is named, there; otherwise it is drawn beside each target. Faster from the
                       second target on, takes more memory, and differs by rounding */
    const char *save_masks; /* a folder for what the method saw */
    const char *save_attention;
    /* Called with every automatic mask that a controlled layer goes by, before it is cut: of the source, or of the
     * target that is being drawn. */
    void (*masked)(void *user, int step, int layer, bool source, const ss_mask *mask);
    void *masked_user;
    ss_preview_fn *preview;
    void *preview_user;
    /* Called once the photo has been inverted and drawn back, before any target is: how faithful is it? Of a source
     * that is drawn, this is it, and the PSNR is infinite. */
    void (*reconstructed)(void *user, const ss_image *reconstruction, double psnr);
    void *reconstructed_user;
    /* Called as each target is finished; what it leaves in the context's error ends the edit. */
    void (*drawn)(void *user, int target, const ss_image *picture);
    void *drawn_user;
} ss_edit_request;

typedef struct ss_edited {
    ss_image source; /* the photo as the model saw it */
    ss_image reconstruction;
    double psnr;       /* of the reconstruction against the source, dB */
    ss_image *targets; /* prompt_count of them; those not finished when a stop was asked for are empty (w 0) */
    int count;
} ss_edited;

/* Fills *out with what is finished, also when it returns SS_ERR_STOPPED. Freed with ss_edited_free in any case. */
SS_API ss_status ss_edit(ss_edited *out, ss_ctx *cx, ss_model *m, const ss_edit_request *request);
SS_API void ss_edited_free(ss_edited *e);

/* ------------------------------------------------------------------------------------------------ the clay world */

/* Pictures of little clay figures with everything about them known. A scene is a plain struct of numbers: who is shown,
 * what they do, how they are seen, where, and when. The same scene gives the same picture, to the last bit on every
 * machine, and two scenes that share an identity show the same individual. */

/* What captions can name. Each is a number, in the order of its words. */
typedef enum ss_clay_part {
    SS_CLAY_SPECIES,
    SS_CLAY_COLOR,
    SS_CLAY_MARKING,
    SS_CLAY_ACCESSORY,
    SS_CLAY_ACCESSORY_COLOR,
    SS_CLAY_ACTION,
    SS_CLAY_VIEW,
    SS_CLAY_PLACE,
    SS_CLAY_TIME,
    SS_CLAY_PARTS,
} ss_clay_part;

/* "species", "color" ...; and the words of a part, NULL at the end. Constant. */
SS_API const char *ss_clay_part_name(ss_clay_part part);
SS_API const char *const *ss_clay_words(ss_clay_part part);

enum { SS_CLAY_GENES = 32, SS_CLAY_SWAYS = 8 };

/* Who: the parts that captions name, and genes in 0..1 that none does (exact hues, second colour, where the pattern
 * falls, proportions). */
typedef struct ss_clay_identity {
    int species, color, marking, accessory, accessory_color;
    float gene[SS_CLAY_GENES];
} ss_clay_identity;

/* One picture. Angles in degrees, fractions of the frame where nothing else is said. */
typedef struct ss_clay_scene {
    ss_clay_identity id;
    int action, view, place, time;
    float yaw;                 /* of the figure; 0 faces the camera, 90 looks to the picture's right */
    float elevation;           /* of the camera */
    float fill;                /* how much of the frame's height (or width) the figure takes */
    float at[2];               /* where its middle is, from the frame's middle; right and up */
    float horizon;             /* height of the horizon, 0 bottom, 1 top */
    float light;               /* azimuth of the key light, 0 from the camera, positive from its right */
    float sway[SS_CLAY_SWAYS]; /* in [-1, 1], small variations of the pose */
    uint64_t place_seed;       /* arrangement of trees, clouds and the like */
} ss_clay_scene;

/* Which scenes: scene i of a request is always the same. A part whose word is given is held; the others are drawn. */
typedef struct ss_clay_request {
    uint64_t seed;                   /* other seeds are other individuals */
    bool small;                      /* only the part of the world that the shipped model was trained on */
    const char *word[SS_CLAY_PARTS]; /* NULL: drawn */
    const ss_clay_identity *who;     /* NULL: a new individual each time */
} ss_clay_request;

/* SS_ERR_ARG names words that a part does not have, what species cannot do, and what the small world lacks. */
SS_API ss_status ss_clay_scene_draw(ss_clay_scene *out, ss_ctx *cx, const ss_clay_request *request, uint64_t index);

/* The number of a part in a scene, as an index of its words. */
SS_API int ss_clay_scene_part(const ss_clay_scene *scene, ss_clay_part part);

/* Combinations that training never sees, so that tests can ask for something new: of every species one colour, one
 * place and one action. Tells which of these the scene has. */
enum { SS_CLAY_HELD_COLOR = 1, SS_CLAY_HELD_PLACE = 2, SS_CLAY_HELD_ACTION = 4 };
SS_API int ss_clay_held_out(const ss_clay_scene *scene);

/* The first 18 keypoints are OpenPose's (COCO), in its order: nose, neck, right shoulder, elbow, wrist, left shoulder,
 * elbow, wrist, right hip, knee, ankle, left hip, knee, ankle, right eye, left eye, right ear, left ear. "Right" is the
 * figure's right. Animals on four feet use the arms for their front legs. */
enum { SS_CLAY_TAIL_BASE = 18, SS_CLAY_TAIL_TIP, SS_CLAY_KEYPOINTS };
enum { SS_CLAY_ABSENT, SS_CLAY_HIDDEN, SS_CLAY_VISIBLE }; /* absent: outside the frame, or a tail it does not have */

typedef struct ss_clay_keypoint {
    float x, y, depth; /* pixels from the top left corner; distance from the camera */
    int seen;
} ss_clay_keypoint;

/* Where a picture goes. The caller owns the buffers; each may be NULL. */
typedef struct ss_clay_picture {
    int size;                    /* pixels a side, a multiple of 4 from 16 to 4096 */
    int samples;                 /* a side, per pixel: 1 is fast, 2 is clean; 0: 2 */
    uint8_t *rgb;                /* [size, size, 3], sRGB */
    uint8_t *mask;               /* [size, size], coverage of the subject with what it wears, 0 to 255 */
    ss_clay_keypoint *keypoints; /* [SS_CLAY_KEYPOINTS] */
} ss_clay_picture;

SS_API ss_status ss_clay_render(ss_ctx *cx, const ss_clay_scene *scene, const ss_clay_picture *picture);

/* A sentence about the scene; another number may choose other words, leave things out or name them in another order.
 * *text is freed with free(). */
SS_API ss_status ss_clay_caption(char **text, ss_ctx *cx, const ss_clay_scene *scene, uint64_t number);

/* The parts that a caption names, -1 for the others. SS_ERR_ARG if it is no sentence of this world. */
SS_API ss_status ss_clay_caption_read(int part[SS_CLAY_PARTS], ss_ctx *cx, const char *caption);

/* All that is known about a scene, one JSON object on one line; keypoints may be NULL. *json is freed with free(). */
SS_API ss_status ss_clay_truth(char **json, ss_ctx *cx, const ss_clay_scene *scene, const ss_clay_keypoint *keypoints);

typedef enum ss_clay_held {
    SS_CLAY_HELD_OUT_NEVER, /* what training may see */
    SS_CLAY_HELD_OUT_ONLY,  /* what it may not */
    SS_CLAY_HELD_OUT_TOO,   /* both */
} ss_clay_held;

typedef struct ss_clay_dataset {
    ss_clay_request scenes;
    uint64_t first; /* index of the first scene */
    int count;      /* pictures in all */
    int each;       /* scenes k * each .. k * each + each - 1 show one individual; 0: 1 */
    int shard;      /* pictures a shard; 0: 1000 */
    int size, samples;
    int captions; /* a picture; 0: 1 */
    ss_clay_held held;
} ss_clay_dataset;

/* A folder of shards NNNNN.rgb and NNNNN.mask (raw bytes, picture after picture) and NNNNN.jsonl (a line a picture:
 * index, held_out, captions, truth), and dataset.json, which says how they were made. Shards are written whole or not
 * at all; called again it goes on where it was. SS_ERR_FILE or SS_ERR_FORMAT: the folder holds another data set, or a
 * piece of a shard is missing or has another size. */
SS_API ss_status ss_clay_dataset_write(ss_ctx *cx, const char *folder, const ss_clay_dataset *dataset);

/* ------------------------------------------------------------------------------------------------ training */

/* Something to be learned. Zero members mean what is said in brackets. */
typedef struct ss_train_concept {
    const char *photos;       /* a folder, a text file with a path a line, or one picture */
    const char *masks;        /* a folder with a mask for each photo, of its name; [the loss counts everywhere] */
    const char *class_word;   /* "dog" */
    const char *token;        /* the new word, ["<new1>", "<new2>" ...]; "" trains without one */
    const char *initializer;  /* the word that its vector starts from [the recipe's] */
    const char *prompt;       /* what the photos show, ["photo of a TOKEN CLASS"]; a text file has a line for each */
    const char *class_photos; /* pictures of the class, to keep it as it was; as `photos` [none] */
    const char *class_prompt; /* what those show [the class]; a text file has a line for each */
} ss_train_concept;

/* Where a training stands. */
typedef struct ss_train_news {
    int step, steps;
    double loss, smoothed; /* of this step; over the last ones */
    double rate, norm;     /* of learning; of the gradient before clipping */
    double seconds, left;  /* a step; until the end */
    size_t memory;         /* most bytes of the process so far */
    double text, image;    /* alignment of the last samples; NaN where none was measured */
    int best;              /* the step that folder/best.safetensors is of; 0: none yet */
} ss_train_news;

typedef struct ss_train_request {
    const ss_train_concept *concepts;
    int concept_count;
    const char *concepts_file; /* instead of these: the published programs' JSON list of concepts */
    const char *kind;        /* of subject: "object", "pet", "face", "style", "place"; NULL: "object". Sets what is 0 */
    const char *recipe;      /* NULL: "selfsame"; "compvis", "diffusers": as the published programs */
    const char *parameters;  /* "crossattn_kv", keys and values of cross-attention; "crossattn", all of it [kind] */
    int steps;               /* [kind] */
    double rate;             /* of learning, used as it is [the kind's, times what a step sees] */
    const char *schedule;    /* NULL: "constant"; "linear", "cosine" */
    int warmup;              /* steps */
    int batch;               /* photos in a pass [kind] */
    int accumulation;        /* passes a step [1] */
    int size;                /* pixels a side [the model's] */
    double longest_gradient; /* what is longer is shortened; negative: any [recipe] */
    double prior;            /* how much pictures of the class count [1] */
    double flip;             /* share of mirrored pictures; negative: none [kind] */
    bool still;              /* photos fill their pictures: no random size and place */
    int class_most;          /* pictures of each class [kind] */
    bool find_subject;       /* in photos without masks the model looks for the class; the loss counts there alone */
    const char *class_cache; /* a folder: concepts without class_photos get pictures that the model draws, kept here */
    uint64_t seed;
    bool recompute; /* less memory, more time */

    /* A folder for the run: state.safetensors, log.jsonl, samples/, and index.html, which shows it. NULL: nothing is
     * kept. */
    const char *folder;
    int save_every; /* steps; 0: only at the end and when stopped */
    bool resume;    /* go on from the folder's state */

    /* Pictures with fixed seeds, seed, seed + 1 ..., one for each prompt, before the first step, every `sample_every`
     * steps and after the last; 0: none. They go to the folder, and to `sampled`, where not SS_OK ends the run. */
    int sample_every;
    const char *const *sample_prompts;
    int sample_count;
    ss_sampling_options sampling;
    /* A CLIP, as a folder, that says how samples with a `folder` do: the cosine of a picture and its prompt without the
     * new word (text-alignment), and the mean cosine to the photos (image-alignment). Whenever the samples are the best
     * yet, folder/best.safetensors is written: most like the photos, among those with at least 95 % of the untrained
     * model's text-alignment. NULL: the model folder's clip/, if it is there; "": none. */
    const char *clip;
    ss_status (*sampled)(void *user, int step, int index, const ss_image *picture);

    void (*news)(void *user, const ss_train_news *n);
    void *user;
} ss_train_request;

/* The kinds of subjects with the values that stand for them, as a table for people. Freed with free(). */
SS_API ss_status ss_train_kinds(char **text, ss_ctx *cx);

/* Learns the concepts (Custom Diffusion). *out is what was learned, freed with ss_subject_free; the model draws with it
 * from here on. Asked to stop, the state is kept and SS_ERR_STOPPED returned. */
SS_API ss_status ss_train(ss_subject **out, ss_ctx *cx, ss_model *m, const ss_train_request *request);

/* ------------------------------------------------------------------------------------------------ scores */

/* The clay bench: does a model draw what prompts say, and keep who a photo shows? On individuals that no training saw,
 * in scenes whose every truth is known, read by networks whose own accuracy is measured beside it. docs/clay-bench.md
 * says what the measures are. */
typedef struct ss_clay_score_request {
    const char *folder;           /* where everything goes; what is there already is not done again */
    const char *readers;          /* a folder with the networks that judge, as models/clay/readers */
    const char *parts;            /* "renders", "text", "edit", "fresh", "study", with commas; NULL: the first four */
    int individuals;              /* 0: 16 */
    uint64_t seed;                /* of the first individual; 0: 9001. Below that, training may have seen it */
    ss_sampling_options sampling; /* 0 steps: 30; 0 guidance: 4. Always DDIM */
} ss_clay_score_request;

typedef struct ss_clay_score_report {
    char *markdown; /* tables for people, also in the folder as bench.md */
    char *json;     /* the same for machines, results.json */
} ss_clay_score_report;

/* Fills the folder: settings.json, measured/ (a file of measurements for each piece of work), pictures/, and at the end
 * bench.md, results.json, summary.csv, pictures.csv and, of a study, study.svg. Stopped, it keeps what is finished and
 * goes on from there when it is called again. SS_ERR_FORMAT: the folder holds a bench with other settings. */
SS_API ss_status ss_clay_score(ss_clay_score_report *out, ss_ctx *cx, ss_model *m,
                               const ss_clay_score_request *request);
SS_API void ss_clay_score_report_free(ss_clay_score_report *r);

/* ------------------------------------------------------------------------------------------------ before and around */

/* Peak bytes that a request will need, and what the machine has free. */
typedef struct ss_memory {
    size_t weights, pass, peak, available;
} ss_memory;
SS_API ss_status ss_generate_memory(ss_memory *out, ss_ctx *cx, ss_model *m, const ss_generate_request *request);
SS_API ss_status ss_edit_memory(ss_memory *out, ss_ctx *cx, ss_model *m, const ss_edit_request *request);

/* SHA-256 of a file's bytes, in hexadecimal. */
SS_API ss_status ss_file_hash(char hex[65], ss_ctx *cx, const char *path);

/* Tells models apart, whatever layout they come in: SHA-256 over the name, size and type of every tensor and over
 * samples of its bytes. Takes a moment, where hashing the whole of a checkpoint takes many seconds. */
SS_API ss_status ss_model_fingerprint(char hex[65], ss_ctx *cx, const ss_model *m);

/* For "unknown name" sentences: the candidate nearest to `word` by edit distance, or NULL if none is near. */
SS_API const char *ss_nearest(const char *word, const char *const *candidates, int count);

/* Sampler names, NULL at the end; constant. */
SS_API const char *const *ss_sampler_names(void);

/* What A1111's interface calls the sampler of this or any other of its names: "DPM++ 2M" of "dpmpp2m". SS_ERR_ARG and
 * the nearest name for one that there is not, and NULL. */
SS_API const char *ss_sampler_label(ss_ctx *cx, const char *name);

/* What the processor does with this model: for each piece of work (a guided step, a step of an edit with automatic
 * masks, one of a further target of a kept source, decoding, encoding, reading a text) seconds, and a table of
 * operation classes (calls, seconds, flop, bytes), with the machine's measured peaks, as JSON. Freed with free(). */
typedef struct ss_bench_options {
    int width, height; /* 0: the model's */
    const char *work;  /* one of them: "guided step", "edit step", "further target", "decode", "encode", "text" */
    int repeats;       /* the median is of so many; 0: 3 */
} ss_bench_options;
SS_API ss_status ss_bench(char **json, ss_ctx *cx, ss_model *m, const ss_bench_options *options);

#ifdef __cplusplus
}
#endif

#endif
