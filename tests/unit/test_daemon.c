/* A process whose program forks, ends with 0 and leaves a daemon: that is the process then. */
#include "unit.h"

#define DAEMON(name) MAIN(name) "daemon = true\n"

/* Its program has ended, and it is looked for. */
static struct story *looked_for(const char *ini)
{
	struct story *t = story(ini);
	comes_up(t, "m");
	assert_state(t, "m", PROCESS_FORKING);
	exits(t, "m", 0);
	expect_adopt(t, "m");
	assert_state(t, "m", PROCESS_FORKING);
	return t;
}

static void program_leaves_a_daemon(void **state)
{
	(void)state;
	struct story *t = looked_for(POLICY("Always") DAEMON("m"));
	assert_null(told(t, NOTICE_COMPLETED, "m"));
	assert_false(t->pod->conditions[CONDITION_READY]);
	at(t, 3 * S);
	adopted(t, "m", 777);
	assert_int_equal(told(t, NOTICE_ADOPTED, "m")->pid, 777);
	assert_int_equal(process(t, "m")->pid, 777);
	assert_true(t->pod->conditions[CONDITION_READY]);
	at(t, 100 * S); /* no deadline any more */
	expect_nothing(t);
	/* its end is the process's, and its program is started again */
	exits(t, "m", 3);
	assert_int_equal(process(t, "m")->last.exit_code, 3);
	assert_true(process(t, "m")->last.started_at == t->start);
	expect_kill_tree(t, "m");
	expect_spawn(t, "m");
	assert_int_equal(process_restart_count(process(t, "m")), 1);
	end(t);
}

/* Who names the file need not say daemon, too. */
static void a_pid_file_says_that_it_is_a_daemon(void **state)
{
	(void)state;
	struct story *t = looked_for(MAIN("m") "daemonPidFile = /run/m.pid\n");
	adopted(t, "m", 777);
	assert_state(t, "m", PROCESS_RUNNING);
	end(t);
}

/* The next main starts when the daemon is there; hooks and probes begin with it. */
static void others_wait_for_the_daemon(void **state)
{
	(void)state;
	struct story *t = story_probed(POLICY("Never") DAEMON("m") POST_START STARTUP MAIN("n"));
	comes_up(t, "m");
	at(t, 4 * S);
	exits(t, "m", 0);
	expect_adopt(t, "m");
	at(t, 5 * S);
	expect_nothing(t);
	adopted(t, "m", 777);
	expect_hook(t, "m", HOOK_POST_START);
	expect_probe(t, "m", PROBE_STARTUP);
	expect_nothing(t);
	hook_done(t, "m", HOOK_POST_START, true);
	expect_spawn(t, "n");
	end(t);
}

/* The delay counts from the start of its program. */
static void initial_delay_of_a_daemon(void **state)
{
	(void)state;
	struct story *t = story_probed(
		POLICY("Never") DAEMON("m") LIVENESS "livenessProbe.initialDelaySeconds = 10\n");
	comes_up(t, "m");
	at(t, 4 * S);
	exits(t, "m", 0);
	expect_adopt(t, "m");
	adopted(t, "m", 777);
	at(t, 10 * S - 1);
	expect_nothing(t);
	at(t, 10 * S);
	expect_probe(t, "m", PROBE_LIVENESS);
	end(t);
}

/* The program itself fails: nothing is looked for. */
static void program_fails(void **state)
{
	(void)state;
	struct story *t = story(POLICY("OnFailure") DAEMON("m"));
	comes_up(t, "m");
	exits(t, "m", 1);
	expect_kill_tree(t, "m");
	comes_up(t, "m");
	dies(t, "m", 11);
	assert_int_equal(process(t, "m")->last.exit_code, 139);
	expect_kill_tree(t, "m");
	at(t, 10 * S);
	expect_spawn(t, "m");
	end(t);
}

/* A code that counts as success elsewhere does not say that there is a daemon. */
static void only_zero_leaves_a_daemon(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") DAEMON("m") "successExitCodes = 3\n");
	comes_up(t, "m");
	exits(t, "m", 3);
	assert_state(t, "m", PROCESS_EXITED);
	expect_end(t, 0);
	end(t);
}

/* It is looked for for ten seconds. What it may have left would be in the way of the next one. */
static void no_daemon(void **state)
{
	(void)state;
	struct story *t = looked_for(POLICY("OnFailure") DAEMON("m"));
	at(t, 10 * S - 1);
	expect_nothing(t);
	at(t, 10 * S);
	const struct notice *notice = told(t, NOTICE_START_ERROR, "m");
	assert_int_equal(notice->spawn_error.stage, STAGE_DAEMON);
	assert_int_equal(process(t, "m")->last.exit_code, 128);
	expect_cancel_adopt(t, "m");
	expect_kill_tree(t, "m");
	expect_spawn(t, "m"); /* the first restart is at once */
	adopted(t, "m", 777); /* too late */
	assert_int_equal(t->pod->unexpected, 1);
	assert_state(t, "m", PROCESS_SPAWNING);
	end(t);
}

