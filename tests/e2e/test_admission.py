"""The pod as one unit: what does not fit, or cannot run whole, is known before anything starts."""

import os
import socket
import stat

import pytest

from pods import HELPER, PLAIN, SANDBOX, UNSHARE, never

# More than any machine has.
MEMORY, CPUS = "resources.requests.memory = 1Pi\n", "resources.requests.cpu = 100k\n"


def strict(*mains, **how):
    return never(*mains, **how).replace("name = test\n", "name = test\nadmission = strict\n", 1)


def refused(result):
    """Its lines, once nothing has started."""
    assert result.code == 125, result.output
    assert not result.events
    assert "nothing was started\n" in result.output
    return [line.partition("pod.ini:")[2] for line in result.output.splitlines() if "pod.ini:" in line]


# --- does it fit? ---


@pytest.mark.parametrize("how", [SANDBOX, UNSHARE, PLAIN])
@pytest.mark.parametrize("admission", ["strict", "warn"])
def test_too_much_memory_is_refused_whatever_admission_says(pods, how, admission):
    ini = never("web: sleep 1000").replace("[pod]\n", f"[pod]\nadmission = {admission}\n")
    lines = refused(pods.run(ini + MEMORY, how=how))
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    assert len(lines) == 1
    assert lines[0].startswith("1: pod: requests 1Pi of memory (main web 1Pi), but there are only ")
    # At most what the machine has; a cgroup of the test's own may allow less.
    assert int(lines[0].rpartition("only ")[2].partition("Mi")[0]) <= there


def test_the_sum_is_shown_of_all_that_run_together(pods):
    ini = never("web: sleep 1000") + "resources.limits.cpu = 90k\n" + \
        "[sidecar log]\ncommand = sleep 1000\nresources.requests.cpu = 20k\n" + \
        "[init first]\ncommand = true\nresources.requests.cpu = 1\n"
    ini = ini.replace("[pod]\n", "[pod]\noverhead.cpu = 500m\n")
    count = len(os.sched_getaffinity(0))
    assert refused(pods.run(ini)) == [
        "1: pod: requests 110000500m of cpu (sidecar log 20000 + main web 90000 + overhead 500m), but "
        f"there are only {count} (the CPUs that podinit may use)"]


def test_an_init_can_need_more_than_all_mains(pods):
    ini = never("web: sleep 1000") + "resources.requests.cpu = 1m\n" + \
        "[sidecar log]\ncommand = sleep 1000\nresources.requests.cpu = 2m\n" + \
        "[init build]\ncommand = sleep 1000\n" + CPUS
    assert "requests 100000002m of cpu (sidecar log 2m + init build 100000), but" in \
        refused(pods.run(ini))[0]
    before = ini.replace("[sidecar", "[init build]\ncommand = true\n" + CPUS + "[sidecar")
    before = before[:before.rindex("[init build]")]
    assert "requests 100000 of cpu (init build 100000), but" in refused(pods.run(before))[0]


def test_resources_of_the_pod_are_instead_of_the_sum(pods):
    ini = never("web: true")
    lines = refused(pods.run(ini.replace("[pod]\n", "[pod]\n" + MEMORY + CPUS)))
    assert [line.partition(", but")[0] for line in lines] == [
        "1: pod: requests 100000 of cpu (resources of the pod 100000)",
        "1: pod: requests 1Pi of memory (resources of the pod 1Pi)"]
    fits = ini.replace("[pod]\n", "[pod]\nresources.requests.memory = 1Mi\n") + MEMORY
    assert pods.run(fits).code == 0


def test_what_podinit_may_not_use_is_not_there(pods):
    one = str(min(os.sched_getaffinity(0)))
    ini = never("web: true", "db: true").replace("= true\n", "= true\nresources.requests.cpu = 600m\n")
    lines = refused(pods.run(ini, prefix=["taskset", "-c", one]))
    assert lines == ["1: pod: requests 1200m of cpu (main web 600m + main db 600m), but there are only 1 "
                     "(the CPUs that podinit may use)"]


def test_exactly_what_there_is_fits(pods):
    count = len(os.sched_getaffinity(0))
    assert pods.run(never("web: true") + f"resources.requests.cpu = {count}\n").code == 0
    assert len(refused(pods.run(never("web: true") + f"resources.requests.cpu = {count}001m\n"))) == 1


# --- will it run whole? ---

TWENTY = [f"m{i}: sleep 1000" for i in range(19)] + ["gone: no-such-program"]


def test_one_missing_program_of_20_starts_nothing_with_strict(pods):
    lines = refused(pods.run(strict(*TWENTY)))
    assert len(lines) == 1
    assert "main gone: command: 'no-such-program' is in no directory of its PATH, /" in lines[0]


def test_with_warn_the_19_others_start(pods):
    pod = pods.start(never(*TWENTY))
    pod.running(*[f"m{i}" for i in range(19)])
    log = pod.output()
    assert log.count("podinit: warning: ") == 1
    assert "podinit: warning: main gone: command: 'no-such-program' is in no directory of its PATH" in log
    pod.event(reason="StartError", process="gone")
    pod.stop()
    assert {event["process"] for event in pod.events(reason="Started")} == {f"m{i}" for i in range(19)}
    assert "podinit: gone: cannot execute" in pod.output()


