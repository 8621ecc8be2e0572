#include "hv/base/cache.h"

/* Every x86-64 CPU has CLFLUSH; its line size is 64 bytes on all of them (CPUID.1:EBX[15:8] = 8). */
#define CACHE_LINE 64ull

void cache_flush(const void *start, size_t size)
{
	uintptr_t line = (uintptr_t)start & ~(CACHE_LINE - 1);

	for (; line < (uintptr_t)start + size; line += CACHE_LINE)
		__asm__ volatile("clflush (%0)" : : "r"(line) : "memory");
	__asm__ volatile("mfence" : : : "memory");
}
