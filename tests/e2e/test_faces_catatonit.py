"""podinit in catatonit's place: the real catatonit and podinit do the same."""

import signal

import pytest

from faces import check_help, check_licence, check_row, row, rows, same
from fates import is_blocked, is_pending
from pods import HELPER, children, is_running, kill, read, until

USAGE = "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]"
MISSING = ["ERROR (catatonit:INIT): missing program name", USAGE]
VERSION = ["tini version N_catatonit"]
DEBUG = {"CATATONIT_DEBUG": "1"}
LAST = "DEBUG (catatonit:INIT): got ECHILD: no children left to monitor"
OF_CHILD = ["INFO (catatonit:P1): using stdin as tty fd: could not open /dev/tty: "
            "No such device or address",
            "DEBUG (catatonit:P1): setting foreground process failed: no tty present: "
            "Inappropriate ioctl for device"]


def spawned(program):
    return f"DEBUG (catatonit:INIT): pid1 (P1) spawned: {program}"


def fails(why):
    return [f"ERROR (catatonit:P1): failed to exec pid1: {why}"]


ONE = [
    # --- what is asked for, and wrong options ---
    row("-h", 0, [], [USAGE, "<help>"]), row("-gh", 0, [], [USAGE, "<help>"]),
    row("-V", 0, VERSION, []), row("--version", 0, VERSION, []), row("--v", 0, VERSION, []),
    row("--vers", 0, VERSION, []), row("-gV", 0, VERSION, []), row("-V -x", 0, VERSION, []),
    row("", 1, [], MISSING), row("--", 1, [], MISSING), row("-g", 1, [], MISSING),
    row("-x true", 1, [], ["catatonit: invalid option -- 'x'", USAGE]),
    row("-gx true", 1, [], ["catatonit: invalid option -- 'x'", USAGE]),
    row("-l", 1, [], ["catatonit: invalid option -- 'l'", USAGE]),
    row("--help", 1, [], ["catatonit: unrecognized option '--help'", USAGE]),
    row("--rewrite 1:2 true", 1, [], ["catatonit: unrecognized option '--rewrite'", USAGE]),
    row("--version=1", 1, [], ["catatonit: option '--version' doesn't allow an argument", USAGE]),
    row("-V", 1, [], ["ERROR (catatonit:INIT): CATATONIT_LOG is reserved for future use"],
        env={"CATATONIT_LOG": "debug"}),
    row("true", 1, [], ["ERROR (catatonit:INIT): CATATONIT_LOG is reserved for future use"],
        env={"CATATONIT_LOG": ""}),
    # --- exit codes ---
    row("true", 0, [], []), row("false", 1, [], []), row(["--", "sh", "-c", "exit 7"], 7, [], []),
    row(["-g", "--", "sh", "-c", "exit 7"], 7, [], []),
    row(["--", "sh", "-c", "exit 7"], 7, [], [], pid1=True),
    row(["sh", "-c", "exit 3"], 3, [], [], env={"POSIXLY_CORRECT": ""}),
    row([HELPER, "die", "15"], 143, [], []), row([HELPER, "die", "34"], 162, [], []),
    # --- what cannot be executed ---
    row("nosuch", 1, [], fails("No such file or directory")),
    row("/etc/passwd", 1, [], fails("Permission denied")),
    row("/etc", 1, [], fails("Permission denied")),
    row("/etc/passwd/x", 1, [], fails("Not a directory")),
    row(["--", ""], 1, [], fails("No such file or directory")),
    row("nosuch", 1, [], fails("No such file or directory"), pid1=True),
    row("-g nosuch", 1, [], fails("No such file or directory")),
    # --- what it says ---
    row("true", 0, [], [spawned("true"), LAST, *OF_CHILD], env=DEBUG),
    row("true", 0, [], [spawned("true"), LAST, *OF_CHILD], env={"CATATONIT_DEBUG": ""}),
    row("true", 0, [], [spawned("true"), LAST, *OF_CHILD], env={"CATATONIT_DEBUG": "0"}),
    row("-g true", 0, [], [spawned("true"), LAST, *OF_CHILD], env=DEBUG),
    row("true", 0, [], [spawned("true"), LAST, *OF_CHILD], env=DEBUG, pid1=True),
    row([HELPER, "die", "9"], 137, [], [spawned(HELPER), LAST, *OF_CHILD], env=DEBUG),
    row("nosuch", 1, [], [spawned("nosuch"), LAST, *OF_CHILD, *fails("No such file or directory")],
        env=DEBUG),
    row("", 1, [], MISSING, env=DEBUG),
    row(["--", "sh", "-c", "echo out; echo err >&2"], 0, ["out"],
        ["err"]),
]


@rows(ONE)
def test_a_command_line(inits, row):
    check_row(inits, "catatonit", row)


def test_the_help_names_every_option(inits):
    check_help(inits, "catatonit", "-g", "-h", "-L", "-P", "-V", "--version")


