/*
 * Thin atomic commits, against a kernel that keeps what it is sent: after each commit it has to be as if
 * everything had been sent.
 */
#include <errno.h>
#include <string.h>
#include <xf86drm.h>
#include <xf86drmMode.h>
#include "cmocka_all.h"
#include "random.h"

#define OBJECTS 5
#define NODES 2
#define FLIP (DRM_MODE_ATOMIC_NONBLOCK | DRM_MODE_PAGE_FLIP_EVENT)

/** Identifiers of properties are their place here, and one. */
static const char *const names[] = {"FB_ID", "CRTC_ID", "SRC_W", "MODE_ID", "ACTIVE", "IN_FENCE_FD",
	"FB_DAMAGE_CLIPS", "link-status"};
enum { FB_ID = 1, CRTC_ID, SRC_W, MODE_ID, ACTIVE, IN_FENCE_FD, FB_DAMAGE_CLIPS, LINK_STATUS };
#define PROPERTIES ((int)ARRAY_LEN(names))

static struct kernel {
	uint64_t state[NODES][OBJECTS + 1][ARRAY_LEN(names) + 1];
	int error, errors; // what the next so many commits are refused with
	int calls;
	uint32_t flags;
	uint64_t user_data;
	struct { uint32_t object, property; uint64_t value; } sent[64]; // by the last call
	int sent_len, objects;
} kernel;

int __wrap_drmIoctl(int fd, unsigned long request, void *data);
drmModePropertyPtr __wrap_drmModeGetProperty(int fd, uint32_t property);
void __wrap_drmModeFreeProperty(drmModePropertyPtr info);

int __wrap_drmIoctl(int fd, unsigned long request, void *data) {
	const struct drm_mode_atomic *arg = data;
	assert_int_equal(request, DRM_IOCTL_MODE_ATOMIC);
	++kernel.calls;
	kernel.flags = arg->flags;
	kernel.user_data = arg->user_data;
	kernel.objects = (int)arg->count_objs;
	kernel.sent_len = 0;
	const uint32_t *properties = (const uint32_t *)(uintptr_t)arg->props_ptr;
	const uint64_t *values = (const uint64_t *)(uintptr_t)arg->prop_values_ptr;
	for (uint32_t i = 0; i < arg->count_objs; ++i) {
		uint32_t object = ((const uint32_t *)(uintptr_t)arg->objs_ptr)[i];
		uint32_t count = ((const uint32_t *)(uintptr_t)arg->count_props_ptr)[i];
		assert_true(count > 0);
		while (count-- > 0) {
			assert_true(kernel.sent_len < (int)ARRAY_LEN(kernel.sent));
			kernel.sent[kernel.sent_len].object = object;
			kernel.sent[kernel.sent_len].property = *properties++;
			kernel.sent[kernel.sent_len++].value = *values++;
		}
	}
	if (kernel.errors > 0) {
		--kernel.errors;
		errno = kernel.error;
		return -1;
	}
	for (int i = 0; i < kernel.sent_len && !(arg->flags & DRM_MODE_ATOMIC_TEST_ONLY); ++i) {
		kernel.state[fd][kernel.sent[i].object][kernel.sent[i].property] = kernel.sent[i].value;
	}
	return 0;
}

drmModePropertyPtr __wrap_drmModeGetProperty(int fd, uint32_t property) {
	(void)fd;
	static drmModePropertyRes info;
	assert_true(property >= 1 && property <= (uint32_t)PROPERTIES);
	strcpy(info.name, names[property - 1]);
	return &info;
}

void __wrap_drmModeFreeProperty(drmModePropertyPtr info) {
	(void)info;
}

struct value { uint32_t object, property; uint64_t value; };

static int commit_values(const struct value *values, size_t len, uint32_t flags) {
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();
	assert_non_null(req);
	for (size_t i = 0; i < len; ++i) {
		assert_int_equal(drmModeAtomicAddProperty(req, values[i].object, values[i].property,
			values[i].value), i + 1);
	}
	kernel.calls = 0;
	int ret = drmModeAtomicCommit(0, req, flags, &kernel);
	assert_int_equal(kernel.user_data, (uintptr_t)&kernel);
	drmModeAtomicFree(req);
	return ret;
}
#define commit(flags, ...) \
	commit_values((struct value[]){__VA_ARGS__}, \
		sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value), flags)

/** Connector, CRTC, primary plane with framebuffer, cursor's plane without. */
#define FRAME(fb, width) {1, CRTC_ID, 2}, {2, MODE_ID, 9}, {2, ACTIVE, 1}, {3, SRC_W, (width)}, \
	{3, FB_ID, (fb)}, {3, CRTC_ID, 2}, {4, FB_ID, 0}, {4, CRTC_ID, 0}
#define ALL 8

