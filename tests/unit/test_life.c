/* The life of a source: every event in every state, and every order of events up to a length. */
#include "cmocka_all.h"
#include "vram/life.h"

#define EVENTS (LIFE_UNPLUGGED + 1)
#define STATES (LIFE_GONE + 1)
#define ERRORS (LIFE_ERROR_DEVICE_SET | LIFE_ERROR_QUIESCED | LIFE_ERROR_NOT_QUIESCED)
#define DEPTH 7

/* What the protocol says, event by event, for a source whose device was accepted. */
static const struct {
	enum life_state state;
	enum life_event event;
	enum life_state next;
	unsigned actions;
} table[] = {
	{LIFE_READY, LIFE_DEVICE_ACCEPTED, LIFE_READY, LIFE_ERROR_DEVICE_SET},
	{LIFE_READY, LIFE_DEVICE_REFUSED, LIFE_READY, LIFE_ERROR_DEVICE_SET},
	{LIFE_READY, LIFE_QUIESCE, LIFE_QUIESCING, LIFE_DROP_IMAGES},
	{LIFE_READY, LIFE_IMPORTS_GONE, LIFE_READY, 0},
	{LIFE_READY, LIFE_RESUME, LIFE_READY, LIFE_ERROR_NOT_QUIESCED},
	{LIFE_READY, LIFE_RESUME_FAILED, LIFE_READY, LIFE_ERROR_NOT_QUIESCED},
	{LIFE_READY, LIFE_LOST, LIFE_REVOKED, LIFE_DROP_IMAGES | LIFE_SEND_REVOKED},
	{LIFE_READY, LIFE_UNPLUGGED, LIFE_GONE,
		LIFE_DROP_IMAGES | LIFE_CLOSE_DEVICE | LIFE_SEND_REVOKED},

	{LIFE_QUIESCING, LIFE_DEVICE_ACCEPTED, LIFE_QUIESCING, LIFE_ERROR_DEVICE_SET},
	{LIFE_QUIESCING, LIFE_DEVICE_REFUSED, LIFE_QUIESCING, LIFE_ERROR_DEVICE_SET},
	{LIFE_QUIESCING, LIFE_QUIESCE, LIFE_QUIESCING, LIFE_ERROR_QUIESCED},
	{LIFE_QUIESCING, LIFE_IMPORTS_GONE, LIFE_QUIESCED, LIFE_SEND_QUIESCED},
	{LIFE_QUIESCING, LIFE_RESUME, LIFE_QUIESCING, LIFE_ERROR_NOT_QUIESCED},
	{LIFE_QUIESCING, LIFE_RESUME_FAILED, LIFE_QUIESCING, LIFE_ERROR_NOT_QUIESCED},
	{LIFE_QUIESCING, LIFE_LOST, LIFE_QUIESCING, 0},
	{LIFE_QUIESCING, LIFE_UNPLUGGED, LIFE_GONE,
		LIFE_DROP_IMAGES | LIFE_CLOSE_DEVICE | LIFE_SEND_REVOKED},

	{LIFE_QUIESCED, LIFE_DEVICE_ACCEPTED, LIFE_QUIESCED, LIFE_ERROR_DEVICE_SET},
	{LIFE_QUIESCED, LIFE_DEVICE_REFUSED, LIFE_QUIESCED, LIFE_ERROR_DEVICE_SET},
	{LIFE_QUIESCED, LIFE_QUIESCE, LIFE_QUIESCED, LIFE_ERROR_QUIESCED},
	{LIFE_QUIESCED, LIFE_IMPORTS_GONE, LIFE_QUIESCED, 0},
	{LIFE_QUIESCED, LIFE_RESUME, LIFE_READY, LIFE_SEND_RESUMED},
	{LIFE_QUIESCED, LIFE_RESUME_FAILED, LIFE_REVOKED, LIFE_SEND_REVOKED},
	{LIFE_QUIESCED, LIFE_LOST, LIFE_QUIESCED, 0},
	{LIFE_QUIESCED, LIFE_UNPLUGGED, LIFE_GONE,
		LIFE_DROP_IMAGES | LIFE_CLOSE_DEVICE | LIFE_SEND_REVOKED},

	{LIFE_REVOKED, LIFE_DEVICE_ACCEPTED, LIFE_REVOKED, LIFE_ERROR_DEVICE_SET},
	{LIFE_REVOKED, LIFE_DEVICE_REFUSED, LIFE_REVOKED, LIFE_ERROR_DEVICE_SET},
	{LIFE_REVOKED, LIFE_QUIESCE, LIFE_QUIESCING, LIFE_DROP_IMAGES},
	{LIFE_REVOKED, LIFE_IMPORTS_GONE, LIFE_REVOKED, 0},
	{LIFE_REVOKED, LIFE_RESUME, LIFE_READY, LIFE_SEND_RESUMED},
	{LIFE_REVOKED, LIFE_RESUME_FAILED, LIFE_REVOKED, LIFE_SEND_REVOKED},
	{LIFE_REVOKED, LIFE_LOST, LIFE_REVOKED, 0},
	{LIFE_REVOKED, LIFE_UNPLUGGED, LIFE_GONE,
		LIFE_DROP_IMAGES | LIFE_CLOSE_DEVICE | LIFE_SEND_REVOKED},

	{LIFE_GONE, LIFE_DEVICE_ACCEPTED, LIFE_GONE, LIFE_ERROR_DEVICE_SET},
	{LIFE_GONE, LIFE_DEVICE_REFUSED, LIFE_GONE, LIFE_ERROR_DEVICE_SET},
	{LIFE_GONE, LIFE_QUIESCE, LIFE_GONE, LIFE_DROP_IMAGES},
	{LIFE_GONE, LIFE_IMPORTS_GONE, LIFE_GONE, 0},
	{LIFE_GONE, LIFE_RESUME, LIFE_GONE, LIFE_SEND_REVOKED},
	{LIFE_GONE, LIFE_RESUME_FAILED, LIFE_GONE, LIFE_SEND_REVOKED},
	{LIFE_GONE, LIFE_LOST, LIFE_GONE, 0},
	{LIFE_GONE, LIFE_UNPLUGGED, LIFE_GONE, 0},
};

