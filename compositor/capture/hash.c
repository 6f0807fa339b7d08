#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include "capture/frame.h"
#include "capture/hash.h"

/** Of one frame. Immutable. */
struct hash {
	struct frame *frame;
	char *hex;
	GChecksum *before[]; // what was hashed before each of the frame's bands
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
	for (size_t i = 0; i < hash->frame->bands_len; i++) {
		if (hash->before[i] != NULL) {
			g_checksum_free(hash->before[i]);
		}
	}
	frame_destroy(hash->frame);
	free(hash->hex);
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
			hash->before[first] = g_checksum_copy(last->before[first]);
			first++;
		}
		if (first == frame->bands_len) {
			hash->hex = strdup(last->hex);
		} else {
			hash->before[first] = g_checksum_copy(last->before[first]);
		}
	} else {
		hash->before[0] = g_checksum_new(G_CHECKSUM_SHA256);
	}
	pthread_mutex_unlock(&hasher->lock);
	return first;
}

struct hash *hasher_hash(struct hasher *hasher, const struct frame *frame) {
	struct hash *hash = calloc(1, sizeof(*hash) + frame->bands_len * sizeof(GChecksum *));
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
		GChecksum *checksum = g_checksum_copy(hash->before[first]);
		for (size_t i = first; i < frame->bands_len; i++) {
			if (i > first) {
				hash->before[i] = g_checksum_copy(checksum);
			}
			g_checksum_update(checksum, frame->bands[i]->rgb, (gssize)frame->bands[i]->size);
		}
		hash->hex = strdup(g_checksum_get_string(checksum));
		g_checksum_free(checksum);
	}
	if (hash->hex == NULL) {
		hash_destroy(hash);
		return NULL;
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
