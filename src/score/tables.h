/* A bench's rows as tables: Markdown for people, JSON and CSV for machines. */
#ifndef SS_TABLES_H
#define SS_TABLES_H

#include "score/rows.h"

#include <jansson.h>

/* Writes bench.md, results.json, summary.csv and pictures.csv into the folder. `settings` are named in them. */
ss_status ss_tables_write(ss_clay_score_report *out, ss_ctx *cx, const ss_row_list *rows, const json_t *settings,
                          const char *folder);

#endif
