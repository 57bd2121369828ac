"""podinit --sandbox: its own namespaces, as root and as any user; signals in, the exit code out."""

import json
import os
import signal
import socket

import pytest

from pods import SANDBOX, children, never, polite, state_of, until

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


@pytest.fixture(params=["root", "nobody"])
def anyone(request, open_pods):
    """podinits in a sandbox, of root or of a user without any privilege."""
    def start(ini, **how):
        return open_pods.start(ini, how=SANDBOX, prefix=start.prefix, **how)
    start.is_root = request.param == "root"
    start.prefix = [] if start.is_root else NOBODY
    return start


def own(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


@pytest.mark.parametrize("options", [[], ["--net", "none"], ["--net", "host"], ["--net=host"]])
def test_the_pod_has_namespaces_of_its_own(anyone, options):
    pod = anyone(never("one: sleep 1000"), options=options)
    pod.running("one")
    for kind in ("pid", "mnt", "uts", "ipc"):
        assert own(pod.inner, kind) != own("self", kind)
    host_network = any("host" in option for option in options)
    assert (own(pod.inner, "net") == own("self", "net")) == host_network
    assert (own(pod.inner, "user") == own("self", "user")) == anyone.is_root
    for pid in pod.processes():
        assert own(pid, "pid") == own(pod.inner, "pid")


def test_podinit_is_process_1_and_the_pods_proc_is_its_own(anyone):
    pod = anyone(never("one: sh -c 'cat /proc/1/comm; echo /proc/[0-9]*'"))
    assert pod.wait() == 0
    assert pod.output().count("\npodinit\n") == 1
    processes = next(line for line in pod.output().splitlines() if line.startswith("/proc/1 "))
    assert len(processes.split()) == 2


def test_the_host_name_is_the_pods_name(anyone):
    pod = anyone(never("one: cat /proc/sys/kernel/hostname").replace("= test", "= my-pod"))
    assert pod.wait() == 0
    assert "\nmy-pod\n" in pod.output()
    assert socket.gethostname() != "my-pod"


def test_loopback_is_up_and_is_all_there_is(anyone):
    pod = anyone(never("one: sh -c 'tail -n +3 /proc/net/dev; cat /sys/class/net/lo/operstate; "
                       "cat /proc/net/fib_trie'"))
    pod.wait()
    assert "lo:" in pod.output() and "eth" not in pod.output()
    assert "127.0.0.1" in pod.output()  # an address of an interface that is up


def test_two_pods_may_listen_at_the_same_port(open_pods):
    command = "/usr/bin/python3 -c 'import socket, time; s = socket.socket(); " \
        "s.bind((\"127.0.0.1\", 45678)); s.listen(); " \
        "socket.create_connection((\"127.0.0.1\", 45678)); print(\"connected\", flush=True); " \
        "time.sleep(1000)'"
    for prefix in ([], NOBODY):
        open_pods.start(never(f"one: {command}"), prefix=prefix).says("connected")


def test_signals_go_in_and_the_exit_code_comes_out(anyone):
    pod = anyone(never("one: sleep 1000"))
    pod.running("one")
    pod.signal(signal.SIGUSR1)
    event = pod.event(reason="Signal")
    assert (event["signal"], event["pid"], event["uid"]) == (10, os.getpid(), 0)
    assert pod.wait() == 128 + 10
    assert not pod.survivors()


def test_sigterm_ends_the_pod_in_order(anyone):
    pod = anyone(never(f"one: {polite('one', 9)}"))
    pod.says("one is ready")
    assert pod.stop() == 9
    assert not pod.survivors()


def test_the_pod_ends_in_order_when_its_outer_process_is_killed(anyone):
    pod = anyone(never(f"one: {polite('one', 9)}") + f"[sidecar s]\ncommand = {polite('s')}\n")
    pod.says("one is ready")
    pod.says("s is ready")
    inner = pod.inner
    os.kill(pod.pid, signal.SIGKILL)
    pod.process.wait()
    until(lambda: state_of(inner) in ("", "Z"), "the pod has ended")
    assert [event["process"] for event in pod.events() if "exitCode" in event] == ["one", "s"]
    until(lambda: not pod.survivors(), "nothing is left")


def test_a_killed_inner_process_is_137(anyone):
    pod = anyone(never("one: sleep 1000"))
    pod.running("one")
    os.kill(pod.inner, signal.SIGKILL)
    assert pod.wait() == 137
    assert not pod.survivors()


def test_a_signal_that_comes_when_the_pod_has_just_ended_does_not_hang_it(pods):
    pod = pods.start(never("one: sleep 1000"))
    pod.running("one")
    inner = pod.inner
    os.kill(pod.pid, signal.SIGSTOP)
    until(lambda: state_of(pod.pid) == "T", "the outer process has stopped")
    os.kill(inner, signal.SIGKILL)
    until(lambda: state_of(inner) == "Z", "the inner process has ended")
    os.kill(pod.pid, signal.SIGTERM)
    os.kill(pod.pid, signal.SIGCONT)
    assert pod.wait(5) == 137


def test_a_stopped_pod_does_not_stop_its_outer_process(pods):
    pod = pods.start(never("one: sleep 1000"))
    pod.running("one")
    os.kill(pod.inner, signal.SIGSTOP)
    until(lambda: state_of(pod.inner) == "T", "podinit has stopped")
    for _ in range(5000):  # more than the pipe between the two holds
        pod.signal(40)
    pod.signal(signal.SIGTERM)
    os.kill(pod.inner, signal.SIGCONT)
    # Some of those thousands may be lost, but neither SIGTERM nor the pod.
    assert pod.wait() in (143, 128 + 40)


def test_the_sandbox_of_an_entrypoint(open_pods):
    for prefix in ([], NOBODY):
        result = open_pods.run_program("sh", "-c", "echo I am $$; id -u; exit 3", prefix=prefix)
        assert result.code == 3
        assert result.output.startswith("\nI am 2\n0\n")


def test_another_user_cannot_be_more_than_himself_on_the_machine(open_pods):
    (open_pods.directory / "secret").write_text("x")
    (open_pods.directory / "secret").chmod(0o600)
    result = open_pods.run_program("sh", "-c", f"cat {open_pods.directory}/secret 2>&1; "
                                   "mount -t tmpfs none /mnt && touch /mnt/x && echo own; "
                                   f"touch {open_pods.directory}/mine", prefix=NOBODY)
    assert result.code == 0
    assert "Permission denied" in result.output and "\nown\n" in result.output
    assert (open_pods.directory / "mine").stat().st_uid == 65534
    assert not os.path.exists("/mnt/x")


def test_podctl_asks_a_sandboxed_pod_from_outside(anyone):
    pod = anyone(never("one: sleep 1000"), control=True)
    pod.running("one")
    answer = pod.podctl("status", "-o", "json", prefix=anyone.prefix)
    assert answer.returncode == 0, answer.stderr
    status = json.loads(answer.stdout)
    assert (status["phase"], status["podinit"]["pid"]) == ("Running", 1)
    assert pod.podctl("shutdown", prefix=anyone.prefix).returncode == 0
    assert pod.wait() == 143


def test_what_the_sandbox_cannot_do_is_125(open_pods):
    # Without user namespaces an unprivileged user has none at all.
    pod = open_pods.start(never(f"one: touch {open_pods.directory}/touched"), prefix=[
        "strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=clone:error=EPERM", *NOBODY])
    assert pod.wait() == 125
    assert "sandbox: cannot make namespaces: Operation not permitted" in pod.output()
    assert not (open_pods.directory / "touched").exists()


def test_nothing_of_the_sandbox_is_seen_on_the_machine(pods):
    mounts = open("/proc/self/mountinfo").read()
    pod = pods.start(never("one: sleep 1000") + "volumeMounts = v:/mnt\n"
                     "[volume v]\nemptyDir.medium = Memory\n")
    pod.running("one")
    assert open("/proc/self/mountinfo").read() == mounts
    assert children(pod.pid) == [pod.inner]
    pod.stop()
