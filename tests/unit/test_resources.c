/* The pod as one unit: what it requests at its worst moment, of what that is the sum, its quality of service,
 * and who is killed first when memory ends. */
#include "unit.h"

#include <string.h>

#define CPU(amount)    "resources.requests.cpu = " amount "\n"
#define MEMORY(amount) "resources.requests.memory = " amount "\n"
#define GI	       (INT64_C(1) << 30)

/* Both at once: requests and what they are the sum of. */
static void assert_sum(const char *ini, enum resource resource, int64_t amount, const char *sum)
{
	struct pod_spec spec;
	struct text out = {0};
	good_spec(&spec, ini);
	int64_t is = spec_pod_request(&spec, resource);
	if (is != amount)
		fail_msg("%lld and not %lld of:\n%s", (long long)is, (long long)amount, ini);
	spec_pod_request_explain(&spec, resource, &out);
	assert_string_equal(out.data ? out.data : "", sum);
	text_finish(&out);
	spec_finish(&spec);
}

static void sums_of_processes(void **state)
{
	static const struct {
		const char *ini;
		int64_t cpu;
		const char *sum;
	} rows[] = {
		/* The three examples of the specification. */
		{INIT("i") CPU("2") SIDECAR("s") CPU("500m") MAIN("a") CPU("1") MAIN("b") CPU("1"),
			2500, "sidecar s 500m + main a 1 + main b 1"},
		{SIDECAR("s") CPU("500m") INIT("i") CPU("3") MAIN("m") CPU("1"), 3500,
			"sidecar s 500m + init i 3"},
		{INIT("i") CPU("3") SIDECAR("s") CPU("500m") MAIN("m") CPU("1"), 3000, "init i 3"},
		/* Without sidecars: the larger of the largest init and all mains. */
		{INIT("i") CPU("1") INIT("j") CPU("4") INIT("k") CPU("2") MAIN("m") CPU("3"), 4000,
			"init j 4"},
		{INIT("i") CPU("1") INIT("j") CPU("4") MAIN("m") CPU("3") MAIN("n") CPU("2"), 5000,
			"main m 3 + main n 2"},
		/* Each init beside the sidecars above it only. */
		{SIDECAR("s") CPU("1") INIT("i") CPU("2") SIDECAR("t") CPU("4") INIT("j") CPU("1")
				MAIN("m") CPU("500m"),
			6000, "sidecar s 1 + sidecar t 4 + init j 1"},
		{SIDECAR("s") CPU("1") INIT("i") CPU("9") SIDECAR("t") CPU("4") INIT("j") CPU("1")
				MAIN("m") CPU("500m"),
			10000, "sidecar s 1 + init i 9"},
		/* Written in any order: sections of mains stand where they like. */
		{MAIN("m") CPU("1") INIT("i") CPU("3") SIDECAR("s") CPU("500m"), 3000, "init i 3"},
		/* As much at both moments: that of the mains is named. */
		{INIT("i") CPU("1") MAIN("m") CPU("1"), 1000, "main m 1"},
		/* Nobody asks. */
		{INIT("i") SIDECAR("s") MAIN("m"), 0, ""},
		/* A limit counts where nothing else is said; a request goes before it. */
		{MAIN("m") "resources.limits.cpu = 2\n", 2000, "main m 2"},
		{MAIN("m") "resources.limits.cpu = 2\n" CPU("1"), 1000, "main m 1"},
		/* Memory is another sum. */
		{MAIN("m") MEMORY("1Gi"), 0, ""},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++)
		assert_sum(rows[i].ini, RESOURCE_CPU, rows[i].cpu, rows[i].sum);
}

