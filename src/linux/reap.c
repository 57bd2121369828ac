/* Reaping with waitid(). Must not know who was whose process. */
#include "reap.h"

#include <errno.h>
#include <sys/wait.h>

enum reap_result reap_look(struct reaped *reaped)
{
	siginfo_t info = {0};
	int result;
	do {
		result = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		return errno == ECHILD ? REAP_NO_CHILDREN : REAP_NOTHING_YET;
	if (!info.si_pid)
		return REAP_NOTHING_YET;
	bool exited = info.si_code == CLD_EXITED;
	*reaped = (struct reaped){
		.pid = info.si_pid,
		.exit_code = exited ? (uint8_t)info.si_status : 0,
		.signo = exited ? 0 : (uint8_t)info.si_status,
	};
	return REAP_GOT_ONE;
}

void reap_take(pid_t pid)
{
	siginfo_t info;
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) < 0 && errno == EINTR)
		;
}
