#!/usr/bin/env python3
"""A pod of 1,000 processes with three probes each, every second, for a minute: how late an attempt is at most, what
that costs podinit, and how long a signal waits meanwhile. nginx answers; its log says when it was asked, and its
cost is the measure. Must not fail because of a number."""
import collections
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1]).resolve()
PROCESSES = int(os.environ.get("PROCESSES", "1000"))
SECONDS = int(os.environ.get("SECONDS", "60"))
PERIOD = 1.0

NGINX = """
daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{ log_format when '$msec $request_uri'; access_log {directory}/access when; keepalive_timeout 0;
server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 "good"; }} }} }}
"""


def pod(directory, port):
    text = f"""[pod]
name = probes
restartPolicy = Never
[sidecar nginx]
command = nginx -c {directory}/nginx.conf
startupProbe.tcpSocket.port = {port}
startupProbe.periodSeconds = 1
"""
    for number in range(PROCESSES):
        text += f"[main m{number}]\ncommand = sleep 1000\nstartupProbe.tcpSocket.port = {port}\n"
        text += "startupProbe.periodSeconds = 1\n"
        for probe in ("liveness", "readiness"):
            text += (f"{probe}Probe.httpGet.port = {port}\n{probe}Probe.httpGet.path = /{probe}/{number}\n"
                     f"{probe}Probe.periodSeconds = 1\n{probe}Probe.timeoutSeconds = 5\n")
    return text


def ticks(pid):
    """Seconds of CPU, user and system, of a process and the children that it has now."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def events(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(path, reason, process):
    while not any(event.get("process") == process and event["reason"] == reason for event in events(path)):
        time.sleep(0.1)


def lateness(lines, begin, end):
    """Of each attempt in that time, in seconds beyond its period; and how many there were."""
    asked = collections.defaultdict(list)
    for line in lines:
        when, _, what = line.partition(" ")
        if begin <= float(when) <= end:
            asked[what].append(float(when))
    late = [after - before - PERIOD for times in asked.values() for before, after in zip(times, times[1:])]
    return len(asked), sorted(late)


def main():
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as free:
        directory, port = pathlib.Path(name), free.getsockname()[1]
        free.close()
        (directory / "nginx.conf").write_text(NGINX.format(directory=directory, port=port))
        (directory / "pod.ini").write_text(pod(directory, port))
        log = directory / "events"
        process = subprocess.Popen([BUILD / "podinit", "--no-control", "-q", "--events", log, "-c",
                                    directory / "pod.ini"], stderr=subprocess.DEVNULL)
        wait_for(log, "Started", f"m{PROCESSES - 1}")
        time.sleep(2)
        workers = [int(pid) for pid in pathlib.Path(
            f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[:1]]
        workers += [int(pid) for pid in pathlib.Path(
            f"/proc/{workers[0]}/task/{workers[0]}/children").read_text().split()]
        begin, cpu, peer = time.time(), ticks(process.pid), sum(map(ticks, workers))
        time.sleep(SECONDS)
        end, cpu, peer = time.time(), ticks(process.pid) - cpu, sum(map(ticks, workers)) - peer
        sent = time.monotonic_ns()
        process.send_signal(signal.SIGTERM)
        process.wait()
        came = [event for event in events(log) if event["reason"] == "Signal"][-1]["monotonicNanos"]
        probes, late = lateness((directory / "access").read_text().splitlines(), begin, end)
        unhealthy = [event for event in events(log) if event["reason"] == "Unhealthy" and
                     event["process"] != "nginx"]
    print(f"\n{PROCESSES} processes with three probes each at {PERIOD:.0f} s, for {SECONDS} s "
          f"({probes} that go on, {len(late)} attempts):")
    print(f"  late at most {late[-1] * 1000:.0f} ms, of 1,000 attempts 999 at most "
          f"{late[len(late) * 999 // 1000] * 1000:.0f} ms (period {PERIOD * 1000:.0f} ms)")
    print(f"  failed: {len(unhealthy)}")
    print(f"  podinit's CPU: {cpu / (end - begin) * 100:.1f} % of one; {cpu / peer:.2f} of what nginx takes to answer")
    print(f"  a signal at the end was read after {(came - sent) / 1e6:.1f} ms")


if __name__ == "__main__":
    main()
