/* Termination messages. The files are in a small file system in memory, where there can be one: so
 * reading them waits for no disk, and what a process writes there ends somewhere. */
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/tail.h"
#include "mount.h"

enum { FILE_ROOM = 64 * 1024, ROOM_MAX = 64 * 1024 * 1024 };

/* Of all processes of a pod. */
struct set {
	int count;
	int *files;		  /* of each process; -1: it has none */
	unsigned *numbers;	  /* the name of each file */
	struct last_words *words; /* of each process */
	char *bytes;		  /* of all words */
	size_t max;		  /* bytes of the longest */
};

struct messages {
	const struct pod_spec *spec;
	struct text directory;
	int directory_fd;     /* podinit makes files there without going the way again */
	bool is_mount;	      /* something is mounted there, to be taken away again */
	unsigned made;	      /* files, so far */
	struct set set, next; /* next: of messages_reserve() */
};

bool messages_need_files(const struct pod_spec *spec)
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
	text_add(&path, "%s/%u", messages->directory.data, messages->set.numbers[index]);
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
	messages->directory_fd =
		open(messages->directory.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return messages->directory_fd < 0 ? -errno : 0;
}

static int make_file(struct messages *messages, struct set *set, int index)
{
	char name[16];
	if (messages->directory_fd < 0)
		return -ENOENT;
	snprintf(name, sizeof(name), "%u", messages->made);
	int fd = openat(messages->directory_fd, name,
		O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	set->files[index] = fd;
	set->numbers[index] = messages->made++;
	return 0;
}

static void free_set(struct set *set)
{
	free(set->files);
	free(set->numbers);
	free(set->words);
	free(set->bytes);
	*set = (struct set){0};
}

static int allocate(struct set *set, const struct pod_spec *spec)
{
	size_t places = (size_t)spec->process_count + 1, room = spec_message_max(spec) + 1;
	*set = (struct set){
		.count = spec->process_count,
		.files = malloc(sizeof(*set->files) * places),
		.numbers = calloc(places, sizeof(*set->numbers)),
		.words = calloc(places, sizeof(*set->words)),
		.bytes = calloc(places, 2 * room),
		.max = room - 1,
	};
	if (!set->files || !set->numbers || !set->words || !set->bytes) {
		free_set(set);
		return -ENOMEM;
	}
	for (int i = 0; i < set->count; i++) {
		char *bytes = set->bytes + 2 * room * (size_t)i;
		set->files[i] = -1;
		set->words[i] = (struct last_words){.latest = bytes, .previous = bytes + room};
	}
	return 0;
}

struct messages *messages_create(const struct pod_spec *spec, const char *directory)
{
	struct messages *messages = calloc(1, sizeof(*messages));
	if (!messages)
		return NULL;
	messages->spec = spec;
	messages->directory_fd = -1;
	int result = allocate(&messages->set, spec);
	if (result == 0 && directory) {
		/* No volume can be called so. */
		text_add(&messages->directory, "%s/.messages", directory);
		result = make_directory(messages, spec->process_count);
	}
	for (int i = 0; i < messages->set.count && result == 0; i++) {
		if (spec_message_path(&spec->processes[i]))
			result = make_file(messages, &messages->set, i);
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
	for (int i = 0; i < messages->set.count; i++) {
		if (messages->set.files[i] >= 0)
			close(messages->set.files[i]);
	}
	if (messages->directory_fd >= 0)
		close(messages->directory_fd);
	if (messages->is_mount)
		umount2(messages->directory.data, MNT_DETACH);
	text_finish(&messages->directory);
	free_set(&messages->set);
	free_set(&messages->next);
	free(messages);
}

/* --- another pod --- */

int messages_reserve(struct messages *messages, const struct pod_spec *spec)
{
	if (!messages)
		return 0;
	free_set(&messages->next);
	return allocate(&messages->next, spec);
}

static size_t copy_words(char *to, const char *from, size_t length, size_t max)
{
	size_t kept = length < max ? length : max;
	memcpy(to, from + (length - kept), kept);
	to[kept] = '\0';
	return kept;
}

static void move(struct messages *messages, int from, int to)
{
	struct set *set = &messages->set, *next = &messages->next;
	const struct last_words *old = &set->words[from];
	struct last_words *words = &next->words[to];
	next->files[to] = set->files[from];
	next->numbers[to] = set->numbers[from];
	set->files[from] = -1;
	words->latest_length =
		copy_words(words->latest, old->latest, old->latest_length, next->max);
	words->previous_length =
		copy_words(words->previous, old->previous, old->previous_length, next->max);
}

static void remove_file(struct messages *messages, int index)
{
	char name[16];
	if (messages->set.files[index] < 0)
		return;
	snprintf(name, sizeof(name), "%u", messages->set.numbers[index]);
	unlinkat(messages->directory_fd, name, 0);
	close(messages->set.files[index]);
}

int messages_replace(struct messages *messages, const struct pod_spec *spec, const int *old_of)
{
	int result = 0;
	if (!messages)
		return 0;
	for (int i = 0; i < messages->next.count; i++) {
		if (old_of[i] >= 0)
			move(messages, old_of[i], i);
		bool is_missing =
			spec_message_path(&spec->processes[i]) && messages->next.files[i] < 0;
		int made = is_missing ? make_file(messages, &messages->next, i) : 0;
		result = result ? result : made;
	}
	for (int i = 0; i < messages->set.count; i++)
		remove_file(messages, i);
	free_set(&messages->set);
	messages->set = messages->next;
	messages->next = (struct set){0};
	return result;
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
	if (result == 0 && (fstat(messages->set.files[index], &held) < 0 || fstat(fd, &found) < 0))
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
	if (!messages || messages->set.files[index] < 0)
		return -ENOENT;
	/* Whatever the one before did to it. */
	int fd = messages->set.files[index];
	if (ftruncate(fd, 0) < 0 || fchmod(fd, 0666) < 0)
		return -errno;
	return take_same(messages, index);
}

/* The last bytes of it, from the first whole character on. */
static size_t read_end(int fd, char *bytes, size_t max)
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
	if (begin)
		skip = text_broken_start(bytes, length);
	memmove(bytes, bytes + skip, length - skip);
	return length - skip;
}

void messages_keep(struct messages *messages, int index, bool ran, const struct tail *said)
{
	if (!messages)
		return;
	const struct set *set = &messages->set;
	struct last_words *words = &set->words[index];
	*words = (struct last_words){
		.latest = words->previous,
		.previous = words->latest,
		.previous_length = words->latest_length,
	};
	if (ran && set->files[index] >= 0)
		words->latest_length = read_end(set->files[index], words->latest, set->max);
	if (said && !words->latest_length)
		words->latest_length = tail_copy(said, words->latest, set->max);
	words->latest[words->latest_length] = '\0';
}

const struct last_words *messages_kept(const struct messages *messages)
{
	return messages ? messages->set.words : NULL;
}
