"""A process that cannot be started: what failed is said in the log, the event and the status, in
the same words, for a plain process and for one with a file system view of its own."""

import os
import re
import signal

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, children, never, read, state_of, until

VOLUME = "[volume v]\nemptyDir =\n"
VIEW = "volumeMounts = v:/mnt\n"


def start_error(pods, lines, message, more="", how=SANDBOX, exit_code=None):
    """Starts main web with these lines; checks the message in all three places."""
    # "stay" keeps the pod, so that it can be asked.
    ini = never("web: true", "stay: sleep 1000").replace("command = true\n", lines) + more
    pod = pods.start(ini, how=how, control=True)
    event = pod.event(reason="StartError")
    assert event["message"] == f"web: {message}"
    assert event["type"] == "Warning"
    assert (event["process"], event["kind"], event["exitCode"]) == ("web", "main", 128)
    assert f"podinit: web: {message}\n" in pod.output()
    state = pod.container("web")
    assert state["state"]["terminated"]["message"] == message
    assert state["state"]["terminated"]["reason"] == "StartError"
    assert state["state"]["terminated"]["exitCode"] == 128
    assert not state["started"] and not state["ready"]
    assert pod.stop() == exit_code
    assert not pod.survivors()


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE, PLAIN])
@pytest.mark.parametrize("view", ["", VIEW], ids=["plain", "view"])
@pytest.mark.parametrize("lines, message, code", [
    ("command = true\nworkingDir = /nope\n",
     "cannot change to directory /nope: No such file or directory", 126),
    ("command = true\nworkingDir = /etc/passwd\n",
     "cannot change to directory /etc/passwd: Not a directory", 126),
    ("command = /nope/program\n", "cannot execute /nope/program: No such file or directory", 127),
    ("command = nonesuch\n", "cannot execute nonesuch: No such file or directory", 127),
    ("command = /etc/passwd\n", "cannot execute /etc/passwd: Permission denied", 126)],
    ids=["directory", "not-a-directory", "missing", "not-in-path", "not-executable"])
def test_what_failed_is_said_everywhere(pods, how, view, lines, message, code):
    start_error(pods, lines + view, message, VOLUME if view else "", how, exit_code=code)


@pytest.mark.parametrize("view", ["", VIEW], ids=["plain", "view"])
def test_a_missing_interpreter_is_said(pods, view):
    program = pods.directory / "script"
    program.write_text("#!/nope/interpreter\n")
    program.chmod(0o755)
    start_error(pods, f"command = {program}\n{view}",
                f"cannot execute {program}: No such file or directory", VOLUME if view else "",
                exit_code=127)


@pytest.mark.parametrize("view", ["", VIEW], ids=["plain", "view"])
def test_a_program_of_another_format_is_said(pods, view):
    program = pods.directory / "program"
    program.write_text("\x7fELF nonsense")
    program.chmod(0o755)
    start_error(pods, f"command = {program}\n{view}", f"cannot execute {program}: Exec format error",
                VOLUME if view else "", exit_code=126)


def test_an_unreadable_program_before_a_good_one_in_the_path_does_not_hide_it(pods):
    first = pods.directory / "first"
    first.mkdir()
    (first / "true").write_text("not executable")
    result = pods.run(never("web: true") + f"env = PATH={first}:/usr/bin:/bin\n")
    assert result.code == 0


def test_the_path_of_the_process_is_searched_not_podinits(pods):
    start_error(pods, "command = true\nenv = PATH=/nope\n",
                "cannot execute true: No such file or directory", exit_code=127)


def test_a_root_file_system_that_is_not_there_is_said(pods):
    start_error(pods, "command = true\nrootfs = /nope\n",
                "cannot use the root file system /nope: No such file or directory", exit_code=126)


def test_a_root_file_system_that_is_a_file_is_said(pods):
    start_error(pods, "command = true\nrootfs = /etc/passwd\n",
                "cannot use the root file system /etc/passwd: Not a directory", exit_code=126)


def test_a_program_that_is_not_in_its_root_file_system_is_said(pods):
    root = pods.directory / "root"
    root.mkdir()
    start_error(pods, f"command = /bin/true\nrootfs = {root}\n",
                "cannot execute /bin/true: No such file or directory", exit_code=127)


def test_a_volume_that_cannot_be_mounted_there_is_said(pods):
    start_error(pods, "command = true\nvolumeMounts = v:/etc/passwd\n",
                "cannot mount volume v at /etc/passwd: Not a directory", VOLUME, exit_code=126)


def test_a_file_that_cannot_be_mounted_on_a_directory_is_said(pods):
    start_error(pods, "command = true\nvolumeMounts = v:/etc\n",
                "cannot mount volume v at /etc: Not a directory",
                "[volume v]\nhostPath.path = /etc/passwd\n", exit_code=126)


def test_a_sub_path_that_is_a_link_out_of_the_volume_is_refused(pods):
    volume = pods.directory / "volume"
    volume.mkdir()
    (volume / "link").symlink_to("/etc")
    more = f"[volume v]\nhostPath.path = {volume}\n"
    start_error(pods, "command = true\nvolumeMounts = v:/mnt:subPath=link\n",
                "the subPath leads out of its volume: cannot mount volume v (subPath link) at /mnt",
                more, exit_code=126)


def test_a_sub_path_through_a_link_is_refused(pods):
    volume = pods.directory / "volume"
    volume.mkdir()
    (volume / "link").symlink_to("/")
    start_error(pods, "command = true\nvolumeMounts = v:/mnt:subPath=link/etc\n",
                "the subPath leads out of its volume: cannot mount volume v (subPath link/etc) at /mnt",
                f"[volume v]\nhostPath.path = {volume}\n", exit_code=126)


def test_one_that_cannot_start_does_not_keep_the_others_from_starting(pods):
    result = pods.run(never("a: /nope", "b: true", "c: /nope") + VIEW + VOLUME)
    assert result.code == 127
    reasons = {event["process"]: event["reason"] for event in result.events
               if "process" in event and event["reason"] != "Started"}
    assert reasons == {"a": "StartError", "b": "Completed", "c": "StartError"}


def test_an_entrypoint_says_it_too(pods):
    result = pods.run_program("/nope/program")
    assert re.search(r"\npodinit: ends with exit code 127 after \d+ ms: program: cannot execute "
                     r"/nope/program: No such file or directory\n", result.output)


def test_one_that_is_stopped_before_its_program_runs_holds_nobody_up(pods):
    """As another process of the pod could do to it: podinit answers, and ends in time."""
    stop = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=setsid",
            "-e", "inject=setsid:signal=SIGSTOP:when=1"]
    pod = pods.start(never("one: sleep 1000"), prefix=stop, how=PLAIN, control=True)
    podinit = until(lambda: [pid for pid in children(pod.pid) if read(f"/proc/{pid}/comm") == "podinit\n"],
                    "strace has started podinit")[0]
    child = until(lambda: children(podinit), "podinit has a child")[0]
    until(lambda: state_of(child) in "tT", "it is stopped")
    assert "waiting" in pod.status()["containerStatuses"][0]["state"]
    os.kill(podinit, signal.SIGTERM)
    assert pod.wait() == 143
