"""Limits and scheduling of a process, as the kernel shows them; and those that cannot be set."""

import os
import resource
import subprocess

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, never, read, until
from truth import limits, ready_pod, start_error, status

WAYS = [SANDBOX, UNSHARE, PLAIN]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

# Key, the kernel's name, a value below what the machine allows.
RLIMITS = [
    ("as", "Max address space", 1 << 33), ("core", "Max core file size", 0), ("cpu", "Max cpu time", 1000),
    ("data", "Max data size", 1 << 32), ("fsize", "Max file size", 1 << 30), ("locks", "Max file locks", 77),
    ("memlock", "Max locked memory", 4096), ("msgqueue", "Max msgqueue size", 5000),
    ("nice", "Max nice priority", 0), ("nofile", "Max open files", 33), ("nproc", "Max processes", 500),
    ("rss", "Max resident set", 1 << 30), ("rtprio", "Max realtime priority", 0),
    ("rttime", "Max realtime timeout", 100000), ("sigpending", "Max pending signals", 99),
    ("stack", "Max stack size", 1 << 20)]


@pytest.mark.parametrize("key, name, value", RLIMITS, ids=[row[0] for row in RLIMITS])
def test_an_rlimit(pods, key, name, value):
    _, pid = ready_pod(pods, f"rlimit.{key} = {value}\n")
    assert limits(pid)[name] == (str(value), str(value))


def test_all_rlimits_at_once_and_nobody_elses(pods):
    lines = "".join(f"rlimit.{key} = {value}\n" for key, _, value in RLIMITS)
    pod, pid = ready_pod(pods, lines)
    shown, own = limits(pid), limits("self")
    for _, name, value in RLIMITS:
        assert shown[name] == (str(value), str(value)), name
    podinits = limits(pod.inner)
    for name in own:
        if name != "Max open files":  # podinit takes what it may
            assert podinits[name] == own[name], name


@pytest.mark.parametrize("how", WAYS)
def test_nothing_said_is_what_podinit_was_given(pods, how):
    _, pid = ready_pod(pods, how=how)
    assert limits(pid) == limits("self")


def test_soft_and_hard(pods):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    _, pid = ready_pod(pods, f"rlimit.nofile = 100:{hard}\nrlimit.core = 0:unlimited\n"
                       "rlimit.cpu = unlimited\nrlimit.fsize = 1000000:infinity\n")
    shown = limits(pid)
    assert shown["Max open files"] == ("100", str(hard))
    assert shown["Max core file size"] == ("0", "unlimited")
    assert shown["Max cpu time"] == ("unlimited", "unlimited")
    assert shown["Max file size"] == ("1000000", "unlimited")


@pytest.mark.parametrize("user", ["", "securityContext.runAsUser = nobody\n"])
def test_a_hard_limit_that_cannot_be_raised(pods, user):
    """Neither has this machine CAP_SYS_RESOURCE, nor podinit behind setpriv."""
    prefix = ["prlimit", "--nofile=200:300", "setpriv", "--bounding-set=-sys_resource"]
    message = "cannot set rlimit nofile: Operation not permitted"
    start_error(pods, f"rlimit.cpu = 50\nrlimit.nofile = 400\n{user}", message, prefix=prefix)
    start_error(pods, f"rlimit.nofile = 200:unlimited\n{user}", message, prefix=prefix)
    _, pid = ready_pod(pods, f"rlimit.nofile = 300\n{user}", prefix=prefix)
    assert limits(pid)["Max open files"] == ("300", "300")


def test_a_limit_of_files_is_for_the_program_not_for_the_way_there(pods):
    """Users are looked up, scores written, labels set without counting."""
    for number in (0, 3):
        lines = f"rlimit.nofile = {number}\nsecurityContext.runAsUser = nobody\noomScoreAdj = 500\n"
        _, pid = ready_pod(pods, lines)
        assert limits(pid)["Max open files"] == (str(number), str(number))
        assert status(pid)["Uid"].split()[0] == "65534"
        assert read(f"/proc/{pid}/oom_score_adj") == "500\n"


