"""Process 1 of a PID namespace that others share: they enter it from outside, as the containers of a
pod or a debugger do, and are nobody's children there. They end with podinit, so they are asked first."""

import os
import signal
import subprocess
import time

import pytest

from pods import (HELPER, RESTRICT, UNSHARE, children, kill, read, side_by_side, state_of,
                  until)

USER = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"]
# As the first container of a pod, by its own name and as pause, and as the entrypoint of one whose
# namespace others share.
PAUSE, AS_PAUSE, PROGRAM = "pause", "as-pause", "program"
each = pytest.mark.parametrize("what", [PAUSE, AS_PAUSE, PROGRAM])


class Joined:
    """A process that has entered the namespace of a podinit, and what it says."""

    def __init__(self, pod, *command, prefix=()):
        self.path = pod.directory / f"joined{len(list(pod.directory.glob('joined*')))}"
        with open(self.path, "wb") as out:
            # Without the mark of the pod's processes, as it is none.
            self.process = subprocess.Popen(
                ["nsenter", "-t", str(pod.inner), "-p", *prefix, *map(str, command)],
                stdout=out, stdin=subprocess.DEVNULL, start_new_session=True)

    def says(self, text):
        until(lambda: text in read(self.path), f"who has joined says {text!r}")

    @property
    def inner(self):
        """Outside it is a child of nsenter, inside it has no parent."""
        return children(self.process.pid)[0]

    def wait(self):
        return self.process.wait(timeout=20)


@pytest.fixture
def join():
    """Lets a program enter the PID namespace of a podinit."""
    joined = []

    def join(*arguments, **more):
        joined.append(Joined(*arguments, **more))
        return joined[-1]
    yield join
    for one in joined:
        if one.process.poll() is None:
            for pid in children(one.process.pid):
                kill(pid)
            one.process.kill()
            one.process.wait()


def start(pods, what, *options, prefix=()):
    if what == PROGRAM:
        pod = pods.program(HELPER, "polite", "main", "7", "0", options=options, how=UNSHARE,
                           prefix=prefix)
        pod.says("main is ready")
        return pod
    # Before it runs, SIGTERM would be lost.
    if what == PAUSE:
        pod = pods.with_arguments("--no-control", *options, how=UNSHARE, prefix=prefix)
        pod.event(reason="Phase", phase="Running")
    else:
        pod = pods.with_arguments("--compat=pause", how=UNSHARE, prefix=prefix, events=False)
        until(lambda: read(f"/proc/{pod.inner}/comm") == "podinit\n"
              and state_of(pod.inner) == "S", "podinit runs")
    return pod


def exit_code(what):
    return 7 if what == PROGRAM else 0


def namespace_of(pid):
    return os.readlink(f"/proc/{pid}/ns/pid")


@each
def test_who_has_joined_gets_its_time_after_sigterm(pods, join, what):
    pod = start(pods, what)
    worker = join(pod, HELPER, "flush", "worker", 500)
    worker.says("worker is ready")
    assert namespace_of(worker.inner) == namespace_of(pod.inner)
    assert "\nPPid:\t%d\n" % worker.process.pid in read(f"/proc/{worker.inner}/status")
    began = time.monotonic()
    pod.signal(signal.SIGTERM)
    assert pod.wait() == exit_code(what)
    # It waited for nothing but the worker.
    assert 0.4 < time.monotonic() - began < 5
    assert read(worker.path) == "worker is ready\nworker flushed\n"
    assert worker.wait() == 0
    assert "worker" not in pod.output()


def test_who_has_joined_gets_it_too_when_the_program_ends_by_itself(pods, join):
    go = pods.directory / "go"
    pod = pods.program("sh", "-c", f"until test -e {go}; do sleep 0.01; done; exit 3", how=UNSHARE)
    worker = join(pod, HELPER, "flush", "worker", 500)
    worker.says("worker is ready")
    go.touch()
    assert pod.wait() == 3
    worker.says("worker flushed")
    assert worker.wait() == 0


def test_several_have_joined_and_some_have_children(pods, join):
    pod = start(pods, PAUSE)
    workers = [join(pod, HELPER, "flush", f"worker{number}", 100 * number) for number in range(5)]
    family = join(pod, "sh", "-c", f"{HELPER} flush child 300 & exec {HELPER} flush parent 100")
    orphan = join(pod, "sh", "-c", f"(setsid {HELPER} flush orphan 400 &)")
    for number, worker in enumerate(workers):
        worker.says(f"worker{number} is ready")
    family.says("child is ready")
    family.says("parent is ready")
    orphan.says("orphan is ready")
    assert pod.stop() == 0
    for number, worker in enumerate(workers):
        worker.says(f"worker{number} flushed")
    family.says("child flushed")
    family.says("parent flushed")
    orphan.says("orphan flushed")


