#ifndef CAPTURE_HASH_H
#define CAPTURE_HASH_H

#include <pthread.h>

struct frame;
struct hash;

/**
 * Hashes the frames of one output: SHA-256 of all rows. Rows that are the same as in a frame before,
 * down to the first that is not, are not hashed again. Several threads may hash frames at a time.
 */
struct hasher {
	pthread_mutex_t lock;
	struct hash *last; // of the last frame that hasher_keep() was called for, or NULL
};

void hasher_init(struct hasher *hasher);
void hasher_finish(struct hasher *hasher);
/** Hash a frame. NULL without memory. */
struct hash *hasher_hash(struct hasher *hasher, const struct frame *frame);
/** The result, in hexadecimal. */
const char *hash_get_hex(const struct hash *hash);
/** Take it over, to begin others with. To be called in the order of the frames. NULL is allowed. */
void hasher_keep(struct hasher *hasher, struct hash *hash);
/** NULL is allowed. */
void hash_destroy(struct hash *hash);

#endif
