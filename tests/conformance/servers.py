#!/usr/bin/python3
"""What an actor's own server cannot speak: HTTPS, and gRPC's health service. servers.py KIND PORT NAME; requests
are lines of the actor NAME. Serves until it is killed."""

import os
import pathlib
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time


def say(name, message):
    with open(os.environ["ACTOR_LOG"], "a") as log:
        log.write(f"{time.monotonic_ns()} {name} {message}\n")


def certificate():
    """A file with a key and its certificate, made by the name of the one that asks."""
    with tempfile.TemporaryDirectory() as directory:
        key, cert = pathlib.Path(directory, "key"), pathlib.Path(directory, "cert")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=pod"],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context


def serve_https(port, name):
    context = certificate()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                connection = context.wrap_socket(self.request, server_side=True)
                request = b""
                while b"\r\n\r\n" not in request:
                    more = connection.recv(65536)
                    if not more:
                        return
                    request += more
                say(name, request.split(b"\r\n")[0].decode().rpartition(" ")[0])
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                connection.close()
            except OSError:  # a client that only connected, or went away
                pass

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    Server(("0.0.0.0", port), Handler).serve_forever()


def serve_grpc(port, name):
    import concurrent.futures

    import grpc

    class Health(grpc.GenericRpcHandler):
        def service(self, details):
            if details.method != "/grpc.health.v1.Health/Check":
                return None
            # A HealthCheckResponse: field 1, SERVING.
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"\x08\x01")

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), [Health()])
    server.add_insecure_port(f"0.0.0.0:{port}")
    server.start()
    threading.Event().wait()


{"https": serve_https, "grpc": serve_grpc}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])
