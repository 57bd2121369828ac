/* Who may have which capability, what podinit itself needs for that, and what a process inherits from its pod. */
#include "unit.h"

#include <string.h>

#define ADD(what)  "securityContext.capabilities.add = " what "\n"
#define DROP(what) "securityContext.capabilities.drop = " what "\n"

static uint64_t bit(const char *name)
{
	int capability = capability_find(name);
	assert_true(capability >= 0);
	return UINT64_C(1) << capability;
}

static uint64_t of_main(const char *keys, uint64_t (*what)(const struct process_spec *process))
{
	char ini[512];
	struct pod_spec spec;
	struct text text = text_in(ini, sizeof(ini));
	text_add(&text, "%s%s", MAIN("m"), keys);
	good_spec(&spec, ini);
	uint64_t set = what(&spec.processes[0]);
	spec_finish(&spec);
	return set;
}

static uint64_t own_of(const char *ini)
{
	struct pod_spec spec;
	good_spec(&spec, ini);
	uint64_t set = spec_own_capabilities(&spec);
	spec_finish(&spec);
	return set;
}

static uint64_t container_default(void)
{
	static const char *const names[] = {"CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD",
		"NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP", "NET_BIND_SERVICE",
		"SYS_CHROOT", "KILL", "AUDIT_WRITE"};
	uint64_t set = 0;
	for (int i = 0; i < COUNT(names); i++)
		set |= bit(names[i]);
	return set;
}

static void names(void **state)
{
	(void)state;
	for (int i = 0; i < CAPABILITY_COUNT; i++)
		assert_int_equal(capability_find(capability_name(i)), i);
	assert_int_equal(capability_find("CHOWN"), 0);
	assert_int_equal(capability_find("CHECKPOINT_RESTORE"), 40);
	assert_int_equal(capability_find("CAP_CHOWN"), -1);
	assert_int_equal(capability_find("chown"), -1);
	assert_int_equal(capability_find("ALL"), -1);
	assert_int_equal(capability_find(""), -1);
	assert_null(capability_name(-1));
	assert_null(capability_name(CAPABILITY_COUNT));
}

static void sets_in_words(void **state)
{
	static const struct {
		uint64_t set;
		const char *words;
	} rows[] = {
		{0, "none"},
		{1, "CHOWN"},
		{1 | UINT64_C(1) << 40, "CHOWN, CHECKPOINT_RESTORE"},
		{CAPABILITIES_ALL, "all"},
		{(UINT64_C(1) << CAPABILITY_COUNT) - 1, "all"},
		{UINT64_C(1) << 50, "none"},
	};
	char buffer[1024];
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct text text = text_in(buffer, sizeof(buffer));
		capabilities_write(&text, rows[i].set);
		assert_string_equal(buffer, rows[i].words);
	}
	struct text text = text_in(buffer, sizeof(buffer));
	capabilities_write(&text, CAPABILITIES_ALL & ~bit("SYS_ADMIN"));
	assert_false(contains(buffer, "SYS_ADMIN"));
	assert_contains(buffer, "SYS_PTRACE, SYS_PACCT, SYS_BOOT");
}

static void add_and_drop(void **state)
{
	const uint64_t normal = container_default(), admin = bit("NET_ADMIN"), mknod = bit("MKNOD");
	const struct {
		const char *keys;
		uint64_t set, ambient;
	} rows[] = {
		{"", normal, 0},
		{ADD("NET_ADMIN"), normal | admin, admin},
		{DROP("MKNOD"), normal & ~mknod, 0},
		{ADD("ALL"), CAPABILITIES_ALL, CAPABILITIES_ALL},
		{DROP("ALL"), 0, 0},
		{ADD("ALL") DROP("MKNOD"), CAPABILITIES_ALL & ~mknod, CAPABILITIES_ALL & ~mknod},
		{ADD("NET_ADMIN") DROP("ALL"), admin, admin},
		{ADD("ALL") DROP("ALL"), 0, 0},
		{ADD("MKNOD") DROP("MKNOD"), normal & ~mknod, 0},
		{ADD("CAP_NET_ADMIN, MKNOD"), normal | admin, admin | mknod},
		{"securityContext.privileged = true\n", CAPABILITIES_ALL, 0},
		{"securityContext.privileged = true\n" DROP("ALL"), CAPABILITIES_ALL, 0},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		assert_true(of_main(rows[i].keys, spec_capabilities) == rows[i].set);
		assert_true(of_main(rows[i].keys, spec_ambient) == rows[i].ambient);
	}
}

#define BARE MAIN("m") DROP("ALL")

