/* Reading command lines: words, numbers, sizes and PCI addresses, out of text that nobody checked. */
#ifndef HV_VM_WORDS_H
#define HV_VM_WORDS_H

#include "drivers/pci.h"

/* A piece of text without a NUL of its own. */
struct text {
	const char *start;
	size_t length;
};

struct text text_of(const char *string);
bool text_is(struct text text, const char *string);

/* Copies text into a buffer of size bytes, cut to fit, with a NUL. */
void text_copy(struct text text, char *buffer, size_t size);

/*
 * Takes what stands before the first separator out of *rest, and the separator with it. False when
 * *rest is empty. A separator ' ' also means tabs and newlines, and several in a row count as one.
 */
bool text_next(struct text *rest, char separator, struct text *part);

/* True, with the text after it in *value, if word begins with key, as in "mem=64M" and "mem=". */
bool text_value(struct text word, const char *key, struct text *value);

/* All of text is a number: decimal, or hexadecimal after 0x. False also on overflow. */
bool text_number(struct text text, u64 *number);

/* A number of bytes with nothing, K, M or G (either case) after it. */
bool text_size(struct text text, u64 *size);

/* "BB:DD.F" or "SSSS:BB:DD.F" in hexadecimal, as lspci has it. */
bool text_sbdf(struct text text, struct sbdf *address);

#endif
