"""What podinit writes: its log, which never blocks it, and the events, which are valid JSON lines."""

import datetime
import json
import os
import re
import socket

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, fill, never, until

WAYS = [SANDBOX, UNSHARE, PLAIN]
CHATTY = "[pod]\nrestartPolicy = Always\nterminationGracePeriodSeconds = 2\n" + "".join(
    f"[main m{number}]\ncommand = true\nbackoff.initialSeconds = 5ms\nbackoff.maxSeconds = 5ms\n"
    for number in range(4))


def goes_on(pod, count):
    pod.event(count=count, reason="Started", process="m0", seconds=60)


@pytest.mark.parametrize("kind", ["pipe", "socket", "fifo"])
@pytest.mark.parametrize("how", WAYS)
def test_a_log_that_nobody_reads_does_not_block_podinit(pods, how, kind):
    if kind == "pipe":
        reader, writer = os.pipe()
    elif kind == "socket":
        pair = socket.socketpair()
        reader, writer = pair[0].detach(), pair[1].detach()
    else:
        os.mkfifo(pods.directory / "fifo")
        reader = os.open(pods.directory / "fifo", os.O_RDONLY | os.O_NONBLOCK)
        writer = os.open(pods.directory / "fifo", os.O_WRONLY)
    try:
        if kind != "socket":
            fill(writer)
        pod = pods.start(CHATTY, how=how, stderr=writer)
        goes_on(pod, 200)
        # Its processes' standard error is the same pipe; O_NONBLOCK must not be set on that.
        assert os.get_blocking(writer)
        pod.stop()
    finally:
        os.close(reader)
        os.close(writer)


def test_lines_that_were_lost_are_counted_when_there_is_room_again(pods):
    reader, writer = os.pipe()
    pod = pods.start(CHATTY, stderr=writer)
    os.close(writer)
    goes_on(pod, 500)
    os.set_blocking(reader, False)
    text = b""

    def read_on():
        nonlocal text
        try:
            text += os.read(reader, 65536)
        except BlockingIOError:
            pass
        return re.search(rb"podinit: [1-9]\d* lines could not be written\n", text)
    until(read_on, "the count of the lost lines")
    assert all(line.startswith(b"podinit: ") for line in text.splitlines()[:-1])
    pod.stop()
    os.close(reader)


def ends_well(pod):
    """It goes on to its end; and its own SIGPIPE is nobody's business."""
    assert pod.wait(10) == 4
    assert pod.events_file.stat().st_size < 100_000
    assert not pod.events(reason="Signal")


@pytest.mark.parametrize("how", WAYS)
def test_a_log_whose_reader_is_gone_does_no_harm(pods, how):
    reader, writer = os.pipe()
    pod = pods.start(never("one: true", "two: sh -c 'sleep 0.5; exit 4'"), how=how, stderr=writer)
    os.close(writer)
    pod.running("one")
    os.close(reader)
    ends_well(pod)


@pytest.mark.parametrize("how", WAYS)
def test_an_events_fifo_whose_reader_is_gone_does_no_harm(pods, how):
    fifo = pods.directory / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    pod = pods.start(never("one: true", "two: sh -c 'sleep 0.5; exit 4'"), ["--events", fifo],
                     how=how, events=False)
    until(lambda: "one: ended" in pod.output(), "the pod runs")
    os.close(reader)
    assert pod.wait(10) == 4
    assert "got SIGPIPE" not in pod.output()[:100_000]


@pytest.mark.parametrize("how", WAYS)
def test_events_into_a_fifo_that_nobody_reads_do_not_block_podinit(pods, how):
    fifo, done = pods.directory / "fifo", pods.directory / "done"
    os.mkfifo(fifo)
    script = f"echo x >> {done}"
    ini = CHATTY.replace("command = true", f"command = sh -c '{script}'", 1)
    pod = pods.start(ini, ["--events", fifo], how=how, events=False)
    until(lambda: done.exists() and len(done.read_text()) > 600, "podinit goes on", seconds=60)
    # Who comes later reads whole lines.
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    text = os.read(reader, 1 << 20)
    for line in text.splitlines():
        json.loads(line)
    assert len(text) > 4096
    assert "events: a line could not be written" in pod.output()
    assert pod.stop() in (0, 143)
    os.close(reader)


