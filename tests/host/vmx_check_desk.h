/* Entries in each mode that a guest can be in, and rows that change one: what the checks' tests share. */
#ifndef TESTS_HOST_VMX_CHECK_DESK_H
#define TESTS_HOST_VMX_CHECK_DESK_H

#include "tests/host/vmx_desk.h"

/* Modes that a guest can be in at an entry. */
enum mode {
	FLAT, /* 32-bit, without paging: as reset leaves it */
	LONG,
	PAE,
	REAL,
	VM86,
	MODES,
};

static inline void set_segments(u64 rights, u64 limit)
{
	for (unsigned n = 0; n < SEGMENT_COUNT; n++) {
		vmcs_write(vmcs_of_segment(VMCS_GUEST_SELECTOR, n), 0x1000 + n);
		vmcs_write(vmcs_of_segment(VMCS_GUEST_BASE, n), (0x1000 + n) << 4);
		vmcs_write(vmcs_of_segment(VMCS_GUEST_LIMIT, n), limit);
		vmcs_write(vmcs_of_segment(VMCS_GUEST_RIGHTS, n), rights);
	}
}

static inline void set_mode(enum mode mode)
{
	vmx_reset(&vcpu, &desk_start);
	desk_enter();
	if (mode == REAL)
		vmcs_write(VMCS_GUEST_CR0, CR0_NE | CR0_ET);
	else if (mode != FLAT)
		vmcs_write(VMCS_GUEST_CR0, CR0_PG | CR0_PE | CR0_NE | CR0_ET);
	if (mode == LONG || mode == PAE)
		vmcs_write(VMCS_GUEST_CR4, CR4_VMXE | CR4_MCE | CR4_PAE);
	if (mode == LONG) {
		vmcs_write(VMCS_ENTRY_CONTROLS, vmx_caps.entry | VMX_ENTRY_LONG_MODE);
		vmcs_write(VMCS_GUEST_EFER, EFER_LME | EFER_LMA | EFER_NXE);
		set_cs_rights(0xa09b);
		vmcs_write(VMCS_GUEST_RIP, 0xffffffff81000000);
	}
	for (unsigned i = 0; i < 4 && mode == PAE; i++)
		vmcs_write((enum vmcs_field)(VMCS_GUEST_PDPTE + 2 * i), 0x5001 + 0x1000 * i);
	if (mode == REAL)
		set_segments(0x93, 0xffff);
	if (mode == VM86) {
		set_segments(0xf3, 0xffff);
		vmcs_write(VMCS_GUEST_RFLAGS, RFLAGS_VM | RFLAGS_FIXED);
	}
}

struct row {
	enum mode mode;
	const char *reason; /* NULL: it is taken */
	struct {
		u16 field;
		u64 value;
	} set[4];
};

static inline void check_row(const struct row *row)
{
	const char *reason;

	set_mode(row->mode);
	for (unsigned i = 0; i < ARRAY_SIZE(row->set) && (i == 0 || row->set[i].field); i++)
		vmcs_write(row->set[i].field, row->set[i].value);
	reason = vmx_check_entry(&vmx_caps);
	if (!reason != !row->reason || (reason && strcmp(reason, row->reason)))
		fail_msg("%#x = %#llx: \"%s\", not \"%s\"", row->set[0].field,
			 (unsigned long long)row->set[0].value, reason ? reason : "nothing",
			 row->reason ? row->reason : "nothing");
}

#define check_rows(rows)                                                                           \
	do {                                                                                       \
		for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)                                    \
			check_row(&(rows)[i]);                                                     \
	} while (0)

#define ES(first) ((first) + 0)
#define CS(first) ((first) + 2)
#define SS(first) ((first) + 4)
#define DS(first) ((first) + 6)
#define FS(first) ((first) + 8)
#define GS(first) ((first) + 10)
#define LD(first) ((first) + 12)
#define TR(first) ((first) + 14)
#define SELECTOR  VMCS_GUEST_SELECTOR
#define RIGHTS	  VMCS_GUEST_RIGHTS
#define LIMIT	  VMCS_GUEST_LIMIT
#define BASE	  VMCS_GUEST_BASE

#define EVENT  VMCS_ENTRY_EVENT
#define ERROR  VMCS_ENTRY_EVENT_ERROR
#define LENGTH VMCS_ENTRY_INSTRUCTION_LENGTH

#define CR0  VMCS_GUEST_CR0
#define CR4  VMCS_GUEST_CR4
#define EFER VMCS_GUEST_EFER

#define NOT_CANONICAL 0x0000800000000000
#define UNUSABLE      0x10000

#endif
