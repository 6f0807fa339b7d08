/*
 * Each request of wl_surface, as libwayland's client sends it, calls what implements it, with the
 * arguments that were sent; and none by libffi.
 */
#include <string.h>
#include <sys/socket.h>
#include <wayland-client-core.h>
#include <wayland-client-protocol.h>
#include <wayland-server-core.h>
#include <wayland-server-protocol.h>
#include "cmocka_all.h"

/** What the last request came with. */
static struct call {
	const char *name;
	struct wl_resource *resource, *object;
	int32_t numbers[4];
	uint32_t id;
} call;
static int calls;
static wl_dispatcher_func_t surface_dispatcher, region_dispatcher;

void __real_wl_resource_set_dispatcher(struct wl_resource *resource, wl_dispatcher_func_t dispatcher,
	const void *implementation, void *data, wl_resource_destroy_func_t destroy);
void __wrap_wl_resource_set_dispatcher(struct wl_resource *resource, wl_dispatcher_func_t dispatcher,
	const void *implementation, void *data, wl_resource_destroy_func_t destroy);

void __wrap_wl_resource_set_dispatcher(struct wl_resource *resource, wl_dispatcher_func_t dispatcher,
		const void *implementation, void *data, wl_resource_destroy_func_t destroy) {
	if (strcmp(wl_resource_get_class(resource), "wl_surface") == 0) {
		surface_dispatcher = dispatcher;
	} else if (strcmp(wl_resource_get_class(resource), "wl_region") == 0) {
		region_dispatcher = dispatcher;
	}
	__real_wl_resource_set_dispatcher(resource, dispatcher, implementation, data, destroy);
}

static void called(const char *name, struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *object, const int32_t numbers[4], uint32_t id) {
	assert_ptr_equal(wl_resource_get_client(resource), client);
	call = (struct call){.name = name, .resource = resource, .object = object, .id = id};
	memcpy(call.numbers, numbers, sizeof(call.numbers));
	++calls;
}

#define NUMBERS(...) (const int32_t[4]){__VA_ARGS__}

static void surface_destroy(struct wl_client *client, struct wl_resource *resource) {
	called("destroy", client, resource, NULL, NUMBERS(0), 0);
	wl_resource_destroy(resource);
}

static void surface_attach(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *buffer, int32_t x, int32_t y) {
	called("attach", client, resource, buffer, NUMBERS(x, y), 0);
}

static void surface_damage(struct wl_client *client, struct wl_resource *resource, int32_t x,
		int32_t y, int32_t width, int32_t height) {
	called("damage", client, resource, NULL, NUMBERS(x, y, width, height), 0);
}

static void surface_frame(struct wl_client *client, struct wl_resource *resource, uint32_t id) {
	called("frame", client, resource, NULL, NUMBERS(0), id);
	wl_resource_destroy(wl_resource_create(client, &wl_callback_interface, 1, id));
}

static void surface_set_opaque_region(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *region) {
	called("set_opaque_region", client, resource, region, NUMBERS(0), 0);
}

static void surface_set_input_region(struct wl_client *client, struct wl_resource *resource,
		struct wl_resource *region) {
	called("set_input_region", client, resource, region, NUMBERS(0), 0);
}

static void surface_commit(struct wl_client *client, struct wl_resource *resource) {
	called("commit", client, resource, NULL, NUMBERS(0), 0);
}

static void surface_set_buffer_transform(struct wl_client *client, struct wl_resource *resource,
		int32_t transform) {
	called("set_buffer_transform", client, resource, NULL, NUMBERS(transform), 0);
}

static void surface_set_buffer_scale(struct wl_client *client, struct wl_resource *resource,
		int32_t scale) {
	called("set_buffer_scale", client, resource, NULL, NUMBERS(scale), 0);
}

static void surface_damage_buffer(struct wl_client *client, struct wl_resource *resource, int32_t x,
		int32_t y, int32_t width, int32_t height) {
	called("damage_buffer", client, resource, NULL, NUMBERS(x, y, width, height), 0);
}

static void surface_offset(struct wl_client *client, struct wl_resource *resource, int32_t x,
		int32_t y) {
	called("offset", client, resource, NULL, NUMBERS(x, y), 0);
}

#ifdef WL_SURFACE_GET_RELEASE_SINCE_VERSION
static void surface_get_release(struct wl_client *client, struct wl_resource *resource, uint32_t id) {
	called("get_release", client, resource, NULL, NUMBERS(0), id);
	wl_resource_destroy(wl_resource_create(client, &wl_callback_interface, 1, id));
}
#endif

static const struct wl_surface_interface surface_implementation = {
	.destroy = surface_destroy,
	.attach = surface_attach,
	.damage = surface_damage,
	.frame = surface_frame,
	.set_opaque_region = surface_set_opaque_region,
	.set_input_region = surface_set_input_region,
	.commit = surface_commit,
	.set_buffer_transform = surface_set_buffer_transform,
	.set_buffer_scale = surface_set_buffer_scale,
	.damage_buffer = surface_damage_buffer,
	.offset = surface_offset,
#ifdef WL_SURFACE_GET_RELEASE_SINCE_VERSION
	.get_release = surface_get_release,
#endif
};

static const struct wl_region_interface region_implementation;

static struct wl_resource *surface_resource, *region_resource;
static int destroyed;

static void handle_surface_destroyed(struct wl_resource *resource) {
	assert_ptr_equal(wl_resource_get_user_data(resource), &destroyed);
	++destroyed;
}

