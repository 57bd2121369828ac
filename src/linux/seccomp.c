/* A system call filter as a thing: its file form, and its way into the kernel. Must not know what a
 * filter says: seccomp_default.c and podconv do. */
#include "seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In front of the instructions, in the byte order of the machine that they are for: on another one
 * `architecture` is another, too. The first three fields stay in every version. */
struct file_header {
	char magic[8];
	uint32_t architecture; /* AUDIT_ARCH_* */
	uint32_t version;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
	uint32_t count; /* of struct sock_filter that follow */
};

_Static_assert(sizeof(struct file_header) == 24, "the file format has no holes");
_Static_assert(sizeof(struct sock_filter) == 8, "the file format has no holes");

/* Not text: a copy in text mode would spoil the line ends and be noticed. */
static const char MAGIC[8] = {'P', 'O', 'D', 'B', 'P', 'F', '\r', '\n'};

enum { FORMAT_VERSION = 1 };

/* What may be asked for when a filter is installed by a process for itself. */
#define FLAGS_ALLOWED (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

/* Reads until `size` bytes or the end are there; their number or -errno. */
static ssize_t read_fully(int fd, void *buffer, size_t size)
{
	size_t done = 0;
	while (done < size) {
		ssize_t now = read(fd, (char *)buffer + done, size - done);
		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			return -errno;
		if (now == 0)
			break;
		done += (size_t)now;
	}
	return (ssize_t)done;
}

/* `length` bytes of the header were there. */
static int check_header(const struct file_header *header, size_t length)
{
	size_t magic = length < sizeof(MAGIC) ? length : sizeof(MAGIC);
	if (length == 0 || memcmp(header->magic, MAGIC, magic) != 0)
		return -ENOEXEC;
	if (length < sizeof(*header))
		return -EBADMSG;
	if (header->architecture != seccomp_arch_native())
		return -EXDEV;
	if (header->version != FORMAT_VERSION || header->flags & ~FLAGS_ALLOWED)
		return -EPROTONOSUPPORT;
	if (header->count > BPF_MAXINSNS)
		return -EFBIG;
	return header->count ? 0 : -EBADMSG;
}

static int read_instructions(int fd, const struct file_header *header, struct seccomp_program *out)
{
	size_t size = header->count * sizeof(struct sock_filter);
	/* One byte more, to see whether something stands behind the end. */
	struct sock_filter *filters = malloc(size + 1);
	if (!filters)
		return -ENOMEM;
	ssize_t length = read_fully(fd, filters, size + 1);
	if (length != (ssize_t)size) {
		free(filters);
		return length < 0 ? (int)length : -EBADMSG;
	}
	*out = (struct seccomp_program){
		.filters = filters,
		.count = (unsigned short)header->count,
		.flags = header->flags,
	};
	return 0;
}

int seccomp_read_file(const char *path, struct seccomp_program *out)
{
	struct file_header header;
	struct stat status;
	*out = (struct seccomp_program){0};
	/* A FIFO without a writer must not hold podinit up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	int result = fstat(fd, &status) < 0 ? -errno : 0;
	if (result == 0 && !S_ISREG(status.st_mode))
		result = S_ISDIR(status.st_mode) ? -EISDIR : -ENOEXEC;
	if (result == 0) {
		ssize_t length = read_fully(fd, &header, sizeof(header));
		result = length < 0 ? (int)length : check_header(&header, (size_t)length);
	}
	if (result == 0)
		result = read_instructions(fd, &header, out);
	close(fd);
	return result;
}

const char *seccomp_read_problem(int error)
{
	switch (-error) {
	case ENOEXEC:
		return "is not a system call filter that podconv made";
	case EPROTONOSUPPORT:
		return "has a format that this podinit does not know: a newer podconv made it";
	case EXDEV:
		return "was made for a machine of another architecture";
	case EFBIG:
		return "has more than the 4096 instructions that the kernel takes";
	case EBADMSG:
		return "is damaged: it is cut off, or something stands behind its end";
	default:
		return strerror(-error);
	}
}

long seccomp_write(const struct seccomp_program *program, void **bytes)
{
	size_t size = program->count * sizeof(struct sock_filter);
	struct file_header *header = malloc(sizeof(*header) + size);
	*bytes = header;
	if (!header)
		return -ENOMEM;
	*header = (struct file_header){
		.architecture = seccomp_arch_native(),
		.version = FORMAT_VERSION,
		.flags = program->flags,
		.count = program->count,
	};
	memcpy(header->magic, MAGIC, sizeof(MAGIC));
	memcpy(header + 1, program->filters, size);
	return (long)(sizeof(*header) + size);
}

void seccomp_free(struct seccomp_program *program)
{
	if (!program)
		return;
	free(program->filters);
	*program = (struct seccomp_program){0};
}

int seccomp_install(const struct seccomp_program *program)
{
	struct sock_fprog filter = {.len = program->count, .filter = program->filters};
	uint32_t flags = program->flags;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) == 0)
		return 0;
	/* Kernels before 4.14 do not know the flags, which change nothing about what is allowed. */
	if (errno == EINVAL && flags &&
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0)
		return 0;
	/* Kernels before 3.17 have only the older call. */
	if (errno == ENOSYS && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0)
		return 0;
	return -errno;
}
