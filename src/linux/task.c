/* Commands beside the pod's processes: from a fork to a result. Must not know what they are for, nor how long
 * they may take. Its numbers stay its own, since it is reaped here. */
#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "clock.h"
#include "proc.h"
#include "signals.h"

enum { WASTE_SIZE = 65536 }; /* what a pipe holds */

bool tasks_init(struct tasks *tasks, struct ev_loop *ev, struct spawner *spawner, int count)
{
	/* One that is cancelled, begins again and is cancelled again may still have its first child. */
	*tasks = (struct tasks){.ev = ev, .spawner = spawner, .ending_max = 4 * count};
	if (!count)
		return true;
	tasks->ending = calloc((size_t)tasks->ending_max, sizeof(*tasks->ending));
	return tasks->ending;
}

bool tasks_grow(struct tasks *tasks, int count)
{
	int max = 4 * count + tasks->ending_count;
	if (max <= tasks->ending_max)
		return true;
	struct task_ending *ending = realloc(tasks->ending, sizeof(*tasks->ending) * (size_t)max);
	if (!ending)
		return false;
	tasks->ending = ending;
	tasks->ending_max = max;
	return true;
}

void tasks_cancel(struct tasks *tasks)
{
	while (tasks->first)
		task_cancel(tasks, tasks->first);
}

void tasks_finish(struct tasks *tasks)
{
	tasks_cancel(tasks);
	for (int i = 0; i < tasks->ending_count; i++) {
		if (tasks->ending[i].status_fd >= 0)
			close(tasks->ending[i].status_fd);
	}
	free(tasks->ending);
	*tasks = (struct tasks){0};
}

/* --- those that run, and those that end --- */

static void link_in(struct tasks *tasks, struct task *task)
{
	task->runs = true;
	task->previous = NULL;
	task->next = tasks->first;
	if (task->next)
		task->next->previous = task;
	tasks->first = task;
}

static void link_out(struct tasks *tasks, struct task *task)
{
	task->runs = false;
	if (task->previous)
		task->previous->next = task->next;
	else
		tasks->first = task->next;
	if (task->next)
		task->next->previous = task->previous;
}

/* `status_fd` is theirs from now on. */
static void add_ending(struct tasks *tasks, pid_t pid, int status_fd)
{
	if (pid && tasks->ending_count < tasks->ending_max)
		tasks->ending[tasks->ending_count++] = (struct task_ending){pid, status_fd};
	else if (status_fd >= 0)
		close(status_fd);
}

/* First itself, so that it makes no more; then what it has made. */
static void kill_all(pid_t pid)
{
	if (!pid)
		return;
	signals_send(pid, -1, SIGKILL, false);
	signals_send(pid, -1, SIGKILL, true);
}

static void close_output(struct tasks *tasks, struct task *task)
{
	ev_io_stop(tasks->ev, &task->output);
	ev_clear_pending(tasks->ev, &task->output);
	if (task->output.fd >= 0)
		close(task->output.fd);
	task->output.fd = -1;
}

/* --- its output --- */

/* At most `WASTE_SIZE` bytes. False: there is nothing now, or will never be. */
static bool read_output(struct task *task, bool *ended)
{
	static char waste[WASTE_SIZE];
	ssize_t length = read(task->output.fd, waste, sizeof(waste));
	*ended = length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR);
	for (ssize_t i = 0; i < length && task->length < TASK_WORDS_MAX; i++)
		task->words[task->length++] = waste[i];
	return length > 0;
}

/* It does not run any more. */
static void forget(struct tasks *tasks, struct task *task)
{
	close_output(tasks, task);
	if (task->status_fd >= 0)
		close(task->status_fd);
	task->status_fd = -1;
	link_out(tasks, task);
	add_ending(tasks, task->between, -1);
	task->pid = task->between = 0;
}

static void finish(struct tasks *tasks, struct task *task, struct task_result *result)
{
	bool ended;
	/* Whoever holds the other end does not count any more. */
	while (task->output.fd >= 0 && task->length < TASK_WORDS_MAX && read_output(task, &ended))
		;
	forget(tasks, task);
	text_make_line(task->words, task->length);
	result->error = task->error;
	result->words = task->words;
	task->done(task, result);
}

