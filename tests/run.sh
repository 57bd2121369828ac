#!/bin/bash
# Runs every layer of tests on a build, prints a line for each and the totals at the end. A layer's
# output is shown only when it failed; all of it stays in BUILD/test-logs.
# Usage: run.sh BUILDDIR. Must not install or skip anything: `make deps` came before.
set -u
build=$1
logs=$build/test-logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0
began=$SECONDS

# The number before a word in the last line of a log that has one: count LOG passed
count() {
	local number
	number=$(grep -oE "[0-9]+ $2" "$1" | tail -n 1)
	echo "${number%% *}"
}

# layer NAME each|one COMMAND...: "each" adds up the tests that the command counts, "one" makes the
# command one test.
layer() {
	local name=$1 how=$2 log=$logs/$1.log start=$SECONDS status=0 good=1 bad=0 skip=0
	shift 2
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if [ "$how" = each ]; then
		good=$(count "$log" passed) bad=$(count "$log" failed) skip=$(count "$log" skipped)
		good=${good:-0} bad=${bad:-0} skip=${skip:-0}
	fi
	# A command that fails without counting a failure, or counts nothing, has failed all the same.
	if [ $status != 0 ] && [ "$bad" = 0 ]; then
		bad=1
		[ "$how" = one ] && good=0
	fi
	if [ "$good" = 0 ] && [ "$bad" = 0 ]; then
		bad=1
	fi
	[ "$bad" = 0 ] || cat "$log"
	printf '%-14s %6d passed, %d failed, %d skipped  (%d s)\n' \
		"$name" "$good" "$bad" "$skip" $((SECONDS - start))
	passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

make="make --no-print-directory"
# The build itself: both compilers, warnings are errors.
layer build-gcc one $make CI=1 CC=gcc BUILD="$build/gcc" all
layer build-clang one $make CI=1 CC=clang BUILD="$build/clang" all
layer build-dynamic one $make CI=1 STATIC=0 BUILD="$build/dynamic" all
layer unit each $make BUILD="$build" unit
layer unit-asan each $make BUILD="$build" unit-asan
# The same lives each time: what this says must not depend on chance. `make sim` by hand draws others.
layer sim one $make BUILD="$build" SEED=1 sim
layer sim-asan one $make BUILD="$build" SEED=1000000 LIVES=100000 sim-asan
layer fuzz one $make BUILD="$build" fuzz
layer conformance each $make PYTHON="${PYTHON:-python3}" BUILD="$build" conformance
layer e2e each ${PYTHON:-python3} -m pytest -q -rfEs -n 2 --dist loadfile tests/e2e
layer vm each ${PYTHON:-python3} -m pytest -q -rfEs -n 2 --dist loadfile tests/vm
layer demo one $make BUILD="$build" demo

printf 'all layers in %d s\n' $((SECONDS - began))
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed = 0 ]
