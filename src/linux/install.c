/* The one file, copied. Must not need anything but the file: no shell, no cp. */
#include "install.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char NAME[] = "podinit", UNFINISHED[] = ".podinit.new";

static int copy(int from, int to)
{
	char buffer[65536];
	ssize_t length;
	while ((length = read(from, buffer, sizeof(buffer))) > 0) {
		for (ssize_t done = 0, now; done < length; done += now) {
			now = write(to, buffer + done, (size_t)(length - done));
			if (now < 0)
				return -errno;
		}
	}
	return length < 0 ? -errno : 0;
}

/* Under another name first: a half copy is never seen, and one that runs is not written to. */
static int copy_into(int directory, int from)
{
	unlinkat(directory, UNFINISHED, 0);
	int to = openat(directory, UNFINISHED, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (to < 0)
		return -errno;
	int result = copy(from, to);
	if (result == 0 && (fchmod(to, 0755) < 0 || fsync(to) < 0))
		result = -errno;
	close(to);
	if (result == 0 && renameat(directory, UNFINISHED, directory, NAME) < 0)
		result = -errno;
	if (result < 0)
		unlinkat(directory, UNFINISHED, 0);
	return result;
}

int install_podinit(const char *directory_path)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return -errno;
	int directory = open(directory_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = directory < 0 ? -errno : copy_into(directory, from);
	if (directory >= 0)
		close(directory);
	close(from);
	return result;
}
