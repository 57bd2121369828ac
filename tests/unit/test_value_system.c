/* Values that name what the kernel has: what is read, what is refused, and what is written of it; and the checks
 * across their keys. */
#include "unit.h"

#include <string.h>

/* Reads a main with these keys and writes the pod again: `written` is in that. */
static void reads_as(const char *keys, const char *written)
{
	char ini[1024];
	struct pod_spec spec;
	struct text text = text_in(ini, sizeof(ini)), out = {0};
	text_add(&text, "%s%s", MAIN("m"), keys);
	good_spec(&spec, ini);
	ini_write(&out, &spec);
	assert_contains(out.data, written);
	assert_spec_survives(&spec);
	text_finish(&out);
	spec_finish(&spec);
}

static void refused(const char *keys, const char *why)
{
	char ini[1024];
	struct text text = text_in(ini, sizeof(ini));
	text_add(&text, "%s%s", MAIN("m"), keys);
	assert_contains(problems_of(ini), why);
	assert_int_equal(problem_count(), 1);
}

static void capabilities(void **state)
{
#define KEY "securityContext.capabilities.add = "
	(void)state;
	reads_as(KEY "NET_ADMIN\n", "\n" KEY "NET_ADMIN\n");
	reads_as(KEY "CAP_NET_ADMIN ,\tCHOWN\n", "\n" KEY "CHOWN\n" KEY "NET_ADMIN\n");
	reads_as(KEY "CHOWN\n" KEY "KILL\n", "\n" KEY "CHOWN\n" KEY "KILL\n");
	reads_as(KEY "CHOWN\n  KILL\n", "\n" KEY "CHOWN\n" KEY "KILL\n");
	reads_as(KEY "ALL\n" KEY "KILL\n", "\n" KEY "ALL\n");
	static const char *const wrong[] = {"net_admin", "NET_ADMIN,", ",", "NET_ADMIN KILL",
		"CAP_ALL", "CAP_", "12", "NET_ADMINS", "CAP_CAP_CHOWN"};
	for (int i = 0; i < COUNT(wrong); i++) {
		char key[128];
		struct text text = text_in(key, sizeof(key));
		text_add(&text, KEY "%s\n", wrong[i]);
		refused(key,
			"capabilities.add: must be capabilities like NET_ADMIN, or ALL, got '");
	}
#undef KEY
}

static void limits(void **state)
{
	(void)state;
	reads_as("rlimit.nofile = 5\n", "\nrlimit.nofile = 5\n");
	reads_as("rlimit.nofile = 5:5\n", "\nrlimit.nofile = 5\n");
	reads_as("rlimit.nofile = 0:7\n", "\nrlimit.nofile = 0:7\n");
	reads_as("rlimit.core = unlimited\n", "\nrlimit.core = unlimited\n");
	reads_as("rlimit.core = 0:infinity\n", "\nrlimit.core = 0:unlimited\n");
	reads_as("rlimit.as = 9223372036854775807\n", "\nrlimit.as = 9223372036854775807\n");
	refused("rlimit.nofile = 7:5\n",
		"rlimit.nofile: must be a soft limit of at most the hard one");
	refused("rlimit.nofile = unlimited:5\n", "must be a soft limit of at most the hard one");
	static const char *const wrong[] = {"-1", "5:", ":5", ":", "5:6:7", "1k", "5 : 6",
		"9223372036854775808", "Unlimited", "99999999999999999999999999999999999999"};
	for (int i = 0; i < COUNT(wrong); i++) {
		char key[128];
		struct text text = text_in(key, sizeof(key));
		text_add(&text, "rlimit.nofile = %s\n", wrong[i]);
		refused(key, "rlimit.nofile: must be SOFT[:HARD], numbers or unlimited");
	}
}

static void numbers(void **state)
{
	(void)state;
	reads_as("cpuAffinity = 0\n", "\ncpuAffinity = 0\n");
	reads_as("cpuAffinity = 3,0-1,2\n", "\ncpuAffinity = 0-3\n");
	reads_as("cpuAffinity = 0, 2-3 ,1023\n", "\ncpuAffinity = 0,2-3,1023\n");
	reads_as("cpuAffinity = 62-65\n", "\ncpuAffinity = 62-65\n");
	reads_as("cpuAffinity = 0-1023\n", "\ncpuAffinity = 0-1023\n");
	reads_as("cpuAffinity = 7,7,7-7\n", "\ncpuAffinity = 7\n");
	static const char *const wrong[] = {"1024", "0-1024", "3-2", "-1", "1-", "a", "0,,1", "0,",
		"+1", "0x1", "1 2", "0--1", "99999999999999999999"};
	for (int i = 0; i < COUNT(wrong); i++) {
		char key[128];
		struct text text = text_in(key, sizeof(key));
		text_add(&text, "cpuAffinity = %s\n", wrong[i]);
		refused(key, "cpuAffinity: must be numbers and ranges like 0,2-3, at most 1023");
	}
}

