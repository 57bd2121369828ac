/* Reads a seccomp profile in JSON and makes a filter of it, by libseccomp. It means what it means to
 * runc. Must not print, open files, or stop at the first fault. */
#include "seccomp_json.h"

#include <errno.h>
#include <jansson.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "../linux/seccomp.h"
#include "../linux/seccomp_build.h"
#include "json_reader.h"
#include "seccomp_names.h"

enum {
	ERRNO_MAX = 4094, /* libseccomp takes no more */
	ARGUMENTS_MAX = 6,
	CONDITIONS_MAX = 64,
};

struct reader {
	struct json_reader json;
	const struct seccomp_json *profile;
	scmp_filter_ctx
		context; /* NULL: there is no filter any more, but faults are still looked for */
	uint32_t default_action;
};

/* --- actions --- */

struct action_keys {
	const char *action, *number,
		*name; /* of the action; of its error, as a number and by name */
};

/* The number of an action that has one: errnoRet, else the error's name, else EPERM. -1: wrong. */
static int read_errno(struct reader *reader, const json_t *object, const struct action_keys *keys)
{
	const char *name = json_get_text(&reader->json, object, keys->name);
	int named = name && *name ? seccomp_errno_find(name) : EPERM;
	int number = (int)json_get_number(&reader->json, object, keys->number, ERRNO_MAX, named);
	if (named < 0 && !json_get(object, keys->number))
		json_error_at(&reader->json, keys->name,
			"not known by name: '%s'; write it as a number into %s", name,
			keys->number);
	else if (named >= 0 && name && *name && number >= 0 && number != named)
		json_error_at(&reader->json, keys->name, "%s is %d, but %s is %d", name, named,
			keys->number, number);
	return number;
}

/* False if it is wrong, or not there. */
static bool read_action(
	struct reader *reader, const json_t *object, const struct action_keys *keys, uint32_t *out)
{
	const char *name = json_get_text(&reader->json, object, keys->action);
	const struct seccomp_action *action = name ? seccomp_action_find(name) : NULL;
	if (!json_get(object, keys->action))
		json_error_at(&reader->json, keys->action, "is missing");
	else if (name && !action)
		json_error_at(&reader->json, keys->action, "there is no such action: '%s'", name);
	else if (action && action->unsupported)
		json_error_at(
			&reader->json, keys->action, "%s is not supported: nobody listens", name);
	if (!action || action->unsupported)
		return false;
	*out = action->value;
	if (action->has_number) {
		int number = read_errno(reader, object, keys);
		*out |= number < 0 ? 0 : (uint32_t)number;
		return number >= 0;
	}
	if (json_get(object, keys->number)) {
		json_error_at(&reader->json, keys->number, "%s has no number", name);
		return false;
	}
	return true;
}

/* --- rules --- */

/* One comparison with an argument; false if it is wrong. */
static bool read_condition(struct reader *reader, const json_t *object, struct scmp_arg_cmp *out)
{
	static const char *const keys[] = {"index", "value", "valueTwo", "op", NULL};
	if (!json_is_object(object)) {
		json_error_at(&reader->json, NULL, "must be an object: {...}");
		return false;
	}
	json_check_keys(&reader->json, object, keys);
	json_int_t index = json_get_number(&reader->json, object, "index", ARGUMENTS_MAX - 1, 0);
	json_int_t value = json_get_number(&reader->json, object, "value", INT64_MAX, 0);
	json_int_t value_two = json_get_number(&reader->json, object, "valueTwo", INT64_MAX, 0);
	const char *name = json_get_text(&reader->json, object, "op");
	int comparison = name ? seccomp_operator_find(name) : -1;
	if (!json_get(object, "op"))
		json_error_at(&reader->json, "op", "is missing");
	else if (name && comparison < 0)
		json_error_at(&reader->json, "op", "there is no such comparison: '%s'", name);
	*out = (struct scmp_arg_cmp){
		.arg = (unsigned int)index,
		.op = (enum scmp_compare)comparison,
		.datum_a = (scmp_datum_t)value,
		/* Of MASKED_EQ only, where datum_a is the mask. */
		.datum_b = (scmp_datum_t)value_two,
	};
	return index >= 0 && value >= 0 && value_two >= 0 && comparison >= 0;
}

