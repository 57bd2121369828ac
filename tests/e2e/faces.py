"""The judge of the faces: runs the real tini, dumb-init, catatonit and pause, and podinit in their
place, and says how each run went in words that two runs of different programs can be compared by.

A test gives `same()` a scenario, a function of an init. The scenario is played with the peer and
with podinit, side by side, and what it returns must be equal; it is given back for the test to say
more. Process numbers, versions and paths are put out of the way; nothing else is."""

import difflib
import os
import pathlib
import pty
import re
import shutil
import subprocess
import termios
from typing import NamedTuple

import pytest

from pods import HELPER, PODINIT, children, kill, marked, read, side_by_side, state_of, until

PEERS = {"tini": shutil.which("tini"), "docker-init": shutil.which("tini"),
         "tini-static": shutil.which("tini-static"), "dumb-init": shutil.which("dumb-init"),
         "catatonit": shutil.which("catatonit"),
         "pause": str(pathlib.Path(PODINIT).with_name("pause")), "podinit": PODINIT}
INITS = ["tini", "dumb-init", "catatonit"]

# Who plays podinit's part; "peer" shows that the judge finds no difference where there is none.
OURS = os.environ.get("FACES_OURS", "podinit")

AS_PID1 = ["unshare", "--fork", "--pid", "--mount-proc"]
# On a terminal: as the leader of its session, as process 1 of a container is; as a job in the
# foreground of a session that somebody else leads; and as one in the background.
LEADER = ["setsid", "--ctty"]
JOB = ["setsid", "--ctty", "sh", "-c", 'trap : INT QUIT TSTP HUP; "$@"; exit $?', "sh"]
BACKGROUND = ["setsid", "--ctty", "bash", "-c", 'set -m; "$@" & wait $!', "bash"]

# A program, x, and a child of it, y, in its process group: both say which signals they get.
LISTENERS = ["sh", "-c", f"{HELPER} listen y & exec {HELPER} listen x"]

# Lines that an init says itself, by the name of what it is; what is before the first one of its
# help is the same everywhere, the rest is the author's own words.
OWN_LINE = {
    "tini": r"\[(FATAL|WARN |INFO |DEBUG|TRACE) tini|Zombie processes will not|To fix the problem",
    "dumb-init": r"\[dumb-init\] ",
    "catatonit": r"(FATAL|ERROR|WARN|INFO|DEBUG) \(catatonit:",
    "pause": r"Shutting down|Warning: ",
    "podinit": r"podinit: ",
}
HELP = {"tini": r"(?m)^(tini|tini-static|docker-init) \(tini version [\s\S]*Usage: [\s\S]*",
        "dumb-init": r"^dumb-init v1\.2\.5\nUsage: [\s\S]*",
        "catatonit": r"(?<=<arguments>\.\.\.\]\n)\n[\s\S]*-g[\s\S]*",
        "pause": r"^(?!)", "podinit": r"^(?!)"}
# Numbers of processes, where an init names them.
NUMBER = re.compile(r"(?<=tini \()\d+|(?<=pid ')\d+|(?<=pid: ')\d+|(?<=pid=)\d+|(?<=with PID )\d+"
                    r"|(?<=catatonit:)\d+|(?<=pid1 \()\d+|(?<=pid1 \(-)\d+|(?<=child process )\d+")
# What the child of an init says before it is a program: at the same time as the init says
# something.
OF_CHILD = re.compile(r"\[dumb-init\] (Unable to attach|setsid complete|\S*: )|.*[(:]P\d+\)[\]:]")


CATATONIT_HEAD = r"((?:FATAL|ERROR|WARN|INFO|DEBUG) \(catatonit:(?:\d+)\): )"
CATATONIT_SAYS = re.compile(r"pid1 \(|got ECHILD|child process |ignoring kernel|missing program"
                            r"|CATATONIT_LOG|forwarding of")
CATATONITS_CHILD_SAYS = re.compile(r"using stdin as tty|setting foreground|failed to exec"
                                   r"|LISTEN_PID ")


def unspliced(text, init):
    """catatonit writes a line in three pieces, and between them its child may write one of its
    own. Here each message gets the head of who said it. `init` is the number of catatonit's
    process."""
    heads, lines = {CATATONIT_SAYS: [], CATATONITS_CHILD_SAYS: []}, []
    if not re.search(CATATONIT_HEAD, text):
        return text
    for piece in filter(None, re.split(CATATONIT_HEAD + "|\n", text)):
        if re.match(CATATONIT_HEAD, piece):
            of_init = f":{init})" in piece
            heads[CATATONIT_SAYS if of_init else CATATONITS_CHILD_SAYS].append(piece)
        else:
            lines.append("".join(who_heads.pop(0) for says, who_heads in heads.items()
                                 if says.match(piece) and who_heads) + piece)
    return "\n".join(lines) + "\n"


class Outcome(NamedTuple):
    """How an init ended (negative: of which signal), and the lines on its two streams: first its
    own, then those of its child before it was a program, then the program's."""
    code: int
    out: list
    err: list


