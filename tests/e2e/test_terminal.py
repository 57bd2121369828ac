"""An entrypoint on a terminal: as the first process of a container that has one, and as a job of a
shell. The shell is a real one, with job control."""

import os
import signal

import pytest

from pods import HELPER, PODINIT, children, descendants, is_running, read, state_of, until
from terminal import Terminal, stat

LISTEN = [HELPER, "listen", "app"]


@pytest.fixture
def terminals():
    """Terminals that are closed, with all that runs in them, when the test ends."""
    opened = []

    def opens(*command, **popen):
        opened.append(Terminal(command, **popen))
        return opened[-1]
    yield opens
    for terminal in opened:
        terminal.close(descendants(terminal.pid))


def as_first(terminals, *program):
    """podinit as it is in a container with a terminal; and its program's number."""
    terminal = terminals(PODINIT, "--no-control", "--", *program)
    return terminal, until(lambda: children(terminal.pid), "it runs its program")[0]


def in_foreground(pid):
    until(lambda: stat(pid)["foreground"] == stat(pid)["group"], "it is in the foreground")


def test_the_program_of_a_container_gets_the_session_and_the_terminal(terminals):
    terminal, app = as_first(terminals, *LISTEN)
    terminal.shows("app listens")
    its = stat(app)
    assert its["session"] == its["group"] == its["foreground"] == app
    assert stat(terminal.pid)["terminal"] == 0  # podinit gave it away
    terminal.type("\x03")
    terminal.shows("app got 2\n")
    terminal.type("\x1c")
    terminal.shows("app got 3\n")
    # That podinit gave it away was no news for the program.
    assert "app got 1\n" not in terminal.text() and "app got 18\n" not in terminal.text()
    os.kill(terminal.pid, signal.SIGHUP)  # but a real one is
    terminal.shows("app got 1\n")
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 0


def test_ctrl_z_cannot_stop_the_program_of_a_container_for_ever(terminals):
    """No shell is there that could continue it."""
    terminal, app = as_first(terminals, "sh", "-c", "echo ready; while read x; do echo got $x; done")
    terminal.shows("ready")
    terminal.type("\x1a")
    terminal.type("on\n")
    terminal.shows("got on")
    assert is_running(app) and state_of(app) != "T"


def test_a_shell_in_a_container_has_job_control(terminals):
    terminal, _ = as_first(terminals, "bash", "--norc", "--noprofile", "-i")
    terminal.type("sleep 1000\n")
    until(lambda: len(descendants(terminal.pid)) == 2, "the shell runs its job")
    job = descendants(terminal.pid)[1]
    # Until then it is a part of the shell, which does not stop.
    until(lambda: read(f"/proc/{job}/comm") == "sleep\n", "the job is what it is to be")
    in_foreground(job)
    terminal.type("\x1a")
    terminal.shows("Stopped")
    terminal.type("kill %1; exit 9\n")
    terminal.type("exit 9\n")  # a shell with a stopped job asks once
    assert terminal.wait() == 9
    assert "no job control" not in terminal.text()


def test_the_program_is_told_when_the_terminal_is_gone(terminals):
    terminal, app = as_first(terminals, "sh", "-c", "trap 'exit 5' HUP; echo ready; "
                             "while :; do read x || sleep 0.01; done")
    terminal.shows("ready")
    terminal.hang_up()
    assert terminal.wait() == 5


def shell(terminals):
    terminal = terminals("bash", "--norc", "--noprofile", "-i", env={**os.environ, "PS1": ">"})
    terminal.shows(">")
    return terminal


def podinit_of(terminal):
    return until(lambda: children(terminal.pid), "podinit runs")[0]


