"""The freestanding pause: what Kubernetes' pause does, in 1,024 bytes, as process 1 and not."""

import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from pods import (HELPER, NAMESPACES, PODINIT, ROOT, children, kill, memory_kib, read, state_of,
                  until)

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


def pss_kib(pid):
    for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return None


def test_it_is_smaller_than_the_others(tmp_path, capsys):
    """Beside Kubernetes' kind of pause, a static program of the C library, and catatonit -P."""
    kube = tmp_path / "kube-pause"
    subprocess.run(["cc", "-Os", "-static", "-s", "-Wall", "-Werror", "-o", kube,
                    pathlib.Path(__file__).with_name("kube_pause.c")], check=True)
    kinds = {"pause of podinit": [NATIVE], "pause of Kubernetes' kind": [kube],
             "catatonit -P": [shutil.which("catatonit"), "-P"], "podinit as pause": [PODINIT, "--no-control"]}
    sizes, table = {}, "\n"
    outers = {kind: subprocess.Popen([*NAMESPACES, *map(str, command)], stderr=subprocess.DEVNULL)
              for kind, command in kinds.items()}
    try:
        for kind, command in kinds.items():
            inner = until(lambda: children(outers[kind].pid), "it runs")[0]
            until(lambda: os.path.samefile(f"/proc/{inner}/exe", command[0]), "it is what it is to be")
            # Asleep, it has everything that it will ever have.
            until(lambda: state_of(inner) == "S", "it sleeps")
            sizes[kind] = (os.path.getsize(command[0]), memory_kib(inner), pss_kib(inner))
            table += "{}: {} bytes, VmRSS {} KiB, Pss {} KiB\n".format(kind, *sizes[kind])
    finally:
        for outer in outers.values():
            for child in children(outer.pid):
                kill(child)
            outer.wait()
    with capsys.disabled():
        print(table, end="")
    ours = sizes.pop("pause of podinit")
    assert ours[0] <= 1024
    for size in sizes.values():
        assert ours[0] < size[0] and ours[1] < size[1] and ours[2] < size[2]
