"""emptyDir.sizeLimit: the kernel's in memory, the kubelet's on disk; and who measures that."""

import os
import pathlib
import time

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, children, is_running, never, polite, read, until
from test_rootfs import NOBODY, hanging_at

PERIOD = 10  # seconds between two looks
GROW = "sh -c 'head -c 3000000 /dev/zero > /mnt/file; exec sleep 1000'"


def pod_with(limit, command, more=""):
    return never(f"one: {command}") + "volumeMounts = v:/mnt\n[volume v]\n" \
        f"emptyDir.sizeLimit = {limit}\n{more}"


def test_in_memory_the_kernel_keeps_the_limit(pods):
    result = pods.run(pod_with("1Mi", "sh -c 'head -c 3000000 /dev/zero > /mnt/file; "
                               "stat -c size:%s /mnt/file; grep \" /mnt \" /proc/self/mounts'",
                               "emptyDir.medium = Memory\n"))
    assert "size:1048576\n" in result.output
    assert "size=1024k" in result.output
    assert "No space left" in result.output


def test_a_volume_that_is_too_large_evicts_the_pod(pods, open_pods):
    ini = pod_with("1Mi", polite("one", 0, 500), f"[sidecar grow]\ncommand = {GROW}\n"
                   "volumeMounts = v:/mnt\n")
    started = [pods.start(ini, how=how, control=True) for how in (SANDBOX, UNSHARE, PLAIN)]
    rootless = open_pods.start(ini, prefix=NOBODY)
    for pod in started:
        evicted = pod.event(reason="Evicted", seconds=PERIOD + 20)
        message = 'Usage of EmptyDir volume "v" exceeds the limit "1Mi".'
        assert message in evicted["message"]
        status = pod.status()
        assert (status["reason"], status["message"]) == ("Evicted", message)
    for pod in [*started, rootless]:
        assert pod.wait() == 137  # its main ended with 0
        assert "pod: Failed\n" in pod.output()
        assert "reaped process" not in pod.output()
        assert not pod.survivors()


def test_links_and_what_lies_behind_them_do_not_count(pods):
    big = pods.directory / "big"
    big.write_bytes(bytes(4_000_000))
    command = f"sh -c 'head -c 700000 /dev/zero > /mnt/a; for i in 1 2 3 4 5; do ln /mnt/a /mnt/$i; " \
        f"done; ln -s {big} /mnt/big; ln -s {pods.directory} /mnt/all; " \
        "truncate -s 1G /mnt/sparse; exec sleep 1000'"
    # Who measures lives too short to be met by looking for it; but it makes itself the last in line.
    trace = pods.directory / "trace"
    pod = pods.start(pod_with("1Mi", command), how=PLAIN, control=True,
                     prefix=["strace", "-f", "-qq", "-o", trace, "-e", "trace=setpriority"])
    until(lambda: trace.exists() and trace.read_text().count("PRIO_PROCESS, 0, 19") >= 2, "measured twice",
          seconds=3 * PERIOD + 10)
    assert not pod.events(reason="Evicted")
    assert pod.status()["podinit"]["orphansReaped"] == 0
    assert pod.podctl("shutdown").returncode == 0
    assert pod.wait() == 143
    assert "reaped process" not in pod.output()


def those_that_measured(pod):
    """Looks for a while for podinit's own children; who was seen so far."""
    pod.seen = getattr(pod, "seen", set())
    for _ in range(200):
        for child in children(pod.pid):
            if read(f"/proc/{child}/comm").strip() == "podinit":
                pod.seen.add(child)
        time.sleep(0.002)
    return pod.seen


def test_measuring_that_hangs_holds_nobody_up(pods):
    pod = pods.start(pod_with("1Mi", "sh -c 'grep \" /mnt \" /proc/self/mountinfo; exec sleep 1000'"),
                     how=PLAIN, control=True)
    pod.says(" /mnt ")
    volume = next(line.split()[3] for line in pod.output().splitlines() if " /mnt " in line)
    with hanging_at(pathlib.Path(volume) / "hangs"):
        measures = until(lambda: those_that_measured(pod), "somebody measures", seconds=PERIOD + 20)
        time.sleep(0.5)
        assert all(is_running(pid) for pid in measures)
        for _ in range(5):
            began = time.monotonic()
            assert pod.status()["phase"] == "Running"
            assert time.monotonic() - began < 2
        began = time.monotonic()
        pod.podctl("shutdown")
        pod.says("ends with exit code 143")
        assert time.monotonic() - began < 2
        assert "left behind" not in pod.output()
    assert pod.wait() == 143  # nothing hangs any more: the volume can be removed


def test_a_pod_without_such_a_volume_never_wakes_up(pods):
    ini = never("one: sleep 1000") + "volumeMounts = v:/mnt\n[volume v]\nemptyDir =\n" \
        "[volume m]\nemptyDir.medium = Memory\nemptyDir.sizeLimit = 1Mi\n"
    pod = pods.start(ini, how=PLAIN, control=True, prefix=[
        "strace", "-qq", "-o", pods.directory / "trace", "-e", "trace=epoll_wait,epoll_pwait"])
    pod.running("one")
    time.sleep(0.5)
    before = (pods.directory / "trace").read_text().count("\n")
    time.sleep(PERIOD + 1)
    assert (pods.directory / "trace").read_text().count("\n") == before


def test_a_volume_is_its_groups(pods):
    ini = "[pod]\nrestartPolicy = Never\nsecurityContext.fsGroup = 2345\n" \
        "[main one]\ncommand = sh -c 'stat -c %a:%u:%g /mnt /srv; mkdir /mnt/d; stat -c %a:%g /mnt/d'\n" \
        "volumeMounts = v:/mnt\nvolumeMounts = m:/srv\nvolumeMounts = h:/opt\n[volume v]\nemptyDir =\n" \
        f"[volume m]\nemptyDir.medium = Memory\n[volume h]\nhostPath.path = {pods.directory}\n"
    before = os.stat(pods.directory)
    result = pods.run(ini)
    assert result.code == 0, result.output
    assert result.output.count("2777:0:2345\n") == 2
    assert "2755:2345\n" in result.output
    after = os.stat(pods.directory)
    assert (after.st_mode, after.st_gid) == (before.st_mode, before.st_gid)


@pytest.mark.parametrize("group, good", [("mail", True), ("no-such-group", False)])
def test_the_group_may_be_a_name(pods, group, good):
    ini = f"[pod]\nrestartPolicy = Never\nsecurityContext.fsGroup = {group}\n" \
        "[main one]\ncommand = stat -c group:%G /mnt\nvolumeMounts = v:/mnt\n[volume v]\nemptyDir =\n"
    result = pods.run(ini)
    if good:
        assert "group:mail\n" in result.output
    else:
        assert result.code == 125
        assert "volume v: fsGroup no-such-group: there is no such group" in result.output