/* The conditions of a rule; their number, or -1 if one is wrong. */
static int read_conditions(struct reader *reader, const json_t *rule, struct scmp_arg_cmp *out)
{
	const json_t *conditions = json_get_array(&reader->json, rule, "args"), *condition;
	size_t index;
	bool good = conditions || !json_get(rule, "args");
	if (json_array_size(conditions) > CONDITIONS_MAX) {
		json_error_at(&reader->json, "args", "must not be more than %d", CONDITIONS_MAX);
		return -1;
	}
	json_array_foreach(conditions, index, condition)
	{
		size_t mark = json_enter(&reader->json, "args", index);
		good = read_condition(reader, condition, &out[index]) && good;
		json_leave(&reader->json, mark);
	}
	return good ? (int)json_array_size(conditions) : -1;
}

/* Reports what libseccomp says to a rule. */
static void check_added(struct reader *reader, const char *call, int result)
{
	if (result == -EEXIST)
		json_warn_at(&reader->json, NULL,
			"%s: another rule says something else for the same call", call);
	else if (result < 0)
		json_error_at(&reader->json, NULL, "%s: libseccomp cannot add this rule: %s", call,
			strerror(-result));
}

struct rule {
	uint32_t action;
	struct scmp_arg_cmp conditions[CONDITIONS_MAX];
	int count;
	bool any; /* one condition is enough; else all are needed */
};

static void add_rule(struct reader *reader, const char *call, const struct rule *rule)
{
	int number = seccomp_syscall_resolve_name(call);
	if (number == __NR_SCMP_ERROR) {
		json_warn_at(&reader->json, NULL,
			"%s: libseccomp knows no such system call; left out", call);
		return;
	}
	/* What is done anyway needs no rule; libseccomp refuses it. */
	if (!reader->context || rule->action == reader->default_action)
		return;
	unsigned int count = (unsigned int)rule->count;
	if (!rule->any) {
		check_added(reader, call,
			seccomp_rule_add_array(
				reader->context, rule->action, number, count, rule->conditions));
		return;
	}
	for (unsigned int i = 0; i < count; i++)
		check_added(reader, call,
			seccomp_rule_add_array(
				reader->context, rule->action, number, 1, &rule->conditions[i]));
}

static void add_calls(struct reader *reader, const json_t *names, const struct rule *rule)
{
	size_t index;
	const json_t *name;
	json_array_foreach(names, index, name)
	{
		const char *call = json_string_value(name);
		if (call && *call) {
			if (rule)
				add_rule(reader, call, rule);
			continue;
		}
		size_t mark = json_enter(&reader->json, "names", index);
		json_error_at(&reader->json, NULL, "must be the name of a system call, in quotes");
		json_leave(&reader->json, mark);
	}
}

/* Older profiles have one "name". Faults of names are reported also where there is no `rule`. */
static void read_calls(struct reader *reader, const json_t *object, const struct rule *rule)
{
	const char *name = json_get_text(&reader->json, object, "name");
	const json_t *names = json_get_array(&reader->json, object, "names");
	bool has_name = json_get(object, "name"), has_names = json_get(object, "names");
	if (has_name && has_names && json_array_size(names) > 0)
		json_error_at(&reader->json, "name", "there must be either name or names");
	else if (!has_name && !has_names)
		json_error_at(&reader->json, "names", "is missing");
	else if (name && *name && rule)
		add_rule(reader, name, rule);
	else if (name && !*name && !has_names)
		json_error_at(&reader->json, "name", "is empty");
	add_calls(reader, names, rule);
}

/* As runc does, and all runtimes after it: where an argument is compared twice, any one of the
 * conditions is enough, because a rule of the kernel's library can compare it only once. */
static bool compares_twice(const struct rule *rule)
{
	unsigned int seen = 0;
	for (int i = 0; i < rule->count; i++) {
		if (seen & 1u << rule->conditions[i].arg)
			return true;
		seen |= 1u << rule->conditions[i].arg;
	}
	return false;
}

/* --- includes and excludes --- */

enum found { FOUND_NONE = 1, FOUND_SOME = 2 }; /* of a list's items; both, where both are there */

static bool has_capability(struct reader *reader, const char *name)
{
	int capability = seccomp_capability_find(name);
	if (capability < 0)
		json_warn_at(&reader->json, NULL, "there is no such capability: '%s'", name);
	return capability >= 0 && (reader->profile->capabilities >> capability & 1);
}

static bool has_architecture(struct reader *reader, const char *name)
{
	bool known, ours = seccomp_architecture_is_ours(name, &known);
	if (!known)
		json_warn_at(&reader->json, NULL, "there is no such architecture: '%s'", name);
	return ours;
}

