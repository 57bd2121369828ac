"""conf/mesh.ini, the Istio pattern: an init stage redirects the pod's network, a sidecar without any
capability takes it over, the mains know nothing of it. What is so is read from the kernel and the proxy."""

import csv
import os
import shutil
import signal
import subprocess

import pytest

from pods import ROOT, kill, read, until

PAGE, URL = "Hello from the app\n", "http://10.0.0.2:8080/"


@pytest.fixture
def mesh(pods):
    pod = pods.with_arguments("--no-control", "-c", ROOT / "conf/mesh.ini")
    pod.event(reason="Started", process="client")
    return pod


def status(pid):
    return dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines()
                if ":\t" in line)


def curl(pid, url, *options, prefix=()):
    """In the network of this process: headers and page, "" if nothing comes."""
    return subprocess.run(["nsenter", "-t", str(pid), "-n", *prefix, "curl", "-s", "-i", "--max-time", "2",
                           *options, url], capture_output=True, text=True).stdout


def counters(pod):
    """Of the proxy's frontends, by name."""
    text = curl(pod.inner, "http://127.0.0.1:15000/;csv").partition("\n\n")[2]
    rows = csv.DictReader(text.lstrip("# ").splitlines())
    return {row["pxname"]: row for row in rows if row["svname"] == "FRONTEND"}


def test_rules_then_proxy_then_mains(mesh):
    order = [(event["reason"], event["process"]) for event in mesh.events()
             if event["reason"] in ("Started", "Completed")]
    assert order == [("Started", "redirect"), ("Completed", "redirect"), ("Started", "proxy"),
                     ("Started", "app"), ("Started", "client")]


def test_the_init_has_two_capabilities_and_the_proxy_none(mesh, pods, tmp_path):
    shutil.copytree(ROOT / "conf/mesh", tmp_path / "mesh")
    ini = (ROOT / "conf/mesh.ini").read_text()
    says_it = ini.replace("command = sh -c 'ip ", "command = sh -c 'cat /proc/self/status; ip ")
    assert says_it != ini
    (tmp_path / "mesh.ini").write_text(says_it)
    pod = pods.with_arguments("--no-control", "-c", tmp_path / "mesh.ini")
    pod.event(reason="Completed", process="redirect")
    words = pod.output().split()
    both = f"{1 << 12 | 1 << 13:016x}"  # NET_ADMIN, NET_RAW
    for name, value in (("CapEff:", both), ("CapPrm:", both), ("CapBnd:", both), ("CapInh:", "0" * 16),
                        ("CapAmb:", "0" * 16)):
        assert words[words.index(name) + 1] == value, name

    proxy = status(mesh.outer("proxy"))
    assert proxy["Name"] == "haproxy" and proxy["NoNewPrivs"] == "1"
    assert proxy["Uid"].split() == proxy["Gid"].split() == ["1337"] * 4
    for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb"):
        assert proxy[name] == "0" * 16, name


def test_what_a_main_sends_goes_through_the_proxy(mesh):
    mesh.says(PAGE)
    assert "via: 1.1 mesh (sent)" in mesh.output()
    before = counters(mesh)["sent"]
    assert int(before["req_tot"]) >= 1 and int(before["bin"]) > 0 and int(before["bout"]) > len(PAGE)
    until(lambda: int(counters(mesh)["sent"]["req_tot"]) > int(before["req_tot"]), "it counts on",
          every=0.1)
    assert counters(mesh)["received"]["req_tot"] == "0"
    # Whoever asks, and by whatever address.
    for url in (URL, "http://127.0.0.1:8080/"):
        answer = curl(mesh.inner, url)
        assert PAGE in answer and "via: 1.1 mesh (sent)" in answer


def test_without_the_proxy_nothing_gets_through(mesh):
    mesh.says(PAGE)
    proxy = mesh.outer("proxy")
    by_proxys_user = ["setpriv", "--reuid=1337", "--regid=1337", "--clear-groups"]
    os.kill(proxy, signal.SIGSTOP)
    try:
        for url in (URL, "http://127.0.0.1:8080/"):
            assert curl(mesh.inner, url) == ""
        # It is the rules that hold it up: the app is there, and the proxy's user may.
        answer = curl(mesh.inner, URL, prefix=by_proxys_user)
        assert PAGE in answer and "via" not in answer
    finally:
        os.kill(proxy, signal.SIGCONT)
    assert PAGE in until(lambda: curl(mesh.inner, URL), "it goes on", every=0.1)


def test_what_comes_from_outside_goes_through_the_proxy(mesh):
    """Another network namespace and a cable between the two."""
    mesh.says(PAGE)
    other = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
    try:
        until(lambda: os.readlink(f"/proc/{other.pid}/ns/net") != os.readlink("/proc/self/ns/net"),
              "there is another network")
        commands = [["ip", "link", "add", "cable", "netns", str(mesh.inner), "type", "veth", "peer",
                     "name", "cable", "netns", str(other.pid)]]
        for pid, address in ((mesh.inner, "10.1.0.1/24"), (other.pid, "10.1.0.2/24")):
            inside = ["nsenter", "-t", str(pid), "-n", "ip"]
            commands += [[*inside, "address", "add", address, "dev", "cable"],
                         [*inside, "link", "set", "cable", "up"]]
        for command in commands:
            subprocess.run(command, check=True)
        url = "http://10.1.0.1:8080/"
        answer = until(lambda: curl(other.pid, url), "the page comes over the cable", every=0.1)
        assert PAGE in answer and "via: 1.1 mesh (received)" in answer
        assert int(counters(mesh)["received"]["req_tot"]) >= 1
        proxy = mesh.outer("proxy")
        os.kill(proxy, signal.SIGSTOP)
        try:
            assert curl(other.pid, url) == ""
        finally:
            os.kill(proxy, signal.SIGCONT)
    finally:
        kill(other.pid)
        other.wait()


def test_it_ends_as_a_whole(mesh):
    mesh.says(PAGE)
    assert mesh.stop() == 143
    assert not mesh.survivors()
