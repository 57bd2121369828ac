"""Hooks that are commands: whose they are, how they end, and that nothing of them stays."""

import os
import shutil
import signal
import time

import pytest

from pods import HELPER, PLAIN, SANDBOX, UNSHARE, children, descendants, memory_kib, never, polite, read, stubborn, state_of, until
from test_rootfs import make_root

# What a process can say of itself with a shell and little else.
FACTS = """
{
	grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Umask|SigBlk|SigIgn)' /proc/self/status
	cat /proc/self/oom_score_adj /proc/self/cgroup /proc/1/comm
	readlink /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/net
	pwd; umask; ulimit -a; export -p
	echo input: $(cat | head -c 1)
	ls -d /proc/self/fd/[0-9]*
} >"$1" 2>&1
echo whole >>"$1"
"""
ALONE = "shareProcessNamespace = false\n"
CASES = {
    "nothing said": ("", ""),
    "a user": ("securityContext.runAsUser = 1234\nsecurityContext.runAsGroup = 2345\n"
               "securityContext.capabilities.add = NET_ADMIN\n", ""),
    "nothing gained": ("securityContext.allowPrivilegeEscalation = false\n"
                       "securityContext.seccompProfile.type = RuntimeDefault\n"
                       "securityContext.capabilities.drop = ALL\numask = 0027\n"
                       "rlimit.nofile = 100\noomScoreAdj = 500\n", ""),
    "a volume": ("volumeMounts = data:/mnt\nworkingDir = /mnt\nenv = GREETING=hello you\n",
                 "[volume data]\nemptyDir =\n"),
    "alone": ("", ALONE),
    "alone and a user": ("securityContext.runAsUser = 1234\nsecurityContext.capabilities.drop = ALL\n", ALONE),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_root(tmp_path_factory.mktemp("template") / "root")


def hooked(main, more="", pod="", **hooks):
    """A pod of one main with these hooks: post_start="true"."""
    names = {"post_start": "postStart", "pre_stop": "preStop"}
    lines = "".join(f"lifecycle.{names[hook]}.exec.command = {command}\n" for hook, command in hooks.items())
    volume = pod if pod.startswith("[") else ""
    return never(f"web: {main}").replace("\n[main", f"{'' if volume else pod}\n{volume}[main") + lines + more


def failed(pod, hook="PostStart", name="web"):
    """Waits until the hook of this process has failed: why."""
    message = pod.event(reason=f"Failed{hook}Hook", process=name)["message"]
    prefix = f"{name}: {hook[0].lower()}{hook[1:]} hook failed"
    assert message.startswith(prefix)
    return message[len(prefix):]


def same_facts(pods, directory, seen_as, more, pod="", **how):
    script = f"{seen_as}/facts.sh"
    (directory / "facts.sh").write_text(FACTS)
    (directory / "facts.sh").chmod(0o755)
    directory.chmod(0o777)
    ini = hooked(f"sh -c 'sh {script} {seen_as}/main; exec sleep 1000'", more, pod,
                 post_start=f"sh -c 'exec sh {script} {seen_as}/started'",
                 pre_stop=f"sh -c 'exec sh {script} {seen_as}/stopping'")
    started = pods.start(ini, **how)

    def said(name):
        lines = until(lambda: read(directory / name).endswith("whole\n") and read(directory / name) or
                      (started.code is not None and "ended"), f"{name} has said all")
        return lines.splitlines()
    facts = [said("main"), said("started")]
    started.signal(signal.SIGTERM)
    facts.append(said("stopping"))
    assert started.wait() == 143
    assert facts[0] == facts[1] == facts[2]
    assert len(facts[0]) > 25 and not started.events(reason="FailedPostStartHook")
    assert not started.events(reason="FailedPreStopHook") and not started.survivors()
    return facts[0]


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE, PLAIN])
@pytest.mark.parametrize("case", CASES)
def test_a_hook_is_in_all_what_its_process_is(pods, open_directory, case, how):
    more, pod = CASES[case]
    facts = same_facts(pods, open_directory, open_directory, more, pod, how=how)
    assert ("podinit-reaper" in facts) == ("alone" in case)


