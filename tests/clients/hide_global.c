/*
 * Preloaded into a Wayland client, hides the global that HIDE_GLOBAL names from it: how it would do
 * with a compositor that lacks it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-client.h>

typedef int (*add_listener_func_t)(struct wl_proxy *proxy, void (**implementation)(void),
	void *data);

int wl_proxy_add_listener(struct wl_proxy *proxy, void (**implementation)(void), void *data);

static const struct wl_registry_listener *client_listener; // clients have one

static void handle_global(void *data, struct wl_registry *registry, uint32_t name,
		const char *interface, uint32_t version) {
	const char *hidden = getenv("HIDE_GLOBAL");
	if (hidden == NULL || strcmp(interface, hidden) != 0) {
		client_listener->global(data, registry, name, interface, version);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry, uint32_t name) {
	if (client_listener->global_remove != NULL) {
		client_listener->global_remove(data, registry, name);
	}
}

static struct wl_registry_listener listener = {
	.global = handle_global,
	.global_remove = handle_global_remove,
};

__attribute__((visibility("default")))
int wl_proxy_add_listener(struct wl_proxy *proxy, void (**implementation)(void), void *data) {
	add_listener_func_t real = (add_listener_func_t)(uintptr_t)
		dlsym(RTLD_NEXT, "wl_proxy_add_listener");
	if (strcmp(wl_proxy_get_class(proxy), "wl_registry") == 0) {
		client_listener = (const struct wl_registry_listener *)(void *)implementation;
		implementation = (void (**)(void))(void *)&listener;
	}
	return real(proxy, implementation, data);
}
