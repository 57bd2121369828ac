/* The watch over sizeLimit. Must not decide what becomes of the pod, nor look at a volume in podinit's
 * own process. (In memory it is the kernel that keeps a volume small.) */
#include "evict.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "boot.h"
#include "launch.h"
#include "usage.h"

static const double PERIOD_SECONDS = 10; /* the kubelet's */

enum { NICE_LAST = 19, RESULT_FD = 0 };

static bool is_watched(const struct volume_spec *volume)
{
	return volume->empty_dir && volume->size_limit && volume->medium != MEDIUM_MEMORY;
}

static void measure(const struct volumes *volumes, int result_fd, int parent)
{
	const struct pod_spec *spec = volumes->spec;
	if (boot_become_helper(result_fd, parent) < 0)
		_exit(1);
	setpriority(PRIO_PROCESS, 0, NICE_LAST);
	for (int32_t i = 0; i < spec->volume_count; i++) {
		int64_t limit = spec->volumes[i].size_limit / 1000;
		if (!is_watched(&spec->volumes[i]) || !usage_exceeds(volumes->paths[i], limit))
			continue;
		if (write(RESULT_FD, &i, sizeof(i)) < 0)
			_exit(1);
		break;
	}
	_exit(0);
}

static void close_result(struct evictor *evictor)
{
	ev_io_stop(evictor->ev, &evictor->result);
	if (evictor->result.fd >= 0)
		close(evictor->result.fd);
	evictor->result.fd = -1;
}

static void on_result(struct ev_loop *ev, struct ev_io *io, int events)
{
	struct evictor *evictor = io->data;
	int32_t volume;
	(void)ev;
	(void)events;
	ssize_t length = read(io->fd, &volume, sizeof(volume));
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close_result(evictor);
	if (length == (ssize_t)sizeof(volume))
		evictor->exceeded(evictor->owner, volume);
}

/* What cannot be measured now is measured the next time. */
static void on_period(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	struct evictor *evictor = timer->data;
	int ends[2], self = getpid();
	(void)events;
	if (evictor->pid || evictor->result.fd >= 0)
		return; /* the last one is not done yet */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	pid_t pid = launch_fork(0);
	if (pid == 0)
		measure(evictor->volumes, ends[1], self);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return;
	}
	evictor->pid = pid;
	ev_io_set(&evictor->result, ends[0], EV_READ);
	ev_io_start(ev, &evictor->result);
}

void evictor_begin(struct evictor *evictor, struct ev_loop *ev, const struct volumes *volumes,
	void (*exceeded)(void *owner, int volume), void *owner)
{
	bool any = false;
	for (int i = 0; i < volumes->spec->volume_count; i++)
		any = any || is_watched(&volumes->spec->volumes[i]);
	if (!any)
		return;
	*evictor = (struct evictor){
		.ev = ev, .volumes = volumes, .exceeded = exceeded, .owner = owner};
	ev_io_init(&evictor->result, on_result, -1, EV_READ);
	evictor->result.data = evictor;
	ev_timer_init(&evictor->timer, on_period, PERIOD_SECONDS, PERIOD_SECONDS);
	evictor->timer.data = evictor;
	ev_timer_start(ev, &evictor->timer);
}

void evictor_end(struct evictor *evictor)
{
	if (!evictor->ev)
		return;
	ev_timer_stop(evictor->ev, &evictor->timer);
	close_result(evictor);
	if (evictor->pid)
		kill(evictor->pid, SIGKILL); /* not reaped yet: it is that one */
}

bool evictor_reaped(struct evictor *evictor, pid_t pid)
{
	if (!evictor->pid || evictor->pid != pid)
		return false;
	evictor->pid = 0;
	return true;
}
