/* --plan: order, identity of the command, mounts, restarts, the end. */
#include "unit.h"

static const char *plan(const char *ini)
{
	static char buffer[8192];
	struct pod_spec spec;
	struct text text = text_in(buffer, sizeof(buffer));
	good_spec(&spec, ini);
	spec_plan(&spec, &text);
	assert_false(text.truncated);
	spec_finish(&spec);
	return buffer;
}

static void order_and_commands(void **state)
{
	(void)state;
	const char *said =
		plan("[pod]\nname = web\nrestartPolicy = Never\n"
		     "terminationGracePeriodSeconds = 7\nactiveDeadlineSeconds = 60\n"
		     "[main m]\ncommand = /bin/sh -c 'echo $(A)'\nenv = A=b c\nargs = z\n"
		     "[sidecar s]\ncommand = s\n[init i]\ncommand = i\n");
	assert_contains(said, "Pod web: restartPolicy Never, grace 7 s, fails after 60 s\n");
	assert_contains(said, "  1. sidecar s: must have started before the next starts\n");
	assert_contains(said, "  2. init i: must end with 0 before the next starts\n");
	assert_contains(said, "  3. main m: starts when everything above is done or started\n");
	assert_contains(said, " /bin/sh -c 'echo b c' z\n");
	assert_contains(said, " 'A=b c'\n");
	assert_contains(said, "Stop: the mains together, then s; ");
	assert_contains(said, "SIGKILL after 7 s, all gone within 2 s more.\n");
}

static void restarts(void **state)
{
	(void)state;
	assert_contains(plan(MAIN("m")),
		"always; delays 0, 10, 20, 40 ... 300 s after each end; "
		"forgotten after 600 s of running\n");
	assert_contains(plan(POLICY("Never") MAIN("m")), "restart   never\n");
	assert_contains(plan(POLICY("Always") INIT("i") MAIN("m")), "restart   on failure; delays");
	assert_contains(plan(POLICY("Never") SIDECAR("s") MAIN("m")), "restart   always; delays");
	assert_contains(
		plan(MAIN("m") "restartPolicy = Never\nrestartPolicyRules = Restart In 1\n"),
		"never, 1 rules first; delays 0, 10, 20, 40");
	assert_contains(plan(MAIN("m") "backoff.maxSeconds = 10\n"), "delays 0, 10 s after");
	assert_contains(plan(MAIN("m") "backoff.initialSeconds = 0.2\nbackoff.maxSeconds = 0.4\n"),
		"delays 0, 200ms, 400ms after each end");
	assert_contains(
		plan(MAIN("m") "backoff.maxSeconds = 25\n"), "delays 0, 10, 20, 25 s after");
	assert_contains(plan(MAIN("m") "backoff.initialSeconds = 300\n"), "delays 0, 300 s after");
}

/* Twice nothing is nothing: it never reaches backoff.maxSeconds. */
static void restarts_without_delay(void **state)
{
	(void)state;
	const char *said = plan(MAIN("m") "backoff.initialSeconds = 0\n");
	assert_contains(said, "delays 0");
	assert_false(contains(said, "300"));
}

static void mounts_and_root(void **state)
{
	(void)state;
	const char *said = plan(
		"[volume h]\nhostPath.path = /srv/x\n[volume e]\nemptyDir =\n"
		"[volume m]\nemptyDir.medium = Memory\n" MAIN(
			"web") "rootfs = /roots/web\nworkingDir = /w\nlifecycle.stopSignal = QUIT\n"
			       "securityContext.readOnlyRootFilesystem = true\n"
			       "volumeMounts = h:/h:ro\nvolumeMounts = e:/e:subPath=a\n"
			       "volumeMounts = m:/m\n");
	assert_contains(said, "/w of /roots/web, read-only\n");
	assert_contains(said, "h at /h, read-only (hostPath /srv/x)\n");
	assert_contains(said, "e at /e, only a of it (emptyDir)\n");
	assert_contains(said, "m at /m (emptyDir in memory)\n");
	assert_contains(said, "SIGQUIT, SIGKILL at the end of the grace\n");
}

