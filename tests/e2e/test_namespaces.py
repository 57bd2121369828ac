"""Which namespaces a pod has: its own, the machine's (hostNetwork ...), or those of another process or
file (--join ...); whose users its users are; what of /proc its processes find. Read from the kernel."""

import os
import pathlib
import signal
import subprocess

import pytest

from pods import (PLAIN, PODINIT, SANDBOX, children, descendants, for_everyone, is_running, kill, never,
                  podinit, polite, read, state_of, until)
from test_sandbox import NOBODY, anyone, own  # noqa: F401 (anyone is a fixture)

ALL = ("net", "ipc", "uts", "pid", "mnt", "user")


def pod_of(keys, *mains):
    """A pod that never restarts, with these keys of [pod]."""
    return never(*mains).replace("[pod]\n", "[pod]\n" + keys + "\n")


# What mount(2) wants of a process: pods do not give it unasked.
MAY_MOUNT = "\nsecurityContext.capabilities.add = SYS_ADMIN"


def differing(pid, other="self"):
    """The namespaces that two processes do not share."""
    return {kind for kind in ALL if own(pid, kind) != own(other, kind)}


def run_shell(pods, script, keys="", name="one", own_keys="", **how):
    """Runs a pod of one shell script; what it says goes to standard output."""
    path = pods.make_directory() / "script"
    path.write_text(script)
    path.chmod(0o755)
    return pods.run(pod_of(keys, f"{name}: sh {path}{own_keys}"), **how)


# --- the machine's ---

@pytest.mark.parametrize("key, kind", [("hostNetwork", "net"), ("hostPID", "pid"), ("hostIPC", "ipc")])
def test_a_namespace_of_the_machine_is_kept(anyone, key, kind):
    pod = anyone(pod_of(f"{key} = true", "one: sleep 1000"))
    pod.running("one")
    kept = {kind} | ({"user"} if anyone.is_root else set())
    assert differing(pod.inner) == set(ALL) - kept
    for pid in pod.processes():
        assert not differing(pid, pod.inner)
    assert pod.stop() == 143


def test_the_option_wins_over_the_key(pods):
    for option, shared in (("none", False), ("host", True)):
        pod = pods.start(pod_of(f"hostNetwork = {str(not shared).lower()}", "one: sleep 1000"),
                         options=["--net", option])
        pod.running("one")
        assert (own(pod.inner, "net") == own("self", "net")) == shared


def test_without_a_pid_namespace_podinit_ends_its_own_descendants_and_no_others(anyone):
    bystander = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        pod = anyone(pod_of("hostPID = true",
                            "one: sh -c 'setsid sleep 1000 & setsid sleep 1001 & sleep 0.1'",
                            f"two: {polite('two')}"))
        pod.says("two is ready")
        pid = pod.running("two")
        assert own(pid, "pid") == own("self", "pid")  # the event's number is the machine's, too
        assert pid in descendants(pod.inner)
        pod.event(reason="Completed", process="one")
        pod.says("not process 1: reaps as a child subreaper")
        assert pod.stop() == 0
        assert not pod.survivors()
        assert is_running(bystander.pid)
    finally:
        kill(bystander.pid)
        bystander.wait()


def test_without_a_pid_namespace_orphans_are_reaped(anyone):
    pod = anyone(pod_of("hostPID = true", "one: sh -c '(sleep 0.1 & echo orphan $!); sleep 1000'"))
    pod.says("orphan ")
    orphan = int(pod.output().split("orphan ")[1].split()[0])
    until(lambda: not state_of(orphan), "the orphan was reaped")
    assert pod.stop() == 143


def test_without_a_pid_namespace_a_killed_podinit_takes_its_processes_along(anyone):
    pod = anyone(pod_of("hostPID = true", "one: sh -c 'setsid sleep 1000 & sleep 1001'"))
    pod.running("one")
    until(lambda: len(pod.processes()) == 3, "all of it runs")
    os.kill(pod.inner, signal.SIGKILL)
    assert pod.wait() == 137
    assert not pod.survivors()


