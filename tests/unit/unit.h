/* What the unit tests share: specs from INI text, and stories. A story is a pod on a fake clock;
 * its test says what happens (`exits(t, "m", 1)`) and when (`at(t, 10 * S)`), and what podinit must
 * do about it (`expect_spawn(t, "m")`). Nothing here reads a clock or makes a system call. */
#ifndef PODINIT_TESTS_UNIT_H
#define PODINIT_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four that it needs */
#include <cmocka.h>

#include "../../src/core/pod.h"
#include "../../src/spec/ini.h"

#define S	     NS_PER_SECOND
#define MS	     NS_PER_MS
#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

/* --- groups: one a file, called by main.c; each returns how many of its tests failed --- */

extern int unit_count; /* tests run so far */

#define UNIT_RUN(name, tests)                                                                      \
	(unit_count += COUNT(tests), cmocka_run_group_tests_name(name, tests, NULL, NULL))

int test_words(void);
int test_expand(void);
int test_units(void);
int test_text(void);
int test_tail(void);
int test_keys(void);
int test_value(void);
int test_ini(void);
int test_ini_edges(void);
int test_ini_write(void);
int test_ini_random(void);
int test_value_system(void);
int test_listen(void);
int test_check(void);
int test_security(void);
int test_resources(void);
int test_spec(void);
int test_plan(void);
int test_process(void);
int test_restart(void);
int test_pod(void);
int test_stop(void);
int test_drain(void);
int test_abort(void);
int test_signals(void);
int test_asked(void);
int test_entrypoint(void);
int test_relay(void);
int test_last_line(void);
int test_evicted(void);
int test_exit_code(void);
int test_probes(void);
int test_probe_worker(void);
int test_probe_results(void);
int test_hooks(void);
int test_hooks_around(void);
int test_notify(void);
int test_daemon(void);
int test_depends(void);
int test_restart_all(void);
int test_restart_limits(void);
int test_reload(void);
int test_meetings(void);
int test_replace(void);
int test_check_lifecycle(void);
int test_status(void);
int test_notice(void);
int test_random(void);
int test_podstatus(void);
int test_timestamp(void);

/* --- text --- */

bool contains(const char *text, const char *part);
/* Fails with both texts if `part` is not in `text`. */
#define assert_contains(text, part) assert_contains_(text, part, __FILE__, __LINE__)
void assert_contains_(const char *text, const char *part, const char *file, int line);
/* A number that looks random and is the same in every run; state must not be 0. */
uint32_t next_random(uint64_t *state);

/* --- specs --- */

/* Reads "pod.ini" with `length` bytes into an empty spec, and checks it. The caller finishes spec
 * and problems->text. */
void read_bytes(struct pod_spec *spec, struct problems *problems, const char *text, size_t length,
	bool accept_later);
/* The problems of a file, as podinit says them ("" for none); valid until the next call. */
const char *problems_of(const char *ini);
const char *problems_of_bytes(const char *ini, size_t length);
int problem_count(void); /* of the last problems_of() */
/* A spec that must be without problems; keys of later issues are accepted. */
void good_spec(struct pod_spec *spec, const char *ini);

/* Writes a checked spec, reads that, compares field by field, and writes it once more. */
void assert_spec_survives(const struct pod_spec *spec);
/* What that compares with: of two texts each may be NULL. */
void assert_text_equal(const char *a, const char *b);
void assert_strings_equal(const struct strings *a, const struct strings *b);
/* ... probes, hooks, rules and all that hangs off process->lifecycle. */
void assert_lifecycle_equal(const struct process_spec *a, const struct process_spec *b);

/* Parts of pods for stories. */
#define POLICY(policy)	  "[pod]\nrestartPolicy = " policy "\n"
#define GRACE(seconds)	  "terminationGracePeriodSeconds = " seconds "\n"
#define DEADLINE(seconds) "activeDeadlineSeconds = " seconds "\n"
#define INIT(name)	  "[init " name "]\ncommand = x\n"
#define SIDECAR(name)	  "[sidecar " name "]\ncommand = x\n"
#define MAIN(name)	  "[main " name "]\ncommand = x\n"
#define PRE_STOP	  "lifecycle.preStop.exec.command = x\n"
#define POST_START	  "lifecycle.postStart.exec.command = x\n"
#define PRE_START	  "lifecycle.preStart.exec.command = x\n"
#define POST_STOP	  "lifecycle.postStop.exec.command = x\n"
#define RELOAD		  "lifecycle.reload.exec.command = x\n"
#define DEPENDS(on)	  "dependsOn = " on "\n"
#define STARTUP		  "startupProbe.exec.command = x\n"
#define LIVENESS	  "livenessProbe.exec.command = x\n"
#define READINESS	  "readinessProbe.exec.command = x\n"

/* --- stories --- */

struct story {
	struct pod_spec spec;
	struct pod *pod;
	struct actions actions; /* of the last step */
	int64_t start, now;	/* the clock at boot, and now */
	int32_t next_pid;
	bool finished;
	int exit_code;
	/* What podinit did and no expect_ has looked at yet. */
	struct action queue[256];
	int queued;
	bool sees_probes; /* actions of probes go there, too */
	/* What it told since forget_told(). */
	struct notice told[256];
	int told_count;
};