static void identity(void **state)
{
	(void)state;
	assert_contains(plan(MAIN("m")), "as        user as podinit\n");
	assert_contains(plan(MAIN("m")), "may       CHOWN, DAC_OVERRIDE, FOWNER, ");
	const char *said =
		plan("[pod]\nsecurityContext.runAsUser = web\n"
		     "securityContext.runAsNonRoot = true\n"
		     "securityContext.supplementalGroups = 5, disk\n" MAIN(
			     "m") "securityContext.capabilities.drop = ALL\n"
				  "securityContext.capabilities.add = KILL\n"
				  "securityContext.allowPrivilegeEscalation = false\n"
				  "securityContext.seccompProfile.type = RuntimeDefault\n");
	assert_contains(said,
		"as        user web, group as in /etc/passwd, or 0, 5, disk; not if that is "
		"root\n");
	assert_contains(said, "may       KILL; at most, by file: KILL; gains no privileges\n");
	assert_contains(said, "filter    seccomp the runtime's default, AppArmor podinit's own\n");
	assert_contains(said, "podinit keeps: KILL, SETGID, SETUID, SETPCAP.\n");
	said = plan(MAIN("m") "securityContext.runAsGroup = 7\nsecurityContext.privileged = true\n"
			      "securityContext.seccompProfile.type = Localhost\n"
			      "securityContext.seccompProfile.localhostProfile = /p/f\n"
			      "securityContext.appArmorProfile.type = Unconfined\n");
	assert_contains(said, "as        user as podinit, group 7\n");
	assert_contains(said, "may       all\n");
	assert_contains(said, "filter    seccomp /p/f, AppArmor none\n");
	assert_contains(said, "podinit keeps: all.\n");
}

static void limits_and_resources(void **state)
{
	(void)state;
	const char *said =
		plan(MAIN("m") "nice = 5\nrlimit.nofile = 10:20\ncpuAffinity = 0,1,3\n"
			       "resources.requests.cpu = 0.5\nresources.limits.memory = 1Ki\n"
			       "umask = 027\n");
	assert_contains(said, "limit     nice = 5\n");
	assert_contains(said, "limit     rlimit.nofile = 10:20\n");
	assert_contains(said, "limit     umask = 027\n");
	assert_contains(said, "limit     cpuAffinity = 0-1,3\n");
	assert_contains(said, "cpu       500m CPUs requested\n");
	assert_contains(said, "memory    1024 bytes requested, at most 1024\n");
	assert_contains(said,
		"Needs: 500m CPUs, 1024 bytes of memory.\n"
		"At most: any number of CPUs, 1024 bytes of memory.\n");
	assert_contains(plan(MAIN("m") "umask = 0\n"), "limit     umask = 00\n");
	assert_false(contains(plan(MAIN("m")), "limit "));
}

static void readiness_and_dependencies(void **state)
{
	(void)state;
	const char *said = plan(MAIN("db") "notify = all\nwatchdogSeconds = 9\n" MAIN(
		"d") "daemonPidFile = /run/d.pid\ndependsOn = db:ready\ndependsOn = "
		     "g\n" MAIN("g") "daemon = true\nnotifyFd = 5\n"
				     "listen = 80\nlisten = a=@x dgram\n");
	assert_contains(said, "says      READY=1 by sd_notify: it, or what it started\n");
	assert_contains(said, "watchdog  restarted when it is silent for 9 s\n");
	assert_contains(said, "after     db:ready\n     after     g\n");
	assert_contains(said, "daemon    what its program leaves, by /run/d.pid\n");
	assert_contains(said, "daemon    what its program leaves, found without a pid file\n");
	assert_contains(said, "says      a line on descriptor 5 when it is ready\n");
	assert_contains(said, "listen    80, stream, as descriptor 3, named g\n");
	assert_contains(said, "listen    @x, dgram, as descriptor 4, named a\n");
	assert_contains(said, "Stop: the mains together, each after those that depend on it; ");
	assert_contains(plan(MAIN("m") "notify = main\n"), "by sd_notify: its main process\n");
}

