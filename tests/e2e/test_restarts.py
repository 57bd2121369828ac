"""Restarts and the crash backoff, in real time."""

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, never, seconds_between


def starts(pod, name, count, seconds):
    """The times of the first starts of a process, in seconds after the first one's end."""
    pod.event(count=count, seconds=seconds, reason="Started", process=name)
    began = pod.events(reason="Started", process=name)[:count]
    ended = [event for event in pod.events(process=name) if event["reason"] in ("Error", "Completed")]
    return [seconds_between(ended[0], event) for event in began[1:]], \
        [seconds_between(end, begin) for end, begin in zip(ended, began[1:])]


def always(command, more="", policy="Always"):
    return f"[pod]\nrestartPolicy = {policy}\nterminationGracePeriodSeconds = 2\n" \
        f"[main one]\ncommand = {command}\n{more}\n"


FAST = "backoff.initialSeconds = 100ms\nbackoff.maxSeconds = 400ms\n"


def test_always_starts_a_main_that_exits_at_once_at_0_0_and_10_seconds(pods):
    pod = pods.start(always("true"))
    _, waits = starts(pod, "one", 3, 30)
    assert 0 <= waits[0] < 2
    assert 10 <= waits[1] < 12
    backoffs = [event["delaySeconds"] for event in pod.events(reason="BackOff")]
    assert backoffs[0] == pytest.approx(10, abs=0.1)
    assert pod.events(reason="Started", process="one")[2]["restartCount"] == 2
    # Told while it runs, it would die of SIGTERM.
    pod.event(count=3, reason="Completed", process="one")
    assert pod.stop() == 0


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE, PLAIN])
def test_the_delay_doubles_up_to_its_maximum(pods, how):
    pod = pods.start(always("sh -c 'exit 3'", FAST), how=how)
    _, waits = starts(pod, "one", 7, 30)
    for wait, wanted in zip(waits, [0, 0.1, 0.2, 0.4, 0.4, 0.4]):
        assert wanted - 0.001 <= wait < wanted + 1
    delays = [event["delaySeconds"] for event in pod.events(reason="BackOff")]
    assert delays[:5] == pytest.approx([0.1, 0.2, 0.4, 0.4, 0.4], abs=0.02)
    counts = [event["restartCount"] for event in pod.events(reason="Started", process="one")]
    assert counts[:7] == list(range(7))
    # Told while it runs, it would die of SIGTERM.
    pod.event(count=7, reason="Error", process="one")
    assert pod.stop() == 3


def test_the_starts_of_a_main_that_exits_at_once_follow_the_scaled_table(pods):
    pod = pods.start(always("true", "backoff.initialSeconds = 100ms\nbackoff.maxSeconds = 10"))
    times, _ = starts(pod, "one", 5, 30)
    for time, wanted in zip(times, [0, 0.1, 0.3, 0.7]):
        assert wanted - 0.001 <= time < wanted + 1
    pod.stop()


def test_running_long_enough_forgets_the_delay(pods):
    more = FAST + "backoff.resetSeconds = 500ms"
    pod = pods.start(always("sh -c 'sleep 0.7; exit 1'", more))
    _, waits = starts(pod, "one", 4, 30)
    assert max(waits) < 1
    assert not pod.events(reason="BackOff")


def test_on_failure_restarts_only_what_failed(pods, tmp_path):
    flag = tmp_path / "flag"
    command = f"sh -c 'test -e {flag} && exit 0; touch {flag}; exit 5'"
    result = pods.run(always(command, policy="OnFailure"))
    ends = [(event["reason"], event["exitCode"]) for event in result.events if "exitCode" in event]
    assert ends == [("Error", 5), ("Completed", 0)]
    assert result.code == 0


def test_never_restarts_nothing_but_what_a_rule_names(pods, tmp_path):
    flag = tmp_path / "flag"
    ini = never(f"one: sh -c 'test -e {flag} && exit 43; touch {flag}; exit 42'",
                "two: sh -c 'exit 42'")
    ini = ini.replace("[main two]",
                      "restartPolicy = Never\nrestartPolicyRules = Restart In 42,44\n[main two]")
    result = pods.run(ini)
    ends = [(event["process"], event["exitCode"]) for event in result.events if "exitCode" in event]
    assert sorted(ends) == [("one", 42), ("one", 43), ("two", 42)]
    assert result.code == 43


def test_an_init_runs_again_until_it_succeeds_and_only_then_mains_start(pods, tmp_path):
    count = tmp_path / "count"
    ini = always("sleep 1000", policy="OnFailure") + \
        f"[init first]\ncommand = sh -c 'echo x >> {count}; test $(wc -l < {count}) -ge 3'\n{FAST}"
    pod = pods.start(ini)
    main = pod.event(reason="Started", process="one")
    inits = [event for event in pod.events(process="first") if "exitCode" in event]
    assert [event["exitCode"] for event in inits] == [1, 1, 0]
    assert main["monotonicNanos"] > inits[-1]["monotonicNanos"]


def test_a_sidecar_is_restarted_whatever_the_policy_and_does_not_hold_the_pod(pods):
    ini = never("one: sleep 1") + f"[sidecar s]\ncommand = true\n{FAST}"
    result = pods.run(ini)
    restarts = [event for event in result.events
                if event["reason"] == "Started" and event["process"] == "s"]
    assert len(restarts) >= 3
    assert result.code == 0


def test_a_spawn_error_is_retried_with_backoff(pods, tmp_path):
    program = tmp_path / "program"
    pod = pods.start(always(str(program), FAST, "OnFailure"))
    pod.event(reason="StartError", count=3)
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    assert pod.wait() == 0
    errors, backoffs = pod.events(reason="StartError"), pod.events(reason="BackOff")
    assert seconds_between(errors[1], errors[2]) >= 0.1
    assert [event["delaySeconds"] for event in backoffs[:2]] == pytest.approx([0.1, 0.2], abs=0.02)
    assert backoffs[0]["monotonicNanos"] > errors[1]["monotonicNanos"]  # the first has no delay
