"""tty = true: a terminal of its own. stdin = true: podinit's standard input."""

import os
import pty
import select
import time

import pytest

from pods import HELPER, PLAIN, SANDBOX, UNSHARE, fill, never, polite, read, until
from truth import start_error

WAYS = [SANDBOX, UNSHARE, PLAIN]
TTY = "tty = true\n"
STDIN = "stdin = true\n"


def one(command, *more):
    return never(f"one: {command}") + "".join(more)


@pytest.mark.parametrize("how", WAYS)
def test_a_terminal_on_all_three(pods, how):
    result = pods.run(one("sh -c 'for fd in 0 1 2; do test -t $$fd && echo $$fd is one; done; tty'", TTY), how=how)
    for fd in "012":
        assert f"{fd} is one" in result.output
    assert "/dev/pts/" in result.output or "not a tty" not in result.output


@pytest.mark.parametrize("how", WAYS)
def test_it_is_the_terminal_of_its_session(pods, how):
    result = pods.run(one(f"{HELPER} place", TTY), how=how)
    lines = result.output.replace("\r", "").splitlines()
    for expected in ("session: leads", "group: leads", "terminal: has one", "foreground: yes"):
        assert expected in lines


def test_a_neighbour_has_none(pods):
    result = pods.run(never("one: tty", f"two: {HELPER} place").replace("[main two]", f"{TTY}[main two]"))
    assert "terminal: none" in result.output


@pytest.mark.parametrize("more", ["", "securityContext.runAsUser = nobody\n"], ids=["root", "nobody"])
def test_its_user_may_open_it_by_name(pods, more):
    """/dev/stdout, as programs in images do."""
    result = pods.run(one("sh -c 'echo to stdout > /dev/stdout; echo to tty > /dev/tty; echo to $$(tty) >$$(tty)'",
                          TTY, more))
    assert result.code == 0, result.output
    assert "to stdout" in result.output and "to tty" in result.output and "to /dev/pts" in result.output


def test_that_owner_needs_no_right_that_podinit_dropped(pods):
    result = pods.run(one("sh -c 'echo to stdout > /dev/stdout'", TTY, "securityContext.runAsUser = nobody\n",
                          "securityContext.capabilities.drop = ALL\n"))
    assert result.code == 0 and "to stdout" in result.output


def test_errors_at_the_start_are_told(pods):
    start_error(pods, TTY + "securityContext.runAsUser = nonesuch\n", "its /etc/passwd has no user nonesuch")
    start_error(pods, TTY + "command = /nope\n".replace("command", "workingDir"),
                "cannot change to directory /nope: No such file or directory")


# --- output ---


def slow_reader(reading, seconds_between_reads):
    data = b""
    while True:
        select.select([reading], [], [], 20)
        piece = os.read(reading, 65536)
        if not piece:
            return data
        data += piece
        time.sleep(seconds_between_reads)


@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
def test_a_megabyte_arrives_whole_through_a_slow_reader(pods, how):
    reading, writing = os.pipe()
    count = 20000
    pod = pods.start(one(f"seq -f %0.f{'x' * 45} 1 {count}", TTY), how=how, stdout=writing, control=True)
    os.close(writing)
    time.sleep(0.3)  # the pipe is full, and so is the terminal
    assert pod.podctl("status").returncode == 0
    assert pod.container("one")["state"].get("running")
    data = slow_reader(reading, 0.002)
    os.close(reading)
    assert data.replace(b"\r", b"").decode().splitlines() == [f"{i}{'x' * 45}" for i in range(1, count + 1)]
    assert pod.wait() == 0


