"""podinit in the place of pause: what the pause of 1,024 bytes does, which does what Kubernetes'
does."""

import signal

import pytest

from faces import check_row, row, rows, same
from fates import is_pending
from pods import HELPER, children, kill, state_of, until

# Born with these blocked, it cannot miss them however early they come.
BLOCKED = [HELPER, "blocking", 2, 15, 17, "--"]
WARNING = "Warning: pause should be the first process"


def told(name):
    return f"Shutting down, got signal: {name}"


@rows([row("-v", 0, ["pause.c N"], []), row("-V", 0, ["pause.c N"], []),
       row("other -v", 0, ["pause.c N"], []),
       row("-- -V", 0, ["pause.c N"], []), row("-v", 0, ["pause.c N"], [], pid1=True)])
def test_a_command_line(inits, row):
    check_row(inits, "pause", row)


@pytest.mark.parametrize("words", [[], ["-x"], ["-vv"], ["--version"], ["-h"]], ids=" ".join)
@pytest.mark.parametrize("pid1", [False, True])
@pytest.mark.parametrize("signo, name",
                         [(signal.SIGTERM, "Terminated"), (signal.SIGINT, "Interrupt")])
def test_it_ends_when_it_is_told_to(inits, words, pid1, signo, name):
    def scenario(init):
        running = init.start(*words, pid1=pid1, prefix=BLOCKED)
        running.executed()
        running.send(signo)
        return running.outcome()
    assert same(inits, "pause", scenario) == (0, [],
                                              [told(name)] if pid1 else [WARNING, told(name)])


@pytest.mark.parametrize("inside", [False, True])
def test_as_process_1_no_other_signal_does_anything(inits, inside):
    def scenario(init):
        running = init.start(pid1=True, prefix=BLOCKED)
        running.executed()
        for signo in range(1, 65):
            if signo not in (2, 9, 15, 19):
                (running.send_from_inside if inside else running.send)(signo)
        until(lambda: not is_pending(running.pid, signal.SIGCHLD), "they are taken")
        running.send(signal.SIGTERM)
        return running.outcome()
    assert same(inits, "pause", scenario) == (0, [], [told("Terminated")])


def test_it_is_stopped_and_continued_as_any_process(inits):
    def scenario(init):
        running = init.start(prefix=BLOCKED)
        running.executed()
        running.send(signal.SIGSTOP)
        until(running.is_stopped, "it stops")
        running.send(signal.SIGCONT)
        until(lambda: not running.is_stopped(), "it goes on")
        running.send(signal.SIGTERM)
        return running.outcome()
    same(inits, "pause", scenario)


def test_it_reaps_what_was_there_before_and_what_it_adopts(inits):
    """Who becomes process 1 by execve() may have a child that has ended already, and no signal
    tells."""
    def scenario(init):
        running = init.start(prefix=[*BLOCKED, HELPER, "bereaved"], pid1=True)
        running.executed()
        until(lambda: [state_of(pid) for pid in children(running.pid)] == ["S"],
              "it has reaped who was there, and adopted an orphan")
        kill(children(running.pid)[0])
        until(lambda: children(running.pid) == [], "it has reaped the orphan")
        running.send(signal.SIGTERM)
        return running.outcome()
    assert same(inits, "pause", scenario) == (0, [], [told("Terminated")])
