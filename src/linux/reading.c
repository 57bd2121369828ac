/* From files to findings, and from findings to another pod. Must not change the pod that runs. */
#include "reading.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../spec/ini.h"
#include "../spec/keys.h"
#include "../spec/value.h"
#include "config.h"

enum {
	WORDS_MAX = 64 * 1024,	     /* bytes of what is said; whole lines */
	TEXT_MAX = 64 * 1024 * 1024, /* bytes of all */
};

/* Its parts follow in this order. */
enum part { PART_WORDS, PART_INI, PART_CHANGES, PART_FILTERS, PART_MOUNT_POINTS, PART_COUNT };

struct head {
	uint32_t is_good;
	int32_t process_count;
	uint64_t lengths[PART_COUNT];
};

/* --- in the child --- */

static const char *source_of(const struct pod_spec *spec, const struct process_spec *process)
{
	return process->source < spec->sources.count ? spec->sources.items[process->source] : NULL;
}

static void check_capabilities(
	const struct reading_order *order, const struct pod_spec *fresh, struct problems *problems)
{
	for (int i = 0; i < fresh->process_count; i++) {
		const struct process_spec *process = &fresh->processes[i];
		uint64_t lost = spec_needed_capabilities(fresh, process) & order->given_up;
		struct text names = {0};
		if (!lost)
			continue;
		capabilities_write(&names, lost);
		problem_add(problems, source_of(fresh, process), process->line,
			"%s %s: needs what podinit gave up when the pod began: %s",
			process_kind_name((enum process_kind)process->kind), process->name,
			names.data);
		text_finish(&names);
	}
	if (!problems->count && (spec_own_capabilities(fresh) & order->given_up))
		problem_add(problems, NULL, 0,
			"pod: a pod whose QoS class is Guaranteed needs what podinit gave up when "
			"the "
			"pod began: SYS_RESOURCE");
}

/* What is mounted in a volume is passed on only if it was made so when the pod began. */
static void check_propagation(
	const struct reading_order *order, const struct pod_spec *fresh, struct problems *problems)
{
	const struct volumes *volumes = &order->ground->volumes;
	for (int i = 0; i < fresh->process_count; i++) {
		const struct process_spec *process = &fresh->processes[i];
		for (int k = 0; k < process->mounts.count; k++) {
			const struct volume_mount *mount = &process->mounts.items[k];
			if (mount->propagation &&
				!volumes->shared[volumes_index(volumes, mount->volume)])
				problem_add(problems, source_of(fresh, process), mount->line,
					"%s %s: volumeMounts: mountPropagation of volume %s: "
					"cannot "
					"begin while the pod runs",
					process_kind_name((enum process_kind)process->kind),
					process->name, mount->volume);
		}
	}
}

static void write_listens(struct text *out, const struct process_spec *process)
{
	const struct key *key = key_find(IN_MAIN, "listen");
	if (process && process->lifecycle->listens.count)
		value_write(out, key, key_field(key, (void *)process, NULL));
}

/* Sockets are made when the pod begins. */
static void check_listens(const struct reading_order *order, const struct pod_spec *fresh,
	const struct changes *changes, struct problems *problems)
{
	for (int i = 0; i < fresh->process_count; i++) {
		const struct process_spec *process = &fresh->processes[i];
		int old = changes->items[i].old;
		struct text before = {0}, after = {0};
		write_listens(&before, old < 0 ? NULL : &order->running->processes[old]);
		write_listens(&after, process);
		if (before.length != after.length ||
			(after.length && strcmp(before.data, after.data) != 0))
			problem_add(problems, source_of(fresh, process), process->line,
				"%s %s: listen: cannot change while the pod runs",
				process_kind_name((enum process_kind)process->kind), process->name);
		text_finish(&before);
		text_finish(&after);
	}
}

/* Whole lines, as many as fit. */
static void cut(struct text *words)
{
	if (words->length <= WORDS_MAX)
		return;
	while (words->length > WORDS_MAX || words->data[words->length - 1] != '\n')
		words->length--;
	words->data[words->length] = '\0';
	text_add(words, "and more\n");
}

