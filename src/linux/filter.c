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