/* What the list says of this machine and process: 0 (not there, or empty) or enum found. */
static unsigned int look(struct reader *reader, const json_t *filter, const char *key,
	bool (*has)(struct reader *reader, const char *name))
{
	const json_t *names = json_get_array(&reader->json, filter, key), *name;
	size_t index;
	unsigned int found = 0;
	json_array_foreach(names, index, name)
	{
		size_t mark = json_enter(&reader->json, key, index);
		if (!json_is_string(name))
			json_error_at(&reader->json, NULL, "must be text in quotes");
		else
			found |= has(reader, json_string_value(name)) ? FOUND_SOME : FOUND_NONE;
		json_leave(&reader->json, mark);
	}
	return found;
}

static unsigned int look_at_kernel(struct reader *reader, const json_t *filter)
{
	int version, patchlevel;
	char rest;
	const char *text = json_get_text(&reader->json, filter, "minKernel");
	if (!text || !*text)
		return 0;
	if (sscanf(text, "%3d.%3d%c", &version, &patchlevel, &rest) != 2 || version < 0 ||
		patchlevel < 0) {
		json_error_at(&reader->json, "minKernel", "must be as in \"4.8\", not '%s'", text);
		return 0;
	}
	return seccomp_kernel_is_at_least(version, patchlevel) ? FOUND_SOME : FOUND_NONE;
}

/* Whether a rule is for this machine and process: of what it includes it needs all capabilities, one
 * of the architectures and the kernel; nothing of what it excludes may be there. */
static bool is_for_us(struct reader *reader, const json_t *rule)
{
	static const char *const keys[] = {"caps", "arches", "minKernel", NULL};
	static const char *const lists[] = {"includes", "excludes"};
	unsigned int caps[2], arches[2], kernel[2];
	for (int i = 0; i < 2; i++) {
		const json_t *filter = json_get_object(&reader->json, rule, lists[i]);
		size_t mark = json_enter_key(&reader->json, lists[i]);
		json_check_keys(&reader->json, filter, keys);
		caps[i] = look(reader, filter, "caps", has_capability);
		arches[i] = look(reader, filter, "arches", has_architecture);
		kernel[i] = look_at_kernel(reader, filter);
		json_leave(&reader->json, mark);
	}
	return !(caps[0] & FOUND_NONE) && arches[0] != FOUND_NONE && kernel[0] != FOUND_NONE &&
		!((caps[1] | arches[1] | kernel[1]) & FOUND_SOME);
}

static void read_rule(struct reader *reader, const json_t *object)
{
	static const char *const known[] = {"names", "name", "action", "errnoRet", "errno", "args",
		"comment", "includes", "excludes", NULL};
	static const struct action_keys keys = {"action", "errnoRet", "errno"};
	struct rule rule = {0};
	if (!json_is_object(object)) {
		json_error_at(&reader->json, NULL, "must be an object: {...}");
		return;
	}
	json_check_keys(&reader->json, object, known);
	bool good = read_action(reader, object, &keys, &rule.action);
	rule.count = read_conditions(reader, object, rule.conditions);
	rule.any = compares_twice(&rule);
	if (rule.any)
		json_warn_at(&reader->json, "args",
			"an argument is compared more than once: any one comparison is enough, as "
			"in runc");
	bool ours = is_for_us(reader, object);
	read_calls(reader, object, good && ours && rule.count >= 0 ? &rule : NULL);
}

/* --- the rest --- */

static void add_architecture(struct reader *reader, const char *key, const json_t *name)
{
	const char *text = json_string_value(name);
	uint32_t token = text ? seccomp_architecture_find(text) : 0;
	if (!text)
		json_error_at(&reader->json, key, "must be text in quotes");
	else if (!token)
		json_error_at(&reader->json, key, "there is no such architecture: '%s'", text);
	if (!token || !reader->context)
		return;
	int result = seccomp_arch_add(reader->context, token);
	if (result < 0 && result != -EEXIST)
		json_error_at(&reader->json, key,
			"%s cannot be in one filter with this machine's architecture", text);
}

static void add_architectures(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *names = json_get_array(&reader->json, object, key), *name;
	size_t index;
	json_array_foreach(names, index, name)
	{
		size_t mark = json_enter(&reader->json, key, index);
		add_architecture(reader, NULL, name);
		json_leave(&reader->json, mark);
	}
}

