"""podinit in dumb-init's place: the real dumb-init and podinit do the same."""

import os
import signal

import pytest

from faces import check_help, check_row, row, rows, same
from fates import fate, is_pending, settle
from pods import HELPER, children, kill, until

VERSION = ["dumb-init v1.2.5"]
USAGE = ["Usage: dumb-init [option] program [args]", "Try dumb-init --help for full usage."]
BAD_REWRITE = ["Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.",
               "This option can be specified multiple times.", "Use --help for full usage."]
DEBUG = "[dumb-init] Running in debug mode."
NOT_SETSID = "[dumb-init] Not running in setsid mode."
NO_TERMINAL = "[dumb-init] Unable to detach from controlling tty " \
    "(errno=25 Inappropriate ioctl for device)."
SPAWNED = "[dumb-init] Child spawned with PID P1."
OF_CHILD = ["[dumb-init] Unable to attach to controlling tty "
            "(errno=25 Inappropriate ioctl for device).",
            "[dumb-init] setsid complete."]


def ended(code, how="exited with exit status", number=None, forwarded=15, translated=False):
    return ["[dumb-init] Received signal 17.",
            f"[dumb-init] A child with PID P1 {how} {code if number is None else number}.",
            *([f"[dumb-init] Translating signal 15 to {forwarded}."] if translated else []),
            f"[dumb-init] Forwarded signal {forwarded} to children." if forwarded else
            "[dumb-init] Not forwarding signal 0 to children (ignored).",
            f"[dumb-init] Child exited with status {code}. Goodbye."]


def verbose(code, **how):
    return [NO_TERMINAL, SPAWNED, *ended(code, **how), *OF_CHILD]


def exits(code):
    return ["sh", "-c", f"exit {code}"]


