/* What the parts of the guest that runs random instructions share. */
#ifndef TESTS_RANDOM_RANDOM_H
#define TESTS_RANDOM_RANDOM_H

#include "tests/random/burst.h"

/* --- main.c: chance --- */

u64 random_number(void);
/* Less than bound, which is not 0. */
u32 random_below(u32 bound);
/* True in so many of a hundred cases. */
bool random_percent(u32 percent);

/* --- values.c: numbers that mean something --- */

struct machine {
	u64 ram_end;
	u64 bar; /* registers of a device that the VM owns; 0: it has none */
	u64 cr4; /* what of VME, PVI, TSD, DE, OSFXSR, OSXMMEXCPT and SMEP may be set */
};

extern struct machine machine;

u64 random_ram(void);
u64 random_address(void); /* tables, device registers, nothing */
u64 random_value(void);
u32 random_msr(void);
u16 random_port(void);

/* --- modes.c: a mode, with registers and tables for it --- */

enum mode {
	MODE_LONG,
	MODE_COMPATIBLE_32,
	MODE_COMPATIBLE_16,
	MODE_PROTECTED_32,
	MODE_PROTECTED_16,
	MODE_V86,
	MODE_REAL,
	MODE_COUNT,
};

enum paging {
	PAGING_NONE,
	PAGING_32,
	PAGING_PAE,
	PAGING_LONG,
};

/* What the instructions depend on. */
struct burst_kind {
	enum mode mode;
	enum paging paging;
	bool user;
	u8 bits;       /* of code */
	u8 *code;      /* where it is to be */
	u8 *code_end;  /* no byte of it there */
	u64 code_base; /* of its segment */
};

/* Makes all of a burst but its code. */
void mode_make(struct burst_kind *kind);

/* tables.c */
void tables_make(void);
/* The page tables for a kind of burst; what CR3 gets. */
u64 paging_make(enum paging paging, bool user);

/* generate.c: fills the code, and the burst's boundaries. */
void code_make(const struct burst_kind *kind);

#endif
