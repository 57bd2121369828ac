"""podinit in the place of tini, dumb-init and catatonit: what all three do, each in its own way.
Which signals reach whom, with which code it ends, what the program is born with, who adopts
orphans."""

import contextlib
import ctypes
import os
import signal

import pytest

from faces import INITS, same
from fates import fate, is_pending
from pods import HELPER, children, is_running, kill, read, until

# Options that make a difference to signals and to where the program stands.
VARIANTS = [("tini", "-s"), ("tini", "-sg"), ("dumb-init", ""), ("dumb-init", "-c"),
            ("catatonit", ""),
            ("catatonit", "-g")]
OPTIONS = {"tini": ["-s"], "dumb-init": [], "catatonit": []}


# --- signals ---

def fates(init, options, how):
    """What each signal does, by its number. An init that has ended is followed by another; so is
    one before the signals that fate() itself uses."""
    running, result = None, {}
    for signo in [number for number in range(1, 65) if number != signal.SIGKILL] + [signal.SIGKILL]:
        if not running or running.has_ended() or signo > 60:
            running = init.listen(*options, pid1=how != "plain")
        result[signo] = fate(running, signo,
                             running.send_from_inside if how == "from inside" else running.send)
    return result


@pytest.mark.parametrize("name, option, how", [
    *[(name, option, "plain") for name, option in VARIANTS],
    *[(name, "", how) for name in INITS for how in ("from outside", "from inside")]])
def test_what_each_signal_does(inits, name, option, how):
    went = same(inits, name, lambda init: fates(init, option.split(), how))
    # The judge is awake: a signal arrives, and the last one is the end.
    assert went[10]["x got"] == [10] and went[15]["x got"] == [15]
    assert (went[9]["code"] is None) == (how == "from inside")


@pytest.mark.parametrize("name", INITS)
def test_each_of_many_real_time_signals_arrives(inits, name):
    """They queue, where others become one."""
    def scenario(init):
        running = init.start(*OPTIONS[name], "--", HELPER, "listen", "x")
        running.says("x listens")
        for signo in [40] * 300 + [41]:
            running.send(signo)
        running.says("x got 41")
        return running.text().count("x got 40")
    assert same(inits, name, scenario) == 300


@pytest.mark.parametrize("name, options, env", [
    ("tini", ["-sgvvv"], {}), ("dumb-init", ["-v"], {}),
    ("catatonit", ["-g"], {"CATATONIT_DEBUG": "1"})])
def test_a_program_that_has_left_the_group_that_gets_the_signals(inits, name, options, env):
    def scenario(init):
        program = [HELPER, "stepping-out", HELPER, "listen", "x"]
        running = init.start(*options, "--", *program, env=env)
        running.says("x listens")
        running.send(signal.SIGUSR1)
        until(lambda: not is_pending(running.pid, signal.SIGUSR1), "it is taken")
        running.send(signal.SIGUSR2)
        until(lambda: not is_pending(running.pid, signal.SIGUSR2), "and so is the next one")
        kill(children(running.pid)[0], signal.SIGTERM)
        return running.outcome()
    same(inits, name, scenario)


# --- exit codes ---

@pytest.mark.parametrize("name", INITS)
def test_exit_codes(inits, name):
    codes = [0, 1, 2, 7, 124, 125, 126, 127, 128, 129, 137, 143, 254, 255]
    commands = [["sh", "-c", f"exit {code}"] for code in codes]
    commands += [[HELPER, "die", signo] for signo in range(1, 65)
                 if signo not in (17, 18, 19, 20, 21, 22, 23, 28)]
    went = same(inits, name, lambda init: {
        str(command[-1]): init.run(*OPTIONS[name], "--", *command) for command in commands})
    assert [went[f"exit {code}"].code for code in codes] == codes
    assert (went["9"].code, went["64"].code) == (137, 192)


@pytest.mark.parametrize("name", INITS)
def test_exit_codes_as_process_1(inits, name):
    def scenario(init):
        return [init.run("--", *command, pid1=True) for command in (
            ["sh", "-c", "exit 7"], [HELPER, "die", "15"], [HELPER, "die", "9"], ["nosuch"],
            ["/etc"])]
    codes = [went.code for went in same(inits, name, scenario)]
    assert codes[:3] == [7, 143, 137]


# --- what the program is born with ---

# Without SIGCHLD: where it is ignored, tini and catatonit never end: see test_faces_differences.py.
EVERY_SIGNAL = [signo for signo in range(1, 65) if signo not in (9, 17, 19, 32, 33)]


@pytest.mark.parametrize("pid1", [False, True])
@pytest.mark.parametrize("odd", [[], [1, 2, 13, 15, 20, 21, 22, 34], [20], [21], EVERY_SIGNAL],
                         ids=["none", "some", "TSTP", "TTIN", "all"])
