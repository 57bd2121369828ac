/* The faces of podinit: the inits whose place it takes when it is called by their name. A face reads a
 * command line and an environment into what podinit knows anyway, a pod_spec, and has words of its own;
 * what then happens is the core's business, which does not know that there are faces.
 * docs/design.md says where podinit differs from the originals on purpose. */
#ifndef PODINIT_FACES_FACE_H
#define PODINIT_FACES_FACE_H

#include "../linux/boot.h"
#include "../linux/event_log.h"
#include "../linux/sandbox.h"

/* What main() needs to run a pod. Zeroed, and the spec initialised, before a face fills it. */
struct start {
	struct pod_spec spec;
	struct arena arena; /* of what the command line says: the spec may become another one */
	const char *
		config; /* the file or directory that can be read again, absolute, or "-"; NULL: none */
	const char *message_path;  /* of the pod, whatever its file says; NULL: not said */
	const struct voice *voice; /* NULL: podinit's own words */
	enum log_level level;
	const char *events; /* file; NULL: none */
	bool is_sandboxed;
	struct sandbox sandbox;
	struct join join;
	bool has_control;
	const char *control_path; /* NULL: the usual place */
	bool sees_cgroups;
	const char *cgroup;	/* directory, or "none"; NULL: what was delegated */
	bool becomes_subreaper; /* where it is not process 1, and says so */
};

enum { FACE_RUNS = -1 };

struct face {
	const char *const *names; /* NULL-terminated */
	/* Reads argv, as main() got it. FACE_RUNS: run `start`; else podinit ends with this exit code,
	 * and why was said. */
	int (*begin)(struct start *start, int argc, char **argv);
};

/* The face that goes by this name (of a file, or a path to it), or NULL. */
const struct face *face_find(const char *name);
/* The names of all faces, with commas between. */
void face_names(struct text *out);

/* One a file. */
extern const struct face FACE_PODINIT, FACE_TINI, FACE_DUMB_INIT, FACE_CATATONIT, FACE_PAUSE;

/* --- what the faces of other inits share --- */

/* What the kernel sends to a program that went wrong: tini and catatonit do not pass these on. */
#define FACE_FAULTS                                                                                \
	(SIGNAL_BIT(SIGFPE) | SIGNAL_BIT(SIGILL) | SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS) |      \
		SIGNAL_BIT(SIGABRT) | SIGNAL_BIT(SIGTRAP) | SIGNAL_BIT(SIGSYS))

/* The C library keeps these for its threads, and its sigfillset() leaves them out: so the others, written
 * with that, never see them. */
#define FACE_C_LIBRARY (SIGNAL_BIT(32) | SIGNAL_BIT(33))

/* Makes the spec an entrypoint that passes every signal on and ends when its program does, as they all
 * do; prints nothing. */
void face_relay(struct start *start, char *const command[]);
/* Is LISTEN_PID in the environment this process? Then the sockets of LISTEN_FDS (sd_listen_fds(3)) are
 * for its program. */
bool face_has_sockets(void);
/* Writes a line to a descriptor, `begin` and the text, at once and whole, or not at all: PID 1 must not
 * block. */
void face_print(int fd, const char *begin, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void face_vprint(int fd, const char *begin, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
/* On standard output: what a face is, and under which licence. `name`: whose face it is. */
void face_print_licence(const char *name);

#endif
