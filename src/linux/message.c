/* Termination messages. The files are in a small file system in memory, where there can be one: so
 * reading them waits for no disk, and what a process writes there ends somewhere. */
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount.h"

enum { FILE_ROOM = 64 * 1024, ROOM_MAX = 64 * 1024 * 1024 };

struct messages {
	const struct pod_spec *spec;
	struct text directory;
	bool is_mount;		  /* something is mounted there, to be taken away again */
	int *files;		  /* of each process; -1: it has none */
	struct last_words *words; /* of each process */
	char *bytes;		  /* of all words */
	size_t max;		  /* bytes of the longest */
};

bool messages_are_needed(const struct pod_spec *spec)
{
	for (int i = 0; i < spec->process_count; i++) {
		if (spec_message_path(&spec->processes[i]))
			return true;
	}
	return false;
}

static struct text path_of(const struct messages *messages, int index)
{
	struct text path = {0};
	text_add(&path, "%s/%d", messages->directory.data, index);
	return path;
}

/* On disk where nothing may be mounted: then no process gets so far that it has a message. */
static int make_directory(struct messages *messages, int count)
{
	struct text options = {0};
	long long room = (long long)count * FILE_ROOM;
	if (mkdir(messages->directory.data, 0700) < 0)
		return -errno;
	text_add(&options, "mode=0700,size=%lld", room < ROOM_MAX ? room : (long long)ROOM_MAX);
	messages->is_mount = mount("podinit", messages->directory.data, "tmpfs",
				     MS_NOSUID | MS_NODEV | MS_NOEXEC, options.data) == 0;
	text_finish(&options);
	return 0;
}

static int make_file(struct messages *messages, int index)
{
	struct text path = path_of(messages, index);
	int fd = open(path.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int result = fd < 0 ? -errno : 0;
	text_finish(&path);
	messages->files[index] = fd;
	return result;
}

static int allocate(struct messages *messages, int count)
{
	size_t places = (size_t)count + 1, room = messages->max + 1;
	messages->files = malloc(sizeof(*messages->files) * places);
	messages->words = calloc(places, sizeof(*messages->words));
	messages->bytes = malloc(2 * room * places);
	if (!messages->files || !messages->words || !messages->bytes)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		char *bytes = messages->bytes + 2 * room * (size_t)i;
		messages->files[i] = -1;
		messages->words[i] = (struct last_words){.latest = bytes, .previous = bytes + room};
	}
	return 0;
}

struct messages *messages_create(const struct pod_spec *spec, const char *directory)
{
	int count = spec->process_count;
	struct messages *messages = calloc(1, sizeof(*messages));
	if (!messages)
		return NULL;
	messages->spec = spec;
	messages->max = spec_message_max(spec);
	/* No volume can be called so. */
	text_add(&messages->directory, "%s/.messages", directory);
	int result = allocate(messages, count);
	if (result == 0)
		result = make_directory(messages, count);
	for (int i = 0; i < count && result == 0; i++) {
		if (spec_message_path(&spec->processes[i]))
			result = make_file(messages, i);
	}
	if (result == 0)
		return messages;
	messages_destroy(messages);
	errno = -result;
	return NULL;
}

void messages_destroy(struct messages *messages)
{
	if (!messages)
		return;
	for (int i = 0; messages->files && i < messages->spec->process_count; i++) {
		if (messages->files[i] >= 0)
			close(messages->files[i]);
	}
	if (messages->is_mount)
		umount2(messages->directory.data, MNT_DETACH);
	text_finish(&messages->directory);
	free(messages->files);
	free(messages->words);
	free(messages->bytes);
	free(messages);
}

/* The descriptor that podinit holds is of podinit's mount namespace, where nothing can be taken from
 * here; and a path may have become anything. Together they do. */
static int take_same(const struct messages *messages, int index)
{
	struct stat held, found;
	struct text path = path_of(messages, index);
	int fd = open(path.data, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int result = fd < 0 ? -errno : 0;
	if (result == -ENOENT)
		result = -ESTALE; /* it had one */
	text_finish(&path);
	if (result == 0 && (fstat(messages->files[index], &held) < 0 || fstat(fd, &found) < 0))
		result = -errno;
	if (result == 0 && (held.st_dev != found.st_dev || held.st_ino != found.st_ino))
		result = -ESTALE;
	if (result == 0)
		result = mount_take(fd, "");
	if (fd >= 0)
		close(fd);
	return result;
}

int messages_take(const struct messages *messages, const struct process_spec *process)
{
	int index = messages ? (int)(process - messages->spec->processes) : 0;
	if (!messages || messages->files[index] < 0)
		return -ENOENT;
	/* Whatever the one before did to it. */
	int fd = messages->files[index];
	if (ftruncate(fd, 0) < 0 || fchmod(fd, 0666) < 0)
		return -errno;
	return take_same(messages, index);
}

/* The last bytes of it, from the first whole character on. */
static size_t read_end(int fd, char *bytes, size_t max) /* and a 0 behind them */
{
	struct stat status;
	if (fstat(fd, &status) < 0)
		return 0;
	size_t length = 0, skip = 0;
	off_t begin = status.st_size > (off_t)max ? status.st_size - (off_t)max : 0;
	while (length < max) {
		ssize_t got = pread(fd, bytes + length, max - length, begin + (off_t)length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	while (begin && skip < 3 && skip < length && (bytes[skip] & 0xc0) == 0x80)
		skip++;
	memmove(bytes, bytes + skip, length - skip);
	bytes[length - skip] = '\0';
	return length - skip;
}

void messages_keep(struct messages *messages, int index, bool ran)
{
	if (!messages)
		return;
	struct last_words *words = &messages->words[index];
	*words = (struct last_words){
		.latest = words->previous,
		.previous = words->latest,
		.previous_length = words->latest_length,
	};
	if (ran && messages->files[index] >= 0)
		words->latest_length =
			read_end(messages->files[index], words->latest, messages->max);
}

const struct last_words *messages_kept(const struct messages *messages)
{
	return messages ? messages->words : NULL;
}
