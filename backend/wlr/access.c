#define _DEFAULT_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <wlr/util/log.h>
#include "wlr/access.h"

/*
 * The handler is there only while an access is open, as libwayland and wlroots do it for wl_shm:
 * a library has no business with SIGBUS otherwise. Accesses of one thread nest.
 */
static _Thread_local struct wl_list accesses;
static _Thread_local size_t accesses_len;
static _Thread_local struct sigaction previous;

static void handle_sigbus(int sig, siginfo_t *info, void *context) {
	uintptr_t fault = (uintptr_t)info->si_addr;
	struct sluice_access *access;
	if (accesses_len > 0) {
		wl_list_for_each(access, &accesses, link) {
			uintptr_t start = (uintptr_t)access->data;
			if (fault < start || fault - start >= access->size) {
				continue;
			}
			// mmap is not on POSIX's list of async-signal-safe functions, but it is a bare system
			// call on Linux
			if (mmap(access->data, access->size, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) {
				access->faulted = true;
				return;
			}
		}
	}

	// Not ours. Whoever was here before decides.
	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(sig, info, context);
	} else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
		previous.sa_handler(sig);
	} else {
		// Returning repeats the access, and now it kills with the right signal
		sigaction(sig, &previous, NULL);
	}
}

bool sluice_access_begin(struct sluice_access *access, void *data, size_t size) {
	*access = (struct sluice_access){ .data = data, .size = size };
	if (accesses_len == 0) {
		wl_list_init(&accesses);
		struct sigaction action = { .sa_sigaction = handle_sigbus, .sa_flags = SA_SIGINFO };
		sigemptyset(&action.sa_mask);
		if (sigaction(SIGBUS, &action, &previous) < 0) {
			wlr_log_errno(WLR_ERROR, "Cannot install a SIGBUS handler to read VRAM");
			return false;
		}
	}
	wl_list_insert(&accesses, &access->link);
	accesses_len++;
	return true;
}

bool sluice_access_end(struct sluice_access *access) {
	wl_list_remove(&access->link);
	accesses_len--;
	if (accesses_len == 0 && sigaction(SIGBUS, &previous, NULL) < 0) {
		wlr_log_errno(WLR_ERROR, "Cannot restore the SIGBUS handler");
	}
	return !access->faulted;
}
