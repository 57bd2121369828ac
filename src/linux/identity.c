/* From a securityContext to credentials. Must not read a file of podinit's own root for a process with
 * another: names are looked up where the process lives. */
#include "identity.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "account.h"
#include "label.h"

static uint64_t bounding_set(void)
{
	uint64_t set = 0;
	for (int i = 0; i < 64; i++) {
		int has = prctl(PR_CAPBSET_READ, i, 0, 0, 0);
		if (has < 0)
			break;
		set |= (uint64_t)has << i;
	}
	return set;
}

uint64_t identity_permitted(void)
{
	uint64_t set = 0;
	cap_t own = cap_get_proc();
	for (int i = 0; own && i < cap_max_bits(); i++) {
		cap_flag_value_t has = CAP_CLEAR;
		if (cap_get_flag(own, i, CAP_PERMITTED, &has) == 0 && has == CAP_SET)
			set |= UINT64_C(1) << i;
	}
	cap_free(own);
	return set;
}

static uint64_t missing_of(const struct pod_spec *pod, const struct process_spec *process,
	uint64_t bounding, uint64_t permitted)
{
	const struct security_spec security = spec_security(pod, process);
	bool is_root = security_is_root(&security) && (security.user || geteuid() == 0);
	/* root gets its bounding set from the program that it executes, unless that can give nothing. ALL
	 * means all that there are to give. */
	bool by_program = is_root && process->privilege_escalation != SAID_FALSE;
	if (process->security->capabilities_add == CAPABILITIES_ALL)
		return 0;
	return spec_ambient(process) & ~(by_program ? bounding : permitted);
}

uint64_t identity_missing(const struct pod_spec *pod, const struct process_spec *process)
{
	/* Most processes ask for none, and the sets are a system call for each capability. */
	return spec_ambient(process)
		? missing_of(pod, process, bounding_set(), identity_permitted())
		: 0;
}

/* All of it at once; allocates nothing. */
static void set_state(cap_t state, uint64_t effective, uint64_t inheritable)
{
	const struct {
		cap_flag_t flag;
		uint64_t set;
	} rows[] = {{CAP_PERMITTED, effective}, {CAP_EFFECTIVE, effective},
		{CAP_INHERITABLE, inheritable}};
	cap_clear(state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (cap_value_t n = 0; n < 64; n++) {
			if (rows[i].set >> n & 1)
				cap_set_flag(state, rows[i].flag, 1, &n, CAP_SET);
		}
	}
}

static int lowest(uint64_t set)
{
	for (int i = 0; i < 64; i++) {
		if (set >> i & 1)
			return i;
	}
	return -1;
}

int identity_open(
	struct identity *identity, const struct pod_spec *pod, const struct filters *filters)
{
	*identity = (struct identity){
		.pod = pod,
		.filters = filters,
		.bounding = bounding_set(),
		.permitted = identity_permitted(),
		.has_apparmor = label_has_apparmor(),
		.has_selinux = label_has_selinux(),
		.as_root = cap_init(),
		.as_user = cap_init(),
	};
	return identity->as_root && identity->as_user ? 0 : -ENOMEM;
}

void identity_close(struct identity *identity)
{
	cap_free(identity->as_root);
	cap_free(identity->as_user);
	identity->as_root = identity->as_user = NULL;
}

void identity_prepare(struct identity *identity, int index)
{
	const struct process_spec *process = &identity->pod->processes[index];
	uint64_t set = spec_capabilities(process);
	identity->process = process;
	identity->security = spec_security(identity->pod, process);
	identity->filter = filters_of(identity->filters, index);
	identity->lost = identity->bounding & ~set;
	identity->ambient = spec_ambient(process) & identity->permitted;
	identity->missing =
		lowest(missing_of(identity->pod, process, identity->bounding, identity->permitted));
	identity->says_capabilities = process->privileged || process->security->capabilities_add ||
		process->security->capabilities_drop;
	set_state(identity->as_root, set & identity->permitted, 0);
	set_state(identity->as_user, identity->ambient, identity->ambient);
}

/* Does it say whose groups it has? */
static bool says_groups(const struct identity *identity)
{
	return identity->security.user || identity->security.group ||
		identity->pod->supplemental_groups.count;
}

/* One process on its way to be what it is to be. */
struct assumption {
	const struct identity *identity;
	struct identity_choice *choice;
	struct spawn_error *error;
};

