/* What a pod that ends says last. */
#include "unit.h"

#include "../../src/core/last_line.h"

static void assert_says(struct story *t, const char *by, const char *expected)
{
	char buffer[2048];
	struct text out = text_in(buffer, sizeof(buffer));
	last_line_add(&out, &t->spec, t->pod, t->now, by);
	assert_string_equal(buffer, expected);
	drop(t);
}

static struct story *entrypoint(void)
{
	return story_of(story_entrypoint());
}

static void of_an_entrypoint(void **state)
{
	(void)state;
	struct story *t = entrypoint();
	comes_up(t, "app");
	at(t, 1500 * MS);
	exits(t, "app", 0);
	drained(t);
	assert_says(t, NULL,
		"ends with exit code 0 after 1.5 s: app ended with exit code 0 after 1.5 s");
	t = entrypoint();
	expect_spawn(t, "app");
	spawn_fails(t, "app", STAGE_EXEC, 2);
	drained(t);
	assert_says(t, NULL,
		"ends with exit code 127 after 0 s: app: cannot execute /bin/app: No such file or "
		"directory");
}

static void of_a_stopped_entrypoint(void **state)
{
	(void)state;
	struct story *t = entrypoint();
	comes_up(t, "app");
	at(t, 2 * S);
	signalled(t, 15);
	at(t, 3 * S);
	dies(t, "app", 15);
	drained(t);
	assert_says(t, "SIGTERM from process 7 (sh), uid 0",
		"ends with exit code 143 after 3 s: SIGTERM from process 7 (sh), uid 0; app killed "
		"by "
		"SIGTERM after 3 s");
}

static void of_a_pod(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") SIDECAR("s") MAIN("a") MAIN("b") MAIN("c"));
	comes_up(t, "s");
	comes_up(t, "a");
	comes_up(t, "b");
	comes_up(t, "c");
	at(t, 1 * S);
	exits(t, "a", 0);
	at(t, 2 * S);
	dies(t, "b", 9);
	exits(t, "c", 3);
	exits(t, "s", 9);
	drained(t);
	assert_says(t, NULL,
		"ends with exit code 137 after 2 s: b killed by SIGKILL after 2 s; c ended with "
		"exit "
		"code 3 after 2 s");
}

static void of_a_failed_init(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") INIT("i") MAIN("m"));
	comes_up(t, "i");
	at(t, 100 * MS);
	exits(t, "i", 5);
	drained(t);
	assert_says(t, NULL,
		"ends with exit code 5 after 100 ms: i ended with exit code 5 after 100 ms");
}

static void of_other_causes(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") DEADLINE("1") MAIN("m"));
	comes_up(t, "m");
	at(t, 1 * S);
	exits(t, "m", 0);
	drained(t);
	assert_says(t, NULL,
		"ends with exit code 124 after 1 s: the pod was active longer than its "
		"activeDeadlineSeconds");
	t = story(POLICY("Always") MAIN("m"));
	comes_up(t, "m");
	asked_to_stop(t, -1);
	exits(t, "m", 0);
	drained(t);
	assert_says(t, NULL, "ends with exit code 0 after 0 s: podctl asked for it");
}

static void restarts_are_counted(void **state)
{
	(void)state;
	struct story *t = story(POLICY("OnFailure") MAIN("m"));
	comes_up(t, "m");
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	signalled(t, 15);
	exits(t, "m", 1);
	drained(t);
	assert_says(t, NULL,
		"ends with exit code 1 after 0 s: podinit was signalled; m ended with exit code 1 "
		"after 0 s (restart 1)");
}

/* An exit code that counts as 0 is no failure here, either. */
static void of_success_codes(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("a") "successExitCodes = 42\n" MAIN("b"));
	comes_up(t, "a");
	comes_up(t, "b");
	exits(t, "a", 42);
	expect_kill_tree(t, "a");
	exits(t, "b", 3);
	drained(t);
	assert_says(t, NULL, "ends with exit code 3 after 0 s: b ended with exit code 3 after 0 s");
}

int test_last_line(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_an_entrypoint),
		cmocka_unit_test(of_a_stopped_entrypoint),
		cmocka_unit_test(of_a_pod),
		cmocka_unit_test(of_a_failed_init),
		cmocka_unit_test(of_other_causes),
		cmocka_unit_test(of_success_codes),
		cmocka_unit_test(restarts_are_counted),
	};
	return UNIT_RUN("last line", tests);
}
