// sources: hv/vm/ipi.c
#include "tests/host/harness.h"

#include "arch/x86/apic.h"
#include "hv/vm/ipi.h"
#include "hv/vm/vm.h"

#define CPUS	4
#define ALL	0xfu
#define VECTOR	0x51u
#define LOGICAL 0x800u

static struct vm vm;
/* With x2APIC, IDs are in more than one cluster. */
static const u32 ids[CPUS] = {3, 5, 9, 18};

/* --- What comes of an IPI: a set of vCPUs for each kind, at most once each --- */

static u32 fixed, inits, startups, nmis;
static u8 page;

static void note(u32 *set, u32 target)
{
	assert_true(target < vm.vcpu_count);
	assert_false(*set & BIT(target));
	*set |= (u32)BIT(target);
}

void apic_send_fixed(u32 destination, u8 vector)
{
	assert_int_equal(vector, VECTOR);
	for (u32 n = 0; n < vm.vcpu_count; n++)
		if (ids[n] == destination) {
			note(&fixed, n);
			return;
		}
	fail_msg("the CPU with APIC ID %u is not the VM's", destination);
}

void startup_send_init(struct vm *of, u32 target)
{
	assert_ptr_equal(of, &vm);
	note(&inits, target);
}

void startup_send_startup(struct vm *of, u32 target, u8 at)
{
	assert_ptr_equal(of, &vm);
	note(&startups, target);
	page = at;
}

void startup_send_nmi(struct vm *of, u32 target)
{
	assert_ptr_equal(of, &vm);
	note(&nmis, target);
}

static void send(u32 from, u32 destination, u32 command)
{
	fixed = inits = startups = nmis = page = 0;
	ipi_send(&vm, &vm.vcpu[from], destination, command);
}

/* A set of vCPUs by what is left of the command: nothing else comes of it. */
static void expect(u32 mode, u32 set)
{
	assert_int_equal(fixed, mode == 0 ? set : mode == 1 ? set & -set : 0);
	assert_int_equal(nmis, mode == 4 ? set : 0);
	assert_int_equal(inits, mode == 5 ? set : 0);
	assert_int_equal(startups, mode == 6 ? set : 0);
	assert_int_equal(page, mode == 6 && set ? VECTOR : 0);
}

static int begin(enum vlapic_mode mode)
{
	memset(&vm, 0, sizeof(vm));
	vm.vcpu_count = CPUS;
	for (u32 n = 0; n < CPUS; n++) {
		vm.vcpu[n].apic_id = ids[n];
		vm.vlapic[n] = (struct vlapic){.mode = mode, .ldr = 1u << (24 + n), .dfr = ~0u};
	}
	return 0;
}

static int xapic(void **state)
{
	(void)state;
	return begin(VLAPIC_XAPIC);
}

static int x2apic(void **state)
{
	(void)state;
	return begin(VLAPIC_X2APIC);
}

static u32 physical(u32 destination, u32 broadcast)
{
	if (destination == broadcast)
		return ALL;
	for (u32 n = 0; n < CPUS; n++)
		if (ids[n] == destination)
			return (u32)BIT(n);
	return 0;
}

static void test_physical(void **state)
{
	(void)state;
	for (u32 from = 0; from < CPUS; from++)
		for (u32 mode = 0; mode < 8; mode++)
			for (u32 destination = 0; destination < 256; destination++) {
				send(from, destination, 0x4000 | mode << 8 | VECTOR);
				expect(mode, physical(destination, 0xff));
			}
}

static void test_shorthands(void **state)
{
	(void)state;
	for (u32 from = 0; from < CPUS; from++)
		for (u32 mode = 0; mode < 8; mode++)
			for (u32 shorthand = 1; shorthand < 4; shorthand++) {
				u32 self = (u32)BIT(from);
				u32 set = shorthand == 1   ? self
					  : shorthand == 2 ? ALL
							   : ALL & ~self;

				/* INIT and the like can't name the sender so (table 11-3). */
				send(from, ids[0], shorthand << 18 | 0x4000 | mode << 8 | VECTOR);
				expect(mode, mode > 1 && shorthand != 3 ? 0 : set);
			}
}

static void test_logical_flat(void **state)
{
	(void)state;
	for (u32 mode = 0; mode < 8; mode++)
		for (u32 set = 0; set < 256; set++) {
			send(1, set, LOGICAL | 0x4000 | mode << 8 | VECTOR);
			expect(mode, set & ALL);
		}
}

