"""One network attempt of a probe or a hook (src/linux/request.c), against servers of every bad kind: the program
of requests.c makes all attempts of a table side by side, and each row is looked at. What podinit makes of them is
not looked at here."""

import contextlib
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

from pods import MEASURED, NAMESPACES, ROOT, until

AGENT = "kube-probe/1.33"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SHORT, LONG = 1000, 15000  # ms: of an attempt that must run into it, and of one that must not


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    program = tmp_path_factory.mktemp("requests") / "requests"
    linux = ROOT / "src/linux"
    subprocess.run(["cc", "-O1", "-g", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                    "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-iquote",
                    ROOT / "src", "-Wl,--wrap=send", "-o", program,
                    ROOT / "tests/e2e/requests.c", *linux.glob("request*.c"),
                    *sorted(linux.glob("http_*.c")), ROOT / "src/spec/text.c",
                    ROOT / "src/spec/arena.c", "-lev", "-lm"], check=True)
    return program


def record(name, kind, host, port, path="-", limit=LONG, headers=()):
    return "\x1f".join([name, kind, host, str(port), path, str(limit), AGENT, *headers]) + "\x1e"


def attempts(driver, records, **options):
    """What became of each: result, ms, text."""
    done = subprocess.run([driver], input="".join(records).encode(), capture_output=True, timeout=60,
                          **options)
    assert done.returncode == 0, done.stderr.decode()
    found = {}
    for line in done.stdout.decode(errors="replace").splitlines():
        name, *fields = line.split("\t")
        assert name not in found, f"{name} is over twice"
        found[name] = fields
    # No descriptor is left: the loop has 3 and 4.
    assert int(found.pop("lowest")[0]) <= 5
    assert int(found.pop("sizeof")[0]) <= 1536
    return found


# --- servers ---

class Servers:
    """Each behaviour listens on a port of its own; every connection is a thread's."""

    def __init__(self):
        self.listeners, self.requests, self.connections = [], {}, []

    def add(self, name, behave, family=socket.AF_INET):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        listener.listen(64)
        self.listeners.append(listener)
        self.requests[name] = []
        threading.Thread(target=self.serve, args=(listener, name, behave), daemon=True).start()
        return listener.getsockname()[1]

    def serve(self, listener, name, behave):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection, name, behave), daemon=True).start()

    def talk(self, connection, name, behave):
        try:
            behave(connection, self.requests[name])
        except OSError:
            pass  # the other end has what it wanted
        connection.close()

    def finish(self):
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def read_head(connection, requests):
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(65536)
        if not more:
            break
        head += more
    requests.append(head.decode("latin-1"))
    return head


def answers(*pieces, keeps=False):
    """A server that reads the request and writes these; a number is a pause in seconds."""
    def behave(connection, requests):
        read_head(connection, requests)
        for piece in pieces:
            if isinstance(piece, bytes):
                connection.sendall(piece)
            else:
                time.sleep(piece)
        if keeps:  # until the other end closes
            connection.recv(1)
    return behave


