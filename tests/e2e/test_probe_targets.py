"""Probes of targets that answer one byte a second, a gigabyte, nothing, garbage, or close: each is judged in
time, and podinit neither grows nor stands still."""

import signal
import time

import pytest

import bad_servers
from pods import PLAIN, memory_kib, until

TARGETS = {
    "drip": (bad_servers.one_byte_a_second, False),
    "mute": (bad_servers.nothing, False),
    "shut": (bad_servers.closes, False),
    "huge": (bad_servers.gigabyte, True),  # 200, and of its body enough
    "head": (bad_servers.gigabyte_of_head, False),
    "noise": (bad_servers.garbage, False),
    "teapot": (bad_servers.teapot, False),
    "good": (bad_servers.good, True),
}


@pytest.fixture
def servers():
    made = {name: bad_servers.BadServer(answer) for name, (answer, _) in TARGETS.items()}
    yield made
    for server in made.values():
        server.close()


def pod_of(servers, probe, more=""):
    text = "[pod]\nname = targets\nrestartPolicy = Never\nterminationGracePeriodSeconds = 2\n"
    for name, server in servers.items():
        text += (f"[main {name}]\ncommand = sleep 1000\n{probe}.httpGet.port = {server.port}\n"
                 f"{probe}.periodSeconds = 1\n{probe}.timeoutSeconds = 1\n{more}")
    return text


def ready(pod):
    return {one["name"] for one in pod.status()["containerStatuses"] if one["ready"]}


def test_readiness_of_bad_targets(pods, servers):
    pod = pods.start(pod_of(servers, "readinessProbe"), how=PLAIN, control=True)
    good = {name for name, (_, is_good) in TARGETS.items() if is_good}
    for name in TARGETS:
        if name not in good:
            pod.event(reason="Unhealthy", process=name)
    # Each target is asked again and again, whatever the one before was.
    until(lambda: all(server.count >= 4 for server in servers.values()), "all are asked again")
    until(lambda: ready(pod) == good, "those that are good are ready")
    assert not [event for event in pod.events(reason="Unhealthy") if event["process"] in good]
    texts = {event["process"]: event["message"] for event in pod.events(reason="Unhealthy")}
    assert "Client.Timeout exceeded" in texts["drip"] and "Client.Timeout exceeded" in texts["mute"]
    assert "EOF" in texts["shut"] or "reset" in texts["shut"]
    assert "statuscode: 418" in texts["teapot"]
    assert memory_kib(pod.inner, "VmHWM") < 16 * 1024


def test_a_signal_does_not_wait_for_probes(pods, servers):
    pod = pods.start(pod_of(servers, "readinessProbe"), how=PLAIN)
    until(lambda: all(server.count >= 1 for server in servers.values()), "all are asked")
    began = time.monotonic()
    pod.signal(signal.SIGTERM)
    assert pod.wait() == 143
    assert time.monotonic() - began < 2  # all of them end by SIGTERM


def test_liveness_kills_by_what_is_bad_only(pods, servers):
    pod = pods.start(pod_of(servers, "livenessProbe", "livenessProbe.failureThreshold = 1\n"), how=PLAIN)
    for name, (_, is_good) in TARGETS.items():
        if not is_good:
            pod.event(reason="Killing", process=name)
    assert {event["process"] for event in pod.events(reason="Killing")} == {
        name for name, (_, is_good) in TARGETS.items() if not is_good}
