"""An init that has nothing to do does nothing: not one wake-up in a minute. The one place where the
time itself is what is tested, so all of them share that minute."""

import os
import time

from pods import PODINIT, UNSHARE, polite, read, until

MINUTE = 60


def switches(pid):
    """How often a process was given a processor, or lost it, since it began."""
    counts = [int(line.split()[1]) for line in read(f"/proc/{pid}/status").splitlines()
              if line.startswith(("voluntary_ctxt", "nonvoluntary_ctxt"))]
    assert len(counts) == 2
    return sum(counts)


def named(pods, name, *arguments):
    """podinit under another name, or the freestanding pause, as process 1."""
    link = pods.directory / name
    target = os.path.join(os.path.dirname(PODINIT), name) if name == "pause" else PODINIT
    link.symlink_to(target)
    return pods.with_arguments(*arguments, how=UNSHARE, events=False,
                               prefix=["sh", "-c", f'shift; exec {link} "$@"', "sh"])


def test_nothing_wakes_up_in_a_minute(pods):
    idle = {
        "entrypoint": pods.program(*polite("one").split(), how=UNSHARE, control=True, events=False),
        "pod": pods.start("[pod]\nrestartPolicy = Always\n[init i]\ncommand = true\n"
                          f"[sidecar s]\ncommand = {polite('side')}\n"
                          f"[main m]\ncommand = {polite('main')}\n", how=UNSHARE, control=True),
        "no configuration": pods.with_arguments("--no-control", how=UNSHARE, events=False),
        "tini": named(pods, "tini", "--", *polite("two").split()),
        "dumb-init": named(pods, "dumb-init", "--", *polite("three").split()),
        "catatonit": named(pods, "catatonit", "--", *polite("four").split()),
        "pause": named(pods, "pause"),
    }
    for kind, ready in {"entrypoint": "one", "pod": "main", "tini": "two", "dumb-init": "three",
                        "catatonit": "four"}.items():
        idle[kind].says(f"{ready} is ready")
    idle["pod"].event(reason="Phase", phase="Running")
    idle["no configuration"].says("Running")
    pids = {kind: pod.inner for kind, pod in idle.items()}
    until(lambda: read(f"/proc/{pids['pause']}/comm") == "pause\n", "it is pause")

    def settled():  # until the last thing that they had to do is done
        before = {kind: switches(pid) for kind, pid in pids.items()}
        time.sleep(0.5)
        return before if before == {kind: switches(pid) for kind, pid in pids.items()} else None
    before = until(settled, "all of them are idle")
    time.sleep(MINUTE)
    woken = {kind: switches(pid) - before[kind] for kind, pid in pids.items()}
    assert woken == dict.fromkeys(pids, 0)
    for kind, pod in idle.items():
        os.kill(pids[kind], 15)
        assert pod.wait() == 0, kind
