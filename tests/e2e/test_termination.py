"""The end of a pod: in order, within its grace, with nothing left."""

import signal
import time

import pytest

from pods import HELPER, PLAIN, SANDBOX, UNSHARE, never, polite, seconds_between, stubborn

WAYS = [SANDBOX, UNSHARE, PLAIN]


def grace(ini, seconds):
    return ini.replace("PeriodSeconds = 5", f"PeriodSeconds = {seconds}")


def ordered_pod():
    ini = ""
    for name in ("a", "b"):
        ini += f"\n[sidecar {name}]\ncommand = {polite(name, milliseconds=200)}\n"
    return never(f"m: {polite('m', milliseconds=200)}") + ini


@pytest.mark.parametrize("ask", ["TERM", "INT", "podctl"])
@pytest.mark.parametrize("how", WAYS)
def test_the_main_ends_first_and_then_the_sidecars_in_reverse_order(pods, how, ask):
    pod = pods.start(ordered_pod(), how=how, control=True)
    for name in "abm":
        pod.says(f"{name} is ready")
    if ask == "podctl":
        assert pod.podctl("shutdown").returncode == 0
    else:
        pod.signal(signal.Signals[f"SIG{ask}"])
    assert pod.wait() == 0
    ends = pod.events(reason="Completed")
    assert [event["process"] for event in ends] == ["m", "b", "a"]
    # Each was told only when the one before it had ended: 0.2 s lie between.
    assert seconds_between(ends[0], ends[1]) >= 0.19
    assert seconds_between(ends[1], ends[2]) >= 0.19
    assert "Stopping" in [event["reason"] for event in pod.events()]
    assert not pod.survivors()


def test_sidecars_end_in_reverse_order_when_the_mains_are_done(pods):
    ini = never("m: sleep 0.5") + "".join(
        f"[sidecar {name}]\ncommand = {polite(name)}\n" for name in ("a", "b", "c"))
    result = pods.run(ini)
    assert [event["process"] for event in result.events if event["reason"] == "Completed"] == \
        ["m", "c", "b", "a"]
    assert result.code == 0


@pytest.mark.parametrize("how", WAYS)
def test_a_main_that_ignores_sigterm_is_killed_at_the_end_of_the_grace(pods, how):
    pod = pods.start(grace(never(f"m: {stubborn('m')}"), 2), how=how)
    pod.says("m is ready")
    began = time.monotonic()
    assert pod.stop() == 137
    assert 1.9 < time.monotonic() - began < 4
    killing = pod.events(reason="Killing", process="m")
    assert [event["signal"] for event in killing] == [15, 9]
    assert 1.99 < seconds_between(*killing) < 3
    assert killing[1]["type"] == "Warning"
    assert not pod.survivors()


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_shortens_the_grace_to_2_seconds(pods, second):
    pod = pods.start(grace(never(f"m: {stubborn('m')}"), 60))
    pod.says("m is ready")
    pod.signal(signal.SIGTERM)
    pod.event(reason="Killing", process="m")
    again = time.monotonic()
    pod.signal(second)
    assert pod.wait() == 137
    assert 1.9 < time.monotonic() - again < 4


def test_podctl_shutdown_shortens_the_grace_to_what_it_says(pods):
    pod = pods.start(grace(never(f"m: {stubborn('m')}"), 60), control=True)
    pod.says("m is ready")
    began = time.monotonic()
    assert pod.podctl("shutdown", "3").returncode == 0
    assert pod.wait() == 137
    assert 2.9 < time.monotonic() - began < 5


def test_everything_stubborn_is_gone_within_the_grace_and_2_seconds(pods):
    ini = grace(never(f"m: {stubborn('m')}"), 2) + "".join(
        f"[sidecar {name}]\ncommand = {stubborn(name)}\n" for name in ("a", "b"))
    pod = pods.start(ini)
    for name in "abm":
        pod.says(f"{name} is ready")
    began = time.monotonic()
    pod.stop()
    assert time.monotonic() - began < 4.5
    assert len(pod.events(reason="Error", signal=9)) == 3


def test_sigterm_in_the_crash_backoff_ends_the_pod_at_once(pods):
    ini = "[pod]\nrestartPolicy = Always\n[main m]\ncommand = sh -c 'exit 3'\n"
    pod = pods.start(ini)
    pod.event(reason="BackOff")
    began = time.monotonic()
    assert pod.stop() == 3
    assert time.monotonic() - began < 2
    assert len(pod.events(reason="Started")) == 2


def test_sigterm_during_an_init_starts_nothing_more(pods):
    ini = never("m: true") + "[init i]\ncommand = sleep 1000\n[init k]\ncommand = true\n"
    pod = pods.start(ini)
    pod.running("i")
    assert pod.stop() == 143
    assert [event["process"] for event in pod.events(reason="Started")] == ["i"]


def test_nothing_is_restarted_once_the_end_has_begun(pods):
    ini = "[pod]\nrestartPolicy = Always\n" \
        f"[main m]\ncommand = {polite('m', milliseconds=1000)}\n[main n]\ncommand = sleep 1000\n" \
        "[sidecar s]\ncommand = sleep 1000\n"
    pod = pods.start(ini)
    pod.running("m", "n", "s")
    pod.says("m is ready")
    pod.stop()
    assert sorted(event["process"] for event in pod.events(reason="Started")) == ["m", "n", "s"]


@pytest.mark.parametrize("how", WAYS)
def test_the_stop_signal_of_a_process_is_its_own(pods, how):
    pod = pods.start(never(f"m: {HELPER} listen m", f"n: {HELPER} listen n")
                     + "lifecycle.stopSignal = SIGRTMIN+3\n", how=how)
    pod.says("m listens")
    pod.says("n listens")
    pod.signal(signal.SIGTERM)
    pod.says("n got 37")
    pod.says("m got 15")
    assert "n got 15" not in pod.output()


def test_a_process_whose_parent_killed_itself_with_it_is_no_trouble(pods):
    # SIGTERM and the process's own end at the same moment, many times over.
    for _ in range(20):
        pod = pods.start(never("m: sh -c 'sleep 0.05'"))
        pod.running("m")
        pod.signal(signal.SIGTERM)
        assert pod.wait() in (0, 143)
        assert len([event for event in pod.events(process="m") if "exitCode" in event]) == 1