ONE = [
    # --- what is asked for, and wrong options ---
    row("-h", 0, [], ["<help>"]), row("--help", 0, [], ["<help>"]), row("--he", 0, [], ["<help>"]),
    row("-ch true", 0, [], ["<help>"]), row("-V", 0, [], VERSION), row("--version", 0, [], VERSION),
    row("--vers", 0, [], VERSION), row("-cV", 0, [], VERSION), row("-V -h", 0, [], VERSION),
    row("-v -V", 0, [], VERSION), row("--help=1", 1), row("--version=1", 1),
    row("--single-child=1 true", 1),
    row("", 1, [], USAGE), row("-c", 1, [], USAGE), row("--", 1, [], USAGE),
    row("-v", 1, [], USAGE),
    row("-x true", 1, [], ["dumb-init: invalid option -- 'x'"]),
    row("-cx true", 1, [], ["dumb-init: invalid option -- 'x'"]),
    row("--nosuch true", 1, [], ["dumb-init: unrecognized option '--nosuch'"]),
    row("--v", 1, [],
        ["dumb-init: option '--v' is ambiguous; possibilities: '--verbose' '--version'"]),
    row("--ver true", 1, [],
        ["dumb-init: option '--ver' is ambiguous; possibilities: '--verbose' '--version'"]),
    row("-r", 1, [], ["dumb-init: option requires an argument -- 'r'"]),
    row("--rewrite", 1, [], ["dumb-init: option '--rewrite' requires an argument"]),
    *[row(["-r", value, "true"], 1, [], BAD_REWRITE) for value in (
        "x", "", "1", "1:", ":1", "1:x", "0:2", "32:1", "1:32", "-1:2", "1:-1", "1 :2",
        "SIGTERM:SIGINT", "1,2",
        "99:99", "0:0")],
    *[row(["-r", value, "true"], 0, [], []) for value in (
        "1:2", "1:0", "31:31", "1:2:3", "1:2x", " 1:2", "1: 2", "+1:02", "9:15", "17:18", "19:20")],
    row("-r 1:2 -r x true", 1, [], BAD_REWRITE), row("-r1:2 true", 0, [], []),
    row("--rew=1:2 true", 0, [], []),
    row("--rewrite 1:2 --rewrite=3:4 true", 0, [], []), row("--rewrite=x true", 1, [], BAD_REWRITE),
    row("--single true", 0, [], []), row("-c true", 0, [], []), row("-cr 1:2 -- true", 0, [], []),
    # --- exit codes; its options end where the program begins ---
    row(exits(3), 3, [], []), row(["-c", *exits(3)], 3, [], []), row(["--", *exits(3)], 3, [], []),
    row(["printf", "%s", "-V"], 0, ["-V"], []), row([HELPER, "die", "15"], 143, [], []),
    row([HELPER, "die", "9"], 137, [], []), row(["-c", HELPER, "die", "34"], 162, [], []),
    row(exits(3), 3, [], [], pid1=True), row(["-c", *exits(3)], 3, [], [], pid1=True),
    # --- what cannot be executed ---
    row("nosuch", 2, [], ["[dumb-init] nosuch: No such file or directory"]),
    row("-c nosuch", 2, [], ["[dumb-init] nosuch: No such file or directory"]),
    row("/etc/passwd", 2, [], ["[dumb-init] /etc/passwd: Permission denied"]),
    row("nosuch", 2, [], ["[dumb-init] nosuch: No such file or directory"], pid1=True),
    row(["--", ""], 2, [], ["[dumb-init] : No such file or directory"]),
    row("-v nosuch", 2, [], None), row("-vc nosuch", 2, [], None),
    row("-v nosuch", 2, [], None, pid1=True),
    # --- environment ---
    row(exits(1), 1, [], [DEBUG, *verbose(1)], env={"DUMB_INIT_DEBUG": "1"}),
    row(exits(1), 1, [], [], env={"DUMB_INIT_DEBUG": "0"}),
    row(exits(1), 1, [], [], env={"DUMB_INIT_DEBUG": "true"}),
    row(exits(1), 1, [], [], env={"DUMB_INIT_DEBUG": ""}),
    row(exits(1), 1, [], [], env={"DUMB_INIT_DEBUG": "11"}),
    row(["-v", *exits(1)], 1, [], [DEBUG, *verbose(1)], env={"DUMB_INIT_DEBUG": "1"}),
    row("-V", 0, [], VERSION, env={"DUMB_INIT_DEBUG": "1"}),
    row("", 1, [], USAGE, env={"DUMB_INIT_DEBUG": "1"}),
    row(["-v", *exits(1)], 1, [], [NOT_SETSID, SPAWNED, *ended(1)], env={"DUMB_INIT_SETSID": "0"}),
    row(["-vc", *exits(1)], 1, [], [NOT_SETSID, SPAWNED, *ended(1)], env={"DUMB_INIT_SETSID": "0"}),
    row(exits(1), 1, [], [DEBUG, NOT_SETSID, SPAWNED, *ended(1)],
        env={"DUMB_INIT_SETSID": "0", "DUMB_INIT_DEBUG": "1"}),
    *[row(["-v", *exits(1)], 1, [], verbose(1), env={"DUMB_INIT_SETSID": value})
      for value in ("1", "", "00", "no")],
    # --- what it says ---
    row("-v true", 0, [], verbose(0)), row("--verb true", 0, [], verbose(0)),
    row("-vv true", 0, [], verbose(0)),
    row("-vc true", 0, [], [SPAWNED, *ended(0)]),
    row(["-v", *exits(7)], 7, [], verbose(7), pid1=True),
    row(["-v", HELPER, "die", "9"], 137, [],
        verbose(137, how="was terminated by signal", number=9)),
    row(["-vc", HELPER, "die", "34"], 162, [],
        [SPAWNED, *ended(162, how="was terminated by signal", number=34)]),
    row("-v -r 15:10 true", 0, [], verbose(0, forwarded=10, translated=True)),
    row("-v -r 15:0 true", 0, [], verbose(0, forwarded=0, translated=True)),
    row("-v -r 15:2 -r 15:15 true", 0, [], None),
    row(["-v", "sh", "-c", "echo out; echo err >&2"], 0, ["out"], [*verbose(0), "err"]),
]


@rows(ONE)
def test_a_command_line(inits, row):
    check_row(inits, "dumb-init", row)


def test_the_help_names_every_option(inits):
    check_help(inits, "dumb-init", "-h", "--help", "-v", "--verbose", "-V", "--version", "-c",
               "--single-child", "-r", "--rewrite")


@pytest.mark.parametrize("closed", ["0", "1"])
def test_standard_descriptors_that_are_closed(inits, closed):
    # Not standard error: there is no telling what dumb-init writes into instead.
    shell = f'exec "$0" "$@" {closed}>&-'
    same(inits, "dumb-init",
         lambda init: init.run("-v", "--", "true", prefix=["sh", "-c", shell]).code)


# --- signals ---

ALL_BUT_THE_END = [signo for signo in range(1, 32)
                   if signo not in (9, 15, 17, 19, 20, 21, 22)] + [34, 64]