# --- users ---

def maps(pid, file="uid_map"):
    return [tuple(map(int, line.split())) for line in read(f"/proc/{pid}/{file}").splitlines()]


def fake_ranges(directory, lines):
    """A prefix: /etc/subuid and /etc/subgid are these lines, for what follows only."""
    path = pathlib.Path(directory) / "ranges"
    path.write_text(lines)
    path.chmod(0o644)
    return ["unshare", "--mount", "sh", "-c",
            f"mount --bind {path} /etc/subuid && mount --bind {path} /etc/subgid && exec \"$@\"", "sh"]


def test_host_users_false_gives_root_users_that_are_nobody_on_the_machine(open_pods):
    pods = [open_pods.start(pod_of("hostUsers = false", "one: sh -c 'id -u; touch "
                                   f"{open_pods.directory}/made{number}; echo made; sleep 1000'"),
                            options=["-v"], prefix=fake_ranges(open_pods.directory, ""))
            for number in range(2)]
    starts = []
    for number, pod in enumerate(pods):
        pod.says("made")
        assert "\n0\n" in pod.output()
        [(first, start, count)] = maps(pod.inner)
        assert (first, count) == (0, 65536) and start >= 65536 and start % 65536 == 0
        assert maps(pod.inner, "gid_map") == [(first, start, count)]
        assert own(pod.inner, "user") != own("self", "user")
        assert f"Uid:\t{start}\t{start}\t{start}\t{start}\n" in read(f"/proc/{pod.inner}/status")
        assert (open_pods.directory / f"made{number}").stat().st_uid == start
        assert f"users 0-65535 are {start}-{start + 65535} of the machine" in pod.output()
        starts.append(start)
    assert starts[0] != starts[1]  # neither can do anything to the other
    for pod in pods:
        assert pod.stop() == 143


def test_host_users_false_takes_away_what_root_may(open_pods):
    (open_pods.directory / "secret").write_text("x")
    (open_pods.directory / "secret").chmod(0o600)
    result = run_shell(open_pods, f"cat {open_pods.directory}/secret; mount -t tmpfs none /mnt && echo own; "
                       "echo 1 >/proc/sysrq-trigger; mknod /dev/shm/x c 1 3; echo end\n",
                       "hostUsers = false", own_keys=MAY_MOUNT, prefix=fake_ranges(open_pods.directory, ""))
    assert "secret: Permission denied" in result.output and "\nown\n" in result.output
    assert "mknod: /dev/shm/x: Operation not permitted" in result.output and "\nend\n" in result.output


def test_files_of_the_pod_keep_their_owners_with_host_users_false(open_pods):
    """Those of rootfs and hostPath; all others are nobody's."""
    base = open_pods.directory
    (base / "data").mkdir(mode=0o755)
    (base / "data/secret").write_text("mine\n")
    (base / "data/secret").chmod(0o600)
    os.chown(base / "data/secret", 7, 8)
    (base / "root").mkdir(mode=0o755)
    (base / "root/host").mkdir()
    for name in ("bin", "lib", "lib64", "usr"):
        (base / "root" / name).symlink_to(f"/host/{name}")
    result = open_pods.run(
        pod_of("hostUsers = false", "one: sh -c 'stat -c %u:%g /data/secret /host; cat /data/secret; "
               "touch /data/made; echo x >/host/tmp/nothing; ls /host/root; echo end'") +
        f"rootfs = {base}/root\nvolumeMounts = data:/data\nvolumeMounts = host:/host:ro\n"
        f"[volume data]\nhostPath.path = {base}/data\n[volume host]\nhostPath.path = /\n",
        prefix=fake_ranges(base, ""))
    assert result.output.startswith("\n7:8\n65534:65534\nmine\nend\n")
    assert "ls: cannot open directory '/host/root': Permission denied" in result.output
    assert "hostUsers: in the pod / belongs to nobody: no mount of it can have other users" in result.output
    assert (base / "data/made").stat().st_uid == 0
    assert str(base) not in read("/proc/self/mountinfo")