@pytest.mark.parametrize("size", [100, 5000, 50000, 65536 + 3000])
def test_what_a_process_said_last_is_not_lost(pods, size):
    """It has ended while the reader still is where it was."""
    reading, writing = os.pipe()
    script = f"head -c {size} /dev/zero | tr \"\\\\0\" x; echo END"
    pod = pods.start(never(f"one: sh -c '{script}'", "stay: sleep 1000").replace("[main stay]", f"{TTY}[main stay]"),
                     stdout=writing)
    os.close(writing)
    if size <= 65536:
        pod.event(reason="Completed", process="one")
    time.sleep(0.2)
    data = b""
    while not data.endswith(b"END\r\n"):
        assert select.select([reading], [], [], 20)[0], f"{len(data)} bytes, then nothing"
        data += os.read(reading, 65536)
    assert data == b"x" * size + b"END\r\n"
    os.close(reading)


def test_the_last_words_of_a_pod_wait_a_moment_for_their_reader(pods):
    reading, writing = os.pipe()
    filled = fill(writing)
    pod = pods.start(one("sh -c 'echo last words'", TTY), stdout=writing)
    os.close(writing)
    pod.event(reason="Completed")
    time.sleep(0.3)
    data = slow_reader(reading, 0)
    assert data == b"f" * filled + b"last words\r\n"
    assert pod.wait() == 0
    os.close(reading)


def test_a_reader_that_never_reads_holds_the_end_up_only_for_a_moment(pods):
    reading, writing = os.pipe()
    pod = pods.start(one(f"seq 1 1000000", TTY), stdout=writing, control=True)
    os.close(writing)
    time.sleep(0.3)
    assert pod.podctl("status").returncode == 0
    began = time.monotonic()
    assert pod.stop() == 143
    assert time.monotonic() - began < 5
    os.close(reading)


def test_a_reader_that_is_gone_is_no_matter(pods):
    reading, writing = os.pipe()
    os.close(reading)
    pod = pods.start(one("seq 1 100000", TTY), stdout=writing)
    os.close(writing)
    assert pod.wait() == 0


def test_a_socket_as_standard_output_never_blocks_podinit(pods):
    import socket
    here, there = socket.socketpair()
    pod = pods.start(one("seq 1 200000", TTY), stdout=there, control=True)
    there.close()
    time.sleep(0.3)
    assert pod.podctl("status").returncode == 0
    data = slow_reader(here.fileno(), 0)
    assert data.replace(b"\r", b"").decode().splitlines() == [str(i) for i in range(1, 200001)]
    assert pod.wait() == 0
    here.close()


@pytest.mark.parametrize("where", ["file", "null", "closed"])
def test_other_places_for_its_output(pods, where, tmp_path):
    if where == "closed":
        pod = pods.start(one("seq 1 10000", TTY), prefix=["sh", "-c", 'exec "$@" >&-', "sh"])
        assert pod.wait() == 0
        return
    with open("/dev/null" if where == "null" else tmp_path / "out", "wb") as out:
        assert pods.run(one("seq 1 10000", TTY), stdout=out).code == 0
    if where == "file":
        assert (tmp_path / "out").read_bytes() == b"".join(b"%d\r\n" % i for i in range(1, 10001))


# --- input ---


@pytest.mark.parametrize("how", WAYS)
def test_input_reaches_it_and_ends_with_ctrl_d(pods, how):
    reading, writing = os.pipe()
    pod = pods.start(one("sh -c 'echo ready; cat; echo done'", TTY, STDIN), how=how, stdin=reading)
    os.close(reading)
    pod.says("ready")
    os.write(writing, b"hello there\n")
    pod.says("hello there")
    assert pod.code is None
    os.close(writing)
    assert pod.wait() == 0
    assert "done" in pod.output()


def test_input_that_ends_in_the_middle_of_a_line_ends_too(pods):
    reading, writing = os.pipe()
    os.write(writing, b"half a line")
    os.close(writing)
    pod = pods.start(one("cat", TTY, STDIN), stdin=reading)
    os.close(reading)
    assert pod.wait() == 0
    assert "half a line" in pod.output()


def test_ctrl_c_is_a_signal(pods):
    reading, writing = os.pipe()
    pod = pods.start(one("sh -c 'echo ready; exec sleep 1000'", TTY, STDIN), stdin=reading)
    os.close(reading)
    pod.says("ready")
    until(lambda: any(read(f"/proc/{pid}/comm") == "sleep\n" for pid in pod.processes()), "it sleeps")
    os.write(writing, b"\x03")
    assert pod.wait() == 130
    os.close(writing)


