"""A thousand mains from one file: they start, run and stop; what each of them costs podinit."""

import time

from pods import children, memory_kib, never, until

COUNT = 1000


def names(count):
    return [f"main-{number:04}" for number in range(count)]


def rss(pods, count):
    """VmRSS in KiB of a podinit whose mains all run, and the pod."""
    pod = pods.start(never(*(f"{name}: sleep 1000" for name in names(count))), control=True)
    pod.event(count=count, seconds=120, reason="Started")
    until(lambda: len(children(pod.inner)) == count, "they are all there")
    return memory_kib(pod.inner), pod


def test_a_thousand_mains_start_run_and_stop_in_little_memory(pods, capsys):
    one, pod = rss(pods, 1)
    pod.stop()
    began = time.monotonic()
    thousand, pod = rss(pods, COUNT)
    started = time.monotonic()
    status = pod.status()
    assert [main["name"] for main in status["containerStatuses"]] == names(COUNT)
    assert all("running" in main["state"] for main in status["containerStatuses"])
    told = time.monotonic()
    assert pod.stop() == 143
    ended = time.monotonic()
    assert len(pod.events(reason="Error", exitCode=143)) == COUNT
    assert not pod.survivors()
    each = (thousand - one) * 1024 / (COUNT - 1)
    # Its own strings: name, command, and the two words of that; as text and as pointers.
    strings = len("main-0000") + 2 * len("sleep 1000") + 5 * 8 + 4
    with capsys.disabled():
        print(f"\n{COUNT} mains: VmRSS {one} -> {thousand} KiB, {each:.0f} bytes each; started in "
              f"{started - began:.2f} s, stopped in {ended - told:.2f} s")
    assert each < 1024 + strings
    assert ended - told < 7


def test_more_mains_than_descriptors_run_too(pods):
    # A pidfd for each does not fit; they are started and reaped all the same.
    ini = never(*(f"{name}: sh -c 'sleep 0.5; exit 3'" for name in names(80)))
    pod = pods.start(ini, prefix=["sh", "-c", 'ulimit -n 40; exec "$0" "$@"'])
    assert pod.wait() == 3
    assert len(pod.events(reason="Error", exitCode=3)) == 80
