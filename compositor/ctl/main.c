#define _GNU_SOURCE
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "action/action.h"
#include "ctl/ctl.h"
#include "util/suggest.h"

static const char usage[] =
	"Usage: sluicectl [options] command [argument...]\n"
	"\n"
	"Asks a running sluice, or tells it what to do.\n"
	"\n"
	"Options:\n"
	"  -j, --json          print answers as JSON, one line each\n"
	"  -s, --socket=PATH   the compositor's socket; else SLUICE_SOCK, else the only\n"
	"                      one in XDG_RUNTIME_DIR\n"
	"  -h, --help          show this text, or that of a command, and exit\n"
	"  -V, --version       show the version of sluicectl and exit\n"
	"\n"
	"To ask:\n";

static const char epilogue[] =
	"\n"
	"WINDOW is a number that \"sluicectl windows\" tells; without it, the focused one is\n"
	"meant.\n"
	"\n"
	"Exit status: 0 if it was done, 1 if it could not be, 2 if it was not understood.\n";

/** Every command: a file of commands adds its table here. */
static const struct ctl_command *const tables[] = {
	ctl_state_commands,
	ctl_path_commands,
	ctl_subscribe_commands,
	ctl_status_commands,
	ctl_metrics_commands,
	ctl_trace_commands,
	ctl_session_commands,
	ctl_doctor_commands,
	ctl_headless_commands,
	ctl_compare_commands,
};

enum {
	OPTION_COMPLETE = 256, // for the completions of shells: not a person's business
};

static const struct option long_options[] = {
	{ "complete", no_argument, NULL, OPTION_COMPLETE },
	{ "json", no_argument, NULL, 'j' },
	{ "socket", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static void print_row(const char *name, const char *arguments, const char *summary) {
	char words[256];
	snprintf(words, sizeof(words), "%s %s", name, arguments);
	if (strlen(words) > 19) {
		printf("  %s\n                      %s\n", words, summary);
	} else {
		printf("  %-19s %s\n", words, summary);
	}
}

static void print_help(void) {
	fputs(usage, stdout);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct ctl_command *command = tables[i]; command->name != NULL; command++) {
			print_row(command->name, command->arguments != NULL ? command->arguments : "",
				command->summary);
		}
	}
	fputs("\nTo have it do something:\n", stdout);
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		char params[256];
		action_describe_params(&actions[i], params, sizeof(params));
		if (!actions[i].pointer_only) {
			print_row(actions[i].name, params, actions[i].summary);
		}
	}
	fputs(epilogue, stdout);
}

static void print_command_help(const char *name, const char *arguments, const char *summary,
		const char *help) {
	printf("Usage: sluicectl [options] %s%s%s\n\n%c%s.\n", name,
		arguments[0] != '\0' ? " " : "", arguments, toupper((unsigned char)summary[0]),
		summary + 1);
	if (help != NULL) {
		printf("\n%s", help);
	}
}

static const struct ctl_command *find_command(const char *name, struct suggestion *suggestion) {
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct ctl_command *command = tables[i]; command->name != NULL; command++) {
			if (strcmp(command->name, name) == 0) {
				return command;
			}
			suggest(suggestion, name, command->name);
		}
	}
	return NULL;
}

static const struct action *find_action(const char *name, struct suggestion *suggestion) {
	for (size_t i = 0; i < ACTION_COUNT; i++) {
		if (actions[i].pointer_only) {
			continue;
		} else if (strcmp(actions[i].name, name) == 0) {
			return &actions[i];
		}
		suggest(suggestion, name, actions[i].name);
	}
	return NULL;
}

static int run_command(struct ctl *ctl, int argc, char *argv[]) {
	struct suggestion suggestion = { 0 };
	bool wants_help =
		argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
	const struct ctl_command *command = find_command(argv[0], &suggestion);
	if (command != NULL) {
		const char *arguments = command->arguments != NULL ? command->arguments : "";
		if (wants_help) {
			print_command_help(command->name, arguments, command->summary, command->help);
			return EXIT_SUCCESS;
		}
		return command->arguments == NULL && argc > 1 ?
			ctl_usage_error(command->name, "it takes no arguments") :
			command->run(ctl, argc, argv);
	}
	const struct action *action = find_action(argv[0], &suggestion);
	if (action != NULL) {
		char params[256];
		action_describe_params(action, params, sizeof(params));
		if (wants_help) {
			print_command_help(action->name, params, action->summary, NULL);
			return EXIT_SUCCESS;
		}
		return ctl_run_action(ctl, action, argc, argv);
	}
	return suggestion.word != NULL ?
		ctl_usage_error(NULL, "no command \"%s\"; is \"%s\" meant?", argv[0],
			suggestion.word) :
		ctl_usage_error(NULL, "no command \"%s\"", argv[0]);
}

int main(int argc, char *argv[]) {
	struct ctl ctl = { 0 };
	const char *no_colour = getenv("NO_COLOR");
	ctl.colours = isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0');
	int c;
	while ((c = getopt_long(argc, argv, "+js:hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'j':
			ctl.json = true;
			break;
		case 's':
			ctl.socket = optarg;
			break;
		case OPTION_COMPLETE:
			return ctl_complete(&ctl, tables, sizeof(tables) / sizeof(tables[0]),
				argc - optind, &argv[optind]);
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			puts("sluicectl " SLUICE_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try \"sluicectl --help\".\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		return ctl_usage_error(NULL, "which command?");
	}
	int status = run_command(&ctl, argc - optind, &argv[optind]);
	ctl_disconnect(&ctl);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("sluicectl: cannot write");
		return EXIT_FAILURE;
	}
	return status;
}
