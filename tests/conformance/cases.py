"""Reading case files; README.md says what they look like. Knows the form of a file and of a `do` line, and not
what a pod or an expectation means."""

import dataclasses
import pathlib
import re


class Wrong(Exception):
    """Something in a case file that nobody understands."""


@dataclasses.dataclass
class Order:
    """One `do` line: `moment` is seconds since the boot, or (point, offset in seconds)."""
    moment: object
    action: str


@dataclasses.dataclass
class Case:
    name: str
    title: str
    expectations: list  # (line number, text)


@dataclasses.dataclass
class Pod:
    """A pod, what happens to it, and the cases that are judged by what was observed of it."""
    source: str
    title: str
    ini: str = ""
    files: dict = dataclasses.field(default_factory=dict)
    orders: list = dataclasses.field(default_factory=list)
    observe: float = 300.0
    until: str = None
    only: str = None  # "real" or "virtual"
    because: str = ""
    scaled: bool = True     # may run with scaled times
    unscaled: bool = False  # runs with the times as they are written, too
    cases: list = dataclasses.field(default_factory=list)

    @property
    def key(self):
        return self.cases[0].name


@dataclasses.dataclass
class NotApplicable:
    name: str
    reason: str


def read_order(rest):
    at = re.fullmatch(r"at (\d+(?:\.\d+)?) (.+)", rest)
    if at:
        return Order(float(at[1]), at[2])
    when = re.fullmatch(r"when (\S+?)(?:\+(\d+(?:\.\d+)?))? (.+)", rest)
    if when:
        return Order((when[1], float(when[2] or 0)), when[3])
    raise Wrong(f"do {rest}")


class Reader:
    def __init__(self, path):
        self.path, self.found = path, []
        self.pod = self.block = None

    def error(self, number, what):
        raise Wrong(f"{self.path}:{number}: {what}")

    def line(self, number, line):
        if line.startswith("\t"):
            if self.block is None:
                self.error(number, "an indented line that belongs to nothing")
            self.block(number, line[1:])
            return
        words = line.strip()
        if not words:
            # An empty line may stand in a pod's file; it means nothing there.
            return
        if words.startswith("#"):
            return
        self.block = None
        keyword, _, rest = words.partition(" ")
        handler = getattr(self, "read_" + keyword.replace("-", "_"), None)
        if not handler:
            self.error(number, f"what is '{keyword}'?")
        if self.pod is None and keyword not in ("pod", "not-applicable"):
            self.error(number, f"'{keyword}' before any pod")
        handler(number, rest.strip())

    def read_pod(self, number, rest):
        self.pod = Pod(f"{self.path}:{number}", rest)
        self.found.append(self.pod)

        def add(_, text):
            self.pod.ini += text + "\n"
        self.block = add

    def read_file(self, number, rest):
        pod = self.pod
        pod.files[rest] = ""

        def add(_, text):
            pod.files[rest] += text + "\n"
        self.block = add

    def read_do(self, number, rest):
        try:
            self.pod.orders.append(read_order(rest))
        except Wrong as wrong:
            self.error(number, wrong)

    def read_observe(self, number, rest):
        seconds, _, until = rest.partition(" until ")
        self.pod.observe, self.pod.until = float(seconds), until or None

    def read_only(self, number, rest):
        words, _, self.pod.because = rest.partition(" because ")
        if words == "unscaled":
            self.pod.scaled, self.pod.unscaled = False, True
        elif words in ("real", "virtual"):
            self.pod.only = words
        else:
            self.error(number, f"only {words}")

    def read_unscaled(self, number, rest):
        self.pod.unscaled = True

    def read_case(self, number, rest):
        name, _, title = rest.partition(" ")
        case = Case(name, title.strip(), [])
        self.pod.cases.append(case)

        def add(number, text):
            if text.strip() and not text.lstrip().startswith("#"):
                case.expectations.append((number, text.strip()))
        self.block = add

    def read_not_applicable(self, number, rest):
        name, _, reason = rest.partition(" ")
        self.found.append(NotApplicable(name, reason))


def read(path):
    """The pods and what is not applicable of a file, in its order."""
    reader = Reader(path)
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        reader.line(number, line)
    for pod in reader.found:
        if isinstance(pod, Pod) and not pod.cases:
            raise Wrong(f"{pod.source}: a pod without a case")
    return reader.found
