#ifndef SHELL_LAYER_H
#define SHELL_LAYER_H

struct layer_shell;
struct output;
struct server;
struct wlr_surface;

/** wlr-layer-shell: panels, wallpapers, launchers, notifications. */
struct layer_shell *layer_shell_create(struct server *server);
/** NULL is allowed. */
void layer_shell_destroy(struct layer_shell *shell);
/** An output came, changed or goes on without a panel: lay out what is on it. */
void layer_shell_arrange(struct layer_shell *shell, struct output *output);
/** An output is gone: so is what was on it. */
void layer_shell_output_gone(struct layer_shell *shell, struct output *output);
/** The surface that takes the keyboard from all windows, or NULL. */
struct wlr_surface *layer_shell_get_exclusive(struct layer_shell *shell);
/** A surface was clicked that is no window: it gets the keyboard if it wants it. */
void layer_shell_click(struct layer_shell *shell, struct wlr_surface *surface);

#endif
