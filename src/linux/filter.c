/* Which process has which filter. Must not know what a filter says: seccomp.c does. */
#include "filter.h"

#include <stdlib.h>
#include <string.h>

static int find(const struct filters *filters, uint64_t capabilities, const char *file)
{
	for (int i = 0; i < filters->count; i++) {
		const struct filter *filter = &filters->items[i];
		bool same = file ? filter->file && strcmp(filter->file, file) == 0
				 : !filter->file && filter->capabilities == capabilities;
		if (same)
			return i;
	}
	return -1;
}

/* The index of a new one; -1 with `why`. */
static int make(struct filters *filters, uint64_t capabilities, const char *file, const char **why)
{
	struct filter filter = {.capabilities = capabilities, .file = file};
	int result = file ? seccomp_read_file(file, &filter.program)
			  : seccomp_make_default(capabilities, &filter.program);
	if (result < 0) {
		*why = file ? seccomp_read_problem(result) : strerror(-result);
		return -1;
	}
	size_t size = sizeof(filter) * (size_t)(filters->count + 1);
	filters->items = memory_resize(filters->items, size);
	filters->items[filters->count] = filter;
	return filters->count++;
}

static int prepare_one(struct filters *filters, const struct pod_spec *spec,
	const struct process_spec *process, struct problems *problems)
{
	const struct security_spec security = spec_security(spec, process);
	const char *file = security.seccomp_file, *why = "";
	uint64_t capabilities = spec_capabilities(process);
	/* As with container runtimes, what is privileged is never confined. */
	if (security.seccomp <= PROFILE_UNCONFINED || process->privileged)
		return -1;
	int index = find(filters, capabilities, file);
	if (index < 0)
		index = make(filters, capabilities, file, &why);
	if (index < 0)
		problem_add(problems,
			process->source < spec->sources.count ? spec->sources.items[process->source]
							      : NULL,
			process->line, "%s %s: securityContext.seccompProfile: %s %s",
			process_kind_name((enum process_kind)process->kind), process->name,
			file ? file : "RuntimeDefault", why);
	return index;
}

void filters_prepare(
	struct filters *filters, const struct pod_spec *spec, struct problems *problems)
{
	*filters = (struct filters){0};
	for (int i = 0; i < spec->process_count && !spec->entrypoint; i++) {
		int index = prepare_one(filters, spec, &spec->processes[i], problems);
		if (index < 0)
			continue;
		if (!filters->of_process) {
			size_t size = sizeof(int) * (size_t)spec->process_count;
			filters->of_process = memory_resize(NULL, size);
			memset(filters->of_process, 0xff, size); /* -1 */
		}
		filters->of_process[i] = index;
	}
}

/* What stands before the instructions of each, and before the numbers of all processes' (count 0). */
struct piece {
	uint32_t flags, count;
};

static void add(struct text *out, const void *bytes, size_t length)
{
	text_add_bytes(out, bytes, length);
}

void filters_write(const struct filters *filters, int process_count, struct text *out)
{
	const struct piece last = {0};
	for (int i = 0; i < filters->count; i++) {
		const struct seccomp_program *program = &filters->items[i].program;
		const struct piece piece = {program->flags, program->count};
		add(out, &piece, sizeof(piece));
		add(out, program->filters, sizeof(*program->filters) * program->count);
	}
	add(out, &last, sizeof(last));
	if (filters->of_process)
		add(out, filters->of_process, sizeof(int) * (size_t)process_count);
}

/* The next so many bytes, or NULL. */
static const void *take(const char **bytes, size_t *length, size_t wanted)
{
	const char *begin = *bytes;
	if (*length < wanted)
		return NULL;
	*bytes += wanted;
	*length -= wanted;
	return begin;
}

static void *copy_of(const void *bytes, size_t length)
{
	return memcpy(memory_resize(NULL, length), bytes, length);
}

static bool read_numbers(
	struct filters *filters, int process_count, const char *bytes, size_t length)
{
	size_t size = sizeof(int) * (size_t)process_count;
	if (!length && !filters->count)
		return true;
	if (length != size)
		return false;
	filters->of_process = copy_of(bytes, size);
	for (int i = 0; i < process_count; i++) {
		if (filters->of_process[i] >= filters->count)
			return false;
	}
	return true;
}

bool filters_read(struct filters *filters, int process_count, const char *bytes, size_t length)
{
	struct piece piece;
	*filters = (struct filters){0};
	for (;;) {
		const void *head = take(&bytes, &length, sizeof(piece));
		if (!head)
			return false;
		memcpy(&piece, head, sizeof(piece));
		if (!piece.count)
			return read_numbers(filters, process_count, bytes, length);
		size_t size = sizeof(struct sock_filter) * piece.count;
		const void *body = piece.count > UINT16_MAX ? NULL : take(&bytes, &length, size);
		if (!body)
			return false;
		filters->items = memory_resize(
			filters->items, sizeof(*filters->items) * (size_t)(filters->count + 1));
		filters->items[filters->count++] = (struct filter){
			.program = {copy_of(body, size), (unsigned short)piece.count, piece.flags}};
	}
}

void filters_finish(struct filters *filters)
{
	for (int i = 0; i < filters->count; i++)
		seccomp_free(&filters->items[i].program);
	free(filters->items);
	free(filters->of_process);
	*filters = (struct filters){0};
}

const struct seccomp_program *filters_of(const struct filters *filters, int index)
{
	int filter = filters->of_process ? filters->of_process[index] : -1;
	return filter < 0 ? NULL : &filters->items[filter].program;
}
