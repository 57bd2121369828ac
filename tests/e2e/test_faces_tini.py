"""podinit in tini's place: the real tini and podinit do the same."""

import os
import signal

import pytest

from faces import check_help, check_licence, check_row, row, rows, same
from fates import is_pending
from pods import HELPER, children, is_running, kill, until

WARNING = [
    "[WARN  tini (INIT)] Tini is not running as PID 1 and isn't registered as a child subreaper.",
    "Zombie processes will not be re-parented to Tini, so zombie reaping won't work.",
    "To fix the problem, use the -s option or set the environment variable TINI_SUBREAPER to "
    "register Tini as a child subreaper, or run Tini as PID 1."]
SPAWNED = "[INFO  tini (INIT)] Spawned child process '{}' with pid 'P1'"
RECEIVED = "[DEBUG tini (INIT)] Received SIGCHLD"
REAPED = "[DEBUG tini (INIT)] Reaped child with pid: 'P1'"
EXITED = "[INFO  tini (INIT)] Main child exited normally (with status '{}')"
SIGNALLED = "[INFO  tini (INIT)] Main child exited with signal (with signal '{}')"
REGISTERED = "[TRACE tini (INIT)] Registered as child subreaper"
LAST = ["[TRACE tini (INIT)] No child to wait", "[TRACE tini (INIT)] Exiting: child has exited"]


def invalid(option, value):
    return [f"[FATAL tini (INIT)] Not a valid option for {option}: {value}"]


def fails(program, why):
    return [f"[FATAL tini (P1)] exec {program} failed: {why}"]


