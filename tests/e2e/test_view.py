"""What a process sees of volumes: propagation, subPath and its escapes, read-only trees; /proc, /sys
and /dev. The truth is the kernel's: mountinfo inside the process, inode numbers, what can be written."""

import ctypes
import os
import pathlib
import shutil
import subprocess
import threading
import time

import pytest

from pods import HELPER, PLAIN, RESTRICT, SANDBOX, UNSHARE, never, until
from test_rootfs import NOBODY, hanging_at, make_root

WAYS = [SANDBOX, UNSHARE, PLAIN]
LIBC = ctypes.CDLL(None, use_errno=True)
PRIVILEGED = "securityContext.privileged = true\n"
RENAME_EXCHANGE = 2


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_root(tmp_path_factory.mktemp("template") / "root")


@pytest.fixture
def tmpfs():
    """Mounts a tmpfs at a path, until the test ends."""
    mounted = []

    def mount(path):
        path.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "e2e", path], check=True)
        mounted.append(path)
        return path
    yield mount
    for path in reversed(mounted):
        subprocess.run(["umount", path], check=False, capture_output=True)


def inside(pid, *command):
    """Runs a command in the mount namespace of a process (and its user namespace)."""
    enter = ["nsenter", "-t", str(pid), "-m"]
    if os.readlink(f"/proc/{pid}/ns/user") != os.readlink("/proc/self/ns/user"):
        enter += ["-U", "--setuid=0", "--setgid=0"]
    return subprocess.run([*enter, *map(str, command)], capture_output=True, text=True)


def mount_of(pid, target):
    """The fields of the topmost mount at a path, as a process sees it."""
    lines = pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    found = [line.split() for line in lines if line.split()[4] == str(target)]
    return found[-1] if found else None


def ties(pid, target):
    """"shared", "master" or nothing."""
    fields = mount_of(pid, target)
    return {field.partition(":")[0] for field in fields[6:fields.index("-")]}


def outer_pid(pod, name):
    """The process's number out here: by its argument 0, which each test makes its own."""
    return until(lambda: next((pid for pid in pod.processes()
                               if name in pathlib.Path(f"/proc/{pid}/cmdline").read_text()), None),
                 f"{name} runs")


def propagating_pod(volume="emptyDir ="):
    kinds = {"none": "", "host": ":mountPropagation=HostToContainer",
             "both": ":mountPropagation=Bidirectional"}
    seconds = {"none": 1001, "host": 1002, "both": 1003}
    return "[pod]\nrestartPolicy = Never\nterminationGracePeriodSeconds = 1\n" + "".join(
        f"[main {name}]\ncommand = sleep {seconds[name]}\nvolumeMounts = v:/mnt{option}\n"
        + (PRIVILEGED if name == "both" else "") for name, option in kinds.items()) \
        + f"[volume v]\n{volume}\n", seconds


def check_propagation(pod, seconds, volume_path):
    none, host, both = (outer_pid(pod, f"sleep\0{seconds[name]}") for name in ("none", "host", "both"))
    until(lambda: all(mount_of(pid, "/mnt") for pid in (none, host, both)), "the mounts are made")
    assert (ties(none, "/mnt"), ties(host, "/mnt"), ties(both, "/mnt")) == (set(), {"master"}, {"shared"})
    # On podinit's side.
    made = inside(pod.inner, "mkdir", f"{volume_path}/in", f"{volume_path}/out")
    assert made.returncode == 0, made.stderr
    made = inside(pod.inner, "mount", "-t", "tmpfs", "from-podinit", f"{volume_path}/in")
    assert made.returncode == 0, made.stderr
    assert mount_of(host, "/mnt/in") and mount_of(both, "/mnt/in") and not mount_of(none, "/mnt/in")
    # In the process that may.
    made = inside(both, "mount", "-t", "tmpfs", "from-process", "/mnt/out")
    assert made.returncode == 0, made.stderr
    assert mount_of(pod.inner, f"{volume_path}/out")
    assert mount_of(host, "/mnt/out") and not mount_of(none, "/mnt/out")
    # Who only receives sends nothing.
    if inside(host, "mkdir", "/mnt/own").returncode == 0:
        inside(host, "mount", "-t", "tmpfs", "own", "/mnt/own")
        assert not mount_of(pod.inner, f"{volume_path}/own") and not mount_of(both, "/mnt/own")


