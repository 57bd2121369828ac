/* Words of a command line, with POSIX shell quoting and no shell: '...', "...", backslash and
 * $'...' (POSIX.1-2024). Must not expand anything. */
#ifndef PODINIT_SPEC_WORDS_H
#define PODINIT_SPEC_WORDS_H

#include "arena.h"
#include "text.h"

/* Appends the words of `line` to `words`. Returns NULL, or what is wrong ("a ' is not closed"),
 * a static text. */
const char *words_split(struct arena *arena, struct strings *words, const char *line);

/* Adds `word` so that words_split() reads it back as one word, on one line. */
void words_quote(struct text *out, const char *word);
void words_join(struct text *out, const struct strings *words);

/* A value that is a single text may be written literally or, where that would lose something
 * (line breaks, outer spaces), whole in $'...'. Both return as words_split() does; *plain is in
 * the arena or `value` itself. */
const char *text_unquote(struct arena *arena, const char *value, const char **plain);
void text_quote(struct text *out, const char *plain);

#endif