def test_podctl_asks_a_pod_of_other_users(open_pods):
    pod = open_pods.start(pod_of("hostUsers = false", "one: sleep 1000"), control=True,
                          prefix=fake_ranges(open_pods.directory, ""))
    pod.running("one")
    assert pod.status()["phase"] == "Running"
    assert "Permission denied" in pod.podctl("status", prefix=NOBODY).stderr
    # Nor may a process of the pod.
    inside = ["nsenter", "-t", str(pod.inner), "--user", "--mount", "--pid", "-S", "0", "-G", "0"]
    assert "Permission denied" in pod.podctl("status", prefix=inside).stderr
    assert pod.podctl("shutdown").returncode == 0
    assert pod.wait() == 143
    assert not os.path.exists(pod.socket)


@pytest.mark.parametrize("lines, start", [
    ("containers:200000:65536\n", 200000),
    ("somebody:300000:65536\npodinit:400000:65536\ncontainers:200000:65536\n", 400000),
    ("podinit:400000:10\ncontainers:200000:65536\n", 200000),  # too few
    ("containers\ncontainers:\ncontainers:x:65536\ncontainers:200000:65536", 200000),
])
def test_the_range_is_that_of_etc_subuid(open_pods, lines, start):
    pod = open_pods.start(pod_of("hostUsers = false", "one: sleep 1000"), options=["-v"],
                          prefix=fake_ranges(open_pods.directory, lines))
    pod.running("one")
    assert maps(pod.inner) == maps(pod.inner, "gid_map") == [(0, start, 65536)]
    pod.says("/etc/subuid of " + ("podinit" if start == 400000 else "containers"))


def test_when_every_range_is_taken_the_next_pod_does_not_start(open_pods):
    prefix = fake_ranges(open_pods.directory, "podinit:200000:131072\n")
    for start in (200000, 265536):
        pod = open_pods.start(pod_of("hostUsers = false", "one: sleep 1000"), prefix=prefix)
        pod.running("one")
        assert maps(pod.inner) == [(0, start, 65536)]
    result = open_pods.run(pod_of("hostUsers = false", "one: sleep 1000"), prefix=prefix)
    assert result.code == 125 and "cannot map users: Too many users" in result.output


def test_without_root_there_is_one_user(open_pods):
    pod = open_pods.start(never("one: sleep 1000"), options=["-v"],
                          prefix=fake_ranges(open_pods.directory, "") + NOBODY)
    pod.running("one")
    assert maps(pod.inner) == maps(pod.inner, "gid_map") == [(0, 65534, 1)]
    assert "user 0 is 65534 of the machine, and there is no other" in pod.output()


@pytest.mark.parametrize("owner", ["65534", "nobody"])
def test_without_root_newuidmap_gives_others(open_pods, owner):
    made = open_pods.directory / "made"
    pod = open_pods.start(never(f"one: setpriv --reuid=5 --regid=6 --clear-groups sh -c "
                                f"'id -u; touch {made}; echo made; sleep 1000'"), options=["-v"],
                          prefix=fake_ranges(open_pods.directory, f"{owner}:200000:65536\n") + NOBODY)
    pod.says("made")
    assert maps(pod.inner) == maps(pod.inner, "gid_map") == [(0, 65534, 1), (1, 200000, 65536)]
    assert "\n5\n" in pod.output()
    assert (made.stat().st_uid, made.stat().st_gid) == (200004, 200005)
    assert "users 1-65536 are 200000-265535 of the machine" in pod.output()


