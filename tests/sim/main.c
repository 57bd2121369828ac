/* podinit's simulator: random pods against the promises, a virtual clock, one core. The last line
 * says how many lives kept every promise. Must not decide anything about a life. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

enum { COVERED_LIVES = 100000, REPEATED_LIVES = 200 };

struct options {
	uint64_t seed, lives;
	bool one_life, verbose, coverage;
};

static const char USAGE[] =
	"usage: sim [--seed N] [--lives N] [--life SEED] [--verbose] [--coverage]\n"
	"  --seed N     of the first life; the next one has the next number\n"
	"  --lives N    how many (200000)\n"
	"  --life SEED  only that one, with all its events and actions\n"
	"  --verbose    the events and actions of every life\n"
	"  --coverage   what was exercised, also of a short run\n";

static uint64_t number(const char *word)
{
	char *end = NULL;
	uint64_t value = word ? strtoull(word, &end, 10) : 0;
	if (!word || end == word || *end) {
		fputs(USAGE, stderr);
		exit(2);
	}
	return value;
}

static struct options read_options(char **argv)
{
	struct timespec now;
	timespec_get(&now, TIME_UTC);
	struct options options = {
		.seed = ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000) %
			1000000000,
		.lives = 200000,
	};
	options.seed *= 1000000; /* room for a run's lives: no two runs share one */
	while (*++argv) {
		if (strcmp(*argv, "--seed") == 0) {
			options.seed = number(*++argv);
		} else if (strcmp(*argv, "--lives") == 0) {
			options.lives = number(*++argv);
		} else if (strcmp(*argv, "--life") == 0) {
			options.seed = number(*++argv);
			options.lives = 1;
			options.one_life = options.verbose = true;
		} else if (strcmp(*argv, "--verbose") == 0) {
			options.verbose = true;
		} else if (strcmp(*argv, "--coverage") == 0) {
			options.coverage = true;
		} else {
			fputs(USAGE, stderr);
			exit(2);
		}
	}
	return options;
}

/* The first lives once more: nothing but its seed may decide a life. */
static void check_that_lives_repeat(struct life *life, const struct options *options)
{
	static struct life again;
	life_create(&again);
	for (uint64_t i = 0; i < REPEATED_LIVES && i < options->lives; i++) {
		life_run(&again, options->seed + i);
		life_run(life, options->seed + i);
		if (life->hash != again.hash)
			promise_broken(life, PROMISE_ROBUST, "the same life went another way");
	}
	life_destroy(&again);
}

int main(int argc, char **argv)
{
	(void)argc;
	static struct life life; /* too large for some stacks */
	struct options options = read_options(argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("seed %llu, %llu lives\n", (unsigned long long)options.seed,
		(unsigned long long)options.lives);
	life_create(&life);
	life.verbose = options.verbose;
	for (uint64_t i = 0; i < options.lives; i++)
		life_run(&life, options.seed + i);
	uint64_t lives = coverage_lives();
	life.verbose = false;
	if (!options.one_life)
		check_that_lives_repeat(&life, &options);
	life_destroy(&life);
	int missing = lives >= COVERED_LIVES ? coverage_missing() : 0;
	if (lives >= COVERED_LIVES || options.coverage)
		coverage_print();
	printf("%llu passed, %d failed\n", (unsigned long long)lives, missing);
	return missing != 0;
}
