/* How a guest ends, and what is left of it: for those that come after it on its CPU and in its memory. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/attack.h"

/* Memory that no loader writes to. */
#define LEFT_START MIB(8)
#define LEFT_SIZE  MIB(2)

#define CR4_OSFXSR BIT(9)

/* Intel SDM volume 1, table 10-2: where the FXSAVE area has what. */
#define FX_SIZE	       512
#define FX_REGISTERS   32
#define FX_VECTORS     160
#define FX_VECTORS_END 416
#define FX_PATTERN     0xa5

static u8 fx[FX_SIZE] __attribute__((aligned(16)));

static u32 count_set(const u8 *bytes, u64 size)
{
	u32 count = 0;

	for (u64 i = 0; i < size; i++)
		count += bytes[i] != 0;
	return count;
}

static u32 debug_registers_set(void)
{
	u64 value[4];

	__asm__ volatile("mov %%dr0, %0; mov %%dr1, %1; mov %%dr2, %2; mov %%dr3, %3"
			 : "=r"(value[0]), "=r"(value[1]), "=r"(value[2]), "=r"(value[3]));
	return !!value[0] + !!value[1] + !!value[2] + !!value[3];
}

static void leave_registers(void)
{
	memset(fx + FX_REGISTERS, FX_PATTERN, FX_VECTORS_END - FX_REGISTERS);
	__asm__ volatile("fxrstor %0" : : "m"(fx));
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3"
			 :
			 : "r"(0x1234ull));
}

void attack_left(struct text value)
{
	u8 *memory = (u8 *)(uintptr_t)LEFT_START;
	u64 cr4;

	(void)value;
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_OSFXSR));
	__asm__ volatile("fxsave %0" : "=m"(fx));
	print("left: %u bytes of memory, %u of x87, %u of SSE, %u debug registers\n",
	      count_set(memory, LEFT_SIZE), count_set(fx + FX_REGISTERS, FX_VECTORS - FX_REGISTERS),
	      count_set(fx + FX_VECTORS, FX_VECTORS_END - FX_VECTORS), debug_registers_set());
	memset(memory, FX_PATTERN, LEFT_SIZE);
	leave_registers();
}

/* No handler for the fault, none for the double fault that comes of it: the VM's CPU shuts down. */
void attack_crash(struct text value)
{
	static const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) no_table;

	(void)value;
	__asm__ volatile("lidt %0; ud2" : : "m"(no_table));
}
