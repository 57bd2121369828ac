/* A volume larger than its sizeLimit ends the pod as a deadline does, and the pod has failed. */
#include <string.h>

#include "unit.h"

#include "../../src/core/podstatus.h"

#define VOLUMES "[volume a]\nemptyDir =\n[volume b]\nemptyDir.sizeLimit = 1536Ki\n"

static const char *head_of(struct story *t)
{
	static char piece[PODSTATUS_PIECE_MAX];
	const struct podstatus status = {.spec = &t->spec, .pod = t->pod, .now = t->now};
	struct text text = text_in(piece, sizeof(piece));
	assert_true(podstatus_piece(&status, 0, &text));
	return piece;
}

static void evicted_while_running(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") GRACE("5") SIDECAR("s") MAIN("m") VOLUMES);
	comes_up(t, "s");
	comes_up(t, "m");
	evicted(t, 1);
	expect_signal(t, "m", 15);
	const struct notice *notice = told(t, NOTICE_EVICTED, NULL);
	assert_int_equal(notice->cause, STOP_EVICTED);
	assert_int_equal(notice->count, 1);
	assert_true(notice_is_warning(notice));
	char buffer[256];
	struct text text = text_in(buffer, sizeof(buffer));
	notice_message(&text, &t->spec, notice);
	assert_string_equal(buffer,
		"pod: Usage of EmptyDir volume \"b\" exceeds the limit \"1536Ki\". Ends within 5 "
		"s");
	assert_null(told(t, NOTICE_STOPPING, NULL));
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	expect_signal(t, "s", 15);
	exits(t, "s", 0);
	expect_group_signal(t, "s", 15);
	assert_phase(t, "Failed");
	assert_non_null(strstr(head_of(t),
		"\"reason\":\"Evicted\",\"message\":\"Usage of EmptyDir volume \\\"b\\\" exceeds "
		"the limit \\\"1536Ki\\\".\""));
	expect_end(t, 137); /* though every main ended with 0 */
	end(t);
}

static void the_code_of_a_main_that_failed_is_podinits(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m") VOLUMES);
	comes_up(t, "m");
	evicted(t, 0);
	expect_signal(t, "m", 15);
	exits(t, "m", 3);
	expect_group_signal(t, "m", 15);
	expect_end(t, 3);
	end(t);
}

static void who_ends_already_is_not_evicted(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") MAIN("m") VOLUMES);
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	evicted(t, 1);
	expect_nothing(t);
	exits(t, "m", 0);
	expect_group_signal(t, "m", 15);
	assert_phase(t, "Succeeded");
	assert_null(strstr(head_of(t), "Evicted"));
	expect_end(t, 0);
	end(t);
}

static void a_volume_that_is_not_there_is_nonsense(void **state)
{
	(void)state;
	static const int volumes[] = {-1, 2, INT32_MAX, INT32_MIN};
	struct story *t = story(POLICY("Never") MAIN("m") VOLUMES);
	comes_up(t, "m");
	for (int i = 0; i < COUNT(volumes); i++) {
		evicted(t, volumes[i]);
		expect_nothing(t);
		assert_int_equal(t->pod->unexpected, i + 1);
	}
	drop(t);
}

int test_evicted(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evicted_while_running),
		cmocka_unit_test(the_code_of_a_main_that_failed_is_podinits),
		cmocka_unit_test(who_ends_already_is_not_evicted),
		cmocka_unit_test(a_volume_that_is_not_there_is_nonsense),
	};
	return UNIT_RUN("evicted", tests);
}