static void test_logical_clusters(void **state)
{
	(void)state;
	for (u32 n = 0; n < CPUS; n++) {
		vm.vlapic[n].dfr = 0x0fffffff;
		vm.vlapic[n].ldr = (n / 2) << 28 | 1u << (24 + n % 2);
	}
	for (u32 destination = 0; destination < 255; destination++) {
		u32 cluster = destination >> 4;

		send(0, destination, LOGICAL | 0x4000 | VECTOR);
		expect(0, cluster < 2 ? (destination & 3) << 2 * cluster : 0);
	}
	send(0, 0xff, LOGICAL | 0x4000 | VECTOR);
	expect(0, ALL);
}

static void test_x2apic(void **state)
{
	(void)state;
	for (u32 destination = 0; destination < 0x200; destination++) {
		send(2, destination, 0x4000 | VECTOR);
		expect(0, physical(destination, ~0u)); /* 255 is a CPU */
	}
	send(2, ~0u, 0x4000 | VECTOR);
	expect(0, ALL);
	/* 11.12.10.2: cluster above, one bit each below. */
	for (u32 bits = 0; bits < 0x10000; bits++) {
		u32 set = (bits >> 3 & 1) | (bits >> 5 & 1) << 1 | (bits >> 9 & 1) << 2;

		send(2, bits, LOGICAL | 0x4000 | VECTOR);
		expect(0, set);
		send(2, 0x10000 | bits, LOGICAL | 0x4000 | VECTOR);
		expect(0, (bits >> 2 & 1) << 3);
		send(2, 0x20000 | bits, LOGICAL | 0x4000 | VECTOR);
		expect(0, 0);
	}
	send(2, ~0u, LOGICAL | 0x4000 | VECTOR);
	expect(0, ALL);
}

static void test_vectors(void **state)
{
	(void)state;
	for (u32 vector = 0; vector < 32; vector++) {
		send(0, 0, 0x80000 | 0x4000 | vector);
		assert_int_equal(fixed, 0);
		ipi_send_self(&vm.vcpu[1], (u8)vector);
		assert_int_equal(fixed, 0);
	}
	ipi_send_self(&vm.vcpu[1], VECTOR);
	assert_int_equal(fixed, BIT(1));
}

/* Level triggered without the level: nothing but an INIT's end, which no CPU has looked at for long. */
static void test_init_deassert(void **state)
{
	(void)state;
	send(0, 0xff, 0x8500 | VECTOR);
	expect(5, 0);
	send(0, 0xff, 0xc500 | VECTOR);
	expect(5, ALL);
	send(0, 0xff, 0x0500 | VECTOR); /* the level means nothing of an edge */
	expect(5, ALL);
}

/* Their local APICs are off; of several that could take an interrupt, one that runs does. */
static void test_waiting(void **state)
{
	(void)state;
	vm.startup[0].waits = vm.startup[2].waits = true;
	send(1, 0xff, 0x4000 | VECTOR);
	assert_int_equal(fixed, ALL & ~5u);
	send(1, 0xff, 0x4100 | VECTOR);
	assert_int_equal(fixed, BIT(1));
	send(1, ids[2], 0x4000 | VECTOR);
	assert_int_equal(fixed, 0);
	assert_int_equal(vm_destination(&vm, 0xff, false), 1);
	assert_int_equal(vm_destination(&vm, 0xc, true), 3);
	assert_int_equal(vm_destination(&vm, ids[2], false), 2);
	assert_int_equal(vm_destination(&vm, 0x4, true), 2);
	assert_int_equal(vm_destination(&vm, 0x10, true), -1);
	assert_int_equal(vm_destination(&vm, 4, false), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_physical, xapic),
		cmocka_unit_test_setup(test_shorthands, xapic),
		cmocka_unit_test_setup(test_shorthands, x2apic),
		cmocka_unit_test_setup(test_logical_flat, xapic),
		cmocka_unit_test_setup(test_logical_clusters, xapic),
		cmocka_unit_test_setup(test_x2apic, x2apic),
		cmocka_unit_test_setup(test_vectors, xapic),
		cmocka_unit_test_setup(test_init_deassert, xapic),
		cmocka_unit_test_setup(test_waiting, xapic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
