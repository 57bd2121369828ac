"""Capabilities, no_new_privs and privileged: the five sets as the kernel shows them, podinit's own too."""

import shutil
import subprocess

import pytest

from pods import HELPER, PLAIN, PODINIT, SANDBOX, UNSHARE, never, until
from truth import DEFAULT, MACHINE, SETS, capabilities, ready_pod, start_error, status

WAYS = [SANDBOX, UNSHARE, PLAIN]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
AS_USER = "securityContext.runAsUser = 1001\n"
NO_GAIN = "securityContext.allowPrivilegeEscalation = false\n"
PRIVILEGED = "securityContext.privileged = true\n"


def add(*names):
    return f"securityContext.capabilities.add = {', '.join(names)}\n"


def drop(*names):
    return f"securityContext.capabilities.drop = {', '.join(names)}\n"


def sets(inheritable=(), permitted=(), bounding=(), ambient=()):
    return dict(zip(SETS, map(set, (inheritable, permitted, permitted, bounding, ambient))))


def as_root(*names):
    return sets(permitted=names, bounding=names)


CASES = {
    "default": ("", DEFAULT),
    "add": (add("NET_ADMIN", "SYS_PTRACE"), DEFAULT | {"NET_ADMIN", "SYS_PTRACE"}),
    "add-with-cap": (add("CAP_NET_ADMIN"), DEFAULT | {"NET_ADMIN"}),
    "add-one-of-the-default": (add("CHOWN"), DEFAULT),
    "drop": (drop("MKNOD", "NET_RAW"), DEFAULT - {"MKNOD", "NET_RAW"}),
    "drop-what-it-has-not": (drop("SYS_TIME"), DEFAULT),
    "drop-all": (drop("ALL"), set()),
    "drop-all-add": (drop("ALL") + add("NET_BIND_SERVICE"), {"NET_BIND_SERVICE"}),
    "add-all": (add("ALL"), MACHINE),
    "add-all-drop": (add("ALL") + drop("SYS_ADMIN"), MACHINE - {"SYS_ADMIN"}),
    "both-all": (add("ALL") + drop("ALL"), set()),
    "add-and-drop-the-same": (add("NET_ADMIN") + drop("NET_ADMIN"), DEFAULT),
    "repeated": (add("NET_ADMIN") + add("SYS_NICE"), DEFAULT | {"NET_ADMIN", "SYS_NICE"}),
    "privileged": (PRIVILEGED, MACHINE),
    "privileged-drop": (PRIVILEGED + drop("ALL"), MACHINE),
}


@pytest.mark.parametrize("name", CASES)
def test_of_a_root_process(pods, name):
    lines, expected = CASES[name]
    _, pid = ready_pod(pods, lines, how=SANDBOX)
    assert capabilities(pid) == as_root(*expected)


@pytest.mark.parametrize("how", WAYS)
def test_the_default_in_each_way_to_start(pods, how):
    _, pid = ready_pod(pods, how=how)
    assert capabilities(pid) == as_root(*DEFAULT)
    assert status(pid)["NoNewPrivs"].strip() == "0"


@pytest.mark.parametrize("lines, bounding, given", [
    ("", DEFAULT, ()),
    (drop("ALL"), (), ()),
    (add("NET_ADMIN"), DEFAULT | {"NET_ADMIN"}, {"NET_ADMIN"}),
    (drop("ALL") + add("NET_BIND_SERVICE", "CHOWN"), {"NET_BIND_SERVICE", "CHOWN"},
     {"NET_BIND_SERVICE", "CHOWN"}),
    (add("NET_ADMIN") + drop("NET_ADMIN"), DEFAULT, ()),
    (PRIVILEGED, MACHINE, ()),
    (add("ALL"), MACHINE, MACHINE)])
def test_of_another_user(pods, lines, bounding, given):
    _, pid = ready_pod(pods, AS_USER + lines)
    assert capabilities(pid) == sets(given, given, bounding, given)
    shown = subprocess.run(["getpcaps", str(pid)], capture_output=True, text=True, check=True)
    for one in given if len(given) < 5 else ():
        assert f"cap_{one.lower()}" in shown.stdout + shown.stderr


