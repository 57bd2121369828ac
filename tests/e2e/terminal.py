"""A terminal for a test: what is typed into it, what it shows, who is in its foreground."""

import fcntl
import os
import pty
import select
import subprocess
import termios
import threading

from pods import kill, read, until


def stat(pid):
    """Group, session, terminal and its foreground group, as /proc/PID/stat has them."""
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return dict(zip(("group", "session", "terminal", "foreground"), map(int, fields[2:6])))


class Terminal:
    """Runs a command whose session it controls: as a container with a terminal does, or a login."""

    def __init__(self, command, **popen):
        self.master, slave = pty.openpty()
        # Own words only: what is typed is not shown.
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)

        def lead():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen([str(word) for word in command], stdin=slave, stdout=slave,
                                        stderr=slave, preexec_fn=lead, **popen)
        os.close(slave)
        self.pid, self.shown = self.process.pid, b""
        self.stop_reading = os.pipe()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while self.stop_reading[0] not in (ready := select.select(
                [self.master, self.stop_reading[0]], [], [])[0]):
            try:
                self.shown += os.read(ready[0], 4096)
            except OSError:
                return  # nobody has it open any more

    def type(self, text):
        os.write(self.master, text.encode())

    def text(self):
        return self.shown.decode(errors="replace").replace("\r\n", "\n")

    def shows(self, text, count=1):
        until(lambda: self.text().count(text) >= count,
              f"{text!r} {count} times in {self.text()!r}")

    def hang_up(self):
        """The terminal is gone for those who have it: nobody may be reading from it then."""
        os.close(self.stop_reading[1])
        self.reader.join()
        os.close(self.stop_reading[0])
        os.close(self.master)
        self.master = -1

    def wait(self):
        return self.process.wait(timeout=20)

    def close(self, others=()):
        for pid in others:
            kill(pid)
        if self.process.poll() is None:
            kill(self.pid)
            self.process.wait()
        if self.master >= 0:
            self.hang_up()