class Init:
    """A program that is called `name`: the real one or podinit."""

    def __init__(self, name, program, directory, is_peer, by_option=False):
        self.name, self.directory, self.is_peer = name, pathlib.Path(directory), is_peer
        self.directory.mkdir()
        self.kind = "tini" if name in ("tini-static", "docker-init") else name
        self.words = [PODINIT, "--compat", name]
        if not by_option:
            self.words = [str(self.directory / name)]
            os.symlink(program, self.words[0])
        self.started = []

    def start(self, *arguments, **how):
        running = Running(self, arguments, **how)
        self.started.append(running)
        return running

    def run(self, *arguments, **how):
        """Runs it to its end."""
        running = self.start(*arguments, **how)
        running.wait()
        return running.outcome()

    def listen(self, *options, **how):
        """Runs x and y under it; see LISTENERS."""
        running = self.start(*options, "--", *LISTENERS, **how)
        running.says("x listens")
        running.says("y listens")
        running.x = children(running.pid)[0]
        running.y = children(running.x)[0]
        return running


class Running:
    """A run of an init. `prefix` is what starts it, and `forks` says that its process is then a
    child of that one. On a terminal, what it says goes to files all the same, unless
    `says_there`."""

    def __init__(self, init, arguments, prefix=(), env=(), pid1=False, terminal=None, forks=False,
                 says_there=False, **popen):
        self.init, self.is_pid1 = init, pid1
        self.forks = forks or pid1 or terminal in (JOB, BACKGROUND)
        self.directory = init.directory / str(len(init.started))
        self.directory.mkdir()
        self.files = [self.directory / "out", self.directory / "err"]
        self.terminal, self.said_there = None, b""
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C",
                       "E2E_POD": str(init.directory.parent), **dict(env)}
        popen.setdefault("stdin", subprocess.DEVNULL)
        prefix = [*(terminal or []), *(AS_PID1 if pid1 else []), *prefix]
        with open(self.files[0], "ab") as out, open(self.files[1], "ab") as err:
            popen.setdefault("stdout", out)
            popen.setdefault("stderr", err)
            if terminal:
                self.terminal, inner_end = pty.openpty()
                os.set_blocking(self.terminal, False)
                popen["stdin"] = inner_end
                if says_there:
                    popen["stdout"] = popen["stderr"] = inner_end
            self.process = subprocess.Popen(
                [*map(str, prefix), *init.words, *map(str, arguments)],
                start_new_session=not terminal,
                env={k: v for k, v in environment.items() if v is not None}, **popen)
        if terminal:
            self.inner_end = inner_end
        self._pid = None if self.forks else self.process.pid

    @property
    def pid(self):
        """The number of the init itself, as it is here."""
        if self._pid is None:
            self._pid = until(lambda: (children(self.process.pid) or [0])[0] or self.has_ended(),
                              "there is an init")
            assert self._pid is not True, f"it ended: {self.text()}"
        return self._pid

    def executed(self):
        """Waits until it is the init, and no more what starts it."""
        until(lambda: read(f"/proc/{self.pid}/comm") == self.init.name + "\n",
              "the init is executed")

    def send(self, signo):
        kill(self.pid, signo)

    def send_from_inside(self, signo):
        """To process 1, by one of its namespace that is not its child."""
        # Whoever ends process 1 is killed with all of its namespace.
        subprocess.run(["nsenter", "-p", "-t", str(self.pid), "sh", "-c", f"kill -{signo} 1"])

    def type(self, text):
        os.write(self.terminal, text.encode())

    def has_ended(self):
        return self.process.poll() is not None

    def is_stopped(self):
        return state_of(self.pid) == "T"

    def wait(self):
        until(self.has_ended, f"end of {self.process.args}")
        return self.process.returncode

    # --- what it says ---

    def streams(self):
        if self.terminal is not None:
            try:
                self.said_there += os.read(self.terminal, 65536)
            except OSError:
                pass  # nothing there yet; or nobody is there any more
        there = self.said_there.decode(errors="replace").replace("\r\n", "\n")
        return [read(self.files[0]) + there, read(self.files[1])]

    def text(self):
        return "".join(self.streams())

    def says(self, text):
        """Waits until it, or a process of it that is left, has said this."""
        until(lambda: text in self.text(), f"{text!r} of {self.process.args}, only {self.text()!r}")

    def lines(self):
        """Of both streams, as an Outcome has them."""
        init = "1" if self.is_pid1 else str(self._pid)
        numbers = {init: "INIT"}

        def role(match):
            return numbers.setdefault(match[0], f"P{len(numbers)}")

        def order(line):
            own = re.match(OWN_LINE[self.init.kind], line) is not None
            return (0 if own and not OF_CHILD.match(line) else 1) if own else 2
        result = []
        for text in reversed(self.streams()):
            text = text.replace(self.init.words[0], self.init.name)
            text = re.sub(r"tini version \d[^)\n]*?(?=_catatonit|[)\n])", "tini version N", text)
            text = re.sub(r"pause\.c \S+", "pause.c N", text)
            text = re.sub(HELP[self.init.kind], "<help>\n", text)
            if self.init.kind == "catatonit":
                text = unspliced(text, init)
            lines = [NUMBER.sub(role, line) if re.match(OWN_LINE[self.init.kind], line) else line
                     for line in text.splitlines()]
            # podinit does not wake up only to say that there is nothing to do; see
            # test_faces_differences.py.
            lines = [line for line in lines if not line.endswith("] No child to reap")]
            result.insert(0, sorted(lines, key=order))
        return result

    def outcome(self):
        return Outcome(self.wait(), *self.lines())

    # --- the end ---

    def destroy(self):
        if self.process.poll() is None:
            kill(self.process.pid)
            self.process.wait()
        if self.terminal is not None:
            os.close(self.inner_end)
            if self.terminal >= 0:
                os.close(self.terminal)

    def hang_up(self):
        """Nobody is at the other end of its terminal any more."""
        os.close(self.inner_end)
        os.close(self.terminal)
        self.terminal = None