def test_a_pod_with_nothing_wrong_is_started_without_a_word(pods):
    result = pods.run(strict("web: true"))
    assert result.code == 0
    assert "warning" not in result.output


def test_quiet_says_no_warning(pods):
    result = pods.run(never("web: no-such-program"), options=["-q"])
    assert "warning" not in result.output


FINDINGS = {
    "command = /no/such": "command: '/no/such': No such file or directory",
    "command = /etc/passwd": "command: '/etc/passwd': Permission denied",
    "command = /etc": "command: '/etc': Permission denied",
    "command = ''": "command: '': No such file or directory",
    "command = true\nenv = PATH=/nowhere:/etc":
        "command: 'true' is in no directory of its PATH, /nowhere:/etc",
    "command = passwd\nenv = PATH=/nowhere:/etc": "command: 'passwd': Permission denied",
    "command = true\nworkingDir = /no/such": "workingDir: '/no/such': No such file or directory",
    "command = true\nworkingDir = /etc/passwd": "workingDir: '/etc/passwd': Not a directory",
    "command = true\nworkingDir = /root\nsecurityContext.runAsUser = 1234":
        "workingDir: '/root': Permission denied (as user 1234)",
    "command = true\nsecurityContext.runAsUser = nobody-here":
        "securityContext.runAsUser: its /etc/passwd has no user 'nobody-here'",
    "command = true\nsecurityContext.runAsGroup = nobody-here":
        "securityContext.runAsGroup: its /etc/group has no group 'nobody-here'",
    "command = true\nsecurityContext.runAsNonRoot = true\nsecurityContext.runAsUser = root":
        "securityContext.runAsNonRoot: its user is root",
    "command = true\nsecurityContext.capabilities.add = SYS_RESOURCE":
        "securityContext.capabilities.add: podinit itself does not have SYS_RESOURCE",
    "command = true\nrootfs = /no/such": "rootfs: '/no/such': No such file or directory",
    "command = true\nrootfs = /etc/passwd": "rootfs: '/etc/passwd': Not a directory",
}


@pytest.mark.parametrize("keys", FINDINGS, ids=lambda keys: keys.replace("\n", " "))
def test_every_kind_of_finding(pods, keys):
    finding = FINDINGS[keys]
    how = {"how": SANDBOX}
    if "SYS_RESOURCE" in keys:  # which the machine of the tests may have
        how["prefix"] = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]
    main = f"[main web]\n{keys}\n"
    assert refused(pods.run(strict() + main, **how)) == [f"6: main web: {finding}"]
    warned = pods.start(never() + main, **how)
    warned.says(f"podinit: warning: main web: {finding}\n")
    warned.event(process="web")  # it is tried all the same
    warned.stop()


def test_supplemental_groups_are_looked_up_for_each(pods):
    ini = strict("web: true", "db: true").replace(
        "[pod]\n", "[pod]\nsecurityContext.supplementalGroups = daemon, nobody-here, 7\n")
    assert refused(pods.run(ini)) == [
        f"{line}: main {name}: securityContext.supplementalGroups: its /etc/group has no group "
        "'nobody-here'" for line, name in ((8, "web"), (11, "db"))]


def test_all_of_it_is_said_at_once(pods):
    ini = strict("a: no-such-program", "b: true", "c: /no/such") + \
        "workingDir = /no/such\nsecurityContext.runAsUser = nobody-here\n" + MEMORY
    lines = refused(pods.run(ini))
    assert [line.partition(" ")[2].partition(": ")[0] for line in lines] == [
        "pod", "main a", "main c", "main c", "main c"]


# --- ports ---


def test_a_port_of_two(pods):
    ini = strict("web: true", "db: true").replace("= true\n", "= true\nports = 8080\n")
    assert refused(pods.run(ini)) == ["11: main db: ports: 8080/TCP is also that of main web"]
    assert pods.run(ini.replace("8080", "8080/UDP", 1)).code == 0
    # An init has gone by then.
    init = strict("web: true").replace("= true\n", "= true\nports = 80\n") + \
        "[init first]\ncommand = true\nports = 80\n"
    assert pods.run(init).code == 0


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_a_port_that_is_in_use_here(pods, family, protocol):
    with socket.socket(family, socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM) as one:
        one.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        if protocol == "TCP":
            one.listen()
        number = one.getsockname()[1]
        ini = strict("web: true") + f"ports = {number}/{protocol}\n"
        assert refused(pods.run(ini, how=PLAIN)) == [
            f"7: main web: ports: {number}/{protocol} is in use on this machine already"]
        assert len(refused(pods.run(ini, options=["--net", "host"]))) == 1
        # A fresh network has every port free.
        assert pods.run(ini).code == 0
    assert pods.run(ini, how=PLAIN).code == 0


