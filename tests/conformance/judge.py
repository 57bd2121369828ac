"""Judging what was observed: one function for each form of expectation, named in README.md. Each returns None if
it holds, else what was seen instead. Knows nothing of how it was observed."""

import operator
import re

OPERATORS = {">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt}
AT_ONCE = 0.1  # seconds from Starting to Started of a program without a delay


class NotUnderstood(Exception):
    pass


# --- expectations of a state ---

def phase(state, name):
    seen = state.status["phase"]
    return seen == name, f"phase {seen}"


def pod_reason(state, reason):
    seen = state.status.get("reason")
    return seen == reason, f"reason {seen}"


def condition(state, kind, wanted, reason=None):
    seen = state.condition(kind)
    good = seen.get("status") == wanted and reason in (None, seen.get("reason"))
    return good, f"{kind} {seen.get('status')} {seen.get('reason', '')}"


def condition_message(state, kind, text):
    seen = state.condition(kind).get("message", "")
    return text in seen, f"message {seen!r}"


def restarts(state, name, sign, number):
    seen = state.container(name).get("restartCount")
    return seen is not None and OPERATORS[sign](seen, int(number)), f"{name} restartCount {seen}"


def is_in_state(seen, kind, words):
    """`words`: the reason, the exit code, or both."""
    if kind not in seen:
        return False
    details = seen[kind]
    return all(int(word) == details.get("exitCode") if word.isdigit() else word == details.get("reason")
               for word in words)


def container_state(state, name, kind, words=""):
    seen = state.container(name).get("state", {})
    return is_in_state(seen, kind, words.split()), f"{name} is {seen}"


def container_last(state, name, words=""):
    seen = state.container(name).get("lastState", {})
    return is_in_state(seen, "terminated", words.split()), f"{name}'s lastState is {seen}"


def flag(state, name, word):
    wanted = not word.startswith("not-")
    seen = bool(state.container(name).get(word.removeprefix("not-")))
    return seen == wanted, f"{name} {'' if seen else 'not-'}{word.removeprefix('not-')}"


def termination_message(state, name, text):
    seen = state.container(name).get("state", {}).get("terminated", {}).get("message")
    return (seen or "").rstrip("\n") == ("" if text == "(none)" else text), f"{name} message {seen!r}"


STATES = [
    (r"phase (\w+)", phase),
    (r"reason (\w+)", pod_reason),
    (r"condition (\w+) (True|False)(?: (\w+))?", condition),
    (r"condition (\w+) says (.+)", condition_message),
    (r"(\S+) restarts (>=|<=|==|>|<) (\d+)", restarts),
    (r"(\S+) is (waiting|running|terminated)((?: \w+)*)", container_state),
    (r"(\S+) was last terminated((?: \w+)*)", container_last),
    (r"(\S+) (ready|not-ready|started|not-started)", flag),
    (r"(\S+) message (.+)", termination_message),
]


def holds(state, text):
    """(does it, what is instead) of an expectation of a state; None: it is not one."""
    for pattern, function in STATES:
        match = re.fullmatch(pattern, text)
        if match:
            return function(state, *match.groups())
    return None


def checked(state, text):
    result = holds(state, text)
    if result is None:
        raise NotUnderstood(text)
    return result


def state_at(record, time):
    found = [state for t, state in record.states() if t <= time]
    return found[-1] if found else None


def now(record, text):
    """At the end of the observation."""
    state = state_at(record, record.end + 1e9)
    if not state:
        return "there is no status"
    good, seen = checked(state, text)
    return None if good else seen


def at(record, point, text):
    time = record.point(point)
    state = state_at(record, time) if time is not None else None
    if not state:
        return f"{point} never came"
    good, seen = checked(state, text)
    return None if good else f"at {time:.2f}: {seen}"


def by(record, point, text):
    """At some moment, at the latest then."""
    limit = record.point(point)
    if limit is None:
        return f"{point} never came"
    for t, state in record.states():
        if t <= limit + record.tolerance and checked(state, text)[0]:
            return None
    return f"not until {limit:.2f}"


def quantified(record, word, text):
    seen = [(t, *checked(state, text)) for t, state in record.states()]
    if word == "ever":
        return None if any(good for _, good, _ in seen) else "never"
    wrong = next(((t, what) for t, good, what in seen if good != (word == "always")), None)
    return wrong and f"at {wrong[0]:.2f}: {wrong[1]}"


def during(record, first, last, text):
    """Whenever the state is looked at between two points."""
    begin, end = record.point(first), record.point(last)
    if begin is None or end is None:
        return f"{first if begin is None else last} never came"
    for t, state in [(begin, state_at(record, begin))] + record.states():
        if begin <= t < end and state:
            good, seen = checked(state, text)
            if not good:
                return f"at {t:.2f}: {seen}"
    return None


# --- expectations of the log: exactly as upstream has them ---

def first(found):
    return found[0][0] if found else None


def starts(record, name):
    return None if record.log(name, "Started") else f"{name} has no Started"


def never_starts(record, name):
    found = record.log(name, "Started")
    return found and f"{name} Started at {found[0][1]:.2f}" or None


def never_begins(record, name):
    found = record.log(name, "Starting")
    return found and f"{name} Starting at {found[0][1]:.2f}" or None


def exits(record, name):
    return None if record.log(name, "Exiting") else f"{name} has no Exiting"


def never_exits(record, name):
    found = record.log(name, "Exiting")
    return found and f"{name} Exiting at {found[0][1]:.2f}" or None


def start(record, name):
    """Where in the record it started: its own line. But for what a program says at once nobody waits: then it is
    podinit's word that it runs."""
    started, begun = record.log(name, "Started"), record.log(name, "Starting")
    told = [index for index, entry in enumerate(record.entries) if entry.kind == "event"
            and (entry.value["reason"], entry.value.get("process")) == ("Started", name)]
    at_once = started and started[0][1] - begun[0][1] < AT_ONCE
    return told[0] if at_once and told else first(started)


def starts_before(record, a, b):
    started = start(record, a) if a != b else first(record.log(a, "Started"))
    if started is None:
        return f"{a} has no Started"
    good = any(index > started for index, _ in record.log(b, "Starting"))
    return None if good else f"{b} has no Starting after {a}'s Started"


def exits_before(record, a, b):
    exited = first(record.log(a, "Exiting"))
    if exited is None:
        return f"{a} has no Exiting"
    good = any(index > exited for index, _ in record.log(b, "Exiting"))
    return None if good else f"{b} has no Exiting after {a}'s first"


def exits_before_start(record, a, b):
    """The strict form of a serial start."""
    exited, begun = first(record.log(a, "Exiting")), first(record.log(b, "Starting"))
    if exited is None or begun is None:
        return f"{a if exited is None else b} did not"
    return None if exited < begun else f"{b} began before {a} had ended"


def never_starts_after(record, a, b):
    begun = first(record.log(b, "Starting"))
    good = begun is None or all(index < begun for index, _ in record.log(a, "Started"))
    return None if good else f"{a} Started after {b}'s Starting"


def runs_together(record, a, b):
    started = start(record, a)
    if started is None:
        return f"{a} has no Started"
    # A pod that never ends has no end of them either: then it is the end of the observation.
    end = next((index for index, _ in record.log(a, "Exiting") if index > started), len(record.entries))
    good = any(started < index < end for index, _ in record.log(b, "Started"))
    return None if good else f"{b} did not start while {a} ran"


def restarted(record, name):
    count = len(record.log(name, "Starting"))
    return None if count >= 2 else f"{name} has {count} Starting"


def not_restarted(record, name):
    count = len(record.log(name, "Starting"))
    return None if count == 1 else f"{name} has {count} Starting"


def logs(record, name, never, text, between=None, sign=None, number=None):
    times = record.logged(name, text)
    if between:
        begin, end = (record.point(point) for point in between.split(" and "))
        if begin is None or end is None:
            return f"{between}: one of them never came"
        times = [t for t in times if begin < t < end]
    if never:
        return f"{name} says {text!r} at {times[0]:.2f}" if times else None
    good = OPERATORS[sign](len(times), int(number)) if sign else bool(times)
    return None if good else f"{name} says {text!r} {len(times)} times"


# --- expectations of events, times and the end ---

def event(record, no, reason, process=None, sign=None, number=None):
    found = record.events(reason, process)
    if no:
        return f"{reason} at {found[0].t:.2f}: {found[0].value.get('message')}" if found else None
    good = OPERATORS[sign](len(found), int(number)) if sign else bool(found)
    return None if good else f"{len(found)} times"


def event_says(record, reason, process, text):
    found = [entry.value.get("message", "") for entry in record.events(reason, process)]
    return None if any(text in message for message in found) else f"it says {found}"


def window(record, begin, end, low, high=None):
    """Lower bounds are exact, upper ones as exact as the clock of the run is."""
    start, finish = record.point(begin), record.point(end)
    if start is None or finish is None:
        return f"{begin if start is None else end} never came"
    took = finish - start
    if took < float(low) - 0.005 or (high and took > float(high) + record.tolerance):
        return f"{took:.2f} s"
    return None


def order(record, begin, end):
    start, finish = record.point(begin), record.point(end)
    if start is None or finish is None:
        return f"{begin if start is None else end} never came"
    return None if start <= finish else f"{begin} at {start:.2f}, {end} at {finish:.2f}"


def never_comes(record, point):
    time = record.point(point)
    return None if time is None else f"{point} at {time:.2f}"


def exit_code(record, code):
    seen = record.exit_code()
    return None if seen == int(code) else f"exit code {seen}"


def refuses(record, text):
    seen = record.refused()
    return None if seen and text in seen else f"it says {seen!r}"


def still_runs(record):
    seen = record.exit_code()
    return None if seen is None else f"exit code {seen}"


def phases(record, names):
    seen = []
    for _, state in record.states():
        if seen[-1:] != [state.status["phase"]]:
            seen.append(state.status["phase"])
    # A phase may have been too short to be seen where one has to ask.
    told = ["Pending"] + [entry.value["phase"] for entry in record.events("Phase")]
    told = [name for i, name in enumerate(told) if told[i - 1:i] != [name]]
    return None if names.split() in (seen, told) else f"phases {' '.join(told)}"


RECORDS = [
    (r"never comes (\S+)", never_comes),
    (r"at (\S+) (.+)", at),
    (r"by (\S+) (.+)", by),
    (r"(always|never|ever) (.+)", quantified),
    (r"while (\S+) to (\S+) (.+)", during),
    (r"(\S+) starts", starts),
    (r"(\S+) never starts", never_starts),
    (r"(\S+) never begins", never_begins),
    (r"(\S+) exits", exits),
    (r"(\S+) never exits", never_exits),
    (r"(\S+) starts before (\S+)", starts_before),
    (r"(\S+) exits before (\S+)", exits_before),
    (r"(\S+) exits before (\S+) starts", exits_before_start),
    (r"(\S+) never starts after (\S+)", never_starts_after),
    (r"(\S+) runs together with (\S+)", runs_together),
    (r"(\S+) restarted", restarted),
    (r"(\S+) not restarted", not_restarted),
    (r"(\S+) (never )?says '([^']*)'(?: between (\S+ and \S+))?(?: (>=|<=|==|>|<) (\d+) times)?", logs),
    (r"(no )?event (\w+)(?: ([a-z][\w.-]*))?(?: (>=|<=|==|>|<) (\d+) times)?", event),
    (r"event (\w+)(?: ([a-z][\w.-]*))? saying '([^']*)'", event_says),
    (r"from (\S+) to (\S+) ([\d.]+)\.\.([\d.]+)?", window),
    (r"first (\S+) then (\S+)", order),
    (r"podinit exits (\d+)", exit_code),
    (r"podinit runs", still_runs),
    (r"podinit refuses '([^']*)'", refuses),
    (r"phases ((?:\w+ ?)+)", phases),
]


def judge(record, text):
    """None if the expectation holds, else what was seen."""
    if record.refused() and not text.startswith("podinit refuses"):
        return None if "never" in text.split() else f"the file was refused: {record.refused()}"
    for pattern, function in RECORDS:
        match = re.fullmatch(pattern, text)
        if match:
            return function(record, *match.groups())
    return now(record, text)
