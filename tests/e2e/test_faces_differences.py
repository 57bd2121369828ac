"""Where podinit is not the same. DEVIATIONS: on purpose, in the place of another init, each with
its reason. BETTER: what podinit does under its own name, beside what the others do. The lists are
at the end: a row names a test of this file, and every test here is in a row."""

import os
import signal
import subprocess
import sys

import pytest

from faces import PEERS
from fates import is_blocked, is_pending
from pods import (HELPER, NAMESPACES, PODINIT, children, descendants, is_running, kill, marked,
                  read, state_of,
                  until)

COMMANDS = {"tini": [PEERS["tini"]], "tini -g": [PEERS["tini"], "-g"],
            "dumb-init": [PEERS["dumb-init"]],
            "catatonit": [PEERS["catatonit"]], "catatonit -g": [PEERS["catatonit"], "-g"],
            "podinit": [PODINIT, "--no-control"]}


class Runs:
    """A program under each init, as process 1 of a namespace or not, all of them at once."""

    def __init__(self, directory, program, as_first=True, only=tuple(COMMANDS), extra=None):
        self.directory, self.runs = directory, {}
        for name in only:
            out = open(directory / name, "w+")
            prefix = NAMESPACES if as_first else []
            command = [*prefix, *COMMANDS[name], *(extra or {}).get(name, []), "--", *program]
            self.runs[name] = subprocess.Popen(
                list(map(str, command)), stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                env={**os.environ, "E2E_POD": str(directory)}, start_new_session=True)
            self.runs[name].as_first = as_first

    def init(self, name):
        outer = self.runs[name].pid
        if not self.runs[name].as_first:
            return outer
        return until(lambda: children(outer), f"{name} runs")[0]

    def says(self, text):
        for name in self.runs:
            until(lambda: text in self.output(name), f"{name} says {text!r}")

    def output(self, name):
        return read(self.directory / name)

    def stop(self):
        for name in self.runs:
            os.kill(self.init(name), signal.SIGTERM)

    def codes(self):
        return {name: run.wait(20) for name, run in self.runs.items()}

    def destroy(self):
        for run in self.runs.values():
            if run.poll() is None:
                for pid in descendants(run.pid):
                    kill(pid)
                kill(run.pid)
                run.wait()
        for pid in marked(self.directory):
            kill(pid)


@pytest.fixture
def runs(tmp_path):
    made = []

    def make(*arguments, **options):
        made.append(Runs(tmp_path, *arguments, **options))
        return made[-1]
    yield make
    for one in made:
        one.destroy()


def under(name, face, *arguments, **options):
    """How the real program and podinit in its place end."""
    ours = [PODINIT, "--compat", face]
    return [subprocess.run([*map(str, command), *arguments], capture_output=True, text=True,
                           timeout=20,
                           **options) for command in ([PEERS[name]], ours)]


# --- on purpose not the same ---

@pytest.mark.parametrize("name, option", [("tini", "c"), ("catatonit", "c")])
def test_options_stop_at_the_first_word_that_is_none(name, option):
    real, ours = under(name, name, "sh", "-c", "exit 3")
    assert (real.returncode, real.stderr.splitlines()[0]) == \
        (1, f"{PEERS[name]}: invalid option -- '{option}'")
    assert ours.returncode == 3


def test_standard_descriptors_are_open():
    report = ["-s", "--", str(HELPER), "report"]
    for closed, expected in (("0", 1), ("2", 0)):
        ended = [subprocess.run(["sh", "-c", f'exec "$@" {closed}>&-', "sh", *command, *report],
                                stdout=subprocess.PIPE, text=True)
                 for command in ([PEERS["tini"]], [PODINIT, "--compat", "tini"])]
        assert [one.returncode for one in ended] == [expected, 0]
        assert ["descriptors: 0 1 2\n" in one.stdout for one in ended] == [False, True]


def test_nothing_is_done_every_second():
    """tini wakes up, and at the highest level says so."""
    said = {}
    for command in ([PEERS["tini"]], [PODINIT, "--compat", "tini"]):
        process = subprocess.Popen(["stdbuf", "-oL", *command, "-svvvv", "sleep", "1.6"], text=True,
                                   stdout=subprocess.PIPE)
        said[command[0]] = process.communicate(timeout=20)[0].count("No child to reap")
    assert said[PEERS["tini"]] >= 1 and said[PODINIT] == 0