ONE = [
    # --- what is asked for, and wrong options ---
    row("--version", 0, ["tini version N"], []),
    row("--version x", 1, [], ["tini: invalid option -- '-'", "<help>"]),
    row("-s --version", 1, [], ["tini: invalid option -- '-'", "<help>"]),
    row("-h", 0, ["<help>"], []), row("-sh", 0, ["<help>"], []),
    row("-e 3 -h x", 0, ["<help>"], []),
    row("", 1, [], ["<help>"]), row("--", 1, [], ["<help>"]), row("-s", 1, [], ["<help>"]),
    row("-x true", 1, [], ["tini: invalid option -- 'x'", "<help>"]),
    row("-sx true", 1, [], ["tini: invalid option -- 'x'", "<help>"]),
    row("-R A true", 1, [], ["tini: invalid option -- 'R'", "<help>"]),
    row("--help", 1, [], ["tini: invalid option -- '-'", "<help>"]),
    row("--subreaper true", 1), row("--version=1", 1),
    row("-e", 1, [], ["tini: option requires an argument -- 'e'", "<help>"]),
    row("-p", 1, [], ["tini: option requires an argument -- 'p'", "<help>"]),
    row("-sp", 1),
    row("-e 256 true", 1, [], invalid("-e", "256")), row("-e -1 true", 1, [], invalid("-e", "-1")),
    row("-e x true", 1, [], invalid("-e", "x")), row("-e 1x true", 1), row("-e 0x1 true", 1),
    row("-e 99999999999999999999 true", 1), row("-e 3 -e 300 true", 1, [], invalid("-e", "300")),
    *[row(f"-p {name} true", 1, [], invalid("-p", name)) for name in (
        "KILL", "sigterm", "SIGRTMIN", "9", "SIGIO", "SIGPOLL", "SIGPWR", "SIGSTKFLT", "SIGIOT",
        "SIGCLD",
        "SIGTERM,")],
    row(["-p", "", "true"], 1, [], invalid("-p", "")),
    *[row(f"-p {name} -s true", 0, [], []) for name in (
        "SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV "
        "SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG "
        "SIGXCPU SIGXFSZ SIGVTALRM "
        "SIGPROF SIGWINCH SIGSYS").split()],
    row("-pSIGTERM -p SIGINT -s true", 0, [], []),
    # An error of an option is said whatever the verbosity.
    row("-e x true", 1, [], invalid("-e", "x"), env={"TINI_VERBOSITY": "0"}),
    # --- the warning, and who adopts orphans ---
    row("true", 0, [], WARNING), row("-- true", 0, [], WARNING), row("-g true", 0, [], WARNING),
    row("-w true", 0, [], WARNING),
    row("-v true", 0, [SPAWNED.format("true"), EXITED.format(0)], WARNING),
    row("-s true", 0, [], []), row("-ss true", 0, [], []), row("-gs true", 0, [], []),
    row("true", 0, [], [], env={"TINI_SUBREAPER": "1"}),
    row("true", 0, [], [], env={"TINI_SUBREAPER": ""}),
    row("true", 0, [], [], env={"TINI_SUBREAPER": "0"}),
    row("true", 0, [], WARNING, env={"TINI_KILL_PROCESS_GROUP": ""}),
    row("true", 0, [], [], pid1=True), row("-s true", 0, [], [], pid1=True),
    row("true", 0, [], [], env={"TINI_VERBOSITY": "0"}),
    row("true", 0, [], [], env={"TINI_VERBOSITY": "x"}),
    row("true", 0, [], [], env={"TINI_VERBOSITY": ""}),
    row("true", 0, [], WARNING, env={"TINI_VERBOSITY": "1"}),
    row("-vvvv true", 0, [], [], env={"TINI_VERBOSITY": "0"}),  # it replaces the options
    row("-v true", 0, [SPAWNED.format("true"), RECEIVED, REAPED, EXITED.format(0), *LAST], WARNING,
        env={"TINI_VERBOSITY": "4"}),
    row("true", 0, None, WARNING, env={"TINI_VERBOSITY": "+2x"}),
    row("true", 0, [SPAWNED.format("true"), RECEIVED, REAPED, EXITED.format(0), *LAST], WARNING,
        env={"TINI_VERBOSITY": "-1"}),
    # --- exit codes ---
    row(["-s", "--", "sh", "-c", "exit 3"], 3, [], []),
    row(["-s", "-e", "3", "--", "sh", "-c", "exit 3"], 0, [], []),
    # So a tini of another C library does it, and podinit always; see test_faces_differences.py.
    row(["-s", "sh", "-c", "exit 3"], 3, [], [], env={"POSIXLY_CORRECT": ""}),
    row(["-s", "-e3", "-e", "4", "--", "sh", "-c", "exit 4"], 0),
    row(["-s", "-e", "3", "--", "sh", "-c", "exit 5"], 5),
    row(["-s", "-e", "0", "--", "true"], 0), row(["-s", "-e", "", "true"], 0),
    row(["-s", "-e", " 7", "--", "sh", "-c", "exit 7"], 0),
    row(["-s", "-e", "007", "--", "sh", "-c", "exit 7"], 0),
    row(["-s", "-e", "143", "--", HELPER, "die", "15"], 0),
    row(["-s", "-e", "15", "--", HELPER, "die", "15"], 143),
    row(["-s", "-e", "255", "--", "sh", "-c", "exit 255"], 0),
    row("-s -e 127 nosuch", 0, [], fails("nosuch", "No such file or directory")),
    row("-s -e 126 /etc/passwd", 0, [], fails("/etc/passwd", "Permission denied")),
    # --- what cannot be executed ---
    row("-s nosuch", 127, [], fails("nosuch", "No such file or directory")),
    row("-s /no/such", 127, [], fails("/no/such", "No such file or directory")),
    row("-s ./nosuch", 127),
    row("nosuch", 127, [],
        [WARNING[0], *WARNING[1:], *fails("nosuch", "No such file or directory")]),
    row(["-s", ""], 127, [], fails("", "No such file or directory")),
    row("-s /etc", 126, [], fails("/etc", "Permission denied")),
    row("-s /etc/passwd", 126),
    row("-s /etc/passwd/x", 1, [], fails("/etc/passwd/x", "Not a directory")),
    row(["-s", "n" * 300], 1, [], fails("n" * 300, "File name too long")),
    row("nosuch", 127, [], fails("nosuch", "No such file or directory"), pid1=True),
    row("-s nosuch", 127, [], fails("nosuch", "No such file or directory"),
        env={"TINI_VERBOSITY": "0"}),
    row("-s nosuch", 127, env={"PATH": ""}), row("-s nosuch", 127, env={"PATH": None}),
    row("-s true", 0, env={"PATH": None}), row("-s passwd", 126, env={"PATH": "/etc"}),
    row("-s true", 0, env={"PATH": "/etc/passwd:/nosuch:/usr/bin"}),
    # --- what it says ---
    row("-sv true", 0, [SPAWNED.format("true"), EXITED.format(0)], []),
    row("-svv true", 0, [SPAWNED.format("true"), RECEIVED, REAPED, EXITED.format(0)], []),
    row("-svvv true", 0,
        [REGISTERED, SPAWNED.format("true"), RECEIVED, REAPED, EXITED.format(0), *LAST], []),
    row("-svvvv true", 0,
        [REGISTERED, SPAWNED.format("true"), RECEIVED, REAPED, EXITED.format(0), *LAST], []),
    row("-vvv true", 0, [SPAWNED.format("true"), RECEIVED, REAPED, EXITED.format(0), *LAST], [],
        pid1=True),
    row(["-svvv", "--", HELPER, "die", "9"], 137,
        [REGISTERED, SPAWNED.format(HELPER), RECEIVED, REAPED, SIGNALLED.format("Killed"), *LAST],
        []),
    row(["-sv", "--", HELPER, "die", "11"], 139,
        [SPAWNED.format(HELPER), SIGNALLED.format("Segmentation fault")]),
    row(["-sv", "--", HELPER, "die", "34"], 162,
        [SPAWNED.format(HELPER), SIGNALLED.format("Real-time signal 0")]),
    row(["-sv", "-e", "3", "--", "sh", "-c", "exit 3"], 0,
        [SPAWNED.format("sh"), EXITED.format(3)]),
    row("-vv -s nosuch", 127, pid1=True),
    row(["-sv", "--", "sh", "-c", "echo out; echo err >&2"], 0,
        [SPAWNED.format("sh"), EXITED.format(0), "out"], ["err"]),
]


