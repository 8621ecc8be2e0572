/*
 * The Intel MP table that a VM's kernel finds if it does not use ACPI (Intel MultiProcessor
 * Specification 1.4, chapter 4). Pure.
 */
#ifndef HV_VM_MPTABLE_H
#define HV_VM_MPTABLE_H

#include "hv/vm/emit.h"

struct vm;

#define MPTABLE_POINTER_SIZE 16
#define MPTABLE_MAX	     2048 /* bytes that both structures take at most */

/*
 * Writes the floating pointer structure and, right after it, the configuration table. at: the guest-physical
 * address of emit's first byte, 16-byte aligned. Only CPUs with APIC IDs below 255 can be in it.
 */
void mptable_make(const struct vm *vm, u32 at, struct emit *emit);

#endif
