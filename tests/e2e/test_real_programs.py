"""A real program for each way to be ready: nginx (httpGet, reload by SIGHUP), PostgreSQL (exec, notify, SIGINT),
Redis (tcpSocket, notify, a daemon with a pid file), a gRPC health server, lighttpd (socket activation)."""

import http.client
import os
import pathlib
import socket
import subprocess
import threading

import pytest

from config_map import ConfigMap
from pods import PLAIN, kill, until

POD = "[pod]\nname = real\nrestartPolicy = Always\nterminationGracePeriodSeconds = 20\n"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def get(port, path="/"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def ready(pod, name="main"):
    until(lambda: pod.container(name)["ready"], f"{name} is ready")


# --- nginx ---


class Load:
    """Asks all the time, each time by a connection of its own."""

    def __init__(self, port):
        self.port, self.answers, self.failures, self.over = port, [], [], False
        self.threads = [threading.Thread(target=self._ask) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def _ask(self):
        while not self.over:
            try:
                self.answers.append(get(self.port))
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()


def nginx_conf(directory, port, word):
    """By its name in the ConfigMap."""
    return {"nginx.conf": f"""
daemon off; worker_processes 2; pid {directory}/pid; error_log {directory}/error.log;
events {{ worker_connections 256; }}
http {{ access_log off; server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{word}"; }} }} }}
"""}


def test_nginx_reloads_under_load_and_loses_no_request(pods, tmp_path):
    """A ConfigMap that is exchanged again and again; each exchange is one reload, and is served."""
    port = free_port()
    config = ConfigMap(tmp_path / "map", **nginx_conf(tmp_path, port, "word 0"))
    pod = pods.start(POD + f"""
[volume config]
hostPath.path = {config.directory}

[main main]
command = nginx -c {tmp_path}/conf/nginx.conf
volumeMounts = config:{tmp_path}/conf:ro
startupProbe.httpGet.port = {port}
startupProbe.periodSeconds = 1
startupProbe.failureThreshold = 30
livenessProbe.httpGet.port = {port}
livenessProbe.periodSeconds = 1
readinessProbe.httpGet.port = {port}
readinessProbe.periodSeconds = 1
lifecycle.stopSignal = SIGQUIT
lifecycle.reload.signal = SIGHUP
watch = {tmp_path}/conf
""", how=PLAIN, control=True)
    ready(pod)
    load = Load(port)
    try:
        for number in range(1, 21):
            config.write(**nginx_conf(tmp_path, port, f"word {number}"))
            pod.event(number, reason="Reloading", process="main")
            until(lambda: (200, f"word {number}") in load.answers[-8:], f"word {number} is served")
    finally:
        load.stop()
    assert not load.failures
    assert {status for status, _ in load.answers} == {200}
    assert len(pod.events(reason="Reloading")) == 20
    assert pod.container("main")["restartCount"] == 0
    assert pod.stop() == 0  # SIGQUIT is nginx's orderly end


# --- PostgreSQL ---


def test_postgres_is_ready_when_it_says_so_and_ends_by_sigint(pods, open_directory):
    (programs,) = pathlib.Path("/usr/lib/postgresql").glob("*/bin")
    pod = pods.start(POD + f"""
[init cluster]
securityContext.runAsUser = postgres
command = {programs}/initdb -N -A trust -D {open_directory}/data
[main main]
securityContext.runAsUser = postgres
command = {programs}/postgres -D {open_directory}/data -k {open_directory} -c listen_addresses=
notify = main
lifecycle.stopSignal = SIGINT
readinessProbe.exec.command = pg_isready -q -h {open_directory}
readinessProbe.periodSeconds = 1
[main client]
dependsOn = main:ready
restartPolicy = Never
command = psql -h {open_directory} -U postgres -qAtc "select 'it is' || ' ready'"
""", how=PLAIN, control=True)
    pod.says("it is ready\n", seconds=60)  # the client began when the server was, and not before
    assert pod.container("client")["state"]["terminated"]["exitCode"] == 0
    assert pod.container("main")["started"]
    pod.stop()
    assert "received fast shutdown request" in pod.output()
    (end,) = pod.events(process="main", reason="Completed")
    assert end["exitCode"] == 0


# --- Redis ---


def redis(port, *words):
    run = subprocess.run(["redis-cli", "-p", str(port), *words], capture_output=True, text=True)
    return run.stdout.strip()


@pytest.mark.parametrize("mode", ["notify", "daemon", "guessed"])
def test_redis(pods, tmp_path, mode):
    port = free_port()
    keys, options = {
        "notify": ("notify = main", "--supervised systemd"),
        "daemon": (f"daemonPidFile = {tmp_path}/redis.pid\ndaemon = true",
                   f"--daemonize yes --pidfile {tmp_path}/redis.pid"),
        "guessed": ("daemon = true", "--daemonize yes"),
    }[mode]
    pod = pods.start(POD + f"""
[main main]
command = redis-server --port {port} --bind 127.0.0.1 --dir {tmp_path} --save '' {options}
{keys}
readinessProbe.tcpSocket.port = {port}
readinessProbe.periodSeconds = 1
livenessProbe.exec.command = redis-cli -p {port} ping
backoff.maxSeconds = 1
""", how=PLAIN, control=True)
    ready(pod)
    assert redis(port, "ping") == "PONG"
    server = int(dict(line.split(":") for line in redis(port, "info", "server").splitlines()
                      if ":" in line and "build" not in line and "config" not in line
                      and "executable" not in line)["process_id"])
    assert pod.container("main")["containerID"] == f"podinit://{server}"
    # Killed, whoever it is, it is started again: as a process of the pod and no orphan.
    kill(server)
    pod.event(reason="Error", process="main")
    until(lambda: redis(port, "ping") == "PONG", "it is back")
    assert pod.container("main")["restartCount"] == 1
    assert pod.stop() == 0
    assert not pod.survivors()


# --- gRPC ---

GRPC_SERVER = '''
import concurrent.futures, sys, threading, signal, grpc
serving = threading.Event()
serving.set()

def check(request, context):
    return b"\\x08\\x01" if serving.is_set() else b"\\x08\\x02"

handler = grpc.method_handlers_generic_handler("grpc.health.v1.Health", {
    "Check": grpc.unary_unary_rpc_method_handler(check)})
server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((handler,))
server.add_insecure_port("127.0.0.1:" + sys.argv[1])
signal.signal(signal.SIGUSR1, lambda *_: serving.clear())
server.start()
server.wait_for_termination()
'''


def test_grpc_health(pods, tmp_path):
    port = free_port()
    (tmp_path / "server.py").write_text(GRPC_SERVER)
    pod = pods.start(POD + f"""
[main main]
command = /usr/bin/python3 {tmp_path}/server.py {port}
startupProbe.grpc.port = {port}
startupProbe.periodSeconds = 1
startupProbe.failureThreshold = 30
livenessProbe.grpc.port = {port}
livenessProbe.periodSeconds = 1
livenessProbe.failureThreshold = 1
livenessProbe.timeoutSeconds = 10
readinessProbe.grpc.port = {port}
readinessProbe.periodSeconds = 1
readinessProbe.timeoutSeconds = 10
""", how=PLAIN, control=True)
    ready(pod)
    os.kill(pod.running("main"), 10)  # not serving any more
    event = pod.event(reason="Unhealthy", process="main", seconds=30)
    while "livenessProbe" not in event["message"]:
        event = pod.event(len(pod.events(reason="Unhealthy")) + 1, reason="Unhealthy", process="main")
    assert "NOT_SERVING" in event["message"]
    pod.event(2, reason="Started", process="main")
    ready(pod)


# --- socket activation ---


def test_lighttpd_by_a_socket_that_podinit_holds(pods, tmp_path):
    port = free_port()
    (tmp_path / "index.html").write_text("by a socket of podinit's\n")
    (tmp_path / "lighttpd.conf").write_text(f"""
server.systemd-socket-activation = "enable"
server.document-root = "{tmp_path}"
index-file.names = ( "index.html" )
server.bind = "127.0.0.1"
server.port = {port}
""")
    pod = pods.start(POD + f"""
[main main]
command = lighttpd -D -f {tmp_path}/lighttpd.conf
listen = 127.0.0.1:{port}
readinessProbe.httpGet.port = {port}
readinessProbe.periodSeconds = 1
backoff.maxSeconds = 1
""", how=PLAIN, control=True)
    ready(pod)
    assert get(port) == (200, "by a socket of podinit's\n")
    # Between two instances nobody is refused: the connection waits in the socket.
    load = Load(port)
    try:
        for restart in range(1, 4):
            kill(pod.events(reason="Started", process="main")[-1]["pid"], 15)
            pod.event(restart + 1, reason="Started", process="main")
            count = len(load.answers)
            until(lambda: len(load.answers) > count + 20, "it answers")
    finally:
        load.stop()
    refused = [error for error in load.failures if isinstance(error, ConnectionRefusedError)]
    assert not refused
    assert {status for status, _ in load.answers} == {200}