@pytest.mark.parametrize("options", [["-v"], ["-vc"],
                                     ["-vr", "1:2", "-r", "2:3", "--rewrite=10:0", "-r", "12:12"]])
@pytest.mark.parametrize("pid1", [False, True])
def test_what_it_says_of_signals(inits, options, pid1):
    def scenario(init):
        running = init.start(*options, HELPER, "listen", "x", pid1=pid1)
        running.says("x listens")
        running.says("setsid complete." if "c" not in options[0] else "Child spawned")
        for signo in ALL_BUT_THE_END:
            running.send(signo)
            until(lambda: not is_pending(running.pid, signo), "it is taken")
        running.says("x got 64")  # which is behind all others
        kill(children(running.pid)[0], signal.SIGTERM)
        went = running.outcome()
        # Of several at once x chooses, and two of one kind become one.
        return went._replace(out=sorted(set(went.out)))
    went = same(inits, "dumb-init", scenario)
    assert "[dumb-init] Forwarded signal 28 to children." in went.err
    assert ("[dumb-init] Translating signal 1 to 2." in went.err) == (len(options) > 1)
    ignored = "[dumb-init] Not forwarding signal 0 to children (ignored)."
    assert (ignored in went.err) == (len(options) > 1)


@pytest.mark.parametrize("rewrites", [
    ["20:20", "21:21", "22:22"], ["20:0", "21:1", "22:19"], ["19:1", "17:1", "18:2", "9:1"],
    ["1:2", "1:3"],
    ["1:9"], ["2:15"], ["15:2"], ["15:15"], ["1:17"]], ids=" ".join)
@pytest.mark.parametrize("single", [[], ["-c"]], ids=["session", "single"])
def test_rewriting(inits, rewrites, single):
    options = single + [word for rewrite in rewrites for word in ("-r", rewrite)]

    def scenario(init):
        result, running = {}, None
        for signo in (1, 2, 17, 18, 20, 21, 22, 28, 15):
            if not running or running.has_ended():
                running = init.listen(*options)
            result[signo] = fate(running, signo, running.send)
        return result
    same(inits, "dumb-init", scenario)


@pytest.mark.parametrize("options", [["-v"], ["-vc"], ["-v", "-r", "20:0"], ["-v", "-r", "20:20"]])
def test_a_stop_signal_stops_itself_and_what_it_says_then(inits, options):
    def scenario(init):
        running = init.start(*options, HELPER, "listen", "x")
        running.says("x listens")
        running.says("setsid complete." if "c" not in options[0] else "Child spawned")
        running.x = children(running.pid)[0]
        for count, signo in enumerate((signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)):
            running.send(signo)
            until(running.is_stopped, f"it stops for {signo}")
            settle(running, "x", running.x, 64)
            running.send(signal.SIGCONT)
            until(lambda: running.text().count("x got 18") > count, "x is continued")
        until(lambda: running.text().count("x got 64") == 3, "x has said it all")
        kill(running.x, signal.SIGTERM)
        went = running.outcome()
        # When its parent hears that x was stopped and continued is chance.
        return went._replace(err=[line for line in went.err
                                  if line != "[dumb-init] Received signal 17."],
                             out=sorted(went.out))
    went = same(inits, "dumb-init", scenario)
    assert went.err.count("[dumb-init] Suspending self due to TTY signal.") == 3


@pytest.mark.parametrize("pid1", [False, True])
@pytest.mark.parametrize("options", [["-v"], ["-vc"]])
def test_what_it_says_of_orphans_and_of_what_is_left(inits, options, pid1):
    def scenario(init):
        running = init.start(*options, "sh", "-c", f"sh -c 'sleep 1000 &'; exec {HELPER} listen x",
                             pid1=pid1)
        running.says("x listens")
        running.says("setsid complete." if "c" not in options[0] else "Child spawned")
        if pid1:
            until(lambda: len(children(running.pid)) == 2, "it has adopted the orphan")
            main, orphan = children(running.pid)
            kill(orphan)
            until(lambda: children(running.pid) == [main], "it has reaped the orphan")
        kill(children(running.pid)[0], signal.SIGTERM)
        return running.outcome()
    same(inits, "dumb-init", scenario)


def test_its_own_directory_is_the_root(inits, tmp_path):
    def scenario(init):
        running = init.listen(cwd=tmp_path)
        until(lambda: os.readlink(f"/proc/{running.pid}/cwd") == "/", "it has left its directory")
        return os.readlink(f"/proc/{running.x}/cwd")
    assert same(inits, "dumb-init", scenario) == str(tmp_path)
