/* The page of a run: loss curve, samples with captions and scores, warnings, settings; one HTML file that needs no
 * other, no network and no script. Pictures in it are small and lead to the real ones beside it.
 */
#ifndef SS_PAGE_H
#define SS_PAGE_H

#include "train/run_folder.h"

/* *html is freed with free(). */
ss_status ss_page_build(char **html, ss_ctx *cx, const ss_run_folder *f, bool ended);

#endif
