/* From what a child sees to events. Must not look at a path itself, nor decide what a change is good for. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "launch.h"
#include "log.h"
#include "lookout.h"
#include "loop_state.h"
#include "reap.h"

/* So often at most: somebody may kill whoever looks again and again. */
static const double AGAIN_SECONDS = LOOKOUT_PERIOD_S;

static const struct strings *paths_of(const struct loop *loop, int process)
{
	return &loop->spec->processes[process].lifecycle->watch;
}

/* --- news --- */

static void tell_change(struct loop *loop, int process, const struct lookout_news *news)
{
	const char *name = loop->spec->processes[process].name;
	const char *path = paths_of(loop, process)->items[news->path];
	bool is_told = loop->setup->log->level >= LOG_NORMAL;
	if (is_told && news->more > 0)
		log_line("%s: %s and %d more have changed", name, path, news->more);
	else if (is_told)
		log_line("%s: %s has changed", name, path);
	loop_feed(loop, &(struct event){.type = EVENT_CHANGED, .process = process});
}

static void take_news(struct loop *loop, int process, const struct lookout_news *news)
{
	const struct strings *paths = paths_of(loop, process);
	const char *name = loop->spec->processes[process].name;
	if (news->path < 0 || news->path >= paths->count)
		return;
	const char *path = paths->items[news->path];
	switch ((enum lookout_word)news->word) {
	case LOOKOUT_CHANGED:
		tell_change(loop, process, news);
		break;
	case LOOKOUT_UNSEEN:
		log_line("%s: watch: %s: %s; looked for again", name, path, strerror(news->error));
		break;
	case LOOKOUT_NOWHERE:
		log_line("%s: cannot watch: cannot enter its mount namespace: %s", name,
			strerror(news->error));
		break;
	case LOOKOUT_UNTOLD:
		log_line("%s: watch: %s: the kernel has no more inotify for it (%s); looked at "
			 "every %d s",
			name, path, strerror(news->error), LOOKOUT_PERIOD_S);
		break;
	}
}

static void close_news(struct loop *loop, struct watcher *watcher)
{
	if (watcher->news.fd < 0)
		return;
	ev_io_stop(loop->ev, &watcher->news);
	close(watcher->news.fd);
	ev_io_set(&watcher->news, -1, EV_READ);
}

static void read_news(struct loop *loop, int process)
{
	struct watcher *watcher = &loop->processes[process].watcher;
	struct lookout_news news;
	ssize_t length = -1;
	errno = EAGAIN;
	while (watcher->news.fd >= 0 &&
		(length = read(watcher->news.fd, &news, sizeof(news))) == (ssize_t)sizeof(news))
		take_news(loop, process, &news);
	/* The end: what became of it is known when it is reaped. */
	if (length >= 0 || (errno != EAGAIN && errno != EINTR))
		close_news(loop, watcher);
}

static void on_news(struct ev_loop *ev, struct ev_io *io, int events)
{
	(void)events;
	read_news(ev_userdata(ev), (int)(intptr_t)io->data);
}

/* --- who looks --- */

/* In the child. */
static int look_out(const struct loop *loop, int process, int fd, int parent)
{
	const struct process_spec *spec = &loop->spec->processes[process];
	int result = spec_needs_view(loop->spec, spec)
		? world_join_mounts(&loop->processes[process].world)
		: 0;
	if (boot_become_helper(fd, parent) < 0)
		return 1;
	if (result == 0)
		lookout_run(&spec->lifecycle->watch, STDIN_FILENO);
	else
		lookout_tell(STDIN_FILENO,
			&(struct lookout_news){.word = LOOKOUT_NOWHERE, .error = -result});
	return 1;
}

/* 0 or -errno. Only podinit's end must not wait. */
static int start(struct loop *loop, int process)
{
	struct watcher *watcher = &loop->processes[process].watcher;
	int ends[2], self = getpid();
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	pid_t pid = launch_fork(0);
	if (pid == 0)
		_exit(look_out(loop, process, ends[1], self));
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return (int)pid;
	}
	watcher->pid = pid;
	watcher->is_killed = false;
	ev_io_set(&watcher->news, ends[0], EV_READ);
	watcher->news.data = (void *)(intptr_t)process;
	ev_io_start(loop->ev, &watcher->news);
	return 0;
}

