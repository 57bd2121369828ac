"""A root of its own where podinit's is the one that the kernel began with, which pivot_root() refuses."""

import pytest

from cgroups import make_root, pod

ROOTFS = "rootfs = /tmp/root\n"


@pytest.fixture(scope="module")
def rooted(cgvm):
    make_root(cgvm, "/tmp/root")
    cgvm.out("echo secret >/outside; echo of its own >/tmp/root/inside")
    yield cgvm
    cgvm.out("rm -r /outside /tmp/root")


LOOK = "sh -c 'echo $0 $(cat /inside /dev/null) $(cat /proc/self/comm) $(ls -d /bin /outside 2>&1)' "
KEYS = {
    "plain": "",
    "read-only": "securityContext.readOnlyRootFilesystem = true\n",
    "drop": "securityContext.capabilities.drop = ALL\n",
    "privileged": "securityContext.privileged = true\n"}


@pytest.mark.parametrize("options, more", [("", ""), ("--sandbox", ""), ("--sandbox", "hostUsers = false\n")],
                         ids=["plain", "sandbox", "users"])
@pytest.mark.parametrize("names", [list(KEYS), ["drop"]], ids=["each", "alone"])
def test_it_is_all_that_a_process_sees(nest, rooted, options, more, names):
    """Alone: what podinit keeps for itself follows from all of its processes."""
    one = nest.run(pod(*[f"{name}: {LOOK}{name}" for name in names], pod=more,
                       **{name: ROOTFS + KEYS[name] for name in names}),
                   options=f"--cgroup none {options}")
    for name in names:
        assert f"{name} of its own cat ls: /outside: No such file or directory /bin\n" in one.log()
    assert one.code == 0
    assert rooted.out("cat /outside; ls /proc/1/exe") == "secret\n/proc/1/exe"


def test_no_chroot_leads_out_of_it(nest, rooted):
    one = nest.run(pod("web: cg out cat /inside /outside", web=ROOTFS), options="--cgroup none")
    assert one.code == 1
    assert "of its own\n" in one.log() and "/outside'" in one.log() and "secret" not in one.log()


def test_in_a_chroot_it_is_refused(rooted):
    """From there one would lead out."""
    make_root(rooted, "/tmp/chroot", files=["/bin/podinit", "/etc/passwd"])
    make_root(rooted, "/tmp/chroot/tmp/root")
    rooted.write("/tmp/chroot/pod.ini", pod("web: echo runs", web=ROOTFS))
    rooted.out("mount -t proc proc /tmp/chroot/proc")
    answer = rooted.run("chroot /tmp/chroot podinit --no-control --cgroup none -c /pod.ini")
    rooted.out("umount /tmp/chroot/proc; rm -r /tmp/chroot")
    assert answer.code == 126 and not answer.out
    assert "web: cannot make a mount namespace: Invalid argument" in answer.err
