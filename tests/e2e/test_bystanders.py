"""In the PID namespace of the machine, among processes that are none of its business: podinit never
signals one that does not descend from it."""

import os
import platform
import re
import shutil
import signal
import subprocess

import pytest

from pods import (HELPER, PLAIN, RESTRICT, UNSHARE, children, is_running, kill, never, read,
                  side_by_side, stubborn, until)

USER = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"]
AS = {"root": [], "uid-1234": USER}
CALLS = "kill,tkill,tgkill,pidfd_send_signal"


class Bystanders:
    """Processes that write down every signal that they get."""

    def __init__(self, directory):
        self.directory, self.processes = directory, {}

    def path(self, name):
        return self.directory / f"heard-by-{name}"

    def start(self, name, *command):
        """Becomes one by this command, which ends with `listen NAME`."""
        with open(self.path(name), "ab") as out:
            self.processes[name] = subprocess.Popen([*command, "listen", name], stdout=out,
                                                    start_new_session=True)

    def listen(self, names):
        for name in names:
            until(lambda one=name: "listens" in read(self.path(one)), f"{name} listens")

    def finish(self):
        for process in self.processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def bystanders(open_directory):
    bystanders = Bystanders(open_directory)
    yield bystanders
    bystanders.finish()


def beside_a_sibling(bystanders, pods, trace, user):
    """What podinit starts behind: a process of the same session and process group, whose parent has
    ended; and strace, which follows podinit and all that descend from it."""
    name = f"sibling-{trace.name}"
    script = f"({' '.join(user)} {HELPER} listen {name} >{bystanders.path(name)} & " \
        f"echo $! >{trace}.sibling)\n" \
        f'until test -s {bystanders.path(name)}; do sleep 0.01; done; exec "$@"'
    return ["sh", "-c", script, "sh", "strace", "-f", "-o", trace, "--decode-fds=pidfd",
            "-e", f"trace={CALLS}", *user]


def targets(trace, podinit):
    """The processes that strace followed, podinit left out; and whom podinit has signalled, each
    with the number as the call has it: negative for a group."""
    descendants, told = set(), []
    for line in read(trace).splitlines():
        caller, call = line.split(maxsplit=1)
        if int(caller) != podinit:
            descendants.add(int(caller))
        elif call.split("(")[0] in CALLS.split(","):
            target = re.match(r"\w+\((?:\d+<pid:(\d+)>|(-?\d+)), (?:\d+, )?(SIG\w+)", call)
            assert target, call
            # A number that is nobody's any more could be a bystander's by now.
            assert "ESRCH" not in call, call
            told.append((int(target[1] or target[2]), target[3]))
    return descendants, told


def a_program(pods, how_it_starts):
    """Leaves a daemon behind, and one in its group; neither cares for SIGTERM."""
    script = f"(setsid {stubborn('daemon')} &); {stubborn('child')} & exec {HELPER} listen main"
    pod = pods.program("sh", "-c", script, options=["--grace", "1"], how=PLAIN,
                       prefix=how_it_starts)
    return pod, ["daemon is ready", "child is ready", "main listens"]


def a_pod(pods, how_it_starts):
    """One of its mains has ended already and has left a daemon behind; another leaves one in its
    group each time that it starts."""
    directory = pods.make_directory()
    ready = directory / "ready"
    gone = directory / "gone"
    gone.write_text(f"#!/bin/sh\n(setsid {stubborn('daemon')} >{ready} &)\n"
                    f"until test -s {ready}; do sleep 0.01; done\n")
    gone.chmod(0o755)
    ini = never(f"main: {HELPER} listen main", f"gone: {gone}") \
        .replace("PeriodSeconds = 5", "PeriodSeconds = 1") \
        + f"[sidecar side]\ncommand = {HELPER} listen side\n" \
        "[main again]\nrestartPolicy = Always\ncommand = sh -c 'sleep 1000 & exit 3'\n" \
        "backoff.initialSeconds = 50ms\nbackoff.maxSeconds = 50ms\n"
    pod = pods.start(ini, how=PLAIN, prefix=how_it_starts)
    pod.event(process="gone", reason="Completed")
    pod.event(count=3, process="again", reason="Error")
    return pod, ["main listens", "side listens"]


def live(bystanders, pods, kind, user):
    """A whole life: start, signals, SIGTERM, SIGKILL. Returns the sibling."""
    trace = bystanders.directory / f"{kind.__name__}-{user}"
    pod, lines = kind(pods, beside_a_sibling(bystanders, pods, trace, AS[user]))
    for line in lines:
        pod.says(line)
    podinit = until(lambda: children(pod.pid), "strace has started podinit")[0]
    sibling = int(read(f"{trace}.sibling"))
    assert (os.getsid(sibling), os.getpgid(sibling)) == (os.getsid(podinit), os.getpgid(podinit))
    assert os.stat(f"/proc/{podinit}").st_uid == (0 if user == "root" else 1234)
    for signo in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
        os.kill(podinit, signo)
        pod.says(f"main got {int(signo)}\n")
    os.kill(podinit, signal.SIGTERM)
    pod.wait()
    descendants, told = targets(trace, podinit)
    assert {"SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTERM", "SIGKILL"} <= {signo for _, signo in told}
    assert any(target < 0 for target, _ in told)
    for target, signo in told:
        assert abs(target) in descendants, f"{signo} to {target}: {pod.output()}"
    assert "had to be killed" in pod.output()
    # The sibling has the mark of the pod's processes too.
    assert pod.survivors() == [sibling]
    return sibling


