#include "kiosk/backoff.h"

int backoff_next(struct backoff *backoff, const struct backoff_config *config,
		long long ran_ms) {
	if (backoff->last_ms == 0 || ran_ms >= config->healthy_ms) {
		backoff->last_ms = config->first_ms;
	} else {
		// Compared before it is doubled, so that no configured number overflows
		backoff->last_ms = backoff->last_ms > config->longest_ms / 2 ?
			config->longest_ms : backoff->last_ms * 2;
	}
	if (backoff->last_ms > config->longest_ms) {
		backoff->last_ms = config->longest_ms;
	}
	return backoff->last_ms;
}
