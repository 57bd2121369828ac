"""podinit and pause under a real podman: as its init, entrypoint, and first container of pods."""

import json
import os
import signal

import pytest

from containers import GRACE, INFRA, command_line, namespace, needs_podman, stop_pod
from pods import PODINIT, children, descendants, is_running, kill, until
from terminal import Terminal

pytestmark = needs_podman


# --- podman run --init ---

INIT = ["--init", "--init-path", PODINIT]


@pytest.mark.parametrize("code", [0, 7, 255])
def test_as_podmans_init_it_ends_with_the_code_of_the_program(podman, code):
    done = podman.run("run", "--rm", "--network", "none", *INIT, "plain", "sh", "-c",
                      f"echo it ran; exit {code}")
    assert (done.returncode, done.stdout) == (code, "it ran\n")


def test_as_podmans_init_it_has_the_name_that_podman_gives_it(podman):
    first = podman.start("named", *INIT, "plain", "/helper", "polite", "named", 0, 0)
    assert os.path.samefile(f"/proc/{first}/exe", PODINIT)
    # /run/podman-init since podman 4, /dev/init before that.
    name, *words = command_line(first)
    assert name in ("/run/podman-init", "/dev/init")
    assert words == ["--", "/helper", "polite", "named", "0", "0"]


@pytest.mark.parametrize("init", [[], INIT], ids=["without", "podinit"])
def test_as_podmans_init_it_reaps_orphans(podman, init):
    # In the background: a shell that waits would reap orphans as process 1, the program does not.
    first = podman.start("maker", *init, "plain", "sh", "-c",
                         "(/helper orphans 100; echo all made) & exec /helper polite maker 0 0")
    podman.says("maker", "all made")
    if init:
        until(lambda: len(children(first)) == 1, "only the program is left of it")
    else:  # which shows that the test sees zombies: the orphans and the subshell
        until(lambda: len(children(first)) == 101, "without an init all of them stay")


def test_as_podmans_init_it_hands_the_stop_on(podman):
    podman.start("stopped", *INIT, "plain", "/helper", "polite", "stopped", 5, 0)
    podman.says("stopped", "stopped is ready")
    podman("stop", "-t", GRACE, "stopped")
    assert podman.code("stopped") == 5


# --- an image with podinit as its entrypoint ---


@pytest.mark.parametrize("command, code", [(["sh", "-c", "exit 0"], 0), (["sh", "-c", "exit 9"], 9),
                                           (["sh", "-c", "kill -KILL $$"], 137), (["/none"], 127),
                                           (["/bin"], 126)])
def test_as_entrypoint_it_ends_with_the_code_of_the_program(podman, command, code):
    done = podman.run("run", "--rm", "--network", "none", "entrypoint", *command)
    assert done.returncode == code


def test_as_entrypoint_it_lets_a_worker_finish(podman):
    # The main ends at once and takes no worker along. The subshell ignores SIGTERM, so that its
    # helper alone decides when the last line comes.
    podman.start("busy", "entrypoint", "sh", "-c",
                 '(trap "" TERM; /helper polite worker 0 500; echo the last line) &'
                 ' exec /helper polite main 3 0')
    podman.says("busy", "worker is ready")
    podman.says("busy", "main is ready")
    podman("stop", "-t", GRACE, "busy")
    assert podman.code("busy") == 3
    assert "the last line" in podman.output("busy")


def test_as_entrypoint_it_is_asked_with_podctl(podman):
    podman.start("asked", "entrypoint", "/helper", "polite", "asked", 0, 0)
    podman.says("asked", "asked is ready")
    status = json.loads(podman("exec", "asked", "/podctl", "status", "-o", "json"))
    assert status["phase"] == "Running"
    # podctl is of the container too, so it may be told to end before it has said that all is well.
    podman.run("exec", "asked", "/podctl", "shutdown")
    assert podman.code("asked") == 0