@pytest.mark.parametrize("name", INITS)
def test_signals_descriptors_and_session(inits, name, odd, pid1):
    """The init is started with signals blocked and ignored, and with descriptors open."""
    if name == "dumb-init" and odd:
        odd = [*odd, signal.SIGCHLD]

    def scenario(init):
        ends = os.pipe()
        prefix = [HELPER, "odd", *odd, "--"]
        went = init.run(*OPTIONS[name], "--", HELPER, "report", pid1=pid1, prefix=prefix,
                        pass_fds=ends)
        for end in ends:
            os.close(end)
        numbers = f"descriptors: 0 1 2 {ends[0]} {ends[1]}"
        return went._replace(out=["descriptors: all" if line == numbers else line
                                  for line in went.out])
    assert "descriptors: all" in same(inits, name, scenario).out


@pytest.mark.parametrize("name, option", VARIANTS)
def test_the_place_of_the_program_without_a_terminal(inits, name, option):
    same(inits, name, lambda init: init.run(*option.split(), "--", HELPER, "place"))


@pytest.mark.parametrize("name", INITS)
def test_environment_and_directory(inits, name, tmp_path):
    (tmp_path / "here").mkdir()
    odd = {"A": "", "B": "a=b", "TINI_SUBREAPER": "", "TINI_VERBOSITY": "0",
           "TINI_KILL_PROCESS_GROUP": "1",
           "DUMB_INIT_SETSID": "2", "DUMB_INIT_DEBUG": "0", "LISTEN_FDS": "1", "LISTEN_PID": "1",
           "É": "\xe9",
           "OLDPWD": "/nosuch", "PWD": "/nosuch", "_": "underscore", "HOME": None}
    went = same(inits, name, lambda init: init.run(
        "--", "sh", "-c",
        "tr '\\0' '\\n' </proc/self/environ; readlink /proc/self/cwd; umask; ulimit -n",
        prefix=["sh", "-c", 'umask 027; ulimit -S -n 123; exec "$@"', "sh"], env=odd,
        cwd=tmp_path / "here"))
    assert str(tmp_path / "here") in went.out


@pytest.mark.parametrize("name, closes",
                         [("tini", False), ("dumb-init", False), ("catatonit", True)])
def test_whether_it_closes_what_its_program_inherits(inits, name, closes):
    """Who reads from a pipe waits for the end of all that have its other end open."""
    def is_open(pid, fd):
        return os.path.islink(f"/proc/{pid}/fd/{fd}")

    def scenario(init):
        reader, writer = os.pipe()
        running = init.listen(*OPTIONS[name], pass_fds=[writer])
        os.close(writer)
        # It passes this on when it has done all that it does at its beginning.
        running.send(signal.SIGUSR1)
        running.says("x got 10")
        os.close(reader)
        return is_open(running.x, writer), not is_open(running.pid, writer)
    assert same(inits, name, scenario) == (True, closes)


@pytest.mark.parametrize("name", INITS)
def test_limits_privileges_and_priorities(inits, name):
    script = "cat /proc/self/limits /proc/self/oom_score_adj /proc/self/timerslack_ns; nice; " \
        "grep -E '^(Cap|NoNew|Seccomp|Groups|Uid|Gid|Umask|Cpus|Mems)' /proc/self/status"
    prefix = ["sh", "-c", 'ulimit -S -n 50; ulimit -c 0; ulimit -s 4096; exec "$@"', "sh",
              "nice", "-n", "3", "setpriv", "--no-new-privs", "--bounding-set=-sys_time"]
    went = same(inits, name, lambda init: init.run(
        *OPTIONS[name], "--", "sh", "-c", script, prefix=prefix))
    assert "NoNewPrivs:\t1" in went.out


@pytest.mark.parametrize("name", INITS)
def test_a_directory_that_is_gone(inits, name, tmp_path):
    def scenario(init):
        directory = init.directory / "gone"
        prefix = ["sh", "-c", 'cd "$0" && rmdir "$0" && exec "$@"', directory]
        directory.mkdir()
        went = init.run(*OPTIONS[name], "--", "readlink", "/proc/self/cwd", prefix=prefix)
        return went._replace(out=[line.replace(str(directory), "here") for line in went.out])
    assert same(inits, name, scenario).out == ["here (deleted)"]


@pytest.mark.parametrize("name", INITS)
def test_every_byte_of_the_arguments_arrives(inits, name):
    words = ["printf", "[%s]", "", " ", "--", "-h", "--version", "a\nb", "ä", "$HOME", "%s"]
    went = same(inits, name, lambda init: init.run(*OPTIONS[name], "--", *words))
    assert went.code == 0


@pytest.mark.parametrize("name", INITS)
def test_standard_input_is_the_programs(inits, name):
    def scenario(init):
        reader, writer = os.pipe()
        os.write(writer, b"for cat\n")
        os.close(writer)
        went = init.run(*OPTIONS[name], "cat", stdin=reader)
        os.close(reader)
        return went
    assert same(inits, name, scenario).out == ["for cat"]


# --- what it cannot execute ---