/* Loads and boots. One failure counts, and an attempt lasts until probe() ends it. */
struct story *story(const char *ini);
/* The same, with the probes as they are written, and their actions in the queue. */
struct story *story_probed(const char *ini);
struct story *story_of(struct story *t); /* boots one whose spec is filled */
struct story *story_empty(void);	 /* with an initialised, empty spec */
struct story *story_entrypoint(void);	 /* of `podinit -- /bin/app arg`; not booted */
/* Nothing may be left in the queue. */
void end(struct story *t);
/* The same, not looking at what is left to be expected. */
void drop(struct story *t);

/* One event; the promises that hold after every step are checked. */
void step(struct story *t, const struct event *event);
/* The clock goes to `since_boot`, and what was due until then happens at its time. */
void at(struct story *t, int64_t since_boot);
void spawned(struct story *t, const char *name);
void spawn_fails(struct story *t, const char *name, enum spawn_stage stage, int error);
void adopted(struct story *t, const char *name, int32_t pid);
void exits(struct story *t, const char *name, int exit_code);
void dies(struct story *t, const char *name, int signo);
void probe(struct story *t, const char *name, enum probe_type type, bool success);
/* The attempt that is made ends so. */
void probe_ends(struct story *t, const char *name, enum probe_type type, enum probe_result result);
void hook_done(struct story *t, const char *name, enum hook_type hook, bool success);
void notified(struct story *t, const char *name, enum notification notification);
void notified_of(
	struct story *t, const char *name, enum notification notification, int64_t value_ns);
void changed(struct story *t, const char *name);
/* The pod's file has changed: these end. Names with blanks between. */
void replaced(struct story *t, const char *names);
void signalled(struct story *t, int signo);
void asked_to_stop(struct story *t, int64_t grace_ns);
void evicted(struct story *t, int volume);
void drained(struct story *t);

/* The next thing that podinit did must be this; all that it told is beside (told()). `which`: the hook, or the
 * probe. */
void expect_(struct story *t, enum action_type type, const char *name, int signo, bool group,
	int which, const char *file, int line);
#define expect_spawn(t, name)	  expect_(t, ACT_SPAWN, name, 0, false, 0, __FILE__, __LINE__)
#define expect_abort(t, name)	  expect_(t, ACT_ABORT, name, 0, false, 0, __FILE__, __LINE__)
#define expect_kill_tree(t, name) expect_(t, ACT_KILL_TREE, name, 0, false, 0, __FILE__, __LINE__)
#define expect_signal(t, name, signo)                                                              \
	expect_(t, ACT_SIGNAL, name, signo, false, 0, __FILE__, __LINE__)
#define expect_group_signal(t, name, signo)                                                        \
	expect_(t, ACT_SIGNAL, name, signo, true, 0, __FILE__, __LINE__)
#define expect_hook(t, name, hook)                                                                 \
	expect_(t, ACT_RUN_HOOK, name, 0, false, hook, __FILE__, __LINE__)
#define expect_cancel(t, name, hook)                                                               \
	expect_(t, ACT_CANCEL_HOOK, name, 0, false, hook, __FILE__, __LINE__)
#define expect_probe(t, name, probe)                                                               \
	expect_(t, ACT_PROBE, name, 0, false, probe, __FILE__, __LINE__)
#define expect_cancel_probe(t, name, probe)                                                        \
	expect_(t, ACT_CANCEL_PROBE, name, 0, false, probe, __FILE__, __LINE__)
#define expect_adopt(t, name) expect_(t, ACT_ADOPT, name, 0, false, 0, __FILE__, __LINE__)
#define expect_cancel_adopt(t, name)                                                               \
	expect_(t, ACT_CANCEL_ADOPT, name, 0, false, 0, __FILE__, __LINE__)
#define expect_replace(t)      expect_(t, ACT_REPLACE, NULL, 0, false, 0, __FILE__, __LINE__)
#define expect_drain(t, signo) expect_(t, ACT_DRAIN, NULL, signo, false, 0, __FILE__, __LINE__)
#define expect_nothing(t)      expect_nothing_(t, __FILE__, __LINE__)
void expect_nothing_(struct story *t, const char *file, int line);
/* Drains: everything is gone at once, and podinit ends with this code. */
#define expect_end(t, code) expect_end_(t, code, __FILE__, __LINE__)
void expect_end_(struct story *t, int exit_code, const char *file, int line);
/* The same where the draining began before: at the end of the grace. */
#define expect_drained(t, code) expect_drained_(t, code, __FILE__, __LINE__)
void expect_drained_(struct story *t, int exit_code, const char *file, int line);

/* A spawn is expected, and works. */
#define comes_up(t, name) (expect_spawn(t, name), spawned(t, name))
/* It ends, runs again (at once or later: the caller goes there) or not. */
struct process *process(struct story *t, const char *name);
int index_of(struct story *t, const char *name);
/* The latest notice of this reason (name NULL: about the pod), or NULL. */
const struct notice *told(struct story *t, enum notice_reason reason, const char *name);
/* How many of them since forget_told(). */
int told_times(struct story *t, enum notice_reason reason, const char *name);
void forget_told(struct story *t);
#define assert_phase(t, expected)                                                                  \
	assert_string_equal(pod_phase_name((enum pod_phase)(t)->pod->phase), expected)
#define assert_state(t, name, expected) assert_int_equal(process(t, name)->state, expected)

/* The promises that hold after every step of every pod. */
void check_promises(const struct pod_spec *spec, const struct pod *before, const struct pod *pod,
	const struct actions *actions, int64_t now);

#endif