static void on_output(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct tasks *tasks = io->data;
	struct task *task = (struct task *)((char *)io - offsetof(struct task, output));
	bool ended;
	(void)ev;
	if (events & EV_CUSTOM) {
		finish(tasks, task, &(struct task_result){0});
		return;
	}
	read_output(task, &ended);
	if (ended)
		close_output(tasks, task);
}

/* --- beginning --- */

/* Told from the loop, as every end is. */
static void fail(struct tasks *tasks, struct task *task, const struct spawn_error *error)
{
	task->error = *error;
	ev_feed_event(tasks->ev, &task->output, EV_CUSTOM);
}

static void read_status(struct task *task)
{
	struct spawn_error error;
	enum spawn_news news = SPAWN_NO_NEWS;
	if (task->status_fd >= 0)
		news = spawn_read_status(task->status_fd, &error, NULL);
	while (news == SPAWN_DIVIDED) {
		task->pid = (pid_t)error.error;
		news = spawn_read_status(task->status_fd, &error, NULL);
	}
	if (news == SPAWN_FAILED)
		task->error = error;
}

/* Only podinit's end must not wait. 0 or -errno. */
static int open_output(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return 0;
}

void task_begin(struct tasks *tasks, struct task *task, const struct task_order *order)
{
	int ends[2];
	task_cancel(tasks, task);
	*task = (struct task){
		.done = order->done,
		.index = order->index,
		.instance = order->place == SPAWN_BESIDE ? order->instance : 0,
		.status_fd = -1,
	};
	ev_io_init(&task->output, on_output, -1, EV_READ);
	task->output.data = tasks;
	link_in(tasks, task);
	int result = open_output(ends);
	if (result < 0) {
		fail(tasks, task, &(struct spawn_error){.stage = STAGE_FORK, .error = -result});
		return;
	}
	struct spawn_command command = {
		.place = order->place,
		.index = order->index,
		.argv = (char *const *)order->argv->items,
		.world = order->world,
		.output_fd = ends[1],
	};
	struct spawned spawned = spawn_command(tasks->spawner, &command);
	close(ends[1]);
	if (spawned.error.stage != STAGE_NONE) {
		close(ends[0]);
		fail(tasks, task, &spawned.error);
		return;
	}
	*(spawned.is_between ? &task->between : &task->pid) = spawned.pid;
	task->status_fd = spawned.status_fd;
	ev_io_set(&task->output, ends[0], EV_READ);
	ev_io_start(tasks->ev, &task->output);
}

void task_cancel(struct tasks *tasks, struct task *task)
{
	if (!task->runs)
		return;
	kill_all(task->between);
	read_status(task);
	kill_all(task->pid);
	/* Who was killed may yet have told whom it made: that is known when it is reaped. */
	add_ending(tasks, task->pid, -1);
	add_ending(tasks, task->between, task->between ? task->status_fd : -1);
	if (!task->between && task->status_fd >= 0)
		close(task->status_fd);
	task->status_fd = -1;
	task->pid = task->between = 0;
	close_output(tasks, task);
	link_out(tasks, task);
}

/* --- ending --- */

/* Whom one that was cancelled has made: never gets further than that. */
static void end_made(struct tasks *tasks, struct task_ending *ending)
{
	struct spawn_error error;
	while (ending->status_fd >= 0 &&
		spawn_read_status(ending->status_fd, &error, NULL) == SPAWN_DIVIDED) {
		if (tasks_have(tasks, (pid_t)error.error))
			continue;
		kill_all((pid_t)error.error);
		add_ending(tasks, (pid_t)error.error, -1);
	}
}

static bool forget_ending(struct tasks *tasks, pid_t pid)
{
	for (int i = 0; i < tasks->ending_count; i++)
		end_made(tasks, &tasks->ending[i]);
	for (int i = 0; i < tasks->ending_count; i++) {
		struct task_ending *one = &tasks->ending[i];
		if (one->pid != pid)
			continue;
		if (one->status_fd >= 0)
			close(one->status_fd);
		*one = tasks->ending[--tasks->ending_count];
		return true;
	}
	return false;
}

