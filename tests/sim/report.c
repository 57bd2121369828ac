/* What the simulator says about one life: its trace, and the promise that it broke. Must not
 * change it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "reload.h"

static const char *const PROMISES[PROMISE_COUNT] = {
	[PROMISE_INIT_ORDER] = "inits in order, mains when every init is done and sidecar Started",
	[PROMISE_ONE_INSTANCE] = "at most one live instance; restartCount counts those after it",
	[PROMISE_NOTHING_STARTS] = "nothing starts once termination has begun",
	[PROMISE_STOP_ORDER] = "mains stop first, sidecars in reverse; all gone in grace + 2 s",
	[PROMISE_RESTARTS] = "restarts as the policy says, delayed as the table says",
	[PROMISE_PHASE] = "Succeeded and Failed are final; phase and exit code follow",
	[PROMISE_DEADLINES] = "no deadline lies in the past; who waits for nothing has none",
	[PROMISE_ROBUST] = "no event makes it assert, loop, overflow, or differ when repeated",
	[PROMISE_TOLD_ONCE] = "every action is legal, every event is told once",
	[PROMISE_STATUS] = "started and ready are those of the instance that runs",
	[PROMISE_DEPENDENCIES] = "who depends on others starts when they are as they must be",
	[PROMISE_PROBES] = "probes are made in their rhythm, and count as their thresholds say",
	[PROMISE_HOOKS] = "each hook runs once at its time: before, beside or after an instance",
	[PROMISE_RESTART_ALL] = "RestartAllContainers ends all, and starts each once",
	[PROMISE_RELOAD] = "a reload touches nobody but those that it changes",
};

const char *const EVENT_NAMES[EVENT_TYPE_COUNT] = {[EVENT_BOOT] = "BOOT",
	[EVENT_SPAWNED] = "SPAWNED",
	[EVENT_SPAWN_FAILED] = "SPAWN_FAILED",
	[EVENT_EXITED] = "EXITED",
	[EVENT_ADOPTED] = "ADOPTED",
	[EVENT_PROBED] = "PROBED",
	[EVENT_HOOK_DONE] = "HOOK_DONE",
	[EVENT_NOTIFIED] = "NOTIFIED",
	[EVENT_CHANGED] = "CHANGED",
	[EVENT_SIGNALLED] = "SIGNALLED",
	[EVENT_ASKED_TO_STOP] = "ASKED_TO_STOP",
	[EVENT_EVICTED] = "EVICTED",
	[EVENT_REPLACED] = "REPLACED",
	[EVENT_DRAINED] = "DRAINED",
	[EVENT_TICK] = "TICK"};

const char *const ACTION_NAMES[ACTION_TYPE_COUNT] = {[ACT_SPAWN] = "SPAWN",
	[ACT_ABORT] = "ABORT",
	[ACT_SIGNAL] = "SIGNAL",
	[ACT_KILL_TREE] = "KILL_TREE",
	[ACT_ADOPT] = "ADOPT",
	[ACT_CANCEL_ADOPT] = "CANCEL_ADOPT",
	[ACT_PROBE] = "PROBE",
	[ACT_CANCEL_PROBE] = "CANCEL_PROBE",
	[ACT_RUN_HOOK] = "RUN_HOOK",
	[ACT_CANCEL_HOOK] = "CANCEL_HOOK",
	[ACT_DRAIN] = "DRAIN",
	[ACT_REPLACE] = "REPLACE",
	[ACT_TELL] = "TELL",
	[ACT_FINISH] = "FINISH"};

static const char *const PROBES[] = {"startup", "liveness", "readiness"};
static const char *const HOOKS[] = {"postStart", "preStop", "preStart", "postStop", "reload"};
static const char *const RESULTS[] = {"none", "good", "warning", "bad", "error"};
static const char *const WORDS[] = {"READY", "STOPPING", "RELOADING", "WATCHDOG",
	"WATCHDOG=trigger", "WATCHDOG_USEC", "EXTEND_TIMEOUT_USEC"};
_Static_assert(sizeof(HOOKS) / sizeof(*HOOKS) == HOOK_COUNT &&
		sizeof(RESULTS) / sizeof(*RESULTS) == PROBE_ERROR + 1 &&
		sizeof(WORDS) / sizeof(*WORDS) == NOTIFICATION_COUNT,
	"a name each");

/* --- the trace --- */

