/* Pieces of code that may end in an exception, run one by one; tables of them are made by trial.inc. */
#ifndef TESTS_ATTACK_TRIAL_H
#define TESTS_ATTACK_TRIAL_H

#include "hv/base/types.h"

/* Registers in the order of their encoding; RSP's place is not used. */
enum { TRIAL_RAX, TRIAL_RCX, TRIAL_RDX, TRIAL_RBX, TRIAL_RBP = 5, TRIAL_RSI, TRIAL_RDI };

struct trial {
	u64 gpr[16];
	u64 rflags;
	/* Of the exception that ended it. */
	u64 error;
	u64 rip;
	u64 cr2;
};

#define TRIAL_WENT_ON 256

/* The last row of a table has no name. */
struct trial_row {
	const char *name;
	const void *code;
};

/* All exceptions are caught from now on: those outside of trials end the guest. */
void trial_init(void);

/* Has that vector lead to the handler, by the gate that there is. */
void trial_set_gate(unsigned vector, const void *handler);

/*
 * Runs the code with the registers of `trial`, which get what it left in them. Returns the vector of the
 * exception that it ended in, or TRIAL_WENT_ON. Interrupts stay as the flags have them.
 */
u32 trial_run(const void *code, struct trial *trial);

/* The row of that name, NULL if there is none. */
struct text;
const struct trial_row *trial_find(const struct trial_row *rows, const struct text *name);

#endif