def test_without_newuidmap_there_is_one_user(open_pods):
    prefix = fake_ranges(open_pods.directory, "65534:200000:65536\n")
    pod = open_pods.start(never("one: /bin/sleep 1000"), prefix=prefix + NOBODY + ["env", "PATH=/nowhere"])
    pod.running("one")
    assert maps(pod.inner) == [(0, 65534, 1)]


@pytest.mark.parametrize("keys", ["", "hostUsers = false", "shareProcessNamespace = false"])
def test_in_a_user_namespace_a_process_may_write_its_own_proc(anyone, keys):
    pod = anyone(pod_of(keys, "one: cat /proc/self/oom_score_adj\noomScoreAdj = 500"))
    assert pod.wait() == 0 and pod.output().startswith("\n500\n")


# --- joining ---

@pytest.fixture
def other():
    """A process in namespaces of its own, as a pause is; of root or of another user."""
    started = []

    def start(prefix=(), *kinds):
        words = [*prefix, "unshare", *(["--user", "--map-root-user"] if prefix else []),
                 *(kinds or ("--net", "--ipc", "--uts", "--pid", "--mount-proc")), "--fork", "sleep", "1000"]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
        started.append(process)
        return until(lambda: [pid for pid in children(process.pid)
                              if read(f"/proc/{pid}/comm") == "sleep\n"], "the other process runs")[0]
    yield start
    for process in started:
        for pid in children(process.pid):
            kill(pid)
        process.wait()


@pytest.mark.parametrize("how", [PLAIN, SANDBOX])
@pytest.mark.parametrize("prefix", [[], NOBODY], ids=["root", "nobody"])
def test_join_enters_the_namespaces_of_a_process(open_pods, other, how, prefix):
    pid = other(prefix)
    pod = open_pods.start(never("one: sleep 1000"), options=["--join", pid], how=how, prefix=prefix)
    pod.running("one")
    kept = {"pid", "mnt"}
    assert differing(pod.inner, pid) == kept
    assert not differing(pod.processes()[0], pod.inner)
    assert (own(pod.inner, "pid") != own("self", "pid")) == (how == SANDBOX)
    assert pod.stop() == 143
    assert is_running(pid)


@pytest.mark.parametrize("kind", ["net", "ipc", "uts"])
@pytest.mark.parametrize("how", [PLAIN, SANDBOX])
def test_one_namespace_is_joined(pods, other, kind, how):
    pid = other()
    pod = pods.start(never("one: sleep 1000"), how=how, options=[f"--join-{kind}", f"/proc/{pid}/ns/{kind}"])
    pod.running("one")
    expected = set(ALL) - {"user", kind}
    if how == PLAIN:
        expected -= differing(pid) - {kind, "pid", "mnt", "net", "ipc", "uts"}
        assert differing(pod.inner) == {kind}
    assert kind not in differing(pod.inner, pid)
    assert differing(pod.inner, pid) == expected


def test_a_network_from_a_file_as_ip_netns_makes_it(open_pods):
    """Made and looked at in a mount namespace of its own, so that it goes with it."""
    directory = open_pods.directory
    prefix = ["unshare", "--mount", "sh", "-c",
              f"touch {directory}/netns && unshare --net={directory}/netns true && "
              f"nsenter --net={directory}/netns sh -c 'ip link add marked type dummy 2>/dev/null "
              "|| ip link set lo alias marked' && exec \"$@\"", "sh"]
    for options in ([], ["--sandbox"]):
        result = open_pods.run_program("ip", "link", how=PLAIN, prefix=prefix,
                                       options=[*options, "--join-net", f"{directory}/netns"])
        assert result.code == 0 and "marked" in result.output


def test_the_host_name_of_a_joined_pod_stays(pods, other):
    pid = other()
    subprocess.run(["nsenter", "-t", str(pid), "--uts", "hostname", "theirs"], check=True)
    result = pods.run(pod_of("hostname = mine", "one: cat /proc/sys/kernel/hostname"),
                      how=SANDBOX, options=["--join", pid])
    assert "\ntheirs\n" in result.output
    assert "pod: hostname: stays theirs" in result.output


