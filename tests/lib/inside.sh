#!/bin/bash
# First process of the namespaces that in_root made: mounts what belongs into the build root and
# becomes the command. Usage: inside.sh ROOT SOURCE BUILD MORE COMMAND…, with MORE empty or what /mnt
# shall be.
set -euo pipefail

root=$1 source=$2 build=$3 more=$4
shift 4

bind_read_only() {
	local flags
	mount --bind "$1" "$2"
	# A user namespace may not drop the flags which the mount has from outside.
	flags=$(findmnt --noheadings --first-only --output VFS-OPTIONS --mountpoint "$2" | tr ',' '\n' |
		grep -xE 'nosuid|nodev|noexec' | paste -sd, || true)
	mount -o "remount,bind,ro${flags:+,$flags}" "$2"
}

devices() {
	local node
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for node in null zero full random urandom tty kvm udmabuf; do
		[[ -c /dev/$node ]] || continue
		touch "$root/dev/$node"
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir "$root"/dev/{pts,shm}
	mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
}

bind_read_only "$root" "$root"
# What was mounted hides the working directory's view of it.
cd /
mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" 2>/dev/null || mount --rbind /sys "$root/sys"
devices
for dir in tmp run root var/tmp; do
	mount -t tmpfs -o mode=1777 "${dir##*/}" "$root/$dir"
done
chmod 755 "$root/run"
chmod 700 "$root/root"
mkdir -p "$root/run/user/0"
chmod 700 "$root/run/user/0"
bind_read_only "$source" "$root/src"
mount --bind "$build" "$root/build"
[[ -z $more ]] || bind_read_only "$more" "$root/mnt"

environment=(
	HOME=/root USER=root LOGNAME=root SHELL=/bin/bash LANG=C.UTF-8
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	XDG_RUNTIME_DIR=/run/user/0
	# /src is read-only.
	PYTHONPYCACHEPREFIX=/build/pycache PYTHONPATH=/src/tests
)
for name in TERM COLORTERM CI NO_COLOR "${!SLUICE_@}" "${!MESON_TEST@}"; do
	if [[ -n ${!name+set} ]]; then
		environment+=("$name=${!name}")
	fi
done

chroot "$root" /usr/sbin/ip link set lo up
# tini reaps orphans and hands signals on, which a first process does not get by default.
exec chroot "$root" /usr/bin/tini -g -- \
	env --ignore-environment --chdir=/src "${environment[@]}" "$@"
