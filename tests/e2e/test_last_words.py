"""terminationMessagePolicy = FallbackToLogsOnError: the end of what a process said becomes its message, and
podinit, through which all of it goes, changes nothing of it and never waits for anybody."""

import os
import select
import signal
import time

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, fill, is_running, memory_kib, never, until
from test_messages import ended, script  # noqa: F401: a fixture
from test_reload import reload
from test_rootfs import NOBODY
from test_tty import slow_reader

WAYS = [SANDBOX, UNSHARE, PLAIN]
POLICY = "terminationMessagePolicy = FallbackToLogsOnError\n"
STAY = "[main stay]\ncommand = sleep 1000\n"
AT_ONCE = "backoff.initialSeconds = 0\nbackoff.maxSeconds = 0\n"


def pod_of(command, *more):
    return never(f"one: {command}") + "".join(more) + POLICY + STAY


def message_of(pod, name="one"):
    return ended(pod, name).get("message")


# --- which words ---


@pytest.mark.parametrize("how", WAYS)
def test_the_end_of_the_output_is_the_message_of_an_error(pods, script, how):
    pod = pods.start(pod_of(script("echo on its way; exit 3")), how=how, control=True)
    end = ended(pod)
    assert (end["exitCode"], end["message"]) == (3, "on its way\n")
    assert "\non its way\n" in pod.output()
    pod.stop()


def test_so_it_is_without_any_privilege(open_pods):
    pod = open_pods.start(pod_of("sh -c 'echo on its way; exit 3'"), prefix=NOBODY, control=True)
    pod.event(reason="Error", process="one")
    answer = pod.podctl("status", "-o", "json", prefix=NOBODY)
    assert '"message":"on its way\\n"' in answer.stdout.replace(": ", ":")
    pod.stop()


@pytest.mark.parametrize("said, code, more, message", [
    ("echo log", 0, "", None), ("true", 1, "", None),
    ("echo log; echo file > $1", 1, "", "file\n"), ("echo log; echo file > $1", 0, "", "file\n"),
    ("echo log", 4, "successExitCodes = 4\n", None), ("echo log", 4, "successExitCodes = 5\n", "log\n")])
def test_the_file_comes_first_and_success_says_nothing(pods, script, said, code, more, message):
    path = pods.directory / "message"
    pod = pods.start(pod_of(f"{script(f'{said}; exit {code}')} {path}", f"terminationMessagePath = {path}\n", more),
                     control=True)
    end = ended(pod)
    assert (end["exitCode"], end.get("message")) == (code, message)


def test_who_is_killed_has_said_something_too(pods):
    pod = pods.start(pod_of("sh -c 'echo working; kill -KILL $$$$'"), control=True)
    end = ended(pod)
    assert (end["signal"], end["message"]) == (9, "working\n")


@pytest.mark.parametrize("key", ["", "terminationMessagePolicy = File\n"])
def test_without_the_policy_nobody_reads_along(pods, script, key):
    program = script("readlink /proc/self/fd/1; exit 1")
    pod = pods.start(never(f"one: {program}") + key + STAY, control=True)
    assert message_of(pod) is None
    assert f"\n{pod.out}\n" in pod.output()


@pytest.mark.parametrize("kind", ["init", "sidecar"])
def test_inits_and_sidecars_have_last_words_too(pods, kind):
    pod = pods.start(f"[pod]\nrestartPolicy = Always\n[{kind} one]\ncommand = sh -c 'echo {kind} says; exit 1'\n"
                     f"{POLICY}{STAY}", control=True)
    pod.event(reason="BackOff", process="one")
    assert pod.container("one")["lastState"]["terminated"]["message"] == f"{kind} says\n"
    pod.stop()


def test_each_instance_has_its_own(pods, script):
    """Each waits until it may end. The second says nothing."""
    runs, end = pods.directory / "runs", pods.directory / "end"
    program = script(f"echo >> {runs}; n=$(wc -l < {runs}); test $n = 2 || echo run $n\n"
                     f"until test -e {end}-$n; do sleep 0.01; done; exit 1")
    pod = pods.start(f"[pod]\nrestartPolicy = Always\n[main one]\ncommand = {program}\n{AT_ONCE}{POLICY}", control=True)
    for number, message in enumerate(["run 1\n", None, "run 3\n"], 1):
        (pods.directory / f"end-{number}").touch()
        pod.event(reason="Started", process="one", count=number + 1)
        assert pod.container("one")["lastState"]["terminated"].get("message") == message
    pod.stop()