static void the_pod_itself(void **state)
{
	(void)state;
	assert_sum("[pod]\noverhead.cpu = 250m\n" INIT("i") CPU("3") MAIN("m") CPU("1"),
		RESOURCE_CPU, 3250, "init i 3 + overhead 250m");
	assert_sum("[pod]\noverhead.cpu = 250m\n" MAIN("m"), RESOURCE_CPU, 250, "overhead 250m");
	/* Its own resources are instead of the sum, each for itself, and limits will do. */
	assert_sum("[pod]\nresources.requests.cpu = 2\n" MAIN("m") CPU("5"), RESOURCE_CPU, 2000,
		"resources of the pod 2");
	assert_sum("[pod]\nresources.limits.cpu = 2\noverhead.cpu = 1\n" MAIN("m") CPU("5"),
		RESOURCE_CPU, 3000, "resources of the pod 2 + overhead 1");
	assert_sum("[pod]\nresources.requests.cpu = 2\n" MAIN("m") MEMORY("1Gi"), RESOURCE_MEMORY,
		GI * 1000, "main m 1Gi");
	/* More than there are numbers for. */
	assert_sum(MAIN("m") MEMORY("8Pi") MAIN("n") MEMORY("8Pi"), RESOURCE_MEMORY, INT64_MAX,
		"main m 8Pi + main n 8Pi");
}

static void amounts_as_people_write_them(void **state)
{
	static const struct {
		int64_t bytes;
		const char *text;
	} rows[] = {{0, "0"}, {1, "1"}, {1023, "1023"}, {1024, "1Ki"}, {1536, "1536"},
		{256 << 20, "256Mi"}, {3 * GI / 2, "1536Mi"}, {6 * GI, "6Gi"},
		{INT64_C(1) << 53, "8Pi"}};
	char buffer[64];
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct text out = text_in(buffer, sizeof(buffer));
		resource_write(&out, RESOURCE_MEMORY, rows[i].bytes * 1000);
		assert_string_equal(buffer, rows[i].text);
	}
	struct text out = text_in(buffer, sizeof(buffer));
	resource_write(&out, RESOURCE_MEMORY, 1); /* "1m" can be asked for */
	assert_string_equal(buffer, "1m");
}

/* A long sum ends with how many are not named; nothing of it is lost. */
static void many_processes(void **state)
{
	struct text ini = {0}, out = {0};
	struct pod_spec spec;
	(void)state;
	text_add(&ini, "[pod]\noverhead.cpu = 1\n");
	for (int i = 0; i < 100; i++)
		text_add(&ini, "[main m%d]\ncommand = x\nresources.requests.cpu = 1\n", i);
	good_spec(&spec, ini.data);
	assert_int_equal(spec_pod_request(&spec, RESOURCE_CPU), 101 * 1000);
	spec_pod_request_explain(&spec, RESOURCE_CPU, &out);
	assert_contains(out.data, "main m0 1 + main m1 1 + ");
	assert_contains(out.data, " + main m23 1 + 76 others 76 + overhead 1");
	text_finish(&out);
	text_finish(&ini);
	spec_finish(&spec);
}

static void limits_of_the_pod(void **state)
{
	static const struct {
		const char *ini;
		int64_t limit; /* bytes; 0: none */
	} rows[] = {
		{MAIN("m") "resources.limits.memory = 1Gi\n" MAIN(
			 "n") "resources.limits.memory = 1Gi\n",
			2 * GI},
		{MAIN("m") "resources.limits.memory = 1Gi\n" MAIN("n"), 0},
		{MAIN("m") "resources.limits.memory = 1Gi\n" INIT("i"), 0},
		{"[pod]\nresources.limits.memory = 4Gi\n" MAIN("m"), 4 * GI},
		{"[pod]\nresources.limits.memory = 4Gi\noverhead.memory = 1Gi\n" MAIN("m"), 5 * GI},
		/* An overhead alone limits nothing. */
		{"[pod]\noverhead.memory = 1Gi\n" MAIN("m"), 0},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct pod_spec spec;
		good_spec(&spec, rows[i].ini);
		assert_int_equal(spec_pod_limit(&spec, RESOURCE_MEMORY), rows[i].limit * 1000);
		spec_finish(&spec);
	}
}

#define BOTH(what, cpu, memory)                                                                    \
	"resources." what ".cpu = " cpu "\nresources." what ".memory = " memory "\n"

