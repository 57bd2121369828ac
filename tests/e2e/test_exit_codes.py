"""The exit code of podinit, for each way in which a pod ends."""

import signal

import pytest

from pods import PLAIN, SANDBOX, UNSHARE, never, podinit, polite, side_by_side

WAYS = [SANDBOX, UNSHARE, PLAIN]

# Signals whose default does not end a process.
HARMLESS = {signal.SIGCHLD, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN,
            signal.SIGTTOU, signal.SIGURG, signal.SIGWINCH}
DEADLY = [signo for signo in range(1, 65) if signo not in HARMLESS]


@pytest.mark.parametrize("how", WAYS)
def test_the_exit_code_is_the_programs_own(pods, how):
    def run(code):
        return pods.run_program("sh", "-c", f"exit {code}", how=how).code
    codes = [0, 1, 2, 3, 42, 99, 127, 128, 137, 143, 200, 254, 255]
    assert side_by_side(run, codes) == codes


@pytest.mark.parametrize("how", WAYS)
def test_the_exit_code_is_the_mains_own(pods, how):
    def run(code):
        return pods.run(never(f"one: sh -c 'exit {code}'"), how=how).code
    codes = [0, 1, 7, 124, 125, 126, 127, 255]
    assert side_by_side(run, codes) == codes


def test_every_exit_code_is_handed_on(pods):
    codes = list(range(256))
    result = pods.run(never(*(f"m{code}: sh -c 'exit {code}'" for code in codes)))
    ended = {event["process"]: event["exitCode"] for event in result.events
             if event["reason"] in ("Completed", "Error")}
    assert ended == {f"m{code}": code for code in codes}
    assert result.code == 1


def test_every_deadly_signal_is_128_and_its_number(pods):
    def run(signo):
        return pods.run_program("sh", "-c", f"kill -{signo} $$").code
    assert side_by_side(run, DEADLY) == [128 + signo for signo in DEADLY]


@pytest.mark.parametrize("how", [UNSHARE, PLAIN])
def test_some_deadly_signals_are_128_and_their_number_without_the_sandbox(pods, how):
    def run(signo):
        return pods.run_program("sh", "-c", f"kill -{signo} $$", how=how).code
    some = [1, 2, 3, 6, 9, 11, 13, 15, 34, 64]
    assert side_by_side(run, some) == [128 + signo for signo in some]


def test_every_deadly_signal_is_in_the_event_of_its_main(pods):
    result = pods.run(never(*(f"m{signo}: sh -c 'kill -{signo} $$$$'" for signo in DEADLY)))
    ended = {event["process"]: (event["exitCode"], event["signal"]) for event in result.events
             if event["reason"] == "Error"}
    assert ended == {f"m{signo}": (128 + signo, signo) for signo in DEADLY}
    assert result.code == 129


def test_a_pod_active_for_too_long_is_124(pods):
    ini = never("one: sleep 1000") + "[sidecar two]\ncommand = sleep 1000\n"
    result = pods.run(ini.replace("[pod]", "[pod]\nactiveDeadlineSeconds = 1"))
    assert result.code == 124
    assert [event["phase"] for event in result.events if event["reason"] == "Phase"][-1] == "Failed"
    assert "DeadlineExceeded" in [event["reason"] for event in result.events]


def test_124_comes_even_if_the_main_ends_with_0(pods):
    ini = never(f"one: {polite('one')}").replace("[pod]", "[pod]\nactiveDeadlineSeconds = 1")
    result = pods.run(ini)
    assert [event["reason"] for event in result.events if "exitCode" in event] == ["Completed"]
    assert result.code == 124


@pytest.mark.parametrize("arguments", [
    ["--nonsense"], ["-x"], ["--config"], ["-c"], ["--check", "--", "true"], ["--net", "none", "true"],
    ["--sandbox", "--net", "bridge", "true"], ["--sandbox=yes", "true"], ["-q", "-v", "true"],
    ["-c", "/nope.ini", "true"], ["-c", "/nope.ini"], ["-c", "/nope/pod.ini"], ["-c", "/dev/null"],
    ["--events", "/nope/events", "true"], ["--events", "/", "true"]], ids=" ".join)