@pytest.mark.parametrize("prefix", [[], NOBODY], ids=["root", "nobody"])
def test_a_joined_pid_namespace_is_not_podinits_to_end(open_pods, other, prefix):
    pid = other(prefix)
    neighbour = subprocess.Popen(["nsenter", "-t", str(pid), "--pid", "sleep", "1000"])
    try:
        pod = open_pods.start(never(f"one: {polite('one', 7)}",
                                    "two: sh -c 'ls -d /proc/[0-9]*; setsid sleep 1000 &'"),
                              options=["--join", pid, "--join-pid", f"/proc/{pid}/ns/pid"], prefix=prefix)
        pod.says("one is ready")
        pod.event(reason="Completed", process="two")
        assert differing(pod.inner, pid) == {"mnt"}
        assert own("self", "pid") == own(pod.pid, "pid")  # the outer process stays where it was
        assert "/proc/1\n" in pod.output()  # its /proc is that of the joined one
        os.kill(pod.pid, signal.SIGUSR1)
        assert pod.event(reason="Signal")["signal"] == 10
        assert pod.wait() in (7, 138)
        until(lambda: not pod.survivors(), "nothing of the pod is left")
        assert is_running(pid) and is_running(neighbour.pid)
    finally:
        for one in [*children(neighbour.pid), neighbour.pid]:
            kill(one)
        neighbour.wait()


JOIN_ERRORS = [
    (["--join-net", "/nowhere"], "--join-net /nowhere: No such file or directory"),
    (["--join-net", "/etc/passwd"], "--join-net /etc/passwd: is not a network namespace"),
    (["--join-net", "/proc/self/ns/ipc"], "--join-net /proc/self/ns/ipc: is not a network namespace"),
    (["--join-ipc", "/proc/self/ns/net"], "--join-ipc /proc/self/ns/net: is not an IPC namespace"),
    (["--join-uts", "/proc/self/ns/net"], "--join-uts /proc/self/ns/net: is not a UTS namespace"),
    (["--sandbox", "--join-pid", "/proc/self/ns/net"],
     "--join-pid /proc/self/ns/net: is not a PID namespace"),
    (["--sandbox", "--join-net", "/"], "--join-net /: is not a network namespace"),
    (["--join-pid", "/proc/self/ns/pid"], "--join-pid belongs to --sandbox"),
    (["--join", "4194305"], "--join 4194305: its net namespace: No such process"),
    (["--sandbox", "--join", "4194305"], "--join 4194305: its net namespace: No such process"),
    (["--join", "web"], "option --join: must be a process number, got 'web'"),
    (["--join", ""], "option --join: must be a process number, got ''"),
    (["--sandbox", "--net", "host", "--join", "1"], "--net and joining a network exclude each other"),
    (["--sandbox", "--net", "none", "--join-net", "/x"], "--net and joining a network exclude each other"),
]


@pytest.mark.parametrize("options, words", JOIN_ERRORS)
def test_what_cannot_be_joined_is_125(tmp_path, options, words):
    result = podinit(*options, "--", "touch", tmp_path / "touched")
    assert result.returncode == 125
    assert f"podinit: {words}\n" == result.stderr
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("options", [[], ["--sandbox"]])
def test_another_user_cannot_join_what_is_roots(open_pods, options):
    result = subprocess.run([*NOBODY, for_everyone(PODINIT), *options, "--join-net",
                             f"/proc/{os.getpid()}/ns/net", "--", "true"], capture_output=True, text=True)
    assert result.returncode == 125
    assert "--join-net" in result.stderr and "ermi" in result.stderr  # denied, or not permitted
    assert len(result.stderr.splitlines()) == 1


# --- mounts ---

