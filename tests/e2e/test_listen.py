"""Sockets that podinit makes for its processes, holds, and hands over (LISTEN_FDS)."""

import os
import socket
import stat

import pytest

from pods import NOTIFIER, PLAIN, SANDBOX, UNSHARE, never, podinit, read, until

POD = "[pod]\nname = test\nrestartPolicy = {policy}\nterminationGracePeriodSeconds = 5\n"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def pod_of(*keys, words="report first", policy="Never"):
    return POD.format(policy=policy) + f"\n[main m]\ncommand = {NOTIFIER} {words}\n" + "\n".join(keys)


def refused(pods, *keys):
    """What podinit says of a pod with a main of these keys; it has started nothing."""
    file = pods.make_directory() / "pod.ini"
    mark = file.with_name("mark")
    file.write_text(pod_of(*keys, words=f"pid-file {mark}"))
    result = podinit("--no-control", "-c", file)
    assert result.returncode == 125 and not mark.exists()
    return [line.partition("pod.ini:")[2] for line in result.stderr.splitlines() if "pod.ini:" in line]


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE, PLAIN])
def test_sockets_are_handed_over_in_order_with_their_names(pods, how):
    directory = pods.make_directory()
    pod = pods.start(pod_of(f"listen = {free_port()}", f"listen = a={directory}/s dgram",
                            "listen = @one/two seqpacket", f"listen = u=127.0.0.1:{free_port()} udp",
                            "rlimit.nofile = 16", "env = LISTEN_FDNAMES_OF_MINE=x"), how=how)
    assert pod.wait() == 0
    assert read(pod.out).splitlines() == [
        "first: LISTEN_FDS=4 for me m:a:m:u", "3: socket of type 1", "4: socket of type 2",
        "5: socket of type 5", "6: socket of type 2"]


def test_what_the_file_says_of_a_variable_wins(pods):
    pod = pods.start(pod_of("listen = @x", "env = LISTEN_FDS=0"))
    assert pod.wait() == 0
    assert read(pod.out) == "first: LISTEN_FDS=0 for me m\n"


def test_a_process_with_a_view_and_a_user_of_its_own_gets_a_port_below_1024(pods):
    pod = pods.start(pod_of("listen = 80", "listen = 127.0.0.1:53 udp",
                            "securityContext.runAsUser = 1000", "securityContext.capabilities.drop = ALL",
                            "securityContext.readOnlyRootFilesystem = true"))
    assert pod.wait() == 0
    assert read(pod.out).splitlines()[1:] == ["3: socket of type 1", "4: socket of type 2"]


def test_a_process_gets_nothing_of_anothers(pods):
    ini = pod_of("listen = @x") + f"\n[main n]\ncommand = {NOTIFIER} report n\n"
    pod = pods.start(ini)
    assert pod.wait() == 0
    assert "n: LISTEN_FDS=  \n" in read(pod.out)


def test_who_connects_between_two_instances_is_served_by_the_next(pods):
    port = free_port()
    pod = pods.start(pod_of(f"listen = 127.0.0.1:{port}", words="answer served exit 1",
                            policy="Always"), how=PLAIN)

    def ask():
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
            return sock.makefile().readline()

    pod.running("m")
    first = ask()
    # The first one ends with its answer, so this one comes to the second, whenever.
    second = ask()
    assert first.startswith("served ") and second.startswith("served ") and first != second
    assert pod.stop() in (0, 1, 143)
    with pytest.raises(ConnectionRefusedError):
        ask()


def test_a_path_has_its_mode_and_goes_with_the_pod(pods):
    directory = pods.make_directory()
    one, two, three = directory / "one", directory / "two", directory / "three"
    pod = pods.start(pod_of(f"listen = {one}", f"listen = {two} mode=0600 dgram",
                            f"listen = {three}", words="stay there"))
    until(lambda: "there" in read(pod.out), "it has begun")
    assert stat.S_IMODE(one.stat().st_mode) == 0o666
    assert stat.S_IMODE(two.stat().st_mode) == 0o600
    three.unlink()
    three.write_text("somebody else's")
    pod.stop()
    assert not one.exists() and not two.exists()
    assert three.read_text() == "somebody else's"


@pytest.mark.parametrize("kind, option", [(socket.SOCK_STREAM, ""), (socket.SOCK_DGRAM, "dgram")])
def test_a_path_that_nobody_serves_is_replaced_and_one_in_use_is_not(pods, kind, option):
    path = pods.make_directory() / "s"
    other = socket.socket(socket.AF_UNIX, kind)
    other.bind(str(path))
    if kind == socket.SOCK_STREAM:
        other.listen()
    assert refused(pods, f"listen = {path} {option}") == \
        [f"8: main m: listen: cannot listen on {path}: Address already in use"]
    assert path.is_socket()
    other.close()
    pod = pods.start(pod_of(f"listen = {path} {option}"))
    assert pod.wait() == 0
    assert "3: socket" in read(pod.out)


def test_every_socket_that_cannot_be_is_told_before_anything_starts(pods):
    directory = pods.make_directory()
    (directory / "file").write_text("")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        errors = refused(pods, f"listen = 127.0.0.1:{port}", f"listen = {directory}/file",
                         f"listen = {directory}/no/s", f"listen = 203.0.113.1:{port}")
    assert errors == [
        f"8: main m: listen: cannot listen on 127.0.0.1:{port}: Address already in use",
        f"9: main m: listen: cannot listen on {directory}/file: there is something else than a socket",
        f"10: main m: listen: cannot listen on {directory}/no/s: No such file or directory",
        f"11: main m: listen: cannot listen on 203.0.113.1:{port}: Cannot assign requested address"]
    assert (directory / "file").exists()


def test_what_was_made_before_an_error_is_removed(pods):
    path = pods.make_directory() / "s"
    assert len(refused(pods, f"listen = {path}", "listen = 203.0.113.1:80")) == 1
    assert not path.exists()


def test_a_bad_socket_is_refused_where_it_stands(pods):
    assert refused(pods, "listen = localhost:80")[0].startswith(
        "8: main m: listen: must be [NAME=]ADDRESS with options")
    assert refused(pods, "listen = 80", "listen = x=80") == \
        ["9: main m: listen: 80 is main m's already"]


def test_nothing_of_it_is_in_podinits_environment_or_another_pod(pods):
    pod = pods.start(never("m: env"))
    pod.wait()
    assert "LISTEN_" not in read(pod.out) or "LISTEN_FDS" in os.environ
