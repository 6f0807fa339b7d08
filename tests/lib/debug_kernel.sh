# shellcheck shell=bash
# The kernel of suite kernel-debug, which checks itself: made once per configuration and build root, in
# the user's cache.
# shellcheck disable=SC2154 # source_dir, build_dir: tests/run; root_cache, root_dir: root.sh

#   kernel-KEY, kernel-KEY.partial, kernel-KEY.lock: as those of root.sh

# Sets debug_kernel_dir to it, locked for as long as this process, or what it starts, lives.
debug_kernel_ensure() {
	local key other
	key=$({
		echo "${root_dir##*-}"
		cat "$source_dir"/tests/kernel/debug/{build,config}
	} | sha256sum | cut -c 1-12)
	debug_kernel_dir=$root_cache/kernel-$key
	exec 7>>"$debug_kernel_dir.lock"
	if ! flock --nonblock --exclusive 7; then
		say "waiting for another process, which uses or makes the same kernel …"
		flock --exclusive 7
	fi
	[[ -d $debug_kernel_dir ]] || debug_kernel_build
	flock --shared 7
}

debug_kernel_build() {
	local other
	for other in "$root_cache"/kernel-*.lock; do
		# Of an older configuration; unless somebody uses it
		[[ $other != "$debug_kernel_dir.lock" ]] || continue
		flock --nonblock --exclusive "$other" true || continue
		root_remove "${other%.lock}"
		root_remove "${other%.lock}.partial"
		rm -f "$other"
	done
	root_remove "$debug_kernel_dir.partial"
	say "a kernel that checks itself is built once (half an hour on two cores): $debug_kernel_dir"
	if ! build_dir=$debug_kernel_dir.partial in_root bash /src/tests/kernel/debug/build \
		>"$debug_kernel_dir.log" 2>&1; then
		tail -n 40 "$debug_kernel_dir.log" | sed 's/^/    /' >&2
		root_remove "$debug_kernel_dir.partial"
		die "no kernel; the whole log: $debug_kernel_dir.log"
	fi
	mv "$debug_kernel_dir.partial" "$debug_kernel_dir"
}