@pytest.mark.parametrize("name", INITS)
def test_what_cannot_be_executed(inits, name, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "bad").write_text("#!/no/such/interpreter\n")
    (tmp_path / "bad").chmod(0o755)
    (tmp_path / "plain").write_text("x")
    (tmp_path / "late").mkdir()
    (tmp_path / "late/plain").write_text("#!/bin/sh\necho late\n")
    (tmp_path / "late/plain").chmod(0o755)
    (tmp_path / "empty").write_text("")
    (tmp_path / "empty").chmod(0o755)

    def scenario(init):
        paths = [str(tmp_path / file)
                 for file in ("loop", "bad", "plain", "bad/x", "late", "n" * 300)]
        paths += ["", ".", "/", "-", "-h", "--", "--version"]
        result = {path: init.run(*OPTIONS[name], "--", path) for path in paths}
        for path in ("./late/plain", "late/plain", "./plain", "late/nosuch"):
            result[path] = init.run(*OPTIONS[name], "--", path, cwd=tmp_path)
        result["a dash"] = init.run(*OPTIONS[name], "-")
        for path in (f"{tmp_path}:{tmp_path}/late", f"{tmp_path}/late:{tmp_path}",
                     f"{tmp_path}/plain",
                     f"{tmp_path}:/nosuch", "", None):
            result[f"PATH={path}"] = init.run(*OPTIONS[name], "--", "plain", env={"PATH": path},
                                              cwd=tmp_path)
        return result
    same(inits, name, scenario)


@pytest.mark.parametrize("name", INITS)
@pytest.mark.parametrize("content, code", [("echo by a shell; exit 9\n", 9), ("", 0)])
def test_a_script_without_an_interpreter_is_a_shells(inits, tmp_path, name, content, code):
    script = tmp_path / "script"
    script.write_text(content)
    script.chmod(0o755)

    def scenario(init):
        return (init.run(*OPTIONS[name], "--", script, "argument"),
                init.run(*OPTIONS[name], "--", "script", "argument",
                         env={"PATH": f"/nosuch:{tmp_path}"}))
    assert [went.code for went in same(inits, name, scenario)] == [code, code]


# --- orphans, and what is left ---

@contextlib.contextmanager
def subreaper():
    """The test adopts what no init below it adopts."""
    PR_SET_CHILD_SUBREAPER = 36
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def parent_of(pid):
    return int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1])


@pytest.mark.parametrize("name, options, env, adopts", [
    ("tini", [], {}, False), ("tini", ["-g"], {}, False), ("tini", ["-w"], {}, False),
    ("tini", ["-s"], {}, True),
    ("tini", [], {"TINI_SUBREAPER": ""}, True), ("dumb-init", [], {}, False),
    ("dumb-init", ["-c"], {}, False),
    ("catatonit", [], {}, True)])
def test_who_adopts_orphans(inits, name, options, env, adopts):
    def scenario(init):
        script = f"sh -c '{HELPER} listen orphan & echo orphan: $!'; exec {HELPER} listen x"
        running = init.start(*options, "--", "sh", "-c", script, env=env)
        running.says("x listens")
        running.says("orphan listens")
        orphan = int(running.text().partition("orphan: ")[2].split()[0])
        until(lambda: parent_of(orphan) in (running.pid, os.getpid()), "somebody has adopted it")
        adopted = parent_of(orphan) == running.pid
        kill(orphan)
        if adopted:
            until(lambda: not os.path.exists(f"/proc/{orphan}"), "it is reaped")
        else:
            os.waitpid(orphan, 0)
        kill(children(running.pid)[0], signal.SIGTERM)
        return adopted, running.wait()
    with subreaper():
        assert same(inits, name, scenario) == (adopts, 0)


@pytest.mark.parametrize("pid1", [False, True])
@pytest.mark.parametrize("name, options", [
    ("tini", ["-s"]), ("tini", ["-sg"]), ("dumb-init", []), ("dumb-init", ["-c"]),
    ("dumb-init", ["-r", "15:10"]),
    ("dumb-init", ["-r", "15:0"]), ("dumb-init", ["-r", "15:19"]), ("catatonit", []),
    ("catatonit", ["-g"])])
def test_the_end_of_the_program_is_the_end_and_who_is_told(inits, name, options, pid1):
    """y is in the program's group, z in a session of its own."""
    def scenario(init):
        ends = os.pipe()
        script = f"{HELPER} listen y & setsid {HELPER} listen z & read line; exit 4"
        running = init.start(*options, "--", "sh", "-c", script, stdin=ends[0], pid1=pid1)
        running.says("y listens")
        running.says("z listens")
        pids = dict(zip("yz", children(children(running.pid)[0])))
        os.close(ends[0])
        os.close(ends[1])
        code = running.wait()
        if not pid1:
            for one, pid in pids.items():
                kill(pid, signal.SIGCONT)
                kill(pid, signal.SIGRTMAX)
                until(lambda: f"{one} got 64" in running.text() or not is_running(pid),
                      f"{one} has heard all")
        # As process 1 its end is the end of all, and whether they hear of it before is chance.
        return code, [] if pid1 else sorted(running.outcome().out)
    assert same(inits, name, scenario)[0] == 4