/* --- who: each step returns 0, -errno or SPAWN_STAGE_SAYS_IT --- */

/* Without a user podinit's own stays, and its groups. */
static int find_user(struct assumption *one)
{
	const struct identity *identity = one->identity;
	const char *user = identity->security.user;
	struct account account = {.uid = one->choice->uid, .gid = one->choice->gid};
	if (user && account_find_user(user, &account) < 0)
		return SPAWN_STAGE_SAYS_IT;
	/* Of itself podinit knows the group without the file. */
	if (*account.name || account.uid != one->choice->uid)
		one->choice->gid = account.gid;
	one->choice->uid = account.uid;
	one->choice->changes_user = user || identity->security.group;
	one->choice->changes_groups = says_groups(identity);
	if (!user) {
		int own = one->choice->changes_groups
			? getgroups(IDENTITY_GROUPS_MAX, one->choice->groups)
			: 0;
		one->choice->group_count = own < 0 ? 0 : own;
	} else if (!identity->pod->groups_strict) {
		one->choice->group_count =
			account_groups(account.name, one->choice->groups, IDENTITY_GROUPS_MAX);
	}
	return 0;
}

static int find_group(struct assumption *one)
{
	const char *group = one->identity->security.group;
	return group && account_find_group(group, &one->choice->gid) < 0 ? SPAWN_STAGE_SAYS_IT : 0;
}

static int find_supplemental_groups(struct assumption *one)
{
	const struct strings *names = &one->identity->pod->supplemental_groups;
	for (int i = 0; i < names->count && one->choice->group_count < IDENTITY_GROUPS_MAX; i++) {
		one->error->item = (uint16_t)i;
		if (account_find_group(
			    names->items[i], &one->choice->groups[one->choice->group_count]) < 0)
			return SPAWN_STAGE_SAYS_IT;
		one->choice->group_count++;
	}
	return 0;
}

static int refuse_root(struct assumption *one)
{
	bool refused = one->choice->uid == 0 && one->identity->security.non_root == SAID_TRUE;
	return refused ? SPAWN_STAGE_SAYS_IT : 0;
}

static int refuse_missing(struct assumption *one)
{
	if (one->identity->missing < 0)
		return 0;
	one->error->item = (uint16_t)one->identity->missing;
	return SPAWN_STAGE_SAYS_IT;
}

/* --- becoming it: from here on less and less is allowed --- */

static int set_apparmor(struct assumption *one)
{
	return label_set_apparmor(&one->identity->security, one->identity->has_apparmor);
}

static int set_selinux(struct assumption *one)
{
	return label_set_selinux(&one->identity->security, one->identity->has_selinux);
}