static const char *process_name(const struct life *life, int index)
{
	bool is_there = index >= 0 && index < life->spec.process_count;
	return is_there ? life->spec.processes[index].name : index == -1 ? "pod" : "nobody";
}

static bool is_current_reload(const struct life *life, const struct event *event)
{
	return life->reload && event->leaving == life->reload->leaving;
}

static void print_event(const struct life *life, const struct trace_entry *entry)
{
	const struct event *event = &entry->event;
	bool is_known = event->type < EVENT_TYPE_COUNT;
	printf("%16.9f > %-13s", (double)(entry->at - life->started_at) / 1e9,
		is_known ? EVENT_NAMES[event->type] : "?");
	switch (is_known ? (enum event_type)event->type : EVENT_TYPE_COUNT) {
	case EVENT_SPAWNED:
		printf(" %s pid %d", process_name(life, event->process), event->pid);
		break;
	case EVENT_SPAWN_FAILED:
		printf(" %s stage %d errno %d", process_name(life, event->process),
			event->spawn_error.stage, event->spawn_error.error);
		break;
	case EVENT_EXITED:
		printf(" %s pid %d %s %d%s", process_name(life, event->process), event->pid,
			event->signo ? "signal" : "code",
			event->signo ? event->signo : event->exit_code, event->oom ? " oom" : "");
		break;
	case EVENT_PROBED:
		printf(" %s %s %u %s", process_name(life, event->process),
			event->probe < PROBE_COUNT ? PROBES[event->probe] : "?",
			(unsigned)event->attempt,
			event->result <= PROBE_ERROR ? RESULTS[event->result] : "?");
		break;
	case EVENT_NOTIFIED:
		printf(" %s %s %.9f", process_name(life, event->process),
			event->notification < NOTIFICATION_COUNT ? WORDS[event->notification] : "?",
			(double)event->value_ns / 1e9);
		break;
	case EVENT_ADOPTED:
		printf(" %s pid %d", process_name(life, event->process), event->pid);
		break;
	case EVENT_CHANGED:
		printf(" %s", process_name(life, event->process));
		break;
	case EVENT_REPLACED:
		/* Of one that is over there is no list any more. */
		for (int i = 0; is_current_reload(life, event) && i < life->spec.process_count; i++)
			printf("%s%s", event->leaving[i] ? " " : "",
				event->leaving[i] ? process_name(life, i) : "");
		break;
	case EVENT_HOOK_DONE:
		printf(" %s %s %s", process_name(life, event->process),
			event->hook < HOOK_COUNT ? HOOKS[event->hook] : "?",
			event->success ? "good" : "bad");
		break;
	case EVENT_SIGNALLED:
		printf(" %d", event->signo);
		break;
	case EVENT_ASKED_TO_STOP:
		printf(" grace %.3f", (double)event->grace_ns / 1e9);
		break;
	case EVENT_EVICTED:
		printf(" volume %d", event->volume);
		break;
	case EVENT_BOOT:
	case EVENT_DRAINED:
	case EVENT_TICK:
	case EVENT_TYPE_COUNT:
		break;
	}
	printf("%s\n", entry->is_nonsense ? " (nonsense)" : "");
}

static void print_action(const struct life *life, const struct trace_entry *entry)
{
	const struct action *action = &entry->action;
	const char *type = action->type < ACTION_TYPE_COUNT ? ACTION_NAMES[action->type] : "?";
	if (action->type == ACT_TELL) {
		struct text text = {0};
		notice_message(&text, &life->spec, &action->notice);
		printf("                     TELL %s: %s\n",
			notice_reason_name((enum notice_reason)action->notice.reason), text.data);
		text_finish(&text);
		return;
	}
	printf("                     %s %s", type, process_name(life, action->process));
	if (action->type == ACT_RUN_HOOK || action->type == ACT_CANCEL_HOOK)
		printf(" %s", HOOKS[action->hook]);
	if (action->type == ACT_PROBE || action->type == ACT_CANCEL_PROBE)
		printf(" %s %u", PROBES[action->probe], (unsigned)action->attempt);
	if (action->signo)
		printf(" signal %d%s", action->signo, action->group ? " to its group" : "");
	if (action->type == ACT_FINISH)
		printf(" with exit code %d", action->exit_code);
	printf("\n");
}

