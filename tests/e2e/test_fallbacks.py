"""Kernels that lack the newer system calls, and filters that refuse them: pods run all the same."""

import pytest

from pods import HELPER, PLAIN, SANDBOX, never, polite

VIEW = "volumeMounts = v:/mnt\n[volume v]\nemptyDir =\n"

# What is injected; a seccomp filter of an older container runtime answers EPERM. strace's file says
# what was: a test in which nothing is, shows nothing.
LACKS = {
    "no-clone3": ["clone3:error=ENOSYS"],
    "clone3-refused": ["clone3:error=EPERM"],
    "no-pidfd-signals": ["pidfd_send_signal:error=ENOSYS"],
    "pidfd-signals-refused": ["pidfd_send_signal:error=EPERM"],
    "no-pidfd-open": ["pidfd_open:error=ENOSYS"],
    "no-close-range": ["close_range:error=ENOSYS"],
    "nothing-new": ["clone3:error=ENOSYS", "pidfd_send_signal:error=ENOSYS",
                    "pidfd_open:error=ENOSYS", "close_range:error=ENOSYS"],
    "no-openat2": ["openat2:error=ENOSYS", "mount_setattr:error=ENOSYS"],
    "no-subreaper": ["prctl:error=EINVAL"],
}


# Of these a podinit may have no use.
UNUSED = ["no-pidfd-open", "no-openat2"]


def inject(pods, injections):
    calls = ",".join(one.partition(":")[0] for one in injections)
    prefix = ["strace", "-f", "-qq", "-o", pods.directory / "trace", "-e", f"trace={calls}"]
    for one in injections:
        prefix += ["-e", f"inject={one}"]
    return prefix


def without(pods, lacks):
    return inject(pods, LACKS[lacks])


def injected(pods):
    return (pods.directory / "trace").read_text().count("(INJECTED)")


@pytest.mark.parametrize("lacks", LACKS)
@pytest.mark.parametrize("view", ["", VIEW], ids=["plain", "view"])
def test_a_pod_runs_restarts_and_ends(pods, lacks, view):
    # Restarted four times, and then no more: running when the pod is stopped, it would die of SIGTERM.
    runs = pods.directory / "runs"
    loop = f"echo >> {runs}; test $(wc -l < {runs}) -gt 4 && exit 3; exit 4"
    ini = "[pod]\nrestartPolicy = Always\n[init i]\ncommand = true\n" \
        f"[sidecar s]\ncommand = {polite('s')}\n[main loop]\ncommand = sh -c '{loop}'\n" \
        "restartPolicy = Never\nrestartPolicyRules = Restart In 4\n" \
        "backoff.initialSeconds = 50ms\nbackoff.maxSeconds = 50ms\n" \
        f"[main m]\ncommand = {polite('m', 7)}\n"
    # The outer process of a sandbox is podinit under strace: strace itself is told nothing.
    pod = pods.start(ini + view, how=PLAIN, prefix=without(pods, lacks), control=True)
    pod.says("m is ready")
    pod.event(count=4, reason="Error", process="loop")
    pod.event(reason="Error", process="loop", exitCode=3)
    assert pod.podctl("shutdown").returncode == 0
    assert pod.wait() == 3
    assert [event["process"] for event in pod.events()
            if event["reason"] in ("Completed", "Error")][-2:] == ["m", "s"]
    assert not pod.survivors()
    assert injected(pods) or lacks in UNUSED


@pytest.mark.parametrize("lacks", LACKS)
def test_a_sandbox_runs(pods, lacks):
    pod = pods.start(never("m: sh -c 'exit 5'") + VIEW, how=SANDBOX, prefix=without(pods, lacks))
    assert pod.wait() == 5
    assert not pod.survivors()


@pytest.mark.parametrize("lacks", LACKS)
def test_what_cannot_be_executed_is_said(pods, lacks):
    pod = pods.start(never("m: /nope", "n: /nope") + VIEW, how=PLAIN, prefix=without(pods, lacks))
    assert pod.wait() == 127
    errors = [event["message"] for event in pod.events(reason="StartError")]
    assert errors == ["m: cannot execute /nope: No such file or directory",
                      "n: cannot execute /nope: No such file or directory"]


def test_descriptors_are_not_handed_on_without_close_range(pods):
    pod = pods.program(HELPER, "report", how=PLAIN, prefix=without(pods, "no-close-range"))
    pod.wait()
    assert "descriptors: 0 1 2\n" in pod.out.read_text()


@pytest.mark.parametrize("call, number", [("clone3", 2), ("socketpair", 1)])
def test_a_process_that_cannot_be_made_is_retried(pods, call, number):
    """The first clone looks whether the pod can run."""
    ini = "[pod]\nrestartPolicy = OnFailure\n[main m]\ncommand = true\n" \
        "backoff.initialSeconds = 50ms\n" + VIEW
    pod = pods.start(ini, how=PLAIN, prefix=inject(pods, [f"{call}:error=EAGAIN:when={number}"]))
    assert pod.wait() == 0
    assert injected(pods) == 1
    assert [event["reason"] for event in pod.events(process="m")] == \
        ["StartError", "Started", "Completed"]
    assert "m: cannot make a process: Resource temporarily unavailable" in pod.output()
