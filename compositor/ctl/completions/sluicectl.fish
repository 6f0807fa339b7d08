# fish completion for sluicectl, which knows its commands, and asks the compositor for windows and screens

function __sluicectl_complete
	set --local words (commandline --tokens-expanded --cut-at-cursor --current-process)
	sluicectl --complete $words[2..] (commandline --current-token --cut-at-cursor) 2>/dev/null
end

complete --command sluicectl --no-files --arguments '(__sluicectl_complete)'
complete --command sluicectl --condition '__fish_seen_subcommand_from exec' --force-files