# --- scheduling ---


def test_nice(pods):
    for value in (5, 19, -3):
        pod, pid = ready_pod(pods, f"nice = {value}\n")
        assert os.getpriority(os.PRIO_PROCESS, pid) == value
        assert os.getpriority(os.PRIO_PROCESS, pod.inner) == 0


def test_affinity(pods):
    for cpus in ("0", "1", "0-1"):
        pod, pid = ready_pod(pods, f"cpuAffinity = {cpus}\n")
        assert status(pid)["Cpus_allowed_list"].strip() == cpus
        assert status(pod.inner)["Cpus_allowed_list"] == status("self")["Cpus_allowed_list"]


def test_a_cpu_that_does_not_exist(pods):
    start_error(pods, "cpuAffinity = 1000\n", "cannot set cpuAffinity: Invalid argument")
    start_error(pods, "cpuAffinity = 700-1023\n", "cannot set cpuAffinity: Invalid argument")


@pytest.mark.parametrize("lines, policy, priority", [
    ("cpuSchedulingPolicy = other\n", os.SCHED_OTHER, 0), ("cpuSchedulingPolicy = batch\n", os.SCHED_BATCH, 0),
    ("cpuSchedulingPolicy = idle\n", os.SCHED_IDLE, 0),
    ("cpuSchedulingPolicy = fifo\ncpuSchedulingPriority = 7\n", os.SCHED_FIFO, 7),
    ("cpuSchedulingPolicy = rr\ncpuSchedulingPriority = 99\n", os.SCHED_RR, 99)])
def test_scheduling_policy(pods, lines, policy, priority):
    pod, pid = ready_pod(pods, lines)
    assert os.sched_getscheduler(pid) == policy
    assert os.sched_getparam(pid).sched_priority == priority
    assert os.sched_getscheduler(pod.inner) == os.SCHED_OTHER


@pytest.mark.parametrize("lines, said", [
    ("ioSchedulingClass = idle\n", "idle"), ("ioSchedulingClass = best-effort\n", "best-effort: prio 4"),
    ("ioSchedulingClass = best-effort\nioSchedulingPriority = 0\n", "best-effort: prio 0"),
    ("ioSchedulingClass = realtime\nioSchedulingPriority = 7\n", "realtime: prio 7")])
