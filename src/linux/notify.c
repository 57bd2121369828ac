/* The socket of sd_notify(3). Its name is abstract, for processes may have root file systems of their own, but
 * share the network namespace; and it cannot be guessed, since others may share that, too. Who sends is told by
 * the kernel. Must not decide what follows from a message, nor wait for anybody. */
#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "datagram.h"
#include "log.h"
#include "names.h"
#include "proc.h"

enum {
	HEIRS_TOLD = 4, /* of a process: wrong ones that are told of */
	BATCH = 64,	/* messages, before others get their turn */
	BATCH_OF_DYING =
		1024, /* before zombies are reaped: more than a socket's queue usually holds */
};

static const double LATER_SECONDS =
	0.05; /* until what came with messages is tried to be closed again */

/* --- what is kept --- */

static void free_all(struct notified **of, int count)
{
	for (int i = 0; of && i < count; i++)
		free(of[i]);
	free(of);
}

/* NULL: no memory. */
static struct notified **make_all(const struct pod_spec *spec)
{
	struct notified **of = calloc((size_t)spec->process_count + 1, sizeof(*of));
	for (int i = 0; of && i < spec->process_count; i++) {
		if (!spec->processes[i].lifecycle->notify)
			continue;
		of[i] = calloc(1, sizeof(**of));
		if (of[i])
			continue;
		free_all(of, i);
		return NULL;
	}
	return of;
}

void notify_begin(struct notify *notify, int process)
{
	if (notify->of && notify->of[process])
		*notify->of[process] = (struct notified){
			.told_of_others = notify->of[process]->told_of_others,
			.told_of_store = notify->of[process]->told_of_store,
			.heirs_refused = notify->of[process]->heirs_refused,
		};
}

const char *notify_status(const struct notify *notify, int process)
{
	return notify->of && notify->of[process] ? notify->of[process]->status : "";
}

const char *notify_name(const struct notify *notify)
{
	return notify->name[0] ? notify->name : NULL;
}

/* --- MAINPID --- */

/* In a PID namespace of its own its numbers are not podinit's. */
static void take_main_pid(struct notify *notify, int process, pid_t pid)
{
	struct notified *said = notify->of[process];
	struct proc_stat stat;
	const struct kin kin = notify->actions->kin(notify->actions->owner, pid);
	if (!notify->spec->share_process_namespace)
		return;
	if (kin.process == process && kin.is_main) {
		said->heir = 0;
	} else if (kin.process == process && proc_stat(pid, &stat)) {
		said->heir = pid;
		said->heir_born = stat.start;
	} else if (said->heirs_refused < HEIRS_TOLD) {
		said->heirs_refused++;
		log_line("%s: MAINPID=%d does not descend from it, and is ignored",
			notify->spec->processes[process].name, (int)pid);
	}
}

pid_t notify_take_heir(struct notify *notify, int process)
{
	struct proc_stat stat;
	struct notified *said = notify->of ? notify->of[process] : NULL;
	pid_t heir = said ? said->heir : 0;
	if (!heir)
		return 0;
	said->heir = 0;
	bool is_child = proc_stat(heir, &stat) && stat.start == said->heir_born &&
		stat.parent == getpid() && !proc_is_over(&stat);
	return is_child ? heir : 0;
}

/* --- FDSTORE --- */

static void tell_not_stored(const struct notify *notify, const struct stored *one, int result)
{
	const char *process = notify->spec->processes[one->process].name;
	if (result == -ENOSPC)
		log_line("%s: its descriptor store is full: it has %d, of %d of the pod", process,
			fdstore_count(&notify->store, one->process), notify->store.count);
	else
		log_line("%s: '%s' is not stored: it is a file, and each new process would wait "
			 "for its "
			 "file system",
			process, one->name);
}

