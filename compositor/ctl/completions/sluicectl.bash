# bash completion for sluicectl, which knows its commands, and asks the compositor for windows and screens

_sluicectl() {
	local candidates
	candidates=$(sluicectl --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)
	mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "${COMP_WORDS[COMP_CWORD]}")
}

complete -o bashdefault -o default -F _sluicectl sluicectl