static void create_surface(struct wl_client *client, struct wl_resource *resource, uint32_t id) {
	surface_resource = wl_resource_create(client, &wl_surface_interface,
		wl_resource_get_version(resource), id);
	wl_resource_set_implementation(surface_resource, &surface_implementation, &destroyed,
		handle_surface_destroyed);
}

static void create_region(struct wl_client *client, struct wl_resource *resource, uint32_t id) {
	region_resource = wl_resource_create(client, &wl_region_interface,
		wl_resource_get_version(resource), id);
	wl_resource_set_implementation(region_resource, &region_implementation, NULL, NULL);
}

static const struct wl_compositor_interface compositor_implementation = {
	.create_surface = create_surface,
	.create_region = create_region,
};

static void bind_compositor(struct wl_client *client, void *data, uint32_t version, uint32_t id) {
	struct wl_resource *resource = wl_resource_create(client, &wl_compositor_interface,
		(int)version, id);
	wl_resource_set_implementation(resource, &compositor_implementation, NULL, NULL);
}

static struct wl_compositor *compositor;

static void handle_global(void *data, struct wl_registry *registry, uint32_t name,
		const char *interface, uint32_t version) {
	if (strcmp(interface, "wl_compositor") == 0) {
		compositor = wl_registry_bind(registry, name, &wl_compositor_interface, version);
	}
}

static void handle_global_remove(void *data, struct wl_registry *registry, uint32_t name) {
}

static const struct wl_registry_listener registry_listener = {
	.global = handle_global,
	.global_remove = handle_global_remove,
};

/** Both ends of a connection. */
static struct wl_display *server, *client;

static void exchange(void) {
	assert_true(wl_display_flush(client) >= 0);
	wl_event_loop_dispatch(wl_display_get_event_loop(server), 0);
	wl_display_flush_clients(server);
}

static void connect_both(void) {
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	server = wl_display_create();
	assert_non_null(wl_global_create(server, &wl_compositor_interface,
		wl_compositor_interface.version, NULL, bind_compositor));
	assert_non_null(wl_client_create(server, fds[0]));
	client = wl_display_connect_to_fd(fds[1]);
	struct wl_registry *registry = wl_display_get_registry(client);
	wl_registry_add_listener(registry, &registry_listener, NULL);
	exchange();
	wl_display_dispatch(client);
	assert_non_null(compositor);
	wl_registry_destroy(registry);
}

static void disconnect_both(void) {
	wl_compositor_destroy(compositor);
	wl_display_disconnect(client);
	wl_display_destroy_clients(server);
	wl_display_destroy(server);
}

static void expect(const char *name, const struct wl_resource *object, const int32_t numbers[4],
		const void *proxy) {
	calls = 0;
	exchange();
	assert_int_equal(calls, 1);
	assert_string_equal(call.name, name);
	assert_ptr_equal(call.resource, surface_resource);
	assert_ptr_equal(call.object, object);
	assert_memory_equal(call.numbers, numbers, sizeof(call.numbers));
	assert_int_equal(call.id, proxy != NULL ? wl_proxy_get_id((struct wl_proxy *)proxy) : 0);
}

static void test_requests(void **state) {
	connect_both();
	struct wl_surface *surface = wl_compositor_create_surface(compositor);
	struct wl_region *region = wl_compositor_create_region(compositor);
	exchange();
	assert_non_null(surface_dispatcher);
	assert_null(region_dispatcher);

	// No wl_buffer is needed to see where an object goes: there is none, and there is a region
	wl_surface_attach(surface, NULL, -3, 7);
	expect("attach", NULL, NUMBERS(-3, 7), NULL);
	wl_surface_damage(surface, INT32_MIN, -2, INT32_MAX, 4);
	expect("damage", NULL, NUMBERS(INT32_MIN, -2, INT32_MAX, 4), NULL);
	struct wl_callback *callback = wl_surface_frame(surface);
	expect("frame", NULL, NUMBERS(0), callback);
	wl_callback_destroy(callback);
	wl_surface_set_opaque_region(surface, region);
	expect("set_opaque_region", region_resource, NUMBERS(0), NULL);
	wl_surface_set_opaque_region(surface, NULL);
	expect("set_opaque_region", NULL, NUMBERS(0), NULL);
	wl_surface_set_input_region(surface, region);
	expect("set_input_region", region_resource, NUMBERS(0), NULL);
	wl_surface_commit(surface);
	expect("commit", NULL, NUMBERS(0), NULL);
	wl_surface_set_buffer_transform(surface, -5);
	expect("set_buffer_transform", NULL, NUMBERS(-5), NULL);
	wl_surface_set_buffer_scale(surface, 6);
	expect("set_buffer_scale", NULL, NUMBERS(6), NULL);
	wl_surface_damage_buffer(surface, 1, -2, 3, -4);
	expect("damage_buffer", NULL, NUMBERS(1, -2, 3, -4), NULL);
	wl_surface_offset(surface, 8, -9);
	expect("offset", NULL, NUMBERS(8, -9), NULL);
#ifdef WL_SURFACE_GET_RELEASE_SINCE_VERSION
	callback = wl_surface_get_release(surface);
	expect("get_release", NULL, NUMBERS(0), callback);
	wl_callback_destroy(callback);
#endif

	assert_true(wl_resource_instance_of(surface_resource, &wl_surface_interface,
		&surface_implementation));
	wl_surface_destroy(surface);
	expect("destroy", NULL, NUMBERS(0), NULL);
	assert_int_equal(destroyed, 1);
	wl_proxy_destroy((struct wl_proxy *)region);
	disconnect_both();
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