static void test_table(void **state) {
	size_t rows = sizeof(table) / sizeof(table[0]);
	// Every event in every state but new and failed, which have a test of their own
	assert_int_equal(rows, (STATES - 2) * EVENTS);
	for (size_t i = 0; i < rows; i++) {
		struct life life = {
			.state = table[i].state,
			.rest = LIFE_READY,
			.quiesce_pending = table[i].state == LIFE_QUIESCING,
		};
		unsigned actions = life_step(&life, table[i].event);
		if (life.state != table[i].next || actions != table[i].actions) {
			fail_msg("%s, event %d: %s, actions %x", life_state_name(table[i].state),
				(int)table[i].event, life_state_name(life.state), actions);
		}
	}
}

static void test_before_and_without_a_device(void **state) {
	struct life life = {0};
	assert_int_equal(life.state, LIFE_NEW);
	assert_int_equal(life_step(&life, LIFE_RESUME), LIFE_ERROR_NOT_QUIESCED);
	// A producer that exports by itself never sends set_device
	assert_int_equal(life_step(&life, LIFE_QUIESCE), LIFE_DROP_IMAGES);
	assert_int_equal(life_step(&life, LIFE_IMPORTS_GONE), LIFE_SEND_QUIESCED);
	assert_int_equal(life_step(&life, LIFE_RESUME), LIFE_SEND_RESUMED);
	assert_int_equal(life.state, LIFE_NEW);
	assert_int_equal(life_step(&life, LIFE_LOST), LIFE_DROP_IMAGES | LIFE_SEND_REVOKED);
	assert_int_equal(life_step(&life, LIFE_RESUME), LIFE_SEND_RESUMED);
	assert_int_equal(life_step(&life, LIFE_DEVICE_REFUSED), LIFE_SEND_FAILED);
	assert_int_equal(life.state, LIFE_FAILED);
	assert_int_equal(life_step(&life, LIFE_DEVICE_ACCEPTED), LIFE_ERROR_DEVICE_SET);
	assert_int_equal(life_step(&life, LIFE_LOST), 0);
	assert_int_equal(life_step(&life, LIFE_QUIESCE), LIFE_DROP_IMAGES);
	assert_int_equal(life_step(&life, LIFE_IMPORTS_GONE), LIFE_SEND_QUIESCED);
	assert_int_equal(life_step(&life, LIFE_RESUME), LIFE_SEND_RESUMED);
	assert_int_equal(life.state, LIFE_FAILED);
}

/** What must hold whatever came before; owed counts quiesces without an answer. */
static void check(const struct life *before, enum life_event event, const struct life *after,
		unsigned actions, int owed) {
	if (actions & ERRORS) {
		// An error ends the client: nothing else is done, and nothing changes
		assert_int_equal(actions & ~(unsigned)ERRORS, 0);
		assert_memory_equal(before, after, sizeof(*before));
	}
	if (before->state == LIFE_GONE) {
		assert_int_equal(after->state, LIFE_GONE);
	}
	// Never while imports exist: only their end brings the answer, and only one each
	if (actions & LIFE_SEND_QUIESCED) {
		assert_int_equal(event, LIFE_IMPORTS_GONE);
		assert_int_equal(owed, 1);
	}
	bool enters = after->state != before->state && (after->state == LIFE_QUIESCING ||
		after->state == LIFE_GONE || (after->state == LIFE_REVOKED && event == LIFE_LOST));
	if (enters) {
		assert_true(actions & LIFE_DROP_IMAGES);
	}
	if (after->state == LIFE_QUIESCED && before->state != LIFE_QUIESCED) {
		assert_true(actions & LIFE_SEND_QUIESCED);
	}
	if (actions & LIFE_SEND_RESUMED) {
		assert_int_equal(after->state, after->rest);
		assert_false(after->quiesce_pending);
	}
	assert_true(owed >= 0 && owed <= 1);
}

static unsigned long walk(const struct life *life, int owed, int depth) {
	unsigned long steps = 0;
	for (int event = 0; depth > 0 && event < EVENTS; event++) {
		struct life next = *life;
		unsigned actions = life_step(&next, (enum life_event)event);
		check(life, (enum life_event)event, &next, actions, owed);
		int still_owed = owed;
		if (event == LIFE_QUIESCE && !(actions & ERRORS)) {
			still_owed++;
		}
		if (actions & LIFE_SEND_QUIESCED) {
			still_owed--;
		}
		assert_int_equal(still_owed, next.quiesce_pending);
		steps += 1 + walk(&next, still_owed, depth - 1);
	}
	return steps;
}

static void test_every_order(void **state) {
	const struct life born = {0};
	print_message("%lu steps\n", walk(&born, 0, DEPTH));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_before_and_without_a_device),
		cmocka_unit_test(test_every_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