static void expect_sent(int len, int objects) {
	assert_int_equal(kernel.calls, 1);
	assert_int_equal(kernel.sent_len, len);
	assert_int_equal(kernel.objects, objects);
}

static void expect_framebuffer_only(uint64_t fb) {
	expect_sent(1, 1);
	assert_int_equal(kernel.sent[0].object, 3);
	assert_int_equal(kernel.sent[0].property, FB_ID);
	assert_int_equal(kernel.sent[0].value, fb);
}

static int setup(void **state) {
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	assert_int_equal(commit(DRM_MODE_ATOMIC_ALLOW_MODESET, FRAME(50, 640)), 0);
	expect_sent(ALL, 4);
	return 0;
}

static void test_a_flip_carries_the_framebuffer(void **state) {
	(void)state;
	assert_int_equal(commit(FLIP, FRAME(51, 640)), 0);
	expect_framebuffer_only(51);
	assert_int_equal(kernel.flags, FLIP);
	assert_int_equal(commit(FLIP, FRAME(51, 640)), 0);
	expect_framebuffer_only(51); // its content may be new
	assert_int_equal(commit(FLIP, FRAME(50, 320)), 0);
	expect_sent(2, 1);
	assert_int_equal(kernel.state[0][3][SRC_W], 320);
}

static void test_a_cursor_comes_moves_and_goes(void **state) {
	(void)state;
#define CURSOR(fb, crtc, width) {3, FB_ID, 50}, {4, FB_ID, (fb)}, {4, CRTC_ID, (crtc)}, {4, SRC_W, (width)}
	assert_int_equal(commit(FLIP, CURSOR(60, 2, 64)), 0);
	expect_sent(4, 2);
	assert_int_equal(commit(FLIP, CURSOR(60, 2, 64)), 0);
	expect_sent(2, 2);
	assert_int_equal(commit(FLIP, CURSOR(60, 2, 32)), 0);
	expect_sent(3, 2);
	assert_int_equal(commit(FLIP, FRAME(50, 640)), 0);
	expect_sent(3, 2);
	assert_int_equal(kernel.state[0][4][FB_ID], 0);
	assert_int_equal(commit(FLIP, FRAME(51, 640)), 0);
	expect_framebuffer_only(51);
}

static void test_what_is_for_one_commit_is_sent_each_time(void **state) {
	(void)state;
	for (int i = 0; i < 3; ++i) {
		assert_int_equal(commit(FLIP, FRAME(50, 640), {3, IN_FENCE_FD, 7},
			{3, FB_DAMAGE_CLIPS, 80}, {1, LINK_STATUS, 0}), 0);
		expect_sent(4, 2);
	}
	assert_int_equal(commit(FLIP, FRAME(50, 640), {3, FB_DAMAGE_CLIPS, 0}), 0);
	expect_sent(2, 1);
	assert_int_equal(commit(FLIP, FRAME(50, 640), {3, FB_DAMAGE_CLIPS, 0}), 0);
	expect_framebuffer_only(50); // no damage is what the kernel begins each commit with
}

static void test_tests_and_modesets_carry_everything(void **state) {
	(void)state;
	assert_int_equal(commit(DRM_MODE_ATOMIC_TEST_ONLY, FRAME(51, 320)), 0);
	expect_sent(ALL, 4);
	assert_int_equal(commit(FLIP, FRAME(51, 640)), 0);
	expect_framebuffer_only(51);
	assert_int_equal(commit(FLIP | DRM_MODE_ATOMIC_ALLOW_MODESET, FRAME(51, 640)), 0);
	expect_sent(ALL, 4);
	// Nothing is known of what it did not carry
	assert_int_equal(commit(DRM_MODE_ATOMIC_ALLOW_MODESET, {3, FB_ID, 51}), 0);
	assert_int_equal(commit(FLIP, FRAME(51, 640)), 0);
	expect_sent(ALL, 4);
}

static void test_what_is_refused_is_sent_in_full(void **state) {
	(void)state;
	kernel.error = EINVAL;
	kernel.errors = 1;
	assert_int_equal(commit(FLIP, FRAME(51, 640)), 0);
	assert_int_equal(kernel.calls, 2);
	assert_int_equal(kernel.sent_len, ALL);
	assert_int_equal(commit(FLIP, FRAME(50, 640)), 0);
	expect_framebuffer_only(50);

	kernel.errors = 2;
	assert_int_equal(commit(FLIP, FRAME(51, 640)), -EINVAL);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(kernel.state[0][3][FB_ID], 50);
	assert_int_equal(commit(FLIP, FRAME(51, 640)), 0);
	expect_sent(ALL, 4);
	// A test that is refused says nothing of the state
	kernel.errors = 1;
	assert_int_equal(commit(DRM_MODE_ATOMIC_TEST_ONLY, FRAME(52, 640)), -EINVAL);
	assert_int_equal(commit(FLIP, FRAME(50, 640)), 0);
	expect_framebuffer_only(50);
}

