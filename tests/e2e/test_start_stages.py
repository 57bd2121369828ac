"""Wherever a start fails: the event and the log have the process's name, what could not be done, and why."""

import pytest

from pods import PLAIN, SANDBOX, UNSHARE
from truth import start_error

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
SECURITY = "securityContext."
NOT_PERMITTED = "Operation not permitted"


def injected(call, error="ENOMEM"):
    """The system call fails in podinit and in all of its children."""
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}"]


# What is said in the file, of [pod], before podinit, how; and what then could not be done.
STAGES = {
    "session": ("", "", injected("setsid"), PLAIN, "cannot make a session: Cannot allocate memory"),
    "tty": ("tty = true\n", "", ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev; exec "$@"', "sh"],
            PLAIN, "cannot make a terminal: No such file or directory"),
    "mount-namespace": (f"{SECURITY}readOnlyRootFilesystem = true\n", "", NOBODY, PLAIN,
                        f"cannot make a mount namespace: {NOT_PERMITTED}"),
    "rootfs": ("rootfs = /nope\n", "", [], SANDBOX,
               "cannot use the root file system /nope: No such file or directory"),
    "pid-namespace": ("", "shareProcessNamespace = false\n", NOBODY, PLAIN,
                      f"cannot make a PID namespace: {NOT_PERMITTED}"),
    "rlimit": ("rlimit.nofile = 1:unlimited\n", "", NOBODY, PLAIN, f"cannot set rlimit nofile: {NOT_PERMITTED}"),
    "nice": ("nice = -1\n", "", NOBODY, PLAIN, "cannot set nice: Permission denied"),
    "oom": ("oomScoreAdj = -1\n", "", NOBODY, PLAIN, "cannot set oomScoreAdj: Permission denied"),
    "cpu-affinity": ("cpuAffinity = 999\n", "", [], SANDBOX, "cannot set cpuAffinity: Invalid argument"),
    "cpu-scheduling": ("cpuSchedulingPolicy = rr\ncpuSchedulingPriority = 1\n", "", NOBODY, PLAIN,
                       f"cannot set cpuSchedulingPolicy: {NOT_PERMITTED}"),
    "io-scheduling": ("ioSchedulingClass = realtime\n", "", NOBODY, PLAIN,
                      f"cannot set ioSchedulingClass: {NOT_PERMITTED}"),
    "numa": ("numaPolicy = bind\nnumaMask = 60\n", "", [], SANDBOX, "cannot set numaPolicy: Invalid argument"),
    "user": (f"{SECURITY}runAsUser = nonesuch\n", "", [], SANDBOX, "its /etc/passwd has no user nonesuch"),
    "group": (f"{SECURITY}runAsGroup = nonesuch\n", "", [], SANDBOX, "its /etc/group has no group nonesuch"),
    "supplemental-group": ("", f"{SECURITY}supplementalGroups = 5,nonesuch\n", [], SANDBOX,
                           "its /etc/group has no group nonesuch"),
    "non-root": ("", f"{SECURITY}runAsNonRoot = true\n", [], SANDBOX, "runAsNonRoot, but its user is root"),
    "set-groups": (f"{SECURITY}runAsUser = 5\n", "", NOBODY, PLAIN, f"cannot set its groups as user 5: {NOT_PERMITTED}"),
    "set-user": (f"{SECURITY}runAsUser = 5\n", "", injected("setresuid", "EAGAIN"), PLAIN,
                 "cannot become user 5: Resource temporarily unavailable"),
    "unmapped": (f"{SECURITY}runAsUser = 5\n", "", NOBODY[:4], SANDBOX,
                 "this user namespace does not have its user and groups"),
    "capability": (f"{SECURITY}capabilities.add = SYS_TIME\n", "", NOBODY, PLAIN,
                   "podinit does not have, and cannot give, capability SYS_TIME"),
    "capabilities": (f"{SECURITY}capabilities.drop = MKNOD\n", "", ["setpriv", "--bounding-set=-setpcap"], PLAIN,
                     f"cannot set its capabilities: {NOT_PERMITTED}"),
    "seccomp": (f"{SECURITY}seccompProfile.type = RuntimeDefault\n", "", NOBODY, PLAIN,
                "cannot install its seccompProfile (which takes SYS_ADMIN of podinit, or "
                "allowPrivilegeEscalation = false): Permission denied"),
    "directory": ("workingDir = /nope\n", "", [], SANDBOX, "cannot change to directory /nope: No such file or directory"),
    "directory-of-another": (f"workingDir = /root/x\n{SECURITY}runAsUser = 1\n", "", [], SANDBOX,
                             "cannot change to directory /root/x: Permission denied"),
}


@pytest.mark.parametrize("name", STAGES)
def test_where_a_start_fails_is_said_in_event_and_log(open_pods, name):
    lines, pod, prefix, how, message = STAGES[name]
    start_error(open_pods, lines, message, pod=pod, prefix=prefix, how=how)