@pytest.mark.parametrize("option", ["", "--sandbox"])
def test_a_job_of_a_shell_can_be_stopped_and_continued(terminals, option):
    terminal = shell(terminals)
    program = "echo ready; while read x; do echo got $x; test $x = end && exit 7; done"
    terminal.type(f"{PODINIT} {option} --no-control -- sh -c '{program}'; echo code $?\n")
    terminal.shows("ready")
    job = podinit_of(terminal)
    app = descendants(job)[-1]
    # In the shell's session, in a group of its own, in the foreground.
    its = stat(app)
    assert (its["session"], its["group"], its["foreground"]) == (terminal.pid, app, app)
    for again in (1, 2):
        terminal.type("\x1a")
        terminal.shows("Stopped", count=again)
        until(lambda: (state_of(job), state_of(app)) == ("T", "T"), "both have stopped")
        terminal.type("fg\n")
        in_foreground(app)
        terminal.type(f"line{again}\n")
        terminal.shows(f"got line{again}")
    terminal.type("end\n")
    terminal.shows("got end")
    # bash gives up the rest of a line whose job was stopped: what follows is typed anew.
    terminal.type("echo code $?\n")
    terminal.shows("code 7")


def test_ctrl_c_of_a_job_goes_to_the_program_once(terminals):
    terminal = shell(terminals)
    terminal.type(f"{PODINIT} --no-control -- {' '.join(map(str, LISTEN))}; echo code $?\n")
    terminal.shows("app listens")
    terminal.type("\x03")
    terminal.shows("app got 2\n")
    os.kill(podinit_of(terminal), signal.SIGTERM)
    terminal.shows("code 0")
    assert terminal.text().count("app got 2\n") == 1


@pytest.mark.parametrize("option", ["", "--sandbox"])
def test_a_job_in_the_background_does_not_take_the_terminal(terminals, option):
    terminal = shell(terminals)
    terminal.type(f"{PODINIT} {option} --no-control -- sh -c 'echo rea''dy; read x; echo got $x' &\n")
    terminal.shows("ready")
    app = [pid for pid in descendants(podinit_of(terminal)) if "got" in read(f"/proc/{pid}/cmdline")][-1]
    assert stat(app)["foreground"] != app
    terminal.type("echo still $((40 + 2))\n")
    terminal.shows("still 42")
    terminal.type("fg\n")
    in_foreground(app)
    terminal.type("line\n")
    terminal.shows("got line")


@pytest.mark.parametrize("option", ["", "--sandbox"])
def test_where_no_shell_could_continue_it_nothing_stays_stopped(terminals, option):
    """A script has no job control; the kernel does not stop what it runs, and podinit must not."""
    script = f"{PODINIT} {option} --no-control -- sh -c 'kill -TSTP $$; echo went on'; echo after"
    terminal = terminals("sh", "-c", script)
    terminal.shows("went on")
    terminal.shows("after")
    assert terminal.wait() == 0


def test_a_program_that_cannot_be_executed_does_not_keep_the_terminal(terminals):
    terminal = terminals("sh", "-c", f"sh -c '{PODINIT} --no-control -- /nope; read x; echo got $x'; true")
    terminal.shows("ends with exit code 127")
    terminal.type("line\n")
    terminal.shows("got line")


@pytest.mark.parametrize("option", ["", "--sandbox"])
def test_a_script_that_runs_podinit_has_the_terminal_afterwards(terminals, option):
    script = f"{PODINIT} {option} --no-control -- true; read x; echo got $x"
    # A script has no job control: nobody but podinit can put its group to the foreground again.
    terminal = terminals("sh", "-c", f"sh -c '{script}'; true")
    terminal.shows("ends with exit code 0")
    terminal.type("line\n")
    terminal.shows("got line")
    assert terminal.wait() == 0


def test_a_pod_has_no_terminal(terminals, tmp_path):
    (tmp_path / "pod.ini").write_text("[main m]\ncommand = sh -c 'test -t 0 || echo none; sleep 1000'\n")
    terminal = terminals(PODINIT, "--no-control", "-c", tmp_path / "pod.ini")
    terminal.shows("none")
    main = children(terminal.pid)[0]
    assert (stat(main)["session"], stat(main)["terminal"]) == (main, 0)
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 143
