"""podprobe against real servers, all of which are threads of this process; see probe_servers.py."""

import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
from types import SimpleNamespace

import grpc
import pytest

from pods import PODINIT, until
from probe_servers import (Health, Server, Web, answer, certificate, grpc_server, name_server, redirect,
                           reset, says, silence, tls)

PODPROBE = os.environ.get("PODPROBE") or str(pathlib.Path(PODINIT).with_name("podprobe"))
SUCCESS, FAILURE, WARNING, ERROR = range(4)
# Where nothing else can be opened, nor anything else be found.
needs_static = pytest.mark.skipif(
    b"interpreter" in subprocess.run(["file", PODPROBE], capture_output=True).stdout,
    reason="podprobe is linked dynamically")


def run(*words, **how):
    """Its exit code, and its line on standard output; "" is none."""
    done = subprocess.run([*how.pop("prefix", ()), PODPROBE, *map(str, words)], capture_output=True,
                          timeout=20, **how)
    said = done.stdout.decode("ascii")
    assert said == "" or (said.endswith("\n") and said[:-1].isprintable() and len(said) <= 1024)
    assert bool(said) != bool(done.stderr), "either a verdict or a complaint"
    return done.returncode, said.rstrip("\n") or done.stderr.decode()


def chain(answers, prefix, length):
    """PREFIX0 leads over that many redirects to a success."""
    for i in range(length):
        answers[f"{prefix}{i}"] = redirect(f"{prefix}{i + 1}")
    answers[f"{prefix}{length}"] = answer()


ANSWERS = {
    "/": answer(),
    "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/399": answer("399 Odd"),
    "/400": answer("400 Bad Request"),
    "/500": answer("500 Internal Server Error", b"x" * 100),
    "/304": answer("304 Not Modified"),
    "/interim": b"HTTP/1.1 100 Continue\r\n\r\n" + answer(),
    "/until-the-end": b"HTTP/1.0 200 OK\r\n\r\nno length",
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all",
    "/garbage": b"\x16\x03\x01\x1b[31mwhat?\r\n\r\n",
    "/nothing": b"",
    "/half": b"HTTP/1.1 200 OK\r\nContent-Le",
    "/nowhere": answer("301 Moved Permanently"),
    "/relative": redirect("../x/../204"),
    "/other": redirect("http://example.com/é", "307 Temporary Redirect"),
    "/escape": redirect("http://example.com/\x1b[31m"),
    "/localhost": redirect("http://localhost/"),
    "/bad": redirect("http://127.0.0.1:nothing/"),
    "/ftp": redirect("ftp://127.0.0.1/"),
    "/reset": reset,
}
chain(ANSWERS, "/ten", 10)
chain(ANSWERS, "/eleven", 11)


