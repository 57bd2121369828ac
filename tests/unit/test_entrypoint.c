/* podinit -- cmd: the one program gets the very signals that podinit gets, with its whole group, and
 * podinit ends as it ends. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static struct story *entrypoint(void)
{
	return story_of(story_entrypoint());
}

static void entrypoint_gets_the_very_signal(void **state)
{
	static const int requests[] = {2, 15};
	(void)state;
	for (int i = 0; i < COUNT(requests); i++) {
		int signo = requests[i];
		struct story *t = entrypoint();
		comes_up(t, "app");
		signalled(t, 1);
		expect_group_signal(t, "app", 1);
		signalled(t, signo);
		expect_group_signal(t, "app", signo);
		expect_nothing(t);
		dies(t, "app", signo);
		/* its group had the signal: no second one */
		expect_end(t, 128 + signo);
		end(t);
	}
}

/* What is told is what was sent. */
static void entrypoint_tells_the_very_signal(void **state)
{
	(void)state;
	struct story *t = entrypoint();
	comes_up(t, "app");
	signalled(t, 2);
	expect_group_signal(t, "app", 2);
	assert_int_equal(told(t, NOTICE_KILLING, "app")->signo, 2);
	drop(t);
}

static void entrypoint_gets_every_signal(void **state)
{
	(void)state;
	struct story *t = entrypoint();
	comes_up(t, "app");
	signalled(t, 2);
	expect_group_signal(t, "app", 2);
	at(t, 1 * S);
	signalled(t, 15);
	expect_group_signal(t, "app", 15);
	at(t, 3 * S - 1);
	expect_nothing(t);
	at(t, 3 * S);
	expect_kill_tree(t, "app");
	drop(t);
}

static void entrypoint_ends_with_its_program(void **state)
{
	(void)state;
	struct story *t = entrypoint();
	comes_up(t, "app");
	assert_phase(t, "Running");
	exits(t, "app", 42);
	expect_end(t, 42);
	end(t);
	t = entrypoint();
	expect_spawn(t, "app");
	spawn_fails(t, "app", STAGE_EXEC, 2);
	expect_end(t, 127);
	end(t);
}

static void entrypoint_signalled_while_it_is_spawned(void **state)
{
	(void)state;
	struct story *t = entrypoint();
	expect_spawn(t, "app");
	signalled(t, 2);
	expect_abort(t, "app");
	spawned(t, "app");
	expect_group_signal(t, "app", 2);
	exits(t, "app", 0);
	expect_end(t, 0);
	end(t);
}

static void entrypoint_asked_by_podctl(void **state)
{
	(void)state;
	struct story *t = entrypoint();
	comes_up(t, "app");
	asked_to_stop(t, -1);
	expect_group_signal(t, "app", 15);
	drop(t);
}

/* Its words are read to their ends, not beyond (as AddressSanitizer would say). */
static void short_words(void **state)
{
	static const struct {
		const char *word, *name;
	} rows[] = {{"a", "a"}, {"/b", "b"}, {"/bin/run", "run"}, {"./", "main"}, {"", "main"}};
	(void)state;
	for (int i = 0; i < COUNT(rows); i++) {
		struct pod_spec spec;
		size_t size = strlen(rows[i].word) + 1;
		char *word = malloc(size);
		char *argv[] = {word, NULL};
		memcpy(word, rows[i].word, size);
		spec_init(&spec);
		spec_entrypoint(&spec, argv);
		free(word);
		assert_string_equal(spec.processes[0].name, rows[i].name);
		assert_string_equal(spec.processes[0].argv.items[0], rows[i].word);
		spec_finish(&spec);
	}
}

int test_entrypoint(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_words),
		cmocka_unit_test(entrypoint_gets_the_very_signal),
		cmocka_unit_test(entrypoint_tells_the_very_signal),
		cmocka_unit_test(entrypoint_gets_every_signal),
		cmocka_unit_test(entrypoint_ends_with_its_program),
		cmocka_unit_test(entrypoint_signalled_while_it_is_spawned),
		cmocka_unit_test(entrypoint_asked_by_podctl),
	};
	return UNIT_RUN("entrypoint", tests);
}