@rows(ONE)
def test_a_command_line(inits, row):
    check_row(inits, "tini", row)


@pytest.mark.parametrize("name", ["tini-static", "docker-init"])
@rows([row("--version", 0, ["tini version N"], []), row("-h", 0, ["<help>"], []),
       row("", 1, [], ["<help>"]),
       row("-s -e 3 -- sh -c true", 0, [], []),
       row("-sv true", 0, [SPAWNED.format("true"), EXITED.format(0)]),
       row("true", 0, [], WARNING), row("-s nosuch", 127)])
def test_a_command_line_by_another_name(inits, name, row):
    check_row(inits, name, row)


def test_the_version_is_one_that_docker_understands(inits):
    running = inits.podinit("docker-init").start("--version")
    running.wait()
    # moby's parseInitVersion: "tini version VERSION[ - git.COMMIT]"
    assert running.text().startswith("tini version 0.19.0") and running.text().endswith("\n")


def test_the_help_names_every_option(inits):
    check_help(inits, "tini", "-h", "-l", "-s", "-p", "-v", "-w", "-g", "-e", "--version",
               "TINI_SUBREAPER", "TINI_VERBOSITY", "TINI_KILL_PROCESS_GROUP")


def test_the_licence_goes_to_standard_output(inits):
    check_licence(inits, "tini", "-l")


@pytest.mark.parametrize("content, code", [("echo by a shell", 0), ("", 0), ("exit 9", 9)])
def test_a_script_without_an_interpreter_is_a_shells(inits, tmp_path, content, code):
    script = tmp_path / "script"
    script.write_text(content + "\n" if content else "")
    script.chmod(0o755)
    assert same(inits, "tini", lambda init: init.run("-s", script)).code == code


def test_the_program_is_looked_for_in_the_working_directory_where_path_says_so(inits, tmp_path):
    script = tmp_path / "here"
    script.write_text("#!/bin/sh\necho found\n")
    script.chmod(0o755)
    for path in ("", ".", "/nosuch:"):
        went = same(inits, "tini",
                    lambda init: init.run("-s", "here", env={"PATH": path}, cwd=tmp_path))
        assert went.out == ["found"]