def test_io_scheduling(pods, lines, said):
    _, pid = ready_pod(pods, lines)
    shown = subprocess.run(["ionice", "-p", str(pid)], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == said


@pytest.mark.parametrize("lines, said", [
    ("numaPolicy = default\n", "default"), ("numaPolicy = bind\nnumaMask = 0\n", "bind:0"),
    ("numaPolicy = preferred\nnumaMask = 0\n", "prefer:0"), ("numaPolicy = local\n", "local"),
    ("numaPolicy = interleave\nnumaMask = 0\n", "interleave:0")])
def test_numa_policy(pods, lines, said):
    _, pid = ready_pod(pods, lines)
    assert said in {line.split()[1] for line in read(f"/proc/{pid}/numa_maps").splitlines()}


def test_a_node_that_does_not_exist(pods):
    start_error(pods, "numaPolicy = bind\nnumaMask = 63\n", "cannot set numaPolicy: Invalid argument")


@pytest.mark.parametrize("lines, message", [
    ("nice = -5\n", "cannot set nice: Permission denied"),
    ("cpuSchedulingPolicy = fifo\ncpuSchedulingPriority = 1\n",
     "cannot set cpuSchedulingPolicy: Operation not permitted"),
    ("ioSchedulingClass = realtime\n", "cannot set ioSchedulingClass: Operation not permitted"),
    ("oomScoreAdj = -5\n", "cannot set oomScoreAdj: Permission denied")])
def test_what_an_ordinary_user_may_not(open_pods, lines, message):
    start_error(open_pods, lines, message, how=PLAIN, prefix=[
        *NOBODY[:1], "--bounding-set=-all", "--inh-caps=-all", *NOBODY[1:]])


def test_what_an_ordinary_user_may(open_pods):
    _, pid = ready_pod(open_pods, "nice = 5\noomScoreAdj = 700\nioSchedulingClass = idle\n"
                       "cpuSchedulingPolicy = batch\nrlimit.nofile = 64\ncpuAffinity = 1\n",
                       how=PLAIN, prefix=NOBODY)
    assert os.getpriority(os.PRIO_PROCESS, pid) == 5
    assert read(f"/proc/{pid}/oom_score_adj") == "700\n"
    assert os.sched_getscheduler(pid) == os.SCHED_BATCH
    assert status(pid)["Cpus_allowed_list"].strip() == "1"


# --- oom_score_adj ---


def score(pid):
    return int(read(f"/proc/{pid}/oom_score_adj"))


def machine_memory():
    return int(read("/proc/meminfo").split()[1]) * 1024


def burstable(request):
    return min(999, max(3, 1000 - 1000 * (request // 1024) // (machine_memory() // 1024)))


@pytest.mark.parametrize("how", WAYS)
def test_an_explicit_score(pods, how):
    for value in (0, 123, 1000):
        pod, pid = ready_pod(pods, f"oomScoreAdj = {value}\n", how=how)
        assert score(pid) == value
        assert score(pod.inner) == score("self")


@pytest.mark.parametrize("how", WAYS)
def test_of_a_pod_that_asks_for_nothing(pods, how):
    pod, pid = ready_pod(pods, how=how)
    assert score(pid) == 1000
    assert score(pod.inner) == score("self")


def test_without_root(open_pods):
    for how in (PLAIN, SANDBOX):
        _, pid = ready_pod(open_pods, how=how, prefix=NOBODY)
        assert score(pid) == 1000
        pod, pid = ready_pod(open_pods, "oomScoreAdj = 123\n", how=how, prefix=NOBODY)
        assert score(pid) == 123
        assert score(pod.inner) == score("self")


def test_of_a_burstable_pod(pods):
    for mib in (100, 500):
        _, pid = ready_pod(pods, f"resources.requests.memory = {mib}Mi\n")
        assert score(pid) == burstable(mib << 20)


def test_a_guaranteed_pod_is_no_error_where_it_cannot_be_set(pods):
    lines = "resources.limits.memory = 100Mi\nresources.limits.cpu = 1\n"
    _, pid = ready_pod(pods, lines)
    permitted = "sys_resource" in subprocess.run(["capsh", "--print"], capture_output=True, text=True,
                                                 check=True).stdout.splitlines()[1]
    assert score(pid) == (-997 if permitted else score("self"))


def test_a_sidecar_is_killed_no_sooner_than_the_mains(pods):
    ini = never("web: sleep 1000") + "resources.requests.memory = 500Mi\n[sidecar side]\ncommand = sleep 2000\n"
    pod = pods.start(ini)
    pod.running("side", "web")
    side, web = (next(one for one in pod.processes() if text in read(f"/proc/{one}/cmdline"))
                 for text in ("2000", "1000"))
    assert score(web) == burstable(500 << 20)
    assert score(side) == score(web)


def test_limits_of_a_process_with_everything(pods, tmp_path):
    """With a view, a namespace, a user: the same limits, set once."""
    _, pid = ready_pod(pods, "rlimit.nofile = 64\nnice = 4\ncpuAffinity = 0\numask = 077\noomScoreAdj = 9\n"
                       "securityContext.runAsUser = nobody\nvolumeMounts = v:/mnt\n[volume v]\nemptyDir =\n",
                       pod="shareProcessNamespace = false")
    until(lambda: limits(pid).get("Max open files") == ("64", "64"), "its limit of files")
    assert os.getpriority(os.PRIO_PROCESS, pid) == 4
    assert status(pid)["Cpus_allowed_list"].strip() == "0"
    assert status(pid)["Umask"].strip() == "0077"
    assert score(pid) == 9
