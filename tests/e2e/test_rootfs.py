"""A root file system per process: what it sees of the machine, and what is left of that."""

import contextlib
import ctypes
import os
import shutil
import subprocess
import time

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, never, until

WAYS = [SANDBOX, UNSHARE, PLAIN]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
PROGRAMS = ["sh", "ls", "cat", "touch", "stat", "sleep", "readlink", "head", "grep", "mkdir", "ps"]


def make_root(path, with_mount_points=True):
    """A small root file system with a few programs of the machine."""
    (path / "bin").mkdir(parents=True)
    for directory in ("proc", "dev", "sys", "tmp", "mnt") if with_mount_points else ():
        (path / directory).mkdir()
    for name in PROGRAMS:
        program = shutil.which(name)
        shutil.copy(program, path / "bin" / name)
        for line in subprocess.run(["ldd", program], capture_output=True,
                                   text=True).stdout.splitlines():
            for word in line.split():
                if word.startswith("/") and not (path / word[1:]).exists():
                    (path / word[1:]).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(word, path / word[1:])
    return path


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_root(tmp_path_factory.mktemp("template") / "root")


@pytest.fixture
def root(template, tmp_path):
    return shutil.copytree(template, tmp_path / "root")


def pod_in(root, command, more=""):
    return never(f"one: {command}") + f"rootfs = {root}\n{more}"


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.mark.parametrize("how", WAYS)
def test_a_process_sees_its_root_with_proc_dev_and_sys_of_its_own(pods, root, how):
    before = files(root)
    result = pods.run(pod_in(root, "sh -c 'ls /; echo dev: $$(echo /dev/*); ls /sys; "
                             "cat /proc/self/comm; readlink /proc/self/root; touch /made'"), how=how)
    assert result.code == 0, result.output
    lines = result.output.splitlines()
    assert {"bin", "dev", "proc", "sys", "tmp"} <= set(lines)
    assert "home" not in lines and "work" not in lines
    devices = next(line for line in lines if line.startswith("dev: ")).split()[1:]
    assert set(devices) == {f"/dev/{name}" for name in (
        "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
        "termination-log", "tty", "urandom", "zero")}
    assert {"class", "devices", "kernel"} <= set(lines)
    assert "cat" in lines and "/" in lines
    assert files(root) == sorted(before + ["made"])


@pytest.mark.parametrize("how", WAYS)
def test_the_devices_of_a_root_work(pods, root, how):
    script = "echo x > /dev/null && head -c 8 /dev/zero | cat > /tmp/zero && head -c 8 /dev/urandom " \
        "> /tmp/random && echo out >> /dev/stdout && echo err >> /dev/stderr && test -w /dev/shm && " \
        "test -c /dev/tty && test -r /dev/fd/1 && ls /dev/pts && " \
        "! echo x 2>/dev/null > /dev/full"
    result = pods.run(pod_in(root, f"sh -c '{script}'"), how=how)
    assert result.code == 0, result.output
    assert "\nout\n" in result.output and "\nerr\n" in result.output
    assert (root / "tmp/zero").read_bytes() == bytes(8)


def test_sys_cannot_be_written_and_the_mounts_are_the_processes_own(pods, root):
    result = pods.run(pod_in(root, "sh -c 'cat /proc/self/mountinfo; mkdir /sys/x 2>&1'"))
    assert "Read-only file system" in result.output
    targets = [line.split()[4] for line in result.output.splitlines() if line[:1].isdigit()]
    assert targets.count("/") == 1
    assert {target.split("/")[1] for target in targets} == {"", "proc", "sys", "dev", *(["etc"] if "/etc/hosts" in targets else [])}
    assert str(root) not in open("/proc/self/mountinfo").read()


@pytest.mark.parametrize("how", WAYS)
def test_missing_mount_points_of_a_root_are_made_and_removed_again(pods, tmp_path, how):
    root = make_root(tmp_path / "bare", with_mount_points=False)
    before = files(root)
    result = pods.run(pod_in(root, "sh -c 'ls /proc/self > /dev/null && ls /sys/class /mnt/deep/er'",
                             "volumeMounts = v:/mnt/deep/er\n[volume v]\nemptyDir =\n"), how=how)
    assert result.code == 0, result.output
    assert files(root) == before


def test_a_read_only_root_cannot_be_written_but_its_volumes_can(pods, root):
    more = "securityContext.readOnlyRootFilesystem = true\nvolumeMounts = v:/mnt/new\n" \
        "[volume v]\nemptyDir =\n"
    before = files(root)
    result = pods.run(pod_in(root, "sh -c 'touch /x /bin/x 2>&1; touch /mnt/new/x && echo wrote'",
                             more))
    assert result.output.count("Read-only file system") == 2
    assert "\nwrote\n" in result.output
    assert files(root) == before


@pytest.mark.parametrize("how", WAYS)
def test_podinits_own_root_can_be_read_only_too(pods, how):
    ini = never("one: sh -c 'touch /x 2>&1'", f"two: touch {pods.directory}/y")
    ini = ini.replace("[main two]",
                      "securityContext.readOnlyRootFilesystem = true\n[main two]")
    result = pods.run(ini, how=how)
    assert result.code == 1
    assert "touch: cannot touch '/x': Read-only file system" in result.output
    assert (pods.directory / "y").exists()
    assert not os.path.exists("/x")


