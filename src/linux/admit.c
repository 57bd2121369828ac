/* Does the pod fit, and will its processes find what they need? Must not change anything, nor start anything
 * of the pod. */
#include "admit.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capacity.h"
#include "identity.h"
#include "inspect.h"
#include "log.h"

static const char *source_name(const struct pod_spec *spec, int index)
{
	return index < spec->sources.count ? spec->sources.items[index] : NULL;
}

/* --- resources: too much is too much, whatever `admission` says --- */

/* What there is, rounded where nobody reads the rest. */
static void write_capacity(struct text *out, enum resource resource, int64_t amount)
{
	const int64_t mi = INT64_C(1000) << 20;
	if (resource == RESOURCE_MEMORY && amount >= 1024 * mi)
		amount -= amount % mi;
	resource_write(out, resource, amount);
}

static void check_resource(
	const struct pod_spec *spec, enum resource resource, struct problems *problems)
{
	struct capacity capacity;
	struct text message = {0};
	int64_t request = spec_pod_request(spec, resource);
	if (!request)
		return;
	capacity_find(&capacity, resource);
	if (!capacity.amount || request <= capacity.amount)
		return;
	text_add(&message, "requests ");
	resource_write(&message, resource, request);
	text_add(&message, " of %s (", resource_name(resource));
	spec_pod_request_explain(spec, resource, &message);
	text_add(&message, "), but there are only ");
	write_capacity(&message, resource, capacity.amount);
	problem_add(problems, source_name(spec, spec->pod_source), spec->pod_line, "pod: %s (%s)",
		message.data, capacity.what);
	text_finish(&message);
}

/* --- capabilities --- */

static void check_capabilities(const struct pod_spec *spec, struct findings *findings)
{
	for (int i = 0; i < spec->process_count; i++) {
		char names[512];
		struct text text = text_in(names, sizeof(names));
		uint64_t missing = identity_missing(spec, &spec->processes[i]);
		if (!missing)
			continue;
		capabilities_write(&text, missing);
		findings_add(findings, i,
			"securityContext.capabilities.add: podinit itself does not have %s", names);
	}
}

/* --- ports --- */

enum { PORT_COUNT = 65536, PROTOCOL_COUNT = PROTOCOL_SCTP + 1 };

static const struct {
	const char *name;
	int type, protocol;
} PROTOCOLS[] = {
	[PROTOCOL_TCP] = {"TCP", SOCK_STREAM, IPPROTO_TCP},
	[PROTOCOL_UDP] = {"UDP", SOCK_DGRAM, IPPROTO_UDP},
	[PROTOCOL_SCTP] = {"SCTP", SOCK_STREAM, IPPROTO_SCTP},
};

/* Would bind(2) to all addresses say that it is in use? Whatever else it says is no news of the port. */
static bool is_in_use_by(
	const struct port_spec *port, const struct sockaddr *address, socklen_t length)
{
	int one = 1;
	int fd = socket(address->sa_family, PROTOCOLS[port->protocol].type | SOCK_CLOEXEC,
		PROTOCOLS[port->protocol].protocol);
	if (fd < 0)
		return false;
	/* As servers do, lest connections that have just ended count. For UDP it would mean to share. */
	if (port->protocol != PROTOCOL_UDP)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	bool is_in_use = bind(fd, address, length) < 0 && errno == EADDRINUSE;
	close(fd);
	return is_in_use;
}

static bool is_in_use(const struct port_spec *port)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port->number)};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port->number)};
	return is_in_use_by(port, (const struct sockaddr *)&v4, sizeof(v4)) ||
		is_in_use_by(port, (const struct sockaddr *)&v6, sizeof(v6));
}

/* `users` has a place for each port, with 1 + the index of who uses it. */
static void check_port(const struct admission *admission, int index, const struct port_spec *port,
	int16_t *users, struct findings *findings)
{
	const struct process_spec *processes = admission->spec->processes;
	const char *protocol = PROTOCOLS[port->protocol].name;
	int16_t *user = &users[port->protocol * PORT_COUNT + port->number];
	const struct process_spec *other = *user ? &processes[*user - 1] : NULL;
	if (other && *user - 1 != index)
		findings_add(findings, index, "ports: %d/%s is also that of %s %s", port->number,
			protocol, process_kind_name((enum process_kind)other->kind), other->name);
	/* Once is enough, and an init gives its port back. */
	if (!other && !admission->has_fresh_network && is_in_use(port))
		findings_add(findings, index, "ports: %d/%s is in use on this machine already",
			port->number, protocol);
	if (!other && processes[index].kind != KIND_INIT)
		*user = (int16_t)(index + 1);
}

static void check_ports(const struct admission *admission, struct findings *findings)
{
	const struct pod_spec *spec = admission->spec;
	int16_t *users = NULL;
	_Static_assert(SPEC_PROCESSES_MAX < INT16_MAX, "an index fits");
	for (int i = 0; i < spec->process_count; i++) {
		const struct ports *ports = &spec->processes[i].ports;
		if (ports->count && !users)
			users = calloc(PROTOCOL_COUNT * PORT_COUNT, sizeof(*users));
		for (int k = 0; k < ports->count && users; k++)
			check_port(admission, i, &ports->items[k], users, findings);
	}
	free(users);
}

/* --- all of it --- */

static void report(const struct admission *admission, const struct findings *findings,
	struct problems *problems)
{
	const struct pod_spec *spec = admission->spec;
	for (int i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		const struct process_spec *process = &spec->processes[finding->process];
		const char *kind = process_kind_name((enum process_kind)process->kind);
		if (spec->admission_strict)
			problem_add(problems, source_name(spec, process->source), process->line,
				"%s %s: %s", kind, process->name, finding->text);
		else if (!admission->is_quiet)
			log_line("warning: %s %s: %s", kind, process->name, finding->text);
	}
}

void admit(const struct admission *admission, struct problems *problems)
{
	const struct pod_spec *spec = admission->spec;
	struct findings findings = {0};
	if (spec->entrypoint || spec->pause)
		return;
	for (int i = 0; i < RESOURCE_COUNT; i++)
		check_resource(spec, (enum resource)i, problems);
	check_capabilities(spec, &findings);
	check_ports(admission, &findings);
	inspect_roots(spec, !spec->admission_strict, &findings);
	findings_sort(&findings);
	report(admission, &findings, problems);
	free(findings.items);
}
