#!/bin/sh
# `make bench`: podinit beside its peers in one run, as ratios. Must not judge: numbers of one machine
# on one day, and only the ratio means something.
set -eu
build=$1
here=$(dirname "$0")
"${PYTHON:-python3}" "$here/bench.py" "$build"
"${PYTHON:-python3}" "$here/probes.py" "$build"
