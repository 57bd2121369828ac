/* Words of an actor, see words.h. Must not do anything of what they say. */
#include "words.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int64_t nanoseconds(const char *text)
{
	return (int64_t)(strtod(text, NULL) * 1e9);
}

static const struct {
	const char *name;
	int number;
} SIGNALS[] = {{"TERM", SIGTERM}, {"INT", SIGINT}, {"HUP", SIGHUP}, {"USR1", SIGUSR1},
	{"USR2", SIGUSR2}, {"QUIT", SIGQUIT}, {"WINCH", SIGWINCH}};

static bool read_signal(const char *text, int *signo)
{
	for (size_t i = 0; i < sizeof(SIGNALS) / sizeof(*SIGNALS); i++) {
		if (strcmp(text, SIGNALS[i].name) == 0) {
			*signo = SIGNALS[i].number;
			return true;
		}
	}
	return false;
}

/* "http:8080" */
static bool read_port(struct step_word *step, const char *text)
{
	static const char *const kinds[] = {"http", "https", "tcp", "grpc"};
	const char *colon = strchr(text, ':');
	for (size_t i = 0; colon && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strncmp(text, kinds[i], (size_t)(colon - text)) == 0 &&
			strlen(kinds[i]) == (size_t)(colon - text)) {
			step->text = kinds[i];
			step->number = atoi(colon + 1);
			return step->number > 0;
		}
	}
	return false;
}

static bool read_setting(struct actor_words *actor, const char *key, const char *value)
{
	if (strcmp(key, "of") == 0)
		actor->whose = value;
	else if (strcmp(key, "exit") == 0)
		actor->exit_code = atoi(value);
	else if (strcmp(key, "term-exit") == 0)
		actor->term_exit_code = atoi(value);
	else if (strcmp(key, "term-seconds") == 0)
		actor->term_ns = nanoseconds(value);
	else if (strcmp(key, "term-remove") == 0)
		actor->term_remove = value;
	else if (strcmp(key, "stop-signal") == 0)
		return read_signal(value, &actor->stop_signal);
	else if (strcmp(key, "term") == 0 && strcmp(value, "ignore") == 0)
		actor->at_term = TERM_IGNORED;
	else if (strcmp(key, "term") == 0 && strcmp(value, "default") == 0)
		actor->at_term = TERM_DEFAULT;
	else
		return false;
	return true;
}

static bool read_step(struct step_word *step, const char *key, const char *value)
{
	static const struct {
		const char *key;
		enum step_type type;
	} rows[] = {{"start-delay", STEP_START_DELAY}, {"delay", STEP_DELAY}, {"touch", STEP_TOUCH},
		{"remove", STEP_REMOVE}, {"exists", STEP_EXISTS}, {"exits", STEP_EXITS},
		{"print", STEP_PRINT}, {"print-env", STEP_PRINT_ENV}, {"child", STEP_CHILD},
		{"serve", STEP_SERVE}, {"status", STEP_STATUS}, {"redirect", STEP_REDIRECT},
		{"get", STEP_GET}, {"write", STEP_WRITE}, {"run", STEP_RUN}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(key, rows[i].key) != 0)
			continue;
		*step = (struct step_word){
			.type = rows[i].type,
			.text = value,
			.number = atoi(value),
			.seconds_ns = nanoseconds(value),
		};
		if (step->type == STEP_GET) /* "8080/path" */
			step->text = strchr(value, '/');
		if (step->type == STEP_SERVE)
			return read_port(step, value);
		return step->text;
	}
	return false;
}

static bool read_word(struct actor_words *actor, const char *word)
{
	char key[24];
	const char *equals = strchr(word, '=');
	struct step_word *step = &actor->steps[actor->step_count];
	if (actor->step_count == STEPS_MAX)
		return false;
	if (strcmp(word, "quiet") == 0) {
		actor->quiet = true;
		return true;
	}
	if (strcmp(word, "loop") == 0 || strcmp(word, "identity") == 0) {
		step->type = *word == 'l' ? STEP_LOOP : STEP_IDENTITY;
		actor->step_count++;
		return true;
	}
	if (!equals || (size_t)(equals - word) >= sizeof(key))
		return false;
	memcpy(key, word, (size_t)(equals - word));
	key[equals - word] = '\0';
	if (read_setting(actor, key, equals + 1))
		return true;
	if (!read_step(step, key, equals + 1))
		return false;
	actor->step_count++;
	return true;
}

bool actor_read(struct actor_words *actor, int argc, const char *const *argv, const char **bad)
{
	*bad = argc > 1 ? argv[1] : "no name";
	if (argc < 2)
		return false;
	*actor = (struct actor_words){
		.name = argv[1], .whose = argv[1], .stop_signal = SIGTERM, .term_exit_code = -1};
	for (int i = 2; i < argc; i++) {
		*bad = argv[i];
		if (!read_word(actor, argv[i]))
			return false;
	}
	if (actor->term_exit_code < 0)
		actor->term_exit_code = actor->exit_code;
	return true;
}

int exits_code(const char *text, int run)
{
	for (int i = 1; i < run; i++) {
		text = strchr(text, ',');
		if (!text)
			return -1;
		text++;
	}
	return *text == '-' ? -1 : atoi(text);
}