@pytest.mark.parametrize("pod", ["", ALONE])
@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
def test_a_hook_is_in_the_root_of_its_process(pods, template, tmp_path, pod, how):
    root = shutil.copytree(template, tmp_path / "root")
    more = f"rootfs = {root}\nsecurityContext.runAsUser = 1234\nsecurityContext.capabilities.drop = ALL\n"
    (root / "facts").mkdir()
    facts = same_facts(pods, root / "facts", "/facts", more, pod, how=how)
    assert "CapEff:\t0000000000000000" in facts


@pytest.mark.parametrize("pod", ["[volume data]\nemptyDir =\n", ALONE])
def test_a_process_that_changes_its_user_by_itself_keeps_no_hook_out(pods, pod):
    # The kernel closes the /proc of such a one to those who may not trace it.
    main = "python3 -c 'import os, time; os.setuid(1234); print(\"changed\", flush=True); time.sleep(1000)'"
    volume = "volumeMounts = data:/mnt\n" if "volume" in pod else ""
    started = pods.start(hooked(main, volume, pod, pre_stop="sh -c 'test -d /mnt; exit 3'"))
    started.says("changed")
    started.signal(signal.SIGTERM)
    assert failed(started, "PreStop") == ": exit code 3"
    assert started.wait() == 143


def test_a_hook_leads_a_session_of_its_own(pods, tmp_path):
    pod = pods.start(hooked("sleep 1000", post_start=f"sh -c 'echo $$$$ $(cat /proc/$$/stat) >{tmp_path}/stat'"))
    line = until(lambda: read(tmp_path / "stat").endswith("\n") and read(tmp_path / "stat"), "it has said it").split()
    number, stat = line[0], line[1:]
    assert stat[0] == stat[4] == stat[5] == number  # process, group, session
    pod.stop()


@pytest.mark.parametrize("pod", ["", ALONE])
@pytest.mark.parametrize("command, why", [
    ("sh -c 'echo one; echo two >&2; exit 7'", ": exit code 7: one two"),
    ("sh -c 'kill -9 $$$$'", ": killed by SIGKILL"),
    ("sh -c 'printf \"\\\\033[1m\\\\tx\\\\377y\\\\n\\\\n\"; exit 1'", ": exit code 1: [1m x?y"),
    ("nowhere-at-all", ": cannot execute nowhere-at-all: No such file or directory"),
    ("/etc/passwd", ": cannot execute /etc/passwd: Permission denied"),
])
def test_how_a_hook_failed_is_told(pods, command, why, pod):
    started = pods.start(hooked(polite("web"), pod=pod, post_start=command))
    assert failed(started) == why
    started.wait()
    assert f"web: postStart hook failed{why}\n" in started.output()
    assert not started.survivors()


def test_a_flood_of_output_is_read_and_not_kept(pods):
    pod = pods.start(hooked(stubborn("web"), post_start="sh -c 'yes | head -c 1000; head -c 1000000000 /dev/zero; exit 4'"),
                    control=True)
    pod.running("web")
    before = memory_kib(pod.inner, "VmHWM")
    assert failed(pod).startswith(": exit code 4: y y y ")
    assert len(pod.event(reason="FailedPostStartHook")["message"]) < 300
    assert memory_kib(pod.inner, "VmHWM") < before + 1024
    pod.destroy()


@pytest.mark.parametrize("pod", ["", ALONE])
def test_what_a_hook_leaves_behind_does_not_delay_its_end_and_is_killed(pods, pod, tmp_path):
    hook = f"sh -c 'sleep 1234 & echo gone >{tmp_path}/said; exit 1'"
    started = pods.start(hooked(polite("web", 0, 300), pod=pod, post_start=hook))
    assert failed(started) == ": exit code 1"
    until(lambda: not any("1234" in read(f"/proc/{pid}/cmdline").split("\0")
                          for pid in descendants(started.inner)), "it is gone")
    started.wait()
    assert not started.events(reason="Leftover")


