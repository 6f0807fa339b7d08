/*
 * The event loop of a test client: a Wayland connection, signals, and stdin where wanted.
 */
#ifndef TESTS_CLIENTS_LOOP_H
#define TESTS_CLIENTS_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <wayland-client.h>

/** Exit statuses of the test clients. */
enum status {
	STATUS_OK = 0,
	STATUS_SETUP = 1, // usage, or something that the client needs is missing
	STATUS_REFUSED = 2, // the compositor refused the device or a buffer
	STATUS_DISCONNECTED = 3, // protocol error or lost connection
	STATUS_TIMEOUT = 4,
};

struct loop {
	struct wl_display *display;
	int signal_fd;
	bool read_stdin;
	bool silent; // do not print how the connection ended
	int64_t deadline; // CLOCK_MONOTONIC, ms; 0 is never

	int other_fd; // dispatched by other_func when it is readable; -1: there is none
	void (*other_func)(void *data);
	void *other_data;

	bool stop; // SIGTERM or SIGINT came, or somebody wants to end
	bool paused; // toggled by SIGUSR1
	bool input; // stdin has a line
	enum status status;
};

bool loop_init(struct loop *loop, bool read_stdin, int timeout_s);
void loop_finish(struct loop *loop);

/**
 * Wait for events and dispatch them; for at most timeout milliseconds, -1 is without limit.
 *
 * Returns false when the loop has to end, see stop and status.
 */
bool loop_turn(struct loop *loop, int timeout);

/**
 * Dispatch events until *done is true, for at most timeout milliseconds.
 *
 * Returns *done.
 */
bool loop_wait(struct loop *loop, const bool *done, int timeout);

/** Have the compositor answer all that was sent so far. Returns false when the loop has to end. */
bool loop_roundtrip(struct loop *loop);

/** Print the protocol error that ended the connection, if one did, after a prefix. */
bool loop_say_protocol_error(struct loop *loop, const char *prefix);

int64_t now_ms(void);

#endif