static void store(struct notify *notify, int process, const struct notify_message *message,
	struct datagram *datagram)
{
	const struct process_spec *spec = &notify->spec->processes[process];
	int room = fdstore_room(spec->lifecycle);
	for (int i = 0; i < datagram->fd_count; i++) {
		struct stored one = {.fd = datagram->fds[i],
			.process = process,
			.keeps_hung_up = message->keeps_hung_up};
		strcpy(one.name, message->name[0] ? message->name : "stored");
		int result = fdstore_add(&notify->store, &one, room);
		if (result == 0)
			datagram->fds[i] = -1;
		else if (result != -EEXIST && !notify->of[process]->told_of_store) {
			notify->of[process]->told_of_store = true;
			tell_not_stored(notify, &one, result);
		}
	}
}

/* --- one message --- */

static void tell(const struct notify *notify, int process, bool is_said, enum notification what,
	int64_t value_ns)
{
	if (is_said)
		notify->actions->notified(notify->actions->owner, process, what, value_ns);
}

/* What is kept comes first: who gets ready may be replaced at once. */
static void hear(struct notify *notify, int process, const struct notify_message *message,
	struct datagram *datagram)
{
	if (message->main_pid)
		take_main_pid(notify, process, message->main_pid);
	if (message->has_status)
		strcpy(notify->of[process]->status, message->status);
	if (message->removes && message->name[0])
		fdstore_remove(&notify->store, process, message->name);
	else if (message->stores)
		store(notify, process, message, datagram);
	tell(notify, process, message->watchdog_ns >= 0, NOTIFICATION_WATCHDOG_INTERVAL,
		message->watchdog_ns);
	tell(notify, process, message->reloading, NOTIFICATION_RELOADING, 0);
	tell(notify, process, message->ready, NOTIFICATION_READY, 0);
	tell(notify, process, message->stopping, NOTIFICATION_STOPPING, 0);
	tell(notify, process, message->extend_ns >= 0, NOTIFICATION_EXTEND, message->extend_ns);
	tell(notify, process, message->watchdog, NOTIFICATION_WATCHDOG, 0);
	tell(notify, process, message->watchdog_trigger, NOTIFICATION_WATCHDOG_TRIGGER, 0);
}

/* Who may not be heard is said once: it is a mistake in a file, or somebody who does not belong here. */
static void drop(struct notify *notify, const struct kin *kin, pid_t sender)
{
	char name[PROC_NAME_MAX];
	bool is_known = kin->process >= 0 && notify->of[kin->process];
	bool *told =
		is_known ? &notify->of[kin->process]->told_of_others : &notify->told_of_strangers;
	notify->dropped++;
	if (*told)
		return;
	*told = true;
	proc_name(sender, name);
	if (is_known)
		log_line("%s: a message of process %d (%s) is dropped: with notify = main only its "
			 "main process is heard, with all it would be",
			notify->spec->processes[kin->process].name, (int)sender, name);
	else
		log_line("notify: a message of process %d (%s) is dropped: it belongs to nobody "
			 "who notifies",
			(int)sender, name);
}

static void handle(struct notify *notify, struct datagram *datagram)
{
	struct notify_message message;
	const struct kin kin = notify->actions->kin(notify->actions->owner, datagram->sender);
	bool is_known = kin.process >= 0 && notify->of[kin.process];
	if (!is_known ||
		(!kin.is_main &&
			notify->spec->processes[kin.process].lifecycle->notify != NOTIFY_ALL)) {
		drop(notify, &kin, datagram->sender);
		return;
	}
	if (datagram->is_cut) {
		notify->malformed++;
		return;
	}
	notify_message_read(&message, datagram->bytes, datagram->length);
	notify->malformed += message.malformed > 0;
	hear(notify, kin.process, &message, datagram);
}

/* --- the socket --- */

/* Nobody is heard while too much waits to be closed. */
static void settle(struct notify *notify)
{
	bool is_done = received_flush(), have_room = received_have_room();
	if (have_room)
		ev_io_start(notify->ev, &notify->io);
	else
		ev_io_stop(notify->ev, &notify->io);
	if (is_done && have_room)
		ev_timer_stop(notify->ev, &notify->later);
	else if (!ev_is_active(&notify->later))
		ev_timer_again(notify->ev, &notify->later);
}