# --- root file systems of their own ---


@pytest.fixture
def rootfs(tmp_path):
    """A program, a user, and room for links that lead nowhere but into it."""
    root = tmp_path / "root"
    for name in ("bin", "etc", "srv"):
        (root / name).mkdir(parents=True)
    program = root / "bin/helper"
    program.write_bytes(HELPER.read_bytes())
    program.chmod(0o755)
    (root / "etc/passwd").write_text("web:x:1000:1000::/:/bin/sh\n")
    (root / "etc/group").write_text("web:x:1000:\n")
    return root


def of_root(root, command, more=""):
    return strict(f"web: {command}") + f"rootfs = {root}\n{more}"


def test_links_lead_as_in_the_root(pods, rootfs):
    (rootfs / "bin/absolute").symlink_to("/bin/helper")
    (rootfs / "bin/up").symlink_to("../../../../../bin/helper")
    (rootfs / "bin/out").symlink_to("/usr/bin/env")  # which is only outside
    (rootfs / "bin/loop").symlink_to("loop")
    (rootfs / "sbin").symlink_to("/bin")
    for good in ("helper", "/bin/absolute", "/bin/up", "/sbin/helper", "absolute"):
        assert pods.run(of_root(rootfs, f"{good} exit 0")).code in (0, 2), good
    for bad, why in (("/bin/out", "No such file or directory"), ("/usr/bin/env", "No such file"),
                     ("/bin/loop", "Too many levels of symbolic links")):
        assert why in refused(pods.run(of_root(rootfs, bad)))[0]


def test_users_are_those_of_the_root(pods, rootfs):
    user = "securityContext.runAsUser = {}\nsecurityContext.runAsGroup = {}\n"
    assert len(refused(pods.run(of_root(rootfs, "helper", user.format("daemon", "daemon"))))) == 2
    assert pods.run(of_root(rootfs, "helper exit 0", user.format("web", "web"))).code in (0, 2)


def test_the_user_decides_what_can_be_executed(pods, rootfs):
    (rootfs / "bin/helper").chmod(0o700)
    user = "securityContext.runAsUser = web\n"
    assert refused(pods.run(of_root(rootfs, "helper", user))) == [
        "7: main web: command: 'helper': Permission denied (as user 1000)"]
    # One who may read everything may.
    (rootfs / "bin/helper").chmod(stat.S_IXUSR | stat.S_IRUSR)
    more = user + "securityContext.capabilities.add = DAC_OVERRIDE\n"
    assert pods.run(of_root(rootfs, "helper exit 0", more)).code in (0, 2)


def test_what_lies_on_a_volume_is_not_looked_at(pods, rootfs):
    """Nobody knows yet what it will be, be it by a link or along PATH."""
    (rootfs / "opt").symlink_to("/srv/tools")
    mount = "volumeMounts = v:/srv\n"
    volume = "[volume v]\nemptyDir =\n"
    for command, more in (("/srv/x", ""), ("/opt/x", ""), ("x", "env = PATH=/bin:/opt\n"),
                          ("/bin/../srv/x", ""), ("helper", "workingDir = /srv/in/it\n"),
                          ("./x", "workingDir = /opt\n"), ("helper", "workingDir = /proc/sys\n")):
        result = pods.run(of_root(rootfs, command, more + mount) + volume)
        assert result.code != 125, (command, result.output)
    assert len(refused(pods.run(of_root(rootfs, "/other/x", mount) + volume))) == 1
    assert len(refused(pods.run(of_root(rootfs, "/srvx/x", mount) + volume))) == 1


# --- what an init stage may make ---


def test_what_an_init_may_make_is_no_warning(pods, tmp_path):
    program = tmp_path / "made"
    ini = never(f"web: {program}") + f"[init make]\ncommand = cp /bin/true {program}\n"
    result = pods.run(ini)
    assert result.code == 0 and "warning" not in result.output
    # The init itself is looked at: nothing runs before it.
    gone = ini.replace("cp /bin/true", "no-such-program")
    pod = pods.start(gone)
    pod.says("podinit: warning: init make: command: 'no-such-program' is in no directory of its PATH")
    pod.stop()


def test_strict_does_not_wait_for_an_init(pods, tmp_path):
    program = tmp_path / "made"
    ini = strict(f"web: {program}") + f"[init make]\ncommand = cp /bin/true {program}\n"
    assert refused(pods.run(ini)) == [f"7: main web: command: '{program}': No such file or directory"]


@pytest.mark.parametrize("name", ["nobody", "root"])
def test_without_privileges_too(open_pods, name):
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if name == "nobody" else []
    result = open_pods.run(strict("web: no-such-program", "db: true"), how=SANDBOX, prefix=prefix)
    assert len(refused(result)) == 1
    assert open_pods.run(strict("db: true"), how=SANDBOX, prefix=prefix).code == 0


def test_an_entrypoint_is_not_looked_at(pods):
    result = pods.run_program("no-such-program")
    assert result.code == 127 and "warning" not in result.output