def test_a_container_is_a_pod_by_the_file_in_it(podman, tmp_path):
    (tmp_path / "pod.ini").write_text(
        "[pod]\nrestartPolicy = Never\n"
        "[init first]\ncommand = sh -c 'echo first > /order'\n"
        "[sidecar second]\n"
        "command = sh -c 'echo second >> /order; exec /helper polite second 0 0'\n"
        "[main third]\ncommand = sh -c 'echo third >> /order; busybox cat /order; exit 4'\n")
    done = podman.run("run", "--rm", "--network", "none", "-v", f"{tmp_path}:/etc/podinit:ro",
                      "entrypoint")
    assert done.returncode == 4
    # Whether the sidecar's line comes before the main's, nothing says.
    order = [line for line in done.stdout.splitlines() if line in ("first", "second", "third")]
    assert order[0] == "first" and "third" in order


def test_as_entrypoint_it_gives_the_program_the_terminal(podman):
    terminal = Terminal([podman.command, "run", "-it", "--network", "none", "--name", "shell",
                         "entrypoint", "sh"])
    try:
        terminal.type("echo sum=$((6*7)) tty=$(busybox tty)\n")
        terminal.shows("sum=42 tty=/dev/pts/0")
        terminal.type("busybox sleep 1000\n")
        first = podman.process("shell")
        until(lambda: ["busybox", "sleep", "1000"] in map(command_line, descendants(first)),
              "it sleeps")
        terminal.type("\x03")  # Ctrl-C, for what runs in front and not for the shell
        terminal.type("echo code=$?\n")
        terminal.shows("code=130")
        assert "job control" not in terminal.text()
        terminal.type("exit 9\n")
        assert terminal.wait() == 9
    finally:
        terminal.close()


# --- podman pod create ---


def make_pod(podman, infra):
    podman("pod", "create", "--name", "pod", "--network", "none", "--share", "net,ipc,uts,pid",
           "--infra-image", f"localhost/{infra}", "--infra-command", f"/{infra}")


@INFRA
def test_in_a_pod_it_reaps_the_orphans_of_all_containers(podman, infra):
    make_pod(podman, infra)
    makers = {name: podman.start(name, "--pod", "pod", "plain", "sh", "-c",
                                 f"/helper orphans 100; (/helper polite orphan-of-{name} 0 0 &)"
                                 f" ; exec /helper polite {name} 5 0") for name in ("one", "two")}
    first = podman.infra("pod")[1]
    for kind in ("pid", "net", "ipc", "uts"):
        assert {namespace(pid, kind) for pid in makers.values()} == {namespace(first, kind)}
        assert namespace(first, kind) != namespace("self", kind)
    for name in makers:
        podman.says(name, f"{name} is ready")
        podman.says(name, f"orphan-of-{name} is ready")
    # Those that ended were reaped; those that run have become the infra process's.
    until(lambda: len(children(first)) == 2, "200 orphans were reaped")
    for orphan in children(first):
        assert command_line(orphan)[2].startswith("orphan-of-") and is_running(orphan)
        kill(orphan, signal.SIGTERM)
    until(lambda: not children(first), "the others were reaped when they ended")


@INFRA
def test_in_a_pod_one_container_stops_and_then_the_pod(podman, infra):
    make_pod(podman, infra)
    for name in ("one", "two"):
        podman.start(name, "--pod", "pod", "plain", "/helper", "polite", name, 5, 0)
        podman.says(name, f"{name} is ready")
    podman("stop", "-t", GRACE, "one")
    assert podman.code("one") == 5
    assert is_running(podman.infra("pod")[1]) and is_running(podman.process("two"))
    stop_pod(podman, "pod")


def test_in_a_pod_podinit_lets_the_containers_finish(podman):
    # podman tells all of a pod to stop at once, the infra container too; if that ended first, the
    # kernel would kill the others with its PID namespace.
    make_pod(podman, "podinit")
    for number, name in enumerate(("one", "two"), 3):
        podman.start(name, "--pod", "pod", "plain", "/helper", "polite", name, number, 700)
        podman.says(name, f"{name} is ready")
    stop_pod(podman, "pod")
    assert (podman.code("one"), podman.code("two")) == (3, 4)
