/* The verbs and the options: two tables that everything else is read off. */
#include "options.h"

#include "kinds.h"
#include "verbs.h"

#define AT(member) offsetof(settings, member)
#define BOTH (GENERATE | EDIT)
#define MODEL_VERBS (GENERATE | EDIT | BENCH | TRAIN)
#define MACHINE_VERBS (GENERATE | EDIT | BENCH | TRAIN)
#define CLAY_PART(name) AT(parts[SS_CLAY_##name])

const char *const method_words[] = {"plain", "union", "mask", "auto-mask", "none", NULL};
const char *const inversion_words[] = {"direct", "ddim", "trajectory", "negative-prompt", NULL};
const char *const fit_words[] = {"squash", "crop", "pad", NULL};
const char *const prediction_words[] = {"auto", "epsilon", "v", NULL};
const char *const numbers_words[] = {"auto", "float32", "bfloat16", NULL};
const char *const device_words[] = {"cpu", "reference", NULL};
const char *const isa_words[] = {"auto", "portable", "avx2", "avx512", "avx512_bf16", NULL};
const char *const scale_words[] = {"nothing", "threads", "size", NULL};
const char *const kind_words[] = {"object", "pet", "face", "style", "place", NULL};
const char *const recipe_words[] = {"selfsame", "compvis", "diffusers", NULL};
const char *const schedule_words[] = {"constant", "linear", "cosine", NULL};
const char *const memory_words[] = {"check", "anyway", NULL};
const char *const world_words[] = {"small", "full", NULL};
const char *const held_words[] = {"never", "only", "too", NULL}; /* ss_clay_held */

