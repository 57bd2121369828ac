#!/bin/sh
# Installs what building and testing podinit needs, on Debian and Ubuntu; elsewhere it names what is
# missing. Says what it does, and does nothing where nothing is missing.
# Must not be needed to run podinit: the binary is static.
set -eu

# command or file that shows that it is there : Debian package
needed='
cc:gcc
make:make
pkg-config:pkg-config
clang:clang
/usr/include/ev.h:libev-dev
/usr/include/ini.h:libinih-dev
/usr/include/sys/capability.h:libcap-dev
getpcaps:libcap2-bin
/usr/include/jansson.h:libjansson-dev
/usr/include/seccomp.h:libseccomp-dev
/usr/include/openssl/ssl.h:libssl-dev
/usr/include/nghttp2/nghttp2.h:libnghttp2-dev
/usr/include/cmocka.h:libcmocka-dev
/usr/lib/python3/dist-packages/pytest:python3-pytest
/usr/lib/python3/dist-packages/xdist:python3-pytest-xdist
/usr/lib/python3/dist-packages/grpc:python3-grpcio
openssl:openssl
systemd-notify:systemd
unshare:util-linux
setpriv:util-linux
newuidmap:uidmap
ip:iproute2
/usr/sbin/nft:nftables
/usr/sbin/haproxy:haproxy
/usr/sbin/nginx:nginx-light
/usr/sbin/lighttpd:lighttpd
redis-server:redis-server
/usr/bin/pg_isready:postgresql-client
/var/lib/dpkg/info/postgresql.list:postgresql
/usr/sbin/rsyslogd:rsyslog
/var/lib/dpkg/info/rsyslog-pgsql.list:rsyslog-pgsql
curl:curl
strace:strace
file:file
ps:procps
aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu
qemu-aarch64-static:qemu-user-static
qemu-system-x86_64:qemu-system-x86
cpio:cpio
/sbin/modprobe:kmod
/sbin/mke2fs:e2fsprogs
/sbin/apparmor_parser:apparmor
xz:xz-utils
tini-static:tini
dumb-init:dumb-init
catatonit:catatonit
podman:podman
runc:runc
/usr/lib/podman/netavark:netavark
/var/lib/dpkg/info/busybox-static.list:busybox-static
'
missing=
for pair in $needed; do
	what=${pair%%:*} package=${pair#*:}
	case $what in
	/*) [ -e "$what" ] && continue ;;
	*) command -v "$what" >/dev/null 2>&1 && continue ;;
	esac
	missing="$missing $package"
done
# clang's AddressSanitizer and libFuzzer have a package of their own, named after clang's version.
if ! ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*.a >/dev/null 2>&1; then
	missing="$missing libclang-rt-dev"
fi
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "deps: missing here, by their Debian names:$missing" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	sudo=sudo
fi
echo "deps: installing with apt-get:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# The name with a version is what bookworm has; later releases have the plain one.
case $missing in
*libclang-rt-dev*)
	version=$(clang --version 2>/dev/null | sed -n 's/.*clang version \([0-9]*\).*/\1/p')
	missing=$(echo "$missing" | sed "s/libclang-rt-dev/libclang-rt-${version:-14}-dev/")
	;;
esac
# shellcheck disable=SC2086 # a list of packages
$sudo apt-get install -qq -y --no-install-recommends $missing >/dev/null