def test_what_a_user_was_given_it_can_use(pods):
    script = "exec 3<>/dev/tcp/127.0.0.1/1; cat /proc/self/status"
    result = pods.run(never(f"web: bash -c '{script}'") + AS_USER + drop("ALL") + add("KILL"))
    assert "CapEff:\t0000000000000020" in result.output  # programs of its programs, too


# --- no_new_privs ---


@pytest.fixture
def setuid_id(open_directory):
    """`id -u` that everybody runs as root."""
    program = open_directory / "id"
    shutil.copy(shutil.which("id"), program)
    program.chmod(0o4755)
    return program


@pytest.mark.parametrize("lines, code, who", [("", 0, "0"), (NO_GAIN, 1, "1001")])
@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
def test_a_setuid_program(pods, setuid_id, how, lines, code, who):
    result = pods.run(never(f"web: {setuid_id} -u") + AS_USER + lines, how=how)
    assert f"\n{who}\n" in result.output


def test_no_new_privs_is_set_and_takes_nothing_away(pods):
    for lines, expected in ((NO_GAIN, as_root(*DEFAULT)),
                            (NO_GAIN + add("NET_ADMIN"), as_root(*DEFAULT, "NET_ADMIN")),
                            (NO_GAIN + AS_USER, sets(bounding=DEFAULT)),
                            (NO_GAIN + AS_USER + add("KILL"), sets({"KILL"}, {"KILL"}, DEFAULT, {"KILL"}))):
        _, pid = ready_pod(pods, lines)
        assert status(pid)["NoNewPrivs"].strip() == "1"
        assert capabilities(pid) == expected


def test_true_is_as_unsaid(pods):
    _, pid = ready_pod(pods, "securityContext.allowPrivilegeEscalation = true\n")
    assert status(pid)["NoNewPrivs"].strip() == "0"


def test_what_escalates_by_itself_cannot_be_asked_not_to(pods):
    for lines in (PRIVILEGED, add("SYS_ADMIN"), add("ALL")):
        result = pods.run(never("web: true") + NO_GAIN + lines)
        assert result.code == 125
        assert "cannot be false with privileged or SYS_ADMIN" in result.output


# --- podinit itself ---


def planned(pod):
    """What --plan says of the pod's file that podinit keeps."""
    said = subprocess.run([PODINIT, "--plan", "-c", pod.directory / "pod.ini"], capture_output=True, text=True,
                          check=True).stdout
    (line,) = [line for line in said.splitlines() if line.startswith("podinit keeps: ")]
    words = line.removeprefix("podinit keeps: ").rstrip(".")
    return MACHINE if words == "all" else set() if words == "none" else set(words.split(", "))


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("lines", [
    "", AS_USER + drop("ALL"), drop("ALL") + add("NET_ADMIN"), "nice = 5\n", PRIVILEGED,
    drop("ALL") + "volumeMounts = v:/mnt\n[volume v]\nemptyDir.medium = Memory\n",
    drop("ALL") + "securityContext.seccompProfile.type = RuntimeDefault\n",
    NO_GAIN + drop("ALL") + "securityContext.seccompProfile.type = RuntimeDefault\n"],
    ids=["default", "drop-all", "net-admin", "limits", "privileged", "volume", "filter", "filter-late"])
def test_podinit_keeps_what_the_plan_says(pods, how, lines):
    pod, _ = ready_pod(pods, lines, how=how)
    own = capabilities(pod.inner)
    assert own["CapEff"] == own["CapPrm"] == planned(pod) & MACHINE
    assert not own["CapInh"] and not own["CapAmb"]


def test_a_modest_pod_leaves_podinit_with_little(pods):
    pod, _ = ready_pod(pods, AS_USER + drop("ALL"))
    assert capabilities(pod.inner)["CapPrm"] == {"SETUID", "SETGID", "SETPCAP", "KILL"}


# --- podinit in a container that has less ---


def without(*names):
    return ["capsh", "--drop=" + ",".join(f"cap_{name.lower()}" for name in names), "--shell=/usr/bin/env",
            "--"]


