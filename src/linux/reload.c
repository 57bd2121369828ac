/* The way from SIGHUP to another pod. Must not touch what the loop keeps by process: loop_replace.c does. */
#include "reload.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boot.h"
#include "launch.h"
#include "loop_state.h"
#include "reading.h"

/* A file system that takes longer hangs. */
static const double PATIENCE_SECONDS = 60;

static void end_of_patience(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	struct reload *reload = &((struct loop *)ev_userdata(ev))->reload;
	(void)timer;
	(void)events;
	reload->is_late = true;
	kill(reload->reader, SIGKILL); /* not reaped yet: it is that one */
	log_line("reload: the file could not be read within %d s; the pod goes on as it was",
		(int)PATIENCE_SECONDS);
}

static void ask_again(struct loop *loop)
{
	if (!loop->reload.again)
		return;
	loop->reload.again = false;
	reload_ask(loop);
}

static void on_swap(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	struct loop *loop = ev_userdata(ev);
	struct reload *reload = &loop->reload;
	struct replacement *next = reload->next;
	(void)events;
	/* Results that are still to be told name processes by their old numbers. */
	if (loop->queue_count) {
		ev_timer_start(ev, timer);
		return;
	}
	if (!next || loop->pod->stopping)
		return; /* the pod ends meanwhile */
	reload->next = NULL;
	replacement_take_place(loop, next);
	ask_again(loop);
}

void reload_begin(struct loop *loop)
{
	ev_timer_init(&loop->reload.patience, end_of_patience, PATIENCE_SECONDS, 0);
	ev_timer_init(&loop->reload.swap, on_swap, 0, 0);
}

void reload_give_up(struct loop *loop)
{
	struct reload *reload = &loop->reload;
	reload->again = false;
	ev_timer_stop(loop->ev, &reload->patience);
	ev_timer_stop(loop->ev, &reload->swap);
	if (reload->reader && !reload->is_late)
		kill(reload->reader, SIGKILL);
	reload->is_late = true;
	if (!reload->next)
		return;
	log_line("reload: given up, for the pod ends");
	replacement_free(reload->next);
	reload->next = NULL;
}

void reload_finish(struct loop *loop)
{
	if (loop->ev)
		reload_give_up(loop);
	if (loop->reload.reader)
		close(loop->reload.fd);
	retired_free(loop->reload.retired);
	loop->reload = (struct reload){0};
}

bool reload_is_possible(const struct loop *loop)
{
	const struct pod_spec *spec = loop->spec;
	return loop->setup->config && !spec->entrypoint && !spec->relay &&
		spec->signal_map[SIGHUP] == SIGHUP;
}

static struct reading_order order_of(const struct loop *loop)
{
	return (struct reading_order){
		.path = loop->setup->config,
		.running = loop->spec,
		.ground = loop->setup->ground,
		.message_path = loop->setup->message_path,
		.given_up = loop->setup->given_up_capabilities,
	};
}

/* 0 or -errno. */
static int fork_reader(struct loop *loop)
{
	const struct reading_order order = order_of(loop);
	int self = getpid(), fd = memfd_create("podinit-reload", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	pid_t pid = launch_fork(0);
	if (pid == 0)
		_exit(boot_become_helper(fd, self) < 0 ? 1 : reading_make(&order, STDIN_FILENO));
	if (pid < 0) {
		close(fd);
		return (int)pid;
	}
	loop->reload.reader = pid;
	loop->reload.fd = fd;
	loop->reload.is_late = false;
	return 0;
}

void reload_ask(struct loop *loop)
{
	struct reload *reload = &loop->reload;
	if (loop->pod->stopping) {
		log_line("reload: not now, for the pod ends");
	} else if (strcmp(loop->setup->config, "-") == 0) {
		log_line("reload: standard input cannot be read again; the pod goes on as it is");
	} else if (reload->reader && reload->is_late) {
		log_line("reload: the last one still hangs; the pod goes on as it is");
	} else if (reload->reader || reload->next) {
		reload->again = true;
	} else {
		int result = fork_reader(loop);
		ev_now_update(loop->ev);
		if (result < 0)
			log_line("reload: cannot begin: %s; the pod goes on as it is",
				strerror(-result));
		else
			ev_timer_start(loop->ev, &reload->patience);
	}
}

/* Each line with "reload: " before it. How many there were. */
static int say_lines(const char *lines)
{
	int count = 0;
	for (const char *s = lines; *s; count++) {
		int length = (int)strcspn(s, "\n");
		log_line("reload: %.*s", length, s);
		s += length + (s[length] != '\0');
	}
	return count;
}

/* What was read becomes the pod, if it can. */
static void consider(struct loop *loop, struct replacement *next)
{
	const char *words = replacement_words(next);
	if (!replacement_is_good(next)) {
		int count = say_lines(words);
		log_line("reload: refused, %d problem%s; the pod goes on as it was", count,
			count == 1 ? "" : "s");
	} else if (!replacement_changes_anything(next)) {
		log_line("reload: %s says nothing else than before", loop->setup->config);
	} else {
		say_lines(words);
		loop->reload.next = next;
		loop_feed(loop,
			&(struct event){
				.type = EVENT_REPLACED, .leaving = replacement_leaving(next)});
		return;
	}
	replacement_free(next);
}

static void take_findings(struct loop *loop)
{
	int error = 0;
	struct replacement *next = replacement_make(loop, loop->reload.fd, &error);
	if (next)
		consider(loop, next);
	else if (error)
		log_line("reload: the reader failed: %s; the pod goes on as it was",
			error == -EBADMSG ? "what it found is not whole" : strerror(-error));
	else
		log_line("reload: not enough memory; the pod goes on as it was");
}

bool reload_reaped(struct loop *loop, pid_t pid)
{
	struct reload *reload = &loop->reload;
	if (!reload->reader || reload->reader != pid)
		return false;
	reload->reader = 0;
	ev_timer_stop(loop->ev, &reload->patience);
	if (!reload->is_late && !loop->pod->stopping)
		take_findings(loop);
	close(reload->fd);
	if (!reload->next)
		ask_again(loop);
	return true;
}

void reload_go_on(struct loop *loop)
{
	ev_timer_start(loop->ev, &loop->reload.swap);
}
