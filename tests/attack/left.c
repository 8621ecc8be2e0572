/* How a guest ends, and what is left of it: for those that come after it on its CPU and in its memory. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/attack.h"
#include "tests/attack/vectors.h"

/* Memory that no loader writes to. */
#define LEFT_START MIB(8)
#define LEFT_SIZE  MIB(2)

#define CR4_OSFXSR  BIT(9)
#define CR4_OSXSAVE BIT(18)

#define CPUID_1_ECX_XSAVE BIT(26)
#define CPUID_XSAVE	  0xD
#define XCR0_PKRU	  BIT(9)

/* Intel SDM volume 1, 13.4: the header behind what FXSAVE has, then all other components. */
#define XSAVE_HEADER 512
#define XSAVE_OTHERS 576
#define XSAVE_MAX    4096

/* Intel SDM volume 1, table 10-2: where the FXSAVE area has what. */
#define FX_CONTROL     0
#define FX_MXCSR       24
#define FX_REGISTERS   32
#define FX_VECTORS     160
#define FX_VECTORS_END 416
#define FX_PATTERN     0xa5

#define FX_CONTROL_RESET 0x37F /* all exceptions masked, the widest precision */
#define FX_CONTROL_LEFT	 0x27F
#define MXCSR_RESET	 0x1F80
#define MXCSR_LEFT	 0x7F80 /* towards zero */

/* Of which FXSAVE takes the beginning. */
static u8 fx[XSAVE_MAX] __attribute__((aligned(64)));

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

static void put_word(unsigned at, u32 value)
{
	memcpy(fx + at, &value, sizeof(value));
}

static u32 word_at(unsigned at)
{
	u32 value;

	memcpy(&value, fx + at, sizeof(value));
	return value;
}

/* All that XSAVE manages for this guest, or can be had to (vectors.c); 0: it has no XSAVE. */
static u64 turn_components_on(void)
{
	struct cpuid leaf = cpu_id(CPUID_XSAVE);
	u64 shown = (u64)leaf.edx << 32 | leaf.eax;
	bool has_xsave = cpu_id(1).ecx & CPUID_1_ECX_XSAVE;
	u64 cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	cr4 |= CR4_OSFXSR | (has_xsave ? CR4_OSXSAVE : 0);
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4));
	if (!has_xsave)
		return 0;
	vectors_init();
	return vectors_set(0, shown | XCR0_PKRU) || vectors_set(0, shown) ? vectors_get() : 0;
}

static void xsave(u64 components)
{
	memset(fx + XSAVE_HEADER, 0, XSAVE_MAX - XSAVE_HEADER);
	__asm__ volatile("xsave64 %0"
			 : "+m"(fx)
			 : "a"((u32)components), "d"((u32)(components >> 32)));
}

static void xrstor(u64 components)
{
	memset(fx + XSAVE_HEADER, 0, XSAVE_OTHERS - XSAVE_HEADER);
	memcpy(fx + XSAVE_HEADER, &components, sizeof(components));
	__asm__ volatile("xrstor64 %0"
			 :
			 : "m"(fx), "a"((u32)components), "d"((u32)(components >> 32)));
}

static void leave_registers(u64 components)
{
	memset(fx + FX_REGISTERS, FX_PATTERN, FX_VECTORS_END - FX_REGISTERS);
	memset(fx + XSAVE_OTHERS, FX_PATTERN, XSAVE_MAX - XSAVE_OTHERS);
	put_word(FX_CONTROL, FX_CONTROL_LEFT);
	put_word(FX_MXCSR, MXCSR_LEFT);
	if (components)
		xrstor(components);
	else
		__asm__ volatile("fxrstor %0" : : "m"(fx));
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr1; mov %0, %%dr2; mov %0, %%dr3"
			 :
			 : "r"(0x1234ull));
}

void attack_left(struct text value)
{
	u8 *memory = (u8 *)(uintptr_t)LEFT_START;
	u32 xsave_size = 0;
	u64 components = turn_components_on();

	(void)value;
	if (components) {
		xsave(components);
		xsave_size = cpu_id(CPUID_XSAVE).ebx;
	} else {
		__asm__ volatile("fxsave %0" : "+m"(fx));
	}
	print("left: %u bytes of memory, %u of x87, %u of SSE, %u of others, %u debug registers\n",
	      count_set(memory, LEFT_SIZE), count_set(fx + FX_REGISTERS, FX_VECTORS - FX_REGISTERS),
	      count_set(fx + FX_VECTORS, FX_VECTORS_END - FX_VECTORS),
	      count_set(fx + XSAVE_OTHERS, XSAVE_MAX - XSAVE_OTHERS), debug_registers_set());
	print("left: x87 %s, SSE %s; components %#llx, %u bytes\n",
	      (u16)word_at(FX_CONTROL) == FX_CONTROL_RESET ? "as after reset" : "CHANGED",
	      word_at(FX_MXCSR) == MXCSR_RESET ? "as after reset" : "CHANGED",
	      (unsigned long long)components, xsave_size);
	memset(memory, FX_PATTERN, LEFT_SIZE);
	leave_registers(components);
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
