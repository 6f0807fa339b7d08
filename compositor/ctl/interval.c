#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "ctl/ctl.h"

bool ctl_parse_seconds(const char *text, double *seconds) {
	char *end;
	errno = 0;
	*seconds = strtod(text, &end);
	return errno == 0 && end != text && *end == '\0' && *seconds >= 0.1 && *seconds <= 3600;
}

bool ctl_wait(double seconds) {
	if (fflush(stdout) != 0) {
		return false;
	}
	struct timespec time = { .tv_sec = (time_t)seconds };
	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	nanosleep(&time, NULL);
	return true;
}