@pytest.mark.parametrize("pod", ["", ALONE])
def test_a_hook_without_end_is_cut_when_the_grace_is_over(pods, pod):
    ini = hooked(polite("web"), pod=pod, pre_stop="sh -c 'trap : TERM; sleep 1000 & wait; wait'")
    started = pods.start(ini.replace("PeriodSeconds = 5", "PeriodSeconds = 1"))
    started.says("web is ready")
    began = time.monotonic()
    assert started.stop() == 0
    assert 1 <= time.monotonic() - began < 3
    assert failed(started, "PreStop") == ": it was not over in time"
    assert not started.survivors() and not started.events(reason="Leftover")


@pytest.mark.parametrize("pod", ["", ALONE])
@pytest.mark.parametrize("how", [SANDBOX, PLAIN])
def test_the_end_of_the_pod_does_not_wait_for_a_post_start_hook(pods, how, pod, tmp_path):
    hook = f"sh -c 'trap : TERM; echo here >{tmp_path}/here; while :; do sleep 1000; done'"
    started = pods.start(hooked(polite("web"), pod=pod, post_start=hook), how=how)
    until(lambda: read(tmp_path / "here"), "the hook runs")
    started.says("web is ready")
    began = time.monotonic()
    assert started.stop() == 0
    assert time.monotonic() - began < 2
    assert not started.survivors() and not started.events(reason="Leftover")


@pytest.mark.parametrize("pod", ["", ALONE])
def test_a_hook_ends_with_its_process(pods, pod, tmp_path):
    hook = f"sh -c 'echo here >{tmp_path}/here; exec sleep 1000'"
    main = f"sh -c 'until test -s {tmp_path}/here; do sleep 0.01; done; exit 3'"
    result = pods.run(hooked(main, pod=pod, post_start=hook))
    assert result.code == 3
    assert [event["reason"] for event in result.events if event.get("process")] == ["Started", "Error"]


@pytest.mark.parametrize("pod", ["", ALONE])
def test_hundreds_of_hooks_leave_no_zombie(pods, pod):
    count = 50 if pod else 200
    mains = never(*(f"m{number}: sleep 1000" for number in range(count))).replace("\n[main m0]", f"{pod}\n[main m0]")
    hooks = "lifecycle.postStart.exec.command = true\nlifecycle.preStop.exec.command = true\n"
    started = pods.start(mains.replace("sleep 1000\n", f"sleep 1000\n{hooks}"), control=True)
    started.event(reason="Started", process=f"m{count - 1}", seconds=60)
    until(lambda: len(children(started.inner)) == count, "there is a child for each, and no other")
    assert all(state_of(pid) != "Z" for pid in children(started.inner))
    assert "orphan" not in started.status() or not started.status()["orphans"]
    began = time.monotonic()
    assert started.stop() == 143
    assert time.monotonic() - began < 10
    for hook in ("PostStart", "PreStop"):
        assert not started.events(reason=f"Failed{hook}Hook")


def test_without_descriptors_a_hook_fails_and_nothing_is_lost(pods):
    count = 40
    mains = never(*(f"m{number}: sleep 1000" for number in range(count)))
    hook = "lifecycle.postStart.exec.command = true\n"
    pod = pods.start(mains.replace("sleep 1000\n", f"sleep 1000\n{hook}"),
                     prefix=["sh", "-c", 'ulimit -n 30; exec "$0" "$@"'])
    pod.event(reason="FailedPostStartHook")
    until(lambda: len(pod.events(reason="Started")) == count, "all have started")
    assert all("Too many open files" in event["message"] for event in pod.events(reason="FailedPostStartHook"))
    assert pod.stop() == 143
    assert not pod.survivors()


def test_a_hook_that_was_cancelled_is_not_taken_for_the_next(pods, tmp_path):
    # The process ends while its hook is being started, again and again; only the last hook fails by itself.
    script = tmp_path / "main"
    script.write_text(f"#!/bin/sh\necho x >>{tmp_path}/runs\n"
                      f"test $(wc -l <{tmp_path}/runs) -gt 1 && exec sleep 1000\nexit 1\n")
    script.chmod(0o755)
    hook = f"sh -c 'test $(wc -l <{tmp_path}/runs) -gt 1 && exit 5; exec sleep 1000'"
    ini = hooked(script, post_start=hook).replace("Policy = Never", "Policy = Always")
    pod = pods.start(ini)
    assert failed(pod) == ": exit code 5"
    pod.stop()
    assert os.path.exists(HELPER) and not pod.survivors()