def test_events_are_json_lines_with_the_fields_of_their_reason(pods):
    ini = "[pod]\nrestartPolicy = Always\n[init i]\ncommand = true\n[sidecar s]\n" \
        "command = sleep 1000\n[main m]\ncommand = sh -c 'exit 3'\nbackoff.initialSeconds = 20ms\n" \
        "[main k]\ncommand = sh -c 'sleep 0.2; kill -9 $$$$'\n[main e]\ncommand = /nope\n"
    pod = pods.start(ini)
    began = datetime.datetime.now(datetime.timezone.utc)
    pod.event(reason="BackOff", process="m", count=3)
    pod.event(reason="Error", process="k")
    pod.stop()
    lines = pod.events_file.read_text().splitlines()
    events = [json.loads(line) for line in lines]
    times = [event["monotonicNanos"] for event in events]
    assert times == sorted(times) and len(set(times)) == len(times)
    for event in events:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["time"])
        when = datetime.datetime.fromisoformat(event["time"])
        assert abs((when - began).total_seconds()) < 60
        assert event["type"] in ("Normal", "Warning")
        assert event["reason"] and event["message"]
        if "process" in event:
            assert event["kind"] == {"i": "init", "s": "sidecar"}.get(event["process"], "main")
            assert event["message"].startswith(event["process"] + ": ")
    fields = {"Started": {"process", "kind", "pid", "restartCount"},
              "Completed": {"process", "kind", "pid", "exitCode", "restartCount"},
              "Error": {"process", "kind", "pid", "exitCode", "restartCount"},
              "StartError": {"process", "kind", "exitCode", "restartCount"},
              "BackOff": {"process", "kind", "restartCount", "delaySeconds"},
              "Killing": {"process", "kind", "pid", "signal"}, "Phase": {"phase"},
              "Signal": {"signal", "pid", "uid", "program"}}
    common = {"time", "monotonicNanos", "type", "reason", "message"}
    for reason, wanted in fields.items():
        found = [set(event) - common for event in events if event["reason"] == reason]
        assert found, reason
        assert all(wanted <= one for one in found), (reason, found)
    phases = [event["phase"] for event in events if event["reason"] == "Phase"]
    assert phases == ["Pending", "Running", "Failed"] or phases == ["Running", "Failed"]


def test_events_are_appended(pods):
    pod = pods.start(never("one: true"))
    pod.wait()
    first = pod.events_file.read_text()
    again = pods.with_arguments("--no-control", "--events", pod.events_file, "--", "true", events=False)
    again.wait()
    assert pod.events_file.read_text().startswith(first)
    assert len(pod.events_file.read_text()) > len(first)


def test_odd_names_do_not_break_the_json(pods):
    program = pods.directory / "a\"b\\c\td\x01é\n"
    result = pods.run_program(program)
    assert result.code == 127
    error = [event for event in result.events if event["reason"] == "StartError"]
    assert "a\"b\\c\td\x01é\n" in error[0]["message"]


def test_a_name_that_is_no_utf8_does_not_break_the_json(pods):
    result = pods.run_program(b"/nope/\xff\xfe")
    assert result.code == 127
    assert [event for event in result.events if event["reason"] == "StartError"]


def test_a_path_of_any_length_does_not_break_the_json(pods):
    result = pods.run_program("/" + "n" * 4000)
    assert result.code in (126, 127)
    assert [event for event in result.events if event["reason"] == "StartError"]


def test_quiet_says_only_what_went_wrong(pods):
    good = pods.run(never("one: true"), options=["-q"])
    assert good.output.strip() == ""
    bad = pods.run(never("one: /nope"), options=["-q"])
    assert "cannot execute /nope" in bad.output and "Running" not in bad.output


def test_a_good_entrypoint_says_one_line(pods):
    said = pods.run_program("true").output.strip().splitlines()
    assert len(said) == 1
    assert re.fullmatch(r"podinit: ends with exit code 0 after [\d.]+ m?s: "
                        r"true ended with exit code 0 after [\d.]+ m?s", said[0])


def test_a_quiet_entrypoint_says_what_went_wrong(pods):
    assert pods.run_program("true", options=["-q"]).output.strip() == ""
    assert "ends with exit code 1 " in pods.run_program("false", options=["-q"]).output


def test_what_processes_write_is_not_touched(pods):
    script = "import sys; sys.stdout.buffer.write(bytes(range(256)))"
    pod = pods.program("/usr/bin/python3", "-c", script)
    assert pod.wait() == 0
    assert pod.out.read_bytes() == bytes(range(256))


@pytest.mark.parametrize("how", WAYS)
def test_a_log_whose_reader_is_gone_is_no_signal_for_the_mains(pods, how):
    reader, writer = os.pipe()
    os.close(reader)  # every write to it is a SIGPIPE
    pod = pods.start(CHATTY, how=how, stderr=writer)
    os.close(writer)
    goes_on(pod, 100)
    assert not [event for event in pod.events() if event["reason"] == "Signal"]
    pod.stop()