@pytest.mark.parametrize("volume", ["emptyDir =", "emptyDir.medium = Memory"])
def test_a_volume_is_shared_between_two_roots_and_podinits_own(pods, template, tmp_path, volume):
    roots = [shutil.copytree(template, tmp_path / name) for name in ("first", "second")]
    ini = f"[pod]\nrestartPolicy = Never\n[volume v]\n{volume}\n" \
        f"[init a]\nrootfs = {roots[0]}\ncommand = sh -c 'echo a > /mnt/a'\nvolumeMounts = v:/mnt\n" \
        f"[init b]\nrootfs = {roots[1]}\ncommand = sh -c 'echo b > /tmp/b'\nvolumeMounts = v:/tmp\n" \
        "[main m]\ncommand = sh -c 'cat /mnt/a /mnt/b'\nvolumeMounts = v:/mnt\n"
    result = pods.run(ini)
    assert "\na\nb\n" in result.output
    assert not (roots[0] / "mnt/a").exists() and not (roots[1] / "tmp/b").exists()


@pytest.mark.parametrize("up", ["", "/..", "/../../.."])
@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
def test_a_link_in_a_root_leads_nowhere_outside_of_it(pods, root, tmp_path, up, how):
    # The same path in the root and outside of it; a link to it must mean the one in the root.
    outside = tmp_path / "outside"
    outside.mkdir()
    inside = root / str(outside)[1:]
    inside.mkdir(parents=True)
    (root / "mnt/link").symlink_to(f"{up}{outside}")
    result = pods.run(pod_in(root, f"sh -c 'touch {outside}/made/x && ls /mnt/link/made'",
                             "volumeMounts = v:/mnt/link/made\n[volume v]\nemptyDir =\n"), how=how)
    assert list(outside.iterdir()) == []
    assert result.code == 0, result.output
    assert "\nx\n" in result.output
    assert not (inside / "made/x").exists()


def test_a_working_directory_is_one_of_the_root(pods, root):
    (root / "work").mkdir()
    result = pods.run(pod_in(root, "readlink /proc/self/cwd", "workingDir = /work\n"))
    assert "\n/work\n" in result.output


def test_a_root_works_for_a_user_without_privileges(open_pods, template):
    root = shutil.copytree(template, open_pods.directory / "root")
    for path in [root, *root.rglob("*")]:
        os.chown(path, 65534, 65534)
    pod = open_pods.start(
        pod_in(root, "sh -c 'ls /proc/1/comm /dev/null /sys/class && echo x > /mnt/x && cat /mnt/x'",
               "volumeMounts = v:/mnt\n[volume v]\nemptyDir.medium = Memory\n"), prefix=NOBODY)
    assert pod.wait() == 0, pod.output()
    assert pod.output().count("\nx\n") == 1


@contextlib.contextmanager
def hanging_at(path):
    """A directory in which every look-up hangs: a FUSE file system whose daemon, this test, never
    answers."""
    path.mkdir(parents=True)
    fuse = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
    assert libc.mount(b"e2e", str(path).encode(), b"fuse", 0, options) == 0, \
        os.strerror(ctypes.get_errno())
    try:
        yield path
    finally:
        os.close(fuse)  # who waits for it gets an error now
        libc.umount2(str(path).encode(), 2)


@pytest.mark.parametrize("how", WAYS)
def test_a_link_in_the_place_of_a_mount_points_parent_removes_nothing_elsewhere(pods, root, tmp_path, how):
    """podinit removes the mount points that it made; who lives there could lead it out."""
    (root / "a").mkdir()
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "b/c").mkdir(parents=True)
    pod = pods.start(pod_in(root, "sleep 1000", f"volumeMounts = v:/a/b/c\n[volume v]\nhostPath.path = {tmp_path}\n"),
                     how=how)
    pod.running("one")
    (root / "a").rename(root / "moved")
    (root / "a").symlink_to(elsewhere)
    assert pod.stop() == 143
    assert (elsewhere / "b/c").is_dir()


@pytest.fixture
def hanging(tmp_path):
    with hanging_at(tmp_path / "volume" / "hanging") as path:
        yield path


def slow_pod(pods, hanging, how):
    """A process with a volume that hangs, and a plain one beside it."""
    ini = never("slow: sleep 1000") + "volumeMounts = v:/mnt:subPath=hanging/x\n" \
        f"[volume v]\nhostPath.path = {hanging.parent}\n[sidecar fast]\ncommand = sleep 1000\n"
    pod = pods.start(ini, how=how, control=True)
    pod.running("fast")
    until(lambda: len(pod.processes()) == 2, "the slow one is being started")
    return pod


@pytest.mark.parametrize("how", WAYS)
def test_a_mount_that_hangs_does_not_block_podinit(pods, hanging, how):
    pod = slow_pod(pods, hanging, how)
    for _ in range(10):
        began = time.monotonic()
        status = pod.status()
        assert time.monotonic() - began < 2
    slow = status["containerStatuses"][0]
    assert slow["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert status["phase"] == "Pending"
    assert not pod.events(process="slow")


@pytest.mark.parametrize("how", WAYS)
def test_a_pod_with_a_mount_that_hangs_ends_at_once(pods, hanging, how):
    pod = slow_pod(pods, hanging, how)
    began = time.monotonic()
    assert pod.stop() == 143
    assert time.monotonic() - began < 2
    assert not pod.events(reason="Started", process="slow")
    assert not pod.survivors()
