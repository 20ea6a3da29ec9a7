/* SHA-256 of checkpoints, by which other tools know them: found while the model opens and draws, and kept in the user's
 * cache folder, so that a file of gigabytes is read for it once.
 */
#ifndef CLI_HASHES_H
#define CLI_HASHES_H

#include "settings.h"

typedef struct hashes hashes;

/* Begins with the model's and the autoencoder's file; either may be NULL or a folder, which has no hash. Both texts
 * have to last until hashes_end. */
hashes *hashes_start(const char *model, const char *vae);

/* Waits for them. Hexadecimal digits, or NULL where there is no hash. */
const char *hashes_of_model(hashes *h);
const char *hashes_of_vae(hashes *h);

void hashes_end(hashes *h); /* what is under way is given up */

#endif
