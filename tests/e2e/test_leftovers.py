"""What processes leave behind: daemons, children in the group, workers of an entrypoint."""

import time

import pytest

from pods import (HELPER, PLAIN, SANDBOX, UNSHARE, descendants, never, polite, read,
                  seconds_between, state_of, until)

WAYS = [SANDBOX, UNSHARE, PLAIN]

# In a session of its own, its parents gone: a daemon. It says so when it can take a signal.
DAEMON = "(setsid sh -c \"{work}\" &)"


def daemon(trap, name="daemon"):
    """A shell command that leaves a daemon behind which does `trap` on SIGTERM."""
    work = f"trap '{trap}' TERM; echo {name} is there; while :; do sleep 0.05; done"
    return DAEMON.format(work=work)


def script(pods, name, text):
    path = pods.directory / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("how", WAYS)
def test_a_daemon_does_not_outlive_the_pod(pods, how):
    main = script(pods, "main", daemon("exit 0") + "\nsleep 1000")
    pod = pods.start(never(f"m: {main}"), how=how)
    pod.says("daemon is there")
    pod.stop()
    assert not pod.survivors()


@pytest.mark.parametrize("how", WAYS)
def test_a_daemon_that_needs_half_a_second_to_flush_gets_it(pods, how):
    flushed = pods.directory / "flushed"
    main = script(pods, "main", daemon(f"sleep 0.5; echo all > {flushed}; exit 0") + "\nsleep 1000")
    pod = pods.start(never(f"m: {main}"), how=how)
    pod.says("daemon is there")
    pod.stop()
    assert flushed.read_text() == "all\n"
    assert not pod.survivors()


@pytest.mark.parametrize("how", WAYS)
def test_a_daemon_gets_it_too_when_the_pod_ends_by_itself(pods, how):
    flushed, go = pods.directory / "flushed", pods.directory / "go"
    main = script(pods, "main", daemon(f"sleep 0.5; echo all > {flushed}; exit 0")
                  + f"\nuntil test -e {go}; do sleep 0.01; done")
    pod = pods.start(never(f"m: {main}"), how=how)
    pod.says("daemon is there")
    go.touch()
    assert pod.wait() == 0
    assert flushed.read_text() == "all\n"
    assert [event["message"] for event in pod.events(reason="Leftover")]
    assert not pod.survivors()


@pytest.mark.parametrize("umount", ["umount /proc", "umount /proc; umount -l /proc"],
                         ids=["proc-of-another-namespace", "no-proc"])
def test_a_daemon_gets_it_too_where_proc_does_not_show_it(pods, umount):
    flushed, ready = pods.directory / "flushed", pods.directory / "ready"
    work = script(pods, "work", f"trap 'sleep 0.5; echo all > {flushed}; exit 0' TERM\n"
                  f"touch {ready}; while :; do sleep 0.05; done")
    main = script(pods, "main", f"(setsid {work} &)\nexec sleep 1000")
    pod = pods.start(never(f"m: {main}"), how=UNSHARE,
                     prefix=["sh", "-c", f'{umount}; exec "$0" "$@"'])
    until(ready.exists, "the daemon is there")
    pod.running("m")
    began = time.monotonic()
    pod.stop()
    assert flushed.exists() and flushed.read_text() == "all\n"
    assert time.monotonic() - began < 4
    assert len(pod.events(reason="Leftover")) < 5
    assert not pod.survivors()


@pytest.mark.parametrize("how", WAYS)
def test_a_daemon_that_ignores_sigterm_is_killed_within_the_grace_and_2_seconds(pods, how):
    main = script(pods, "main", daemon("") + "\nsleep 1000")
    ini = never(f"m: {main}").replace("PeriodSeconds = 5", "PeriodSeconds = 2")
    pod = pods.start(ini, how=how)
    pod.says("daemon is there")
    began = time.monotonic()
    pod.stop()
    assert 1.9 < time.monotonic() - began < 4.5
    assert not pod.survivors()


def test_many_stubborn_daemons_of_a_stubborn_main_are_gone_in_time(pods):
    lines = [daemon("", f"daemon{number}") for number in range(20)]
    main = script(pods, "main", "trap '' TERM\n" + "\n".join(lines) + "\nwhile :; do sleep 1; done")
    ini = never(f"m: {main}").replace("PeriodSeconds = 5", "PeriodSeconds = 2")
    pod = pods.start(ini)
    for number in range(20):
        pod.says(f"daemon{number} is there")
    began = time.monotonic()
    pod.stop()
    assert time.monotonic() - began < 5
    assert not pod.survivors()


