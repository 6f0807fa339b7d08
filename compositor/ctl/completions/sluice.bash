# bash completion for sluice: its options are those that --help tells

_sluice() {
	local word=${COMP_WORDS[COMP_CWORD]} index
	for ((index = 1; index < COMP_CWORD; index++)); do
		if [[ ${COMP_WORDS[index]} == -- ]]; then
			# What follows is a command with arguments of its own
			mapfile -t COMPREPLY < <(compgen -c -- "$word")
			return
		fi
	done
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	-c | --config | --check)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	esac
	local modes='' options
	if ((COMP_CWORD == 1)); then
		modes=$(sluice --help | sed -n 's/^ *\(Usage: \)\? *sluice \([a-z]\+\) .*/\2/p')
	fi
	options=$(sluice --help | sed -n 's/^  \(-[a-zA-Z], \|    \)\(--[a-z-]\+\).*/\2/p')
	mapfile -t COMPREPLY < <(compgen -W "$modes $options --" -- "$word")
}

complete -o filenames -F _sluice sluice