def test_an_instance_that_could_not_start_says_only_that(pods, script):
    pod = pods.start(pod_of(script("rm $0; echo first; exit 1")).replace(
        "Never", "Always").replace(POLICY, POLICY + "backoff.initialSeconds = 50ms\n"), control=True)
    pod.event(reason="StartError", process="one")
    last = pod.container("one")["lastState"]["terminated"]
    assert last["reason"] == "StartError" and "cannot execute" in last["message"]
    pod.stop()


@pytest.mark.parametrize("text, message", [
    ("seq 1 1000", "".join(f"{n}\n" for n in range(921, 1001))),
    ("head -c 1000000 /dev/zero | tr '\\0' x; printf END", "x" * 2045 + "END"),
    ("yes $(printf '\\342\\202\\254') | head -n 2000 | tr -d '\\n'", "€" * 682),
    ("printf 'a\\000b\\377\\001\\033'", "a\ufffdb\ufffd\x01\x1b")], ids=["lines", "long line", "cut", "binary"])
def test_80_lines_or_2048_bytes_of_any_kind(pods, script, text, message):
    pod = pods.start(pod_of(script(f"{text}; exit 1")), control=True)
    assert message_of(pod) == message


def test_a_terminal_is_listened_to_as_well(pods):
    pod = pods.start(pod_of("sh -c 'test -t 1 && echo terminal; exit 1'", "tty = true\n"), control=True)
    assert message_of(pod) == "terminal\r\n"


# --- and all of them arrive ---


def test_output_and_error_stay_apart(pods, script):
    pod = pods.start(pod_of(script("echo to output; echo to error >&2; exit 1")), control=True)
    assert sorted(message_of(pod).splitlines()) == ["to error", "to output"]
    assert pod.out.read_text() == "to output\n"
    assert "\nto error\n" in pod.log.read_text()


def test_their_order_stays_where_both_go_to_one_place(pods, script):
    expected = "".join(f"out {n}\nerr {n}\n" for n in range(1, 41))
    reading, writing = os.pipe()
    pod = pods.start(pod_of(script("for n in $(seq 1 40); do echo out $n; echo err $n >&2; done; exit 1")),
                     stdout=writing, stderr=writing, control=True)
    os.close(writing)
    assert message_of(pod) == expected
    pod.stop()
    lines = slow_reader(reading, 0).decode().splitlines(keepends=True)
    assert "".join(line for line in lines if line[:4] in ("out ", "err ")) == expected
    os.close(reading)


def test_its_user_may_open_them_by_name(pods):
    for more in ("", "securityContext.runAsUser = nobody\nsecurityContext.capabilities.drop = ALL\n"):
        result = pods.run(
            never("one: sh -c 'echo to output > /dev/stdout; echo to error > /dev/stderr'") + more + POLICY)
        assert result.code == 0, result.output
        assert "\nto output\n" in result.output and "\nto error\n" in result.output


def test_every_byte_arrives_as_it_was(pods, tmp_path):
    data = os.urandom(3_000_001)
    (tmp_path / "data").write_bytes(data)
    with open(tmp_path / "out", "wb") as out:
        assert pods.run(never(f"one: cat {tmp_path}/data") + POLICY, stdout=out).code == 0
    assert (tmp_path / "out").read_bytes() == data


def test_a_gigabyte_arrives_whole_and_podinit_stays_small(pods):
    reading, writing = os.pipe()
    pod = pods.start(never("one: head -c 1G /dev/zero") + POLICY, stdout=writing)
    os.close(writing)
    os.read(reading, 1)
    before, got = memory_kib(pod.inner), 1
    while piece := os.read(reading, 1 << 20):
        half = got < 1 << 29 <= got + len(piece)
        got += len(piece)
        if half:
            assert memory_kib(pod.inner) < before + 256
    assert got == 1 << 30
    assert pod.wait() == 0
    os.close(reading)


# --- whoever reads ---


def full_pipe():
    """Its two ends, and how much is in it."""
    reading, writing = os.pipe()
    return reading, writing, fill(writing)


def written_by(pid):
    for line in open(f"/proc/{pid}/io"):
        if line.startswith("wchar:"):
            return int(line.split()[1])
    return None