def status(line, *headers, body=b""):
    head = [f"HTTP/1.1 {line}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def redirects(location, code="302 Found", **more):
    return answers(status(code, f"Location: {location}"), **more)


def resets(connection, requests, answer=b""):
    read_head(connection, requests)
    connection.sendall(answer)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def endless(head, piece):
    def behave(connection, requests):
        read_head(connection, requests)
        connection.sendall(head)
        while True:
            connection.sendall(piece)
    return behave


def slow(answer, pause):
    return answers(*(part for byte in answer for part in (bytes([byte]), pause)))


def site(connection, requests):
    """/ROUTE is redirected by this table, /N to /N-1, all else is there."""
    routes = {"/login": "/done", "/a/b/c": "../x?y=1", "/query?a=b": "?c=d", "/missing": "/404",
              "/host": "//127.0.0.1:{port}/done", "/whole": "http://127.0.0.1:{port}/done",
              "/user": "http://me:secret@127.0.0.1:{port}/done", "/fragment": "/done#part",
              "/https": "https://127.0.0.1:{port}/s?q#f", "/mailto": "mailto:root", "/ftp":
              "ftp://127.0.0.1:21/", "/name": "http://localhost:{port}/done", "/blank": "/a b",
              "/port": "http://127.0.0.1:port/", "/colon": "1a:b", "/loop": "/loop", "/utf8": "/\xe9",
              "/control": "/a\x01b", "/long": "/" + "x" * 700, "/" + "x" * 700: "/done",
              "/tooLong": "/" + "x" * 5000, "/nocut": "http://elsewhere.example/" + "x" * 5000,
              "/fit": "/" + "y" * 766, "/noFit": "/" + "y" * 767}
    path = read_head(connection, requests).split(b" ")[1].decode("latin-1")
    location = routes.get(path)
    if path[1:].isdigit():
        location = f"/{int(path[1:]) - 1}" if int(path[1:]) else None
    if path == "/404":
        connection.sendall(status("404 Not Found"))
    elif location is None:
        connection.sendall(OK)
    else:
        location = location.replace("{port}", str(connection.getsockname()[1]))
        connection.sendall(f"HTTP/1.1 301 Moved\r\nLocation: {location}\r\n\r\n".encode("latin-1"))
        time.sleep(0.05)


def full(connection, requests):
    """Reads nothing for a while: what is sent has to wait."""
    time.sleep(0.1)
    answers(OK)(connection, requests)


BROKEN = r'Get "{url}": net/http: HTTP/1.x transport connection broken: '
STATUS = "HTTP probe failed with statuscode: "
WAITING = r'Get "{url}": context deadline exceeded \(Client.Timeout exceeded while awaiting headers\)'
READING = (r'Get "{url}": context deadline exceeded \(Client.Timeout or context cancellation while '
           r'reading body\)')

# name: server, result, text (a pattern); and what differs: kind, path, limit
ANSWERS = {
    "ok": (answers(OK), "success", ""),
    "keeps": (answers(OK, keeps=True), "success", ""),
    "http10": (answers(b"HTTP/1.0 200 OK\n\nwhat follows"), "success", ""),
    "noReason": (answers(b"HTTP/1.1 200\r\n\r\n"), "success", ""),
    "204": (answers(b"HTTP/1.1 204 No Content\r\n\r\n", keeps=True), "success", ""),
    "304": (answers(b"HTTP/1.1 304 Not Modified\r\n\r\n", keeps=True), "warning",
            "Probe terminated redirects, statuscode: 304"),
    "399": (answers(status("399 What")), "warning", "Probe terminated redirects, statuscode: 399"),
    "400": (answers(status("400 Bad")), "failure", STATUS + "400"),
    "404": (answers(status("404 Not Found", body=b"x" * 100)), "failure", STATUS + "404"),
    "500": (answers(status("500 Oh", body=b"x" * 100000)), "failure", STATUS + "500"),
    "101": (answers(b"HTTP/1.1 101 Switching\r\n\r\n", keeps=True), "failure", STATUS + "101"),
    "interim": (answers(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK),
                "success", ""),
    "pieces": (slow(OK, 0.001), "success", ""),
    "manyHeaders": (answers(b"HTTP/1.1 200 OK\r\n" + b"X-Much: " + b"y" * 30000 + b"\r\n" +
                            b"X-More: z\r\n" * 2000 + b"\r\n"), "success", ""),
    "tooManyHeaders": (endless(b"HTTP/1.1 200 OK\r\n", b"X-Much: y\r\n" * 1000), "failure",
                       'Get "{url}": net/http: server response headers exceeded 65536 bytes; aborted'),
    "endlessHeader": (endless(b"HTTP/1.1 200 OK\r\nX-Much: ", b"y" * 65536), "failure",
                      'Get "{url}": net/http: server response headers exceeded 65536 bytes; aborted'),
    "endlessInterim": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "failure",
                       'Get "{url}": net/http: server response headers exceeded 65536 bytes; aborted'),
    "gigabyte": (endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", b"y" * 65536),
                 "success", ""),
    "endless": (endless(b"HTTP/1.1 503 No\r\n\r\n", b"y" * 65536), "failure", STATUS + "503"),
    "bodyMax": (answers(b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 10240, keeps=True), "success", ""),
    "chunked": (answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhel",
                        b"lo\r\n", b"A\r\n0123456789\r\n0\r\n\r\n", keeps=True), "success", ""),
    "chunkedBig": (answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nffffffffffffffffff\r\n" +
                           b"y" * 20000, keeps=True), "success", ""),
    "chunkedBad": (answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwhat\r\n", keeps=True),
                   "success", ""),
    "noBody": (answers(b"HTTP/1.1 200 OK\r\n\r\n", keeps=True), "timeout", READING, {"limit": SHORT}),
    "halfBody": (answers(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", keeps=True), "timeout",
                 READING, {"limit": SHORT}),
    "cutBody": (answers(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), "success", ""),
    "resetBody": (lambda c, r: resets(c, r, b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf"),
                  "failure", STATUS + r'500|Get "{url}": read tcp: read: connection reset by peer'),
    "slow": (slow(OK, 0.2), "timeout", WAITING, {"limit": SHORT}),
    "silent": (answers(keeps=True), "timeout", WAITING, {"limit": SHORT}),
    "silentHook": (answers(keeps=True), "timeout", WAITING, {"limit": SHORT, "kind": "hook"}),
    "closes": (answers(), "failure", 'Get "{url}": EOF'),
    "closesAtOnce": (lambda c, r: None, "failure",
                     'Get "{url}": (EOF|(read|write) tcp: (read|write): .*)'),
    "resets": (resets, "failure", 'Get "{url}": read tcp: read: connection reset by peer'),
    "cutHead": (answers(b"HTTP/1.1 200 OK\r\nContent-"), "failure", BROKEN + "unexpected EOF"),
    "cutStatus": (answers(b"HTTP/1.1 20"), "failure",
                  BROKEN + 'malformed HTTP status code in "HTTP/1.1 20"'),
    "garbage": (answers(b"\x15\x03\x01\x00\x02\x02P"), "failure",
                BROKEN + r'malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02P"'),
    "ssh": (answers(b"SSH-2.0-OpenSSH_9.2p1\r\n", keeps=True), "failure",
            BROKEN + 'malformed HTTP response "SSH-2.0-OpenSSH_9.2p1"'),
    "endlessGarbage": (endless(b"", bytes(range(32, 127))), "failure",
                       BROKEN + r'malformed HTTP response " !\\"#.*"'),
    "badStatus": (answers(b"HTTP/1.1 OK 200\r\n\r\n"), "failure", BROKEN + "malformed HTTP status.*"),
    "noColon": (answers(b"HTTP/1.1 200 OK\r\nwhat is this\r\n\r\n"), "failure",
                BROKEN + 'malformed MIME header line: "what is this"'),
    "folded": (answers(b"HTTP/1.1 200 OK\r\nX-A: b\r\n c: d\r\n e\r\ncOnTeNt-LeNgTh:0\r\n\r\n",
                       keeps=True), "success", ""),
    "badLength": (answers(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "failure",
                  BROKEN + 'bad Content-Length "-1"'),
    "twoLengths": (answers(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
                   "failure", BROKEN + 'bad Content-Length "2"'),
    "gzipped": (answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"), "failure",
                BROKEN + 'unsupported transfer encoding: "gzip"'),
    "hook500": (answers(status("500 Oh")), "success", "", {"kind": "hook"}),
    "hookRedirect": (redirects("http://elsewhere.example/"), "success", "", {"kind": "hook"}),
    "hookGarbage": (answers(b"what\n"), "failure", BROKEN + '.*', {"kind": "hook"}),
    "otherHost": (redirects("https://elsewhere.example:1/x?y"), "warning",
                  r"Probe terminated redirects, statuscode: 302, "
                  r"Location: https://elsewhere.example:1/x\?y"),
    "emptyLocation": (redirects(""), "warning", "Probe terminated redirects, statuscode: 302"),
    "300": (redirects("/", "300 Choices"), "warning",
            "Probe terminated redirects, statuscode: 300, Location: /"),
    "twoLocations": (answers(status("307 Moved", "Location: http://one.example/", "Location: /two")),
                     "warning", ".*, Location: http://one.example/"),
    "locationOf200": (answers(status("200 OK", "Location: /x")), "success", ""),
    "tcp": (lambda c, r: c.recv(1), "success", "", {"kind": "tcp"}),
    "tcpClosesAtOnce": (lambda c, r: None, "success", "", {"kind": "tcp"}),
    "cancelled": (answers(OK), None, None, {"kind": "cancel"}),
    "full": (full, "success", "", {"headers": [f"X-{n}: {'y' * 500}" for n in range(30)]}),
    "tooLong": (answers(OK), "failure", 'Get "{url}": request too long',
                {"headers": [f"X-{n}: {'y' * 500}" for n in range(40)]}),
    "control": (answers(OK), "failure", 'Get ".*": net/url: invalid control character in URL',
                {"path": "/a\r\nX: y"}),
    "inject": (answers(OK), "failure", 'Get "{url}": net/http: invalid header field value',
               {"headers": ["X-A: b\r\nX-C: d"]}),
    "injectHost": (answers(OK), "failure", 'Get "{url}": net/http: invalid header field value',
                   {"headers": ["Host: b\nX-C: d"]}),
    "noName": (answers(OK), "failure", 'Get "{url}": net/http: invalid header field name',
               {"headers": ["what"]}),
    "blankName": (answers(OK), "failure", 'Get "{url}": net/http: invalid header field name',
                  {"headers": ["X A: b"]}),
}

# path: result, text, and the paths that were asked for
TOLD = "Probe terminated redirects, statuscode: 301, Location: "
REDIRECTS = {
    "/login": ("success", "", ["/login", "/done"]),
    "/a/b/c": ("success", "", ["/a/b/c", "/a/x?y=1"]),
    "/query?a=b": ("success", "", ["/query?a=b", "/query?c=d"]),
    "/missing": ("failure", STATUS + "404", ["/missing", "/404"]),
    "/host": ("success", "", ["/host", "/done"]),
    "/whole": ("success", "", ["/whole", "/done"]),
    "/user": ("success", "", ["/user", "/done"]),
    "/fragment": ("success", "", ["/fragment", "/done"]),
    "/blank": ("success", "", ["/blank", "/a%20b"]),
    "/utf8": ("success", "", ["/utf8", "/%E9"]),
    "/long": ("success", "", ["/long", "/" + "x" * 700, "/done"]),
    "/fit": ("success", "", ["/fit", "/" + "y" * 766]),
    "/noFit": ("failure", 'Get ".*/noFit": URL too long', ["/noFit"]),
    "/tooLong": ("failure", 'Get ".*/tooLong": Location header too long', ["/tooLong"]),
    "/nocut": ("warning", TOLD + "http://elsewhere.example/x*", ["/nocut"]),
    "/https": ("elsewhere", r"https://127.0.0.1:\d+/s\?q", ["/https"]),
    "/mailto": ("warning", TOLD + "mailto:root", ["/mailto"]),
    "/name": ("warning", TOLD + r"http://localhost:\d+/done", ["/name"]),
    "/ftp": ("failure", 'Get ".*/ftp": unsupported protocol scheme', ["/ftp"]),
    "/port": ("failure", 'Get ".*": invalid port after host', ["/port"]),
    "/colon": ("failure", 'Get ".*": first path segment in URL cannot contain colon', ["/colon"]),
    "/control": ("failure", 'Get ".*": net/url: invalid control character in URL', ["/control"]),
    "/10": ("success", "", [f"/{n}" for n in range(10, -1, -1)]),
    "/11": ("failure", 'Get ".*/1": stopped after 10 redirects', [f"/{n}" for n in range(11, 0, -1)]),
    "/loop": ("failure", 'Get ".*/loop": stopped after 10 redirects', ["/loop"] * 11),
}

# Headers of the user: and lines of the request that then are there or (beginning with -) are not.
HEADERS = {
    "defaults": ([], ["Host: 127.0.0.1:{port}", f"User-Agent: {AGENT}", "Accept: */*",
                      "Connection: close", "-Accept-Encoding", "-Content-Length"]),
    "own": (["user-agent: me", "ACCEPT: text/html", "X-One:1", "X-One: 2", "X-Empty:"],
            ["user-agent: me", "ACCEPT: text/html", "X-One: 1", "X-One: 2", "X-Empty: ",
             "-User-Agent", "-Accept: */*"]),
    "removed": (["Accept:", "User-Agent: "], ["-Accept", "-User-Agent"]),
    "host": (["Host: example.com"], ["Host: example.com", "-Host: 127"]),
    "emptyHost": (["Host:"], ["Host: 127.0.0.1:{port}"]),
    "body": (["Content-Length: 5", "Transfer-Encoding: chunked", "X: y"],
             ["X: y", "-Content-Length", "-Transfer-Encoding"]),
}


@pytest.fixture(scope="module")
def found(driver):
    """Makes all attempts of all tables, once: their results, and what the servers were asked."""
    servers, records, ports = Servers(), [], {}
    for name, (behave, _, _, *rest) in ANSWERS.items():
        more = {"kind": "http", "path": "/p", **(rest[0] if rest else {})}
        ports[name] = servers.add(name, behave)
        records.append(record(name, more.pop("kind"), "-", ports[name], **more))
    for path in REDIRECTS:
        ports[path] = servers.add(path, site)
        records.append(record(path, "http", "-", ports[path], path))
    for name, (headers, _) in HEADERS.items():
        name = f"headers.{name}"
        ports[name] = servers.add(name, answers(OK))
        records.append(record(name, "http", "-", ports[name], headers=headers))
    results = attempts(driver, records)
    yield results, servers.requests, ports
    servers.finish()


def check(result, expected, text, **names):
    text = re.sub(r"{(\w+)}", lambda name: names[name[1]], text)
    assert result[0] == expected, result
    assert re.fullmatch(text, result[2]), result


@pytest.mark.parametrize("name", ANSWERS)
def test_answer(found, name):
    results, _, ports = found
    _, expected, text, *_ = ANSWERS[name]
    if expected is None:
        assert name not in results
    else:
        check(results[name], expected, text, url=re.escape(f"http://127.0.0.1:{ports[name]}/p"))


@pytest.mark.parametrize("path", REDIRECTS, ids=lambda path: path[:20])
def test_redirect(found, path):
    results, requests, _ = found
    expected, text, asked = REDIRECTS[path]
    check(results[path], expected, text)
    assert [request.split(" ")[1] for request in requests[path]] == asked


@pytest.mark.parametrize("name", HEADERS)
def test_headers(found, name):
    results, requests, ports = found
    name = f"headers.{name}"
    assert results[name][0] == "success"
    (request,) = requests[name]
    assert request.startswith("GET / HTTP/1.1\r\nHost: ") and request.endswith("\r\n\r\n")
    lines = request.split("\r\n")[1:-2]
    for line in HEADERS[name.partition(".")[2]][1]:
        if line[0] == "-":
            assert not any(found.startswith(line[1:]) for found in lines)
        else:
            assert lines.count(line.replace("{port}", str(ports[name]))) == 1


def test_hosts(driver):
    """By number, either family; localhost; and names, which are somebody else's."""
    servers = Servers()
    four, six = servers.add("4", answers(OK)), servers.add("6", answers(OK), socket.AF_INET6)
    found = attempts(driver, [
        record("4", "http", "127.0.0.1", four), record("6", "http", "::1", six, "?q=a b#c"),
        record("localhost", "http", "localhost", four, "x"), record("6tcp", "tcp", "::1", six),
        record("name", "http", "web.example", 80, "/x?y"), record("nameTcp", "tcp", "web.example", 1),
        record("line", "http", "a\r\nb", 80), record("long", "http", "web.example", 80, "/" + "x" * 3000)])
    assert [found[name][0] for name in ("4", "6", "localhost", "6tcp")] == ["success"] * 4
    assert found["name"][::2] == ["elsewhere", "http://web.example:80/x?y"]
    assert found["nameTcp"][::2] == ["elsewhere", "tcp://web.example:1"]
    assert found["line"][::2] == ["elsewhere", "http://a%0D%0Ab:80/"]
    assert found["long"][0] == "failure" and found["long"][2].endswith('...": URL too long')
    assert any(request.startswith(f"GET /?q=a%20b HTTP/1.1\r\nHost: [::1]:{six}\r\n")
               for request in servers.requests["6"])
    assert any(f"GET /x HTTP/1.1\r\nHost: localhost:{four}\r\n" in request
               for request in servers.requests["4"])
    servers.finish()


def test_user_host_and_redirects(driver):
    """The user's Host stays for the same server, and is not told to another."""
    servers = Servers()
    port = servers.add("site", site)
    found = attempts(driver, [record("x", "http", "-", port, "/whole", headers=["Host: a.example"])])
    found |= attempts(driver, [record("y", "http", "-", port, "/login", headers=["Host: a.example"])])
    assert [found[name][0] for name in "xy"] == ["success"] * 2
    hosts = [request.split("\r\n")[1] for request in servers.requests["site"]]
    assert hosts == ["Host: a.example", f"Host: 127.0.0.1:{port}", "Host: a.example", "Host: a.example"]
    servers.finish()


def test_nobody_listens(driver):
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        found = attempts(driver, [record("tcp", "tcp", "-", port), record("http", "http", "localhost", port),
                                  record("hook", "hook", "-", port)])
    dial = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert found["tcp"][::2] == ["failure", dial]
    assert found["http"][::2] == ["failure", f'Get "http://localhost:{port}/": {dial}']
    assert found["hook"][::2] == ["failure", f'Get "http://127.0.0.1:{port}/": {dial}']


def fill(listener):
    """Listens, with a queue that is full: the kernel drops who wants to connect, and they try again after a
    second."""
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = [socket.socket() for _ in range(4)]
    for connection in waiting:
        connection.setblocking(False)
        connection.connect_ex(listener.getsockname())
    return waiting


def connecting(listener):
    """How many of this machine try to connect to it, and have no answer."""
    port = f":{listener.getsockname()[1]:04X}"
    rows = [line.split() for line in open("/proc/net/tcp", encoding="ascii")]
    return sum(row[2].endswith(port) and row[3] == "02" for row in rows)


def test_connection_in_progress(driver):
    """Nobody answers, or only after a while."""
    def serve(listener, tried_before):
        until(lambda: connecting(listener) >= tried_before + 2, "the attempts have found the queue full")
        for _ in range(6):  # four that wait, and the two
            with contextlib.suppress(OSError):  # who only connects may be gone; and the listener, at the end
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(OK)

    with socket.socket() as never, socket.socket() as late:
        waiting = fill(never) + fill(late)
        ports = [listener.getsockname()[1] for listener in (never, late)]
        records = [record("tcp", "tcp", "-", ports[0], limit=200),
                   record("http", "http", "-", ports[0], limit=200),
                   record("lateTcp", "tcp", "-", ports[1]), record("lateHttp", "http", "-", ports[1])]
        threading.Thread(target=serve, args=(late, connecting(late)), daemon=True).start()
        found = attempts(driver, records)
        for connection in waiting:
            connection.close()
    assert found["tcp"][::2] == ["timeout", f"dial tcp 127.0.0.1:{ports[0]}: i/o timeout"]
    assert found["http"][0] == "timeout"
    for name in ("lateTcp", "lateHttp"):
        assert found[name][0] == "success" and int(found[name][1]) > 500


def test_partial_writes(driver):
    """Every second send() takes nothing, the others seven bytes."""
    servers = Servers()
    port = servers.add("ok", answers(OK))
    headers = [f"X-{n}: {'y' * n}" for n in range(20)]
    found = attempts(driver, [record("x", "http", "-", port, headers=headers)], env={"SEND_MAX": "7"})
    assert found["x"][0] == "success"
    assert all(header in servers.requests["ok"][0].split("\r\n") for header in headers[1:])
    servers.finish()


def test_no_descriptors(driver):
    """Without them nothing is said about the server."""
    servers = Servers()
    port = servers.add("slow", answers(0.2, OK))
    found = attempts(driver, [record(str(n), "http", "-", port) for n in range(20)], env={"NOFILE": "12"})
    results = [found[str(n)][0] for n in range(20)]
    assert sorted(set(results)) == ["error", "success"] and len(results) == 20
    assert found["19"][2].endswith(f"dial tcp 127.0.0.1:{port}: socket: too many open files")
    servers.finish()


def test_connected_to_itself(driver):
    """With one port to choose from, the kernel connects a probe of that port with itself, if nobody listens."""
    script = ('echo 40001 40001 >/proc/sys/net/ipv4/ip_local_port_range && ip link set lo up && exec "$0"')
    done = subprocess.run([*NAMESPACES, "sh", "-c", script, driver], capture_output=True, timeout=60,
                          input=(record("tcp", "tcp", "-", 40001)).encode())
    assert b"tcp\tfailure\t" in done.stdout, done
    assert b"dial tcp 127.0.0.1:40001: connect: connection refused" in done.stdout


def test_server_reads_an_end(driver):
    """However fast a connection is over: an end, and no error that might be logged each time."""
    ends = []

    def behave(connection, requests):
        time.sleep(0.05)  # where the other end is gone by then
        ends.append(connection.recv(10))
    servers = Servers()
    port = servers.add("tcp", behave)
    attempts(driver, [record(str(n), "tcp", "-", port) for n in range(3)])
    until(lambda: ends == [b""] * 3, "the server has read the ends")
    servers.finish()


def test_time_wait(driver):
    """HTTP leaves nothing behind, whoever closes first."""
    servers = Servers()
    ports = [servers.add("keeps", answers(OK, keeps=True)), servers.add("closes", answers(OK)),
             servers.add("end", answers(b"HTTP/1.1 200 OK\r\n\r\n"))]
    found = attempts(driver, [record(f"{n}.{port}", "http", "-", port) for port in ports for n in range(20)])
    assert {result[0] for result in found.values()} == {"success"}
    with open("/proc/net/tcp") as table:
        states = [line.split()[3] for line in table for port in ports if f":{port:04X} " in line]
    assert "06" not in states
    servers.finish()


def test_cost(tmp_path):
    """What an attempt takes of a CPU, most of which is the kernel's."""
    program = tmp_path / "requests"
    linux = ROOT / "src/linux"
    subprocess.run(["cc", "-O2", "-std=c11", "-D_GNU_SOURCE", "-iquote", ROOT / "src", "-Wl,--wrap=send",
                    "-o", program, ROOT / "tests/e2e/requests.c", *linux.glob("request*.c"),
                    *linux.glob("http_*.c"), ROOT / "src/spec/text.c", ROOT / "src/spec/arena.c",
                    "-lev", "-lm"], check=True)
    for kind in ("http", "tcp"):
        done = subprocess.run([program, "bench", kind, "6000", "50"], capture_output=True, check=True,
                              timeout=60)
        count, failed, cpu, _ = map(float, done.stdout.split())
        MEASURED.append(f"probes: {count / cpu:.0f} {kind} attempts in a second of CPU")
        assert failed == 0 and cpu < 2  # a third of a millisecond each
