#!/bin/sh
# build.sh [DIR] : makes the images localhost/podinit and localhost/pause out of what `make` has put
# into DIR (default: build of the project). It compiles nothing and asks no registry for anything.
#
# PODMAN names what builds, with its options: buildah, docker, podman --root DIR (default: podman).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build}

for file in podinit podctl pause; do
	if [ ! -x "$build/$file" ]; then
		echo "build.sh: $build/$file is missing: run make first" >&2
		exit 1
	fi
done
for image in podinit pause; do
	# shellcheck disable=SC2086 # a command with options
	${PODMAN:-podman} build -q -t "localhost/$image" -f "$here/Containerfile.$image" "$build"
done