def test_a_full_pipe_does_not_hold_it_up():
    """tini writes its warning and waits for who reads it; podinit loses the line."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x")
    os.set_blocking(writer, True)
    real, ours = [subprocess.Popen([*command, str(HELPER), "polite", "one", "5", "0"], text=True,
                                   stdout=subprocess.PIPE, stderr=writer)
                  for command in ([PEERS["tini"]], [PODINIT, "--compat", "tini"])]
    assert ours.stdout.readline() == "one is ready\n"
    ours.terminate()
    assert ours.wait(20) == 5
    until(lambda: "pipe_write" in read(f"/proc/{real.pid}/wchan"), "tini waits for a reader")
    assert not children(real.pid)
    real.kill()
    real.wait()
    for file in (real.stdout, ours.stdout):
        file.close()
    os.close(reader)
    os.close(writer)


def test_pause_passes_the_end_on_and_waits(tmp_path):
    """The real one ends, and the kernel kills the others."""
    flushed = {}
    for name, command in (("real", [PEERS["pause"]]), ("podinit", [PODINIT, "--compat", "pause"])):
        out = open(tmp_path / name, "w+")
        outer = subprocess.Popen([*NAMESPACES, "sh", "-c", f'{HELPER} flush "$0" 500 & exec "$@"',
                                  name,
                                  *map(str, command)], stdout=out, stderr=out)
        until(lambda: f"{name} is ready" in read(out.name), "the worker is ready")
        inner = children(outer.pid)[0]
        # Asleep, it listens: it waits for nothing else.
        until(lambda: read(f"/proc/{inner}/comm") in ("pause\n", "podinit\n")
              and state_of(inner) == "S",
              "it listens")
        os.kill(inner, signal.SIGTERM)
        assert outer.wait(20) == 0
        flushed[name] = f"{name} flushed" in read(out.name)
    assert flushed == {"real": False, "podinit": True}


def own_directories(inits, face, *options):
    for init in (inits.peer(face), inits.podinit(face)):
        running = init.start(*options, "--", HELPER, "listen", "x", cwd="/usr")
        running.says("x listens")
        running.send(signal.SIGUSR1)
        running.says("x got 10")  # by now it has done what it does at its beginning
        yield os.readlink(f"/proc/{running.pid}/cwd")


def test_its_own_directory_is_the_root(inits):
    """The program's is not; test_faces.py."""
    assert list(own_directories(inits, "tini", "-s")) == ["/usr", "/"]
    assert list(own_directories(inits, "catatonit")) == ["/usr", "/"]


def test_the_end_is_noticed_where_sigchld_is_ignored(inits):
    """Some supervisors start what they run with SIGCHLD ignored. Nobody tells tini and catatonit
    then."""
    for face, options in (("tini", ["-s"]), ("catatonit", [])):
        went = [init.start(*options, "--", "sh", "-c", "exit 5", prefix=[HELPER, "odd", 17, "--"])
                for init in (inits.peer(face), inits.podinit(face))]
        assert went[1].wait() == 5
        went[0].executed()
        woken = wakes(went[0])
        until(lambda: not children(went[0].pid), f"the program of {face} is gone")
        # tini looks for itself each second; who waits for ever is woken.
        until(lambda: wakes(went[0]) > woken + 2
              or (face != "tini" and went[0].send(signal.SIGURG)),
              f"{face} has looked for it")
        assert not went[0].has_ended()


def wakes(running):
    """How often it has waited for something."""
    for line in read(f"/proc/{running.pid}/status").splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    return 0


def test_pause_ends_when_it_is_told_to_and_of_nothing_else(inits):
    """As process 1 the real one, too: there the kernel drops what it does not wait for."""
    codes = []
    for init in (inits.peer("pause"), inits.podinit("pause")):
        running = init.start()
        running.says("Warning: pause should be the first process")
        until(lambda: init.is_peer or is_blocked(running.pid, signal.SIGHUP),
              "podinit takes signals")
        running.send(signal.SIGHUP)
        until(lambda: running.has_ended() or not is_pending(running.pid, signal.SIGHUP),
              "it is taken")
        running.send(signal.SIGTERM)
        codes.append(running.wait())
    assert codes == [-signal.SIGHUP, 0]


