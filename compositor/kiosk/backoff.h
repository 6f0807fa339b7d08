#ifndef KIOSK_BACKOFF_H
#define KIOSK_BACKOFF_H

/** How long to wait before something that died is started again. Milliseconds. */
struct backoff_config {
	int first_ms; // the first pause; each further one is twice as long
	int longest_ms; // up to this
	int healthy_ms; // a run that lasted so long starts again with the first pause
};

/** All zeroes at first. */
struct backoff {
	int last_ms; // the pause before the last run, 0 if there was none
};

/** The run before lasted ran_ms. Returns how long to wait before the next one. */
int backoff_next(struct backoff *backoff, const struct backoff_config *config, long long ran_ms);

#endif
