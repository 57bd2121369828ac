"""appArmorProfile on a kernel that has it: the profile is its process's, and nobody else's."""

import subprocess

import pytest

from cgroups import make_root, pod

# The first is for a process, the second for podinit: it forbids nothing.
PROFILES = """profile podinit-test flags=(attach_disconnected) {
  capability, file, signal,
  deny /tmp/forbidden rw,
}
profile podinit-outer flags=(attach_disconnected) {
  capability, file, signal, ptrace, mount, umount, pivot_root, network, unix, change_profile,
}
"""
LABEL = "podinit-test (enforce)"
OUTER = "podinit-outer (enforce)"
KEY = "securityContext.appArmorProfile."
LOCALHOST = f"{KEY}type = Localhost\n{KEY}localhostProfile = podinit-test\n"

# Says what label it has, and whether the profile is more than a label.
LOOK = "sh -c 'cat /proc/self/attr/current /tmp/forbidden /tmp/free; exec sleep 1000'"
REFUSED = "cat: can't open '/tmp/forbidden': Permission denied"
SLEEP = "sleep 1000"

# Runs what follows with the other label.
CONFINED = "sh -c 'printf \"exec podinit-outer\" >/proc/self/attr/exec; exec \"$@\"' -"


def compiled():
    """The profiles for the kernels that Debian's parser knows in any case, instead of this one."""
    return subprocess.run(
        ["/sbin/apparmor_parser", "--skip-kernel-load", "--skip-cache", "--stdout", "--features-file",
         "/etc/apparmor.d/abi/3.0"], input=PROFILES.encode(), check=True, stdout=subprocess.PIPE).stdout


@pytest.fixture(scope="module")
def confining(cgvm):
    """The machine with the profiles."""
    assert cgvm.out("cat /sys/module/apparmor/parameters/enabled") == "Y"
    cgvm.out("mount -t securityfs securityfs /sys/kernel/security")
    cgvm.out("cat >/tmp/profiles && cat /tmp/profiles >/sys/kernel/security/apparmor/.load",
             stdin=compiled())
    cgvm.out("echo secret >/tmp/forbidden; echo free >/tmp/free")
    make_root(cgvm, "/tmp/root", files=["/tmp/forbidden", "/tmp/free"])
    loaded = cgvm.out("cat /sys/kernel/security/apparmor/profiles").splitlines()
    assert sorted(loaded) == [OUTER, LABEL]
    yield cgvm
    cgvm.out("for name in test outer; do "
             "printf podinit-$name >/sys/kernel/security/apparmor/.remove; done")
    cgvm.out("umount /sys/kernel/security; rm -r /tmp/profiles /tmp/forbidden /tmp/free /tmp/root")


def label(machine, pid):
    return machine.out(f"cat /proc/{pid}/attr/apparmor/current")


def test_a_profile_is_its_processs_and_nobody_elses(nest, confining):
    one = nest.start(pod(f"web: {LOOK}", f"db: {SLEEP}", web=LOCALHOST))
    assert label(confining, one.pid("web")) == LABEL
    assert label(confining, one.pid("db")) == "unconfined"
    assert label(confining, one.podinit) == "unconfined"
    one.says("free\n")
    assert f"{LABEL}\n" in one.log() and REFUSED in one.log() and "secret" not in one.log()


@pytest.mark.parametrize("keys", [
    "securityContext.runAsUser = 1000\n",
    "rootfs = /tmp/root\n",
    "rootfs = /tmp/root\nsecurityContext.runAsUser = 1000\nsecurityContext.readOnlyRootFilesystem = true\n",
    "securityContext.allowPrivilegeEscalation = false\nsecurityContext.capabilities.drop = ALL\n"
    "securityContext.seccompProfile.type = RuntimeDefault\n",
], ids=["user", "rootfs", "user and rootfs", "no privileges"])
def test_whatever_else_it_is(nest, confining, keys):
    one = nest.start(pod(f"web: {LOOK}", web=LOCALHOST + keys))
    assert label(confining, one.pid("web")) == LABEL
    one.says("free\n")
    assert f"{LABEL}\n" in one.log() and REFUSED in one.log() and "secret" not in one.log()


@pytest.mark.parametrize("users", ["", "hostUsers = false\n"], ids=["sandbox", "users"])
def test_in_a_sandbox_too(nest, confining, users):
    one = nest.start(pod(f"web: {LOOK}", f"db: {SLEEP}", web=LOCALHOST, pod=users),
                     options="--sandbox --cgroup none")
    one.says("free\n")
    assert f"{LABEL}\n" in one.log() and REFUSED in one.log() and "secret" not in one.log()


def test_a_pods_profile_is_of_those_that_do_not_say_another(nest, confining):
    one = nest.start(pod(f"web: {SLEEP}", f"db: {SLEEP}", f"other: {SLEEP}", pod=LOCALHOST,
                         db=f"{KEY}type = Unconfined\n", other=f"{KEY}type = RuntimeDefault\n"))
    assert label(confining, one.pid("web")) == LABEL
    assert label(confining, one.pid("db")) == "unconfined"
    assert label(confining, one.pid("other")) == "unconfined"


def test_the_runtimes_default_is_what_podinit_has(nest, confining):
    one = nest.start(pod(f"web: {SLEEP}", f"db: {SLEEP}", f"other: {SLEEP}", f"free: {SLEEP}",
                         web=f"{KEY}type = RuntimeDefault\n", db=LOCALHOST,
                         free=f"{KEY}type = Unconfined\n"), before=CONFINED)
    assert label(confining, one.pid("web")) == OUTER
    assert label(confining, one.podinit) == OUTER
    assert label(confining, one.pid("other")) == OUTER
    assert label(confining, one.pid("db")) == LABEL
    assert label(confining, one.pid("free")) == "unconfined"


@pytest.mark.parametrize("keys", ["", "rootfs = /tmp/root\n"], ids=["plain", "rootfs"])
def test_a_profile_that_the_kernel_does_not_have_is_a_start_error(nest, confining, keys):
    one = nest.start(pod(f"web: {SLEEP}", f"db: {SLEEP}",
                         web=LOCALHOST.replace("podinit-test", "no-such") + keys))
    error = one.event(reason="StartError", process="web")
    assert error["message"] == \
        "web: cannot set its appArmorProfile no-such: No such file or directory"
    assert not one.events(reason="Started", process="web")
    assert "running" in one.container("db")["state"]
