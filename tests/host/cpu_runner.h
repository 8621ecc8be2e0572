/*
 * Runs one instruction on the machine's own CPU, with all registers but RSP and the flags at will. For
 * instructions that neither jump nor use the stack.
 */
#ifndef TESTS_HOST_CPU_RUNNER_H
#define TESTS_HOST_CPU_RUNNER_H

#include "tests/host/harness.h"

#include <sys/mman.h>

#include "arch/x86/vcpu.h"
#include "hv/base/bits.h"

/* What the generated code loads and stores; it knows the offsets. */
struct cpu_state {
	u64 gpr[GPR_COUNT]; /* but for RSP */
	u64 rflags;
};

struct cpu_runner {
	u8 *code;
	u8 *slot; /* where in code the instruction goes */
};

static inline void put(u8 **at, const void *bytes, size_t size)
{
	memcpy(*at, bytes, size);
	*at += size;
}

/* mov between register r and [rdi + 8 * r]: opcode 8B loads, 89 stores. */
static inline void put_mov(u8 **at, u8 opcode, u8 r)
{
	const u8 code[] = {0x48 | (r & 8 ? 4 : 0), opcode, 0x47 | (r & 7) << 3, r * 8};

	put(at, code, sizeof(code));
}

/*
 * A function of (struct cpu_state *): saves what the C side needs kept, loads the state, runs what is in
 * the 16 bytes at slot, and stores the state.
 */
static inline void cpu_runner_make(struct cpu_runner *runner)
{
	static const u8 enter[] = {
		0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41,
		0x56, 0x41, 0x57,			  /* push rbx rbp r12-r15 */
		0x57,					  /* push rdi */
		0xff, 0xb7, 0x80, 0,	0,    0,    0x9d, /* push [rdi+128]; popfq */
	};
	static const u8 leave[] = {
		0x48, 0x87, 0x3c, 0x24, /* xchg rdi, [rsp] */
		0x8f, 0x47, 0x38,	/* pop [rdi+56] */
	};
	static const u8 back[] = {
		0x9c, 0x8f, 0x87, 0x80, 0,    0,    0, /* pushfq; pop [rdi+128] */
		0xfc,				       /* cld */
		0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41,
		0x5c, 0x5d, 0x5b, /* pop r15-r12 rbp rbx */
		0xc3,
	};
	u8 *at = runner->code;

	put(&at, enter, sizeof(enter));
	for (unsigned r = 0; r < GPR_COUNT; r++) {
		if (r != GPR_RSP && r != GPR_RDI)
			put_mov(&at, 0x8b, (u8)r);
	}
	put_mov(&at, 0x8b, GPR_RDI);
	runner->slot = at;
	at += 16;
	put(&at, leave, sizeof(leave));
	for (unsigned r = 0; r < GPR_COUNT; r++) {
		if (r != GPR_RSP && r != GPR_RDI)
			put_mov(&at, 0x89, (u8)r);
	}
	put(&at, back, sizeof(back));
}

static inline void cpu_runner_put(struct cpu_runner *runner, const u8 *code, u8 length)
{
	memset(runner->slot, 0x90, 16);
	memcpy(runner->slot, code, length);
}

static inline void cpu_runner_run(struct cpu_runner *runner, struct cpu_state *state)
{
	void (*function)(struct cpu_state *);

	memcpy(&function, &runner->code, sizeof(function));
	function(state);
}

/* Memory below 4 GiB; NULL if there is none. */
static inline u8 *memory_below_4g(size_t size, int protection)
{
	void *memory = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static inline bool cpu_runner_open(struct cpu_runner *runner)
{
	runner->code = memory_below_4g(PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
	if (runner->code)
		cpu_runner_make(runner);
	return runner->code;
}

#endif
