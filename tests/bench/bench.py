#!/usr/bin/env python3
"""podinit beside tini and dumb-init: the cost of starting and ending one program, and the memory of
an init that idles. Every peer runs in turn, round after round, so that the machine's moods hit all
of them alike. Must not fail because of a number."""
import os
import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = 300
BUILD = sys.argv[1]


def inits():
    """Name and command line of each init that is there; the first one is the measure."""
    known = [
        ("podinit", [os.path.join(BUILD, "podinit"), "--no-control", "-q", "--"]),
        ("tini", ["tini", "-s", "--"]),
        ("tini-static", ["tini-static", "-s", "--"]),
        ("dumb-init", ["dumb-init", "--"]),
    ]
    return [(name, argv) for name, argv in known if shutil.which(argv[0])]


def run_times(peers):
    """Seconds of each run of `INIT true`."""
    times = {name: [] for name, _ in peers}
    for _ in range(ROUNDS):
        for name, argv in peers:
            begin = time.perf_counter()
            subprocess.run(argv + ["/bin/true"], check=True)
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def memory_kib(argv):
    """Resident and anonymous memory of an init whose program waits for its standard input."""
    process = subprocess.Popen(argv + ["/bin/cat"], stdin=subprocess.PIPE)
    try:
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        while not open(children).read():
            time.sleep(0.001)  # until it has started the program; then it idles
        fields = {}
        for line in open(f"/proc/{process.pid}/smaps_rollup"):
            name, _, rest = line.partition(":")
            if rest.strip().endswith("kB"):
                fields[name] = int(rest.split()[0])
        return fields["Rss"], fields["Anonymous"]
    finally:
        process.stdin.close()
        process.wait()


def main():
    peers = inits()
    base = peers[0][0]
    times = run_times(peers)
    memory = {name: memory_kib(argv) for name, argv in peers}
    print(f"{'':14}{'start and end':>15}{'RSS':>10}{'anonymous':>10}   (ratio to {base})")
    for name, _ in peers:
        rss, anonymous = memory[name]
        print(f"{name:14}{times[name] / times[base]:>14.2f}x"
              f"{rss / memory[base][0]:>9.2f}x{anonymous / memory[base][1]:>9.2f}x"
              f"   {rss} KiB, {anonymous} KiB anonymous")


main()
