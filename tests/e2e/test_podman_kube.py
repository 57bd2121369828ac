"""Kubernetes Pods under `podman play kube`, with pause and podinit as their first container: the two Pods
of conf/, and the one of the README that an init container brings podinit to."""

import shutil
import subprocess

import pytest

from containers import GRACE, INFRA, command_line, namespace, needs_podman, stop_pod
from pods import ROOT, children, is_running, until

pytestmark = needs_podman


def make_roots(name):
    subprocess.run([ROOT / "conf/rootfs.sh", name], check=True, capture_output=True, timeout=600)


def import_image(podman, name, *members_of_tar, changes=()):
    """Makes an image out of directories, as tar's arguments name them."""
    options = [f"--change={change}" for change in ("ENV PATH=/usr/sbin:/usr/bin", *changes)]
    tar = subprocess.Popen(["tar", "-c", *map(str, members_of_tar)], stdout=subprocess.PIPE)
    with tar.stdout:
        podman("import", "-q", *options, "-", name, stdin=tar.stdout, seconds=120)
    assert tar.wait() == 0


def fetch(pid, url):
    """The page, by the network of a process; "" if there is none yet."""
    return subprocess.run(["nsenter", "-t", str(pid), "-n", "curl", "-sf", "--max-time", "30", url],
                          capture_output=True, text=True).stdout


# The Pod of conf/two-containers.ini, only that /data is the test's own directory.
TWO_CONTAINERS = """
apiVersion: v1
kind: Pod
metadata:
  name: two-containers
spec:
  restartPolicy: Never
  volumes:
  - name: shared-data
    hostPath:
      path: {data}
  containers:
  - name: nginx-container
    image: nginx
    volumeMounts:
    - name: shared-data
      mountPath: /usr/share/nginx/html
  - name: debian-container
    image: debian
    volumeMounts:
    - name: shared-data
      mountPath: /pod-data
    command: ["/bin/sh"]
    args: ["-c", "echo Hello from the debian container > /pod-data/index.html"]
"""


@pytest.fixture(scope="module")
def images_of_two_containers(engine):
    make_roots("two-containers")
    roots = ROOT / "build/rootfs"
    # What nginx's own image says.
    import_image(engine, "nginx", "-C", roots / "nginx", ".",
                 changes=['CMD ["nginx", "-g", "daemon off;"]', "STOPSIGNAL SIGQUIT"])
    import_image(engine, "debian", "-C", roots / "debian", ".")


@INFRA
def test_play_kube_two_containers(podman, images_of_two_containers, open_directory, infra):
    file = open_directory / "pod.yaml"
    file.write_text(TWO_CONTAINERS.format(data=open_directory))
    podman("play", "kube", "--network", "none", file, infra=infra)
    first = podman.infra("two-containers")[1]
    assert command_line(first) == [f"/{infra}"]
    nginx = podman.process("two-containers-nginx-container")
    # The network is the infra process's; each container is in a PID namespace of its own, as ever.
    assert namespace(nginx, "net") == namespace(first, "net") != namespace("self", "net")
    assert namespace(nginx, "pid") != namespace(first, "pid")
    assert podman.code("two-containers-debian-container") == 0
    page = until(lambda: fetch(first, "http://127.0.0.1/"), "nginx serves", every=0.1)
    assert page == "Hello from the debian container\n"
    stop_pod(podman, "two-containers")
    assert podman.code("two-containers-nginx-container") == 0


# As the README shows it: the file comes out of its image into a container that knows nothing of it.
INSTALLED = """
apiVersion: v1
kind: Pod
metadata:
  name: installed
spec:
  restartPolicy: Never
  volumes:
  - name: podinit
    emptyDir: {}
  initContainers:
  - name: install
    image: localhost/podinit:latest
    command: ["/podinit", "--install", "/opt/podinit"]
    volumeMounts:
    - name: podinit
      mountPath: /opt/podinit
  containers:
  - name: app
    image: localhost/plain:latest
    command: ["/opt/podinit/podinit", "--", "/helper", "polite", "app", "3", "0"]
    volumeMounts:
    - name: podinit
      mountPath: /opt/podinit
      readOnly: true
"""


