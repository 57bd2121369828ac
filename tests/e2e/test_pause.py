"""The freestanding pause: what Kubernetes' pause does, in 1,024 bytes, as process 1 and not."""

import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from pods import (HELPER, MEASURED, NAMESPACES, PODINIT, ROOT, children, kill, memory_kib, read,
                  state_of, until)

NATIVE = pathlib.Path(PODINIT).with_name("pause")


@pytest.fixture(scope="module", params=["native", "aarch64"])
def pause(request, tmp_path_factory):
    """Command lines of pause: this machine's, and that for aarch64 under an emulator."""
    if request.param == "native":
        return [NATIVE]
    build = tmp_path_factory.mktemp("aarch64")
    subprocess.run(["make", "-s", "-C", ROOT, f"BUILD={build}", "PAUSE_CC=aarch64-linux-gnu-gcc",
                    build / "pause"], check=True)
    return [shutil.which("qemu-aarch64-static"), build / "pause"]


def test_it_is_a_kibibyte_at_most(pause):
    assert os.path.getsize(pause[-1]) <= 1024


@pytest.mark.parametrize("option", ["-v", "-V"])
def test_it_says_its_version(pause, option):
    said = subprocess.run([*pause, "other", option], capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith("pause.c ")


@pytest.mark.parametrize("signo, name", [(signal.SIGTERM, "Terminated"), (signal.SIGINT, "Interrupt")])
def test_it_warns_where_it_is_not_the_first_process_and_ends_when_told(pause, signo, name):
    # Born with the signal blocked, it cannot miss it however early it comes.
    process = subprocess.Popen(pause, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signo]))
    warning = process.stderr.readline()
    process.send_signal(signo)
    assert warning == "Warning: pause should be the first process\n"
    assert process.stderr.read() == f"Shutting down, got signal: {name}\n"
    assert process.wait() == 0


def memory_of(command):
    """Resident and proportional memory of a process 1 at rest, in KiB."""
    outer = subprocess.Popen([*NAMESPACES, *command], stderr=subprocess.DEVNULL)
    try:
        inner = until(lambda: children(outer.pid), "it runs")[0]
        # Its own program, asleep: no longer unshare's image, and all that it touches is touched.
        until(lambda: read(f"/proc/{inner}/comm").strip() == pathlib.Path(command[0]).name
              and state_of(inner) == "S", "it is at rest")
        return memory_kib(inner), memory_kib(inner, "Pss", file="smaps_rollup")
    finally:
        for child in children(outer.pid):
            kill(child)
        outer.wait()


def test_it_is_smaller_than_kubernetes_own_and_catatonit(tmp_path):
    kubernetes = tmp_path / "pause-static"
    subprocess.run(["cc", "-Os", "-Wall", "-Werror", "-static", "-s", "-o", kubernetes,
                    pathlib.Path(__file__).with_name("kubernetes_pause.c")], check=True)
    sizes, resident = {}, {}
    for name, command in (("freestanding pause", [NATIVE]),
                          ("as Kubernetes has it, static", [kubernetes]),
                          ("catatonit -P", [shutil.which("catatonit"), "-P"]),
                          ("podinit as pause", [PODINIT, "--no-control"])):
        sizes[name] = os.path.getsize(command[0])
        resident[name], proportional = memory_of(command)
        MEASURED.append(f"pause: {name:30} {sizes[name]:9,} bytes, VmRSS {resident[name]:5} KiB, "
                        f"Pss {proportional:5} KiB")
    assert sizes["freestanding pause"] <= 1024
    others = {resident["as Kubernetes has it, static"], resident["catatonit -P"]}
    assert resident["freestanding pause"] < min(others)


def test_as_process_1_it_reaps_ten_thousand_orphans_and_ends_when_told(pause, tmp_path):
    done = tmp_path / "done"
    script = f'({HELPER} orphans 10000; echo > {done}) & exec "$@"'
    outer = subprocess.Popen([*NAMESPACES, "sh", "-c", script, "sh", *pause],
                             stderr=subprocess.PIPE, text=True)
    try:
        inner = until(lambda: children(outer.pid), "it runs")[0]
        until(done.exists, "every orphan was made", seconds=120)
        until(lambda: not children(inner), "every orphan was reaped")
        if pause[0] == NATIVE:
            assert memory_kib(inner) <= 16
        os.kill(inner, signal.SIGTERM)
        assert outer.wait(timeout=20) == 0
        assert outer.stderr.read() == "Shutting down, got signal: Terminated\n"
    finally:
        for child in children(outer.pid):
            kill(child)
        kill(outer.pid)
        outer.wait()