const option_row options[] = {
    {"What to draw", "prompt", 'p', "TEXT", BOTH | TRAIN, BOTH, &prompts_kind, AT(prompts), .recipe = true,
     .help = "what to draw (edit, train: one or several); @FILE reads a file, - stdin"},
    {NULL, "prompts", 0, "FILE", EDIT, 0, &file_kind, AT(prompts_file), .help = "further prompts, one a line"},
    {NULL, "source", 0, "TEXT", EDIT, EDIT, &prompt_kind, AT(source), .recipe = true,
     .help = "what the photo shows (auto-mask has to know)"},
    {NULL, "negative", 0, "TEXT", BOTH, GENERATE, &prompt_kind, AT(negative), .recipe = true,
     .help = "what the picture should not show"},
    {NULL, "init", 0, "PHOTO", GENERATE, GENERATE, &file_kind, AT(photo),
     .help = "start from this picture instead of noise"},
    {NULL, "strength", 0, "X", GENERATE, GENERATE, &number_kind, AT(strength), 0.01, 1, .preset = "0.75",
     .recipe = true, .help = "with --init: how much of it is drawn anew"},
    {NULL, "photo", 0, "FILE", REPEAT, REPEAT, &file_kind, AT(photo),
     .help = "the photo it was made from, if that has moved"},
    {NULL, "fit", 0, "WAY", BOTH, EDIT, &choice_kind, AT(fit), .words = fit_words, .preset = "squash", .recipe = true,
     .help = "a photo of another shape: squash, crop or pad it"},
    {NULL, "size", 0, "WxH", BOTH | BENCH | CLAY | TRAIN, BOTH | BENCH | CLAY | TRAIN, &size_kind, AT(size), 8, 4096,
     .help = "pixels, multiples of 8, or one for a square [the model's; clay 128-256]"},
    {NULL, "width", 0, "N", BOTH, 0, &integer_kind, AT(width), 8, 4096, .recipe = true,
     .help = "the same, one side at a time"},
    {NULL, "height", 0, "N", BOTH, 0, &integer_kind, AT(height), 8, 4096, .recipe = true, .help = "the other side"},

    {"Which scenes", "world", 0, "WHICH", CLAY, CLAY, &choice_kind, AT(world), .words = world_words, .preset = "small",
     .help = "small, which the built-in model knows, or full"},
    {NULL, "species", 0, "WORD", CLAY, CLAY, &text_kind, CLAY_PART(SPECIES),
     .help = "dog, cat, bear, elephant, duck, frog ..."},
    {NULL, "color", 0, "WORD", CLAY, CLAY, &text_kind, CLAY_PART(COLOR),
     .help = "red, orange, yellow, green, blue ..."},
    {NULL, "marking", 0, "WORD", CLAY, CLAY, &text_kind, CLAY_PART(MARKING),
     .help = "plain, striped, spotted, patched"},
    {NULL, "accessory", 0, "WORD", CLAY, CLAY, &text_kind, CLAY_PART(ACCESSORY),
     .help = "none, hat, scarf, glasses, bow tie, backpack"},
    {NULL, "accessory-color", 0, "WORD", CLAY, 0, &text_kind, CLAY_PART(ACCESSORY_COLOR), .help = "as --color"},
    {NULL, "action", 0, "WORD", CLAY, CLAY, &text_kind, CLAY_PART(ACTION),
     .help = "standing, sitting, running, jumping ..."},
    {NULL, "view", 0, "WORD", CLAY, CLAY, &text_kind, CLAY_PART(VIEW),
     .help = "front, three-quarter left or right, side left or right"},
    {NULL, "place", 0, "WORD", CLAY, CLAY, &text_kind, CLAY_PART(PLACE),
     .help = "meadow, beach, snow, autumn park ..."},
    {NULL, "time", 0, "WORD", CLAY, CLAY, &text_kind, CLAY_PART(TIME), .help = "day, sunset, night"},
    {NULL, "count", 'n', "N", CLAY, CLAY, &integer_kind, AT(count), 1, 100000000,
     .help = "pictures [sheet and identity 24, photo 4]"},
    {NULL, "samples", 0, "N", CLAY, CLAY, &integer_kind, AT(samples), 1, 8, .preset = "2",
     .help = "rays a side of a pixel: 1 fast, 2 smooth"},
    {NULL, "keypoints", 0, NULL, CLAY, CLAY, &switch_kind, AT(keypoints), .help = "draw the joints"},
    {NULL, "truth", 0, NULL, CLAY, CLAY, &switch_kind, AT(truth),
     .help = "photo: a .json beside each, with all that is known"},
    {NULL, "masks", 0, NULL, CLAY, CLAY, &switch_kind, AT(masks),
     .help = "photo: NAME-mask.png beside each, the subject white"},
    {NULL, "first", 0, "N", CLAY, CLAY, &seed_kind, AT(first), .help = "dataset: index of its first scene [0]"},
    {NULL, "captions", 0, "N", CLAY, CLAY, &integer_kind, AT(captions), 1, 100, .preset = "1",
     .help = "dataset: a picture"},
    {NULL, "held", 0, "WHEN", CLAY, CLAY, &choice_kind, AT(held), .words = held_words, .preset = "never",
     .help = "dataset: combinations held out of training: never, only, too"},
    {NULL, "shard", 0, "N", CLAY, CLAY, &integer_kind, AT(shard), 1, 1000000, .preset = "1000",
     .help = "dataset: pictures a shard"},

    {"Which model", "model", 'm', "PATH", MODEL_VERBS | REPEAT, MODEL_VERBS | REPEAT, &file_kind, AT(model),
     .help = "a diffusers folder, or a .safetensors or .ckpt file"},
    {NULL, "vae", 0, "PATH", MODEL_VERBS | REPEAT, 0, &file_kind, AT(vae),
     .help = "an autoencoder of its own: a file or a folder"},
    {NULL, "config", 0, "DIR", MODEL_VERBS | REPEAT, 0, &file_kind, AT(config),
     .help = "a diffusers folder whose settings and tokenizer a single file is read with"},
    {NULL, "ema", 0, NULL, MODEL_VERBS, 0, &switch_kind, AT(ema), .recipe = true,
     .help = "a single file's averaged weights instead of the plain ones"},
    {NULL, "prediction", 0, "WHAT", MODEL_VERBS, 0, &choice_kind, AT(prediction), .words = prediction_words,
     .preset = "auto", .recipe = true, .help = "what a single file predicts: auto, epsilon, v"},
    {NULL, "subject", 0, "FILE[:X]", BOTH | REPEAT, BOTH, &files_kind, AT(subjects),
     .help = "a delta, LoRA or embedding, X times as strong; may come again"},
    {NULL, "clip-skip", 0, "N", BOTH, 0, &integer_kind, AT(clip_skip), 1, 24, .preset = "1", .recipe = true,
     .help = "text encoder's layer, from the end: 1 the last, 2 one earlier"},

    {"How it is drawn", "steps", 0, "N", BOTH, BOTH, &integer_kind, AT(steps), 1, 1000, .preset = "50", .recipe = true,
     .help = "denoising steps"},
    {NULL, "guidance", 0, "X", BOTH, BOTH, &number_kind, AT(guidance), 1, 100, .preset = "7.5", .recipe = true,
     .help = "how much the prompt counts; 1 draws without guidance"},
    {NULL, "sampler", 0, "NAME", GENERATE, GENERATE, &sampler_kind, AT(sampler), .recipe = true,
     .help = "how noise becomes a picture [the model's]; one of"},
    {NULL, "reuse", 0, "N", BOTH, BOTH, &integer_kind, AT(reuse), 1, 100, .preset = "1", .recipe = true,
     .help = "deep features every N-th step: 2 takes 0.6 of the time, 46 dB PSNR"},
    {NULL, "eta", 0, "X", GENERATE, 0, &number_kind, AT(eta), 0, 1, .preset = "0", .recipe = true,
     .help = "ddim's new noise a step: 0 none, 1 all"},
    {NULL, "karras", 0, NULL, GENERATE, 0, &switch_kind, AT(karras), .recipe = true, .help = "Karras' noise levels"},
    {NULL, "seed", 0, "N", BOTH | CLAY | TRAIN, GENERATE | CLAY, &seed_kind, AT(seed), .recipe = true,
     .help = "where noise or chance starts, as diffusers and PyTorch count [random]"},
    {NULL, "images", 'n', "N", GENERATE, GENERATE, &integer_kind, AT(images), 1, 100000, .preset = "1",
     .help = "pictures, with seeds N, N+1, N+2 ..."},
    {NULL, "batch", 0, "N", GENERATE, 0, &integer_kind, AT(batch), 1, 64, .preset = "1", .recipe = true,
     .help = "pictures drawn together from one seed, as diffusers does"},

    {"What carries the subject over", "method", 0, "NAME", EDIT, EDIT, &choice_kind, AT(method), .words = method_words,
     .preset = "plain", .recipe = true, .help = "plain (MasaCtrl), union, mask, auto-mask, none"},
    {NULL, "layers", 0, "LIST", EDIT, EDIT, &text_kind, AT(layers), .preset = "10-", .recipe = true,
     .help = "UNet layers 0-15: 10-, 7,8,12, decoder, encoder, mid, 32x32"},
    {NULL, "start-step", 0, "N", EDIT, EDIT, &integer_kind, AT(start_step), 0, 999, .preset = "4", .recipe = true,
     .help = "first step that reads the photo, from 0"},
    {NULL, "end-step", 0, "N", EDIT, EDIT, &integer_kind, AT(end_step), 1, 1000, .recipe = true,
     .help = "last step that does [the last]"},
    {NULL, "every", 0, "N", EDIT, 0, &integer_kind, AT(every), 1, 1000, .preset = "1", .recipe = true,
     .help = "every N-th step only, counted from the first"},
    {NULL, "last-digit", 0, "K", EDIT, 0, &integer_kind, AT(last_digit), 0, 9, .preset = "0", .recipe = true,
     .help = "only steps whose last digit is K or more, as the study skipped"},
    {NULL, "step-list", 0, "LIST", EDIT, 0, &list_kind, AT(step_list), 0, 1000, .recipe = true,
     .help = "exactly these steps: 4,6,10-20"},
    {NULL, "source-mask", 0, "FILE", EDIT | REPEAT, 0, &file_kind, AT(source_mask),
     .help = "method mask: where the subject is in the photo, white on black"},
    {NULL, "target-mask", 0, "FILE", EDIT | REPEAT, 0, &file_kind, AT(target_mask),
     .help = "method mask: where it shall be"},
    {NULL, "subject-words", 0, "WORDS", EDIT, EDIT, &text_kind, AT(subject_words), .recipe = true,
     .help = "auto-mask: words of --source for the subject [shared by the prompts]"},
    {NULL, "target-words", 0, "WORDS", EDIT, 0, &text_kind, AT(target_words), .recipe = true,
     .help = "auto-mask: the words in the prompts [the same]"},
    {NULL, "threshold", 0, "X", EDIT, 0, &number_kind, AT(threshold), 0.001, 1, .preset = "0.1", .recipe = true,
     .help = "auto-mask: how strong a word's map counts as subject"},
    {NULL, "inversion", 0, "NAME", EDIT, EDIT, &choice_kind, AT(inversion), .words = inversion_words,
     .preset = "direct", .recipe = true, .help = "direct, ddim, trajectory, negative-prompt"},
    {NULL, "inversion-guidance", 0, "X", EDIT, 0, &number_kind, AT(inversion_guidance), 1, 100, .preset = "1",
     .recipe = true, .help = "guidance while the photo is inverted"},
    {NULL, "keep-source", 0, "FILE", EDIT, 0, &file_kind, AT(keep_source),
     .help = "keep the inverted photo there, and use it again if it is there"},
    {NULL, "keep-keys", 0, NULL, EDIT, 0, &switch_kind, AT(keep_keys), .recipe = true,
     .help = "draw it once for all targets, from kept keys and values: faster, larger"},

    {"What is measured", "work", 0, "NAME", BENCH, BENCH, &text_kind, AT(work),
     .help = "one of: guided step, edit step, further target, decode, encode, text [all]"},
    {NULL, "repeat", 0, "N", BENCH, BENCH, &integer_kind, AT(repeats), 1, 10000, .preset = "3",
     .help = "how often; the median counts"},
    {NULL, "scale", 0, "WHAT", BENCH, BENCH, &choice_kind, AT(scale), .words = scale_words, .preset = "nothing",
     .help = "the guided step with more threads, or at sizes from 256 to 1024"},

    {"What to learn", "class", 0, "WORD", TRAIN, TRAIN, &text_kind, AT(class_word),
     .help = "what kind of thing it is: dog, chair, woman"},
    {NULL, "token", 0, "WORD", TRAIN, TRAIN, &text_kind, AT(token), .preset = "<new1>", .help = "the new word for it"},
    {NULL, "kind", 0, "KIND", TRAIN, TRAIN, &choice_kind, AT(kind), .words = kind_words, .preset = "object",
     .help = "of subject, which sets the rest: object, pet, face, style, place"},
    {NULL, "concepts", 0, "FILE", TRAIN, TRAIN, &file_kind, AT(concepts),
     .help = "several at once, without PHOTOS: the published programs' JSON list"},
    {NULL, "caption", 0, "TEXT", TRAIN, 0, &text_kind, AT(caption),
     .help = "what the photos show, or a file with a line for each [photo of a WORD CLASS]"},
    {NULL, "initializer", 0, "WORD", TRAIN, 0, &text_kind, AT(initializer),
     .help = "the known word that the new one starts from [the class]"},
    {NULL, "loss-masks", 0, "DIR", TRAIN, 0, &file_kind, AT(loss_masks),
     .help = "where the subject is, white on black: a file for each photo, of its name"},
    {NULL, "class-photos", 0, "PATH", TRAIN, TRAIN, &file_kind, AT(class_photos),
     .help = "pictures of others of its class, so that the class stays as it was"},
    {NULL, "class-caption", 0, "TEXT", TRAIN, 0, &text_kind, AT(class_caption),
     .help = "what they show, or a file with a line for each [the class]"},
    {NULL, "draw-class", 0, "DIR", TRAIN, TRAIN, &file_kind, AT(draw_class),
     .help = "let the model draw these, and keep them there: takes long, once"},
    {NULL, "class-images", 0, "N", TRAIN, 0, &integer_kind, AT(class_images), 1, 100000,
     .help = "how many of them [the kind's]"},

    {"How it learns", "recipe", 0, "NAME", TRAIN, TRAIN, &choice_kind, AT(train_recipe), .words = recipe_words,
     .preset = "selfsame", .help = "selfsame, or as the published programs: compvis, diffusers"},
    {NULL, "parameters", 0, "NAME", TRAIN, TRAIN, &text_kind, AT(parameters),
     .help = "crossattn_kv or, where few photos have to do, crossattn [the kind's]"},
    {NULL, "steps", 0, "N", TRAIN, TRAIN, &integer_kind, AT(train_steps), 1, 1000000, .help = "[the kind's]"},
    {NULL, "rate", 0, "X", TRAIN, 0, &number_kind, AT(rate), 1e-12, 1,
     .help = "of learning, taken as it is [the kind's, times what a step sees]"},
    {NULL, "schedule", 0, "NAME", TRAIN, 0, &choice_kind, AT(schedule), .words = schedule_words, .preset = "constant",
     .help = "of the rate: constant, linear, cosine"},
    {NULL, "warmup", 0, "N", TRAIN, 0, &integer_kind, AT(warmup), 1, 1000000, .help = "steps in which the rate rises"},
    {NULL, "batch", 0, "N", TRAIN, TRAIN, &integer_kind, AT(train_batch), 1, 64,
     .help = "photos in a pass, each with one of its class [the kind's]"},
    {NULL, "accumulation", 0, "N", TRAIN, 0, &integer_kind, AT(accumulation), 1, 1024, .preset = "1",
     .help = "passes a step"},
    {NULL, "clip", 0, "X", TRAIN, 0, &number_kind, AT(clip), 0, 1000,
     .help = "longest gradient, 0 for any [1; compvis: any]"},
    {NULL, "prior", 0, "X", TRAIN, 0, &number_kind, AT(prior), 0.001, 1000, .preset = "1",
     .help = "how much pictures of the class count"},
    {NULL, "flip", 0, "X", TRAIN, 0, &number_kind, AT(flip), 0, 1, .help = "share of mirrored pictures [the kind's]"},
    {NULL, "still", 0, NULL, TRAIN, 0, &switch_kind, AT(still),
     .help = "photos as they are, not at random sizes and places"},
    {NULL, "recompute", 0, NULL, TRAIN, TRAIN, &switch_kind, AT(recompute), .help = "less memory, more time"},

    {"The run", "run", 0, "DIR", TRAIN, TRAIN, &file_kind, AT(run),
     .help = "a folder for its state, log and samples; index.html shows them"},
    {NULL, "resume", 0, NULL, TRAIN, TRAIN, &switch_kind, AT(resume), .help = "go on from the state in --run"},
    {NULL, "save-every", 0, "N", TRAIN, 0, &integer_kind, AT(save_every), 1, 1000000, .preset = "50",
     .help = "steps between states"},
    {NULL, "sample-every", 0, "N", TRAIN, TRAIN, &integer_kind, AT(sample_every), 1, 1000000,
     .help = "steps between samples, of --prompt [never]"},

    {"What comes out", "output", 'o', "FILE", BOTH | REPEAT | CLAY | TRAIN, BOTH | REPEAT | CLAY | TRAIN, &file_kind,
     AT(output), .help = ".png, .jpg or .webp, or a folder; %d in it is the number, %s the seed"},
    {NULL, "sheet", 0, "FILE", BOTH, BOTH, &file_kind, AT(sheet), .help = "all pictures side by side, with captions"},
    {NULL, "preview", 0, "FILE", BOTH | REPEAT, BOTH, &file_kind, AT(preview), .help = "the picture as it forms"},
    {NULL, "save-masks", 0, "DIR", EDIT, 0, &file_kind, AT(save_masks),
     .help = "the masks that the method worked with"},
    {NULL, "save-attention", 0, "DIR", EDIT, 0, &file_kind, AT(save_attention),
     .help = "what the words of the prompts looked at"},
    {NULL, "all", 0, NULL, INSPECT, INSPECT, &switch_kind, AT(all), .help = "all tensors, however many"},
    {NULL, "json", 0, NULL, ANY_VERB, ANY_VERB, &switch_kind, AT(json), .help = "one JSON document on standard output"},
    {NULL, "quiet", 'q', NULL, ANY_VERB, 0, &switch_kind, AT(quiet), .help = "no progress and no notes, only warnings"},

    {"The machine", "threads", 0, "N", MACHINE_VERBS | CLAY, 0, &integer_kind, AT(threads), 1, 1024, .recipe = true,
     .help = "processor threads [one a core]"},
    {NULL, "numbers", 0, "TYPE", MACHINE_VERBS, BENCH, &choice_kind, AT(numbers), .words = numbers_words,
     .preset = "auto", .recipe = true, .help = "auto (bfloat16 where the processor multiplies it), float32, bfloat16"},
    {NULL, "device", 0, "NAME", MACHINE_VERBS, 0, &choice_kind, AT(device), .words = device_words, .preset = "cpu",
     .recipe = true, .help = "cpu, or reference: plain loops, slow, to compare with"},
    {NULL, "isa", 0, "LEVEL", MACHINE_VERBS, 0, &choice_kind, AT(isa), .words = isa_words, .preset = "auto",
     .recipe = true, .help = "hold it to these instructions, to compare: portable, avx2, avx512, avx512_bf16"},
    {NULL, "memory", 0, "WORD", BOTH | REPEAT, 0, &choice_kind, AT(memory), .words = memory_words, .preset = "check",
     .help = "check that there is enough, or start anyway"},
    {"Help", "help", 'h', NULL, ANY_VERB, ANY_VERB, &switch_kind, AT(help), .help = "this page"},
    {NULL, "help-all", 0, NULL, ANY_VERB, 0, &switch_kind, AT(help_all), .help = "every option"},
};

