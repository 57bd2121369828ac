"""Where podinit in another init's place differs from it, each with its reason. podinit(8) names them for
users. A row shows what either does, so that none is forgotten when it is no longer true."""

import os
import signal
from typing import Callable, NamedTuple

import pytest

from faces import LEADER, is_blocked, is_pending
from pods import HELPER, children, read, side_by_side, until


class Deviation(NamedTuple):
    name: str
    reason: str
    scenario: Callable
    peer: object
    podinit: object


# --- scenarios ---

def run(*arguments, **how):
    return lambda init: tuple(init.run(*arguments, **how))


def run_with_closed(fd, *arguments):
    return run(*arguments, prefix=["sh", "-c", f'exec "$0" "$@" {fd}>&-'])


def own_directory(*options):
    def scenario(init):
        running = init.start(*options, "--", HELPER, "listen", "x", cwd="/usr")
        running.says("x listens")
        running.send(signal.SIGUSR1)
        running.says("x got 10")  # it has done by now what it does at its beginning
        return os.readlink(f"/proc/{running.pid}/cwd")
    return scenario


def writes_where_nobody_reads(*options):
    """Is the program there, and does it get a signal, though the init cannot write?"""
    def scenario(init):
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        while True:
            try:
                os.write(writer, b"x" * 4096)
            except BlockingIOError:
                break
        os.set_blocking(writer, True)
        running = init.start(*options, HELPER, "listen", "x", stderr=writer)
        os.close(writer)
        running.executed()
        until(lambda: read(f"/proc/{running.pid}/wchan") in ("pipe_write", "anon_pipe_write")
              or "x listens" in running.text(), "it waits, or its program runs")
        if "x listens" in running.text():
            running.send(signal.SIGUSR1)
            running.says("x got 10")
        os.close(reader)
        return running.text()
    return scenario


def pause_with_another(init):
    """Another process of the namespace, which says what it gets."""
    script = f'{HELPER} listen other & exec "$@"'
    running = init.start(prefix=["sh", "-c", script, "sh", HELPER, "blocking", 15, "--"], pid1=True)
    running.executed()
    running.says("other listens")
    running.send(signal.SIGTERM)
    code, out, err = running.outcome()
    return code, "other got 15" in out, err


def pause_gets_hangup(init):
    running = init.start(prefix=[HELPER, "blocking", 15, "--"])
    running.executed()
    running.says("Warning")
    until(lambda: init.is_peer or is_blocked(running.pid, signal.SIGHUP), "podinit takes signals")
    running.send(signal.SIGHUP)
    until(lambda: running.has_ended() or not is_pending(running.pid, signal.SIGHUP), "it is taken")
    running.send(signal.SIGTERM)
    return running.wait()


def program_ends(*options):
    """Started with SIGCHLD ignored, as some supervisors start what they run."""
    def scenario(init):
        running = init.start(*options, "--", "sh", "-c", "exit 5", prefix=[HELPER, "odd", 17, "--"])
        running.executed()
        until(lambda: running.has_ended() or (not children(running.pid) and wakes(running) > 3),
              "its program has ended, or is gone while it waits")
        return running.process.poll()
    return scenario


def wakes(running):
    """How often it has waited for something; catatonit, which waits for ever, is asked by a signal."""
    if running.init.name == "catatonit":
        running.send(signal.SIGURG)
    for line in read(f"/proc/{running.pid}/status").splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    return 0


DESCRIPTORS = ["blocked:", "not default:", "descriptors: {}", "session: 0", "group: 1", "end of report"]


def report(descriptors):
    return [line.format(descriptors) for line in DESCRIPTORS]


DEVIATIONS = [
    Deviation("tini", "options end where the program begins: whoever wrote this meant it so",
              run("-s", "sh", "-c", "exit 3"), (1, [], ["tini: invalid option -- 'c'", "<help>"]), (3, [], [])),
    Deviation("tini", "an option behind the program is the program's",
              run("-s", "printf", "%s", "-v"), (0, ["[INFO  tini (INIT)] Spawned child process 'printf' with pid 'P1'",
                                                     "[INFO  tini (INIT)] Main child exited normally (with status '0')"],
                                                 []), (0, ["-v"], [])),
    Deviation("catatonit", "options end where the program begins",
              run("sh", "-c", "exit 3"),
              (1, [], ["catatonit: invalid option -- 'c'",
                       "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]"]), (3, [], [])),
    Deviation("tini", "closed standard descriptors are opened on /dev/null: no file gets their numbers",
              run_with_closed(2, "-s", "--", HELPER, "report"), (0, report("0 1"), []), (0, report("0 1 2"), [])),
    Deviation("tini", "and a closed standard input is no reason not to run",
              run_with_closed(0, "-s", "--", HELPER, "report"),
              (1, [], ["[FATAL tini (P1)] tcsetpgrp failed: Bad file descriptor"]), (0, report("0 1 2"), [])),
    Deviation("tini", "its own directory is the root, so that it holds no mount; its program's is not",
              own_directory("-s"), "/usr", "/"),
    Deviation("catatonit", "the same, as catatonit does since 0.2", own_directory(), "/usr", "/"),
    Deviation("dumb-init", "a message that cannot be written at once is lost: signals do not wait for it",
              writes_where_nobody_reads("-v"), "", "x listens\nx got 10\n"),
    *[Deviation(name, "where SIGCHLD is ignored it notices the end of its program, and ends",
                program_ends(*options), None, 5) for name, options in (("tini", ["-s"]), ("catatonit", []))],
    Deviation("pause", "it tells the others of its namespace, and waits for them", pause_with_another,
              (0, False, ["Shutting down, got signal: Terminated"]),
              (0, True, ["Shutting down, got signal: Terminated"])),
    Deviation("pause", "where it is not process 1, no signal but those two ends it either", pause_gets_hangup,
              -1, 0),
]


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda one: f"{one.name}: {one.reason}")
def test_it_differs(inits, deviation):
    players = [inits.peer(deviation.name), inits.podinit(deviation.name)]
    went = side_by_side(deviation.scenario, players, workers=2)
    assert went == [deviation.peer, deviation.podinit]


def test_podinit_does_not_wake_up_to_say_that_there_is_nothing_to_do(inits):
    """tini says each second, if it is asked to say everything, that there is "No child to reap"."""
    tini, ours = [init.start("-svvv", "--", HELPER, "listen", "x", terminal=LEADER, says_there=True)
                  for init in (inits.podinit("tini"), inits.peer("tini"))][::-1]
    for running in (tini, ours):
        running.says("x listens")
    before = wakes(ours)
    until(lambda: tini.text().count("No child to reap") > 2, "tini has said it")
    assert wakes(ours) == before
    assert "No child to reap" not in ours.text()
