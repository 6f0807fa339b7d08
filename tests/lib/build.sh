#!/bin/bash
# In the build root: configures and builds /src in /build/meson.
set -euo pipefail
# shellcheck source=tests/lib/say.sh
source /src/tests/lib/say.sh

meson=/build/meson
# Said to the user, who sees it below the source.
cd /
log=build/logs

if [[ ! -e /src/meson.build ]]; then
	die "there is no meson.build, so there is nothing to build."
fi
mkdir -p "$log"
exec 9>/build/.lock
if ! flock --nonblock 9; then
	say "waiting for another build of this tree …"
	flock 9
fi

# Another root means other compilers and headers, which meson does not notice by itself.
options="${SLUICE_ROOT_KEY:-} -Dwerror=true ${SLUICE_MESON_ARGS:-}"
if [[ -d $meson && $(cat "$meson/.options" 2>/dev/null) != "$options" ]]; then
	rm -rf "$meson"
fi
if [[ ! -e $meson/build.ninja ]]; then
	rm -rf "$meson"
	# shellcheck disable=SC2086 # options are words
	run_step "configuring" "$log/configure.log" \
		meson setup -Dwerror=true ${SLUICE_MESON_ARGS:-} "$meson" /src || exit
	echo "$options" >"$meson/.options"
fi
SAY_TAIL=80 run_step "building" "$log/build.log" ninja -C "$meson"
