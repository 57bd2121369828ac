/* hostPath and emptyDir on the file system that podinit sees. Must not mount a volume where a
 * process sees it: view.c does, in the process's own namespace. */
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spec/text.h"
#include "account.h"
#include "hosts.h"
#include "mount.h"

static void complain(struct problems *problems, const struct pod_spec *spec,
	const struct volume_spec *volume, const char *what, const char *path, const char *why)
{
	const char *source =
		volume->source < spec->sources.count ? spec->sources.items[volume->source] : NULL;
	problem_add(problems, source, volume->line, "volume %s: %s %s: %s", volume->name, what,
		path, why);
}

/* One row per hostPath.type: what it makes, and what must be there. */
static const struct {
	mode_t format; /* S_IF...; 0: anything */
	enum { MAKE_NOTHING, MAKE_DIRECTORY, MAKE_FILE } make;
	const char *name;
} HOST_PATHS[] = {
	[HOST_PATH_ANY] = {0, MAKE_NOTHING, ""},
	[HOST_PATH_DIRECTORY_OR_CREATE] = {S_IFDIR, MAKE_DIRECTORY, "is not a directory"},
	[HOST_PATH_DIRECTORY] = {S_IFDIR, MAKE_NOTHING, "is not a directory"},
	[HOST_PATH_FILE_OR_CREATE] = {S_IFREG, MAKE_FILE, "is not a file"},
	[HOST_PATH_FILE] = {S_IFREG, MAKE_NOTHING, "is not a file"},
	[HOST_PATH_SOCKET] = {S_IFSOCK, MAKE_NOTHING, "is not a socket"},
	[HOST_PATH_CHAR_DEVICE] = {S_IFCHR, MAKE_NOTHING, "is not a character device"},
	[HOST_PATH_BLOCK_DEVICE] = {S_IFBLK, MAKE_NOTHING, "is not a block device"},
};

static char *prepare_host_path(
	const struct pod_spec *spec, const struct volume_spec *volume, struct problems *problems)
{
	int type = volume->host_path_type, result = 0;
	struct stat status;
	if (stat(volume->host_path, &status) < 0 && errno == ENOENT) {
		if (HOST_PATHS[type].make == MAKE_DIRECTORY)
			result = mount_point_make(volume->host_path, false, 0755);
		else if (HOST_PATHS[type].make == MAKE_FILE)
			result = mount_point_make(volume->host_path, true, 0755);
	}
	if (result == 0 && stat(volume->host_path, &status) < 0)
		result = -errno;
	if (result < 0) {
		complain(problems, spec, volume, "hostPath", volume->host_path, strerror(-result));
		return NULL;
	}
	if (HOST_PATHS[type].format && (status.st_mode & S_IFMT) != HOST_PATHS[type].format) {
		complain(problems, spec, volume, "hostPath", volume->host_path,
			HOST_PATHS[type].name);
		return NULL;
	}
	return realpath(volume->host_path, NULL);
}

/* The directory of the emptyDirs: gone with the pod, so in the first place where one can be made. */
static char *make_scratch(void)
{
	static const char *const places[] = {"/var/tmp", "/tmp", "/run", "/dev/shm"};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char path[64];
		struct text text = text_in(path, sizeof(path));
		text_add(&text, "%s/podinit-XXXXXX", places[i]);
		if (mkdtemp(path))
			return realpath(path, NULL);
	}
	return NULL;
}

/* "size=1048576": all that its tmpfs will hold; "" without a limit. */
static void add_size(struct text *options, const struct volume_spec *volume)
{
	if (volume->size_limit)
		text_add(options, ",size=%lld", (long long)((volume->size_limit + 999) / 1000));
}

/* As Kubernetes: the group may do what the owner may, and what is made there is the group's. */
static int give_to_group(const char *path, const char *group)
{
	gid_t gid;
	int result = account_find_group(group, &gid);
	if (result < 0)
		return result;
	return chown(path, (uid_t)-1, gid) < 0 || chmod(path, 02777) < 0 ? -errno : 0;
}

static void prepare_messages(struct volumes *volumes, struct problems *problems)
{
	bool need_files = messages_need_files(volumes->spec);
	if (need_files && !volumes->scratch)
		volumes->scratch = make_scratch();
	if (!need_files || volumes->scratch)
		volumes->messages =
			messages_create(volumes->spec, need_files ? volumes->scratch : NULL);
	if (!volumes->messages)
		problem_add(problems, NULL, 0, "terminationMessagePath: cannot make the files: %s",
			strerror(errno));
}

