/* Tables of names in seccomp profiles. Must hold no rule of what a profile may say. */
#include "seccomp_names.h"

#include <ctype.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "../spec/security.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const struct seccomp_action ACTIONS[] = {
	{.name = "SCMP_ACT_ALLOW", .value = SCMP_ACT_ALLOW},
	{.name = "SCMP_ACT_ERRNO", .value = SCMP_ACT_ERRNO(0), .has_number = true},
	{.name = "SCMP_ACT_KILL", .value = SCMP_ACT_KILL_THREAD},
	{.name = "SCMP_ACT_KILL_THREAD", .value = SCMP_ACT_KILL_THREAD},
	{.name = "SCMP_ACT_KILL_PROCESS", .value = SCMP_ACT_KILL_PROCESS},
	{.name = "SCMP_ACT_LOG", .value = SCMP_ACT_LOG},
	{.name = "SCMP_ACT_TRAP", .value = SCMP_ACT_TRAP},
	{.name = "SCMP_ACT_TRACE", .value = SCMP_ACT_TRACE(0), .has_number = true},
	/* Somebody would have to listen. */
	{.name = "SCMP_ACT_NOTIFY", .value = SCMP_ACT_NOTIFY, .unsupported = true},
};

const struct seccomp_action *seccomp_action_find(const char *name)
{
	for (size_t i = 0; i < COUNT(ACTIONS); i++) {
		if (strcmp(ACTIONS[i].name, name) == 0)
			return &ACTIONS[i];
	}
	return NULL;
}

struct named {
	const char *name;
	int value;
};

static int find(const struct named *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].name, name) == 0)
			return table[i].value;
	}
	return -1;
}

int seccomp_operator_find(const char *name)
{
	static const struct named operators[] = {
		{"SCMP_CMP_NE", SCMP_CMP_NE},
		{"SCMP_CMP_LT", SCMP_CMP_LT},
		{"SCMP_CMP_LE", SCMP_CMP_LE},
		{"SCMP_CMP_EQ", SCMP_CMP_EQ},
		{"SCMP_CMP_GE", SCMP_CMP_GE},
		{"SCMP_CMP_GT", SCMP_CMP_GT},
		{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
	};
	return find(operators, COUNT(operators), name);
}

/* libseccomp has the same names without the prefix and in small letters. */
uint32_t seccomp_architecture_find(const char *name)
{
	static const char prefix[] = "SCMP_ARCH_";
	char plain[24];
	size_t length = strlen(name);
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 ||
		length - (sizeof(prefix) - 1) >= sizeof(plain))
		return 0;
	name += sizeof(prefix) - 1;
	size_t i = 0;
	for (; name[i]; i++)
		plain[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 0x20) : name[i];
	plain[i] = '\0';
	return strcmp(plain, "native") == 0 ? 0 : seccomp_arch_resolve_name(plain);
}

bool seccomp_architecture_is_ours(const char *go_name, bool *known)
{
	static const struct {
		const char *name;
		uint32_t token; /* 0: this libseccomp may not have it */
	} architectures[] = {
		{"386", SCMP_ARCH_X86},
		{"x86", SCMP_ARCH_X86},
		{"amd64", SCMP_ARCH_X86_64},
		{"x32", SCMP_ARCH_X32},
		{"arm", SCMP_ARCH_ARM},
		{"arm64", SCMP_ARCH_AARCH64},
		{"loong64", 0},
		{"loongarch64", 0},
		{"mips", SCMP_ARCH_MIPS},
		{"mipsle", SCMP_ARCH_MIPSEL},
		{"mipsel", SCMP_ARCH_MIPSEL},
		{"mips64", SCMP_ARCH_MIPS64},
		{"mips64n32", SCMP_ARCH_MIPS64N32},
		{"mips64le", SCMP_ARCH_MIPSEL64},
		{"mipsel64", SCMP_ARCH_MIPSEL64},
		{"mipsel64n32", SCMP_ARCH_MIPSEL64N32},
		{"ppc", SCMP_ARCH_PPC},
		{"ppc64", SCMP_ARCH_PPC64},
		{"ppc64le", SCMP_ARCH_PPC64LE},
		{"riscv64", SCMP_ARCH_RISCV64},
		{"s390", SCMP_ARCH_S390},
		{"s390x", SCMP_ARCH_S390X},
	};
	for (size_t i = 0; i < COUNT(architectures); i++) {
		*known = strcmp(architectures[i].name, go_name) == 0;
		if (*known)
			return architectures[i].token == seccomp_arch_native();
	}
	return false;
}

/* Those that a filter would answer with. */
int seccomp_errno_find(const char *name)
{
	static const struct named errors[] = {
		{"EPERM", EPERM},
		{"ENOSYS", ENOSYS},
		{"EACCES", EACCES},
		{"EINVAL", EINVAL},
		{"ENOENT", ENOENT},
		{"ESRCH", ESRCH},
		{"EINTR", EINTR},
		{"EIO", EIO},
		{"EBADF", EBADF},
		{"EAGAIN", EAGAIN},
		{"ENOMEM", ENOMEM},
		{"EFAULT", EFAULT},
		{"EBUSY", EBUSY},
		{"EEXIST", EEXIST},
		{"ENODEV", ENODEV},
		{"ENOTTY", ENOTTY},
		{"EROFS", EROFS},
		{"ENODATA", ENODATA},
		{"EPROTONOSUPPORT", EPROTONOSUPPORT},
		{"ESOCKTNOSUPPORT", ESOCKTNOSUPPORT},
		{"EOPNOTSUPP", EOPNOTSUPP},
		{"ENOTSUP", ENOTSUP},
		{"EAFNOSUPPORT", EAFNOSUPPORT},
		{"ECONNREFUSED", ECONNREFUSED},
	};
	return find(errors, COUNT(errors), name);
}

/* TSYNC is about other threads, of which a process has none yet; the last is about listeners. */
uint32_t seccomp_flag_find(const char *name, bool *known)
{
	static const struct named flags[] = {
		{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
		{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		{"SECCOMP_FILTER_FLAG_TSYNC", 0},
		{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0},
	};
	int flag = find(flags, COUNT(flags), name);
	*known = flag >= 0;
	return *known ? (uint32_t)flag : 0;
}

int seccomp_capability_find(const char *name)
{
	char plain[32];
	size_t i = 0;
	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (; name[i] && i < sizeof(plain) - 1; i++)
		plain[i] = (char)toupper((unsigned char)name[i]);
	plain[i] = '\0';
	return name[i] ? -1 : capability_find(plain);
}