# --- better under its own name ---

WORKER = ["bash", "-c", """
    (trap 'sleep 0.5; echo flushed; exit 0' TERM; echo worker is ready; while :; do sleep 0.01;
    done) & trap 'exit 0' TERM; echo main is ready; while :; do sleep 0.01; done"""]


def test_a_worker_keeps_its_last_line(runs):
    """It needs half a second after SIGTERM; its main ends at once."""
    run = runs(WORKER)
    run.says("worker is ready")
    run.says("main is ready")
    run.stop()
    assert run.codes() == dict.fromkeys(COMMANDS, 0)
    assert {name for name in COMMANDS if "flushed" in run.output(name)} == {"podinit"}


def test_a_worker_in_a_session_of_its_own_is_not_left_behind(runs):
    """Not process 1, nothing ends with the init: the others leave it on the machine."""
    run = runs(["sh", "-c", f"setsid {HELPER} polite worker 0 0 & exec {HELPER} polite main 0 0"],
               as_first=False, extra={"tini": ["-s"], "tini -g": ["-s"]})
    run.says("worker is ready")
    run.says("main is ready")
    workers = {name: [pid for pid in descendants(run.init(name))
                      if "worker" in read(f"/proc/{pid}/cmdline")]
               for name in COMMANDS}
    run.stop()
    assert run.codes() == dict.fromkeys(COMMANDS, 0)
    assert {name for name, pids in workers.items() if not any(map(is_running, pids))} == {"podinit"}


def test_the_last_line_says_who_ended_it(runs):
    run = runs([HELPER, "polite", "main", "3", "0"], as_first=False)
    run.says("main is ready")
    run.stop()
    run.codes()
    said = {name for name in COMMANDS if f"SIGTERM from process {os.getpid()} " in run.output(name)}
    assert said == {"podinit"}


def test_a_program_that_ignores_sigterm_is_killed_after_a_grace(runs):
    """The others wait for ever, or for who kills them from outside."""
    run = runs([HELPER, "stubborn", "main"], extra={"podinit": ["--grace", "0.2"]})
    run.says("main is ready")
    run.stop()
    assert run.runs["podinit"].wait(20) == 137
    assert [name for name, one in run.runs.items() if one.poll() is not None] == ["podinit"]


def test_sigtstp_reaches_the_program(runs):
    """Under catatonit never; dumb-init makes another signal of it."""
    run = runs([HELPER, "listen", "x"])
    run.says("x listens")
    for name in COMMANDS:
        os.kill(run.init(name), signal.SIGTSTP)
    until(lambda: "x got 20" in run.output("podinit"), "podinit passes it on")
    until(lambda: "x got 20" in run.output("tini"), "and so does tini")
    for name in COMMANDS:
        os.kill(run.init(name), signal.SIGCONT)  # dumb-init has stopped itself
        os.kill(run.init(name), signal.SIGUSR1)
    for name in COMMANDS:
        until(lambda: "x got 10" in run.output(name), f"{name} passes the next one on")
    assert {name for name in COMMANDS if "x got 20" not in run.output(name)} == \
        {"dumb-init", "catatonit", "catatonit -g"}


def test_signals_32_and_33_are_passed_on(runs):
    run = runs([HELPER, "listen", "x"])
    run.says("x listens")
    for name in COMMANDS:
        for signo in (32, 33, 34):
            os.kill(run.init(name), signo)
    for name in COMMANDS:
        until(lambda: "x got 34" in run.output(name), f"{name} passes 34 on")
    assert {name for name in COMMANDS if "x got 32" in run.output(name)
            and "x got 33" in run.output(name)} \
        == {"podinit"}


