/*
 * Atomic commits that carry what changes.
 *
 * wlroots 0.20 sends all 17 properties of a screen with each frame, of which one has changed: the
 * framebuffer. libdrm clears 4 KiB for them and sorts them, and the kernel brings each object that is
 * named into the commit, checks it and swaps its state, be it the plane of a cursor that is not there.
 * That is a fifth of what a frame costs, and belongs into wlroots (backend/drm/atomic.c). Until it is
 * there, the sluice program has these functions of xf86drmMode.h itself, and they go before libdrm's.
 * They leave out what the kernel has already:
 *
 * - A commit that may change the mode carries everything, and begins what is known. So does a test,
 *   and one that comes after the kernel refused something.
 * - After it, a property is left out if it is of those that the kernel keeps from commit to commit,
 *   and had the same value in the last one.
 * - A framebuffer is never left out: its content may have changed.
 *
 * Who becomes DRM master again has to set a mode: wlroots destroys its outputs when the session goes
 * to the background. So nothing that others did to the same objects goes unseen.
 *
 * SLUICE_DRM_FULL_COMMITS=1 in the environment makes every commit a full one.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

struct item {
	uint32_t object, property;
	uint64_t value;
};

struct _drmModeAtomicReq {
	struct item *items;
	int len, cap;
};

/** What the kernel has, as far as it was committed here. */
struct known {
	int fd;
	struct item item;
	enum { KEPT, NOTHING_KEPT, ONCE } kind; // NOTHING_KEPT: if it is 0
	uint64_t serial; // of the last request that had it
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct known *known;
static size_t known_len, known_cap;
static uint64_t serial;
/** What is sent, and that as the ioctl takes it; kept, as is one request: a frame allocates nothing. */
static struct arrays {
	struct item *chosen;
	uint64_t *values;
	uint32_t *objects, *counts, *properties;
	int cap;
} arrays;
static struct _drmModeAtomicReq *spare;

/**
 * Of the properties that drivers have, those that stay until they are set again, and that nobody but
 * the DRM master changes. Others are for one commit (fences, damage), or the kernel sets them too.
 */
static const char *const kept[] = {
	"ACTIVE", "CRTC_H", "CRTC_ID", "CRTC_W", "CRTC_X", "CRTC_Y", "Colorspace", "GAMMA_LUT",
	"HDR_OUTPUT_METADATA", "HOTSPOT_X", "HOTSPOT_Y", "MODE_ID", "SRC_H", "SRC_W", "SRC_X", "SRC_Y",
	"VRR_ENABLED", "content type",
};

static int get_kind(int fd, uint32_t property) {
	int kind = ONCE;
	drmModePropertyPtr info = drmModeGetProperty(fd, property);
	if (info == NULL) {
		return kind;
	}
	if (strcmp(info->name, "FB_ID") == 0 || strcmp(info->name, "FB_DAMAGE_CLIPS") == 0) {
		kind = NOTHING_KEPT;
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); ++i) {
		if (strcmp(info->name, kept[i]) == 0) {
			kind = KEPT;
		}
	}
	drmModeFreeProperty(info);
	return kind;
}

drmModeAtomicReqPtr drmModeAtomicAlloc(void) {
	pthread_mutex_lock(&mutex);
	struct _drmModeAtomicReq *req = spare;
	spare = NULL;
	pthread_mutex_unlock(&mutex);
	return req != NULL ? req : calloc(1, sizeof(*req));
}

void drmModeAtomicFree(drmModeAtomicReqPtr req) {
	if (req == NULL) {
		return;
	}
	req->len = 0;
	pthread_mutex_lock(&mutex);
	if (spare == NULL) {
		spare = req;
		req = NULL;
	}
	pthread_mutex_unlock(&mutex);
	if (req != NULL) {
		free(req->items);
		free(req);
	}
}

int drmModeAtomicGetCursor(const drmModeAtomicReqPtr req) {
	return req != NULL ? req->len : -EINVAL;
}