def sleepers(pod, seconds):
    """How many processes of this pod sleep for so long."""
    return [read(f"/proc/{pid}/cmdline") for pid in pod.survivors()].count(f"sleep\0{seconds}\0")


@pytest.mark.parametrize("how", WAYS)
def test_what_a_main_left_in_its_group_is_killed_before_it_starts_again(pods, how):
    ini = "[pod]\nrestartPolicy = Always\n[main m]\n" \
        "command = sh -c 'sleep 4321 & sleep 0.1; exit 1'\nbackoff.initialSeconds = 100ms\n" \
        "[main stay]\ncommand = sleep 1000\n"
    pod = pods.start(ini, how=how)
    pod.event(count=5, reason="Started", process="m")
    assert sleepers(pod, 4321) <= 1
    pod.stop()
    assert not pod.survivors()


def test_what_a_main_left_in_its_group_is_killed_when_it_ends_and_others_run(pods):
    pod = pods.start(never("m: sh -c 'sleep 4321 & exit 0'", "stay: sleep 1000"))
    pod.event(reason="Completed", process="m")
    until(lambda: not sleepers(pod, 4321), "the leftover is gone")
    assert sleepers(pod, 1000) == 1


@pytest.mark.parametrize("how", WAYS)
def test_the_worker_of_an_entrypoint_keeps_its_last_line(pods, how):
    worker = script(pods, "worker", "trap 'sleep 0.3; echo last line; exit 0' TERM\n"
                    f"touch {pods.directory}/ready\nwhile :; do sleep 0.02; done")
    pod = pods.program("sh", "-c", f"{worker} & until test -e {pods.directory}/ready; "
                       "do sleep 0.01; done; exit 7", how=how)
    assert pod.wait() == 7
    assert "last line" in pod.output()
    assert not pod.survivors()


def test_a_group_is_not_told_twice_to_end(pods):
    # A second SIGTERM would end the first one's handler in many programs.
    child = script(pods, "child", "n=0\ntrap 'n=$((n+1)); echo told $n' TERM\necho child is there\n"
                   "i=0; while test $n = 0; do sleep 0.02; done\n"
                   "while test $i -lt 30; do sleep 0.02; i=$((i+1)); done")
    main = script(pods, "main", f"trap 'exit 0' TERM\n{child} &\nwait")
    pod = pods.start(never(f"m: {main}"))
    pod.says("child is there")
    pod.stop()
    assert pod.output().count("told") == 1
    assert not pod.survivors()


def test_the_mains_leftovers_get_the_rest_of_the_grace_while_a_sidecar_ends(pods):
    flushed = pods.directory / "flushed"
    child = script(pods, "child", f"trap 'sleep 2; echo all > {flushed}; exit 0' TERM\n"
                   "echo child is there\nwhile :; do sleep 0.02; done")
    main = script(pods, "main", f"trap 'exit 0' TERM\n{child} &\nwait")
    pod = pods.start(never(f"m: {main}") + f"[sidecar s]\ncommand = {polite('s')}\n")
    pod.says("child is there")
    pod.says("s is ready")
    pod.stop()
    assert flushed.read_text() == "all\n"
    ends = pod.events(reason="Completed")
    assert [event["process"] for event in ends] == ["m", "s"]
    assert seconds_between(*ends) < 1.5


@pytest.mark.parametrize("how", WAYS)
def test_a_daemon_whose_first_thread_has_ended_is_no_zombie(pods, how):
    main = script(pods, "main", f"(setsid {HELPER} leaderless daemon &)\nexec {polite('m')}")
    pod = pods.start(never(f"m: {main}").replace("PeriodSeconds = 5", "PeriodSeconds = 2"), how=how)
    pod.says("daemon is ready")
    pod.says("m is ready")
    until(lambda: "Z" in map(state_of, descendants(pod.inner)), "its first thread has ended")
    began = time.monotonic()
    pod.stop()
    assert "daemon flushed" in pod.out.read_text()
    assert time.monotonic() - began < 2
