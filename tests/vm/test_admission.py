"""A pod does not fit where a cgroup above podinit allows less than the machine has."""

import pytest

from cgroups import pod

REQUESTS = "resources.requests.memory = 64Mi\nresources.requests.cpu = 600m\n"


@pytest.mark.parametrize("file, value, said", [
    ("memory.max", 32 << 20, "requests 64Mi of memory (main web 64Mi), but there are only 32Mi (memory.max of "),
    ("cpu.max", "50000 100000", "requests 600m of cpu (main web 600m), but there are only 500m (cpu.max of "),
])
def test_a_limit_above_podinit_is_what_there_is(nest, cgvm, file, value, said):
    ini = pod("web: true", web=REQUESTS)
    cgvm.out("mkdir -p /sys/fs/cgroup/above/podinit")
    cgvm.out("echo '+cpu +memory' >/sys/fs/cgroup/above/cgroup.subtree_control")
    cgvm.out(f"echo {value} >/sys/fs/cgroup/above/{file}")
    within = "cg in /sys/fs/cgroup/above/podinit"
    try:
        refused = nest.run(ini, options="--cgroup none", before=within)
        assert refused.code == 125 and not refused.events()
        assert f"pod.ini:1: pod: {said}/sys/fs/cgroup/above)\n" in refused.log()
        cgvm.out(f"echo max >/sys/fs/cgroup/above/{file}")
        assert nest.run(ini, options="--cgroup none", before=within).code == 0
    finally:
        cgvm.run("rmdir /sys/fs/cgroup/above/podinit /sys/fs/cgroup/above")
