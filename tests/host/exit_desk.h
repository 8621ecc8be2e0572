/*
 * A vCPU that exited: guest RAM with code and page tables in it, a device that records what is done to it,
 * and a backend that records what is asked of it.
 */
#ifndef TESTS_HOST_EXIT_DESK_H
#define TESTS_HOST_EXIT_DESK_H

#include "tests/host/guest_memory.h"
#include "tests/host/harness.h"

#include "arch/x86/msr.h"
#include "hv/vm/exits.h"
#include "hv/vm/services.h"
#include "hv/vm/vm.h"

#define DESK_RAM    MIB(1)
#define DESK_CODE   0x1000ull
#define DESK_TABLES 0x80000ull /* the root; others follow it */
#define DESK_DEVICE 0xd0000000ull

#define PTE_P 1u
#define PTE_W 2u
#define PTE_U 4u

struct desk_access {
	bool write;
	u64 address; /* or port */
	u8 width;
	u64 value;
};

struct desk {
	struct vm vm;
	struct vcpu *vcpu;
	struct vcpu_state state;
	u32 state_reads;
	struct vm_exit exit;

	u32 access_count; /* of the device and of ports */
	struct desk_access access[2048];
	u64 next_read; /* what a device register or port reads; one more each time */
	u32 apic_accesses;
	u32 housekeepings;
	bool in_handler; /* exit_handle() is being called */

	u64 rip;     /* of the exit that is handled */
	u32 skipped; /* bytes, in all */
	u32 skips;
	u32 injections;
	struct vcpu_event event; /* the last one */

	u64 msr_value;
	bool msr_refused;

	u32 xcr0_writes;
	u64 xcr0; /* the last one's value */

	u32 cr4_writes;
	u64 cr4; /* the last one's value */
	bool cr4_refused;
};

extern struct desk desk;

/* 32-bit code without paging at DESK_CODE; everything recorded is forgotten. */
int desk_set_up(void **state);
int desk_tear_down(void **state);

/* Puts an instruction there. */
void desk_code(const void *code, u64 size);
#define DESK_CODE_IS(...) desk_code((const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

/* 64-bit code at CPL `cpl`, with the code mapped where it is. */
void desk_long_mode(u8 cpl);
/* Maps a page of linear addresses; flags PTE_*. 0 unmaps. */
void desk_map(u64 linear, u64 physical, u32 flags);

/* What the vCPU was moved on by is counted, and it is back. */
void desk_count_skip(void);

/* Hands desk.exit to exit_handle(). */
static inline void desk_handle(void)
{
	desk.rip = desk.vcpu->rip;
	desk.in_handler = true;
	assert_true(exit_handle(desk.vcpu, &desk.exit));
	desk.in_handler = false;
	desk_count_skip();
	assert_false(desk.vm.lock.held);
	assert_true(desk.vm.signals[0].away);
}

/* A nested fault at a guest-physical address, handled by mmio_fault(). */
void desk_fault(u64 address, bool write);

/* RAM of the guest. */
u64 desk_peek(u64 address, u8 width);
void desk_poke(u64 address, u8 width, u64 value);

#define DESK_TEST(function) cmocka_unit_test_setup_teardown(function, desk_set_up, desk_tear_down)

#endif