@pytest.mark.parametrize("socket", [False, True], ids=["pipe", "socket"])
def test_a_reader_that_never_reads_holds_up_the_process_and_nobody_else(pods, socket):
    import socket as sockets
    here, there = sockets.socketpair() if socket else map(os.fdopen, os.pipe(), "rw")
    pod = pods.start(never("one: cat /dev/zero") + POLICY + STAY, stdout=there, control=True)
    there.close()
    one = pod.outer("one")
    said = []
    # It waits to write: that is all it does.
    until(lambda: said.append(written_by(one)) or len(said) > 20 and len(set(said[-20:])) == 1, "it waits", every=0.02)
    assert said[-1] < 2_000_000
    assert pod.podctl("status").returncode == 0
    assert pod.container("one")["state"].get("running")
    began = time.monotonic()
    assert pod.stop() != 0
    assert time.monotonic() - began < 5
    here.close()


@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
@pytest.mark.parametrize("size", [100, 50000, 65536 + 3000])
def test_what_is_said_last_is_known_before_it_is_read(pods, how, size):
    """The reader is somewhere else; what waits for it is not lost, and not late for the status."""
    reading, writing, filled = full_pipe()
    pod = pods.start(pod_of(f"sh -c 'head -c {size} /dev/zero | tr \"\\\\0\" x; echo END; exit 1'"),
                     how=how, stdout=writing, control=True)
    os.close(writing)
    if size < 65536 + 4096:
        assert message_of(pod).endswith("xEND\n")
    data = b""
    while not data.endswith(b"END\n"):
        assert select.select([reading], [], [], 20)[0], f"{len(data)} bytes, then nothing"
        data += os.read(reading, 65536)
    assert data == b"f" * filled + b"x" * size + b"END\n"
    os.close(reading)
    pod.stop()


@pytest.mark.parametrize("more", ["", "tty = true\n"], ids=["pipe", "tty"])
def test_while_nobody_reads_instances_come_and_go_and_none_of_their_words_is_lost(pods, script, more):
    reading, writing, filled = full_pipe()
    runs = pods.directory / "runs"
    program = script(f"echo >> {runs}; echo run $(wc -l < {runs}); exit 1")
    pod = pods.start("[pod]\nrestartPolicy = Always\n[main one]\n" f"command = {program}\n{AT_ONCE}{more}{POLICY}",
                     stdout=writing)
    os.close(writing)
    pod.event(reason="Error", process="one", count=6)
    data, expected = b"", b"".join(b"run %d\n" % n for n in range(1, 7))
    while len(data) < filled + len(expected):
        assert select.select([reading], [], [], 20)[0]
        data += os.read(reading, 65536).replace(b"\r", b"")
    assert data[filled:].startswith(expected)
    pod.signal(signal.SIGTERM)
    os.close(reading)
    pod.wait()


def test_a_reader_that_is_gone_is_no_matter(pods):
    reading, writing = os.pipe()
    os.close(reading)
    pod = pods.start(pod_of("sh -c 'seq 1 100000; echo END; exit 1'"), stdout=writing, control=True)
    os.close(writing)
    assert message_of(pod).endswith("99999\n100000\nEND\n")
    pod.stop()


def test_the_last_words_of_a_pod_wait_a_moment_for_their_reader(pods):
    reading, writing, filled = full_pipe()
    pod = pods.start(never("one: sh -c 'echo last words'") + POLICY, stdout=writing)
    os.close(writing)
    pod.event(reason="Completed")
    assert slow_reader(reading, 0) == b"f" * filled + b"last words\n"
    assert pod.wait() == 0
    os.close(reading)


# --- what is left behind ---


def test_a_grandchild_that_keeps_the_pipe_delays_nothing(pods, script):
    pod = pods.start(pod_of(script("(setsid sleep 1000 &); echo gone; exit 2")), control=True)
    assert message_of(pod) == "gone\n"
    assert pod.stop() != 0


def test_one_that_floods_it_delays_nothing(pods, script):
    with open("/dev/null", "wb") as null:
        pod = pods.start(pod_of(script("yes flood & sleep 0.1; exit 2")), stdout=null, control=True)
    assert "flood\nflood\n" in message_of(pod)
    assert pod.stop() != 0


