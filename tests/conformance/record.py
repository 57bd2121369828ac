"""What was observed of one pod, in the order in which it happened: the one form that both drivers give, and
what the judge reads. Times are seconds of the case, since the boot. Judges nothing."""

import dataclasses
import re


@dataclasses.dataclass
class Entry:
    t: float
    kind: str     # log, event, status, did, exit, refused
    value: object  # (name, message); the event; the PodStatus; the action; the exit code; the problems


class Record:
    def __init__(self, entries, end, tolerance):
        """`end`: when the observation ended; `tolerance`: seconds by which something may come too late."""
        self.entries = sorted(entries, key=lambda entry: entry.t)  # stable
        self.end, self.tolerance = end, tolerance

    def of(self, kind):
        return [entry for entry in self.entries if entry.kind == kind]

    def log(self, name=None, message=None):
        """(index, time) of lines; a message is the whole of a line's."""
        found = []
        for index, entry in enumerate(self.entries):
            if entry.kind == "log" and name in (None, entry.value[0]) and (
                    message is None or entry.value[1] == message):
                found.append((index, entry.t))
        return found

    def logged(self, name, text):
        return [entry.t for entry in self.entries
                if entry.kind == "log" and entry.value[0] == name and text in entry.value[1]]

    def events(self, reason, process=None):
        return [entry for entry in self.entries if entry.kind == "event"
                and entry.value["reason"] == reason
                and process in (None, entry.value.get("process", ""))]

    def exit_code(self):
        found = self.of("exit")
        return found[-1].value if found else None

    def refused(self):
        """What is wrong with the pod's file; None: it was taken."""
        found = self.of("refused")
        return found[-1].value if found else None

    # --- states ---

    def states(self):
        """(time, state) whenever it changed: a PodStatus, with what events say that came after it. podinit
        ends when its last process has, so that end is in no status that anybody could ask for."""
        state, found = None, []
        for entry in self.entries:
            if entry.kind == "status":
                state = State(entry.value)
            elif entry.kind == "event" and state and not state.knows(entry.value):
                state = state.after(entry.value)
            else:
                continue
            found.append((entry.t, state))
        return found

    # --- points ---

    def point(self, text):
        """The time of a point, or None if it never came. See README.md."""
        text, _, offset = text.partition("+")
        time = self.bare_point(text)
        return None if time is None else time + float(offset or 0)

    def bare_point(self, text):
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return float(text)
        text, _, nth = text.partition("#")
        kind, _, rest = text.partition(":")
        if text == "boot":
            return 0.0
        if text == "end":
            times = [entry.t for entry in self.of("exit")]
        elif kind == "did":
            times = [entry.t for entry in self.of("did") if entry.value.split()[0] == rest]
        elif kind == "event":
            reason, _, process = rest.partition(":")
            times = [entry.t for entry in self.events(reason, process or None)]
        elif kind == "phase":
            times = [entry.t for entry in self.events("Phase") if entry.value["phase"] == rest]
            if rest == "Pending" and self.of("status"):
                times.insert(0, 0.0)
        elif kind in ("ready", "notready"):
            times = self.readiness(rest, kind == "ready")
        else:
            times = [t for _, t in self.log(kind, rest)]
        if nth == "last":
            return times[-1] if times else None
        wanted = int(nth or 1)
        return times[wanted - 1] if len(times) >= wanted else None

    def readiness(self, name, wanted):
        """When a container became ready, or stopped being so."""
        before, times = False, []
        for t, state in self.states():
            ready = bool(state.container(name).get("ready"))
            if ready != before and ready == wanted:
                times.append(t)
            before = ready
        return times


def nothing_yet(inits, mains):
    """The PodStatus of a pod that nobody has asked for one: a pod may be over before that."""
    def containers(names):
        return [{"name": name, "state": {"waiting": {}}, "lastState": {}, "ready": False,
                 "started": False, "restartCount": 0} for name in names]
    return {"phase": "Pending", "initContainerStatuses": containers(inits),
            "containerStatuses": containers(mains),
            "conditions": [{"type": kind, "status": "False"}
                           for kind in ("Initialized", "ContainersReady", "Ready")]}


class State:
    """A PodStatus as of some moment."""

    def __init__(self, status):
        self.status = status
        self.containers = {one["name"]: one for one in
                           status.get("initContainerStatuses", []) + status["containerStatuses"]}

    def container(self, name):
        return self.containers.get(name, {})

    def condition(self, kind):
        return next((one for one in self.status["conditions"] if one["type"] == kind), {})

    def knows(self, event):
        """Does it follow nothing from this event that is not here already?"""
        container = self.container(event.get("process"))
        state = container.get("state", {})
        if event["reason"] == "Phase":
            return self.status["phase"] == event["phase"]
        if not container:
            return True
        if event["reason"] == "Started":
            return "running" in state and container["restartCount"] >= event.get("restartCount", 0)
        return event["reason"] not in ("Completed", "Error", "OOMKilled", "StartError")

    def after(self, event):
        """What an event says of the beginning or end of a process, or of the phase."""
        status = dict(self.status)
        if event["reason"] == "Phase":
            status["phase"] = event["phase"]
            return State(status)
        change = self.begun if event["reason"] == "Started" else self.ended
        for key in ("initContainerStatuses", "containerStatuses"):
            status[key] = [change(one, event) if one["name"] == event["process"] else one
                           for one in status.get(key, [])]
        return State(status)

    @staticmethod
    def begun(container, event):
        last = container["state"] if "terminated" in container["state"] else container["lastState"]
        return {**container, "state": {"running": {}}, "lastState": last, "ready": False,
                "started": False, "restartCount": event.get("restartCount", container["restartCount"])}

    @staticmethod
    def ended(container, event):
        code = event.get("exitCode")
        if code is None:
            code = 128 + event.get("signal", 0)
        end = {"terminated": {**container["state"].get("terminated", {}), "exitCode": code,
                              "reason": event["reason"]}}
        ready = code == 0 and event.get("kind") == "init"
        return {**container, "state": end, "started": False, "ready": ready}
