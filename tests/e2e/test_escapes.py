"""A process of a pod tries to get out of it, or at its neighbours. Each attempt fails, and podinit does not
notice. (The setuid program is in test_capabilities.py, links out of a volume in test_volumes.py.)"""

import os
import shutil

import pytest

from pods import ESCAPE, HELPER, PLAIN, SANDBOX, UNSHARE, never, polite, read, until
from test_rootfs import make_root

REFUSED = {"Operation not permitted", "Permission denied"}
ROOT, NOBODY = "", "securityContext.runAsUser = 65534\n"
WHO = pytest.mark.parametrize("who", [ROOT, NOBODY], ids=["root", "nobody"])
WHERE = pytest.mark.parametrize("rootfs", [False, True], ids=["own-root", "rootfs"])
HOW = pytest.mark.parametrize("how", [SANDBOX, UNSHARE])
DROP_ALL = "securityContext.capabilities.drop = ALL\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = make_root(tmp_path_factory.mktemp("template") / "root")
    shutil.copy(ESCAPE, root / "bin/escape")
    (root / "tmp").chmod(0o1777)
    (root / "etc").mkdir()
    (root / "etc/hosts").write_text("")  # a rootless podinit could not make it here
    return root


def root_of(template, rootfs):
    return ("/bin/escape", f"rootfs = {template}\n") if rootfs else (str(ESCAPE), "")


def attempts(*words, program):
    return "; ".join(f"{program} {one}" for one in words)


def tries(pods, template, rootfs, words, lines, how, more=""):
    """What each attempt came to, made beside a neighbour that stays; and the pod, which runs on."""
    program, root = root_of(template, rootfs)
    pod = pods.start(never(f"stay: {polite('stay')}") + f"[main evil]\ncommand = sh -c '{attempts(*words, program=program)}"
                     f"; echo end of attempts'\n{root}{lines}{more}", how=how, control=True)
    pod.says("stay is ready")
    pod.says("end of attempts")
    said = dict(line.split(": ", 1) for line in read(pod.out).splitlines() if ": " in line)
    return pod, said


OF_PROCESS_1 = ["path /proc/1/root/etc", "path /proc/1/cwd/etc", "read /proc/1/mem", "read /proc/1/environ",
                "path /proc/1/fd/0", "path /proc/1/fd/1", "path /proc/1/exe", "read /proc/1/maps", "ptrace 1",
                "path /proc/1/ns/mnt"]


@HOW
@WHO
@WHERE
def test_process_1_shows_nothing(pods, template, how, who, rootfs):
    pod, said = tries(pods, template, rootfs, OF_PROCESS_1, who, how)
    assert len(said) == len(OF_PROCESS_1), said
    assert set(said.values()) <= REFUSED, said
    assert pod.podctl("status").returncode == 0


@HOW
@WHO
def test_process_1_cannot_be_killed_nor_stopped(pods, template, how, who):
    words = [f"kill 1 {signo}" for signo in (9, 19)]
    pod, said = tries(pods, template, False, words, who, how)
    assert said["kill"] == ("done" if who == ROOT else "Operation not permitted")  # done, and ignored
    assert pod.podctl("status").returncode == 0
    assert pod.stop() == 0


@HOW
def test_a_user_can_neither_signal_nor_trace_nor_look_into_others(pods, template, how):
    others = "$$(cat /proc/[0-9]*/stat | grep -F \"(helper)\" | head -n 1 | while read pid rest; do echo $$pid; done)"
    words = [f"kill {others} 15", f"kill {others} 0", f"ptrace {others}", f"path /proc/{others}/root/etc",
             f"read /proc/{others}/environ", f"path /proc/{others}/fd/0"]
    for victim in (ROOT, "securityContext.runAsUser = 1001\n"):
        pod, said = tries(pods, template, False, words, NOBODY, how,
                          more=f"[main victim]\ncommand = {polite('victim')}\n{victim}")
        assert len(said) >= 5 and set(said.values()) <= REFUSED, said
        assert pod.stop() == 0


