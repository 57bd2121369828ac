#!/bin/sh
# demo.sh : runs conf/two-containers.ini for real, looks at it from outside, ends
# it, and proves that nothing is left. What `make demo` runs after building.
#
# It needs root. It keeps all it writes under build/, and ends only what it has
# started itself, by process id. The exit code is 0 only if everything held.
set -eu
umask 022 # nginx reads as www-data what root made

cd "$(dirname "$0")/.."
podinit=$PWD/build/podinit
podctl=$PWD/build/podctl
work=$PWD/build/demo # the pod's shared-data is in it too
url=http://127.0.0.1/
wanted='Hello from the debian container'
supervisor=''
first=''

step() { printf '\n== %s\n' "$*"; }
say() { printf '   %s\n' "$*"; }
indent() { sed 's/^/   /'; }

die() {
	echo "demo: $*" >&2
	if [ -s "$work/output" ]; then
		echo "demo: what podinit and its processes said:" >&2
		indent <"$work/output" >&2
	fi
	exit 1
}

# A zombie has ended: only its parent, this script, has not asked for it yet.
is_alive() {
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	'' | *') Z '*) return 1 ;;
	esac
}

# wait_for SECONDS COMMAND... : until it succeeds; fails at the deadline.
wait_for() {
	deadline=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt $deadline ] || return 1
		sleep 0.1
	done
}

# Whatever happens the pod ends with the demo: in order, else by force. The first
# process of a PID namespace takes all others of it along.
clean_up() {
	trap - EXIT INT TERM HUP
	if [ -n "$supervisor" ] && is_alive "$supervisor"; then
		kill -TERM "$supervisor" || true
		if ! wait_for 40 is_gone; then
			[ -z "$first" ] || kill -KILL "$first" || true
			kill -KILL "$supervisor" || true
		fi
	fi
	rm -rf "$work"
}
is_gone() { ! is_alive "$supervisor"; }

# ---- the pod as seen from outside ----

find_first() {
	is_alive "$supervisor" || die "podinit ended before its pod was there"
	first=$(cat "/proc/$supervisor/task/$supervisor/children" 2>/dev/null) || return 1
	first=${first%% *}
	# The namespace, not only the process: pod's and host's differ by then.
	[ -n "$first" ] && [ -e "/proc/$first/ns/net" ] &&
		[ "$(readlink "/proc/$first/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# Runs in the pod's network namespace, with the programs of the host.
fetch() {
	is_alive "$supervisor" || die "the pod ended before it served its page"
	if command -v curl >/dev/null; then
		nsenter -t "$first" -n curl -sf --max-time 5 $url >"$work/page"
	else
		nsenter -t "$first" -n timeout 5 bash -c '
			exec 3<>/dev/tcp/127.0.0.1/80
			printf "GET / HTTP/1.0\r\n\r\n" >&3
			cat <&3' 2>/dev/null | sed '1,/^\r*$/d' >"$work/page"
	fi
	grep -q "$wanted" "$work/page"
}

# One line of JSON -> one line for a person. A field that is not there stays empty.
show_events() {
	awk '
	function field(name, s) {
		if (match($0, "\"" name "\": *\"([^\"\\\\]|\\\\.)*\"")) {
			s = substr($0, RSTART, RLENGTH)
			sub("^\"" name "\": *\"", "", s)
			return substr(s, 1, length(s) - 1)
		}
		return ""
	}
	{ printf "%-15.15s  %-10s  %-16s  %s\n", substr(field("time"), 12),
	         field("reason"), field("process"), field("message") }' "$1" | indent
}

# ---- what is left of it ----

roots_files() { find build/rootfs ! -type d | sort; }
scratch_files() { find /tmp /var/tmp /run -maxdepth 1 -name '*podinit*' | sort; }

pod_processes() {
	for ns in /proc/[0-9]*/ns/pid; do
		if [ "$(readlink "$ns" 2>/dev/null)" = "$pid_namespace" ]; then
			pid=${ns#/proc/}
			echo "${pid%%/*}"
		fi
	done
}

bad=0
check_empty() {
	if [ -z "$2" ]; then
		say "none: $1"
	else
		say "LEFT: $1:"
		echo "$2" | indent
		bad=1
	fi
}

# ---- the demo ----

[ "$(id -u)" = 0 ] || die "needs root: it makes root file systems and namespaces"
for f in "$podinit" "$podctl"; do
	[ -x "$f" ] || die "$f is missing: run make first"
done

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

step "the root file systems, from Debian's packages (the first time this downloads)"
conf/rootfs.sh two-containers
du -sh build/rootfs/nginx build/rootfs/debian | indent
rm -rf "$work"
mkdir -p "$work"
roots_files >"$work/roots.before"
scratch_files >"$work/scratch.before"

step "the pod"
say "build/podinit --sandbox --events build/demo/events -c conf/two-containers.ini"
# Appended to: nginx opens its output anew, through /dev/stdout.
"$podinit" --sandbox --events "$work/events" -c conf/two-containers.ini \
	>>"$work/output" 2>&1 </dev/null &
supervisor=$!
wait_for 10 find_first || die "no pod within 10 s"
say "podinit is process $supervisor, process 1 of the pod is $first"
pid_namespace=$(readlink "/proc/$first/ns/pid")
# Held open, so that the number of this namespace cannot become another one's
# before the check at the end.
exec 9<"/proc/$first/ns/pid"

step "the page, over the network of the pod"
wait_for 30 fetch || die "no page within 30 s"
indent <"$work/page"
if command -v curl >/dev/null && curl -s --max-time 5 $url | grep -q "$wanted"; then
	die "the page is on the host's own network too: the pod has none of its own"
fi

step "podctl status"
"$podctl" status >"$work/status" || die "podctl status failed"
indent <"$work/status"

step "the end: podctl shutdown"
if "$podctl" shutdown >"$work/answer"; then
	indent <"$work/answer"
else
	say "podctl shutdown failed: sending SIGTERM instead"
	kill -TERM "$supervisor"
	bad=1
fi
wait_for 40 is_gone || die "the pod is still there 40 s after it was told to end"
code=0
wait "$supervisor" || code=$?
supervisor=''
say "podinit's exit code: $code"
[ $code = 0 ] || bad=1

step "the events"
show_events "$work/events"

step "what is left"
check_empty "process of the pod" "$(pod_processes)"
exec 9<&-
check_empty "mount under build/" \
	"$(awk -v d="$PWD/build/" 'index($5 "/", d) == 1 { print $5 }' /proc/self/mountinfo)"
check_empty "new file in the root file systems" \
	"$(roots_files | comm -13 "$work/roots.before" -)"
check_empty "socket or scratch of podinit in /run, /tmp, /var/tmp" \
	"$(scratch_files | comm -13 "$work/scratch.before" -)"
[ $bad = 0 ] || die "something did not hold: see above"
# Not the pod's to remove: a hostPath outlives the pod, here it is the demo's own.
rm -rf "$work"
[ ! -e "$work" ] || die "$work could not be removed"
say "none: file of the demo (build/demo is removed, with the shared-data in it)"

step "everything held"
