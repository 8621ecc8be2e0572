#include "arch/x86/guest_xcr0.h"

#include "hv/base/bits.h"

#define XCR0_X87    BIT(0)
#define XCR0_SSE    BIT(1)
#define XCR0_AVX    BIT(2)
#define XCR0_AVX512 BITS(7, 5) /* opmask, the upper halves of ZMM0-15, ZMM16-31 */

bool guest_xcr0_is_valid(u64 allowed, u64 value)
{
	if (value & ~allowed || !(value & XCR0_X87))
		return false;
	if (value & XCR0_AVX && !(value & XCR0_SSE))
		return false;
	if (value & XCR0_AVX512)
		return value & XCR0_AVX && (value & XCR0_AVX512) == XCR0_AVX512;
	return true;
}