def test_without_stdin_its_terminal_is_silent(pods):
    pod = pods.start(one("sh -c 'echo ready; read x; echo got $$x'", TTY), stdin=-1)
    pod.says("ready")
    pod.process.stdin.write(b"hello\n")
    pod.process.stdin.flush()
    time.sleep(0.2)
    assert pod.code is None and "got" not in pod.output()
    pod.process.stdin.close()
    assert pod.stop() == 143


@pytest.mark.parametrize("how", WAYS)
def test_stdin_without_a_terminal_is_podinits(pods, how):
    pod = pods.start(never("one: cat", "two: sh -c 'read x || echo nothing for two'").replace(
        "[main two]", f"{STDIN}[main two]"), how=how, stdin=-1)
    pod.process.stdin.write(b"for one\n")
    pod.process.stdin.close()
    assert pod.wait() == 0
    assert "\nfor one\n" in pod.output() and "nothing for two" in pod.output()


def test_stdin_is_one_processs(pods):
    result = pods.run(one("cat", STDIN) + "[main two]\ncommand = cat\n" + STDIN)
    assert result.code == 125 and "main two: stdin: one has it already" in result.output


def test_podinits_own_terminal_as_standard_input(pods):
    """Given a terminal podinit does not read ahead of others, and a process has its own."""
    master, slave = pty.openpty()
    pod = pods.start(one("sh -c 'echo ready; read x; echo got $$x'", TTY, STDIN), stdin=slave)
    os.close(slave)
    pod.says("ready")
    os.write(master, b"typed\n")
    assert pod.wait() == 0
    assert "got typed" in pod.output()
    os.close(master)


# --- restarts ---


def test_a_slow_reader_gets_the_output_of_each_instance_in_order(pods):
    """The next one begins before the last words of the one before it have left the terminal."""
    reading, writing = os.pipe()
    pod = pods.start("[pod]\nrestartPolicy = Always\n[main one]\nbackoff.initialSeconds = 0\n"
                     f"command = sh -c 'head -c 50000 /dev/zero | tr \"\\0\" x; echo END'\n{TTY}",
                     stdout=writing)
    os.close(writing)
    data = b""
    while data.count(b"END\r\n") < 10:
        assert select.select([reading], [], [], 20)[0]
        data += os.read(reading, 3000)
        time.sleep(0.002)
    assert data.split(b"END\r\n")[:10] == [b"x" * 50000] * 10
    pod.signal(15)
    os.close(reading)


def assert_no_leak(pod, reason):
    """Fifty more of these events leave podinit no more descriptors."""
    pod.event(reason=reason, count=5)
    before = len(os.listdir(f"/proc/{pod.inner}/fd"))
    pod.event(reason=reason, count=55)
    assert abs(len(os.listdir(f"/proc/{pod.inner}/fd")) - before) <= 4


@pytest.mark.parametrize("more", ["", "volumeMounts = v:/mnt\n[volume v]\nemptyDir =\n"], ids=["plain", "view"])
def test_restarts_have_a_new_terminal_and_leave_nothing(pods, more):
    pod = pods.start(f"[pod]\nrestartPolicy = Always\n[main one]\ncommand = sh -c 'test -t 0 && echo terminal'\n"
                     f"backoff.initialSeconds = 0\n{TTY}{more}")
    assert_no_leak(pod, "Completed")
    assert pod.output().count("terminal") >= 55
    pod.stop()


def test_starts_that_fail_leave_nothing(pods):
    pod = pods.start(f"[pod]\nrestartPolicy = Always\n[main one]\ncommand = true\nworkingDir = /nope\n"
                     f"backoff.initialSeconds = 0\n{TTY}[main two]\ncommand = {polite('two')}\n")
    assert_no_leak(pod, "StartError")
    pod.stop()
