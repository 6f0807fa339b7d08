#include <nettle/base16.h>
#include <nettle/sha2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "capture/frame.h"
#include "capture/hash.h"

/** Of one frame. Immutable. */
struct hash {
	struct frame *frame;
	char hex[2 * SHA256_DIGEST_SIZE + 1];
	struct sha256_ctx before[]; // what was hashed before each of the frame's bands
};

void hasher_init(struct hasher *hasher) {
	*hasher = (struct hasher){ 0 };
	pthread_mutex_init(&hasher->lock, NULL);
}

void hasher_finish(struct hasher *hasher) {
	hash_destroy(hasher->last);
	pthread_mutex_destroy(&hasher->lock);
}

void hash_destroy(struct hash *hash) {
	if (hash == NULL) {
		return;
	}
	frame_destroy(hash->frame);
	free(hash);
}

/** Begin with what is the same as in the last frame. Returns the first band that is not. */
static size_t begin(struct hasher *hasher, struct hash *hash) {
	const struct frame *frame = hash->frame;
	size_t first = 0;
	pthread_mutex_lock(&hasher->lock);
	const struct hash *last = hasher->last;
	if (last != NULL && last->frame->width == frame->width &&
			last->frame->height == frame->height) {
		while (first < frame->bands_len && frame->bands[first] == last->frame->bands[first]) {
			first++;
		}
		size_t known = first < frame->bands_len ? first + 1 : first;
		memcpy(hash->before, last->before, known * sizeof(hash->before[0]));
		if (first == frame->bands_len) {
			memcpy(hash->hex, last->hex, sizeof(hash->hex));
		}
	} else {
		sha256_init(&hash->before[0]);
	}
	pthread_mutex_unlock(&hasher->lock);
	return first;
}

static void finish(struct hash *hash, struct sha256_ctx *context) {
	uint8_t digest[SHA256_DIGEST_SIZE];
	sha256_digest(context, sizeof(digest), digest);
	base16_encode_update(hash->hex, sizeof(digest), digest);
}

struct hash *hasher_hash(struct hasher *hasher, const struct frame *frame) {
	struct hash *hash = calloc(1, sizeof(*hash) + frame->bands_len * sizeof(hash->before[0]));
	if (hash == NULL) {
		return NULL;
	}
	hash->frame = frame_copy(frame);
	if (hash->frame == NULL) {
		free(hash);
		return NULL;
	}
	size_t first = begin(hasher, hash);
	if (first < frame->bands_len) {
		struct sha256_ctx context = hash->before[first];
		for (size_t i = first; i < frame->bands_len; i++) {
			hash->before[i] = context;
			sha256_update(&context, frame->bands[i]->size, frame->bands[i]->rgb);
		}
		finish(hash, &context);
	}
	return hash;
}

const char *hash_get_hex(const struct hash *hash) {
	return hash->hex;
}

void hasher_keep(struct hasher *hasher, struct hash *hash) {
	if (hash == NULL) {
		return;
	}
	pthread_mutex_lock(&hasher->lock);
	struct hash *old = hasher->last;
	hasher->last = hash;
	pthread_mutex_unlock(&hasher->lock);
	hash_destroy(old);
}
