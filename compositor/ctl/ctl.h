#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stdio.h>

#define EXIT_USAGE 2

/** What the command line says, and the connection to a compositor. */
struct ctl {
	const char *socket; // as given, or NULL: the compositor of this session
	bool json; // print what the compositor answers, as it is
	bool colours; // the output is a terminal, and NO_COLOR is not set
	FILE *stream; // NULL before the first request
};

/** A command of sluicectl. */
struct ctl_command {
	const char *name;
	const char *arguments; // for the usage, such as "[ID]", or NULL if it takes none
	const char *summary; // one line, without a full stop
	const char *help; // more lines for "sluicectl NAME --help", or NULL
	/** argv[0] is the command's name. Returns the exit status. */
	int (*run)(struct ctl *ctl, int argc, char *argv[]);
	const char *const *words; // that completions offer after it, NULL-terminated, or NULL
};

/** The commands of each file, ended by one without a name. */
extern const struct ctl_command ctl_doctor_commands[];
extern const struct ctl_command ctl_compare_commands[];
extern const struct ctl_command ctl_headless_commands[];
extern const struct ctl_command ctl_session_commands[];
extern const struct ctl_command ctl_state_commands[];
extern const struct ctl_command ctl_path_commands[];
extern const struct ctl_command ctl_subscribe_commands[];
extern const struct ctl_command ctl_status_commands[];
extern const struct ctl_command ctl_metrics_commands[];
extern const struct ctl_command ctl_trace_commands[];

struct action;

/** Have an action done: see action/action.h. */
int ctl_run_action(struct ctl *ctl, const struct action *action, int argc, char *argv[]);

/** Print what may stand where the last of these words is: see complete.c. */
int ctl_complete(struct ctl *ctl, const struct ctl_command *const tables[], size_t tables_len,
	int argc, char *argv[]);

/**
 * Ask the compositor, and wait for its answer. Takes the request over. Returns false if there is no
 * compositor or it said no, which has been told on stderr; else its data, which the caller puts,
 * is in *data_ptr (may be NULL).
 */
bool ctl_ask(struct ctl *ctl, struct json_object *request, struct json_object **data_ptr);
/** A request without arguments. */
struct json_object *ctl_request(const char *command);
/** The next line from the compositor: an event or an answer. NULL at the end, told on stderr. */
struct json_object *ctl_read(struct ctl *ctl);
void ctl_disconnect(struct ctl *ctl);

/**
 * Ask for a list, and print each of its entries as a person reads it; or, if there are none, say so on
 * stderr. Returns the exit status.
 */
int ctl_print_list(struct ctl *ctl, const char *command, const char *none,
	void (*print)(struct ctl *ctl, struct json_object *entry));
/** Print how the frames of a surface get to the screen. */
void ctl_print_path(struct json_object *path);
/** Print, within a line, how many frames took which path: those that any did. */
void ctl_print_frames(struct json_object *frames);

/** A number of seconds that is not too small for a table, or too large to be meant. */
bool ctl_parse_seconds(const char *text, double *seconds);
/** Wait, with all that was printed before written; false if nobody reads it any more. */
bool ctl_wait(double seconds);

/** Print a JSON value as one line. */
void ctl_print_json(struct json_object *value);
/** Print text that may come from a client: control characters would reach the terminal. */
void ctl_print_text(const char *text);
/** Begin or end emphasis, if there are colours. */
void ctl_bold(const struct ctl *ctl, bool on);
/** A member of an object as text, "" if there is none; as a number, 0; as a truth, false. */
const char *ctl_get_text(struct json_object *object, const char *key);
int64_t ctl_get_number(struct json_object *object, const char *key);
double ctl_get_fraction(struct json_object *object, const char *key);
bool ctl_get_truth(struct json_object *object, const char *key);
struct json_object *ctl_get(struct json_object *object, const char *key);

/** Tell of an error of usage, and return EXIT_USAGE. */
int ctl_usage_error(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
