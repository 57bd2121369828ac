"""Servers that answer as no server should, each on a port of its own, all in one thread each; for tests of
probes."""

import socket
import threading


class BadServer:
    """Accepts, and hands each connection to `answer` in a thread."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.answer, self.count, self.over = answer, 0, threading.Event()
        self.open = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        try:
            self.answer(connection, self.over)
        except OSError:
            pass  # whoever asked had enough
        finally:
            connection.close()

    def close(self):
        self.over.set()
        self.listener.close()


def one_byte_a_second(connection, over):
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
        connection.sendall(bytes([byte]))
        if over.wait(1):
            return


def nothing(connection, over):
    over.wait(60)


def closes(connection, over):
    del connection, over


def gigabyte(connection, over):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
    block = bytes(1 << 20)
    for _ in range(1024):
        connection.sendall(block)


def gigabyte_of_head(connection, over):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    block = b"x" * (1 << 20)
    for _ in range(1024):
        connection.sendall(block)


def garbage(connection, over):
    connection.recv(4096)
    connection.sendall(bytes(range(256)) * 16)


def teapot(connection, over):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 418 I'm a teapot\r\nConnection: close\r\n\r\n")


def good(connection, over):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
