#include <wlr/types/wlr_scene.h>
#include "desktop/layers.h"
#include "server.h"

bool layers_init(struct server *server) {
	for (int layer = 0; layer < LAYERS; layer++) {
		server->layers[layer] = wlr_scene_tree_create(&server->scene->tree);
		if (server->layers[layer] == NULL) {
			return false;
		}
	}
	return true;
}
