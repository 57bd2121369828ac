/* podinit's own words on standard error. Never blocks: what a full pipe does not take is counted,
 * and the count is told with the next line that fits. */
#ifndef PODINIT_LINUX_LOG_H
#define PODINIT_LINUX_LOG_H

enum log_level {
	LOG_QUIET,	/* what went wrong */
	LOG_ENTRYPOINT, /* that, without what the last line says anyway; and the last line */
	LOG_NORMAL,
	LOG_VERBOSE, /* orphans, too */
};

/* Once, at boot. Before it, lines may block. */
void log_open(void);
/* "podinit: " and the text and a newline, in one write. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A descriptor of what `fd` is, through which reading or writing (mode O_RDONLY, O_WRONLY)
 * does not block; `fd` itself where there can be none,
 * and where it never does. */
int nonblocking_copy(int fd, int mode);
/* Writes `length` bytes to `fd` if that can be done now, whole or not at all where the kernel
 * allows; 0 or -errno. For any output of PID 1 to what others read. */
int write_now(int fd, const char *bytes, unsigned long length);

#endif