class Inits:
    """The inits of one test."""

    def __init__(self, directory):
        self.directory, self.all = pathlib.Path(directory), []

    def make(self, name, is_peer, by_option=False):
        program = PEERS[name] if is_peer or OURS == "peer" else PODINIT
        directory = self.directory / f"{len(self.all)}-{'peer' if is_peer else 'podinit'}"
        self.all.append(Init(name, program, directory, is_peer, by_option and OURS != "peer"))
        return self.all[-1]

    def peer(self, name):
        return self.make(name, True)

    def podinit(self, name):
        """podinit in the place of `name`."""
        return self.make(name, False)

    def finish(self):
        for init in self.all:
            for running in init.started:
                running.destroy()
        for pid in marked(self.directory):
            kill(pid)


def same(inits, name, scenario, by_option=False):
    """Plays the scenario with the peer and with podinit as `name`, and asserts that both went the
    same way, which is returned."""
    players = [inits.peer(name), inits.podinit(name)]
    if by_option:
        players.append(inits.make(name, False, by_option=True))
    outcomes = side_by_side(scenario, players, workers=len(players))
    for player, outcome in zip(players, outcomes):
        if outcome != outcomes[0]:
            raise AssertionError(difference("the real " + name, outcomes[0], " ".join(player.words),
                                            outcome))
    return outcomes[0]


def difference(first, one, second, other):
    """What differs between two outcomes: a line each, those of the first with a minus."""
    def lines(went):
        if isinstance(went, dict):
            return [f"{key}: {value}" for key, value in went.items()]
        if isinstance(went, (list, tuple)):
            return [line for part in went
                    for line in (part if isinstance(part, list) else [str(part)])]
        return [str(went)]
    changes = [line for line in difflib.ndiff(lines(one), lines(other)) if line[0] in "+-"]
    return "\n".join([f"- is {first}, + is {second}", *(changes or [str(one), str(other)])])


# --- rows of command lines ---

class Row(NamedTuple):
    """A command line that ends by itself, and what the peer is known to do; None: it is not said
    here, the peer says it."""
    arguments: list
    code: int
    out: list = None
    err: list = None
    how: dict = {}

    @property
    def title(self):
        words = [f"{k}={v}" for k,
                 v in dict(self.how.get("env", {})).items()] + list(self.arguments)
        return " ".join(word.replace(str(HELPER), "helper") for word in words)[:70] or "nothing"


def row(arguments, code, out=None, err=None, env=(), **how):
    words = arguments.split() if isinstance(arguments, str) else [str(word) for word in arguments]
    return Row(words, code, out, err, {**how, "env": dict(env)})


def check_help(inits, name, *options):
    """The words are podinit's own, but they name every option."""
    running = inits.podinit(name).start("-h")
    running.wait()
    for option in options:
        assert option in running.text()


def check_licence(inits, name, option):
    """The text is podinit's own; where it goes is not."""
    def licence(init):
        code, out, err = init.run(option)
        return code, bool(out), err
    assert same(inits, name, licence) == (0, True, [])


def check_row(inits, name, row):
    """podinit does what the peer does, by name and by option; and the peer what the row says."""
    went = same(inits, name, lambda init: init.run(*row.arguments, **row.how), by_option=True)
    wanted = Outcome(row.code, went.out if row.out is None else row.out,
                     went.err if row.err is None else row.err)
    if went != wanted:
        raise AssertionError(difference("the real " + name, went, "as the row has it", wanted))


def rows(table):
    return pytest.mark.parametrize("row", table, ids=lambda row: row.title)


# --- terminals ---

def set_terminal_flag(running, flag, on):
    """A local flag of the terminal, as stty sets it."""
    attributes = termios.tcgetattr(running.inner_end)
    attributes[3] = attributes[3] | flag if on else attributes[3] & ~flag
    termios.tcsetattr(running.inner_end, termios.TCSANOW, attributes)
