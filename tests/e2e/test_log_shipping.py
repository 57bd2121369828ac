"""conf/log-shipping.ini: a real rsyslogd ships what a main writes into a real PostgreSQL. Whoever is killed, no
line is lost."""

import os
import random
import shutil
import subprocess
import time

import pytest

from pods import ROOT, kill, until

KILLS = 20


@pytest.fixture
def shipping(pods, tmp_path):
    shutil.copytree(ROOT / "conf/log-shipping", tmp_path / "log-shipping")
    os.chmod(tmp_path, 0o755)
    shutil.copy(ROOT / "conf/log-shipping.ini", tmp_path)
    pod = pods.with_arguments("--no-control", "-c", tmp_path / "log-shipping.ini")
    pod.event(reason="Started", process="app", seconds=60)
    return pod


def in_view(pod, name, *command):
    """What a command says that sees what this process sees."""
    run = subprocess.run(["nsenter", "-t", str(pod.outer(name)), "-m", "-n", *command],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def written(pod):
    return in_view(pod, "app", "sh", "-c", "[ ! -e /var/log/app.log ] || cat /var/log/app.log")


def shipped(pod):
    return set(in_view(pod, "db", "psql", "-qAt", "-h", "/srv", "-U", "postgres", "-c", "select line from logs"))


def starts(pod, name):
    return len(pod.events(reason="Started", process=name))


def test_no_line_is_missing_after_twenty_kills(shipping):
    chance = random.Random(20)
    killed = {"app": 0, "shipper": 0}
    for _ in range(KILLS):
        name = chance.choice(sorted(killed))
        lines = len(written(shipping))
        until(lambda: len(written(shipping)) > lines, "the main writes on")
        time.sleep(chance.random() * 0.2)  # at any moment: nothing waits for it
        before = starts(shipping, name)
        kill(shipping.outer(name))
        killed[name] += 1
        until(lambda: starts(shipping, name) > before, f"{name} is back")
    assert min(killed.values()) > 3
    lines = written(shipping)
    # Whole lines, one after the other, without a gap: what the main itself could not lose.
    assert lines == [f"line {n}" for n in range(1, len(lines) + 1)]
    until(lambda: not set(lines) - shipped(shipping), "every line is in the database", 60, every=0.2)
    for name in killed:
        assert starts(shipping, name) == killed[name] + 1
    assert starts(shipping, "db") == 1


def test_the_last_line_is_shipped_before_the_end(shipping):
    """Mains first, then the shipper when it has shipped all, then the database, by its own signal."""
    until(lambda: len(shipped(shipping)) > 5, "some lines are shipped")
    shipping.stop()
    ends = [event["process"] for event in shipping.events()
            if event["reason"] in ("Completed", "Error") and event["process"] != "cluster"]
    assert ends == ["app", "shipper", "db"]
    assert "received fast shutdown request" in shipping.output()
    assert not shipping.events(reason="FailedPreStopHook")
    assert shipping.events(process="shipper", reason="Completed")
    assert shipping.events(process="db", reason="Completed")