static char *prepare_empty_dir(
	struct volumes *volumes, const struct volume_spec *volume, struct problems *problems)
{
	if (!volumes->scratch)
		volumes->scratch = make_scratch();
	if (!volumes->scratch) {
		complain(problems, volumes->spec, volume, "emptyDir", "in /var/tmp, /tmp or /run",
			strerror(errno));
		return NULL;
	}
	struct text path = {0}, options = {0};
	text_add(&path, "%s/%s", volumes->scratch, volume->name);
	text_add(&options, "mode=0777");
	add_size(&options, volume);
	bool good = mkdir(path.data, 0777) == 0 && chmod(path.data, 0777) == 0;
	if (good && volume->medium == MEDIUM_MEMORY)
		good = mount("podinit", path.data, "tmpfs", MS_NOSUID | MS_NODEV, options.data) ==
			0;
	text_finish(&options);
	const char *group = volumes->spec->fs_group;
	if (!good) {
		complain(problems, volumes->spec, volume,
			volume->medium ? "emptyDir in memory" : "emptyDir", path.data,
			strerror(errno));
	} else if (group) {
		int result = give_to_group(path.data, group);
		if (result < 0)
			complain(problems, volumes->spec, volume, "fsGroup", group,
				result == -ESRCH ? "there is no such group" : strerror(-result));
	}
	return path.data;
}

static bool asks_for_propagation(const struct pod_spec *spec, const struct volume_spec *volume)
{
	for (int i = 0; i < spec->process_count; i++) {
		const struct volume_mounts *mounts = &spec->processes[i].mounts;
		for (int k = 0; k < mounts->count; k++) {
			if (mounts->items[k].propagation &&
				strcmp(mounts->items[k].volume, volume->name) == 0)
				return true;
		}
	}
	return false;
}

/* What is mounted in a volume is passed on only by a shared mount: so it becomes one of its own. An
 * emptyDir is the pod's alone; what podinit was given stays tied to whom it was tied before. */