static void no_daemon_under_never(void **state)
{
	(void)state;
	struct story *t = looked_for(POLICY("Never") DAEMON("m"));
	at(t, 10 * S);
	expect_cancel_adopt(t, "m");
	expect_kill_tree(t, "m");
	assert_phase(t, "Failed");
	expect_end(t, 126);
	end(t);
}

/* Nothing is adopted while its program runs. */
static void adopted_too_early(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Never") DAEMON("m"));
	comes_up(t, "m");
	int32_t pid = process(t, "m")->pid;
	adopted(t, "m", 777);
	assert_int_equal(t->pod->unexpected, 1);
	assert_int_equal(process(t, "m")->pid, pid);
	end(t);
}

/* READY=1 may come from the program or from the daemon, before it is known. */
static void ready_while_forking(void **state)
{
	(void)state;
	struct story *t = looked_for(POLICY("Never") DAEMON("m") "notify = all\n");
	notified(t, "m", NOTIFICATION_READY);
	assert_false(t->pod->conditions[CONDITION_READY]);
	adopted(t, "m", 777);
	assert_true(t->pod->conditions[CONDITION_READY]);
	end(t);
}

/* --- told to stop --- */

static void stopped_while_its_program_runs(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") GRACE("10") DAEMON("m"));
	comes_up(t, "m");
	signalled(t, 15);
	expect_signal(t, "m", 15);
	exits(t, "m", 0); /* whatever it left goes with the pod */
	expect_group_signal(t, "m", 15);
	expect_end(t, 0);
	end(t);
}

static void stopped_while_looked_for(void **state)
{
	(void)state;
	struct story *t = looked_for(POLICY("Always") DAEMON("m"));
	signalled(t, 15);
	expect_cancel_adopt(t, "m");
	expect_kill_tree(t, "m");
	expect_group_signal(t, "m", 15);
	expect_end(t, 0);
	end(t);
}

static void stopped_as_a_daemon(void **state)
{
	(void)state;
	struct story *t = looked_for(POLICY("Always") GRACE("10") DAEMON("m") PRE_STOP);
	adopted(t, "m", 777);
	signalled(t, 15);
	expect_hook(t, "m", HOOK_PRE_STOP);
	hook_done(t, "m", HOOK_PRE_STOP, true);
	expect_signal(t, "m", 15);
	at(t, 10 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	dies(t, "m", 9);
	expect_group_signal(t, "m", 15);
	expect_drained(t, 137);
	end(t);
}

/* MAINPID=: another one is the process now, and is told what the one before was. */
static void another_main_process(void **state)
{
	(void)state;
	struct story *t = story(POLICY("Always") GRACE("10") MAIN("m"));
	comes_up(t, "m");
	int32_t first = process(t, "m")->pid;
	adopted(t, "m", 777);
	expect_nothing(t);
	step(t, &(struct event){.type = EVENT_EXITED, .process = 0, .pid = first});
	assert_state(t, "m", PROCESS_RUNNING); /* not its end any more */
	signalled(t, 15);
	expect_signal(t, "m", 15);
	adopted(t, "m", 778);
	expect_signal(t, "m", 15);
	at(t, 10 * S);
	expect_kill_tree(t, "m");
	expect_drain(t, 15);
	adopted(t, "m", 779);
	expect_kill_tree(t, "m");
	dies(t, "m", 9);
	expect_group_signal(t, "m", 15);
	expect_drained(t, 137);
	end(t);
}

int test_daemon(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_leaves_a_daemon),
		cmocka_unit_test(a_pid_file_says_that_it_is_a_daemon),
		cmocka_unit_test(others_wait_for_the_daemon),
		cmocka_unit_test(initial_delay_of_a_daemon),
		cmocka_unit_test(program_fails),
		cmocka_unit_test(only_zero_leaves_a_daemon),
		cmocka_unit_test(no_daemon),
		cmocka_unit_test(no_daemon_under_never),
		cmocka_unit_test(adopted_too_early),
		cmocka_unit_test(ready_while_forking),
		cmocka_unit_test(stopped_while_its_program_runs),
		cmocka_unit_test(stopped_while_looked_for),
		cmocka_unit_test(stopped_as_a_daemon),
		cmocka_unit_test(another_main_process),
	};
	return UNIT_RUN("daemon", tests);
}
