/*
 * What an instruction does with a value that it reads from or writes to memory, where that memory is
 * a device's registers. Pure: the caller makes the accesses.
 *
 *	if (!instruction_is_emulated(insn))
 *		... stop, or inject;
 *	if (insn->reads)
 *		value = device read of insn->width bytes;
 *	result = emulate(insn, gpr, &rflags, value);
 *	if (insn->writes)
 *		device write of result, insn->width bytes;
 *	rip = next_rip(insn, rip);
 *
 * A string instruction is one such step for each of string_count() elements, followed by
 * string_advance(); without any left, only rip moves. MOVS has two places: the result of emulate() goes
 * to insn->destination, and either of both may be memory of the guest.
 *
 * gpr[] must hold all 16 registers, RSP and RAX too, wherever the backend keeps them.
 */
#ifndef ARCH_X86_EMULATE_H
#define ARCH_X86_EMULATE_H

#include "arch/x86/decode.h"

/* False for what was decoded only because it is intercepted, such as OUTS, INS and SMSW. */
static inline bool instruction_is_emulated(const struct instruction *insn)
{
	return insn->operation >= INSN_FIRST_EMULATED;
}

/* Those that are done element by element. */
static inline bool instruction_is_string(const struct instruction *insn)
{
	return insn->operation == INSN_MOVS || insn->operation == INSN_STOS ||
	       insn->operation == INSN_LODS || insn->operation == INSN_INS ||
	       insn->operation == INSN_OUTS;
}

/*
 * Changes registers and flags as the instruction does, given what it read (anything, if it reads
 * nothing), and returns what it writes: the low insn->width bytes, all above them 0. Flags that the
 * manuals leave undefined are as AMD's and QEMU's CPUs have them: AF is 0 after logical operations, BT
 * changes only CF.
 */
u64 emulate(const struct instruction *insn, u64 gpr[GPR_COUNT], u64 *rflags, u64 memory);

/* How many elements are left: rCX under a repeat prefix, else 1. */
u64 string_count(const struct instruction *insn, const u64 gpr[GPR_COUNT]);

/* Moves rSI and rDI past count elements, by RFLAGS.DF, and lowers rCX under a repeat prefix. */
void string_advance(const struct instruction *insn, u64 gpr[GPR_COUNT], u64 rflags, u64 count);

#endif
