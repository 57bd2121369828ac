"""Servers for the tests of podprobe, all of them threads of this process: HTTP in the clear and by TLS
with answers byte by byte, gRPC's health service by the real library, and a name server. Nothing here
asserts what podprobe should do."""

import concurrent.futures
import pathlib
import socket
import socketserver
import ssl
import struct
import subprocess
import threading

import grpc


def answer(status="200 OK", body=b"", *headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def redirect(location, status="302 Found"):
    return answer(status, b"go there", f"Location: {location}")


class Server(socketserver.ThreadingTCPServer):
    """Hands each connection to talk(connection, server). `connected` counts them, `gone` those that the
    other side has ended while the server said nothing."""
    allow_reuse_address = daemon_threads = True
    request_queue_size = 64

    def __init__(self, talk, host="127.0.0.1", family=socket.AF_INET):
        self.address_family, self.talk = family, talk
        self.connected = self.gone = 0
        super().__init__((host, 0), None)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def finish_request(self, request, client_address):
        self.connected += 1
        self.talk(request, self)

    def shutdown_request(self, request):
        request.close()  # and no more, so that a server can also reset

    def handle_error(self, request, client_address):
        pass  # of those that are broken on purpose, every probe is one


class Web(Server):
    """Answers /PATH with answers[PATH]: bytes, or a function of the connection. Keeps the requests."""

    def __init__(self, answers, context=None, **how):
        self.answers, self.context = answers, context
        self.requests, self.names = [], []
        if context:
            context.sni_callback = lambda tls, name, _: self.names.append(name)
        super().__init__(Web.serve, **how)

    def serve(connection, self):
        if self.context:
            connection = self.context.wrap_socket(connection, server_side=True,
                                                  suppress_ragged_eofs=True)
        request = b""
        while b"\r\n\r\n" not in request:
            more = connection.recv(65536)
            if not more:
                return
            request += more
        self.requests.append(request.decode("latin-1"))
        path = self.requests[-1].split(" ")[1].split("?")[0]
        found = self.answers.get(path, answer("404 Not Found"))
        if callable(found):
            found(connection)
        else:
            connection.sendall(found)
        connection.close()

    def last(self):
        """The first line of the last request, and its headers."""
        head, *headers = self.requests[-1].removesuffix("\r\n\r\n").split("\r\n")
        return head, sorted(headers)


def reset(connection, _=None):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silence(connection, server):
    """Says nothing until the other side is gone."""
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass
    server.gone += 1


def says(words):
    """A server that reads a little, says this, whatever it is, and ends."""
    def talk(connection, _):
        connection.recv(65536)
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    return talk


def certificate(directory, name, key=("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")):
    path = pathlib.Path(directory) / name
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "1", "-subj", "/CN=nobody", "-newkey",
                    *key, "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    return path


def tls(path, ciphers=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if ciphers:
        context.set_ciphers(ciphers)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(f"{path}.crt", path)
    return context


# --- gRPC ---

CHECK = "/grpc.health.v1.Health/Check"


class Health(grpc.GenericRpcHandler):
    """The bytes of the answer for each service, by name; or (code, message). Keeps what it is asked."""

    def __init__(self, services):
        self.services, self.asked, self.agents = services, [], []

    def service(self, details):
        if details.method == CHECK:
            return grpc.unary_unary_rpc_method_handler(self.check)

    def check(self, request, context):
        self.asked.append(request)
        self.agents.append(dict(context.invocation_metadata()).get("user-agent"))
        # Field 1, its length in a byte or two, the name.
        name = request[2 if len(request) < 130 else 3:].decode()
        found = self.services.get(name, (grpc.StatusCode.NOT_FOUND, "unknown service"))
        if isinstance(found, tuple):
            context.abort(*found)
        return found


def grpc_server(*handlers):
    """The server, and its port."""
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


# --- DNS ---

def name_server(address, names):
    """Answers on UDP port 53 with the IPv4 addresses of each name; no other name exists."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))

    def reply(query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        known = names.get(".".join(labels))
        numbers = known if known and question[-4:-2] == b"\0\1" else []
        flags = b"\x81\x80" if known else b"\x81\x83"
        head = query[:2] + flags + struct.pack(">4H", 1, len(numbers), 0, 0)
        return head + question + b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" +
                                          socket.inet_aton(number) for number in numbers)

    def serve():
        while True:
            try:
                query, client = server.recvfrom(512)
            except OSError:
                return
            server.sendto(reply(query), client)
    threading.Thread(target=serve, daemon=True).start()
    return server