def test_bystanders_hear_nothing_of_a_pods_life(bystanders, open_pods):
    bystanders.start("of-root", HELPER)
    bystanders.start("of-1234", *USER, HELPER)
    # One of the same name, and another podinit with its program.
    namesake = bystanders.directory / "podinit"
    shutil.copy(HELPER, namesake)
    bystanders.start("namesake", namesake)
    other = open_pods.program(HELPER, "listen", "other", how=PLAIN, events=False)
    bystanders.listen(["of-root", "of-1234", "namesake"])
    other.says("other listens")

    lives = [(kind, user) for kind in (a_program, a_pod) for user in AS]
    siblings = side_by_side(lambda one: live(bystanders, open_pods, *one), lives)

    heard = {name: read(bystanders.path(name)) for name in bystanders.processes}
    for kind, user in lives:
        name = f"sibling-{kind.__name__}-{user}"
        heard[name] = read(bystanders.path(name))
    assert len(heard) == 7
    assert heard == {name: f"{name} listens\n" for name in heard}
    assert "got" not in other.out.read_text()
    # They are all there and would have written it down.
    for pid in [*siblings, *(process.pid for process in bystanders.processes.values())]:
        assert is_running(pid)
        os.kill(pid, signal.SIGTERM)
    for name in heard:
        until(lambda one=name: read(bystanders.path(one)) == f"{one} listens\n{one} got 15\n",
              f"{name} hears of SIGTERM")
    assert other.stop() == 0
    assert other.out.read_text() == "other listens\nother got 15\n"


def test_an_orphan_that_went_to_somebody_else_is_a_bystander(bystanders, open_pods):
    # Where podinit may not be a subreaper, a daemon descends from it only until its parent ends.
    trace = bystanders.directory / "trace"
    script = f"(setsid {HELPER} listen daemon &); exec {HELPER} polite main 0 0"
    prefix = ["strace", "-f", "-o", trace, "--decode-fds=pidfd", "-e", f"trace={CALLS}",
              RESTRICT, "no-subreaper=EPERM", "--"]
    pod = open_pods.program("sh", "-c", script, options=["--grace", "1"], how=PLAIN, prefix=prefix)
    pod.says("daemon listens")
    pod.says("main is ready")
    podinit = until(lambda: children(pod.pid), "strace has started podinit")[0]
    until(lambda: len(children(podinit)) == 1, "the daemon is somebody else's")
    main = children(podinit)[0]
    os.kill(podinit, signal.SIGTERM)
    # strace ends when all that it follows have ended, and the daemon goes on.
    until(lambda: not is_running(podinit), "podinit ends")
    _, told = targets(trace, podinit)
    assert {abs(target) for target, _ in told} == {main}
    daemon = [pid for pid in pod.survivors()
              if read(f"/proc/{pid}/cmdline").split("\0")[0] == str(HELPER)]
    assert len(daemon) == 1
    assert "daemon got" not in pod.out.read_text()
    kill(daemon[0], signal.SIGTERM)
    pod.says("daemon got 15")
    assert pod.wait() == 0


# Of kill() and pidfd_send_signal(), the first as this machine counts.
KILL, PIDFD_SEND_SIGNAL = {"x86_64": "62", "aarch64": "129"}[platform.machine()], "424"


def number_inside(pid):
    return int(re.search(r"^NSpid:.*\t(\d+)$", read(f"/proc/{pid}/status"), re.MULTILINE)[1])


def is_about_to_signal(podinit, pid):
    """Has it entered the system call that would signal this process?"""
    words = read(f"/proc/{podinit}/syscall").split()
    if words[0] == KILL:
        return int(words[1], 16) == number_inside(pid)
    return words[0] == PIDFD_SEND_SIGNAL and \
        f"\nPid:\t{pid}\n" in read(f"/proc/{podinit}/fdinfo/{int(words[1], 16)}")


def test_a_number_that_is_somebody_elses_by_now_is_not_signalled(bystanders, pods):
    # It may become so between the look at /proc and the signal, as it is not podinit that keeps it,
    # but its parent. strace makes a second of that moment.
    calls = "kill,pidfd_send_signal"
    strace = ["strace", "-f", "-qq", "-o", pods.directory / "trace", "-e", f"trace={calls}", "-e",
              f"inject={calls}:delay_enter=1000000"]
    parent = f"trap '' TERM; {stubborn('child')} & wait; exec sleep 1000"
    script = f'(setsid sh -c "{parent}" &); exec {HELPER} listen main'
    # In a namespace, as numbers can be chosen there; but strace is its process 1.
    pod = pods.program("sh", "-c", script, how=UNSHARE, options=["--grace", "1"], events=False,
                       prefix=strace)
    pod.says("child is ready")
    pod.says("main listens")
    podinit, = children(pod.inner)
    by_word = {word: pid for pid in pod.processes()
               for word in read(f"/proc/{pid}/cmdline").split("\0")[1:2]}
    child = by_word["stubborn"]
    number = number_inside(child)
    os.kill(by_word["listen"], signal.SIGTERM)
    until(lambda: is_about_to_signal(podinit, child), "the child is about to be signalled")
    os.kill(child, signal.SIGKILL)
    until(lambda: not os.path.exists(f"/proc/{child}"), "its parent has reaped it")
    with open(bystanders.path("other"), "wb") as out:
        other = subprocess.Popen(["nsenter", "-t", str(pod.inner), "-p", HELPER, "numbered",
                                  str(number), "other"], stdout=out)
    bystanders.listen(["other"])
    pod.says("ends with exit code 0")
    pod.wait()
    other.wait(20)
    assert read(bystanders.path("other")) == "other listens\n"
