/* Words of a command line with POSIX shell quoting. Must not expand anything: $HOME and $(VAR) are
 * plain characters here. */
#include "words.h"

#include <stdbool.h>
#include <string.h>

static const char BLANKS[] = " \t\n\r\v\f";

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One escape of $'...', after the backslash. Returns where it ends, NULL if it makes no sense. */
static const char *dollar_escape(const char *s, char *out)
{
	static const char letters[] = "abefnrtv\\'\"", values[] = "\a\b\033\f\n\r\t\v\\'\"";
	const char *letter = *s ? strchr(letters, *s) : NULL;
	if (letter) {
		*out = values[letter - letters];
		return s + 1;
	}
	int value = 0, digits = 0;
	if (*s == 'x') {
		for (s++; digits < 2 && hex_digit(*s) >= 0; digits++)
			value = value * 16 + hex_digit(*s++);
	} else {
		for (; digits < 3 && *s >= '0' && *s <= '7'; digits++)
			value = value * 8 + (*s++ - '0');
	}
	/* NUL cannot be in an argument. */
	if (!digits || value == 0 || value > 255)
		return NULL;
	*out = (char)value;
	return s;
}

static const char BAD_ESCAPE[] =
	"an escape in $'...' is not one of \\a \\b \\e \\f \\n \\r \\t \\v "
	"\\\\ \\' \\\" \\xHH \\OOO";

/* Reads $'...' from after its opening quote. Returns where it ended, or NULL and a problem. */
static const char *dollar_quoted(const char *s, struct text *word, const char **problem)
{
	while (*s != '\'') {
		char c = *s;
		if (!c) {
			*problem = "a $' is not closed";
			return NULL;
		}
		s++;
		if (c == '\\') {
			s = dollar_escape(s, &c);
			if (!s) {
				*problem = BAD_ESCAPE;
				return NULL;
			}
		}
		text_add_bytes(word, &c, 1);
	}
	return s + 1;
}

static const char *double_quoted(const char *s, struct text *word, const char **problem)
{
	while (*s != '"') {
		if (*s == '\\' && s[1] == '\n') {
			s += 2;
			continue;
		}
		if (*s == '\\' && s[1] && strchr("$`\"\\", s[1]))
			s++;
		if (!*s) {
			*problem = "a \" is not closed";
			return NULL;
		}
		text_add_bytes(word, s++, 1);
	}
	return s + 1;
}

static const char *single_quoted(const char *s, struct text *word, const char **problem)
{
	const char *end = strchr(s, '\'');
	if (!end) {
		*problem = "a ' is not closed";
		return NULL;
	}
	text_add_bytes(word, s, (size_t)(end - s));
	return end + 1;
}

/* Reads one word; s is at its first character. */
static const char *read_word(const char *s, struct text *word, const char **problem)
{
	while (s && *s && !strchr(BLANKS, *s)) {
		if (*s == '\'') {
			s = single_quoted(s + 1, word, problem);
		} else if (*s == '"') {
			s = double_quoted(s + 1, word, problem);
		} else if (*s == '$' && s[1] == '\'') {
			s = dollar_quoted(s + 2, word, problem);
		} else if (*s == '\\') {
			if (!s[1]) {
				*problem = "a \\ ends the value";
				return NULL;
			}
			if (s[1] != '\n')
				text_add_bytes(word, s + 1, 1);
			s += 2;
		} else {
			text_add_bytes(word, s++, 1);
		}
	}
	return s;
}

const char *words_split(struct arena *arena, struct strings *words, const char *line)
{
	const char *problem = NULL;
	struct text word = {0};
	const char *s = line + strspn(line, BLANKS);
	while (*s) {
		/* A word may be empty: ''. */
		text_clear(&word);
		s = read_word(s, &word, &problem);
		if (!s)
			break;
		strings_add(arena, words,
			arena_strndup(arena, word.data ? word.data : "", word.length));
		s += strspn(s, BLANKS);
	}
	text_finish(&word);
	return problem;
}

static bool is_plain(const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_-+=./:,@%^";
	return *word && !word[strspn(word, safe)];
}

static bool has_control(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

static void dollar_quote(struct text *out, const char *word)
{
	text_add(out, "$'");
	for (; *word; word++) {
		if (*word == '\'' || *word == '\\')
			text_add(out, "\\%c", *word);
		else if (*word == '\n')
			text_add(out, "\\n");
		else if (*word == '\t')
			text_add(out, "\\t");
		else if ((unsigned char)*word < 0x20 || *word == 0x7f)
			text_add(out, "\\%03o", *word);
		else
			text_add_bytes(out, word, 1);
	}
	text_add(out, "'");
}

void words_quote(struct text *out, const char *word)
{
	if (is_plain(word)) {
		text_add(out, "%s", word);
	} else if (has_control(word) || strchr(word, '\'')) {
		dollar_quote(out, word);
	} else {
		text_add(out, "'%s'", word);
	}
}

void words_join(struct text *out, const struct strings *words)
{
	for (int i = 0; i < words->count; i++) {
		if (i)
			text_add(out, " ");
		words_quote(out, words->items[i]);
	}
}

const char *text_unquote(struct arena *arena, const char *value, const char **plain)
{
	const char *problem = NULL;
	size_t length = strlen(value);
	*plain = value;
	if (length < 3 || strncmp(value, "$'", 2) != 0 || value[length - 1] != '\'')
		return NULL;
	struct text text = {0};
	const char *end = dollar_quoted(value + 2, &text, &problem);
	if (end && *end)
		problem = "something follows the closing ' of $'...'";
	else if (end)
		*plain = arena_strndup(arena, text.data ? text.data : "", text.length);
	text_finish(&text);
	return problem;
}

void text_quote(struct text *out, const char *plain)
{
	size_t length = strlen(plain);
	bool outer_blank =
		length && (strchr(BLANKS, plain[0]) || strchr(BLANKS, plain[length - 1]));
	if (has_control(plain) || outer_blank || strncmp(plain, "$'", 2) == 0)
		dollar_quote(out, plain);
	else
		text_add(out, "%s", plain);
}
