/*
 * Proof harnesses. A harness states a contract in its head, makes any input within its bounds by
 * proof_choose(), calls what it is about, and says by MUST() what has to hold of the outcome.
 *
 * Here proof() is run once for each way in which all its choices can be made, one after the other, with
 * the sanitizers watching: nothing within the bounds is left out. CBMC, where it is installed, takes all
 * of them at once (`make proof CBMC=cbmc`), in those harnesses that do not say why it can't.
 */
#ifndef TESTS_PROOF_PROOF_H
#define TESTS_PROOF_PROOF_H

#include <string.h>

#include "hv/base/bits.h"
#include "hv/base/bytes.h"

/* The harness. It keeps nothing from one call to the next. */
void proof(void);

#ifdef PROOF_CBMC

u32 nondet_u32(void);

#define MUST(condition) __CPROVER_assert(condition, #condition)
#define REACHED(point)	((void)(point))
#define PROOF_POINTS(count)

#ifdef PROOF_PATHS

bool nondet_bool(void);

/* A way of its own through the program for each value, which is a number there. */
static inline u32 proof_choose(u32 count)
{
	u32 value = 0;

	while (value + 1 < count && nondet_bool())
		value++;
	return value;
}

/* By elements of the type PROOF_SET, the one of what the harness has set: they stay numbers. */
#ifndef PROOF_SET
#define PROOF_SET u8
#endif
void *memset(void *to, int byte, size_t size)
{
	PROOF_SET value = 0;

	for (size_t i = 0; i < sizeof(value); i++)
		value |= (PROOF_SET)((PROOF_SET)(u8)byte << 8 * i);
	__CPROVER_assert(size % sizeof(value) == 0, "whole elements");
	for (size_t i = 0; i < size / sizeof(value); i++)
		((PROOF_SET *)to)[i] = value;
	return to;
}

#else

static inline u32 proof_choose(u32 count)
{
	u32 value = nondet_u32();

	__CPROVER_assume(value < count);
	return value;
}

#endif

/* In place of the hypervisor's: no invariant may be broken. */
void panic(const char *format, ...)
{
	(void)format;
	__CPROVER_assert(0, "no panic");
	__CPROVER_assume(0);
}

/* Byte by byte: the C library's of CBMC copies into an array of a size that may be anything. */
void *memcpy(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((u8 *)to)[i] = ((const u8 *)from)[i];
	return to;
}

/* Not in CBMC's C library, where its result would be anything. */
size_t strnlen(const char *text, size_t max)
{
	size_t length = 0;

	while (length < max && text[length])
		length++;
	return length;
}

/* Of a size that is a number: an array of a size that is anything takes hours. PROOF_EACH() makes it one. */
static inline u8 *proof_bytes(size_t size)
{
	u8 *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = 0;
	return bytes;
}

/* Goes through what follows with each value of 0 .. count - 1 as a number of its own, and takes one of them. */
#define PROOF_EACH(name, count)                                                                    \
	for (u32 name##_taken = proof_choose(count), name = 0; name < (count); name++)             \
		if (name == name##_taken)

#else

/* Any of 0 .. count - 1; count > 0. */
u32 proof_choose(u32 count);

/*
 * So many zeroed bytes, at most PROOF_BYTES_MAX, of which not one more may be touched on either side. They are
 * the same ones at each call.
 */
#define PROOF_BYTES_MAX 4096
u8 *proof_bytes(size_t size);

#define PROOF_EACH(name, count)                                                                    \
	for (u32 name = proof_choose(count), name##_done = 0; !name##_done; name##_done = 1)

/* Fails, and tells the choices that led there. */
#define MUST(condition)	    ((condition) ? (void)0 : proof_failed(__FILE__, __LINE__, #condition))
_Noreturn void proof_failed(const char *file, int line, const char *what);

/*
 * A harness whose inputs are all refused proves nothing: it says how many points it has that some input must
 * come to, and when one is there. At most 32.
 */
#define PROOF_POINTS(count) const unsigned proof_points = count
#define REACHED(point)	    proof_reached(point)
extern const unsigned proof_points;
void proof_reached(unsigned point);

#endif

/* Makes an ACPI table of these bytes: its signature, its length, less than 256, and a sum of 0. */
static inline void proof_seal(u8 *data, u32 size, const char *signature)
{
	u8 sum = 0;

	for (u32 i = 0; i < 4; i++)
		data[i] = (u8)signature[i];
	data[4] = (u8)size;
#ifdef PROOF_CBMC
	data[9] = (u8)proof_choose(256);
#endif
	for (u32 i = 0; i < size; i++)
		sum = (u8)(sum + data[i]);
#ifdef PROOF_CBMC
	__CPROVER_assume(sum == 0);
#else
	data[9] = (u8)-sum;
#endif
}

/* One of an array's elements. */
#define proof_one_of(array) ((array)[proof_choose(ARRAY_SIZE(array))])

#endif
