"""The example pods of conf/, run for real."""

import os
import subprocess

import pytest

from pods import PODINIT, ROOT, UNSHARE, SANDBOX, marked, until

BUILD = ROOT / "build"


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE])
def test_hello_says_hello(pods, how):
    pod = pods.with_arguments("--no-control", "-c", ROOT / "conf/hello.ini", how=how)
    assert pod.wait() == 0
    assert pod.out.read_text() == "Hello from a pod of one process\n"


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE])
def test_sidecar_follows_the_file_and_loses_no_line(pods, how):
    pod = pods.with_arguments("--no-control", "-c", ROOT / "conf/sidecar.ini", how=how)
    assert pod.wait() == 0
    assert pod.out.read_text() == "log: prepared\nlog: work 1\nlog: work 2\n"
    started = [event["process"] for event in pod.events(reason="Started")]
    ended = [event["process"] for event in pod.events(reason="Completed")]
    assert (started, ended) == (["prepare", "log", "work"], ["prepare", "work", "log"])


def make_roots(name):
    subprocess.run([ROOT / "conf/rootfs.sh", name], check=True, capture_output=True, timeout=600)


def fetch(pod, url):
    """The page, by the network of the pod; "" if there is none yet."""
    return subprocess.run(["nsenter", "-t", str(pod.inner), "-n", "curl", "-sf", "--max-time", "30",
                           url], capture_output=True, text=True).stdout


def test_javaweb_serves_the_war_that_its_init_brought(pods):
    make_roots("javaweb")
    roots = [BUILD / "rootfs/war", BUILD / "rootfs/tomcat"]
    before = {path for root in roots for path in root.rglob("*")}
    pod = pods.with_arguments("--no-control", "-c", ROOT / "conf/javaweb.ini")
    pod.event(reason="Started", process="tomcat", seconds=60)
    page = until(lambda: pod.code is not None or fetch(pod, "http://127.0.0.1:8080/sample/"),
                 "Tomcat serves the page", seconds=120, every=0.3)
    assert page is not True, pod.output()
    assert "Hello from the WAR: 6*7 = 42" in page and "Apache Tomcat" in page
    assert [event["process"] for event in pod.events(reason="Completed")] == ["war"]
    pod.signal(15)
    assert pod.wait(40) == 143
    assert not pod.survivors()
    assert {path for root in roots for path in root.rglob("*")} == before


def test_two_containers_share_a_page(open_pods, open_directory):
    make_roots("two-containers")
    # A copy, so that it does not meet `make demo`: the same file, with paths that lead there.
    for name in ("conf", "build"):
        (open_directory / name).mkdir()
    file = open_directory / "conf/two-containers.ini"
    file.write_text((ROOT / "conf/two-containers.ini").read_text())
    (open_directory / "build/rootfs").symlink_to(BUILD / "rootfs")
    pod = open_pods.with_arguments("--no-control", "-c", file)
    pod.event(reason="Completed", process="debian-container")
    page = until(lambda: pod.code is not None or fetch(pod, "http://127.0.0.1/"), "nginx serves")
    assert page == "Hello from the debian container\n"
    assert pod.stop() == 0
    assert not pod.survivors()


def test_the_demo_holds():
    if PODINIT != str(BUILD / "podinit"):
        pytest.skip("contrib/demo.sh runs build/podinit, and PODINIT names another")
    ended = subprocess.run([ROOT / "contrib/demo.sh"], capture_output=True, text=True, timeout=300,
                           env={**os.environ, "E2E_POD": f"demo-{os.getpid()}"})
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("== everything held\n")
    assert not marked(f"demo-{os.getpid()}")
