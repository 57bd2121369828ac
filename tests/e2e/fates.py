"""What a signal does to an init that has listeners, found out without waiting for what does not
come: a signal that is known to come is sent behind each."""

import signal

from pods import is_running, kill, read, state_of, until


def has_signal(pid, signo, *sets):
    for line in read(f"/proc/{pid}/status").splitlines():
        if line.startswith(sets) and int(line.split()[1], 16) >> (signo - 1) & 1:
            return True
    return False


def is_pending(pid, signo):
    """Has it been sent, and not yet been taken?"""
    return has_signal(pid, signo, "SigPnd:", "ShdPnd:")


def is_blocked(pid, signo):
    return has_signal(pid, signo, "SigBlk:")


def has_done(pid, signo):
    """Has it taken the signal, and after that fallen asleep again?"""
    return not is_pending(pid, signo) and state_of(pid) == "S"


def heard(running, name, from_line=0):
    said = read(running.files[0]).splitlines()[from_line:]
    return [int(line.split()[2]) for line in said if line.startswith(f"{name} got ")]


def settle(running, name, pid, signo):
    """Waits until a listener has said all that it got: it gets `signo` as the last one. One that is
    stopped or ends says no more."""
    before = heard(running, name).count(signo)
    kill(pid, signo)
    until(lambda: heard(running, name).count(signo) > before or state_of(pid) in ("T", "Z", ""),
          f"{name} hears {signo}")


def fate(running, signo, send):
    """Sends a signal to an init that has listeners. Returns what became of it: what each got, who
    was stopped (the init is continued then), with which code it ended, and who was left."""
    far, near = (62, 61) if signo > 62 else (64, 63)
    first, stopped = len(read(running.files[0]).splitlines()), []
    send(signo)
    until(lambda: running.has_ended() or running.is_stopped() or not is_pending(running.pid, signo),
          f"signal {signo} is taken")
    # What comes behind it shows that it is through.
    running.send(far)

    def is_through():
        return far in heard(running, "x", first) or running.has_ended() or not is_running(running.x)

    def is_held():
        return running.is_stopped() or (state_of(running.x) == "T" and has_done(running.pid, far))
    while True:
        until(lambda: is_through() or is_held(), f"x hears {far} after {signo}")
        if is_through():
            break
        # What is pending in a listener SIGCONT may take away.
        for name, pid in (("x", running.x), ("y", running.y)):
            settle(running, name, pid, near)
        # A process 1 cannot stop itself. Then it has stopped x, and is done with that.
        stopped += ["init"] if running.is_stopped() else ["x"]
        if stopped[-2:] == ["x", "x"]:  # whom it does not continue
            kill(running.x, signal.SIGCONT)
            kill(running.y, signal.SIGCONT)
            until(is_through, "x is continued")
            break
        running.send(signal.SIGCONT)
        until(lambda: not running.is_stopped(), "it is continued")
        until(lambda: has_done(running.pid, signal.SIGCONT) or running.has_ended(),
              "and has passed it on")
    if not is_running(running.x):
        running.wait()
    left = []
    for name, pid in (("x", running.x), ("y", running.y)):
        if is_running(pid) and not is_pending(pid, signal.SIGKILL):
            settle(running, name, pid, near)
            left += name if is_running(pid) else ""
    # The parent of who was stopped gets SIGCHLD for that.
    unasked = {far, near} | ({signal.SIGCHLD} if stopped else set())
    got = [[number for number in heard(running, name, first) if number not in unasked]
           for name in "xy"]
    return {"x got": got[0], "y got": got[1], "stopped": stopped, "left": left,
            "code": running.wait() if running.has_ended() else None}
