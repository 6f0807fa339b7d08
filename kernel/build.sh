#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Builds a module in a folder of its own, as the kernel's makefiles write beside the sources.
# usage: build.sh MAKE KERNEL-DIR MODULE.ko WORK-DIR [MAKE-ARG…] -- SOURCE…
set -eu

make=$1 kernel=$2 module=$3 work=$4
shift 4
args=
while [ "$1" != -- ]; do
	args="$args $1"
	shift
done
shift

rm -rf "$work"
mkdir -p "$work"
cp -- "$@" "$work"
work=$(cd "$work" && pwd)
# shellcheck disable=SC2086 # arguments are words
"$make" -s -C "$kernel" "M=$work" $args modules
mv "$work"/*.ko "$module"
