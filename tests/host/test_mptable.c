// sources: hv/vm/mptable.c hv/vm/emit.c
#include "tests/host/harness.h"

#include "hv/base/bytes.h"
#include "hv/vm/mptable.h"
#include "hv/vm/vm.h"

#define AT 0xf0000

static struct vm vm;
static u8 buffer[MPTABLE_MAX];
static struct emit emit;

static int set_up(void **state)
{
	(void)state;
	memset(&vm, 0, sizeof(vm));
	vm.vcpu_count = 1;
	vm.vcpu[0].apic_id = 3;
	vm.pci.device_count = 3;
	vm.pci.device[0].pin = 16;
	vm.pci.device[1].pin = VPCI_NO_PIN;
	vm.pci.device[2].pin = 9;
	return 0;
}

static u8 sum(struct bytes b)
{
	u8 total = 0;

	for (size_t i = 0; i < b.size; i++)
		total = (u8)(total + b.data[i]);
	return total;
}

static size_t entry_size(struct bytes table, size_t at)
{
	return bytes_u8(table, at) == 0 ? 20 : 8;
}

/* The entries of a type, counted, the last of them in *last. */
static u32 entries(struct bytes table, u8 type, struct bytes *last)
{
	u32 found = 0, all = 0;
	size_t at = 44;

	for (; at < table.size; at += entry_size(table, at)) {
		all++;
		if (bytes_u8(table, at) != type)
			continue;
		*last = bytes_slice(table, at, entry_size(table, at));
		found++;
	}
	assert_int_equal(at, table.size);
	assert_int_equal(all, bytes_u16(table, 34));
	return found;
}

/* Makes both structures, checks what is always so, and returns the configuration table. */
static struct bytes make(void)
{
	struct bytes pointer = {buffer, 16};
	struct bytes table;

	emit = EMIT_INTO(buffer);
	mptable_make(&vm, AT, &emit);
	assert_false(emit.full);
	assert_memory_equal(buffer, "_MP_", 4);
	assert_int_equal(sum(pointer), 0);
	assert_int_equal(bytes_u32(pointer, 4), AT + 16);
	assert_int_equal(bytes_u8(pointer, 8), 1);
	assert_int_equal(bytes_u8(pointer, 9), 4);

	table = (struct bytes){buffer + 16, bytes_u16((struct bytes){buffer, emit.size}, 20)};
	assert_int_equal(table.size, emit.size - 16);
	assert_memory_equal(table.data, "PCMP", 4);
	assert_int_equal(sum(table), 0);
	assert_int_equal(bytes_u32(table, 36), 0xfee00000);
	return table;
}

static void test_entries(void **state)
{
	struct bytes table = make();
	struct bytes last = {};

	(void)state;
	assert_int_equal(entries(table, 0, &last), 1);
	assert_int_equal(bytes_u8(last, 1), 3);
	assert_int_equal(bytes_u8(last, 3), 3);
	assert_int_equal(entries(table, 1, &last), 2);
	assert_memory_equal(last.data + 2, "ISA   ", 6);
	assert_int_equal(entries(table, 2, &last), 1);
	assert_int_equal(bytes_u8(last, 1), 0);
	assert_int_equal(bytes_u32(last, 4), 0xfec00000);
	assert_int_equal(entries(table, 3, &last), 2 * 4 + 15);
	assert_int_equal(entries(table, 4, &last), 0);
}

static void test_wide_apic_id(void **state)
{
	struct bytes last = {};

	(void)state;
	vm.vcpu[0].apic_id = 254;
	assert_int_equal(entries(make(), 0, &last), 1);
	vm.vcpu[0].apic_id = 255;
	assert_int_equal(entries(make(), 0, &last), 0);
}

/* Every interrupt, by its bus and IRQ. */
static void test_interrupts(void **state)
{
	struct bytes table = make();
	u32 seen_isa = 0, seen_pci = 0;

	(void)state;
	for (size_t at = 44; at < table.size; at += entry_size(table, at)) {
		u8 irq = bytes_u8(table, at + 5), pin = bytes_u8(table, at + 7);

		if (bytes_u8(table, at) != 3)
			continue;
		assert_int_equal(bytes_u8(table, at + 1), 0);
		if (bytes_u8(table, at + 4) == 1) {
			assert_int_equal(bytes_u16(table, at + 2), 0);
			assert_int_equal(irq, pin);
			seen_isa |= 1u << irq;
		} else {
			assert_int_equal(bytes_u16(table, at + 2), 0xf);
			assert_int_equal(pin, irq >> 2 == 1 ? 16 : 9);
			seen_pci |= 1u << irq;
		}
	}
	assert_int_equal(seen_isa, 0xffff & ~(1u << 9));
	assert_int_equal(seen_pci, 0x00f0 | 0xf000);
}

static void test_full_bus(void **state)
{
	struct bytes last = {};

	(void)state;
	vm.pci.device_count = VPCI_MAX_DEVICES;
	for (u32 i = 0; i < VPCI_MAX_DEVICES; i++)
		vm.pci.device[i].pin = 23;
	assert_int_equal(entries(make(), 3, &last), 16 + 4 * VPCI_MAX_DEVICES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_entries, set_up),
		cmocka_unit_test_setup(test_wide_apic_id, set_up),
		cmocka_unit_test_setup(test_interrupts, set_up),
		cmocka_unit_test_setup(test_full_bus, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
