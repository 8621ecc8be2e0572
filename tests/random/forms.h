/* The forms that random instructions have. */
#ifndef TESTS_RANDOM_FORMS_H
#define TESTS_RANDOM_FORMS_H

#include "hv/base/types.h"

/* What an instruction has behind its opcode, or before itself. */
enum shape {
	PLAIN,
	MODRM,	      /* any operation */
	MODRM_I8,     /* and a byte */
	MODRM_IZ,     /* and an operand's width, at most 4 bytes */
	SYSTEM_GROUP, /* LLDT and the like */
	GROUP,	      /* ModRM with the operation that .reg says */
	I8,
	IZ,
	SHORT, /* a jump forward */
	MOFFS,
	FAR_ADDRESS,
	PORT_DX,   /* with a port in DX */
	PCI,	   /* OUT of an address to CF8, then an access to CFC */
	MSR,	   /* with an MSR in ECX, a value in EDX and EAX */
	CPUID,	   /* with a leaf in EAX */
	CR_TOGGLE, /* a bit of CR .reg turned over */
	CR,	   /* any MOV to and from control and debug registers */
	EFER_TOGGLE,
	XCR,
	AWAY,  /* an access to memory by EBX, which has the address of something special */
	NOISE, /* random bytes */
};

/* .flags: where it is to be had, that its operand is memory, that nothing stands before it. */
enum {
	NOT_64 = 1,
	MEMORY = 2,
	NO_PREFIX = 4,
};

struct form {
	u8 weight; /* how often it comes, compared with the others */
	u8 shape;
	u8 flags;
	u8 reg;
	u8 size;
	u8 opcode[4];
};

extern const struct form forms[];
extern const unsigned form_count;

#endif
