/*
 * One CPU rewrites an instruction while another runs it on device registers: what the hypervisor decodes is not
 * what made the exit.
 */
#include "guest/console.h"
#include "guest/cpu.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/trial.h"
#include "tests/smp/cpus.h"
#include "tests/smp/smp.h"

#define OUTSIDE	     0xD0000000u /* where nothing is */
#define ROUNDS	     3000
#define RFLAGS_FIXED 2

/* Opcode and ModRM of one on [RDI + 16], eight bytes with the two NOPs behind it. */
#define ON_RDI(opcode) (0x9090000000100000 | 0x8700 | (opcode))

/* All of one length, and all carried out: whichever is run, the next one is found. */
static const u64 alike[] = {
	ON_RDI(0x89), ON_RDI(0x8B), ON_RDI(0x01), ON_RDI(0x03), ON_RDI(0x87),
	ON_RDI(0x39), ON_RDI(0x84), ON_RDI(0x88), ON_RDI(0x21), ON_RDI(0x0B),
};

/* Of all lengths; some access nothing, and some are none. */
static const u64 of_any_kind[] = {
	ON_RDI(0x89),	    /* mov [rdi + 16], eax */
	0x9090909090900789, /* mov [rdi], eax */
	0x9090900000001047, /* a REX prefix, as if it were */
	0x9090909090900B0F, /* ud2 */
	0x909090909090A20F, /* cpuid */
	0x9090909090AAF390, /* rep stosb */
	0x90909090909080E6, /* out 0x80, al */
	0x9090909007100F90, /* movups xmm0, [rdi] */
	0x90909007C10F48F0, /* lock xadd [rdi], rax */
	0x90909090909090A4, /* movsb */
	0x9090900000C78166, /* add di, 0, and its prefix */
	0x9090909090909090,
};

extern const u8 trial_done[];

/* The instruction, and a jump that is always the same. */
static struct [[gnu::packed]] {
	volatile u64 instruction;
	u8 jump[6]; /* jmp [rip] */
	u64 target;
} code __attribute__((aligned(64)));

static const u64 *kinds;
static u32 kind_count;
static bool piecewise;
static volatile bool stop;

/* All at once, or byte by byte, so that halves of two meet. */
static void put(u64 instruction)
{
	volatile u8 *bytes = (volatile u8 *)&code.instruction;

	if (!piecewise)
		code.instruction = instruction;
	for (u32 i = 0; piecewise && i < 8; i++)
		bytes[i] = (u8)(instruction >> 8 * i);
}

static void rewrite(struct cpu *self)
{
	while (!stop)
		put(kinds[self->progress++ % kind_count]);
}

/* How often it ended in an exception. */
static u32 race(struct cpu *writer)
{
	static const u8 jump[] = {0xFF, 0x25, 0, 0, 0, 0};
	u64 progress = writer->progress;
	u32 faults = 0;

	trial_init();
	put(kinds[0]);
	memcpy(code.jump, jump, sizeof(jump));
	code.target = (u64)(uintptr_t)trial_done;
	stop = false;
	cpu_begin(writer, rewrite);
	WAIT_UNTIL(writer->progress != progress);
	for (u32 round = 0; round < ROUNDS; round++) {
		struct trial trial = {.rflags = RFLAGS_FIXED};

		for (u32 i = 0; i < ARRAY_SIZE(trial.gpr); i++)
			trial.gpr[i] = i == TRIAL_RCX ? 3 : OUTSIDE;
		faults += trial_run(&code, &trial) != TRIAL_WENT_ON;
	}
	stop = true;
	cpu_wait_idle(writer);
	return faults;
}

void smp_race(void)
{
	kinds = alike;
	kind_count = ARRAY_SIZE(alike);
	CHECK(race(&cpus[1]) == 0);
}

/* It may end the VM: as an access that is not carried out. */
void smp_race_any(void)
{
	kinds = of_any_kind;
	kind_count = ARRAY_SIZE(of_any_kind);
	piecewise = true;
	print("race: %u exceptions\n", race(&cpus[1]));
}