def test_descriptors_that_are_nobodys_do_not_reach_the_program(runs):
    reader, writer = os.pipe()
    got = {}
    for name, command in COMMANDS.items():
        ended = subprocess.run([*command, "--", HELPER, "report"], capture_output=True, text=True,
                               pass_fds=[writer])
        got[name] = f" {writer}" in ended.stdout.partition("descriptors:")[2].partition("\n")[0]
    os.close(reader)
    os.close(writer)
    assert {name for name, has in got.items() if not has} == {"podinit"}


def test_orphans_are_adopted_without_being_asked_to(runs):
    """Not process 1, tini warns and does not; dumb-init does not even warn."""
    run = runs(["sh", "-c", f"({HELPER} polite orphan 0 0 &); exec {HELPER} polite main 0 0"],
               as_first=False)
    run.says("orphan is ready")
    run.says("main is ready")
    adopted = {name: [pid for pid in children(run.init(name))
                      if "orphan" in read(f"/proc/{pid}/cmdline")]
               for name in COMMANDS}
    assert {name for name, pids in adopted.items() if pids} == {"podinit", "catatonit",
                                                                "catatonit -g"}
    assert run.output("podinit").count("reaps as a child subreaper") == 1


def test_what_usually_the_kernel_sends_is_passed_on(runs):
    """SIGABRT asks some programs for their state. tini and catatonit die of it and leave them
    alone."""
    run = runs([HELPER, "listen", "x"], as_first=False)
    run.says("x listens")
    for name in COMMANDS:
        os.kill(run.init(name), signal.SIGABRT)
    passed = {"podinit", "dumb-init"}
    for name in COMMANDS:
        until(lambda: "x got 6" in run.output(name) if name in passed
              else run.runs[name].poll() is not None,
              f"{name} has taken it")
    assert {name for name, one in run.runs.items() if one.poll() is None} == passed


def test_its_exit_code_says_that_the_program_could_not_run(runs):
    """As a shell says it: 126 it could not be executed, 127 it was not found. 1 and 2 a program
    says, too."""
    codes = {}
    for program in ("nosuch", "/etc/passwd"):
        run = runs([program], as_first=False)
        codes = {name: (*codes.get(name, ()), code) for name, code in run.codes().items()}
    assert codes == {"tini": (127, 126), "tini -g": (127, 126), "dumb-init": (2, 2),
                     "catatonit": (1, 1),
                     "catatonit -g": (1, 1), "podinit": (127, 126)}


DEVIATIONS = {
    test_options_stop_at_the_first_word_that_is_none:
        "no command line that works with the original means something else, and more of them work",
    test_standard_descriptors_are_open: "no file may get the number of one by accident",
    test_nothing_is_done_every_second: "an idle init must not wake the machine",
    test_a_full_pipe_does_not_hold_it_up: "process 1 never blocks",
    test_pause_passes_the_end_on_and_waits: "the containers of a pod may finish",
    test_pause_ends_when_it_is_told_to_and_of_nothing_else: "as process 1 or not, it is the same",
    test_its_own_directory_is_the_root: "it holds no mount; catatonit does the same since 0.2",
    test_the_end_is_noticed_where_sigchld_is_ignored: "nobody relies on an init that never ends",
}
BETTER = {
    test_a_worker_keeps_its_last_line: "what the program leaves behind gets SIGTERM and the grace",
    test_a_worker_in_a_session_of_its_own_is_not_left_behind:
        "in any session, and where nothing else ends it",
    test_the_last_line_says_who_ended_it: "no init vanishes without a word",
    test_a_program_that_ignores_sigterm_is_killed_after_a_grace: "every wait has an end",
    test_sigtstp_reaches_the_program: "every signal is passed on",
    test_signals_32_and_33_are_passed_on: "all 64 of them",
    test_what_usually_the_kernel_sends_is_passed_on: "whoever sends them",
    test_its_exit_code_says_that_the_program_could_not_run: "no program's own code is the same",
    test_descriptors_that_are_nobodys_do_not_reach_the_program: "only what was asked for",
    test_orphans_are_adopted_without_being_asked_to: "a subreaper by itself, said once",
}


def test_every_difference_has_its_row():
    module = sys.modules[__name__]
    tests = {value for name, value in vars(module).items() if name.startswith("test_")}
    assert tests - {test_every_difference_has_its_row} == set(DEVIATIONS) | set(BETTER)