static void on_later(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)ev;
	(void)events;
	settle(timer->data);
}

static void read_batch(struct notify *notify, int max)
{
	struct datagram datagram;
	for (int i = 0;
		i < max && received_have_room() && datagram_receive(notify->io.fd, &datagram);
		i++) {
		handle(notify, &datagram);
		datagram_finish(&datagram);
	}
	settle(notify);
}

static void on_message(struct ev_loop *ev, struct ev_io *io, int events)
{
	(void)ev;
	(void)events;
	read_batch(io->data, BATCH);
}

void notify_read(struct notify *notify)
{
	if (notify_name(notify))
		read_batch(notify, BATCH_OF_DYING);
}

/* The socket, or -errno. */
static int open_socket(struct notify *notify)
{
	const int yes = 1;
	uint64_t chance[2];
	struct sockaddr_un address;
	if (getrandom(chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
		return -EIO;
	snprintf(notify->name, sizeof(notify->name), "@podinit/notify/%016" PRIx64 "%016" PRIx64,
		chance[0], chance[1]);
	socklen_t length = control_address(&address, notify->name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Before anybody can send: each message says who sent it. */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) == 0 &&
		bind(fd, (struct sockaddr *)&address, length) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}

static bool is_needed(const struct pod_spec *spec)
{
	for (int i = 0; i < spec->process_count; i++) {
		if (spec->processes[i].lifecycle->notify)
			return true;
	}
	return false;
}

/* The socket, and who it is of in the pod as it is. */
static int begin(struct notify *notify)
{
	notify->of = make_all(notify->spec);
	notify->count = notify->spec->process_count;
	int result = notify->of ? fdstore_open(&notify->store) : -ENOMEM;
	int fd = result < 0 ? result : open_socket(notify);
	if (fd < 0) {
		notify->name[0] = '\0';
		return fd;
	}
	ev_io_init(&notify->io, on_message, fd, EV_READ);
	ev_timer_init(&notify->later, on_later, 0, LATER_SECONDS);
	notify->io.data = notify->later.data = notify;
	ev_io_start(notify->ev, &notify->io);
	return 0;
}

int notify_open(struct notify *notify, struct ev_loop *ev, const struct pod_spec *spec,
	const struct notify_actions *actions)
{
	*notify = (struct notify){.ev = ev, .spec = spec, .actions = actions};
	return is_needed(spec) ? begin(notify) : 0;
}

void notify_close(struct notify *notify)
{
	if (notify_name(notify)) {
		ev_io_stop(notify->ev, &notify->io);
		ev_timer_stop(notify->ev, &notify->later);
		close(notify->io.fd);
	}
	free_all(notify->of, notify->count);
	free_all(notify->reserved, notify->reserved_count);
	fdstore_close(&notify->store);
	*notify = (struct notify){0};
}

int notify_reserve(struct notify *notify, const struct pod_spec *spec)
{
	if (!notify_name(notify) && !is_needed(spec))
		return 0;
	if (!notify_name(notify)) {
		free_all(notify->of, notify->count);
		fdstore_close(&notify->store);
		int result = begin(notify);
		if (result < 0)
			return result;
	}
	free_all(notify->reserved, notify->reserved_count);
	notify->reserved = make_all(spec);
	notify->reserved_count = spec->process_count;
	return notify->reserved ? 0 : -ENOMEM;
}

void notify_replace(struct notify *notify, const int *old_of, const int *new_of)
{
	struct notified **of = notify->reserved;
	if (!of)
		return;
	for (int i = 0; i < notify->reserved_count; i++) {
		struct notified *old = old_of[i] < 0 ? NULL : notify->of[old_of[i]];
		if (of[i] && old)
			*of[i] = *old;
	}
	free_all(notify->of, notify->count);
	notify->of = of;
	notify->count = notify->reserved_count;
	notify->reserved = NULL;
	notify->reserved_count = 0;
	fdstore_renumber(&notify->store, new_of);
}