def test_what_is_left_has_its_last_words_too(pods, script):
    """At the end it is asked to end, and says so: into the pipe, which is still podinit's."""
    program = script("sh -c 'trap \"echo bye; exit 0\" TERM; echo ready > $0; while :; do sleep 0.05; done' $1 &\n"
                     "until test -s $1; do sleep 0.01; done; exit 1")
    result = pods.run(never(f"one: {program} {pods.directory}/ready") + POLICY)
    assert "\nbye\n" in result.output


def test_a_descriptor_that_one_made_not_to_wait_is_as_new_for_the_next(pods, script):
    flags = script("exec python3 -c 'import fcntl, os\n"
                   "print(\"waits\" if os.get_blocking(1) else \"does not wait\", flush=True)\n"
                   "os.set_blocking(1, False)\n"
                   "raise SystemExit(1)'")
    pod = pods.start(f"[pod]\nrestartPolicy = Always\n[main one]\ncommand = {flags}\n{AT_ONCE}{POLICY}")
    pod.event(reason="Error", process="one", count=3)
    pod.stop()
    assert "does not" not in pod.output() and pod.output().count("waits\n") >= 3


def test_restarts_leave_nothing(pods):
    pod = pods.start(f"[pod]\nrestartPolicy = Always\n[main one]\ncommand = sh -c 'echo again'\n{AT_ONCE}{POLICY}")
    pod.event(reason="Completed", count=5)
    before = len(os.listdir(f"/proc/{pod.inner}/fd"))
    pod.event(reason="Completed", count=55)
    assert abs(len(os.listdir(f"/proc/{pod.inner}/fd")) - before) <= 4
    pod.stop()


# --- another reading of the file ---


def test_the_policy_changes_with_a_restart(pods):
    head = "[pod]\nrestartPolicy = Always\n"
    one = "[main one]\ncommand = sh -c 'readlink /proc/self/fd/1; exec sleep 1000'\nbackoff.initialSeconds = 50ms\n"
    pod = pods.start(head + one + STAY, control=True)
    pod.says(f"{pod.out}\n")
    said = reload(pod, head + one + POLICY + STAY)
    assert said[0] == "main one: terminationMessagePolicy: File -> FallbackToLogsOnError (restart)"
    pod.says("pipe:[")
    pod.event(reason="Started", process="one", count=2)
    os.kill(pod.outer("one"), signal.SIGKILL)
    until(lambda: "pipe:[" in pod.container("one")["lastState"].get("terminated", {}).get("message", ""), "its words")
    # The words stay those of the process, whatever stands beside it.
    reload(pod, head + "[main zero]\ncommand = sleep 1000\n" + one + POLICY + STAY)
    assert "pipe:[" in pod.container("one")["lastState"]["terminated"]["message"]
    count = pod.output().count(f"{pod.out}\n")
    reload(pod, head + "[main zero]\ncommand = sleep 1000\n" + one + STAY)
    until(lambda: pod.output().count(f"{pod.out}\n") > count, "it writes there itself again")
    pod.stop()


def test_a_process_that_is_new_has_last_words(pods):
    pod = pods.start("[pod]\nrestartPolicy = Never\n" + STAY, control=True)
    pod.running("stay")
    reload(pod, "[pod]\nrestartPolicy = Never\n" + STAY + f"[main one]\ncommand = sh -c 'echo new; exit 1'\n{POLICY}")
    assert message_of(pod) == "new\n"
    pod.stop()


def test_what_a_process_said_before_it_changed_is_not_lost(pods):
    """Its reader is slow; and where it wrote is not where it writes now."""
    reading, writing, filled = full_pipe()
    head = "[pod]\nrestartPolicy = Always\n"
    pod = pods.start(head + f"[main one]\ncommand = sh -c 'echo before; exec sleep 1000'\n{POLICY}", stdout=writing,
                     control=True)
    os.close(writing)
    one = pod.outer("one")
    until(lambda: open(f"/proc/{one}/comm").read() == "sleep\n", "it has said it")
    reload(pod, head + "[main one]\ncommand = sh -c 'exec sleep 1001'\n")
    assert not is_running(one)
    data = b""
    while len(data) < filled + 7:
        assert select.select([reading], [], [], 20)[0], "it is lost"
        data += os.read(reading, 65536)
    assert data[filled:] == b"before\n"
    os.close(reading)
    pod.stop()
