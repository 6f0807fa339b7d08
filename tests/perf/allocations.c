/*
 * Preloaded into a program, counts its allocations: all of them, and those that its own code asks
 * for, which is that of the program and of libsluice. Two 64-bit numbers in the file that
 * ALLOCATIONS names, which is there to be read at any time. Programs that it starts are not
 * counted.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// What glibc calls them where they are replaced
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *data, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

#define MAX_PARTS 32

static struct { uintptr_t start, end; } own[MAX_PARTS];
static size_t own_len;
static struct { _Atomic uint64_t all, own; } *counts;

static int note_object(struct dl_phdr_info *info, size_t size, void *data) {
	// The program itself has no name
	if (info->dlpi_name[0] != '\0' && strstr(info->dlpi_name, "/libsluice.") == NULL) {
		return 0;
	}
	for (int i = 0; i < info->dlpi_phnum && own_len < MAX_PARTS; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		if (header->p_type == PT_LOAD && header->p_flags & PF_X) {
			own[own_len].start = info->dlpi_addr + header->p_vaddr;
			own[own_len].end = own[own_len].start + header->p_memsz;
			own_len++;
		}
	}
	return 0;
}

__attribute__((constructor)) static void init(void) {
	const char *path = getenv("ALLOCATIONS");
	int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	if (fd < 0 || ftruncate(fd, sizeof(*counts)) != 0) {
		return;
	}
	void *data = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	// A child must not begin its own counts there
	unsetenv("ALLOCATIONS");
	dl_iterate_phdr(note_object, NULL);
	if (data != MAP_FAILED) {
		counts = data;
	}
}

static void count(const void *caller) {
	if (counts == NULL) {
		return;
	}
	atomic_fetch_add_explicit(&counts->all, 1, memory_order_relaxed);
	for (size_t i = 0; i < own_len; i++) {
		if ((uintptr_t)caller >= own[i].start && (uintptr_t)caller < own[i].end) {
			atomic_fetch_add_explicit(&counts->own, 1, memory_order_relaxed);
			break;
		}
	}
}

void *malloc(size_t size) {
	count(__builtin_return_address(0));
	return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
	count(__builtin_return_address(0));
	return __libc_calloc(number, size);
}

void *realloc(void *data, size_t size) {
	count(__builtin_return_address(0));
	return __libc_realloc(data, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
	count(__builtin_return_address(0));
	return __libc_memalign(alignment, size);
}