void drmModeAtomicSetCursor(drmModeAtomicReqPtr req, int cursor) {
	if (req != NULL) {
		req->len = cursor;
	}
}

int drmModeAtomicAddProperty(drmModeAtomicReqPtr req, uint32_t object, uint32_t property,
		uint64_t value) {
	if (req == NULL || object == 0 || property == 0) {
		return -EINVAL;
	}
	if (req->len == req->cap) {
		int cap = req->cap > 0 ? 2 * req->cap : 32;
		struct item *items = realloc(req->items, (size_t)cap * sizeof(*items));
		if (items == NULL) {
			return -ENOMEM;
		}
		req->items = items;
		req->cap = cap;
	}
	req->items[req->len++] = (struct item){object, property, value};
	return req->len;
}

int drmModeAtomicMerge(drmModeAtomicReqPtr req, const drmModeAtomicReqPtr more) {
	if (req == NULL) {
		return -EINVAL;
	}
	int len = req->len;
	for (int i = 0; more != NULL && i < more->len; ++i) {
		const struct item *item = &more->items[i];
		int ret = drmModeAtomicAddProperty(req, item->object, item->property, item->value);
		if (ret < 0) {
			req->len = len;
			return ret;
		}
	}
	return 0;
}

drmModeAtomicReqPtr drmModeAtomicDuplicate(const drmModeAtomicReqPtr req) {
	drmModeAtomicReqPtr copy = req != NULL ? drmModeAtomicAlloc() : NULL;
	if (copy != NULL && drmModeAtomicMerge(copy, req) != 0) {
		drmModeAtomicFree(copy);
		return NULL;
	}
	return copy;
}

static bool is_of(const struct known *entry, int fd, const struct item *item) {
	return entry->item.property == item->property && entry->item.object == item->object &&
		entry->fd == fd;
}

/** A request has the same properties in the same order each time: hint is where the last one was. */
static inline struct known *find(int fd, const struct item *item, size_t *hint) {
	if (*hint < known_len && is_of(&known[*hint], fd, item)) {
		return &known[(*hint)++];
	}
	for (size_t i = 0; i < known_len; ++i) {
		if (is_of(&known[i], fd, item)) {
			*hint = i + 1;
			return &known[i];
		}
	}
	return NULL;
}

static void forget(int fd) {
	size_t left = 0;
	for (size_t i = 0; i < known_len; ++i) {
		if (known[i].fd != fd) {
			known[left++] = known[i];
		}
	}
	known_len = left;
}

static void remember(int fd, const struct item *items, int len) {
	size_t hint = 0;
	for (int i = 0; i < len; ++i) {
		struct known *entry = find(fd, &items[i], &hint);
		if (entry != NULL) {
			entry->item.value = items[i].value;
			continue;
		}
		if (known_len == known_cap) {
			size_t cap = known_cap > 0 ? 2 * known_cap : 64;
			struct known *larger = realloc(known, cap * sizeof(*larger));
			if (larger == NULL) {
				return; // What is not known is sent
			}
			known = larger;
			known_cap = cap;
		}
		known[known_len++] = (struct known){
			.fd = fd, .item = items[i], .kind = get_kind(fd, items[i].property)};
	}
}

static bool reserve(int cap) {
	if (cap <= arrays.cap) {
		return true;
	}
	size_t len = (size_t)cap;
	struct item *block = malloc(len * (sizeof(*arrays.chosen) + sizeof(*arrays.values) +
		sizeof(*arrays.objects) + sizeof(*arrays.counts) + sizeof(*arrays.properties)));
	if (block == NULL) {
		return false;
	}
	free(arrays.chosen);
	arrays.chosen = block;
	arrays.values = (uint64_t *)(arrays.chosen + len);
	arrays.objects = (uint32_t *)(arrays.values + len);
	arrays.counts = arrays.objects + len;
	arrays.properties = arrays.counts + len;
	arrays.cap = cap;
	return true;
}