@pytest.mark.parametrize("lines", [add("SYS_TIME"), AS_USER + add("SYS_TIME"), NO_GAIN + add("SYS_TIME")])
@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
def test_what_podinit_does_not_have_it_cannot_give(pods, lines, how):
    start_error(pods, lines, "podinit does not have, and cannot give, capability SYS_TIME", how=how,
                prefix=without("sys_time"))


def test_what_is_only_default_is_given_as_far_as_it_is_there(pods):
    pod, pid = ready_pod(pods, prefix=without("mknod", "audit_write"))
    assert capabilities(pid) == as_root(*(DEFAULT - {"MKNOD", "AUDIT_WRITE"}))
    pod, pid = ready_pod(pods, add("ALL"), prefix=without("mknod"))
    assert capabilities(pid) == as_root(*(MACHINE - {"MKNOD"}))


def test_without_the_right_to_give_less_nothing_said_is_what_podinit_has(pods):
    _, pid = ready_pod(pods, how=PLAIN, prefix=without("setpcap"))
    shown = capabilities(pid)
    assert shown["CapBnd"] == shown["CapPrm"] == shown["CapEff"] == MACHINE - {"SETPCAP"}


def test_without_the_right_to_give_less_less_is_an_error(pods):
    start_error(pods, drop("MKNOD"), "cannot set its capabilities: Operation not permitted", how=PLAIN,
                prefix=without("setpcap"))


def test_without_the_right_to_give_less_no_new_privs_does_it(pods):
    """Nothing that it executes has more than it has, whatever its bounding set."""
    _, pid = ready_pod(pods, drop("MKNOD") + NO_GAIN, how=PLAIN, prefix=without("setpcap"))
    shown = capabilities(pid)
    assert shown["CapPrm"] == shown["CapEff"] == DEFAULT - {"MKNOD", "SETPCAP"}


def test_a_user_without_any_right_gets_none(open_pods):
    _, pid = ready_pod(open_pods, how=PLAIN, prefix=NOBODY)
    assert not capabilities(pid)["CapPrm"]
    _, pid = ready_pod(open_pods, NO_GAIN, how=PLAIN, prefix=NOBODY)
    assert status(pid)["NoNewPrivs"].strip() == "1"
    start_error(open_pods, add("KILL"), "podinit does not have, and cannot give, capability KILL",
                how=PLAIN, prefix=NOBODY)


def test_an_ordinary_user_that_says_drop_all_has_it_as_far_as_it_goes(open_pods):
    """A user without capabilities has nothing to drop; but its setuid programs have."""
    start_error(open_pods, drop("ALL"), "cannot set its capabilities: Operation not permitted", how=PLAIN,
                prefix=NOBODY)
    _, pid = ready_pod(open_pods, drop("ALL") + NO_GAIN, how=PLAIN, prefix=NOBODY)
    assert not capabilities(pid)["CapPrm"]


def test_root_of_a_rootless_sandbox_has_the_default_there(open_pods):
    _, pid = ready_pod(open_pods, how=SANDBOX, prefix=NOBODY)
    assert capabilities(pid) == as_root(*DEFAULT)
    _, pid = ready_pod(open_pods, drop("ALL"), how=SANDBOX, prefix=NOBODY)
    assert capabilities(pid) == as_root()


def test_restarts_are_the_same_again(pods):
    pod = pods.start(f"[pod]\nrestartPolicy = Always\n[main web]\ncommand = {HELPER} polite web 0 0\n"
                     "backoff.initialSeconds = 0\n" + AS_USER + drop("ALL") + add("KILL"))
    for count in (1, 2, 3):
        pod.event(reason="Started", count=count)
        (pid,) = until(pod.processes, "it runs")
        until(lambda: "polite" in open(f"/proc/{pid}/cmdline").read(), "it is the program")
        assert capabilities(pid) == sets({"KILL"}, {"KILL"}, {"KILL"}, {"KILL"})
        subprocess.run(["kill", "-9", str(pid)], check=True)
        until(lambda: pid not in pod.processes(), "it has ended")
