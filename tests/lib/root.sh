# shellcheck shell=bash
# The build root: made once per package list, in the user's cache, and found again by its key.
# shellcheck disable=SC2154 # source_dir, build_dir: tests/run
#
#   root-KEY            a finished root; nothing is written into it any more
#   root-KEY.partial    one that is being made, or that was left by a build that died
#   root-KEY.lock       held exclusively by who makes or removes it, shared by who uses it

root_cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice
root_keep_days=7

# Before a command that must own the root's files: empty for root, else a user namespace.
userns=()

root_key() {
	{
		uname -m
		cat "$source_dir"/tests/root/{packages,make,kernels}
	} | sha256sum | cut -c 1-12
}

# Without root everything happens in a user namespace; says what is missing when there is none.
root_check_privilege() {
	((EUID != 0)) || return 0
	local reason
	if ! command -v newuidmap >/dev/null; then
		die "newuidmap is missing, which makes a build root possible without root." \
			"Install it (apt-get install uidmap), or run this as root."
	fi
	if ! grep -qE "^($(id -un)|$(id -u)):" /etc/subuid 2>/dev/null ||
		! grep -qE "^($(id -un)|$(id -u)):" /etc/subgid 2>/dev/null; then
		die "$(id -un) has no subordinate user and group ids in /etc/subuid and /etc/subgid." \
			"An administrator can add them: usermod --add-subuids 100000-165535" \
			"--add-subgids 100000-165535 $(id -un)"
	fi
	userns=(unshare --user --map-root-user --map-auto --setuid 0 --setgid 0 --)
	if ! reason=$("${userns[@]}" unshare --mount --pid --net --fork true 2>&1); then
		die "this machine does not let $(id -un) make user namespaces:" "$reason" \
			"Run this as root, or ask for them to be allowed: sysctl" \
			"kernel.unprivileged_userns_clone=1, user.max_user_namespaces > 0 and, with" \
			"AppArmor, kernel.apparmor_restrict_unprivileged_userns=0."
	fi
}

root_check_tools() {
	local log=$root_cache/apt-get.log
	command -v mmdebstrap >/dev/null && return 0
	command -v apt-get >/dev/null ||
		die "mmdebstrap is missing, which makes the build root. Install it."
	((EUID == 0)) ||
		die "mmdebstrap is missing, which makes the build root." \
			"Install it, as root: apt-get install mmdebstrap"
	# shellcheck disable=SC2016 # for the inner shell
	run_step "installing mmdebstrap" "$log" env DEBIAN_FRONTEND=noninteractive bash -c '
		install() { apt-get install --yes --quiet --no-install-recommends mmdebstrap; }
		install || { apt-get update --quiet && install; }' ||
		die "mmdebstrap could not be installed."
}

root_remove() {
	[[ -e $1 ]] || return 0
	"${userns[@]}" rm -rf --one-file-system -- "$1"
}

# Removes what belongs to no build that runs, and roots that nobody used for a while.
root_prune() {
	local lock other
	for lock in "$root_cache"/root-*.lock; do
		other=${lock%.lock}
		[[ -e $lock && $other != "$root_dir" ]] || continue
		[[ -e $other.partial || -n $(find "$lock" -mtime "+$root_keep_days") ]] || continue
		(
			exec 8>>"$lock"
			flock --nonblock --exclusive 8 || exit 0
			root_remove "$other.partial"
			if [[ -n $(find "$lock" -mtime "+$root_keep_days") ]]; then
				say "removing a build root unused for $root_keep_days days: $other"
				mv -f "$other" "$other.partial" 2>/dev/null
				root_remove "$other.partial"
				rm -f "$lock"
			fi
		)
	done
}

# Sets root_dir to a finished root, making it if need be. It stays locked for as long as this
# process, or what it starts, lives.
root_ensure() {
	root_check_privilege
	mkdir -p "$root_cache"
	root_dir=$root_cache/root-$(root_key)
	exec 9>>"$root_dir.lock"
	touch "$root_dir.lock"
	if [[ ! -d $root_dir ]]; then
		if ! flock --nonblock --exclusive 9; then
			say "waiting for another process, which makes the build root …"
			flock --exclusive 9
		fi
		[[ -d $root_dir ]] || root_build
	fi
	flock --shared 9
	# Removed between the check and the lock.
	[[ -d $root_dir ]] || die "the build root was removed just now: $root_dir. Try again."
}

root_build() {
	local log=$root_dir.log free
	root_check_tools
	root_prune
	root_remove "$root_dir.partial"
	free=$(df --output=avail --block-size=1M "$root_cache" | tail -n 1)
	((free > 5500)) ||
		die "making the build root takes 5.5 GB below $root_cache; ${free// /} MB are free." \
			"Set XDG_CACHE_HOME to a place with more room."
	say "the build root is made once: $root_dir"
	# KILL: unshare blocks what is milder; everything in its namespaces goes with it.
	SAY_SIGNAL=KILL run_step "making the build root (some minutes)" "$log" "${userns[@]}" \
		setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork \
		--kill-child --mount-proc -- "$source_dir/tests/root/make" "$root_dir.partial" || {
		root_remove "$root_dir.partial"
		die "no build root."
	}
	mv "$root_dir.partial" "$root_dir"
}