/** Whether the kernel has it as it is. One that comes again in the same request may undo the first. */
static bool can_be_left_out(int fd, const struct item *item, size_t *hint) {
	struct known *entry = find(fd, item, hint);
	if (entry == NULL) {
		return false;
	}
	bool again = entry->serial == serial;
	entry->serial = serial;
	return !again && entry->item.value == item->value &&
		(entry->kind == KEPT || (entry->kind == NOTHING_KEPT && item->value == 0));
}

/** Those that have to be sent; how many. */
static int choose(int fd, const drmModeAtomicReq *req) {
	++serial;
	size_t hint = 0;
	int len = 0;
	for (int i = 0; i < req->len; ++i) {
		if (!can_be_left_out(fd, &req->items[i], &hint)) {
			arrays.chosen[len++] = req->items[i];
		}
	}
	return len;
}

static int send_items(int fd, const struct item *items, int len, uint32_t flags, void *user_data) {
	struct drm_mode_atomic arg = {
		.flags = flags,
		.objs_ptr = (uintptr_t)arrays.objects,
		.count_props_ptr = (uintptr_t)arrays.counts,
		.props_ptr = (uintptr_t)arrays.properties,
		.prop_values_ptr = (uintptr_t)arrays.values,
		.user_data = (uintptr_t)user_data,
	};
	for (int i = 0; i < len; ++i) {
		if (i == 0 || items[i].object != items[i - 1].object) {
			arrays.objects[arg.count_objs] = items[i].object;
			arrays.counts[arg.count_objs++] = 0;
		}
		++arrays.counts[arg.count_objs - 1];
		arrays.properties[i] = items[i].property;
		arrays.values[i] = items[i].value;
	}
	return drmIoctl(fd, DRM_IOCTL_MODE_ATOMIC, &arg) == 0 ? 0 : -errno;
}

static bool is_always_full(void) {
	static int full = -1;
	if (full < 0) {
		const char *value = getenv("SLUICE_DRM_FULL_COMMITS");
		full = value != NULL && strcmp(value, "1") == 0;
	}
	return full;
}

static int commit_thin(int fd, const drmModeAtomicReq *req, uint32_t flags, void *user_data) {
	int len = choose(fd, req);
	if (len == 0) {
		return -ENODATA; // no CRTC whose page flip the kernel could tell of
	}
	int ret = send_items(fd, arrays.chosen, len, flags, user_data);
	if (ret == 0) {
		remember(fd, arrays.chosen, len);
	}
	return ret;
}

static int commit_full(int fd, const drmModeAtomicReq *req, uint32_t flags, void *user_data) {
	int ret = send_items(fd, req->items, req->len, flags, user_data);
	if (flags & DRM_MODE_ATOMIC_TEST_ONLY) {
		return ret;
	}
	if (ret != 0 || (flags & DRM_MODE_ATOMIC_ALLOW_MODESET)) {
		forget(fd);
	}
	if (ret == 0) {
		remember(fd, req->items, req->len);
	}
	return ret;
}

int drmModeAtomicCommit(int fd, const drmModeAtomicReqPtr req, uint32_t flags,
		void *user_data) {
	if (req == NULL) {
		return -EINVAL;
	}
	if (req->len == 0) {
		return 0;
	}
	pthread_mutex_lock(&mutex);
	int ret = -ENOMEM;
	if (reserve(req->len)) {
		bool thin = !is_always_full() &&
			!(flags & (DRM_MODE_ATOMIC_TEST_ONLY | DRM_MODE_ATOMIC_ALLOW_MODESET));
		// Where the kernel refuses a thin one, its word on the full one counts
		if (!thin || commit_thin(fd, req, flags, user_data) != 0) {
			ret = commit_full(fd, req, flags, user_data);
		} else {
			ret = 0;
		}
	}
	pthread_mutex_unlock(&mutex);
	return ret;
}