def scratch_of(pod, pid):
    """Where the emptyDir v is for podinit: its own mount with the same source."""
    wanted = mount_of(pid, "/mnt")
    for line in pathlib.Path(f"/proc/{pod.inner}/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[2:4] == wanted[2:4] and fields[4].endswith("/v"):
            return fields[4]
    raise AssertionError("podinit has no mount for the volume")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("volume", ["emptyDir =", "emptyDir.medium = Memory", "hostPath.path = {}"])
def test_mounts_propagate_as_they_are_asked_to(pods, how, volume):
    (pods.directory / "v").mkdir()
    ini, seconds = propagating_pod(volume.format(pods.directory / "v"))
    pod = pods.start(ini, how=how)
    pid = outer_pid(pod, f"sleep\0{seconds['both']}")
    until(lambda: mount_of(pid, "/mnt"), "the volume is mounted")
    path = scratch_of(pod, pid)
    check_propagation(pod, seconds, path)
    assert pod.stop() == 143
    subprocess.run(["umount", "-R", pods.directory / "v/out"], capture_output=True)
    subprocess.run(["umount", "-R", pods.directory / "v/in"], capture_output=True)
    assert not pathlib.Path(path).is_mount()
    assert "hostPath" in volume or not os.path.exists(path)


def test_mounts_propagate_for_a_user_without_privileges(open_pods):
    ini, seconds = propagating_pod()
    pod = open_pods.start(ini, prefix=NOBODY)
    pid = outer_pid(pod, f"sleep\0{seconds['both']}")
    until(lambda: mount_of(pid, "/mnt"), "the volume is mounted")
    check_propagation(pod, seconds, scratch_of(pod, pid))


def test_without_propagation_nothing_is_tied(pods):
    pod = pods.start(never("one: sleep 1000") + "volumeMounts = v:/mnt\n[volume v]\nemptyDir =\n", how=PLAIN)
    pid = outer_pid(pod, "sleep\0")
    until(lambda: mount_of(pid, "/mnt"), "the volume is mounted")
    for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        assert "shared:" not in line and "master:" not in line


# --- subPath ---

# With openat2, without it, and where a filter refuses it.
RESOLVERS = {"kernel": [], "hand": ["no-openat2=ENOSYS"], "filtered": ["no-openat2=EPERM"]}


@pytest.fixture(params=RESOLVERS)
def resolver(request):
    return [RESTRICT, *RESOLVERS[request.param], "--"] if RESOLVERS[request.param] else []


def sub_path_pod(volume, sub_path, command="stat -c inode:%i:%a /mnt"):
    return never(f"one: {command}") + f"volumeMounts = v:/mnt:subPath={sub_path}\n[volume v]\n" \
        f"hostPath.path = {volume}\n"


@pytest.fixture
def volume(pods):
    """A volume with links of every kind, beside a directory that is not for its users."""
    path = pods.directory / "volume"
    (path / "real/deep").mkdir(parents=True)
    path.chmod(0o755)
    (path / "file").write_text("of the volume\n")
    outside = pods.directory / "outside"
    (outside / "deep").mkdir(parents=True)
    for name, target in {"inner": "real", "twice": "inner/deep", "round": "real/../real/deep",
                         "absolute": "/etc", "up": "..", "above": "../outside",
                         "sneaky": "real/../../outside", "own": path, "loop": "loop",
                         "nowhere": "real/missing", "magic": "/proc/self/root",
                         "to-file": "file"}.items():
        (path / name).symlink_to(target)
    (path / "real/back").symlink_to("../inner")
    return path


@pytest.mark.parametrize("sub_path, is_at", [
    ("real", "real"), ("inner", "real"), ("inner/deep", "real/deep"), ("twice", "real/deep"),
    ("round", "real/deep"), ("real/back/deep", "real/deep"), ("./real//deep/.", "real/deep"),
    ("to-file", "file")])
def test_a_link_that_stays_in_the_volume_is_followed(pods, volume, resolver, sub_path, is_at):
    result = pods.run(sub_path_pod(volume, sub_path), prefix=resolver, how=PLAIN)
    if sub_path == "to-file":  # /mnt of the machine is a directory
        assert result.code == 126 and "Not a directory" in result.output
        return
    assert result.code == 0, result.output
    assert f"inode:{(volume / is_at).stat().st_ino}:" in result.output


@pytest.mark.parametrize("sub_path", ["absolute", "up", "above", "above/deep", "sneaky", "sneaky/deep",
                                      "own", "own/real", "magic", "magic/etc", "loop", "loop/x",
                                      "nowhere", "nowhere/x", "up/made", "above/made", "file/x"])
def test_a_link_that_leaves_the_volume_is_refused(pods, volume, resolver, sub_path):
    touched = pods.directory / "touched"
    before = sorted(pods.directory.rglob("*"))
    result = pods.run(sub_path_pod(volume, sub_path, f"touch {touched}"), prefix=resolver, how=PLAIN)
    assert result.code == 126
    assert f"cannot mount volume v (subPath {sub_path}) at /mnt" in result.output
    assert [path for path in sorted(pods.directory.rglob("*")) if "pod0" not in str(path)] == before


def test_directories_that_are_missing_are_made_like_the_volume(pods, volume, resolver):
    volume.chmod(0o2770)
    os.chown(volume, 0, 2345)
    result = pods.run(sub_path_pod(volume, "inner/new/er"), prefix=resolver, how=PLAIN)
    assert result.code == 0, result.output
    for path in (volume / "real/new", volume / "real/new/er"):
        assert path.stat().st_mode & 0o777 == 0o770
    assert f"inode:{(volume / 'real/new/er').stat().st_ino}:" in result.output


def test_a_sub_path_that_names_a_file_mounts_the_file(pods, volume, resolver):
    target = pods.directory / "target"
    ini = never(f"one: cat {target}") + f"volumeMounts = v:{target}:subPath=to-file\n[volume v]\n" \
        f"hostPath.path = {volume}\n"
    result = pods.run(ini, prefix=resolver, how=PLAIN)
    assert result.code == 0 and "\nof the volume\n" in result.output


def exchange(first, second):
    return LIBC.renameat2(-100, bytes(first), -100, bytes(second), RENAME_EXCHANGE)


def test_nobody_wins_the_race_for_a_link(pods, volume, resolver):
    """While a process is started again and again, its subPath becomes a link out of the volume and a
    directory again, thousands of times."""
    outside, directory, link = pods.directory / "outside", volume / "spot", volume / "trap"
    directory.mkdir()
    link.symlink_to("../outside")
    log, stop = pods.directory / "seen", threading.Event()
    command = f"sh -c 'stat -c %i /mnt >> {log}; exit 1'"
    ini = "[pod]\nrestartPolicy = OnFailure\n" + "".join(
        f"[main m{n}]\ncommand = {command}\nvolumeMounts = v:/mnt:subPath=spot/deep/x{n}\n"
        "backoff.initialSeconds = 0\nbackoff.maxSeconds = 0\n" for n in range(2)) \
        + f"[volume v]\nhostPath.path = {volume}\n"
    swaps = 0

    def attack():
        nonlocal swaps
        while not stop.is_set():
            swaps += exchange(directory, link) == 0
    attacker = threading.Thread(target=attack)
    attacker.start()
    pod = pods.start(ini, prefix=resolver, how=PLAIN)
    try:
        until(lambda: len(pod.events(reason="StartError")) > 20 and log.exists()
              and log.read_text().count("\n") > 20, "both outcomes, again and again", seconds=60)
    finally:
        stop.set()
        attacker.join()
    pod.stop()
    assert swaps > 1000
    inodes = set(log.read_text().split())
    allowed = {str(path.stat().st_ino) for path in volume.rglob("x*")}
    assert inodes <= allowed
    assert sorted(path.name for path in outside.rglob("*")) == ["deep"]  # nothing was made there


# --- read-only ---

def read_only_pod(volume, option):
    script = "touch /mnt/top; touch /mnt/sub/below && echo below was written; true"
    return never(f"one: sh -c '{script}'") + f"volumeMounts = v:/mnt:ro{option}\n[volume v]\n" \
        f"hostPath.path = {volume}\n"


# What can be written below depends on what was said, and on what the kernel has.
@pytest.mark.parametrize("option, without, outcome", [
    ("", False, "written"), (":recursiveReadOnly=Disabled", False, "written"),
    (":recursiveReadOnly=IfPossible", False, "refused"), (":recursiveReadOnly=Enabled", False, "refused"),
    (":recursiveReadOnly=IfPossible", True, "written"), (":recursiveReadOnly=Enabled", True, "error")])
def test_read_only_is_recursive_where_that_is_said(pods, tmpfs, option, without, outcome):
    volume = pods.directory / "volume"
    volume.mkdir()
    tmpfs(volume / "sub")
    prefix = [RESTRICT, "no-mount_setattr=ENOSYS", "--"] if without else []
    result = pods.run(read_only_pod(volume, option), prefix=prefix)
    if outcome == "error":
        assert result.code == 126
        assert "cannot mount volume v at /mnt: Function not implemented" in result.output
        return
    assert result.code == 0
    assert "touch: cannot touch '/mnt/top': Read-only file system" in result.output
    assert ("below was written" in result.output) == (outcome == "written")
    assert (volume / "sub/below").exists() == (outcome == "written")


# --- /proc, /sys and /dev of a root of its own ---

HIDDEN = ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def sleeper(pods, root, how, more="", **options):
    pod = pods.start(never("one: sleep 1000") + f"rootfs = {root}\n{more}", how=how, **options)
    pod.running("one")
    return pod, outer_pid(pod, "sleep\0")


def is_hidden(pid, path):
    """A file is /dev/null, a directory is an empty one that cannot be written."""
    seen = pathlib.Path(f"/proc/{pid}/root{path}")
    fields = mount_of(pid, path)
    if not fields:
        return False
    return list(seen.iterdir()) == [] if seen.is_dir() else fields[3].endswith("/null") \
        or fields[fields.index("-") + 1] == "devtmpfs"


@pytest.mark.parametrize("how", WAYS)
def test_a_container_sees_only_parts_of_proc_and_sys(pods, template, how):
    pod, pid = sleeper(pods, shutil.copytree(template, pods.directory / "root"), how)
    for path in filter(os.path.exists, HIDDEN):
        assert is_hidden(pid, path), path
    for path in filter(os.path.exists, READ_ONLY):
        assert "ro" in mount_of(pid, path)[5].split(","), path


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("more", [PRIVILEGED, "securityContext.procMount = Unmasked\n"],
                         ids=["privileged", "unmasked"])
def test_who_may_sees_all_of_proc(pods, template, how, more):
    pod, pid = sleeper(pods, shutil.copytree(template, pods.directory / "root"), how, more)
    assert not any(mount_of(pid, path) for path in HIDDEN + READ_ONLY)
    assert mount_of(pid, "/proc")


def test_writing_to_proc_sys_fails_and_is_not_helped_by_another_way_there(pods, template):
    root = shutil.copytree(template, pods.directory / "root")
    script = "for f in /proc/sys/kernel/hostname /proc/self/root/proc/sys/kernel/hostname " \
        "/proc/1/root/proc/sys/kernel/hostname /proc/sysrq-trigger; do echo x 2>/dev/null > $$f && " \
        "echo wrote $$f; done; true"
    result = pods.run(never(f"one: sh -c '{script}'") + f"rootfs = {root}\n")
    assert result.code == 0
    assert "wrote /proc/s" not in result.output


@pytest.mark.parametrize("how", WAYS)
def test_a_privileged_process_has_every_device(pods, template, how):
    pod, pid = sleeper(pods, shutil.copytree(template, pods.directory / "root"), how, PRIVILEGED)
    theirs = set(os.listdir(f"/proc/{pid}/root/dev"))
    assert theirs == set(os.listdir(f"/proc/{pod.inner}/root/dev"))
    assert "rw" in mount_of(pid, "/sys")[5].split(",")


def test_masks_work_for_a_user_without_privileges(open_pods, template):
    root = shutil.copytree(template, open_pods.directory / "root")
    for path in [root, *root.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    script = "for f in /proc/sys/kernel/hostname /proc/sysrq-trigger; do echo x > $$f && echo wrote; " \
        "done; cat /proc/keys /proc/timer_list && ls /sys/firmware; true"
    pod = open_pods.start(never(f"one: sh -c '{script}'") + f"rootfs = {root}\n", prefix=NOBODY)
    assert pod.wait() == 0, pod.output()
    assert "wrote" not in pod.output()


# --- a file system that hangs ---

@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("without", [[], ["no-openat2=ENOSYS"]], ids=["kernel", "hand"])
def test_a_file_system_that_hangs_holds_up_only_its_process(pods, tmp_path, how, without):
    prefix = [RESTRICT, *without, "--"] if without else []
    with hanging_at(tmp_path / "volume" / "hanging") as hanging:
        ini = never("slow: sleep 1000") + "volumeMounts = v:/mnt:subPath=hanging/x\n" \
            f"[volume v]\nhostPath.path = {hanging.parent}\n" \
            f"[sidecar fast]\ncommand = {HELPER} polite fast 0 0\n"
        pod = pods.start(ini, how=how, control=True, prefix=prefix)
        pod.says("fast is ready")
        until(lambda: len(pod.processes()) == 2, "the slow one is being started")
        for _ in range(5):
            began = time.monotonic()
            assert pod.status()["phase"] == "Pending"
            assert time.monotonic() - began < 2
        began = time.monotonic()
        assert pod.stop() == 143
        assert time.monotonic() - began < 4
        assert not pod.survivors()


# --- /etc/hosts, and /proc without a root of its own: with what the sandbox has of them ---

ALIASES = "hostAliases = 192.0.2.7 seven.example seven\n"


@pytest.mark.parametrize("how", WAYS)
def test_a_root_has_the_pods_hosts_file_and_keeps_its_own(pods, template, how):
    root = shutil.copytree(template, pods.directory / "root")
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/hosts").write_text("192.0.2.1 of-the-root\n")
    ini = never("one: cat /etc/hosts").replace("[pod]\n", "[pod]\n" + ALIASES) + f"rootfs = {root}\n"
    result = pods.run(ini, how=how)
    assert "192.0.2.7\tseven.example\tseven\n" in result.output
    assert "of-the-root" not in result.output
    assert (root / "etc/hosts").read_text() == "192.0.2.1 of-the-root\n"


@pytest.mark.parametrize("how", WAYS)
def test_a_volume_at_the_hosts_file_goes_first(pods, template, how):
    root, own = shutil.copytree(template, pods.directory / "root"), pods.directory / "own"
    own.write_text("192.0.2.2 of-the-volume\n")
    ini = never("one: cat /etc/hosts").replace("[pod]\n", "[pod]\n" + ALIASES) + f"rootfs = {root}\n" \
        f"volumeMounts = v:/etc/hosts\n[volume v]\nhostPath.path = {own}\n"
    assert "\n192.0.2.2 of-the-volume\n" in pods.run(ini, how=how).output
    assert not (root / "etc").exists() or not (root / "etc/hosts").exists()


@pytest.mark.parametrize("how", WAYS)
def test_aliases_reach_who_shares_podinits_root(pods, how):
    before = pathlib.Path("/etc/hosts").read_text()
    ini = never("one: cat /etc/hosts").replace("[pod]\n", "[pod]\n" + ALIASES)
    assert "192.0.2.7\tseven.example\tseven\n" in pods.run(ini, how=how).output
    assert pathlib.Path("/etc/hosts").read_text() == before


@pytest.mark.parametrize("shared", ["true", "false"])
@pytest.mark.parametrize("more", ["", PRIVILEGED, "securityContext.procMount = Unmasked\n"],
                         ids=["plain", "privileged", "unmasked"])
def test_in_a_sandbox_only_who_may_sees_all_of_podinits_proc(pods, more, shared):
    # What is hidden is /dev/null.
    script = "cat /proc/sys/kernel/ostype; test -f /proc/timer_list && echo sees all; true"
    ini = never(f"one: sh -c '{script}'").replace("[pod]\n", f"[pod]\nshareProcessNamespace = {shared}\n")
    result = pods.run(ini + more)
    assert result.code == 0, result.output
    assert ("sees all" in result.output) == bool(more)


def test_a_mount_of_the_machine_reaches_who_asked_for_it(pods, tmpfs):
    volume = pods.directory / "volume"
    volume.mkdir()
    subprocess.run(["mount", "--bind", volume, volume], check=True)
    subprocess.run(["mount", "--make-shared", volume], check=True)
    try:
        ini, seconds = propagating_pod(f"hostPath.path = {volume}")
        pod = pods.start(ini)
        none, host = (outer_pid(pod, f"sleep\0{seconds[name]}") for name in ("none", "host"))
        until(lambda: mount_of(none, "/mnt") and mount_of(host, "/mnt"), "the mounts are made")
        tmpfs(volume / "later")
        assert mount_of(host, "/mnt/later") and not mount_of(none, "/mnt/later")
        pod.stop()
    finally:
        subprocess.run(["umount", "-R", volume], check=True)