def mounts(pid):
    """Mount points of a process, the last one at each: its options and the type of its file system."""
    found = {}
    for line in read(f"/proc/{pid}/mountinfo").splitlines():
        fields, _, super_fields = line.partition(" - ")
        point, options = fields.split()[4:6]
        found[point] = (options.split(","), super_fields.split()[0])
    return found


def test_mounts_of_the_machine_are_seen_in_the_pod_and_not_the_other_way_round(pods):
    """The machine here is a mount namespace of its own, whose mounts are shared."""
    seen, inside = pods.directory / "seen", pods.directory / "inside"
    seen.mkdir()
    inside.mkdir()
    pod = pods.start(never(f"one: sh -c 'mount -t tmpfs none {inside}; echo mounted; sleep 1000'{MAY_MOUNT}"),
                     prefix=["unshare", "--mount", "--propagation", "shared"])
    pod.says("mounted")
    machine = ["nsenter", "-t", str(pod.pid), "--mount"]
    subprocess.run([*machine, "mount", "-t", "tmpfs", "none", str(seen)], check=True)
    assert str(seen) in mounts(pod.inner) and str(inside) in mounts(pod.inner)
    assert str(seen) in mounts(pod.pid) and str(inside) not in mounts(pod.pid)
    assert str(seen) not in mounts("self")


HIDDEN = ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
          "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]
UNWRITABLE = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


@pytest.mark.parametrize("keys", ["", "hostPID = true", "hostUsers = false"])
def test_what_a_container_does_not_see_is_masked(anyone, keys):
    pod = anyone(pod_of(keys, "one: sleep 1000"))
    pod.running("one")
    found, checked = mounts(pod.processes()[0]), 0
    for path in filter(os.path.exists, HIDDEN):
        options, kind = found[path]
        root = f"/proc/{pod.inner}/root{path}"
        if os.path.isdir(path):
            assert kind == "tmpfs" and "ro" in options and os.listdir(root) == []
        else:
            assert open(root, "rb").read() == b""
        checked += 1
    for path in filter(os.path.exists, UNWRITABLE):
        options, kind = found[path]
        assert kind == "proc" and "ro" in options
        checked += 1
    assert checked >= 6
    assert not set(HIDDEN + UNWRITABLE) & set(mounts("self"))


def test_outside_a_sandbox_nothing_is_masked(pods):
    pod = pods.start(never("one: sleep 1000"), how=PLAIN)
    pod.running("one")
    assert mounts(pod.inner) == mounts("self")


@pytest.mark.parametrize("path", ["/proc/sys/kernel/core_pattern", "/proc/1/root/proc/sys/kernel/core_pattern",
                                  "/proc/sys/net/ipv4/ip_forward"])
def test_a_process_of_a_sandbox_cannot_write_the_kernels_parameters(open_pods, path):
    """As root, too, and even with SYS_ADMIN it has to take the mask off first."""
    for prefix, keys in (([], ""), ([], MAY_MOUNT), (NOBODY, "")):
        result = run_shell(open_pods, f"echo 1 >{path} && echo written; echo end\n", own_keys=keys,
                           prefix=prefix)
        assert "\nend\n" in result.output and "\nwritten\n" not in result.output
        assert "Read-only file system" in result.output or "Permission denied" in result.output


def test_without_sys_admin_the_masks_cannot_be_taken_off(open_pods):
    for prefix in ([], NOBODY):
        result = run_shell(open_pods, "umount /proc/sys && echo off; umount -l /proc/keys && echo off; "
                           "mount -o remount,bind,rw /proc/sys && echo off; mount -t proc proc /proc && "
                           "echo off; unshare --mount true && echo off; echo end\n", prefix=prefix)
        assert result.output.startswith("\nend\n")