static void quality_of_service(void **state)
{
	static const struct {
		const char *ini;
		enum qos_class qos;
	} rows[] = {
		{MAIN("m"), QOS_BEST_EFFORT},
		{INIT("i") SIDECAR("s") MAIN("m"), QOS_BEST_EFFORT},
		{"[pod]\noverhead.cpu = 1\n" MAIN("m"), QOS_BEST_EFFORT},
		{MAIN("m") CPU("1"), QOS_BURSTABLE},
		{MAIN("m") "resources.limits.cpu = 1\n", QOS_BURSTABLE},
		{MAIN("m") BOTH("limits", "1", "1Gi"), QOS_GUARANTEED},
		{MAIN("m") BOTH("limits", "1", "1Gi") BOTH("requests", "1", "1Gi"), QOS_GUARANTEED},
		{MAIN("m") BOTH("limits", "1", "1Gi") CPU("500m"), QOS_BURSTABLE},
		{MAIN("m") BOTH("limits", "1", "1Gi") MAIN("n"), QOS_BURSTABLE},
		/* Inits and sidecars count, too. */
		{INIT("i") MAIN("m") BOTH("limits", "1", "1Gi"), QOS_BURSTABLE},
		{SIDECAR("s") MAIN("m") BOTH("limits", "1", "1Gi"), QOS_BURSTABLE},
		{INIT("i") CPU("1") MAIN("m"), QOS_BURSTABLE},
		{INIT("i") BOTH("limits", "1", "1Gi") SIDECAR("s") BOTH("limits", "1", "1Gi")
				MAIN("m") BOTH("limits", "2", "1Gi"),
			QOS_GUARANTEED},
		/* What the pod says of itself is instead. */
		{"[pod]\n" BOTH("limits", "1", "1Gi") MAIN("m"), QOS_GUARANTEED},
		{"[pod]\n" CPU("1") MAIN("m") BOTH("limits", "1", "1Gi"), QOS_BURSTABLE},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct pod_spec spec;
		good_spec(&spec, rows[i].ini);
		if (spec_qos_class(&spec) != rows[i].qos)
			fail_msg("class %d of:\n%s", spec_qos_class(&spec), rows[i].ini);
		spec_finish(&spec);
	}
}

static void who_is_killed_first(void **state)
{
	static const struct {
		const char *ini, *name;
		int score; /* on a machine of 10 GiB */
	} rows[] = {
		{MAIN("m"), "m", 1000},
		{MAIN("m") BOTH("limits", "1", "1Gi"), "m", -997},
		{MAIN("m") MEMORY("1Gi"), "m", 900},
		{MAIN("m") MEMORY("5Gi"), "m", 500},
		/* Never as low as the guaranteed ones, nor as high as those who asked for nothing. */
		{MAIN("m") MEMORY("10Gi"), "m", 3},
		{MAIN("m") MEMORY("20Gi"), "m", 3},
		{MAIN("m") CPU("1"), "m", 999},
		{MAIN("m") MEMORY("1Mi"), "m", 999},
		{INIT("i") MEMORY("1Gi") MAIN("m") MEMORY("5Gi"), "i", 900},
		/* A sidecar goes after the main that asked for the least. */
		{SIDECAR("s") MEMORY("1Gi") MAIN("m") MEMORY("2Gi") MAIN("n") MEMORY("5Gi"), "s",
			800},
		{SIDECAR("s") MEMORY("3Gi") MAIN("m") MEMORY("2Gi"), "s", 700},
		{SIDECAR("s") MAIN("m") MEMORY("2Gi"), "s", 800},
	};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct pod_spec spec;
		good_spec(&spec, rows[i].ini);
		int k = 0;
		while (strcmp(spec.processes[k].name, rows[i].name) != 0)
			k++;
		int score = spec_oom_score_adj(&spec, &spec.processes[k], 10 * GI);
		if (score != rows[i].score)
			fail_msg("%d and not %d of:\n%s", score, rows[i].score, rows[i].ini);
		/* Where nobody knows how much memory there is, no division by it. */
		assert_in_range(spec_oom_score_adj(&spec, &spec.processes[k], 0) + 1000, 0, 2000);
		spec_finish(&spec);
	}
}

int test_resources(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_of_processes),
		cmocka_unit_test(the_pod_itself),
		cmocka_unit_test(amounts_as_people_write_them),
		cmocka_unit_test(many_processes),
		cmocka_unit_test(limits_of_the_pod),
		cmocka_unit_test(quality_of_service),
		cmocka_unit_test(who_is_killed_first),
	};
	return UNIT_RUN("resources", tests);
}
