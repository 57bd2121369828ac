"""What process 1 is for: reaping what others leave behind, and losing nothing meanwhile."""

import pytest

from pods import (HELPER, PLAIN, SANDBOX, UNSHARE, children, descendants, memory_kib, state_of,
                  until)

PAGES = 8 * 4  # KiB that memory may differ by


def pod_of(command, loops=("first", "second")):
    ini = "[pod]\nrestartPolicy = Always\nterminationGracePeriodSeconds = 2\n" \
        f"[main orphans]\nrestartPolicy = Never\ncommand = {command}\n"
    for number, name in enumerate(loops):
        ini += f"[main {name}]\ncommand = sh -c 'exit {41 + number}'\n" \
            "backoff.initialSeconds = 50ms\nbackoff.maxSeconds = 50ms\n"
    return ini


@pytest.mark.parametrize("how, count", [(SANDBOX, 20000), (UNSHARE, 4000), (PLAIN, 4000)])
def test_orphans_are_reaped_while_two_mains_crash_and_nothing_is_lost(pods, how, count):
    # The first thousand warms up what grows once; the others must not make it grow further.
    go = pods.directory / "go"
    script = f"{HELPER} orphans 1000; until test -e {go}; do sleep 0.05; done; {HELPER} orphans {count}"
    pod = pods.start(pod_of(f"sh -c '{script}'"), how=how, control=True)

    def reaped():
        return pod.status()["podinit"]["orphansReaped"]
    until(lambda: reaped() >= 1000, "the first orphans are reaped", every=0.1)
    before = memory_kib(pod.inner)
    go.touch()
    pod.event(reason="Completed", process="orphans", seconds=120)
    until(lambda: reaped() == count + 1000, "every orphan is reaped", every=0.1)
    after = memory_kib(pod.inner)
    assert after - before <= PAGES, f"VmRSS {before} -> {after} KiB"

    pod.stop()
    for name, code in (("first", 41), ("second", 42)):
        begun = pod.events(reason="Started", process=name)
        ended = pod.events(reason="Error", process=name)
        assert len(begun) > 20
        assert [event["pid"] for event in ended] == [event["pid"] for event in begun]
        # The last one may have been told to stop.
        assert {event["exitCode"] for event in ended[:-1]} == {code}


def test_no_zombie_is_left_while_the_pod_runs(pods):
    pod = pods.start(pod_of(f"{HELPER} orphans 500", loops=()) + "[main stay]\ncommand = sleep 1000\n",
                     control=True)
    pod.event(reason="Completed", process="orphans")
    until(lambda: len(children(pod.inner)) == 1, "only the main is a child")
    assert [state_of(pid) for pid in descendants(pod.inner)] == ["S"]


def test_orphans_are_told_when_verbose_and_only_then(pods):
    for options, told in ((["-v"], 3), ([], 0)):
        # Their maker stays: with it would go those of its group that are still there.
        pod = pods.start(pod_of(f"sh -c '{HELPER} orphans 3; exec sleep 1000'", loops=()),
                         options=options, control=True)
        until(lambda: pod.status()["podinit"]["orphansReaped"] == 3, "three orphans are reaped")
        events = pod.events(reason="Orphan")
        assert len(events) == told
        assert sorted(event["exitCode"] for event in events) == list(range(told))
        assert pod.output().count("which podinit did not start") == told


def test_the_exit_code_of_an_orphan_is_never_taken_for_a_mains(pods):
    # The orphan may end before, with and after the main that it belongs to.
    ini = "[pod]\nrestartPolicy = Always\n"
    for name, when in (("before", "0"), ("with", "0.05"), ("after", "0.1")):
        ini += f"[main {name}]\ncommand = sh -c '(sleep {when}; exit 99) & sleep 0.05; exit 7'\n" \
            "backoff.initialSeconds = 10ms\nbackoff.maxSeconds = 10ms\n"
    pod = pods.start(ini)
    for name in ("before", "with", "after"):
        pod.event(count=20, reason="Error", process=name)
    pod.stop()
    for name in ("before", "with", "after"):
        codes = {event["exitCode"] for event in pod.events(reason="Error", process=name)[:-1]}
        assert codes == {7}