static void print_entry(const struct life *life, const struct trace_entry *entry)
{
	if (entry->is_action)
		print_action(life, entry);
	else
		print_event(life, entry);
}

static void trace(struct life *life, const struct trace_entry *entry)
{
	if (life->verbose)
		print_entry(life, entry);
	life->trace[life->trace_count++ % SIM_TRACE_MAX] = *entry;
}

void trace_event(struct life *life, const struct event *event)
{
	trace(life,
		&(struct trace_entry){
			life->now, .is_nonsense = life->in_nonsense, .event = *event});
}

void trace_action(struct life *life, const struct action *action)
{
	trace(life, &(struct trace_entry){life->now, .is_action = true, .action = *action});
}

static void print_beside(const struct process_spec *process)
{
	const struct lifecycle_spec *lifecycle = process->lifecycle;
	for (int k = 0; k < PROBE_COUNT; k++) {
		const struct probe_spec *probe = process->probes[k];
		if (probe)
			printf(" %s(after %.3f every %.3f timeout %.3f grace %.3f, %d good %d bad)",
				PROBES[k], (double)probe->initial_delay_ns / 1e9,
				(double)probe->period_ns / 1e9, (double)probe->timeout_ns / 1e9,
				(double)probe->grace_ns / 1e9, probe->success_threshold,
				probe->failure_threshold);
	}
	for (int k = 0; k < HOOK_COUNT; k++)
		printf("%s%s", lifecycle->hooks[k] ? " " : "", lifecycle->hooks[k] ? HOOKS[k] : "");
	for (int k = 0; k < lifecycle->depends_on.count; k++)
		printf(" depends on %s", lifecycle->depends_on.items[k]);
	if (lifecycle->notify)
		printf(" notify watchdog %.3f", (double)lifecycle->watchdog_ns / 1e9);
	printf("%s%s", lifecycle->notify_fd != INT_UNSET ? " notifyFd" : "",
		lifecycle->daemon ? " daemon" : "");
	if (lifecycle->max_restarts != INT_UNSET)
		printf(" max restarts %d", lifecycle->max_restarts);
	printf(" jitter %d onExit %d rules %d\n", lifecycle->jitter_percent, lifecycle->on_exit,
		process->rules.count);
}

static void print_pod(const struct life *life)
{
	const struct pod_spec *spec = &life->spec;
	printf("pod: restartPolicy %s, grace %.3f, deadline %.3f%s%s\n",
		restart_policy_name((enum restart_policy)spec->restart_policy),
		(double)spec->grace_ns / 1e9, (double)spec->deadline_ns / 1e9,
		spec->entrypoint ? ", entrypoint" : "", spec->pause ? ", pause" : "");
	for (int i = 0; i < spec->process_count; i++) {
		const struct process_spec *process = &spec->processes[i];
		printf("  %-12s %-9s backoff %.3f..%.3f reset %.3f stop signal %d", process->name,
			restart_policy_name((enum restart_policy)process->restart_policy),
			(double)process->backoff_initial_ns / 1e9,
			(double)process->backoff_max_ns / 1e9,
			(double)process->backoff_reset_ns / 1e9, process->stop_signal);
		print_beside(process);
	}
}

void promise_broken(const struct life *life, enum promise promise, const char *format, ...)
{
	enum { SHOWN = 40 };
	unsigned first = life->trace_count > SHOWN ? life->trace_count - SHOWN : 0;
	print_pod(life);
	if (!life->verbose) {
		for (unsigned i = first; i < life->trace_count; i++)
			print_entry(life, &life->trace[i % SIM_TRACE_MAX]);
	}
	printf("promise %d is broken: %s\n  ", promise, PROMISES[promise]);
	va_list arguments;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\nlife %llu; all of it: sim --life %llu\n%llu passed, 1 failed\n",
		(unsigned long long)life->seed, (unsigned long long)life->seed,
		(unsigned long long)coverage_lives());
	exit(1);
}
