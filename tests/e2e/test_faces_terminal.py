"""podinit in the place of tini, dumb-init and catatonit on a terminal: who stands in front, who
gets what is typed, what becomes of the terminal's end, and what the init says of it."""

import os
import signal
import termios

import pytest

from faces import BACKGROUND, JOB, LEADER, same, set_terminal_flag
from fates import heard, is_pending, settle
from pods import HELPER, children, is_running, kill, read, until

ROLES = {"leader": LEADER, "job": JOB, "background": BACKGROUND}
INITS = [("tini", "-s"), ("tini", "-sg"), ("dumb-init", ""), ("dumb-init", "-c"), ("catatonit", ""),
         ("catatonit", "-g")]
VERBOSE = {"tini": ("-vvv", {}), "dumb-init": ("-v", {}),
           "catatonit": ("", {"CATATONIT_DEBUG": "1"})}

every_init = pytest.mark.parametrize("name, option", INITS)
every_role = pytest.mark.parametrize("role", ROLES)


@every_role
@every_init
def test_the_place_of_the_program(inits, name, option, role):
    went = same(inits, name, lambda init: init.run(*option.split(), "--", HELPER, "place",
                                                   terminal=ROLES[role]))
    assert went.code == 0
    # A session of its own has no terminal unless it was the init's to give away.
    lost = (name, option) == ("dumb-init", "") and role != "leader"
    assert ("terminal: none" in went.out) == lost


@pytest.mark.parametrize("role", ["leader", "job"])
@every_init
def test_what_it_says_on_a_terminal(inits, name, option, role):
    """What it says goes to files here: to a terminal, too, in the next test."""
    verbose, env = VERBOSE[name]

    def scenario(init):
        running = init.start(*option.split(), *verbose.split(), "--", HELPER, "listen", "x",
                             env=env,
                             terminal=ROLES[role])
        running.says("x listens")
        x = children(running.pid)[0]
        if (name, option, role) == ("dumb-init", "", "leader"):
            running.says("Ignoring tty hand-off signal 18.")
        kill(x, signal.SIGTERM)
        went = running.outcome()
        # Which of the two comes first is chance.
        return went._replace(err=sorted(went.err) if name == "dumb-init" else went.err)
    same(inits, name, scenario)


@every_init
def test_what_it_says_to_a_terminal(inits, name, option):
    """With TOSTOP, which stops a background process that writes."""
    verbose, env = VERBOSE[name]

    def scenario(init):
        running = init.start(*option.split(), *verbose.split(), "--", HELPER, "listen", "x",
                             env=env,
                             terminal=LEADER, says_there=True)
        set_terminal_flag(running, termios.TOSTOP, True)
        set_terminal_flag(running, termios.ECHO, False)
        running.says("x listens")
        x = children(running.pid)[0]
        for signo in (signal.SIGUSR1, signal.SIGWINCH):
            running.send(signo)
            running.says(f"x got {int(signo)}")
        kill(x, signal.SIGTERM)
        went = running.outcome()
        return went._replace(out=sorted(went.out))
    went = same(inits, name, scenario)
    assert went.code == 0 and "x got 28" in went.out


TYPED = {"\x03": signal.SIGINT, "\x1c": signal.SIGQUIT, "\x1a": signal.SIGTSTP}


@pytest.mark.parametrize("role", ["leader", "job"])
@every_init
def test_who_gets_what_is_typed(inits, name, option, role):
    """It goes to the group in front: to the listeners, or to the init, which passes it on, or to
    all."""
    def scenario(init):
        running = init.listen(*option.split(), terminal=ROLES[role])
        result = []
        for key, signo in TYPED.items():
            first = len(read(running.files[0]).splitlines())
            running.type(key)
            stops = False
            if name == "dumb-init" and signo == signal.SIGTSTP and (option or role == "job"):
                stops = until(running.is_stopped, "the init stops itself")
            else:
                for listener in "xy":
                    until(lambda: signo in heard(running, listener, first),
                          f"{listener} hears {signo}")
            for listener, pid in (("x", running.x), ("y", running.y)):
                settle(running, listener, pid, signal.SIGRTMAX)
            if stops:
                running.send(signal.SIGCONT)
                until(lambda: signal.SIGCONT in heard(running, "x", first), "x is continued")
            result.append((signo, stops,
                           [signo in heard(running, listener, first) for listener in "xy"]))
        return result
    same(inits, name, scenario)


@every_init
def test_when_the_terminal_is_gone(inits, name, option):
    """The leader of a session, and whoever is in the foreground, get SIGHUP."""
    def scenario(init):
        running = init.listen(*option.split(), terminal=LEADER)
        if (name, option) == ("dumb-init", ""):
            # It ignores the first ones after it has left the terminal.
            until(lambda: not is_pending(running.pid, signal.SIGCONT), "it has left the terminal")
        running.hang_up()
        until(lambda: "x got 1\n" in running.text(), "x hears of it")
        for listener, pid in (("x", running.x), ("y", running.y)):
            settle(running, listener, pid, signal.SIGRTMAX)
        running.send(signal.SIGRTMAX)
        settle(running, "x", running.x, signal.SIGRTMAX)
        got = sorted({line for line in running.text().splitlines() if "64" not in line})
        running.send(signal.SIGTERM)
        return got, running.wait()
    same(inits, name, scenario)


def test_dumb_init_ignores_what_leaving_the_terminal_causes_once(inits):
    def scenario(init):
        running = init.start("-v", "--", HELPER, "listen", "x", terminal=LEADER)
        running.says("x listens")
        running.says("Ignoring tty hand-off signal 1.")
        running.says("Ignoring tty hand-off signal 18.")
        for signo in (signal.SIGHUP, signal.SIGCONT):
            running.send(signo)
            running.says(f"x got {int(signo)}\n")
        kill(children(running.pid)[0], signal.SIGTERM)
        went = running.outcome()
        return went._replace(err=sorted(went.err))
    went = same(inits, "dumb-init", scenario)
    assert any("ignoring the first SIGHUP and SIGCONT we receive." in line for line in went.err)
    assert went.err.count("[dumb-init] Ignoring tty hand-off signal 1.") == 1


@every_init
def test_the_end_of_the_program_on_a_terminal(inits, name, option):
    """The leader's end is the end of the terminal for all: the foreground gets SIGHUP."""
    def scenario(init):
        running = init.listen(*option.split(), terminal=LEADER)
        kill(running.x, signal.SIGTERM)
        code = running.wait()
        if is_running(running.y):
            settle(running, "y", running.y, signal.SIGRTMAX)
        return code, [line for line in running.text().splitlines() if line.startswith("y got")
                      and "64" not in line]
    same(inits, name, scenario)


def test_a_terminal_that_is_not_its_own(inits):
    """Standard input is a terminal, but another session's: nobody's to take."""
    for name, option in INITS:
        def scenario(init):
            outer, inner = os.openpty()
            went = init.run(*option.split(), "--", HELPER, "place", stdin=inner)
            os.close(outer)
            os.close(inner)
            return went
        same(inits, name, scenario)
