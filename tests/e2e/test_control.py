"""The control socket and podctl: what they say, and that no client holds podinit up."""

import json
import os
import re
import socket
import subprocess

import pytest

from pods import PLAIN, PODCTL, SANDBOX, UNSHARE, never, polite, until

WAYS = [SANDBOX, UNSHARE, PLAIN]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def connect(pod):
    until(lambda: os.path.exists(pod.socket), "there is a socket")
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(15)
    client.connect(pod.socket)
    return client


def ask(pod, line):
    with connect(pod) as client:
        client.sendall(line)
        answer = b""
        try:
            while chunk := client.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass  # the end, where podinit did not read the whole line
    return json.loads(answer)


def check_state(state):
    kind, = state
    fields = state[kind]
    if kind == "running":
        assert RFC3339.fullmatch(fields["startedAt"])
    elif kind == "terminated":
        assert isinstance(fields["exitCode"], int) and fields["reason"]
        assert RFC3339.fullmatch(fields["finishedAt"])
        assert "startedAt" not in fields or RFC3339.fullmatch(fields["startedAt"])
    else:
        assert kind == "waiting" and fields["reason"]


def check_pod_status(status):
    """What every PodStatus is."""
    assert status["phase"] in ("Pending", "Running", "Succeeded", "Failed")
    assert RFC3339.fullmatch(status["startTime"])
    kinds = [condition["type"] for condition in status["conditions"]]
    assert sorted(kinds) == ["ContainersReady", "Initialized", "PodReadyToStartContainers", "Ready"]
    for condition in status["conditions"]:
        assert condition["status"] in ("True", "False")
        assert RFC3339.fullmatch(condition["lastTransitionTime"])
        assert condition["status"] == "True" or condition["reason"]
    for one in status["initContainerStatuses"] + status["containerStatuses"]:
        check_state(one["state"])
        if one["lastState"]:
            check_state(one["lastState"])
            assert "terminated" in one["lastState"]
        assert isinstance(one["ready"], bool) and isinstance(one["started"], bool)
        assert isinstance(one["restartCount"], int)
        assert one["name"] and "image" in one and "imageID" in one