def test_what_cannot_begin_is_125_and_says_why(arguments):
    ended = podinit(*arguments)
    assert ended.returncode == 125
    assert ended.stderr.strip() and not ended.stdout


@pytest.mark.parametrize("how", WAYS)
def test_a_program_that_is_not_there_is_127(pods, how):
    for program in ("nonesuch", "/nope/nonesuch", ""):
        result = pods.run_program(program, how=how)
        assert result.code == 127
        assert f"cannot execute {program}: No such file or directory" in result.output


@pytest.mark.parametrize("how", WAYS)
def test_a_program_that_cannot_be_executed_is_126(pods, tmp_path, how):
    (tmp_path / "text").write_text("#!/bin/sh\nexit 0\n")
    for program, why in ((tmp_path / "text", "Permission denied"),
                         (tmp_path, "Permission denied"),
                         ("/dev/null", "Permission denied")):
        result = pods.run_program(program, how=how)
        assert result.code == 126
        assert f"cannot execute {program}: {why}" in result.output


@pytest.mark.parametrize("program, code", [("/nope", 127), ("nonesuch", 127), ("/etc/passwd", 126)])
def test_a_main_that_cannot_start_is_126_or_127(pods, program, code):
    assert pods.run(never(f"one: {program}")).code == code


def test_a_text_without_an_interpreter_line_is_126(pods, tmp_path):
    script = tmp_path / "script"
    script.write_text("exit 0\n")
    script.chmod(0o755)
    result = pods.run(never(f"one: {script}"))
    assert result.code == 126
    assert "Exec format error" in result.output


def test_the_first_failed_main_of_the_file_counts_not_of_the_clock(pods):
    result = pods.run(never("zero: true", "slow: sh -c 'sleep 0.4; exit 11'",
                            "fast: sh -c 'exit 22'"))
    ends = [event["process"] for event in result.events if event["reason"] == "Error"]
    assert ends == ["fast", "slow"]
    assert result.code == 11


def test_a_failed_init_gives_its_exit_code_and_no_main_starts(pods):
    ini = never("one: true") + "\n[init first]\ncommand = true\n" \
        "[init second]\ncommand = sh -c 'exit 33'\n[init third]\ncommand = true\n"
    result = pods.run(ini)
    assert result.code == 33
    started = [event["process"] for event in result.events if event["reason"] == "Started"]
    assert started == ["first", "second"]


def test_an_init_that_is_not_found_is_127(pods):
    assert pods.run(never("one: true") + "\n[init first]\ncommand = /nope\n").code == 127


def test_the_exit_codes_of_sidecars_do_not_count(pods):
    ini = never("one: sleep 0.3") + f"\n[sidecar s]\ncommand = {polite('s', 9)}\n"
    result = pods.run(ini)
    assert [event["exitCode"] for event in result.events if event["reason"] == "Error"] == [9]
    assert result.code == 0


@pytest.mark.parametrize("how", WAYS)
def test_stopped_on_request_is_0_if_every_main_ends_with_0(pods, how):
    pod = pods.start(never(f"one: {polite('one')}", "two: true", f"three: {polite('three')}"),
                     how=how)
    pod.says("one is ready")
    pod.says("three is ready")
    pod.event(reason="Completed", process="two")
    assert pod.stop() == 0
    assert pod.events(reason="Phase")[-1]["phase"] == "Succeeded"


@pytest.mark.parametrize("how", WAYS)
def test_mains_that_die_of_sigterm_give_143(pods, how):
    pod = pods.start(never("one: sleep 1000", "two: sleep 1000"), how=how)
    pod.running("two")
    assert pod.stop() == 143


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("how", WAYS)
def test_an_entrypoint_dies_of_the_signal_that_podinit_got(pods, how, signo):
    pod = pods.program("sleep", "1000", how=how)
    pod.event(reason="Started")
    pod.signal(signo)
    assert pod.wait() == 128 + signo