static struct task *find(struct tasks *tasks, pid_t pid)
{
	for (struct task *task = tasks->first; task; task = task->next) {
		if (task->between && !task->pid)
			read_status(task);
		if (task->pid == pid || task->between == pid)
			return task;
	}
	return NULL;
}

/* With process 1 of a PID namespace all in it end, and before it; so it is with a cgroup that is killed. */
static bool ends_with_instance(const struct task *task)
{
	struct proc_stat stat;
	return task->instance && proc_stat(task->instance, &stat) && stat.is_dying;
}

/* Its number cannot be another's as long as it is a zombie, and so its group is its group. */
static void ended(struct tasks *tasks, struct task *task, const struct reaped *reaped)
{
	struct task_result result = {.exit_code = reaped->exit_code, .signo = reaped->signo};
	/* A reaper (reaper.c) ends with a code where its program was killed. */
	bool killed = reaped->signo == SIGKILL || reaped->exit_code == 128 + SIGKILL;
	signals_send(reaped->pid, -1, SIGKILL, true);
	read_status(task);
	result.oom = killed &&
		cgroup_command_ran_out_of_memory(
			tasks->spawner->cgroups, task->index, clock_monotonic());
	if (task->between == reaped->pid)
		task->between = 0;
	if (reaped->signo == SIGKILL && ends_with_instance(task))
		forget(tasks, task);
	else
		finish(tasks, task, &result);
}

bool tasks_reaped(struct tasks *tasks, const struct reaped *reaped)
{
	if (forget_ending(tasks, reaped->pid))
		return true;
	struct task *task = find(tasks, reaped->pid);
	if (!task)
		return false;
	read_status(task);
	if (reaped->pid == task->between && task->pid)
		task->between = 0; /* the other one goes on */
	else
		ended(tasks, task, reaped);
	return true;
}

/* --- questions --- */

bool tasks_have(const struct tasks *tasks, pid_t pid)
{
	for (const struct task *task = tasks->first; task && pid; task = task->next) {
		if (task->pid == pid || task->between == pid)
			return true;
	}
	for (int i = 0; i < tasks->ending_count; i++) {
		if (tasks->ending[i].pid == pid)
			return true;
	}
	return false;
}

bool tasks_own(const struct tasks *tasks, const struct proc_stat *stat)
{
	return tasks_have(tasks, stat->pid) || tasks_have(tasks, stat->group) ||
		tasks_have(tasks, stat->session);
}

int tasks_count(const struct tasks *tasks)
{
	int count = tasks->ending_count;
	for (const struct task *task = tasks->first; task; task = task->next)
		count += (task->pid != 0) + (task->between != 0);
	return count;
}

void task_result_add(struct text *out, const struct pod_spec *spec, const struct task_order *order,
	const struct task_result *result)
{
	if (result->error.stage != STAGE_NONE && order->index >= 0) {
		/* Its words name the command: this one's. */
		struct process_spec process = spec->processes[order->index];
		process.argv = *order->argv;
		spawn_error_message(out, spec, &process, &result->error);
	} else if (result->error.stage != STAGE_NONE) {
		text_add(out, "cannot run %s: %s", order->argv->items[0],
			strerror(result->error.error));
	} else if (result->signo) {
		text_add(out, "killed by %s%s", signal_name(result->signo),
			result->oom ? ", because memory ran out" : "");
	} else {
		text_add(out, "exit code %d%s", result->exit_code,
			result->oom ? ", because memory ran out" : "");
	}
	if (result->error.stage == STAGE_NONE && *result->words)
		text_add(out, ": %s", result->words);
}

const char *task_find_podprobe(char *path, size_t size)
{
	static const char name[] = "/podprobe";
	static const char *const directories[] = {
		"/usr/libexec/podinit", "/usr/local/bin", "/usr/bin"};
	ssize_t length = readlink("/proc/self/exe", path, size);
	char *end = length > 0 && (size_t)length < size ? memrchr(path, '/', (size_t)length) : NULL;
	if (end && (size_t)(end - path) + sizeof(name) <= size) {
		strcpy(end, name);
		if (access(path, X_OK) == 0)
			return path;
	}
	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		struct text text = text_in(path, size);
		text_add(&text, "%s%s", directories[i], name);
		if (!text.truncated && access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}