static int share(struct volumes *volumes, int index)
{
	const struct volume_spec *volume = &volumes->spec->volumes[index];
	const char *path = volumes->paths[index];
	if (volume->medium != MEDIUM_MEMORY && mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0)
		return -errno;
	volumes->shared[index] = true;
	if ((volume->empty_dir && mount(NULL, path, NULL, MS_PRIVATE, NULL) < 0) ||
		mount(NULL, path, NULL, MS_SHARED | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

static void share_where_asked(struct volumes *volumes, int index, struct problems *problems)
{
	const struct volume_spec *volume = &volumes->spec->volumes[index];
	if (!volumes->paths[index] || !asks_for_propagation(volumes->spec, volume))
		return;
	int result = share(volumes, index);
	if (result < 0)
		complain(problems, volumes->spec, volume, "mountPropagation of",
			volumes->paths[index], strerror(-result));
}

static void add_mount_point(struct volumes *volumes, const char *path, size_t root_length)
{
	int count = volumes->mount_point_count++;
	volumes->mount_points = memory_resize(
		volumes->mount_points, sizeof(*volumes->mount_points) * (size_t)(count + 1));
	volumes->mount_points[count] = (struct mount_point){strdup(path), root_length};
}

/* A mount point that is missing is made when its process starts, in the file system that it uses.
 * So remember every directory on the way that is missing now. Where a link leads, another root
 * decides: nothing is remembered. */
static void note_mount_point(struct volumes *volumes, const char *root, const char *path)
{
	struct text full = {0};
	struct stat status;
	text_add(&full, "%s%s", strcmp(root, "/") == 0 ? "" : root, path);
	size_t root_length = full.length - strlen(path);
	for (size_t at = root_length + 1; at <= full.length; at++) {
		if (full.data[at] && full.data[at] != '/')
			continue;
		char end = full.data[at];
		full.data[at] = '\0';
		if (lstat(full.data, &status) < 0)
			add_mount_point(volumes, full.data, root_length);
		else if (S_ISLNK(status.st_mode))
			break;
		full.data[at] = end;
	}
	text_finish(&full);
}

static void note_mount_points(struct volumes *volumes, const struct pod_spec *spec)
{
	static const char *const own_root[] = {"/proc", "/sys", "/dev"};
	for (int i = 0; i < spec->process_count; i++) {
		const struct process_spec *process = &spec->processes[i];
		for (size_t k = 0; process->rootfs && k < sizeof(own_root) / sizeof(*own_root); k++)
			note_mount_point(volumes, process->rootfs, own_root[k]);
		for (int k = 0; k < process->mounts.count; k++)
			note_mount_point(volumes, process->rootfs ? process->rootfs : "/",
				process->mounts.items[k].path);
		if (process->rootfs && hosts_path())
			note_mount_point(volumes, process->rootfs, "/etc/hosts");
		if (spec_message_path(process))
			note_mount_point(volumes, process->rootfs ? process->rootfs : "/",
				spec_message_path(process));
	}
}

void volumes_prepare(
	struct volumes *volumes, const struct pod_spec *spec, struct problems *problems)
{
	*volumes = (struct volumes){.spec = spec};
	size_t count = (size_t)spec->volume_count + 1;
	volumes->paths =
		memset(memory_resize(NULL, sizeof(char *) * count), 0, sizeof(char *) * count);
	volumes->shared = memset(memory_resize(NULL, count), 0, count);
	for (int i = 0; i < spec->volume_count; i++) {
		const struct volume_spec *volume = &spec->volumes[i];
		volumes->paths[i] = volume->host_path
			? prepare_host_path(spec, volume, problems)
			: prepare_empty_dir(volumes, volume, problems);
		share_where_asked(volumes, i, problems);
	}
	prepare_messages(volumes, problems);
	note_mount_points(volumes, spec);
}

void volumes_write_mount_points(const struct pod_spec *spec, struct text *out)
{
	struct volumes missing = {0};
	note_mount_points(&missing, spec);
	for (int i = 0; i < missing.mount_point_count; i++) {
		const struct mount_point *point = &missing.mount_points[i];
		text_add_bytes(out, (const char *)&point->root_length, sizeof(point->root_length));
		text_add_bytes(out, point->path, strlen(point->path) + 1);
		free(point->path);
	}
	free(missing.mount_points);
}

static bool has_mount_point(const struct volumes *volumes, const char *path)
{
	for (int i = 0; i < volumes->mount_point_count; i++) {
		if (strcmp(volumes->mount_points[i].path, path) == 0)
			return true;
	}
	return false;
}

bool volumes_read_mount_points(struct volumes *volumes, const char *bytes, size_t length)
{
	while (length) {
		size_t root_length, rest = length - sizeof(root_length);
		if (length <= sizeof(root_length))
			return false;
		memcpy(&root_length, bytes, sizeof(root_length));
		const char *path = bytes + sizeof(root_length);
		size_t path_length = strnlen(path, rest);
		if (path_length == rest || root_length >= path_length)
			return false;
		if (!has_mount_point(volumes, path))
			add_mount_point(volumes, path, root_length);
		bytes = path + path_length + 1;
		length = rest - path_length - 1;
	}
	return true;
}

int volumes_index(const struct volumes *volumes, const char *name)
{
	int i = 0;
	while (strcmp(volumes->spec->volumes[i].name, name) != 0)
		i++;
	return i;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	remove(path);
	return 0;
}

/* An empty directory, or the empty file that a file was mounted on. Whatever was put there in the
 * meantime stays. */
static void remove_empty(int directory, const char *name)
{
	struct stat status;
	bool is_file = fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(status.st_mode) && status.st_size == 0;
	unlinkat(directory, name, is_file ? 0 : AT_REMOVEDIR);
}

/* Through no link below the root: there was none, and who lived there may have put some, to make podinit
 * remove what is elsewhere. */
static void remove_mount_point(const struct mount_point *point)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char *name = point->path + point->root_length + 1;
	name[-1] = '\0';
	int fd = open(point->root_length ? point->path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (char *slash; fd >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
		*slash = '\0';
		int next = openat(fd, name, flags);
		close(fd);
		fd = next;
	}
	if (fd < 0)
		return;
	remove_empty(fd, name);
	close(fd);
}

/* The deepest first. */
static int by_length(const void *a, const void *b)
{
	size_t first = strlen(((const struct mount_point *)a)->path);
	size_t second = strlen(((const struct mount_point *)b)->path);
	return first < second ? 1 : first > second ? -1 : 0;
}

void volumes_finish(struct volumes *volumes)
{
	const struct pod_spec *spec = volumes->spec;
	for (int i = 0; spec && i < spec->volume_count; i++) {
		bool is_mount = spec->volumes[i].medium == MEDIUM_MEMORY || volumes->shared[i];
		if (volumes->paths[i] && is_mount)
			umount2(volumes->paths[i], MNT_DETACH);
		free(volumes->paths[i]);
	}
	free(volumes->paths);
	free(volumes->shared);
	if (volumes->mount_point_count)
		qsort(volumes->mount_points, (size_t)volumes->mount_point_count,
			sizeof(*volumes->mount_points), by_length);
	for (int i = 0; i < volumes->mount_point_count; i++) {
		remove_mount_point(&volumes->mount_points[i]);
		free(volumes->mount_points[i].path);
	}
	free(volumes->mount_points);
	messages_destroy(volumes->messages);
	/* Never across a mount, never through a link. */
	if (volumes->scratch)
		nftw(volumes->scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(volumes->scratch);
	*volumes = (struct volumes){0};
}
