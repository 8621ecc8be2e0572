/*
 * Goes through all choices: like an odometer, of which the wheels and the number of figures on each show only
 * as it is read. The last choice goes on; where it is through, it is taken off, and the one before it goes on.
 */
#include "tests/proof/proof.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>

#include "hv/base/cache.h"
#include "hv/base/panic.h"

#define MAX_CHOICES 256

static struct {
	u32 value, count;
} choice[MAX_CHOICES];
static unsigned known, at;
static u32 reached;

static _Alignas(16) u8 memory[PROOF_BYTES_MAX + 32];

u32 proof_choose(u32 count)
{
	if (at == known) {
		MUST(count && known < MAX_CHOICES);
		choice[known].value = 0;
		choice[known++].count = count;
	}
	MUST(choice[at].count == count); /* the same choices before it led here */
	return choice[at++].value;
}

/* False once all have been made. What comes after the last choice made is another's, and forgotten. */
static bool next(void)
{
	known = at;
	at = 0;
	while (known && choice[known - 1].value + 1 == choice[known - 1].count)
		known--;
	if (known)
		choice[known - 1].value++;
	return known;
}

u8 *proof_bytes(size_t size)
{
	MUST(size <= PROOF_BYTES_MAX);
	ASAN_UNPOISON_MEMORY_REGION(memory, sizeof(memory));
	memset(memory + 16, 0, size);
	ASAN_POISON_MEMORY_REGION(memory, 16);
	ASAN_POISON_MEMORY_REGION(memory + 16 + size, sizeof(memory) - 16 - size);
	return memory + 16;
}

static void tell_choices(void)
{
	fprintf(stderr, "choices:");
	for (unsigned i = 0; i < at; i++)
		fprintf(stderr, " %u", choice[i].value);
	fprintf(stderr, "\n");
}

_Noreturn void proof_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	tell_choices();
	exit(1);
}

void proof_reached(unsigned point)
{
	MUST(point < proof_points);
	reached |= 1u << point;
}

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	tell_choices();
	abort();
}

void cache_flush(const void *start, size_t size)
{
	(void)start;
	(void)size;
}

int main(void)
{
	unsigned long cases = 0;

	__sanitizer_set_death_callback(tell_choices);
	do {
		proof();
		cases++;
	} while (next());
	printf("%lu cases\n", cases);
	for (unsigned i = 0; i < proof_points; i++) {
		if (!(reached & 1u << i)) {
			printf("none came to point %u\n", i);
			return 1;
		}
	}
	return 0;
}