/* Docker's form: which others belong to an architecture; only this machine's row counts. */
static void read_arch_map(struct reader *reader, const json_t *profile)
{
	static const char *const keys[] = {"architecture", "subArchitectures", NULL};
	const json_t *rows = json_get_array(&reader->json, profile, "archMap"), *row;
	size_t index;
	json_array_foreach(rows, index, row)
	{
		size_t mark = json_enter(&reader->json, "archMap", index);
		if (!json_is_object(row))
			json_error_at(&reader->json, NULL, "must be an object: {...}");
		json_check_keys(&reader->json, row, keys);
		const char *name = json_get_text(&reader->json, row, "architecture");
		/* Rows of machines that this libseccomp does not know are not this machine's. */
		if (name && seccomp_architecture_find(name) == seccomp_arch_native())
			add_architectures(reader, row, "subArchitectures");
		json_leave(&reader->json, mark);
	}
}

static uint32_t read_flags(struct reader *reader, const json_t *profile)
{
	const json_t *names = json_get_array(&reader->json, profile, "flags"), *flag;
	size_t index;
	uint32_t flags = 0;
	json_array_foreach(names, index, flag)
	{
		bool known = false;
		const char *name = json_string_value(flag);
		flags |= name ? seccomp_flag_find(name, &known) : 0;
		size_t mark = json_enter(&reader->json, "flags", index);
		if (!name)
			json_error_at(&reader->json, NULL, "must be text in quotes");
		else if (!known)
			json_error_at(&reader->json, NULL, "there is no such flag: '%s'", name);
		json_leave(&reader->json, mark);
	}
	return flags;
}

/* Reports every fault; the flags. The filter is in reader->context, which is NULL without one. */
static uint32_t read_profile(struct reader *reader, const json_t *profile)
{
	static const char *const known[] = {"defaultAction", "defaultErrnoRet", "defaultErrno",
		"architectures", "archMap", "flags", "syscalls", "comment", "listenerPath",
		"listenerMetadata", NULL};
	static const struct action_keys keys = {"defaultAction", "defaultErrnoRet", "defaultErrno"};
	const json_t *rules = json_get_array(&reader->json, profile, "syscalls"), *rule;
	size_t index;
	json_check_keys(&reader->json, profile, known);
	if (read_action(reader, profile, &keys, &reader->default_action)) {
		reader->context = seccomp_build_begin(reader->default_action);
		if (!reader->context)
			json_error_at(&reader->json, "defaultAction",
				"this machine's kernel does not know it");
	}
	if (json_array_size(json_get(profile, "architectures")) &&
		json_array_size(json_get(profile, "archMap")))
		json_error_at(
			&reader->json, "archMap", "there must be either architectures or archMap");
	add_architectures(reader, profile, "architectures");
	read_arch_map(reader, profile);
	uint32_t flags = read_flags(reader, profile);
	json_array_foreach(rules, index, rule)
	{
		size_t mark = json_enter(&reader->json, "syscalls", index);
		read_rule(reader, rule);
		json_leave(&reader->json, mark);
	}
	return flags;
}

/* Of a profile without faults. */
static void make_program(struct reader *reader, uint32_t flags, struct seccomp_program *out)
{
	int result = seccomp_build_finish(reader->context, out);
	reader->context = NULL;
	out->flags = flags;
	if (result == -EFBIG)
		problem_add(&reader->json.report->errors, reader->json.name, 0,
			"makes more than the %d instructions that the kernel takes", BPF_MAXINSNS);
	else if (result < 0)
		problem_add(&reader->json.report->errors, reader->json.name, 0,
			"cannot be made into a filter: %s", strerror(-result));
}

bool seccomp_json_convert(const struct seccomp_json *profile, struct convert_report *report,
	struct seccomp_program *out)
{
	struct reader reader = {
		.json = {.name = profile->name, .report = report}, .profile = profile};
	json_error_t error;
	*out = (struct seccomp_program){0};
	json_t *root = json_loadb(profile->text, profile->length, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		problem_add(&report->errors, profile->name, error.line > 0 ? error.line : 0,
			"not JSON: %s", error.text);
	} else if (!json_is_object(root)) {
		problem_add(&report->errors, profile->name, 0, "must be an object: {...}");
	} else {
		uint32_t flags = read_profile(&reader, root);
		if (report->errors.count == 0)
			make_program(&reader, flags, out);
	}
	seccomp_release(reader.context);
	json_decref(root);
	text_finish(&reader.json.place);
	return report->errors.count == 0;
}
