"""Where podinit may do little: another user, nothing writable, no capabilities, filters; among processes
that are not its own; and as process 1 of a PID namespace that others share."""

import errno
import os
import re
import signal
import subprocess

import pytest

from pods import (HELPER, PLAIN, UNSHARE, children, for_everyone, is_running, kill, polite, read,
                  until)

EMPTY_ENVIRONMENT = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
NOBODY_KNOWN = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"]
NO_CAPABILITIES = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
NO_NEW_PRIVILEGES = ["setpriv", "--no-new-privs"]
# Nothing that is mounted can be written. Last comes what lies over others, so it is done first.
NOTHING_WRITABLE = ["unshare", "--mount", "sh", "-ec", """
    tac /proc/self/mounts | while read -r _ path _; do mount -o remount,bind,ro "$path"; done
    ! touch /tmp/x /run/x /dev/shm/x /var/tmp/x /dev/x 2>/dev/null
    exec "$@" """, "sh"]


def refused(error):
    return [HELPER, "filter", error, "--"]


RESTRICTIONS = {
    "empty-environment": EMPTY_ENVIRONMENT,
    "uid-1234": NOBODY_KNOWN,
    "no-capabilities": NO_CAPABILITIES,
    "no-new-privs": NO_NEW_PRIVILEGES,
    "nothing-writable": NOTHING_WRITABLE,
    "refused": refused(errno.EPERM),
    "unknown": refused(errno.ENOSYS),
    # In one setpriv: it knows in which order.
    "all-of-it": [*NOTHING_WRITABLE, *refused(errno.EPERM), *EMPTY_ENVIRONMENT, *NOBODY_KNOWN,
                  *NO_CAPABILITIES[1:], *NO_NEW_PRIVILEGES[1:]],
}


def prefix_of(name):
    assert HELPER.is_absolute()
    return [str(word) for word in RESTRICTIONS[name]]


def becomes_subreaper(name):
    return name not in ("refused", "unknown", "all-of-it")


def check_orphans(pod, how, restriction, left):
    """Nothing but `left` processes is below podinit; or it said once that this is not to be had."""
    told = "orphans will not be reaped here: neither process 1 nor a subreaper: "
    lost = how == PLAIN and not becomes_subreaper(restriction)
    if not lost:
        until(lambda: len(children(pod.inner)) == left, "every orphan was reaped")
    assert pod.output().count(told) == lost


@pytest.mark.parametrize("how", [UNSHARE, PLAIN])
@pytest.mark.parametrize("restriction", RESTRICTIONS)
def test_an_entrypoint_runs(open_pods, restriction, how):
    script = f"{HELPER} orphans 100; exec {polite('one', 7)}"
    pod = open_pods.program("sh", "-c", script, how=how, events=False, prefix=prefix_of(restriction))
    pod.says("one is ready")
    check_orphans(pod, how, restriction, left=1)
    pod.signal(signal.SIGTERM)
    assert pod.wait() == 7
    assert "ends with exit code 7 " in pod.output()


@pytest.mark.parametrize("how", [UNSHARE, PLAIN])
@pytest.mark.parametrize("restriction", RESTRICTIONS)
def test_a_pod_runs(open_pods, restriction, how):
    ini = open_pods.directory / f"{restriction}.ini"
    ini.write_text("[pod]\nrestartPolicy = OnFailure\n[init i]\ncommand = sh -c 'echo init'\n"
                   f"[sidecar s]\ncommand = {polite('side')}\n"
                   f"[main once]\ncommand = {HELPER} orphans 100\n"
                   f"[main m]\ncommand = {polite('one', 7)}\n")
    with open(ini) as stdin:
        pod = open_pods.with_arguments("-c", "-", how=how, events=False, stdin=stdin,
                                       prefix=prefix_of(restriction))
    pod.says("once: ended with exit code 0")
    for name in ("side", "one"):
        pod.says(f"{name} is ready")
    check_orphans(pod, how, restriction, left=2)
    pod.signal(signal.SIGTERM)
    assert pod.wait() == 7
    log = read(pod.log)
    assert log.index("m: ended with exit code 7") < log.index("s: ended with exit code 0")


def test_process_1_runs_where_there_is_no_proc(open_pods):
    hidden = ["unshare", "--mount", "sh", "-ec", 'umount -l /proc; mount -t tmpfs -o ro none /proc; '
              'exec "$@"', "sh"]
    pod = open_pods.program(*polite("one", 7).split(), how=UNSHARE, events=False, prefix=hidden)
    pod.says("one is ready")
    pod.signal(signal.SIGTERM)
    assert pod.wait() == 7


# --- among others ---

def listener(name, out, **popen):
    """A process of the test's own that notes every signal it gets."""
    process = subprocess.Popen([HELPER, "listen", name], stdout=out, **popen)
    until(lambda: f"{name} listens" in read(out.name), f"{name} listens")
    return process