def test_play_kube_an_init_container_brings_podinit(podman, tmp_path):
    (tmp_path / "pod.yaml").write_text(INSTALLED)
    podman("play", "kube", "--network", "none", tmp_path / "pod.yaml", infra="pause")
    app = podman.process("installed-app")
    assert command_line(app)[0] == "/opt/podinit/podinit"
    podman.says("installed-app", "app is ready")
    assert [command_line(child)[:3] for child in children(app)] == [["/helper", "polite", "app"]]
    podman("stop", "-t", GRACE, "installed-app")
    assert podman.code("installed-app") == 3


# The Pod of conf/javaweb.ini. Without hostPort, which needs a bridge. OnFailure, because podman 4.3
# restarts an init container that succeeded if the Pod says Always. With one PID namespace for all,
# process 1 is podinit and not the shell before Tomcat, which as process 1 would not see a SIGTERM.
JAVAWEB = """
apiVersion: v1
kind: Pod
metadata:
  name: javaweb-2
spec:
  restartPolicy: OnFailure
  shareProcessNamespace: true
  initContainers:
  - image: geektime/sample:v2
    name: war
    command: ["cp", "/sample.war", "/app"]
    volumeMounts:
    - mountPath: /app
      name: app-volume
  containers:
  - image: geektime/tomcat:7.0
    name: tomcat
    command: ["sh","-c","/root/apache-tomcat-7.0.42-v2/bin/start.sh"]
    volumeMounts:
    - mountPath: /root/apache-tomcat-7.0.42-v2/webapps
      name: app-volume
  volumes:
  - name: app-volume
    emptyDir: {}
"""

START_TOMCAT = """#!/bin/sh
export JAVA_HOME=/usr/lib/jvm/default-java CATALINA_HOME=/usr/share/tomcat10
export CATALINA_BASE=/root/apache-tomcat-7.0.42-v2
exec $CATALINA_HOME/bin/catalina.sh run
"""


@pytest.fixture(scope="module")
def images_of_javaweb(engine):
    make_roots("javaweb")
    roots = ROOT / "build/rootfs"
    import_image(engine, "geektime/sample:v2", "-C", roots / "war", ".")
    # Debian's Tomcat, once more where the Pod looks for it.
    extra, base = engine.directory / "tomcat", "root/apache-tomcat-7.0.42-v2"
    shutil.copytree(roots / "tomcat/var/lib/tomcat10", extra / base, symlinks=True)
    (extra / base / "bin").mkdir(exist_ok=True)
    (extra / base / "bin/start.sh").write_text(START_TOMCAT)
    (extra / base / "bin/start.sh").chmod(0o755)
    import_image(engine, "geektime/tomcat:7.0", "-C", roots / "tomcat", ".", "-C", extra, base)


def test_play_kube_javaweb(podman, images_of_javaweb, tmp_path):
    (tmp_path / "pod.yaml").write_text(JAVAWEB)
    podman("play", "kube", "--network", "none", tmp_path / "pod.yaml", infra="podinit")
    first = podman.infra("javaweb-2")[1]
    tomcat = podman.process("javaweb-2-tomcat")
    assert command_line(first) == ["/podinit"]
    assert namespace(tomcat, "pid") == namespace(first, "pid")
    page = until(lambda: not is_running(tomcat) or fetch(first, "http://127.0.0.1:8080/sample/"),
                 "Tomcat serves the page", seconds=120, every=0.3)
    assert page is not True, podman.output("javaweb-2-tomcat")
    assert "Hello from the WAR: 6*7 = 42" in page and "Apache Tomcat" in page
    stop_pod(podman, "javaweb-2")
