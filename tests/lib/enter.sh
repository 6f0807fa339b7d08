# shellcheck shell=bash
# Runs a command in the build root, in namespaces of its own: whatever happens to this process or
# to the command, nothing stays mounted and nothing keeps running.
# shellcheck disable=SC2154 # source_dir, build_dir: tests/run; root_dir, userns: root.sh

# A directory that is /mnt there, read-only; or none.
more_dir=

# in_root COMMAND…: the status is the command's. Signals sent to this process reach it.
in_root() {
	local status=0 child
	mkdir -p "$build_dir"
	# The chain of death: this shell ▸ (pdeathsig) unshare ▸ (kill-child) the first process of
	# the PID namespace ▸ (the kernel) everything in it.
	"${userns[@]}" setpriv --pdeathsig KILL env --default-signal=INT,QUIT \
		unshare --mount --propagation private --pid --net --fork --kill-child -- \
		bash "$source_dir/tests/lib/inside.sh" "$root_dir" "$source_dir" "$build_dir" "$more_dir" \
		"$@" <&0 &
	child=$!
	trap 'in_root_signal TERM "$child"' TERM HUP
	trap 'in_root_signal INT "$child"' INT
	while kill -0 "$child" 2>/dev/null; do
		status=0
		wait "$child" || status=$?
	done
	trap - TERM HUP INT
	return "$status"
}

# unshare blocks the signals sent to it; its child, the namespace's first process, wants them.
in_root_signal() {
	local signal=$1 unshare=$2 first
	first=$(<"/proc/$unshare/task/$unshare/children") || return 0
	[[ -z $first ]] || kill -s "$signal" "${first%% *}" 2>/dev/null
}
