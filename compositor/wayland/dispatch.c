/*
 * Requests of wl_surface are called as the functions that they are.
 *
 * libwayland calls what implements a request through libffi, which finds out anew each time which
 * argument goes into which register. A frame has four such requests (attach, damage_buffer, frame,
 * commit), and that is a fifth of what it costs outside the kernel. For whoever does not want libffi,
 * libwayland has wl_resource_set_dispatcher(); but a surface's resource is wlroots' own
 * (types/wlr_compositor.c), which sets an implementation. So the sluice program has
 * wl_resource_set_implementation() itself, and it goes before libwayland's: the same, and surfaces
 * get a dispatcher along.
 */
#include <string.h>
#include <wayland-server-core.h>
#include <wayland-server-protocol.h>

/** In the protocol's order; wayland-server-protocol.h has no numbers for requests. */
enum surface_request {
	SURFACE_DESTROY,
	SURFACE_ATTACH,
	SURFACE_DAMAGE,
	SURFACE_FRAME,
	SURFACE_SET_OPAQUE_REGION,
	SURFACE_SET_INPUT_REGION,
	SURFACE_COMMIT,
	SURFACE_SET_BUFFER_TRANSFORM,
	SURFACE_SET_BUFFER_SCALE,
	SURFACE_DAMAGE_BUFFER,
	SURFACE_OFFSET,
#ifdef WL_SURFACE_GET_RELEASE_SINCE_VERSION
	SURFACE_GET_RELEASE,
#endif
	SURFACE_REQUESTS,
};

/** libwayland has looked up objects and checked numbers, types and versions when it calls this. */
static int dispatch_surface(const void *implementation, void *target, uint32_t opcode,
		const struct wl_message *message, union wl_argument *args) {
	const struct wl_surface_interface *surface = implementation;
	struct wl_resource *resource = target;
	struct wl_client *client = wl_resource_get_client(resource);
	switch ((enum surface_request)opcode) {
	case SURFACE_DESTROY:
		surface->destroy(client, resource);
		break;
	case SURFACE_ATTACH:
		surface->attach(client, resource, (struct wl_resource *)args[0].o, args[1].i, args[2].i);
		break;
	case SURFACE_DAMAGE:
		surface->damage(client, resource, args[0].i, args[1].i, args[2].i, args[3].i);
		break;
	case SURFACE_FRAME:
		surface->frame(client, resource, args[0].n);
		break;
	case SURFACE_SET_OPAQUE_REGION:
		surface->set_opaque_region(client, resource, (struct wl_resource *)args[0].o);
		break;
	case SURFACE_SET_INPUT_REGION:
		surface->set_input_region(client, resource, (struct wl_resource *)args[0].o);
		break;
	case SURFACE_COMMIT:
		surface->commit(client, resource);
		break;
	case SURFACE_SET_BUFFER_TRANSFORM:
		surface->set_buffer_transform(client, resource, args[0].i);
		break;
	case SURFACE_SET_BUFFER_SCALE:
		surface->set_buffer_scale(client, resource, args[0].i);
		break;
	case SURFACE_DAMAGE_BUFFER:
		surface->damage_buffer(client, resource, args[0].i, args[1].i, args[2].i, args[3].i);
		break;
	case SURFACE_OFFSET:
		surface->offset(client, resource, args[0].i, args[1].i);
		break;
#ifdef WL_SURFACE_GET_RELEASE_SINCE_VERSION
	case SURFACE_GET_RELEASE:
		surface->get_release(client, resource, args[0].n);
		break;
#endif
	case SURFACE_REQUESTS:
		break; // libwayland has no such request, see choose()
	}
	return 0;
}

/** None, and thereby libffi, for all but surfaces; and for these where libwayland knows more of them. */
static wl_dispatcher_func_t choose(struct wl_resource *resource) {
	return wl_resource_get_interface(resource) == &wl_surface_interface &&
		wl_surface_interface.method_count == SURFACE_REQUESTS ? dispatch_surface : NULL;
}

void wl_resource_set_implementation(struct wl_resource *resource, const void *implementation,
		void *data, wl_resource_destroy_func_t destroy) {
	wl_resource_set_dispatcher(resource, choose(resource), implementation, data, destroy);
}