def test_the_licence_goes_to_standard_output(inits):
    check_licence(inits, "catatonit", "-L")


def test_the_version_is_one_that_docker_understands(inits):
    running = inits.podinit("catatonit").start("--version")
    running.wait()
    assert running.text().startswith("tini version ") and running.text().endswith("_catatonit\n")


@pytest.mark.parametrize("closed", ["0", "1", "01"])
def test_standard_descriptors_that_are_closed(inits, closed):
    shell = 'exec "$0" "$@" ' + " ".join(f"{fd}>&-" for fd in closed)
    same(inits, "catatonit", lambda init: init.run("true", prefix=["sh", "-c", shell]))


@pytest.mark.parametrize("pid1", [False, True])
def test_what_it_says_of_signals(inits, pid1):
    def scenario(init):
        running = init.start(HELPER, "listen", "x", env=DEBUG, pid1=pid1)
        running.says("x listens")
        for signo in [1, 2, 10, 14, 17, 20, 21, 22, 28, 64]:
            running.send(signo)
            until(lambda: not is_pending(running.pid, signo), "it is taken")
        running.says("x got 64")  # which is behind all others
        kill(children(running.pid)[0], signal.SIGTERM)
        went = running.outcome()
        return went._replace(out=sorted(went.out))
    went = same(inits, "catatonit", scenario)
    ignored = "DEBUG (catatonit:INIT): ignoring kernel attempting to stop us: tty has TOSTOP set"
    assert went.err.count(ignored) == 3


@pytest.mark.parametrize("how", ["exits", "dies", "dies of a real-time signal"])
@pytest.mark.parametrize("pid1", [False, True])
def test_what_it_says_of_orphans(inits, how, pid1):
    orphan = {"exits": f"{HELPER} polite orphan 3 0", "dies": "sleep 1000",
              "dies of a real-time signal": "sleep 1000"}[how]

    def scenario(init):
        running = init.start("--", "sh", "-c", f"sh -c '{orphan} &'; exec {HELPER} listen x",
                             env=DEBUG, pid1=pid1)
        running.says("x listens")
        until(lambda: len(children(running.pid)) == 2, "it has adopted the orphan")
        main, pid = children(running.pid)
        if how == "exits":
            running.says("orphan is ready")
        kill(pid, 34 if "real" in how else signal.SIGTERM)
        until(lambda: children(running.pid) == [main], "it has reaped the orphan")
        kill(main, signal.SIGTERM)
        went = running.outcome()
        return went._replace(out=sorted(went.out))
    went = same(inits, "catatonit", scenario)
    assert any("child process P" in line for line in went.err)


# --- -P: it runs nothing ---

@pytest.mark.parametrize("words", [["-P"], ["-P", "nosuch"], ["-gP"]])
@pytest.mark.parametrize("pid1", [False, True])
def test_pause(inits, words, pid1):
    def scenario(init):
        result = {}
        for last in (signal.SIGTERM, signal.SIGINT):
            running = init.start(*words, pid1=pid1, env=DEBUG)
            until(lambda: is_blocked(running.pid, 1), "it takes signals")
            for signo in (1, 3, 10, 12, 13, 14, 17, 18, 20, 21, 22, 28, 30, 34, 64):
                running.send(signo)
                until(lambda: not is_pending(running.pid, signo), f"{signo} is taken")
            assert is_running(running.pid)
            running.send(last)
            result[int(last)] = running.outcome()
        return result
    assert [went.code for went in same(inits, "catatonit", scenario).values()] == [0, 0]


def test_pause_reaps(inits):
    def scenario(init):
        script = 'sh -c "sleep 1000 &" & exec "$@"'
        running = init.start("-P", prefix=["sh", "-c", script, "sh"], pid1=True, env=DEBUG)
        orphan = until(lambda: [pid for pid in children(running.pid)
                                if read(f"/proc/{pid}/comm") == "sleep\n"],
                       "it has adopted an orphan")[0]
        until(lambda: is_blocked(running.pid, 1), "it takes signals")
        kill(orphan)
        until(lambda: children(running.pid) == [], "it has reaped it")
        running.send(signal.SIGTERM)
        return running.wait()
    assert same(inits, "catatonit", scenario) == 0


# --- the sockets that it was given ---

@pytest.mark.parametrize("value", ["$$", "1", "", "junk", "99999999999999999999", " $$", "$$x"])
def test_sockets_for_it_are_for_its_program(inits, value):
    prefix = ["sh", "-c", f'LISTEN_PID="{value}" exec "$@"', "sh"]
    script = 'case $LISTEN_PID in "$$") echo the program;; "$PPID") echo catatonit;; ' \
        '*) echo "$LISTEN_PID";; esac'

    def scenario(init):
        running = init.start("--", "sh", "-c", script, prefix=prefix, env={"LISTEN_FDS": "1"})
        running.wait()
        return running.text().replace(str(running.pid), "INIT")
    went = same(inits, "catatonit", scenario)
    assert went.startswith("the program") == ("$$" in value)
