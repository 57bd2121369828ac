#!/bin/sh
# `make bench`: podinit beside its peers in one run, as ratios. Must not judge: numbers of one machine
# on one day, and only the ratio means something.
set -eu
build=$1
exec "${PYTHON:-python3}" "$(dirname "$0")/bench.py" "$build"
