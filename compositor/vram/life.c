#include <stddef.h>
#include "vram/life.h"

bool life_has_device(const struct life *life) {
	return life->rest != LIFE_NEW || life->state == LIFE_GONE;
}

bool life_takes_images(const struct life *life) {
	return life->state != LIFE_QUIESCING && life->state != LIFE_QUIESCED;
}

static unsigned set_device(struct life *life, enum life_state rest, unsigned action) {
	if (life_has_device(life)) {
		return LIFE_ERROR_DEVICE_SET;
	}
	life->rest = rest;
	// A source may be quiesced before it has a device
	if (life->state == LIFE_NEW) {
		life->state = rest;
	}
	return action;
}

static unsigned quiesce(struct life *life) {
	if (!life_takes_images(life) || life->quiesce_pending) {
		return LIFE_ERROR_QUIESCED;
	}
	life->quiesce_pending = true;
	if (life->state != LIFE_GONE) {
		life->state = LIFE_QUIESCING;
	}
	return LIFE_DROP_IMAGES;
}

static unsigned imports_gone(struct life *life) {
	if (!life->quiesce_pending) {
		return 0;
	}
	life->quiesce_pending = false;
	if (life->state == LIFE_QUIESCING) {
		life->state = LIFE_QUIESCED;
	}
	return LIFE_SEND_QUIESCED;
}

static unsigned resume(struct life *life, bool memory) {
	switch (life->state) {
	case LIFE_QUIESCED:
	case LIFE_REVOKED:
		life->state = memory ? life->rest : LIFE_REVOKED;
		return memory ? LIFE_SEND_RESUMED : LIFE_SEND_REVOKED;
	case LIFE_GONE:
		return LIFE_SEND_REVOKED;
	default:
		return LIFE_ERROR_NOT_QUIESCED;
	}
}

static unsigned lost(struct life *life) {
	switch (life->state) {
	case LIFE_READY:
	case LIFE_NEW: // of adopted images
		life->state = LIFE_REVOKED;
		return LIFE_DROP_IMAGES | LIFE_SEND_REVOKED;
	default:
		return 0; // its images are on the way out already
	}
}

static unsigned unplugged(struct life *life) {
	if (life->state == LIFE_GONE) {
		return 0;
	}
	life->state = LIFE_GONE;
	return LIFE_DROP_IMAGES | LIFE_CLOSE_DEVICE | LIFE_SEND_REVOKED;
}

unsigned life_step(struct life *life, enum life_event event) {
	switch (event) {
	case LIFE_DEVICE_ACCEPTED:
		return set_device(life, LIFE_READY, LIFE_SEND_READY);
	case LIFE_DEVICE_REFUSED:
		return set_device(life, LIFE_FAILED, LIFE_SEND_FAILED);
	case LIFE_QUIESCE:
		return quiesce(life);
	case LIFE_IMPORTS_GONE:
		return imports_gone(life);
	case LIFE_RESUME:
		return resume(life, true);
	case LIFE_RESUME_FAILED:
		return resume(life, false);
	case LIFE_LOST:
		return lost(life);
	case LIFE_UNPLUGGED:
		return unplugged(life);
	}
	return 0;
}

const char *life_state_name(enum life_state state) {
	static const char *const names[] = {
		[LIFE_NEW] = "new",
		[LIFE_READY] = "ready",
		[LIFE_FAILED] = "failed",
		[LIFE_QUIESCING] = "quiescing",
		[LIFE_QUIESCED] = "quiesced",
		[LIFE_REVOKED] = "revoked",
		[LIFE_GONE] = "gone",
	};
	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}
