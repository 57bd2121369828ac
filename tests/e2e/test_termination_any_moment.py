"""SIGTERM at any moment of the start: the pod ends, in time, and nothing is left."""

import re
import signal
import time

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, marked, read, side_by_side, until

GRACE = 5
INI = f"""
[pod]
name = any
restartPolicy = Never
terminationGracePeriodSeconds = {GRACE}
[volume v]
emptyDir =
[init i]
command = sleep 0.03
[sidecar a]
command = sleep 1000
[init k]
command = sh -c 'echo k > /mnt/k; sleep 0.02'
volumeMounts = v:/mnt
[sidecar b]
command = sleep 1000
[main m]
command = sleep 1000
volumeMounts = v:/mnt
[main n]
command = sh -c 'sleep 1000 & wait'
"""


def block_signals(pod):
    """A signal to process 1 before its first instruction is lost: the kernel drops it."""
    until(lambda: re.search(r"^SigBlk:\s+f", read(f"/proc/{pod.inner}/status"), re.M)
          or pod.code is not None, "podinit blocks signals", every=0.0005)


def term_after(pods, how, milliseconds):
    pod = pods.start(INI, how=how)
    if how == UNSHARE:
        block_signals(pod)
    time.sleep(max(0, pod.began + milliseconds / 1000 - time.monotonic()))
    pod.signal(signal.SIGTERM)
    told = time.monotonic()
    pod.wait(GRACE + 10)
    took = time.monotonic() - told
    assert pod.code == 143, pod.output()
    assert took < GRACE + 2, f"{milliseconds} ms: took {took} s: {pod.output()}"
    events = pod.events()
    # Every process that began ended, and nothing began after the end had: but one that was being
    # made at that moment may turn out to run, and is told to end at once.
    begun = [event["pid"] for event in events if event["reason"] == "Started"]
    ended = [event["pid"] for event in events if "exitCode" in event and "pid" in event]
    assert sorted(begun) == sorted(ended)
    reasons = [event["reason"] for event in events]
    if "Stopping" in reasons:
        assert reasons[reasons.index("Stopping"):].count("Started") <= 1, pod.output()
        return len(begun)
    return None


@pytest.mark.parametrize("how, moments", [(SANDBOX, range(201)), (PLAIN, range(0, 201, 4)),
                                          (UNSHARE, range(0, 201, 4))])
def test_sigterm_after_any_millisecond_of_the_start_ends_the_pod(pods, how, moments):
    begun = [count for count in
             side_by_side(lambda moment: term_after(pods, how, moment), moments) if count is not None]
    # The moments were not all the same: some found little running, some much.
    assert len(set(begun)) > 2
    assert not marked(pods.directory)
