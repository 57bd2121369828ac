"""Clients of the control socket that misbehave: none of them holds podinit up or makes it grow."""

import os
import socket
import time

import pytest

from pods import children, memory_kib, never, until

PAGES = 4 * 4  # KiB


@pytest.fixture
def pod(pods):
    """A pod that restarts a main every 50 ms: what it does while it is asked is seen."""
    ini = "[pod]\nrestartPolicy = Always\nterminationGracePeriodSeconds = 2\n[main stay]\n" \
        "command = sleep 1000\n[main loop]\ncommand = true\nbackoff.initialSeconds = 50ms\n" \
        "backoff.maxSeconds = 50ms\n"
    pod = pods.start(ini, control=True)
    pod.event(count=3, reason="Started", process="loop")
    assert pod.status()["phase"] == "Running"
    return pod


def client(pod):
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(pod.socket)  # waits where many do
    connection.settimeout(20)
    return connection


def goes_on(pod):
    """podinit does its work: the main goes on being restarted."""
    begun = len(pod.events(reason="Started", process="loop"))
    pod.event(count=begun + 3, seconds=5, reason="Started", process="loop")


def descriptors(pod):
    return len(os.listdir(f"/proc/{pod.inner}/fd"))


def is_closed(connection):
    """Has podinit ended the connection? Reads what it said before."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_a_client_that_says_nothing_is_dropped(pod):
    before = descriptors(pod)
    silent = [client(pod) for _ in range(3)]
    goes_on(pod)
    assert pod.status()["phase"] == "Running"
    until(lambda: all(map(is_closed, silent)), "the silent clients are dropped", seconds=15)
    until(lambda: descriptors(pod) == before, "their descriptors are closed")


def test_a_client_of_one_byte_a_second_is_served_or_dropped(pod):
    slow = client(pod)
    for byte in b"status\n":
        slow.sendall(bytes([byte]))
        time.sleep(1)  # this is what the client is like, not a wait for podinit
    answer = b""
    while chunk := slow.recv(65536):
        answer += chunk
    assert answer.startswith(b'{"phase":"Running"') and answer.endswith(b"]}\n")
    goes_on(pod)


def test_a_megabyte_without_a_newline_is_refused(pod):
    before = memory_kib(pod.inner, "RssAnon")
    for _ in range(20):
        flood = client(pod)
        try:
            flood.sendall(b"x" * 1_000_000)
            raise AssertionError("podinit took a megabyte")
        except (BrokenPipeError, ConnectionResetError):
            pass
        flood.close()
    goes_on(pod)
    assert memory_kib(pod.inner, "RssAnon") - before <= PAGES
    assert pod.status()["phase"] == "Running"


def test_a_hundred_connections_at_once_are_bounded(pod):
    before, fds = memory_kib(pod.inner, "RssAnon"), descriptors(pod)
    many = [client(pod) for _ in range(100)]
    goes_on(pod)
    assert descriptors(pod) - fds <= 10
    assert memory_kib(pod.inner, "RssAnon") - before <= PAGES
    for connection in many:
        connection.close()
    until(lambda: descriptors(pod) == fds, "all are closed")
    assert pod.status()["phase"] == "Running"


def test_the_ones_too_many_are_told_so(pod):
    many = [client(pod) for _ in range(20)]
    told = []

    def count():
        told[:] = []
        for connection in many:
            connection.setblocking(False)
            try:
                told.append(connection.recv(65536, socket.MSG_PEEK))
            except BlockingIOError:
                pass
        return len(told) == 12
    until(count, "twelve of twenty are refused")
    assert set(told) == {b'{"error":"too many clients"}\n'}


def test_a_client_that_never_reads_is_dropped(pods):
    # Enough processes that the answer is more than a socket's buffer holds.
    names = [f"a-main-with-a-rather-long-name-{number}" for number in range(700)]
    pod = pods.start(never(*(f"{name}: sleep 1000" for name in names)), control=True)
    pod.event(reason="Started", process=names[-1], seconds=60)
    fds = descriptors(pod)
    deaf = client(pod)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    deaf.sendall(b"status\n")
    until(lambda: descriptors(pod) == fds + 1, "it is being served")
    assert len(pod.status()["containerStatuses"]) == 700
    until(lambda: descriptors(pod) == fds, "it is dropped", seconds=15)
    assert len(children(pod.inner)) == 700


def test_a_client_that_goes_away_in_the_middle_is_no_trouble(pod):
    for number in range(200):
        connection = client(pod)
        if number % 2:
            connection.sendall(b"status\n")
        connection.close()
    goes_on(pod)
    assert pod.status()["phase"] == "Running"


def test_a_slow_client_does_not_delay_the_end(pod):
    silent = [client(pod) for _ in range(8)]
    began = time.monotonic()
    pod.stop()
    assert time.monotonic() - began < 2
    until(lambda: all(map(is_closed, silent)), "the clients are dropped")
    assert not os.path.exists(pod.socket)


def test_podctl_shows_a_pod_whose_answer_has_many_pieces_while_it_changes(pods):
    ini = "[pod]\nrestartPolicy = Always\n" + "".join(
        f"[main m{number}]\ncommand = true\nbackoff.initialSeconds = 20ms\n"
        "backoff.maxSeconds = 20ms\n" for number in range(30))
    pod = pods.start(ini, control=True)
    for _ in range(50):
        status = pod.status()
        assert [one["name"] for one in status["containerStatuses"]] == \
            [f"m{number}" for number in range(30)]