static void probes(void **state)
{
	(void)state;
	const char *said = plan(MAIN("m") "ports = web:8080\n"
					  "env = F=/a b\n"
					  "startupProbe.exec.command = test -e $(F)\n"
					  "startupProbe.failureThreshold = 30\n"
					  "livenessProbe.httpGet.port = web\n"
					  "livenessProbe.httpGet.httpHeaders = Host: x\n"
					  "livenessProbe.httpGet.httpHeaders = A: b\n"
					  "livenessProbe.terminationGracePeriodSeconds = 5\n"
					  "livenessProbe.timeoutSeconds = 1.5\n"
					  "readinessProbe.tcpSocket.port = 1\n"
					  "readinessProbe.successThreshold = 2\n"
					  "readinessProbe.initialDelaySeconds = 3\n");
	assert_contains(said,
		"startup   test -e '/a b'; every 10 s, from 0 s on, within 1 s; "
		"good after 1, bad after 30\n");
	assert_contains(said,
		"liveness  GET http://127.0.0.1:8080/ with Host: x, A: b; every 10 s, from 0 s on, "
		"within 1500ms; good after 1, bad after 3; its stop has 5 s\n");
	assert_contains(said,
		"readiness connect to 127.0.0.1:1; every 10 s, from 3 s on, within 1 s; "
		"good after 2, bad after 3\n");
	said = plan(MAIN("m") "livenessProbe.httpGet.host = ::1\nlivenessProbe.httpGet.port = 2\n"
			      "livenessProbe.httpGet.scheme = HTTPS\n"
			      "livenessProbe.httpGet.path = x\nreadinessProbe.grpc.port = 7\n"
			      "startupProbe.grpc.port = 8\nstartupProbe.grpc.service = s\n");
	assert_contains(said, "liveness  GET https://[::1]:2/x; every ");
	assert_contains(said, "readiness gRPC health at 127.0.0.1:7; every ");
	assert_contains(said, "startup   gRPC health of s at 127.0.0.1:8; every ");
}

static void hooks_and_changes(void **state)
{
	(void)state;
	const char *said = plan(MAIN("m") "lifecycle.preStart.exec.command = mk 'a b'\n"
					  "lifecycle.postStart.sleep.seconds = 2\n"
					  "lifecycle.preStop.httpGet.port = 80\n"
					  "lifecycle.postStop.exec.command = rm x\n"
					  "lifecycle.reload.signal = HUP\n"
					  "watch = /etc/m\nwatch = /etc/n\n");
	assert_contains(said,
		"     preStart  mk 'a b'\n"
		"     postStart wait 2 s\n"
		"     preStop   GET http://127.0.0.1:80/\n"
		"     postStop  rm x\n"
		"     watch     /etc/m\n"
		"     watch     /etc/n\n"
		"     reload    SIGHUP\n");
	assert_contains(plan(MAIN("m") "watch = /etc/m\n"), "reload    by a restart\n");
	assert_contains(
		plan(MAIN("m") "lifecycle.reload.exec.command = mctl go\n"), "reload    mctl go\n");
	assert_false(contains(plan(MAIN("m")), "reload"));
}

static void what_an_end_means(void **state)
{
	(void)state;
	const char *said = plan(MAIN("m") "successExitCodes = 143, 3\nonExit = stop\n"
					  "backoff.jitterPercent = 20\nbackoff.maxRestarts = 7\n");
	assert_contains(said, "success   exit code 0, 3, 143\n");
	assert_contains(said, "at last   ends the pod\n");
	assert_contains(said, "300 s after each end, up to 20 % more; forgotten after 600 s of ");
	assert_contains(said, "running; 7 in a row at most\n");
	assert_contains(plan(MAIN("m") "onExit = stopOnFailure\n"),
		"at last   ends the pod if it failed\n");
}

int test_plan(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_commands),
		cmocka_unit_test(restarts),
		cmocka_unit_test(restarts_without_delay),
		cmocka_unit_test(mounts_and_root),
		cmocka_unit_test(identity),
		cmocka_unit_test(limits_and_resources),
		cmocka_unit_test(readiness_and_dependencies),
		cmocka_unit_test(probes),
		cmocka_unit_test(hooks_and_changes),
		cmocka_unit_test(what_an_end_means),
	};
	return UNIT_RUN("plan", tests);
}