def test_a_standard_output_that_is_closed(inits):
    shell = 'exec "$0" "$@" 1>&-'
    same(inits, "tini",
         lambda init: init.run("-s", "--", HELPER, "report", prefix=["sh", "-c", shell]))


# --- what it says of signals ---

@pytest.mark.parametrize("options, pid1", [(["-svvv"], False), (["-vv"], True), (["-gvv"], True)])
def test_what_it_says_of_signals(inits, options, pid1):
    def scenario(init):
        running = init.start(*options, "--", HELPER, "listen", "x", pid1=pid1)
        running.says("x listens")
        for signo in (1, 2, 3, 10, 12, 13, 14, 18, 20, 23, 28, 29, 30, 34, 64):
            running.send(signo)
            running.says(f"x got {signo}\n")
        for signo in (signal.SIGTTIN, signal.SIGTTOU, signal.SIGCHLD):
            running.send(signo)
            until(lambda: not is_pending(running.pid, signo), "it is taken")
        # Not by way of tini: it looks for zombies after it has passed a signal on, and may find
        # one.
        kill(children(running.pid)[0], signal.SIGTERM)
        return running.outcome()
    went = same(inits, "tini", scenario)
    assert "[DEBUG tini (INIT)] Passing signal: 'User defined signal 1'" in went.out


@pytest.mark.parametrize("options, pid1",
                         [(["-sw"], False), (["-w"], True), (["-swvv"], False), (["-s"], False)])
def test_it_warns_of_orphans_that_it_reaps(inits, options, pid1):
    def scenario(init):
        running = init.start(*options, "--", "sh", "-c",
                             f"sh -c 'sleep 1000 &'; exec {HELPER} listen x",
                             pid1=pid1)
        running.says("x listens")
        until(lambda: len(children(running.pid)) == 2, "it has adopted the orphan")
        main = children(running.pid)[0]
        kill(children(running.pid)[1])
        until(lambda: children(running.pid) == [main], "it has reaped the orphan")
        # tini may have found it by looking, as it does each second, before the signal was there.
        until(lambda: not is_pending(running.pid, signal.SIGCHLD), "and knows of it")
        kill(main, signal.SIGTERM)
        return running.outcome()
    went = same(inits, "tini", scenario)
    assert any("Reaped zombie process with pid=P" in line
               for line in went.err) == ("-s" != options[0])


# --- its own process ---

@pytest.mark.parametrize("name", ["SIGUSR1", "SIGTERM", "SIGKILL", "SIGCHLD", "SIGSTOP", "SIGTTIN",
                                  "SIGABRT", None])
def test_the_parent_death_signal(inits, name):
    def scenario(init):
        running = init.listen("-s", *(["-p", name] if name else []), forks=True,
                              prefix=["sh", "-c", '"$@"; exit $?', "sh"])
        kill(running.process.pid)
        running.process.wait()
        until(lambda: not is_running(running.pid) or running.is_stopped()
              or "x got" in running.text()
              or name in ("SIGCHLD", "SIGTTIN", None), "the signal has come")
        kill(running.pid, 34)
        if is_running(running.pid) and not running.is_stopped():
            until(lambda: "x got 34" in running.text() or not is_running(running.x),
                  "all have come")
            until(lambda: is_running(running.x) or not is_running(running.pid),
                  "both are there or none")
        return {"init": is_running(running.pid), "stopped": running.is_stopped(),
                "x": is_running(running.x), "x got": [
                    line for line in running.text().splitlines() if line.startswith("x got")]}
    same(inits, "tini", scenario)


def test_it_ends_at_once_when_its_program_ends_and_leaves_the_rest(inits):
    def scenario(init):
        running = init.start("-s", "-g", "--", "sh", "-c", f"{HELPER} listen y & read line; exit 4",
                             stdin=(pipe := os.pipe())[0])
        running.says("y listens")
        y = children(children(running.pid)[0])[0]
        os.close(pipe[0])
        os.close(pipe[1])
        code = running.wait()
        kill(y, 34)
        running.says("y got 34")
        return code, running.outcome()
    assert same(inits, "tini", scenario)[0] == 4