@HOW
def test_root_with_the_default_cannot_trace_another_user(pods, template, how):
    others = "$$(cat /proc/[0-9]*/stat | grep -F \"(helper)\" | tail -n 1 | while read pid rest; do echo $$pid; done)"
    words = [f"ptrace {others}", f"path /proc/{others}/root/etc", f"read /proc/{others}/mem"]
    ini = never(f"victim: {HELPER} polite victim 0 0") + "securityContext.runAsUser = 1001\n"
    pod = pods.start(ini + f"[main evil]\ncommand = sh -c 'until grep -qF \"(helper)\" /proc/[0-9]*/stat; do :; done; "
                     f"sleep 0.3; {attempts(*words, program=ESCAPE)}; echo end of attempts'\n", how=how)
    pod.says("end of attempts")
    said = dict(line.split(": ", 1) for line in read(pod.out).splitlines() if ": " in line)
    assert len(said) == 3 and set(said.values()) <= REFUSED, said


def test_root_without_capabilities_cannot_trace_root_with_some(pods, template):
    others = "$$(cat /proc/[0-9]*/stat | grep -F \"(helper)\" | head -n 1 | while read pid rest; do echo $$pid; done)"
    _, said = tries(pods, template, False, [f"ptrace {others}", f"path /proc/{others}/root/etc"], DROP_ALL, SANDBOX)
    assert len(said) == 2 and set(said.values()) <= REFUSED, said


@pytest.mark.parametrize("lines, expected", [
    ("", "No such file or directory"), ("securityContext.privileged = true\n", "No such file or directory"),
    (NOBODY, "Operation not permitted"), (DROP_ALL, "Operation not permitted")])
@pytest.mark.parametrize("how", [SANDBOX, UNSHARE, PLAIN])
def test_the_classic_way_out_of_a_chroot_ends_in_its_own_root(pods, template, tmp_path, how, lines, expected):
    root = shutil.copytree(template, tmp_path / "root")
    assert os.path.exists("/var/lib/dpkg") and not (root / "var/lib/dpkg").exists()
    result = pods.run(never("web: /bin/escape chroot /var/lib/dpkg") + f"rootfs = {root}\n{lines}", how=how)
    assert f"chroot: {expected}\n" in result.output


PROC_WRITES = ["/proc/sys/kernel/hostname", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/swappiness",
               "/proc/sysrq-trigger", "/proc/irq/default_smp_affinity"]


@WHO
@WHERE
def test_the_kernels_parameters_cannot_be_written(pods, template, who, rootfs):
    _, said = tries(pods, template, rootfs, [f"write {path}" for path in PROC_WRITES], who, SANDBOX)
    assert len(said) == len(PROC_WRITES)
    allowed = REFUSED | {"Read-only file system", "No such file or directory", "Input/output error"}
    assert set(said.values()) <= allowed, said


# --- devices ---


def a_disk():
    """Numbers of a block device of this machine, or None."""
    for line in read("/proc/partitions").splitlines()[2:]:
        return line.split()[:2]
    return None


# A rootless sandbox has one user.
@pytest.mark.parametrize("rootless, who", [(False, ROOT), (False, NOBODY), (True, ROOT)],
                         ids=["as-root", "as-user", "rootless"])
def test_a_disk_cannot_be_read_by_a_device_of_ones_own(open_pods, template, tmp_path, open_directory, who, rootless):
    if not a_disk():
        pytest.skip("no disk")
    root = shutil.copytree(template, open_directory / "root")
    (root / "tmp").chmod(0o1777)
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if rootless else []
    result = open_pods.run(never(f"web: /bin/escape mknod b {' '.join(a_disk())}") + f"rootfs = {root}\n{who}",
                           prefix=prefix)
    assert "mknod: " in result.output
    assert "mknod: done" not in result.output


def test_devices_of_ones_own_cannot_be_opened_in_a_root_file_system(pods, template, tmp_path):
    root = shutil.copytree(template, tmp_path / "root")
    result = pods.run(never("web: /bin/escape mknod c 1 5") + f"rootfs = {root}\n")
    assert "mknod: Permission denied" in result.output


def test_the_privileged_have_devices_of_their_own(pods, template, tmp_path):
    root = shutil.copytree(template, tmp_path / "root")
    result = pods.run(never("web: /bin/escape mknod c 1 5") +
                      f"rootfs = {root}\nsecurityContext.privileged = true\n")
    assert "mknod: done" in result.output