def send_chunks_without_end(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    try:
        while True:
            connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
    except OSError:
        pass


def send_head_without_end(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    try:
        while True:
            connection.sendall(b"X: " + b"x" * 4096 + b"\r\n")
    except OSError:
        pass


ANSWERS["/big"] = send_chunks_without_end
ANSWERS["/long-head"] = send_head_without_end


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """The servers `clear` and `secure` have the same answers, and lead to each other."""
    key = certificate(tmp_path_factory.mktemp("tls"), "key")
    servers = SimpleNamespace(key=key, clear=Web(dict(ANSWERS)), secure=Web(dict(ANSWERS), tls(key)))
    for here, there, scheme in ((servers.clear, servers.secure, "https"),
                                (servers.secure, servers.clear, "http")):
        here.answers["/over"] = redirect(f"{scheme}://127.0.0.1:{there.port}/204?x=1")
        here.answers["/absolute"] = redirect(f"//127.0.0.1:{here.port}/204")
    yield servers
    for server in (servers.clear, servers.secure):
        server.shutdown()
        server.server_close()


@pytest.fixture
def serve():
    """Starts a Server; it ends with the test."""
    started = []

    def start(talk, **how):
        started.append(Server(talk, **how))
        return started[-1]
    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# --- HTTP and HTTPS ---

VERDICTS = {
    "/": (SUCCESS, "HTTP probe succeeded with statuscode: 200"),
    "": (SUCCESS, "HTTP probe succeeded with statuscode: 200"),
    "204": (SUCCESS, "HTTP probe succeeded with statuscode: 204"),
    "/399": (WARNING, "Probe terminated redirects, statuscode: 399"),
    "/400": (FAILURE, "HTTP probe failed with statuscode: 400"),
    "/500": (FAILURE, "HTTP probe failed with statuscode: 500"),
    "/304": (WARNING, "Probe terminated redirects, statuscode: 304"),
    "/interim": (SUCCESS, "HTTP probe succeeded with statuscode: 200"),
    "/until-the-end": (SUCCESS, "HTTP probe succeeded with statuscode: 200"),
    "/cut": (SUCCESS, "HTTP probe succeeded with statuscode: 200"),
    "/big": (SUCCESS, "HTTP probe succeeded with statuscode: 200"),
    "/garbage": (FAILURE, "malformed HTTP response"),
    "/nothing": (FAILURE, "EOF"),
    "/half": (FAILURE, "unexpected EOF"),
    "/long-head": (FAILURE, "server response headers exceeded"),
    "/nowhere": (WARNING, "Probe terminated redirects, statuscode: 301"),
    "/relative": (SUCCESS, "HTTP probe succeeded with statuscode: 204"),
    "/absolute": (SUCCESS, "HTTP probe succeeded with statuscode: 204"),
    "/over": (SUCCESS, "HTTP probe succeeded with statuscode: 204"),
    "/other": (WARNING, "Probe terminated redirects, statuscode: 307, Location: http://example.com/??"),
    "/escape": (FAILURE, "invalid control character"),
    "/localhost": (WARNING, "Location: http://localhost/"),
    "/bad": (FAILURE, "invalid port after host"),
    "/ftp": (FAILURE, "unsupported protocol scheme"),
    "/ten0": (SUCCESS, "HTTP probe succeeded with statuscode: 200"),
    "/eleven0": (FAILURE, "stopped after 10 redirects"),
    "/reset": (FAILURE, "connection reset by peer"),
}


@pytest.mark.parametrize("kind", ["http", "https"])
def test_verdicts(web, kind):
    """What each answer means, in the clear and by TLS with a certificate that nobody has signed."""
    port = (web.clear if kind == "http" else web.secure).port
    wrong = []
    for path, (code, words) in VERDICTS.items():
        got = run(kind, "127.0.0.1", port, path)
        if got[0] != code or words not in got[1]:
            wrong.append((path, got))
    assert not wrong


def test_hook_verdicts(web):
    """To a hook, every answer is a success; only none is a failure."""
    for path, code in {"/": 0, "/500": 0, "/other": 0, "/nowhere": 0, "/eleven0": 1, "/nothing": 1,
                       "/garbage": 1}.items():
        assert run("http", "--hook", "127.0.0.1", web.clear.port, path)[0] == code, path


def test_request(web):
    """What is sent, byte by byte."""
    host = f"Host: 127.0.0.1:{web.clear.port}"
    usual = ["Accept: */*", "Connection: close", host, "User-Agent: kube-probe/1.32"]

    def sent(*options, path="/"):
        assert run("http", *options, "127.0.0.1", web.clear.port, path)[0] == SUCCESS
        return web.clear.last()
    assert sent() == ("GET / HTTP/1.1", usual)
    assert sent(path="/?a=b c#d") == ("GET /?a=b%20c HTTP/1.1", usual)
    assert sent("--user-agent=me")[1] == [*usual[:3], "User-Agent: me"]
    assert sent("--user-agent=me", "--header=user-agent: you")[1] == [*usual[:3], "user-agent: you"]
    assert sent("--hook")[1] == [*usual[:3], "User-Agent: kube-lifecycle/1.32"]
    assert sent("--header=Accept:", "--header=User-Agent: ")[1] == ["Connection: close", host]
    assert sent("--header=X: 1", "--header=X: 2")[1] == [*usual, "X: 1", "X: 2"]
    assert sent("--header=Host: web:1")[1] == sorted([*usual[:2], "Host: web:1", usual[3]])


def test_host_and_redirects(web):
    """A Host header goes with redirects of the same server, and not to an URL of its own."""
    for path, host in {"/relative": "web", "/over": f"127.0.0.1:{web.secure.port}"}.items():
        assert run("http", "--header=Host: web", "127.0.0.1", web.clear.port, path)[0] == SUCCESS
        server = web.secure if path == "/over" else web.clear
        assert f"Host: {host}" in server.last()[1]
    assert server.last()[0] == "GET /204?x=1 HTTP/1.1"


def test_server_name(web):
    """TLS asks for names, and for no numbers."""
    web.secure.names.clear()
    run("https", "127.0.0.1", web.secure.port)
    run("https", "localhost", web.secure.port)
    run("https", "--header=Host: web.example:1234", "127.0.0.1", web.secure.port)
    assert web.secure.names == [None, "localhost", "web.example"]


def test_old_tls(web, tmp_path):
    """A server of TLS 1.2 with a key that is too short for everybody else."""
    key = certificate(tmp_path, "short", ["rsa:1024"])
    server = Web({"/": answer()}, tls(key, "AES128-SHA:@SECLEVEL=0"))
    assert run("https", "127.0.0.1", server.port)[0] == SUCCESS
    server.shutdown()
    server.server_close()


def test_https_answered_by_http(serve):
    """A hook that asked for TLS tries without, once, and shows nobody its password; a probe does not."""
    requests = []

    def talk(connection, _):
        requests.append(connection.recv(65536))
        # What TLS would take for the end of a record that never comes is HTTP all the same.
        connection.sendall(answer("400 Bad Request", b"Client sent no HTTP request\n"))
    port = serve(talk).port
    words = "server gave HTTP response to HTTPS client"
    code, said = run("https", "--header=Authorization: Basic eDp5", "127.0.0.1", port)
    assert (code, words in said, len(requests)) == (FAILURE, True, 1)
    code, said = run("https", "--hook", "--header=authorization: Basic eDp5", "--header=X: y",
                     "127.0.0.1", port, "/hook")
    assert (code, len(requests)) == (SUCCESS, 3)
    assert requests[2].startswith(b"GET /hook HTTP/1.1\r\n") and b"X: y" in requests[2]
    assert b"uthorization" not in requests[2]


def test_https_hook_fails(serve):
    """Other failures of TLS are no reason to try in the clear."""
    for talk in (says(b"\x15\x03\x01\0\2\2\x28"), says(b"garbage, not HTTP/1.1"), says(b""), reset):
        server = serve(talk)
        assert run("https", "--hook", "127.0.0.1", server.port)[0] == FAILURE
        assert server.connected == 1


# --- gRPC ---

LONG = "s" * 300


@pytest.fixture(scope="module")
def health():
    """A health service; and a server that has none."""
    code = grpc.StatusCode
    service = Health({
        "": b"\x08\1", "down": b"\x08\2", "unknown": b"\x08\3", "new": b"\x08\7", "zero": b"",
        "more": b"\x12\2hi\x1d\0\0\0\0\x08\1", "bad": b"\x08", "large": b"x" * 1000, LONG: b"\x08\1",
        "late": (code.DEADLINE_EXCEEDED, "too late"), "denied": (code.PERMISSION_DENIED, "no\n\x1b: é"),
    })
    with_it, without = grpc_server(service), grpc_server()
    yield SimpleNamespace(service=service, port=with_it[1], without=without[1])
    for server, _ in (with_it, without):
        server.stop(None)


def test_grpc_verdicts(health):
    failed = "error: health rpc probe failed: rpc error: code = "
    wrong = []
    for service, (code, words) in {
            "": (SUCCESS, "service healthy"),
            "more": (SUCCESS, "service healthy"),
            LONG: (SUCCESS, "service healthy"),
            "down": (FAILURE, 'service unhealthy (responded with "NOT_SERVING")'),
            "unknown": (FAILURE, 'service unhealthy (responded with "SERVICE_UNKNOWN")'),
            "zero": (FAILURE, 'service unhealthy (responded with "UNKNOWN")'),
            "new": (FAILURE, 'service unhealthy (responded with "7")'),
            "nobody": (FAILURE, failed + "NotFound desc = unknown service"),
            "denied": (FAILURE, failed + "PermissionDenied desc = no??: ??"),
            "late": (FAILURE, "timeout: health rpc did not complete: too late"),
            "bad": (FAILURE, failed + "Internal desc = the answer is no HealthCheckResponse"),
            "large": (FAILURE, failed + "Unavailable desc = ")}.items():
        got = run("grpc", "127.0.0.1", health.port, service)
        if got[0] != code or not got[1].startswith(words):
            wrong.append((service, got))
    assert not wrong
    assert health.service.asked[:2] == [b"", b"\x0a\4more"]
    assert health.service.agents[0].startswith("kube-probe/1.32")


def test_grpc_without_health(health):
    code, said = run("grpc", "127.0.0.1", health.without)
    assert code == FAILURE and said.startswith(
        "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ")


def test_grpc_elsewhere(serve):
    """Servers of something else, and none."""
    port = closed_port()
    address = f'error: failed to connect service at "127.0.0.1:{port}": '
    assert run("grpc", "127.0.0.1", port) == (
        FAILURE, f"{address}dial tcp 127.0.0.1:{port}: connect: connection refused")
    for talk in (says(b""), reset, says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), says(b"\xff" * 100),
                 says(b"\0\0\0\4\0\0\0\0\0" + b"\0\0\0\x63\0\0\0\0\1")):
        code, said = run("grpc", "127.0.0.1", serve(talk).port)
        assert code == FAILURE and said.startswith("error: "), said


def test_grpc_by_a_proxy(serve):
    """A server of HTTP/2 that knows of no gRPC: its settings, and headers with `:status 404`."""
    frames = b"\0\0\0\4\0\0\0\0\0" + b"\0\0\1\1\5\0\0\0\1\x8d"
    code, said = run("grpc", "127.0.0.1", serve(says(frames)).port)
    assert code == FAILURE and "does not implement" in said and said.endswith("404")


# --- names, TCP, and what is no kind's own ---

def test_tcp(serve):
    port = closed_port()
    assert run("tcp", "127.0.0.1", serve(silence).port)[0] == SUCCESS
    assert run("tcp", "127.0.0.1", port) == (
        FAILURE, f"dial tcp 127.0.0.1:{port}: connect: connection refused")


def test_ipv6(serve):
    try:
        server = serve(says(answer()), host="::1", family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    assert run("http", "::1", server.port)[0] == SUCCESS
    server.shutdown()
    server.server_close()
    code, said = run("http", "::1", server.port)
    assert code == FAILURE and f'Get "http://[::1]:{server.port}/": dial tcp [::1]:' in said


@needs_static
def test_names(web, tmp_path):
    """Numbers and localhost need no file. Other names are those of /etc/hosts and of DNS, in a root
    with no program and no library, whatever its nsswitch.conf names."""
    shutil.copy(PODPROBE, tmp_path / "podprobe")

    def inside(host):
        done = subprocess.run(["chroot", tmp_path, "/podprobe", "https", host, str(web.secure.port)],
                              capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout
    assert inside("127.0.0.1")[0] == inside("LocalHost")[0] == SUCCESS
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hosts").write_text("127.0.0.1 web\n")
    (tmp_path / "etc/nsswitch.conf").write_text("hosts: mymachines resolve nosuch\n")
    (tmp_path / "etc/resolv.conf").write_text("nameserver 127.0.0.77\noptions attempts:1\n")
    server = name_server("127.0.0.77", {"far.example": ["127.0.0.1"],
                                        "two.example": ["127.0.0.99", "127.0.0.1"]})
    try:
        for name in ("web", "far.example", "two.example"):
            assert inside(name)[0] == SUCCESS, name
        code, said = inside("nosuch.example")
        assert code == FAILURE and said.endswith("dial tcp: lookup nosuch.example: no such host\n")
    finally:
        server.close()


@pytest.mark.parametrize("kind", ["http", "https", "grpc"])
def test_killed(serve, kind):
    """A server that says nothing: podprobe waits until it is killed, or who started it is."""
    server = serve(silence)
    probe = subprocess.Popen([PODPROBE, kind, "127.0.0.1", str(server.port)], stdout=subprocess.PIPE)
    until(lambda: server.connected == 1, "it is connected")
    probe.kill()
    assert probe.communicate()[0] == b"" and probe.returncode == -signal.SIGKILL
    parent = subprocess.Popen(["sh", "-c", f"{PODPROBE} {kind} 127.0.0.1 {server.port}; :"])
    until(lambda: server.connected == 2, "it is connected again")
    parent.kill()
    parent.wait()
    until(lambda: server.gone == 2, "it has ended with its parent")


@needs_static
def test_not_even_tried(web):
    """Without a descriptor nothing is learned about the server."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    for kind in ("http", "https", "grpc", "tcp"):
        code, said = run(kind, "127.0.0.1", web.clear.port, preexec_fn=limit)
        assert code == ERROR and said.endswith("socket: too many open files")


@pytest.mark.parametrize("words", [
    [], ["ftp", "h", "1"], ["http"], ["http", "h"], ["http", "h", "0"], ["http", "h", "65536"],
    ["http", "h", "080"], ["http", "h", "+1"], ["http", "h", "1 "], ["http", "", "1"],
    ["http", "a/b", "1"], ["http", "-v", "1"], ["http", "[::1]", "1"], ["http", "h" * 256, "1"], ["http", "a\nb", "1"],
    ["http", "h", "1", "/", "more"], ["http", "h", "1", "/" * 40000], ["http", "h", "1", "--hook", "/"],
    ["http", "--header=X", "h", "1"], ["http", "--header=X Y: 1", "h", "1"],
    ["http", "--header=X: 1\r\nY: 2", "h", "1"], ["http", "--user-agent=a\nb", "h", "1"],
    ["http", "--nosuch", "h", "1"], ["http", "--hook=1", "h", "1"], ["http", "--hoo", "h", "1"],
    ["http", "--header", "X: 1", "h", "1"], ["http", "--headers=X: 1", "h", "1"], ["http", "-v", "h", "1"],
    ["tcp", "--hook", "h", "1"], ["tcp", "h", "1", "/"], ["tcp", "--user-agent=x", "h", "1"],
    ["grpc", "--hook", "h", "1"], ["grpc", "--header=X: 1", "h", "1"], ["grpc", "h", "1", "s" * 4097],
], ids=str)
def test_usage(words):
    code, said = run(*words)
    assert code == ERROR and said.startswith(("podprobe: ", "usage: "))


def test_help():
    for option, words in {"--help": "usage: podprobe ", "--version": "podprobe "}.items():
        done = subprocess.run([PODPROBE, option], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.startswith(words) and not done.stderr
