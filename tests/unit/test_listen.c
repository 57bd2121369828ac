/* Values of `listen`: what is read, what is refused, what is written of it, and the checks across processes. */
#include "unit.h"

#include <string.h>

/* Reads a main with this listen, and writes the pod again: `written` is in that. */
static void reads_as(const char *value, const char *written)
{
	char ini[512], line[512];
	struct pod_spec spec;
	struct text text = text_in(ini, sizeof(ini)), wanted = text_in(line, sizeof(line)),
		    out = {0};
	text_add(&text, "%slisten = %s\n", MAIN("m"), value);
	text_add(&wanted, "\nlisten = %s\n", written);
	good_spec(&spec, ini);
	ini_write(&out, &spec);
	assert_contains(out.data, wanted.data);
	assert_spec_survives(&spec);
	text_finish(&out);
	spec_finish(&spec);
}

static void refused(const char *value, const char *why)
{
	char ini[1024];
	struct text text = text_in(ini, sizeof(ini));
	text_add(&text, "%slisten = %s\n", MAIN("m"), value);
	assert_contains(problems_of(ini), why);
	assert_int_equal(problem_count(), 1);
}

static void addresses(void **state)
{
	(void)state;
	reads_as("80", "80");
	reads_as("0.0.0.0:80", "0.0.0.0:80");
	reads_as("[::]:80 tcp", "'[::]:80'"); /* a shell's pattern */
	reads_as("dns=127.0.0.1:53   udp", "dns=127.0.0.1:53 dgram");
	reads_as("/run/x.sock mode=660 backlog=5", "/run/x.sock mode=0660 backlog=5");
	reads_as("/run/a=b.sock", "/run/a=b.sock");
	reads_as("q='/run/x y.sock' seqpacket", "'q=/run/x y.sock' seqpacket");
	reads_as("log=@log dgram", "log=@log dgram");
	reads_as("80\nlisten = 81", "80\nlisten = 81");
}

static void a_struct_is_made_of_it(void **state)
{
	struct pod_spec spec;
	(void)state;
	good_spec(&spec, MAIN("m") "listen = a=[::1]:8080\nlisten = /x mode=0600 seqpacket\n");
	const struct listens *listens = &spec.processes[0].lifecycle->listens;
	assert_int_equal(listens->count, 2);
	const struct listen_spec *first = &listens->items[0], *second = &listens->items[1];
	assert_string_equal(first->name, "a");
	assert_string_equal(first->address, "::1");
	assert_int_equal(first->family, LISTEN_IPV6);
	assert_int_equal(first->port, 8080);
	assert_int_equal(first->type, LISTEN_STREAM);
	assert_int_equal(first->mode, INT_UNSET);
	assert_int_equal(first->backlog, INT_UNSET);
	assert_null(second->name);
	assert_string_equal(second->address, "/x");
	assert_int_equal(second->family, LISTEN_UNIX);
	assert_int_equal(second->type, LISTEN_SEQPACKET);
	assert_int_equal(second->mode, 0600);
	spec_finish(&spec);
}

static void what_is_no_socket_is_refused(void **state)
{
	static const char *const wrong[] = {"0", "65536", "localhost:80", "1.2.3:80", "::1:80",
		"[::1]", "[::1:80", "[]:80", "[1.2.3.4]:80", "/", "@", "a=", "=80", "a:b=80",
		"80 sctp", "80 mode=", "80 backlog=0", "80 backlog=65536", "/x mode=1000",
		"/x mode=8", "/x mode=00660", "-1", "80x", ":80",
		"/12345678901234567890123456789012345678901234567890123456789012345678901234567890"
		"123456789012345678901234567"};
	(void)state;
	for (int i = 0; i < COUNT(wrong); i++)
		refused(wrong[i], "listen: must be [NAME=]ADDRESS with options");
	refused("80 seqpacket", "listen: seqpacket is for Unix sockets only");
	refused("80 mode=0600", "listen: mode= is for paths only");
	refused("@x mode=0600", "listen: mode= is for paths only");
	refused("80 udp backlog=5", "listen: backlog= is not for datagrams");
	refused("80 'udp", "listen: ");
}

static void nobody_is_given_anothers_socket(void **state)
{
	(void)state;
	assert_contains(problems_of(MAIN("m") "listen = 80\n" MAIN("n") "listen = x=80\n"),
		"main n: listen: 80 is main m's already");
	assert_int_equal(problem_count(), 1);
	assert_contains(problems_of(MAIN("m") "listen = /a\nlisten = /a dgram\n"),
		"main m: listen: /a is main m's already");
	struct pod_spec spec;
	good_spec(&spec, MAIN("m") "listen = 53\nlisten = 53 udp\n");
	spec_finish(&spec);
}

static void numbers_of_descriptors_do_not_clash(void **state)
{
	(void)state;
	assert_contains(problems_of(MAIN("m") "listen = 80\nlisten = 81\nnotifyFd = 4\n"),
		"main m: notifyFd: 4 is the number of a socket of listen, which has 3 to 4");
	struct pod_spec spec;
	good_spec(&spec, MAIN("m") "listen = 80\nlisten = 81\nnotifyFd = 5\n");
	spec_finish(&spec);
}

static void names_are_systemds(void **state)
{
	char name[DESCRIPTOR_NAME_MAX + 2];
	(void)state;
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_false(descriptor_name_is_valid(name));
	name[sizeof(name) - 2] = '\0';
	assert_true(descriptor_name_is_valid(name));
	assert_true(descriptor_name_is_valid("a b=c"));
	assert_false(descriptor_name_is_valid("a:b"));
	assert_false(descriptor_name_is_valid("a\nb"));
	assert_false(descriptor_name_is_valid("\xc3\xa9"));
}

int test_listen(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(a_struct_is_made_of_it),
		cmocka_unit_test(what_is_no_socket_is_refused),
		cmocka_unit_test(nobody_is_given_anothers_socket),
		cmocka_unit_test(numbers_of_descriptors_do_not_clash),
		cmocka_unit_test(names_are_systemds),
	};
	return UNIT_RUN("listen", tests);
}
