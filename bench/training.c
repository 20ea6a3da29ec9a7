/* Two rows of noise, a new token, a trainer. */
#include "training.h"

#include "base/rng.h"
#include "model/alter.h"

#include <stdlib.h>

static ss_status add_token(ss_ctx *cx, ss_model *m) {
    int64_t first;
    float *vector = ss_alloc(cx, (size_t)ss_model_token_width(m), sizeof *vector);
    if (!vector) return SS_ERR_NOMEM;
    ss_model_token_row(vector, m, 0);
    ss_status st = ss_model_add_token(&first, cx, m, "<new1>", 1, ss_model_token_width(m), vector);
    free(vector);
    return st;
}

ss_status training_open(training *t, ss_ctx *cx, ss_model *m, bool recompute, int64_t h, int64_t w) {
    const int64_t count = TRAINING_ROWS * 4 * h * w;
    ss_tokens info;
    ss_rng rng;
    t->numbers = ss_alloc(cx, 2 * (size_t)count, sizeof *t->numbers);
    ss_status st = t->numbers ? add_token(cx, m) : SS_ERR_NOMEM;
    if (!st) st = ss_trainer_open(&t->trainer, cx, m, SS_TRAIN_KV, recompute);
    if (!st) st = ss_tokenize(m->tokenizer, cx, "photo of a <new1> dog", t->ids[0], &info);
    if (!st) st = ss_tokenize(m->tokenizer, cx, "a dog", t->ids[1], &info);
    if (st) return st;
    ss_rng_seed(&rng, 1);
    ss_rng_normal(&rng, t->numbers, 2 * count);
    t->rows[0] = (ss_loss_row){.t = 300, .weight = 1};
    t->rows[1] = (ss_loss_row){.t = 700, .weight = 1};
    t->batch = (ss_batch){.n = TRAINING_ROWS, .h = h, .w = w, .x = t->numbers, .noise = t->numbers + count};
    t->batch.rows = t->rows;
    t->batch.ids = (const int32_t(*)[77])t->ids;
    return SS_OK;
}

ss_status training_step(training *t, ss_ctx *cx) {
    double loss;
    ss_status st = ss_trainer_micro_step(&t->trainer, cx, &t->batch, 1, &loss);
    return st ? st : ss_trainer_update(&t->trainer, cx, 1e-5);
}

void training_close(training *t) {
    ss_trainer_close(&t->trainer);
    free(t->numbers);
}