static void start_later(struct loop *loop, int process)
{
	struct watcher *watcher = &loop->processes[process].watcher;
	watcher->again.data = (void *)(intptr_t)process;
	ev_now_update(loop->ev);
	ev_timer_set(&watcher->again, AGAIN_SECONDS, 0);
	ev_timer_start(loop->ev, &watcher->again);
}

static void try_to_start(struct loop *loop, int process)
{
	int result = start(loop, process);
	if (result == 0)
		return;
	log_line(
		"%s: cannot watch yet: %s", loop->spec->processes[process].name, strerror(-result));
	start_later(loop, process);
}

static void on_again(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)events;
	try_to_start(ev_userdata(ev), (int)(intptr_t)timer->data);
}

void watcher_init(struct watcher *watcher)
{
	*watcher = (struct watcher){0};
	ev_io_init(&watcher->news, on_news, -1, EV_READ);
	ev_timer_init(&watcher->again, on_again, AGAIN_SECONDS, 0);
}

void watcher_begin(struct loop *loop, int process)
{
	struct watcher *watcher = &loop->processes[process].watcher;
	if (!paths_of(loop, process)->count || watcher->is_wanted)
		return;
	watcher->is_wanted = true;
	/* Else when the one before is reaped: so there is at most one. */
	if (!watcher->pid)
		try_to_start(loop, process);
}

void watcher_end(struct loop *loop, int process)
{
	struct watcher *watcher = &loop->processes[process].watcher;
	watcher->is_wanted = false;
	ev_timer_stop(loop->ev, &watcher->again);
	close_news(loop, watcher);
	if (watcher->pid && !watcher->is_killed)
		kill(watcher->pid, SIGKILL); /* not reaped yet: it is that one */
	watcher->is_killed = watcher->pid;
}

static void ended(struct loop *loop, int process, const struct reaped *reaped)
{
	struct watcher *watcher = &loop->processes[process].watcher;
	read_news(loop, process);
	close_news(loop, watcher);
	watcher->pid = 0;
	if (!watcher->is_wanted)
		return;
	if (watcher->is_killed) {
		try_to_start(loop, process);
	} else if (reaped->signo) {
		log_line("%s: who watches for it was killed by %s; begins again in %d s",
			loop->spec->processes[process].name, signal_name(reaped->signo),
			LOOKOUT_PERIOD_S);
		start_later(loop, process);
	}
}

/* --- questions --- */

static int find(const struct loop *loop, pid_t pid)
{
	for (int i = 0; i < loop->spec->process_count; i++) {
		if (pid && loop->processes[i].watcher.pid == pid)
			return i;
	}
	return -1;
}

bool watcher_reaped(struct loop *loop, const struct reaped *reaped)
{
	int process = find(loop, reaped->pid);
	if (process >= 0)
		ended(loop, process, reaped);
	return process >= 0;
}

bool watcher_is(const struct loop *loop, pid_t pid)
{
	return find(loop, pid) >= 0;
}

int watcher_count(const struct loop *loop)
{
	int count = 0;
	for (int i = 0; i < loop->spec->process_count; i++)
		count += loop->processes[i].watcher.pid != 0;
	return count;
}

/* --- another pod --- */

void watcher_move(struct loop *loop, struct watcher *to, struct watcher *from, int index)
{
	bool is_heard = from->news.fd >= 0,
	     comes_again = ev_is_active(&from->again) || ev_is_pending(&from->again);
	ev_io_stop(loop->ev, &from->news);
	ev_timer_stop(loop->ev, &from->again);
	*to = *from;
	to->news.data = to->again.data = (void *)(intptr_t)index;
	if (is_heard)
		ev_io_start(loop->ev, &to->news);
	if (comes_again)
		ev_timer_start(loop->ev, &to->again);
	watcher_init(from);
}

static bool are_same(const struct strings *one, const struct strings *other)
{
	bool same = one->count == other->count;
	for (int i = 0; same && i < one->count; i++)
		same = strcmp(one->items[i], other->items[i]) == 0;
	return same;
}

void watcher_renew(struct loop *loop, int process, const struct process_spec *before)
{
	if (are_same(paths_of(loop, process), &before->lifecycle->watch))
		return;
	watcher_end(loop, process);
	if (process_is_alive(&loop->pod->processes[process]))
		watcher_begin(loop, process);
}
