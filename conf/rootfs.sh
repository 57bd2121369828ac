#!/bin/sh
# rootfs.sh two-containers|javaweb|all : makes the root file systems that the
# example pods of this directory name, under build/rootfs of the project:
#
#   two-containers.ini   nginx, debian
#   javaweb.ini          war (holds /sample.war), tomcat
#
# The packages come from contrib/mkroot; what stands here is only what Debian's
# maintainer scripts, or the author of an image, would have added to them.
# A second run changes nothing, so it may come while a pod runs in these roots.
# It starts no pod itself.
set -eu
umask 022 # nginx reads as www-data what root made

cd "$(dirname "$0")/.."
root=build/rootfs
mkdir -p "$root"

die() {
	echo "rootfs.sh: $*" >&2
	exit 1
}

# Made by this very version of the script. Each file or directory asked about is
# renamed into place as the last step of making it, so being there means whole.
is_made() { [ -e "$1" ] && [ ! conf/rootfs.sh -nt "$1" ]; }

make_root() {
	name=$1
	shift
	contrib/mkroot "$root/$name" "$@"
}

# What the official nginx image does: serve the default root, log to the
# container's own output. Debian's nginx.conf includes conf.d, and nothing else
# that listens, as sites-enabled/default is a maintainer script's link.
nginx() {
	make_root nginx nginx
	conf=$root/nginx/etc/nginx/conf.d/default.conf
	is_made "$conf" && return
	ln -sf /dev/stdout "$root/nginx/var/log/nginx/access.log"
	ln -sf /dev/stderr "$root/nginx/var/log/nginx/error.log"
	cat >"$conf.new" <<-'END'
		server {
			listen 80;
			server_name localhost;
			location / {
				root /usr/share/nginx/html;
				index index.html;
			}
		}
	END
	mv "$conf.new" "$conf"
}

debian() {
	make_root debian dash coreutils
}

# The WAR is a real one: Tomcat has to compile the page before it can answer 42.
war() {
	make_root war coreutils
	is_made "$root/war/sample.war" && return
	rm -rf "$root/war.src" "$root/war.zip"
	mkdir -p "$root/war.src/WEB-INF"
	cat >"$root/war.src/WEB-INF/web.xml" <<-'END'
		<?xml version="1.0" encoding="UTF-8"?>
		<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0">
		  <display-name>sample</display-name>
		  <welcome-file-list>
		    <welcome-file>index.jsp</welcome-file>
		  </welcome-file-list>
		</web-app>
	END
	cat >"$root/war.src/index.jsp" <<-'END'
		<%@ page contentType="text/plain; charset=UTF-8" %>Hello from the WAR: 6*7 = <%= 6 * 7 %>
		Served by <%= application.getServerInfo() %>
	END
	if command -v zip >/dev/null; then
		(cd "$root/war.src" && zip -q -r ../war.zip WEB-INF index.jsp)
	elif command -v python3 >/dev/null; then
		(cd "$root/war.src" && python3 -m zipfile -c ../war.zip WEB-INF index.jsp)
	else
		die "sample.war: needs zip or python3 to pack it"
	fi
	rm -rf "$root/war.src"
	mv "$root/war.zip" "$root/war/sample.war"
}

# tomcat10-user brings the skeleton of an instance and, unlike tomcat10, no
# systemd. What follows is what its tomcat10-instance-create would do. javaweb.ini
# mounts volumes over the directories that Tomcat writes to and the rest read-only,
# so Catalina/localhost, which Tomcat else makes at its start, has to be there.
tomcat() {
	make_root tomcat tomcat10-user default-jre-headless dash coreutils
	base=$root/tomcat/var/lib/tomcat10
	is_made "$base" && return
	rm -rf "$base" "$base.new"
	mkdir -p "$base.new/conf/Catalina/localhost"
	for d in webapps logs work temp; do mkdir "$base.new/$d"; done
	cp -R "$root/tomcat/usr/share/tomcat10/skel/." "$base.new"
	mv "$base.new" "$base"
}

# One command a line: joined by && a failure inside them would not stop the script.
case ${1:-} in
two-containers)
	nginx
	debian
	;;
javaweb)
	war
	tomcat
	;;
all)
	nginx
	debian
	war
	tomcat
	;;
*) die "usage: rootfs.sh two-containers|javaweb|all" ;;
esac
