"""The driver on the virtual clock: all pods go to one process of the program `virtual` (virtual.c), whose record is
read here. Does not judge."""

import json
import subprocess

from record import Entry, Record

NANOSECONDS = 1e9


class Refused(Exception):
    """This driver cannot run the pod: why."""


class Broken(Exception):
    """The pod could not be run, and should have been."""


def why_not(pod):
    """Why a pod cannot run here; None: it can."""
    if pod.only == "real":
        return pod.because or "only the real binary can show it"
    for order in pod.orders:
        if order.action.split()[0] in ("reload", "restart-supervisor"):
            return f"'{order.action.split()[0]}' is not on the virtual clock yet"
    return None


def written(pod):
    """A pod in the words of virtual.c."""
    ini = pod.ini.encode()
    lines = [f"case {pod.key} {int(pod.observe * NANOSECONDS)}\n".encode(),
             f"ini {len(ini)}\n".encode(), ini]
    for order in pod.orders:
        if isinstance(order.moment, float):
            moment = f"at {int(order.moment * NANOSECONDS)}"
        else:
            point, offset = order.moment
            mark, _, nth = point.partition("#")
            moment = f"when {mark} {nth or 1} {int(offset * NANOSECONDS)}"
        lines.append(f"do {moment} {order.action}\n".encode())
    return b"".join(lines) + b"run\n"


def entry_of(line):
    time = line.pop("t") / NANOSECONDS
    (kind, value), = line.items()
    if kind == "log":
        value = tuple(value.split(" ", 1))
    return Entry(time, kind, value)


def records(pods, program):
    """{key: Record, Refused or Broken} of pods that can run here."""
    result = subprocess.run([program], input=b"".join(map(written, pods)), stdout=subprocess.PIPE,
                            timeout=60)
    found, entries = {}, []
    for text in result.stdout.splitlines():
        entry = entry_of(json.loads(text))
        if entry.kind == "case":
            key, entries = entry.value, []
            found[key] = Broken("the program 'virtual' ended early")
        elif entry.kind == "problems":
            found[key] = Record([Entry(0.0, "refused", entry.value)], 0.0, 0.0)
        elif entry.kind == "refused":
            found[key] = Refused(entry.value)
        elif entry.kind == "over" and not isinstance(found[key], Refused):
            found[key] = Record(entries, entry.t, 0.005)
        else:
            entries.append(entry)
    return found