@pytest.mark.parametrize("how", WAYS)
def test_the_status_is_a_pod_status(pods, how):
    ini = "[pod]\nname = full\nrestartPolicy = Always\n[init done]\ncommand = true\n" \
        "[sidecar side]\ncommand = sleep 1000\n[main runs]\ncommand = sleep 1000\n" \
        "[main loops]\ncommand = sh -c 'exit 3'\n" \
        "[main completed]\nrestartPolicy = Never\ncommand = true\n" \
        "[main killed]\nrestartPolicy = Never\ncommand = sh -c 'kill -9 $$$$'\n"
    pod = pods.start(ini, how=how, control=True)
    pod.event(reason="BackOff", process="loops")
    pod.event(reason="Error", process="killed")
    status = pod.status()
    check_pod_status(status)
    assert status["phase"] == "Running"
    conditions = {one["type"]: one["status"] for one in status["conditions"]}
    assert conditions == {"PodReadyToStartContainers": "True", "Initialized": "True",
                          "Ready": "False", "ContainersReady": "False"}
    assert status["podinit"]["name"] == "full"
    done, side = status["initContainerStatuses"]
    runs, loops, completed, killed = status["containerStatuses"]
    assert (done["name"], done["ready"], done["started"]) == ("done", True, False)
    assert done["state"]["terminated"]["reason"] == "Completed"
    assert (side["name"], side["ready"], side["started"]) == ("side", True, True)
    assert list(runs["state"]) == ["running"] and runs["lastState"] == {}
    assert runs["containerID"] == f"podinit://{pod.running('runs')}"
    assert loops["restartCount"] == 1
    assert loops["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert loops["lastState"]["terminated"]["exitCode"] == 3
    assert completed["state"]["terminated"]["exitCode"] == 0
    assert killed["state"]["terminated"]["exitCode"] == 137
    assert killed["state"]["terminated"]["signal"] == 9


def test_a_pod_that_is_not_initialized_says_what_is_missing(pods):
    pod = pods.start(never("m: true") + "[init i]\ncommand = sleep 1000\n[init k]\ncommand = true\n",
                     control=True)
    pod.running("i")
    status = pod.status()
    check_pod_status(status)
    assert status["phase"] == "Pending"
    initialized = next(one for one in status["conditions"] if one["type"] == "Initialized")
    assert initialized["status"] == "False"
    assert initialized["message"] == "containers with incomplete status: [i k]"
    assert status["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}


def test_the_status_is_a_table_for_people(pods):
    pod = pods.start(never("one: sleep 1000", "two: sh -c 'exit 3'") +
                     "[sidecar s]\ncommand = sleep 1000\n", control=True)
    pod.event(reason="Error", process="two")
    answer = pod.podctl("status")
    assert answer.returncode == 0 and not answer.stderr
    head, columns, *rows = answer.stdout.splitlines()
    assert head.startswith("Pod test: Running, ")
    assert columns.split() == ["NAME", "KIND", "STATE", "READY", "RESTARTS", "SINCE", "PID", "SAYS"]
    table = {row.split()[0]: row.split() for row in rows}
    assert set(table) == {"s", "one", "two"}
    assert table["one"][2:5] == ["Running", "yes", "0"]
    assert table["one"][-1] == str(pod.running("one"))
    assert [table[name][1] for name in ("s", "one")] == ["sidecar", "main"]
    assert table["two"][2:6] == ["Error", "(3)", "no", "0"]


def test_shutdown_ends_the_pod_with_its_own_grace_or_the_one_given(pods):
    for words in ([], ["4"], ["1500ms"]):
        pod = pods.start(never(f"one: {polite('one')}"), control=True)
        pod.says("one is ready")
        answer = pod.podctl("shutdown", *words)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert pod.wait() == 0
        stopping = pod.events(reason="Stopping")[0]["message"]
        assert stopping.endswith({"": "5 s", "4": "4 s", "1500ms": "1.5 s"}["".join(words)])


@pytest.mark.parametrize("words, code", [
    (["shutdown", "soon"], 1), (["shutdown", "-3"], 2), (["shutdown", "1", "2"], 2),
    (["status", "x"], 2), (["nonsense"], 2), ([], 2), (["status", "-o", "yaml"], 2)])
def test_wrong_requests_are_refused_and_change_nothing(pods, words, code):
    pod = pods.start(never("one: sleep 1000"), control=True)
    pod.running("one")
    answer = pod.podctl(*words)
    assert answer.returncode == code and answer.stderr
    assert pod.status()["phase"] == "Running"


@pytest.mark.parametrize("line", [b"nonsense\n", b"\n", b"status now\n", b"shutdown soon\n",
                                  b"\xff\xfe\n", b"status\0shutdown\n", b"x" * 300 + b"\n"])
def test_wrong_lines_are_answered_with_an_error(pods, line):
    pod = pods.start(never("one: sleep 1000"), control=True)
    pod.running("one")
    if line == b"status\0shutdown\n":
        ask(pod, line)
    else:
        assert ask(pod, line)["error"]
    assert pod.status()["phase"] == "Running"


def test_podctl_says_that_nobody_answers(tmp_path):
    answer = subprocess.run([PODCTL, "-s", tmp_path / "nope", "status"], capture_output=True, text=True)
    assert answer.returncode == 3
    assert "No such file or directory" in answer.stderr


def test_another_user_is_refused_by_the_mode_of_the_socket(open_pods):
    pod = open_pods.start(never("one: sleep 1000"), control=True)
    pod.running("one")
    answer = pod.podctl("shutdown", prefix=NOBODY)
    assert answer.returncode == 3 and "Permission denied" in answer.stderr
    assert os.stat(pod.socket).st_mode & 0o777 == 0o600
    assert pod.status()["phase"] == "Running"


@pytest.mark.parametrize("attempt", range(5))
def test_another_user_who_gets_that_far_is_refused_by_his_uid_and_told_so(open_pods, attempt):
    pod = open_pods.start(never("one: sleep 1000"), control=True)
    pod.running("one")
    until(lambda: os.path.exists(pod.socket), "there is a socket")
    os.chmod(pod.socket, 0o777)
    answer = pod.podctl("shutdown", prefix=NOBODY)
    assert answer.returncode == 1
    assert answer.stderr == "podctl: only podinit's own user and root may ask\n"
    assert pod.status()["phase"] == "Running"


def test_the_own_user_and_root_may_ask_a_podinit_of_another_user(open_pods):
    pod = open_pods.start(never("one: sleep 1000"), how=PLAIN, control=True, prefix=NOBODY)
    pod.running("one")
    assert pod.podctl("status", prefix=NOBODY).returncode == 0
    assert pod.podctl("status").returncode == 0


def test_the_socket_is_gone_with_the_pod_and_a_stale_one_is_replaced(pods):
    pod = pods.start(never("one: sleep 1000"), control=True, how=PLAIN)
    pod.running("one")
    assert pod.status()["phase"] == "Running"
    pod.stop()
    assert not os.path.exists(pod.socket)
    # What a podinit that was killed leaves behind:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(pod.socket)
    again = pods.with_arguments("--socket", pod.socket, "--", "sleep", "1000", how=PLAIN)
    until(lambda: subprocess.run([PODCTL, "-s", pod.socket, "status"], capture_output=True)
          .returncode == 0, "the new one answers")
    again.stop()
    assert not os.path.exists(pod.socket)


def test_a_socket_that_is_in_use_is_left_alone(pods):
    first = pods.start(never("one: sleep 1000"), control=True)
    first.running("one")
    first.status()
    second = pods.with_arguments("--socket", first.socket, "--", "sleep", "1000")
    second.says("podctl cannot ask")
    assert second.stop() == 143
    assert first.status()["podinit"]["name"] == "test"


def test_a_file_in_the_place_of_the_socket_is_left_alone(pods):
    path = pods.directory / "file"
    path.write_text("precious\n")
    pod = pods.with_arguments("--socket", path, "--", "sleep", "1000")
    pod.says("podctl cannot ask")
    pod.stop()
    assert path.read_text() == "precious\n"


def test_a_relative_socket_is_relative_to_where_podinit_was_started(pods):
    directory = pods.make_directory()
    name = f"e2e-{os.getpid()}.sock"
    pod = pods.with_arguments("--socket", name, "--", "sleep", "1000", cwd=directory)
    pod.event(reason="Started")
    here, elsewhere = (directory / name).exists(), os.path.exists(f"/{name}")
    pod.stop()
    assert here and not elsewhere
    assert not (directory / name).exists()


def test_an_abstract_socket_can_be_named(pods):
    name = f"@e2e-{os.getpid()}"
    pods.with_arguments("--socket", name, "--net", "host", "--", "sleep", "1000")
    until(lambda: subprocess.run([PODCTL, "-s", name, "status"], capture_output=True)
          .returncode == 0, "it answers")


def test_where_nothing_is_writable_podctl_finds_the_abstract_name(pods):
    # /run is read-only there, and podctl, in the same namespaces, is told nothing.
    read_only = ["sh", "-c", 'mount -t tmpfs -o ro none /run && exec "$0" "$@"']
    pod = pods.with_arguments("--", "sleep", "1000", how=UNSHARE, prefix=read_only)
    pod.event(reason="Started")
    answer = subprocess.run(["nsenter", "-t", str(pod.inner), "-p", "-m", "-n", PODCTL, "status"],
                            capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("Pod sleep: Running")


def test_where_run_is_writable_podctl_finds_the_usual_socket(pods):
    empty = ["sh", "-c", 'mount -t tmpfs none /run && exec "$0" "$@"']
    pod = pods.with_arguments("--", "sleep", "1000", how=UNSHARE, prefix=empty)
    pod.event(reason="Started")
    inside = ["nsenter", "-t", str(pod.inner), "-p", "-m", "-n"]
    assert subprocess.run([*inside, "test", "-S", "/run/podinit.sock"]).returncode == 0
    answer = subprocess.run([*inside, PODCTL, "status"], capture_output=True, text=True)
    assert answer.stdout.startswith("Pod sleep: Running"), answer.stderr


def test_a_podctl_in_the_pod_is_told_that_it_ends_and_still_says_so(pods):
    """What it asks for is told to everything in the PID namespace, itself included: here before it
    has read the answer."""
    pod = pods.program(*polite("one").split(), how=UNSHARE, control=True)
    pod.says("one is ready")
    slow = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=recvfrom", "-e",
            "inject=recvfrom:delay_enter=500000"]
    asked = subprocess.run([*slow, "nsenter", "-t", str(pod.inner), "-p", PODCTL, "-s", pod.socket,
                            "shutdown"], capture_output=True, text=True)
    assert (asked.returncode, asked.stderr) == (0, "")
    assert pod.wait() == 0
    assert "(podctl)" in pod.event(reason="Leftover")["message"]