static void test_nothing_new_at_all(void **state) {
	(void)state;
	// A commit of no property would have no CRTC whose flip is told of
	assert_int_equal(commit(FLIP, {2, ACTIVE, 1}), 0);
	expect_sent(1, 1);
	assert_int_equal(drmModeAtomicCommit(0, NULL, 0, NULL), -EINVAL);
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();
	kernel.calls = 0;
	assert_int_equal(drmModeAtomicCommit(0, req, 0, NULL), 0);
	assert_int_equal(kernel.calls, 0);
	drmModeAtomicFree(req);
}

static void test_requests(void **state) {
	(void)state;
	drmModeAtomicReqPtr req = drmModeAtomicAlloc();
	drmModeAtomicReqPtr other = drmModeAtomicAlloc();
	assert_ptr_not_equal(req, other);
	assert_int_equal(drmModeAtomicAddProperty(NULL, 1, 1, 1), -EINVAL);
	assert_int_equal(drmModeAtomicAddProperty(req, 0, 1, 1), -EINVAL);
	assert_int_equal(drmModeAtomicAddProperty(req, 1, 0, 1), -EINVAL);
	for (uint64_t i = 0; i < 40; ++i) {
		assert_int_equal(drmModeAtomicAddProperty(req, 3, SRC_W, i), i + 1);
	}
	assert_int_equal(drmModeAtomicGetCursor(req), 40);
	drmModeAtomicSetCursor(req, 2);
	assert_int_equal(drmModeAtomicAddProperty(other, 5, CRTC_ID, 6), 1);
	assert_int_equal(drmModeAtomicMerge(req, other), 0);
	assert_int_equal(drmModeAtomicMerge(req, NULL), 0);
	drmModeAtomicReqPtr copy = drmModeAtomicDuplicate(req);
	drmModeAtomicFree(req);
	drmModeAtomicFree(other);
	kernel.calls = 0;
	assert_int_equal(drmModeAtomicCommit(0, copy, DRM_MODE_ATOMIC_TEST_ONLY, NULL), 0);
	expect_sent(3, 2);
	assert_int_equal(kernel.sent[1].value, 1);
	assert_int_equal(kernel.sent[2].object, 5);
	drmModeAtomicFree(copy);
	drmModeAtomicFree(NULL);
}

static void test_any_order(void **state) {
	(void)state;
	static const uint32_t flags[] = {FLIP, FLIP, FLIP, DRM_MODE_ATOMIC_TEST_ONLY,
		DRM_MODE_ATOMIC_ALLOW_MODESET};
	struct kernel full = kernel; // as it is when everything is sent
	uint64_t seed = random_seed();
	int thin = 0;
	for (int round = 0; round < 20000; ++round) {
		int fd = (int)random_below(&seed, NODES);
		uint32_t with = flags[random_below(&seed, ARRAY_LEN(flags))];
		kernel.error = EBUSY;
		kernel.errors = random_below(&seed, 10) == 0 ? 1 + (int)random_below(&seed, 2) : 0;
		drmModeAtomicReqPtr req = drmModeAtomicAlloc();
		struct value values[12];
		int len = 1 + (int)random_below(&seed, ARRAY_LEN(values));
		for (int i = 0; i < len; ++i) {
			values[i] = (struct value){1 + (uint32_t)random_below(&seed, OBJECTS),
				1 + (uint32_t)random_below(&seed, (uint64_t)PROPERTIES),
				random_below(&seed, 2)};
			assert_int_equal(drmModeAtomicAddProperty(req, values[i].object,
				values[i].property, values[i].value), i + 1);
		}
		int ret = drmModeAtomicCommit(fd, req, with, &kernel);
		drmModeAtomicFree(req);
		thin += kernel.sent_len < len;
		for (int i = 0; i < len && ret == 0 && !(with & DRM_MODE_ATOMIC_TEST_ONLY); ++i) {
			full.state[fd][values[i].object][values[i].property] = values[i].value;
		}
		assert_memory_equal(kernel.state, full.state, sizeof(full.state));
	}
	assert_true(thin > 2000);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_flip_carries_the_framebuffer, setup),
		cmocka_unit_test_setup(test_a_cursor_comes_moves_and_goes, setup),
		cmocka_unit_test_setup(test_what_is_for_one_commit_is_sent_each_time, setup),
		cmocka_unit_test_setup(test_tests_and_modesets_carry_everything, setup),
		cmocka_unit_test_setup(test_what_is_refused_is_sent_in_full, setup),
		cmocka_unit_test_setup(test_nothing_new_at_all, setup),
		cmocka_unit_test_setup(test_requests, setup),
		cmocka_unit_test_setup(test_any_order, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