static void ports(void **state)
{
	(void)state;
	reads_as("ports = 80\n", "\nports = 80\n");
	reads_as("ports = 80/TCP, dns:53/UDP\n", "\nports = 80\nports = dns:53/UDP\n");
	reads_as("ports = x:65535/SCTP\n", "\nports = x:65535/SCTP\n");
	reads_as("ports = 53\nports = 53/UDP\n", "\nports = 53\nports = 53/UDP\n");
	static const char *const wrong[] = {"0", "65536", "80/tcp", "80/", "x:", ":80", "X:80",
		"a-name-too-long1:80", "80/TCP/UDP", "80,", "x:y:80"};
	for (int i = 0; i < COUNT(wrong); i++) {
		char key[128];
		struct text text = text_in(key, sizeof(key));
		text_add(&text, "ports = %s\n", wrong[i]);
		refused(key, "ports: must be [NAME:]NUMBER[/TCP|/UDP|/SCTP]");
	}
}

static void simple_values(void **state)
{
	(void)state;
	reads_as("umask = 027\n", "\numask = 027\n");
	reads_as("umask = 0\n", "\numask = 0");
	refused("umask = 1000\n", "umask: ");
	refused("umask = 8\n", "umask: ");
	reads_as("nice = -20\n", "\nnice = -20\n");
	reads_as("nice = 0\n", "\nnice = 0\n");
	refused("nice = 20\n", "nice: must be -20..19");
	reads_as("oomScoreAdj = 0\n", "\noomScoreAdj = 0\n");
	reads_as("oomScoreAdj = -1000\n", "\noomScoreAdj = -1000\n");
	refused("oomScoreAdj = 1001\n", "oomScoreAdj: must be -1000..1000");
	reads_as("securityContext.runAsUser = 2147483647\n",
		"\nsecurityContext.runAsUser = 2147483647\n");
	refused("securityContext.runAsUser = -1\n", "runAsUser: must be 0..2147483647 or a name");
	refused("securityContext.runAsUser = 2147483648\n",
		"runAsUser: must be 0..2147483647 or a name");
	reads_as("cpuSchedulingPolicy = rr\ncpuSchedulingPriority = 1\n",
		"\ncpuSchedulingPriority = 1\n");
	refused("cpuSchedulingPolicy = RR\n", "cpuSchedulingPolicy: must be ");
	reads_as("ioSchedulingClass = best-effort\nioSchedulingPriority = 0\n",
		"\nioSchedulingPriority = 0\n");
	reads_as("numaPolicy = bind\nnumaMask = 0-1\n", "\nnumaMask = 0-1\n");
	reads_as("securityContext.allowPrivilegeEscalation = false\n",
		"\nsecurityContext.allowPrivilegeEscalation = false\n");
	reads_as("tty = true\nstdin = true\n", "\nstdin = true\ntty = true\n");
}

static void quantities(void **state)
{
	static const struct {
		int64_t milli;
		const char *text;
	} rows[] = {{0, "0"}, {1, "1m"}, {999, "999m"}, {1000, "1"}, {1500, "1500m"},
		{256 * 1024 * INT64_C(1024000), "268435456"}};
	char buffer[64];
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		int64_t back;
		struct text text = text_in(buffer, sizeof(buffer));
		quantity_write(&text, rows[i].milli);
		assert_string_equal(buffer, rows[i].text);
		assert_true(quantity_parse(buffer, &back) && back == rows[i].milli);
	}
	reads_as("resources.limits.memory = 256Mi\n", "\nresources.limits.memory = 268435456\n");
	reads_as("resources.requests.cpu = 0.25\n", "\nresources.requests.cpu = 250m\n");
}

/* --- checks --- */

#define LOCALHOST "localhostProfile and type Localhost belong together"