static void podinits_own(void **state)
{
	const uint64_t least = bit("SETUID") | bit("SETGID") | bit("SETPCAP") | bit("KILL");
	(void)state;
	assert_true(own_of(BARE) == least);
	assert_true(own_of(MAIN("m")) == (least | container_default()));
	assert_true(own_of(BARE ADD("SYS_TIME")) == (least | bit("SYS_TIME")));
	assert_true(
		own_of(BARE INIT("i") DROP("ALL") ADD("NET_ADMIN")) == (least | bit("NET_ADMIN")));
	assert_true(own_of(MAIN("m") "securityContext.privileged = true\n") == CAPABILITIES_ALL);
	assert_true(own_of(BARE "nice = 5\n") == (least | bit("SYS_NICE") | bit("SYS_RESOURCE")));
	assert_true(own_of(BARE "rlimit.core = 0\n") ==
		(least | bit("SYS_NICE") | bit("SYS_RESOURCE")));
	assert_true(own_of(BARE "resources.limits.cpu = 1\nresources.limits.memory = 1Mi\n") ==
		(least | bit("SYS_RESOURCE")));
	assert_true(own_of(BARE "resources.limits.memory = 1Mi\n") == least);
	assert_true(own_of(BARE "tty = true\n") == least);
	assert_true(own_of(BARE "tty = true\nsecurityContext.runAsUser = 5\n") ==
		(least | bit("CHOWN")));
	assert_true(own_of(BARE "terminationMessagePolicy = FallbackToLogsOnError\n") == least);
	assert_true(own_of(BARE "terminationMessagePolicy = FallbackToLogsOnError\n"
				"securityContext.runAsUser = 5\n") == (least | bit("CHOWN")));
	assert_true(own_of(BARE "securityContext.seccompProfile.type = RuntimeDefault\n") ==
		(least | bit("SYS_ADMIN")));
	assert_true(own_of(BARE "securityContext.seccompProfile.type = RuntimeDefault\n"
				"securityContext.allowPrivilegeEscalation = false\n") == least);
	assert_true(own_of(BARE "securityContext.seccompProfile.type = Unconfined\n") == least);
	assert_true(own_of("[pod]\nshareProcessNamespace = false\n" BARE) & bit("SYS_ADMIN"));
	assert_true(own_of(BARE "rootfs = /r\n") & bit("SYS_ADMIN"));
	assert_true(own_of(BARE "rootfs = /r\n") & bit("SYS_CHROOT"));
	assert_false(own_of(BARE) & bit("SYS_CHROOT"));
	assert_true(own_of(BARE "[volume v]\nemptyDir.medium = Memory\n") & bit("SYS_ADMIN"));
	assert_true(own_of(BARE "[volume v]\nemptyDir =\n") & bit("DAC_OVERRIDE"));
}

static void a_process_says_more_than_its_pod(void **state)
{
	struct pod_spec spec;
	(void)state;
	good_spec(&spec,
		"[pod]\nsecurityContext.runAsUser = 1\nsecurityContext.runAsGroup = 2\n"
		"securityContext.runAsNonRoot = true\nsecurityContext.seccompProfile.type = "
		"Localhost\n"
		"securityContext.seccompProfile.localhostProfile = /f\n"
		"securityContext.appArmorProfile.type = Localhost\n"
		"securityContext.appArmorProfile.localhostProfile = a\n"
		"securityContext.seLinuxOptions.user = u\nsecurityContext.seLinuxOptions.role = r\n"
		"securityContext.seLinuxOptions.type = t\nsecurityContext.seLinuxOptions.level = "
		"l\n" MAIN("as-pod")
			MAIN("own") "securityContext.runAsUser = web\nsecurityContext.runAsNonRoot "
				    "= false\n"
				    "securityContext.seccompProfile.type = RuntimeDefault\n"
				    "securityContext.appArmorProfile.type = Unconfined\n"
				    "securityContext.seLinuxOptions.level = s0\n");
	struct security_spec pod = spec_security(&spec, &spec.processes[0]);
	struct security_spec own = spec_security(&spec, &spec.processes[1]);
	assert_string_equal(pod.user, "1");
	assert_string_equal(pod.group, "2");
	assert_int_equal(pod.non_root, SAID_TRUE);
	assert_int_equal(pod.seccomp, PROFILE_LOCALHOST);
	assert_string_equal(pod.seccomp_file, "/f");
	assert_string_equal(pod.apparmor_name, "a");
	assert_string_equal(own.user, "web");
	assert_string_equal(own.group, "2");
	assert_int_equal(own.non_root, SAID_FALSE);
	assert_int_equal(own.seccomp, PROFILE_RUNTIME_DEFAULT);
	assert_null(own.seccomp_file);
	assert_int_equal(own.apparmor, PROFILE_UNCONFINED);
	assert_null(own.apparmor_name);
	assert_string_equal(own.selinux_user, "u");
	assert_string_equal(own.selinux_role, "r");
	assert_string_equal(own.selinux_type, "t");
	assert_string_equal(own.selinux_level, "s0");
	spec_finish(&spec);
}

static void who_is_root(void **state)
{
	(void)state;
	assert_true(security_is_root(&(struct security_spec){0}));
	assert_true(security_is_root(&(struct security_spec){.user = "0"}));
	assert_true(security_is_root(&(struct security_spec){.user = "root"}));
	assert_false(security_is_root(&(struct security_spec){.user = "1"}));
	assert_false(security_is_root(&(struct security_spec){.user = "web"}));
}

int test_security(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(sets_in_words),
		cmocka_unit_test(add_and_drop),
		cmocka_unit_test(podinits_own),
		cmocka_unit_test(a_process_says_more_than_its_pod),
		cmocka_unit_test(who_is_root),
	};
	return UNIT_RUN("security", tests);
}