def test_who_has_joined_hears_of_no_other_signal(pods, join):
    pod = pods.program(HELPER, "listen", "main", how=UNSHARE)
    pod.says("main listens")
    listener = join(pod, HELPER, "listen", "listener")
    listener.says("listener listens")
    for signo in (signal.SIGHUP, signal.SIGUSR1):
        pod.signal(signo)
        pod.says(f"main got {int(signo)}\n")
    assert pod.stop() == 0
    assert listener.wait() == 0
    assert read(listener.path) == "listener listens\nlistener got 15\n"


def test_who_has_joined_and_left_is_not_waited_for(pods, join):
    pod = start(pods, PAUSE)
    assert join(pod, "true").wait() == 0
    began = time.monotonic()
    assert pod.stop() == 0
    assert time.monotonic() - began < 2
    assert not pod.events(reason="Leftover")


def test_who_has_joined_and_is_a_zombie_is_not_waited_for(pods, join):
    # The kernel does not let process 1 go before its parent, outside, has reaped it; but podinit
    # has said its last line by then.
    pod = start(pods, PROGRAM)
    worker = join(pod, HELPER, "flush", "worker", 0)
    worker.says("worker is ready")
    inner = worker.inner
    os.kill(worker.process.pid, signal.SIGSTOP)
    try:
        os.kill(inner, signal.SIGTERM)
        until(lambda: state_of(inner) == "Z", "it is a zombie")
        pod.signal(signal.SIGTERM)
        pod.says("ends with exit code 7", seconds=2)
        assert not pod.events(reason="Leftover")
    finally:
        os.kill(worker.process.pid, signal.SIGCONT)
    assert worker.wait() == 0
    assert pod.wait() == 7


def ends_within(pod, shortest, longest, signals):
    began = time.monotonic()
    for number in range(signals):
        pod.signal(signal.SIGTERM)
        pod.event(count=number + 1, reason="Signal", signal=15)
    pod.wait()
    took = time.monotonic() - began
    assert shortest < took < longest, f"ended after {took:.2f} s: {pod.output()}"


def test_who_ignores_sigterm_is_killed_at_the_end_of_the_grace(open_pods, join):
    def program():
        return start(open_pods, PROGRAM, "--grace", "3"), 1, 2.8, 5.5

    def program_with_less_grace_than_the_least():
        return start(open_pods, PROGRAM, "--grace", "1"), 1, 1.8, 5

    def pause_that_is_told_twice():
        return start(open_pods, PAUSE), 2, 1.8, 5

    def worker_of_another_user():
        # Without capabilities podinit cannot even kill it: it goes with process 1.
        return start(open_pods, PROGRAM, "--grace", "1", prefix=[*USER, "--bounding-set=-all"]), \
            1, 1.8, 6

    def live(case):
        pod, signals, shortest, longest = case()
        worker = join(pod, HELPER, "stubborn", "worker")
        worker.says("worker is ready")
        ends_within(pod, shortest, longest, signals)
        assert worker.wait() == -signal.SIGKILL  # nsenter ends as its program did
        return pod
    ended = side_by_side(live, [program, program_with_less_grace_than_the_least,
                                pause_that_is_told_twice, worker_of_another_user])
    assert [pod.code for pod in ended] == [7, 7, 0, 7]
    for pod in ended[:3]:
        assert "1 left behind had to be killed" in pod.output()


@pytest.mark.parametrize("proc", ["no-proc", "other-proc"])
def test_who_has_joined_gets_it_too_where_proc_does_not_show_it(pods, join, proc):
    pod = start(pods, PROGRAM, "--grace", "5", prefix=[RESTRICT, proc, "--"])
    worker = join(pod, HELPER, "flush", "worker", 500)
    worker.says("worker is ready")
    assert pod.stop() == 7
    assert worker.wait() == 0
    worker.says("worker flushed")


def test_with_no_rights_at_all_it_asks_those_of_its_own_user(open_pods, join):
    pod = start(open_pods, PROGRAM, "--grace", "5",
                prefix=[*USER, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"])
    worker = join(pod, HELPER, "flush", "worker", 500, prefix=USER)
    worker.says("worker is ready")
    assert pod.stop() == 7
    assert worker.wait() == 0
    worker.says("worker flushed")