static int write_all(int fd, const void *bytes, size_t length)
{
	const char *rest = bytes;
	while (length) {
		ssize_t written = write(fd, rest, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return 1;
		rest += written;
		length -= (size_t)written;
	}
	return 0;
}

static int hand_over(int fd, bool is_good, const struct pod_spec *fresh, const struct text *parts)
{
	struct head head = {.is_good = is_good, .process_count = fresh->process_count};
	for (int i = 0; i < PART_COUNT; i++)
		head.lengths[i] = parts[i].length;
	int result = write_all(fd, &head, sizeof(head));
	for (int i = 0; i < PART_COUNT && result == 0; i++)
		result = write_all(fd, parts[i].data, parts[i].length);
	return result;
}

static void compare(const struct reading_order *order, struct pod_spec *fresh, struct text *parts,
	struct problems *problems)
{
	struct changes changes;
	struct filters filters;
	changes_find(&changes, order->running, fresh, problems);
	if (problems->count)
		return;
	check_capabilities(order, fresh, problems);
	check_propagation(order, fresh, problems);
	check_listens(order, fresh, &changes, problems);
	ground_find_podprobe(fresh, problems);
	filters_prepare(&filters, fresh, problems);
	if (problems->count)
		return;
	parts[PART_WORDS] = changes.diff;
	ini_write(&parts[PART_INI], fresh);
	text_add_bytes(&parts[PART_CHANGES], (const char *)changes.items,
		sizeof(*changes.items) * (size_t)changes.new_count);
	filters_write(&filters, fresh->process_count, &parts[PART_FILTERS]);
	volumes_write_mount_points(fresh, &parts[PART_MOUNT_POINTS]);
}

/* Whatever it allocates ends with the process. */
int reading_make(const struct reading_order *order, int fd)
{
	struct pod_spec fresh;
	struct problems problems = {0};
	struct text parts[PART_COUNT] = {0};
	size_t length = 0;
	spec_init(&fresh);
	spec_take_options(&fresh, order->running);
	config_read(&fresh, order->path, &problems);
	if (order->message_path)
		fresh.termination_message_path = order->message_path;
	if (!problems.count)
		compare(order, &fresh, parts, &problems);
	for (int i = 0; i < PART_COUNT; i++)
		length += parts[i].length;
	if (length > TEXT_MAX)
		problem_add(&problems, order->path, 0, "larger than can be read again");
	cut(&problems.text);
	if (problems.count)
		return hand_over(fd, false, &fresh, (struct text[PART_COUNT]){problems.text});
	return hand_over(fd, true, &fresh, parts);
}

/* --- in podinit --- */

static int read_all(int fd, char *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		ssize_t got = pread(fd, bytes + at, length - at, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		at += (size_t)got;
	}
	return 0;
}

static bool take_spec(
	struct reading *reading, const struct reading_order *order, const char *ini, size_t length)
{
	const struct ini_source source = {
		.name = order->path, .directory = "", .text = ini, .length = length};
	struct problems problems = {0};
	spec_init(&reading->spec);
	spec_take_options(&reading->spec, order->running);
	ini_read(&reading->spec, &source, false, &problems);
	spec_check(&reading->spec, &problems);
	/* They would be those of this text, which nobody has seen. */
	for (int i = 0; i < reading->spec.process_count; i++)
		reading->spec.processes[i].line = 0;
	bool good = !problems.count && reading->spec.volume_count == order->running->volume_count;
	text_finish(&problems.text);
	return good;
}

static bool take_changes(struct reading *reading, const struct reading_order *order,
	const char *bytes, size_t length)
{
	struct changes *changes = &reading->changes;
	int count = reading->spec.process_count, old_count = order->running->process_count;
	size_t old_size = sizeof(*changes->new_of_old) * (size_t)old_count;
	if (length != sizeof(*changes->items) * (size_t)count)
		return false;
	changes->items = memcpy(memory_resize(NULL, length), bytes, length);
	changes->new_of_old = memset(memory_resize(NULL, old_size), 0xff, old_size);
	changes->new_count = count;
	changes->old_count = old_count;
	for (int i = 0; i < count; i++) {
		int old = changes->items[i].old;
		if (old >= old_count || (old < 0 && changes->items[i].kind != CHANGE_NEW))
			return false;
		if (old >= 0)
			changes->new_of_old[old] = i;
	}
	return true;
}

static bool take_parts(struct reading *reading, const struct reading_order *order,
	const struct head *head, const char *bytes)
{
	const char *parts[PART_COUNT];
	for (int i = 0; i < PART_COUNT; i++) {
		parts[i] = bytes;
		bytes += head->lengths[i];
	}
	text_add_bytes(&reading->words, parts[PART_WORDS], head->lengths[PART_WORDS]);
	if (!head->is_good)
		return true;
	text_add_bytes(
		&reading->mount_points, parts[PART_MOUNT_POINTS], head->lengths[PART_MOUNT_POINTS]);
	reading->is_good = true;
	return take_spec(reading, order, parts[PART_INI], head->lengths[PART_INI]) &&
		reading->spec.process_count == head->process_count &&
		take_changes(reading, order, parts[PART_CHANGES], head->lengths[PART_CHANGES]) &&
		filters_read(&reading->filters, head->process_count, parts[PART_FILTERS],
			head->lengths[PART_FILTERS]);
}

int reading_take(struct reading *reading, int fd, const struct reading_order *order)
{
	struct head head;
	struct stat status;
	if (fstat(fd, &status) < 0)
		return -errno;
	size_t size = (size_t)status.st_size, sum = sizeof(head);
	if (size < sizeof(head) || size > sizeof(head) + TEXT_MAX + WORDS_MAX)
		return -EBADMSG;
	char *bytes = reading->bytes = memory_resize(NULL, size);
	int result = read_all(fd, bytes, size);
	memcpy(&head, bytes, sizeof(head));
	for (int i = 0; i < PART_COUNT && result == 0; i++) {
		if (head.lengths[i] > size - sum)
			result = -EBADMSG;
		else
			sum += head.lengths[i];
	}
	if (result == 0 && !take_parts(reading, order, &head, bytes + sizeof(head)))
		result = -EBADMSG;
	free(bytes);
	reading->bytes = NULL;
	return result;
}

void reading_finish(struct reading *reading)
{
	spec_finish(&reading->spec);
	changes_finish(&reading->changes);
	filters_finish(&reading->filters);
	text_finish(&reading->words);
	text_finish(&reading->mount_points);
	free(reading->bytes);
	*reading = (struct reading){0};
}
