#!/bin/sh
# Proves with nm that the floors spec and core are pure: the symbols that their objects need from
# outside are those of purity.allow. With a program as second argument, the same for the whole
# program (less its own C library start-up and cmocka): usage: purity.sh BUILDDIR [PROGRAM]
# And that docs/design.md names every file. Must not decide what is pure: purity.allow does.
set -eu
build=$1
allow=$(dirname "$0")/purity.allow

undefined() { # of all the objects together
	ld -r -o "$build/purity.tmp.o" "$@"
	nm -u "$build/purity.tmp.o" | sed 's/^ *[UwW] //; s/@.*//' | grep -v '^_GLOBAL_OFFSET_TABLE_$' | sort -u
	rm -f "$build/purity.tmp.o"
}
complain() { # WHO, symbols on stdin
	bad=$(cat)
	[ -z "$bad" ] && return 0
	echo "purity: $1 calls what tests/purity.allow does not list:" $bad >&2
	exit 1
}
allowed() { # the whole list, fortified variants included
	sed -n 's/^core //; /^[a-z_]/p' "$allow" | sed 'p; s/.*/__&_chk/' | sort -u
}
core_allowed() { # what is listed for the core, and what spec defines
	sed -n 's/^core //p' "$allow" | sed 'p; s/.*/__&_chk/'
	nm --defined-only "$build"/spec/*.o | awk 'NF == 3 && $2 ~ /[TDRB]/ { print $3 }'
}

undefined "$build"/spec/*.o "$build"/core/*.o | comm -23 - "$(allowed >"$build/purity.a" && echo "$build/purity.a")" |
	complain 'spec or core'
undefined "$build"/core/*.o | comm -23 - "$(core_allowed | sort -u >"$build/purity.a" && echo "$build/purity.a")" |
	complain 'core'
if [ $# -gt 1 ]; then
	[ -f "$2" ] || { echo "purity: no program $2" >&2; exit 1; }
	# What the tests themselves add: cmocka and the start-up.
	{ allowed; printf '%s\n' __libc_start_main __cxa_finalize __gmon_start__ \
		_ITM_deregisterTMCloneTable _ITM_registerTMCloneTable; } | sort -u >"$build/purity.a"
	nm -u "$2" | sed 's/^ *[UwW] //; s/@.*//' |
		grep -Ev '^(_?cmocka_|_?mock|_assert_|_fail|_skip|_expect_|_will_|_check_|_test_|_run_|print_|vprint_|global_)' |
		sort -u | comm -23 - "$build/purity.a" | complain "$2"
fi
rm -f "$build/purity.a"

# docs/design.md has a line for every file.
for file in src/*.[ch] src/*/*.[ch]; do
	name=${file##*/}
	grep -q "^- \`${name%.*}\`: " docs/design.md || echo "$file"
done | { bad=$(cat); [ -z "$bad" ] || { echo "purity: docs/design.md does not name:" $bad >&2; exit 1; }; }
