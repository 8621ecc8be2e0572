/*
 * A VMCS as an array of fields, in place of arch/x86/vmx/vmcs.c. A field that there is not, a write to one
 * that is the CPU's to write, and a read of one that nobody wrote fail the test.
 */
#ifndef TESTS_FAKE_VMCS_H
#define TESTS_FAKE_VMCS_H

#include "arch/x86/vmx/vmcs.h"

/* As after VMCLEAR and VMPTRLD: no field was written. */
void fake_vmcs_clear(void);

/* What the CPU leaves in a field, those of exits too. */
void fake_vmcs_set(enum vmcs_field field, u64 value);

bool fake_vmcs_is_written(enum vmcs_field field);

struct fake_invalidation {
	unsigned count;
	u64 type, context; /* the last one's */
};
extern struct fake_invalidation fake_invept, fake_invvpid;

#endif