static void across_keys(void **state)
{
	static const struct {
		const char *keys, *problem;
	} rows[] = {
		{"securityContext.seccompProfile.type = Localhost\n", "seccompProfile: " LOCALHOST},
		{"securityContext.seccompProfile.localhostProfile = /x\n",
			"seccompProfile: " LOCALHOST},
		{"securityContext.seccompProfile.type = RuntimeDefault\n"
		 "securityContext.seccompProfile.localhostProfile = /x\n",
			"seccompProfile: " LOCALHOST},
		{"securityContext.appArmorProfile.type = Localhost\n",
			"appArmorProfile: " LOCALHOST},
		{"securityContext.appArmorProfile.localhostProfile = x\n",
			"appArmorProfile: " LOCALHOST},
		{"securityContext.allowPrivilegeEscalation = false\nsecurityContext.privileged = "
		 "true\n",
			"allowPrivilegeEscalation: cannot be false with privileged or SYS_ADMIN"},
		{"securityContext.allowPrivilegeEscalation = "
		 "false\nsecurityContext.capabilities.add = ALL\n",
			"allowPrivilegeEscalation: cannot be false with privileged or SYS_ADMIN"},
		{"resources.requests.cpu = 2\nresources.limits.cpu = 1\n",
			"resources.requests.cpu: is more than resources.limits.cpu"},
		{"resources.requests.memory = 2\nresources.limits.memory = 1\n",
			"resources.requests.memory: is more than resources.limits.memory"},
		{"cpuSchedulingPolicy = fifo\n",
			"cpuSchedulingPriority: belongs to a cpuSchedulingPolicy of fifo or rr"},
		{"cpuSchedulingPolicy = idle\ncpuSchedulingPriority = 3\n",
			"cpuSchedulingPriority: belongs to"},
		{"cpuSchedulingPriority = 3\n", "cpuSchedulingPriority: belongs to"},
		{"ioSchedulingPriority = 3\n",
			"ioSchedulingPriority: belongs to an ioSchedulingClass"},
		{"numaPolicy = bind\n",
			"numaMask: belongs to a numaPolicy of preferred, bind or interleave"},
		{"numaPolicy = local\nnumaMask = 0\n", "numaMask: belongs to"},
		{"numaMask = 0\n", "numaMask: belongs to"},
		{"ports = 80\nports = 80/TCP\n", "ports: 80 is given twice"},
		{"ports = a:80, a:81\n", "ports: the name a is given twice"},
		{"stdin = true\n[main n]\ncommand = x\nstdin = true\n",
			"main n: stdin: m has it already"},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++)
		refused(rows[i].keys, rows[i].problem);
}

static void of_the_pod(void **state)
{
	static const struct {
		const char *keys, *problem;
	} rows[] = {
		{"securityContext.seccompProfile.type = Localhost\n",
			"pod: securityContext.seccompProfile: " LOCALHOST},
		{"resources.requests.cpu = 2\nresources.limits.cpu = 1\n",
			"pod: resources.requests.cpu: is more than"},
		{"shareProcessNamespace = false\nhostPID = true\n",
			"pod: shareProcessNamespace: cannot be false with hostPID"},
		{"securityContext.sysctls = net.x\n",
			"securityContext.sysctls: must be NAME=value, got 'net.x'"},
		{"securityContext.sysctls = =1\n", "must be NAME=value, got '=1'"},
		{"securityContext.sysctls = net.x=\n", "must be NAME=value, got 'net.x='"},
		{"securityContext.sysctls = vm.swappiness=1\n",
			"'vm.swappiness' is not of a pod's namespaces"},
		{"securityContext.sysctls = net...kernel.panic=1\n",
			"is not of a pod's namespaces"},
		{"securityContext.sysctls = net./x=1\n", "is not of a pod's namespaces"},
		{"hostAliases = 10.0.0.1\n",
			"hostAliases: must be an address and names, got '10.0.0.1'"},
		{"hostAliases = name 10.0.0.1\n", "hostAliases: must be an address and names"},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		char ini[512];
		struct text text = text_in(ini, sizeof(ini));
		text_add(&text, "[pod]\n%s%s", rows[i].keys, MAIN("m"));
		assert_contains(problems_of(ini), rows[i].problem);
		assert_int_equal(problem_count(), 1);
	}
	assert_string_equal(problems_of("[pod]\nsecurityContext.sysctls = net.core.somaxconn=1\n"
					"hostAliases = ::1 a b\n" MAIN("m")),
		"");
}

int test_value_system(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities),
		cmocka_unit_test(limits),
		cmocka_unit_test(numbers),
		cmocka_unit_test(ports),
		cmocka_unit_test(simple_values),
		cmocka_unit_test(quantities),
		cmocka_unit_test(across_keys),
		cmocka_unit_test(of_the_pod),
	};
	return UNIT_RUN("value system", tests);
}