@pytest.mark.parametrize("user", [[], NOBODY_KNOWN], ids=["root", "uid-1234"])
def test_among_the_machines_processes_it_signals_only_its_own(open_pods, user):
    """From the start to SIGKILL for what its program left behind."""
    directory = open_pods.make_directory()
    trace = directory / "trace"
    # A session in which podinit is one of several, of one group; and one that looks like podinit.
    twin = directory / "podinit"
    twin.symlink_to(HELPER)
    left = f"setsid {HELPER} stubborn left & {HELPER} stubborn child & exec {polite('one', 5)}"
    with open(directory / "heard", "w") as heard:
        session = ["sh", "-c", f"{HELPER} listen sibling & {twin} listen twin & \"$@\"", "sh"]
        strace = ["strace", "-f", "-qq", "-o", trace, "-e",
                  "trace=kill,tgkill,tkill,pidfd_send_signal,clone,clone3,fork,vfork"]
        process = subprocess.Popen([*map(str, session + strace), *user, for_everyone(os.environ.get(
            "PODINIT") or HELPER.with_name("podinit")), "--no-control", "--grace", "1", "--",
            "sh", "-c", left], stdout=heard, stderr=heard, start_new_session=True)
    try:
        other = listener("other", open(directory / "other", "w"))
        for name in ("sibling listens", "twin listens", "one is ready", "left is ready",
                     "child is ready"):
            until(lambda: name in read(directory / "heard"), name)
        bystanders = {pid for pid in children(process.pid) if "listen" in read(f"/proc/{pid}/cmdline")}
        assert len(bystanders) == 2
        tracer = next(pid for pid in children(process.pid) if pid not in bystanders)
        podinit = children(tracer)[0]
        for signo in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
            os.kill(podinit, signo)
        assert process.wait(20) in (5, 129, 138)  # which it is, the program decides
        assert all(map(is_running, bystanders | {other.pid}))
        assert "got" not in read(directory / "heard") + read(directory / "other")
        check_targets(read(trace), podinit)
    finally:
        for pid in (*bystanders, other.pid):
            kill(pid)
        kill(process.pid)
        process.wait()
        other.wait()


def check_targets(trace, podinit):
    """Of every signal that podinit sent: a process or group that it had started, or that descends."""
    sent = re.findall(rf"^{podinit} +(?:kill|tgkill|tkill)\((-?\d+)", trace, re.MULTILINE)
    assert sent, trace
    assert "-1" not in sent
    born = re.findall(r"^\d+ +(?:<\.\.\. )?(?:clone3?|v?fork)\b.* = (\d+)", trace, re.MULTILINE)
    assert {target.lstrip("-") for target in sent} <= set(born), trace


# --- with others in its PID namespace ---

def join(pod, *command, **popen):
    """Starts a process in podinit's PID namespace; its parent is outside, so inside it has none."""
    return subprocess.Popen(["nsenter", "-t", str(pod.inner), "-p", *map(str, command)],
                            stdin=subprocess.DEVNULL, **popen)


def as_process_1(pods, face):
    """podinit with nothing or a program to run, as what it is in a pod of containers."""
    if face == "entrypoint":
        pod = pods.program(*polite("one").split(), how=UNSHARE, options=["--grace", "3"], events=False)
        pod.says("one is ready")
    elif face == "pause":
        pod = pods.with_arguments("--no-control", how=UNSHARE, events=False)
        pod.says("Running")
    else:
        link = pods.directory / "pause"
        link.symlink_to(for_everyone(HELPER.with_name("podinit")))
        pod = pods.with_arguments(how=UNSHARE, events=False,
                                  prefix=["sh", "-c", f'shift; exec {link} "$@"', "sh"])
        until(lambda: read(f"/proc/{pod.inner}/comm") == "pause\n", "it is pause")
        # Not until it listens for signals does it wait for them.
        until(lambda: "signalfd" in " ".join(map(os.readlink, links_of(pod.inner))), "it listens")
    return pod


def links_of(pid):
    return [f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd")]


FACES = pytest.mark.parametrize("face", ["entrypoint", "pause", "pause-by-name"])


@FACES
def test_who_joined_is_told_and_may_finish(pods, face):
    pod = as_process_1(pods, face)
    out = open(pods.directory / "out", "w+")
    workers = [join(pod, *polite(f"worker{number}", 3, 500).split(), stdout=out) for number in (1, 2)]
    for number in (1, 2):
        until(lambda: f"worker{number} is ready" in read(out.name), "the worker is ready")
    pod.signal(signal.SIGTERM)
    assert pod.wait() == 0
    # By itself, and not of the SIGKILL that comes with the end of process 1.
    assert [worker.wait(20) for worker in workers] == [3, 3]
    if face != "pause-by-name":
        assert "2 processes left behind get SIGTERM: " in pod.output()


def test_who_joined_and_does_not_care_is_killed_after_the_grace(pods):
    pod = as_process_1(pods, "entrypoint")
    out = open(pods.directory / "out", "w+")
    joined = join(pod, HELPER, "stubborn", "joined", stdout=out)
    until(lambda: "joined is ready" in read(out.name), "it is ready")
    pod.signal(signal.SIGTERM)
    assert pod.wait() == 0
    assert joined.wait(20) in (137, -9)
    assert re.search(r"1 processes left behind get SIGKILL: \d+ \(helper\)", pod.output())


@FACES
def test_who_joined_and_left_holds_nobody_up(pods, face):
    pod = as_process_1(pods, face)
    assert join(pod, "true").wait(20) == 0
    pod.signal(signal.SIGTERM)
    assert pod.wait(2) == 0