const int option_count = sizeof options / sizeof *options;

const verb verbs[] = {
    {"generate",
     GENERATE,
     NULL,
     "-m MODEL -p TEXT",
     "Text to pictures.",
     "Draws what the prompt says with a Stable Diffusion 1.x or 2.x checkpoint. A seed gives the noise that diffusers "
     "and "
     "PyTorch give for it, so that settings carry over. Without --output a picture is named after its seed, and no "
     "file "
     "that exists is overwritten.",
     {"-m sd15.safetensors -p 'a lighthouse in a storm, oil painting' --seed 7",
      "-m models/sd15 -p @prompt.txt --size 512x768 --images 4 --sheet all.png",
      "-m models/sd15 -p 'a pencil drawing' --init photo.jpg --strength 0.6 -o new.png",
      "-m models/sd15 -p 'a red robot' --sampler dpm++2m --karras -o r-%s.webp"},
     generate},
    {"edit",
     EDIT,
     "PHOTO",
     "-m MODEL -p TEXT",
     "The subject of a photo, drawn again as each prompt says.",
     "Inverts the photo, says how faithfully the model can draw it back, and draws every prompt from the same start "
     "while "
     "chosen layers read the photo's keys and values (MasaCtrl), so that the subject keeps its look.",
     {"dog.jpg -m sd15.safetensors -p 'a photo of a running dog'",
      "dog.jpg -m models/sd15 -p 'a dog asleep' -p 'a dog in snow' -o 'dog-%d.png'",
      "cat.jpg -m models/sd15 --source 'a cat sitting' -p 'a cat on ice' --method auto-mask",
      "robot.jpg -m models/sd15 -p 'a robot waving' --start-step 10 --sheet all.png"},
     edit},
    {"inspect",
     INSPECT,
     "PATH",
     NULL,
     "What a weights file or a model folder is and holds.",
     "Tells format, layout and family, lists tensors with types and shapes, and names what is missing for a whole "
     "model. "
     "Nothing in the file is executed.",
     {"sd15.safetensors", "models/sd15 --all", "lora.safetensors --json"},
     inspect},
    {"repeat",
     REPEAT,
     "PICTURE",
     NULL,
     "A picture again, from what it carries.",
     "Reads the recipe that every picture carries and draws it again, on the same machine to the same bytes. Model and "
     "photo are looked for where they were; -m and --photo say where they are now.",
     {"selfsame-7.png", "selfsame-7.png -o again.png", "dog-1.png -m models/sd15 --photo pictures/dog.jpg"},
     repeat},
    {"bench",
     BENCH,
     NULL,
     "-m MODEL",
     "How fast this machine draws with a model, and why.",
     "Times a guided step, a step of an edit, decoding, encoding and reading texts by kinds of operations, and sets "
     "their "
     "speed against what the processor and its memory can do at most.",
     {"-m sd15.safetensors", "-m models/sd15 --size 512x768 --numbers float32", "-m models/sd15 --scale threads",
      "-m models/sd15 --work decode --repeat 9 --json"},
     bench},
    {"train",
     TRAIN,
     "PHOTOS",
     "-m MODEL --class WORD -o FILE",
     "A new word for the subject of a few photos.",
     "Learns the subject of 4 to 20 photos, a folder or a list of files, by Custom Diffusion: a new word and what "
     "cross-attention makes of it. What was learned goes into a small file that --subject takes. Ctrl-C keeps the "
     "state "
     "in --run, and --resume goes on as if nothing had happened.",
     {"photos/dog --class dog --kind pet -m sd15.safetensors -o my-dog.safetensors",
      "photos/dog --class dog -m models/sd15 --class-photos photos/dogs -o dog.safetensors",
      "chairs --class chair -m models/sd15 --run run --sample-every 100 -o c.safetensors"},
     train},
    {"clay",
     CLAY,
     "WHAT",
     NULL,
     "Pictures of little clay figures with everything about them known.",
     "WHAT is a sheet (other individuals side by side), an identity (one individual in many scenes, side by side), a "
     "photo "
     "(one individual in many scenes, a file each) or a dataset (a folder of shards, which goes on where it was "
     "stopped). "
     "The same seed gives the same individuals and the same pictures on every machine; seeds from 9001 on are "
     "individuals "
     "that the built-in model has never seen.",
     {"sheet --world full -o sheet.png", "identity --species bear --seed 9007 -o bear.png",
      "photo --species dog --seed 9001 --count 6 -o dog-%d.png --truth --masks",
      "dataset --seed 1 --count 6000 --size 256 --captions 8 -o data/train"},
     clay},
};

const int verb_count = sizeof verbs / sizeof *verbs;