def test_process_1_of_a_sandbox_is_no_way_out(open_pods):
    """Who has fewer capabilities than it cannot look into it, and nobody inside can kill it."""
    for prefix in ([], NOBODY):
        result = run_shell(open_pods, "readlink /proc/self/ns/mnt /proc/1/ns/mnt | uniq | wc -l\n"
                           "cat /proc/1/root/proc/1/comm\nls /proc/1/root/sys/firmware | wc -l\n"
                           "kill -9 1; echo alive\n", prefix=prefix)
        assert result.output.startswith("\n1\n0\nalive\n")
        assert result.output.count("Permission denied") >= 2


# --- kernel parameters ---

SYSCTLS = "securityContext.sysctls = net.core.somaxconn=77\n" \
    "securityContext.sysctls = kernel.shm_rmid_forced=1\n" \
    "securityContext.sysctls = net.ipv4.ip_local_port_range=30000 40000"


def test_sysctls_are_the_pods_own(anyone):
    machine = [read("/proc/sys/net/core/somaxconn"), read("/proc/sys/kernel/shm_rmid_forced")]
    pod = anyone(pod_of(SYSCTLS, "one: sh -c 'cd /proc/sys; cat net/core/somaxconn "
                        "kernel/shm_rmid_forced net/ipv4/ip_local_port_range'"))
    assert pod.wait() == 0
    assert pod.output().startswith("\n77\n1\n30000\t40000\n")
    assert [read("/proc/sys/net/core/somaxconn"), read("/proc/sys/kernel/shm_rmid_forced")] == machine


def test_sysctls_are_written_outside_a_sandbox_where_they_can_be(pods):
    keys = "securityContext.sysctls = net.core.somaxconn=78"
    result = pods.run(pod_of(keys, "one: cat /proc/sys/net/core/somaxconn"), how=PLAIN,
                      prefix=["unshare", "--net"])
    assert result.code == 0 and "\n78\n" in result.output


def test_where_they_cannot_be_written_nothing_starts(pods):
    touched = pods.directory / "touched"
    keys = "securityContext.sysctls = net.core.somaxconn=78"
    result = pods.run(pod_of(keys, f"one: touch {touched}"), how=PLAIN, prefix=[
        "unshare", "--net", "--mount", "sh", "-c", "mount --bind /proc/sys /proc/sys && "
        "mount -o remount,bind,ro /proc/sys && exec \"$@\"", "sh"])
    assert result.code == 125
    assert ": pod: securityContext.sysctls: net.core.somaxconn: Read-only file system\n" in result.output
    assert not touched.exists()


@pytest.mark.parametrize("item, options, words", [
    ("net.core.nonsense=1", [], "net.core.nonsense: No such file or directory"),
    ("net.core.somaxconn=many", [], "net.core.somaxconn: Invalid argument"),
    ("net.core.somaxconn=1", ["--net", "host"], "net.core.somaxconn: the network is the machine's"),
])
def test_a_sysctl_that_is_wrong_starts_nothing(pods, item, options, words):
    touched = pods.directory / "touched"
    result = pods.run(pod_of(f"securityContext.sysctls = {item}\nsecurityContext.sysctls = net.x=1",
                             f"one: touch {touched}"), options=options)
    assert result.code == 125
    assert f"pod: securityContext.sysctls: {words}\n" in result.output
    assert "pod: securityContext.sysctls: net.x: " in result.output  # every error in one go
    assert "2 problems; nothing was started" in result.output and not touched.exists()


@pytest.mark.parametrize("key, item", [("hostNetwork", "net.core.somaxconn"), ("hostIPC", "kernel.shmmax")])
def test_a_sysctl_of_the_machine_is_refused(tmp_path, key, item):
    path = tmp_path / "pod.ini"
    path.write_text(pod_of(f"{key} = true\nsecurityContext.sysctls = {item}=1", "one: true"))
    result = podinit("--check", "-c", path)
    assert result.returncode == 125
    assert f"pod: securityContext.sysctls: '{item}' is the machine's with {key}\n" in result.stderr
