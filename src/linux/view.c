/* The file system view of one process, in three steps: take what comes from podinit's own root (a
 * copy of the mounts there, attached nowhere), leave that root for good, attach everything in the
 * new one. So whatever links the new root holds, they lead nowhere but into it. */
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "beneath.h"
#include "hosts.h"
#include "mask.h"
#include "mount.h"
#include "view_root.h"

#define HOSTS_PATH "/etc/hosts"

/* What was taken: descriptors from mount_take(), or its -errno. */
struct view {
	const struct process_spec *process;
	const struct volumes *volumes;
	struct root_parts root;
	int *mounts;	    /* of each volumeMount */
	int message, hosts; /* -ENOENT: it has none */
};

static int take_volume(const struct view *view, const struct volume_mount *mount)
{
	const char *path = view->volumes->paths[volumes_index(view->volumes, mount->volume)];
	if (!mount->sub_path)
		return mount_take(AT_FDCWD, path);
	int fd = beneath_open(path, mount->sub_path);
	if (fd < 0)
		return fd;
	int taken = mount_take(fd, "");
	close(fd);
	return taken;
}

/* As in Kubernetes, a volume of its own there goes first. */
static bool needs_hosts(const struct process_spec *process)
{
	for (int i = 0; i < process->mounts.count; i++) {
		if (strcmp(process->mounts.items[i].path, HOSTS_PATH) == 0)
			return false;
	}
	/* In podinit's own root nothing new appears. */
	return hosts_path() &&
		(process->rootfs || (hosts_is_elsewhere() && access(HOSTS_PATH, F_OK) == 0));
}

/* A copy keeps the tie that its original has at that moment: a peer of podinit's mount, then only
 * its receiver, then none. 0 or -errno; what is missing is told when it is needed. */
static int take_all(struct view *view)
{
	static const struct {
		unsigned long tie; /* 0: as it came from podinit */
		enum mount_propagation for_whom;
	} rounds[] = {{0, PROPAGATION_BIDIRECTIONAL}, {MS_SLAVE, PROPAGATION_HOST_TO_CONTAINER},
		{MS_PRIVATE, PROPAGATION_NONE}};
	const struct volume_mounts *mounts = &view->process->mounts;
	view->mounts = malloc(sizeof(int) * (size_t)(mounts->count + 1));
	if (!view->mounts)
		return -ENOMEM;
	for (size_t round = 0; round < sizeof(rounds) / sizeof(*rounds); round++) {
		if (rounds[round].tie &&
			mount(NULL, "/", NULL, MS_REC | rounds[round].tie, NULL) < 0)
			return -errno;
		for (int i = 0; i < mounts->count; i++) {
			if (mounts->items[i].propagation == rounds[round].for_whom)
				view->mounts[i] = take_volume(view, &mounts->items[i]);
		}
	}
	if (view->process->rootfs)
		root_parts_take(&view->root, view->process);
	if (needs_hosts(view->process))
		view->hosts = mount_take(AT_FDCWD, hosts_path());
	view->message = messages_take(view->volumes->messages, view->process);
	return 0;
}

/* Who may make device files could read the machine's disks; but a device that was asked for is meant. */
static bool may_have_devices(const struct view *view, const struct volume_mount *mount)
{
	const struct pod_spec *spec = view->volumes->spec;
	const struct volume_spec *volume =
		&spec->volumes[volumes_index(view->volumes, mount->volume)];
	return view->process->privileged || volume->host_path_type == HOST_PATH_CHAR_DEVICE ||
		volume->host_path_type == HOST_PATH_BLOCK_DEVICE;
}

static int attach_volume(const struct view *view, int taken, const struct volume_mount *mount)
{
	if (taken >= 0 && mount->recursive) {
		int result = mount_read_only_tree(taken);
		if (result < 0 && mount->recursive == RECURSIVE_ENABLED)
			return result;
	}
	int result = mount_attach(taken, mount->path, mount->read_only);
	if (result == 0 && !may_have_devices(view, mount))
		result = mount_without_devices(mount->path);
	return result;
}

static int attach_volumes(const struct view *view, struct spawn_error *error)
{
	int result = 0;
	error->stage = STAGE_VOLUME;
	for (int i = 0; i < view->process->mounts.count && result == 0; i++) {
		error->item = (uint16_t)i;
		result = attach_volume(view, view->mounts[i], &view->process->mounts.items[i]);
	}
	/* What the kernel says then would mislead. */
	if (result == -EXDEV) {
		error->stage = STAGE_SUB_PATH;
		result = SPAWN_STAGE_SAYS_IT;
	}
	return result;
}

static int attach_files(const struct view *view, struct spawn_error *error)
{
	int result = 0;
	if (view->hosts != -ENOENT) {
		error->stage = STAGE_HOSTS;
		result = mount_attach(view->hosts, HOSTS_PATH, view->process->read_only_rootfs);
	}
	if (result == 0 && view->message != -ENOENT) {
		error->stage = STAGE_MESSAGE;
		result = mount_attach(view->message, spec_message_path(view->process), false);
	}
	return result;
}

/* podinit's own root: its /proc may be masked for the others, and may be of another PID namespace. */
static int renew_proc(const struct view *view, struct spawn_error *error)
{
	const struct pod_spec *spec = view->volumes->spec;
	bool is_unmasked = spec->in_sandbox && spec_is_unmasked(view->process);
	if (spec->share_process_namespace && !is_unmasked)
		return 0;
	error->stage = STAGE_PROC;
	int result = mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0
		? -errno
		: 0;
	/* Where parts of podinit's own /proc are hidden from it, the kernel shows nobody more. */
	if (is_unmasked && spec->share_process_namespace)
		result = 0;
	if (is_unmasked)
		umount2("/sys/firmware", MNT_DETACH);
	return result;
}

static int make_root(const struct view *view, struct spawn_error *error)
{
	const struct pod_spec *spec = view->volumes->spec;
	bool is_own = view->process->rootfs;
	int result = is_own ? root_change(&view->root, error) : renew_proc(view, error);
	bool is_new = is_own || (spec->in_sandbox && !spec->share_process_namespace);
	if (result < 0 || !is_new || spec_is_unmasked(view->process))
		return result;
	error->stage = STAGE_MASK;
	return mask_proc(NULL);
}

static int make(struct view *view, struct spawn_error *error)
{
	error->stage = STAGE_MOUNT_NAMESPACE;
	int result = take_all(view);
	if (result == 0)
		result = make_root(view, error);
	if (result == 0)
		result = attach_volumes(view, error);
	if (result == 0)
		result = attach_files(view, error);
	if (result == 0 && view->process->read_only_rootfs) {
		error->stage = STAGE_READ_ONLY;
		result = mount_read_only("/");
	}
	return result;
}

int view_make(const struct process_spec *process, const struct volumes *volumes,
	struct spawn_error *error)
{
	struct view view = {
		.process = process, .volumes = volumes, .message = -ENOENT, .hosts = -ENOENT};
	return make(&view, error);
}
