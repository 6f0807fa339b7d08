# fish completion for sluice: its options are those that --help tells

function __sluice_after_dashes
	contains -- -- (commandline --tokens-expanded --cut-at-cursor --current-process)
end

function __sluice_modes
	sluice --help | string match --regex --groups-only '^(?:Usage:)? *sluice ([a-z]+) '
end

function __sluice_options
	sluice --help | string replace --filter --regex '^  (?:-[a-zA-Z], |    )(--[a-z-]+)\S* *(.*)$' '$1\t$2'
end

complete --command sluice --no-files
complete --command sluice --condition 'not __sluice_after_dashes; and __fish_is_first_arg' \
	--arguments '(__sluice_modes)'
complete --command sluice --condition 'not __sluice_after_dashes' --arguments '(__sluice_options)'
complete --command sluice --short-option c --long-option config --require-parameter --force-files
complete --command sluice --condition '__fish_seen_argument --long check' --force-files
complete --command sluice --condition __sluice_after_dashes \
	--arguments '(__fish_complete_subcommand --commandline)'
