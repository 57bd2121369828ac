#!/bin/sh
# Fetches Debian's kernel for clouds into DIR, once and without installing it: DIR/vmlinuz, and
# DIR/lib/modules with what modprobe(8) needs.
# Usage: kernel.sh DIR. Must not leave half a kernel in DIR, whenever it is ended.
set -eu
dir=$(realpath -m "$1")
[ -e "$dir/vmlinuz" ] && exit 0

# The package depends on the one that has the kernel of the day.
package_of_the_day() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

update() {
	sudo=
	[ "$(id -u)" = 0 ] || sudo=sudo
	$sudo apt-get update -qq
}

mkdir -p "$(dirname "$dir")"
new=$(mktemp -d "$dir.XXXXXX")
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
[ -n "$(package_of_the_day)" ] || update
cd "$new"
# Lists that are older than the archive name a package that is not there any more.
apt-get download -qq "$(package_of_the_day)" 2>/dev/null || {
	update
	apt-get download -qq "$(package_of_the_day)"
}
dpkg-deb -x linux-image-*.deb .
rm linux-image-*.deb
PATH=$PATH:/usr/sbin:/sbin depmod -b "$new" "$(ls lib/modules)"
chmod 755 "$new"
rm -rf "$dir"
mv boot/vmlinuz-* vmlinuz
mv -T "$new" "$dir"
