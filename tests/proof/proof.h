/*
 * Proof harnesses. A harness states a contract in its head, makes any input within its bounds by
 * proof_choose(), calls what it is about, and says by MUST() what has to hold of the outcome.
 *
 * Here proof() is run once for each way in which all its choices can be made, one after the other, with
 * the sanitizers watching: nothing within the bounds is left out. CBMC, where it is installed, takes all
 * of them at once (`make proof CBMC=cbmc`), in those harnesses that it is known to be through with in minutes.
 */
#ifndef TESTS_PROOF_PROOF_H
#define TESTS_PROOF_PROOF_H

#include <string.h>

#include "hv/base/bits.h"
#include "hv/base/bytes.h"

/* The harness. It keeps nothing from one call to the next. */
void proof(void);

#ifdef PROOF_CBMC

#include <stdlib.h>

u32 nondet_u32(void);

#define MUST(condition) __CPROVER_assert(condition, #condition)
#define REACHED(point)	((void)(point))
#define PROOF_POINTS(count)

static inline u32 proof_choose(u32 count)
{
	u32 value = nondet_u32();

	__CPROVER_assume(value < count);
	return value;
}

static inline u8 *proof_bytes(size_t size)
{
	u8 *bytes = malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = 0;
	return bytes;
}

#else

/* Any of 0 .. count - 1; count > 0. */
u32 proof_choose(u32 count);

/*
 * So many zeroed bytes, at most PROOF_BYTES_MAX, of which not one more may be touched on either side. They are
 * the same ones at each call.
 */
#define PROOF_BYTES_MAX	    4096
u8 *proof_bytes(size_t size);

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

/* One of an array's elements. */
#define proof_one_of(array) ((array)[proof_choose(ARRAY_SIZE(array))])

#endif