static bool has_group(const gid_t *groups, int count, gid_t group)
{
	for (int i = 0; i < count; i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

/* Where groups cannot be set at all (a user namespace of one user), those that one has will do if none is
 * missing. */
static bool has_all_groups(const struct assumption *one)
{
	gid_t own[IDENTITY_GROUPS_MAX];
	int count = getgroups(IDENTITY_GROUPS_MAX, own);
	for (int i = 0; i < one->choice->group_count; i++) {
		if (one->choice->groups[i] != one->choice->gid &&
			!has_group(own, count, one->choice->groups[i]))
			return false;
	}
	return true;
}

/* EINVAL is not about our arguments: a user namespace has only the numbers that are mapped. */
static int cannot_become(struct assumption *one, int error)
{
	if (error != EINVAL)
		return -error;
	one->error->stage = STAGE_UNMAPPED;
	return SPAWN_STAGE_SAYS_IT;
}

/* The system calls themselves: the C library's wrappers are about the threads of a program. */
static int set_groups(struct assumption *one)
{
	if (one->choice->changes_groups &&
		syscall(SYS_setgroups, one->choice->group_count, one->choice->groups) < 0 &&
		!(errno == EPERM && has_all_groups(one)))
		return cannot_become(one, errno);
	if (one->choice->changes_user &&
		syscall(SYS_setresgid, one->choice->gid, one->choice->gid, one->choice->gid) < 0)
		return cannot_become(one, errno);
	return 0;
}

/* What podinit has no right to take away stays, if nothing was said: that is the container's own set, and
 * the container was given it. */
static int drop_bounding(struct assumption *one)
{
	const struct identity *identity = one->identity;
	bool must = identity->says_capabilities &&
		identity->process->privilege_escalation != SAID_FALSE;
	for (int i = 0; i < 64; i++) {
		if ((identity->lost >> i & 1) && cap_drop_bound(i) < 0)
			return must ? -errno : 0;
	}
	return 0;
}

static int set_user(struct assumption *one)
{
	if (!one->choice->changes_user)
		return 0;
	/* Else the change would take the capabilities that a user is to have. */
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	bool failed =
		syscall(SYS_setresuid, one->choice->uid, one->choice->uid, one->choice->uid) < 0;
	int result = failed ? cannot_become(one, errno) : 0;
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return result;
}

static int set_capabilities(struct assumption *one)
{
	const struct identity *identity = one->identity;
	bool is_root = one->choice->uid == 0;
	if (cap_reset_ambient() < 0 && errno != EINVAL)
		return -errno;
	if (cap_set_proc(is_root ? identity->as_root : identity->as_user) < 0)
		return -errno;
	for (int i = 0; !is_root && i < 64; i++) {
		if ((identity->ambient >> i & 1) && cap_set_ambient(i, CAP_SET) < 0)
			return -errno;
	}
	return 0;
}

static bool gains_nothing(const struct identity *identity)
{
	return identity->process->privilege_escalation == SAID_FALSE;
}

static int lose_new_privileges(struct assumption *one)
{
	if (gains_nothing(one->identity) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

/* A filter can be installed by who may do anything, or by who can gain nothing any more: the first before
 * the privileges go, the second after all else, so that it need not allow what leads there. */
static int install_filter_early(struct assumption *one)
{
	const struct seccomp_program *filter = one->identity->filter;
	return filter && !gains_nothing(one->identity) ? seccomp_install(filter) : 0;
}

static int install_filter_late(struct assumption *one)
{
	const struct seccomp_program *filter = one->identity->filter;
	return filter && gains_nothing(one->identity) ? seccomp_install(filter) : 0;
}

struct step {
	enum spawn_stage stage;
	int (*make)(struct assumption *one);
};

static int take_steps(const struct step *steps, size_t count, struct assumption *one)
{
	int result = 0;
	for (size_t i = 0; i < count && result == 0; i++) {
		one->error->stage = (uint16_t)steps[i].stage;
		result = steps[i].make(one);
	}
	return result;
}

int identity_choose(
	const struct identity *identity, struct identity_choice *choice, struct spawn_error *error)
{
	static const struct step steps[] = {
		{STAGE_USER, find_user},
		{STAGE_GROUP, find_group},
		{STAGE_SUPPLEMENTAL_GROUP, find_supplemental_groups},
		{STAGE_NON_ROOT, refuse_root},
		{STAGE_CAPABILITY, refuse_missing},
		{STAGE_APPARMOR, set_apparmor},
		{STAGE_SELINUX, set_selinux},
	};
	struct assumption one = {.identity = identity, .choice = choice, .error = error};
	choice->uid = geteuid();
	choice->gid = getegid();
	choice->group_count = 0;
	return take_steps(steps, sizeof(steps) / sizeof(*steps), &one);
}

int identity_assume(
	const struct identity *identity, struct identity_choice *choice, struct spawn_error *error)
{
	static const struct step steps[] = {
		{STAGE_SET_GROUPS, set_groups},
		{STAGE_CAPABILITIES, drop_bounding},
		{STAGE_SECCOMP, install_filter_early},
		{STAGE_SET_USER, set_user},
		{STAGE_CAPABILITIES, set_capabilities},
		{STAGE_NO_NEW_PRIVILEGES, lose_new_privileges},
		{STAGE_SECCOMP, install_filter_late},
	};
	struct assumption one = {.identity = identity, .choice = choice, .error = error};
	return take_steps(steps, sizeof(steps) / sizeof(*steps), &one);
}

/* --- podinit itself --- */

int identity_keep(uint64_t capabilities)
{
	cap_t state = cap_init();
	if (!state)
		return -ENOMEM;
	set_state(state, identity_permitted() & capabilities, 0);
	int result = cap_reset_ambient() < 0 && errno != EINVAL ? -errno : 0;
	if (result == 0 && cap_set_proc(state) < 0)
		result = -errno;
	cap_free(state);
	/* The fewer capabilities it has, the more of those who are root have as many: they could trace
	 * it. For others than root this would close its own /proc to itself. */
	if (geteuid() == 0)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return result;
}
