#include "tests/host/exit_desk.h"

#include "arch/x86/clock.h"
#include "hv/vm/housekeeping.h"
#include "hv/vm/mmio.h"
#include "hv/vm/msr.h"
#include "hv/vm/ports.h"

struct desk desk;
struct services services;

/* --- The backend -------------------------------------------------------------------------------- */

static void inject(struct vcpu *vcpu, const struct vcpu_event *event)
{
	assert_ptr_equal(vcpu, desk.vcpu);
	desk.injections++;
	desk.event = *event;
}

static void state_of(const struct vcpu *vcpu, struct vcpu_state *state)
{
	assert_ptr_equal(vcpu, desk.vcpu);
	desk.state_reads++;
	*state = desk.state;
}

void guest_xcr0_write(u64 value)
{
	desk.xcr0_writes++;
	desk.xcr0 = value;
}

static enum status write_cr4(struct vcpu *vcpu, u64 value)
{
	assert_ptr_equal(vcpu, desk.vcpu);
	desk.cr4_writes++;
	desk.cr4 = value;
	return desk.cr4_refused ? ERR_INVALID : OK;
}

static const struct vcpu_ops ops = {
	.inject = inject,
	.state = state_of,
	.cr4_write = write_cr4,
};

/* --- Devices ------------------------------------------------------------------------------------ */

static void record(bool write, u64 address, u8 width, u64 value)
{
	assert_true(desk.access_count < ARRAY_SIZE(desk.access));
	assert_int_equal(desk.vm.lock.held, desk.in_handler); /* what vCPUs share */
	desk.access[desk.access_count++] = (struct desk_access){write, address, width, value};
}

bool vpci_mmio_read(struct vm *vm, gpa_t address, u8 width, u64 *value)
{
	(void)vm;
	if (!range_within(address.v, width, DESK_DEVICE, PAGE_SIZE))
		return false;
	*value = desk.next_read++ & BITS(8 * width - 1, 0);
	record(false, address.v, width, *value);
	return true;
}

bool vpci_mmio_write(struct vm *vm, gpa_t address, u8 width, u64 value)
{
	(void)vm;
	if (!range_within(address.v, width, DESK_DEVICE, PAGE_SIZE))
		return false;
	record(true, address.v, width, value);
	return true;
}

bool vlapic_mmio_read(struct vm *vm, struct vcpu *vcpu, u32 offset, u32 *value)
{
	(void)vm;
	(void)vcpu;
	assert_true(offset % 16 == 0 && offset < PAGE_SIZE);
	desk.apic_accesses++;
	*value = offset;
	return true;
}

bool vlapic_mmio_write(struct vm *vm, struct vcpu *vcpu, u32 offset, u32 value)
{
	(void)vm;
	(void)vcpu;
	(void)value;
	assert_true(offset % 16 == 0 && offset < PAGE_SIZE);
	desk.apic_accesses++;
	return true;
}

u32 vioapic_read(struct vm *vm, u32 offset)
{
	(void)vm;
	assert_true(offset < PAGE_SIZE);
	return 0x10a91c00 + offset;
}

void vioapic_write(struct vm *vm, u32 offset, u32 value)
{
	(void)vm;
	record(true, VIOAPIC_BASE + offset, 4, value);
}

u32 ports_read(struct vm *vm, u16 port, u8 width)
{
	u32 value = (u32)(desk.next_read++ & BITS(8 * width - 1, 0));

	(void)vm;
	record(false, port, width, value);
	/* What is above the width is junk that must not get through. */
	return width < 4 ? value | ~0u << 8 * width : value;
}

void ports_write(struct vm *vm, u16 port, u8 width, u32 value)
{
	if (port == VM_EXIT_PORT)
		vm_end(vm, VM_EXITED, value, NULL);
	record(true, port, width, value);
}

bool msr_emulate_read(struct vm *vm, struct vcpu *vcpu, u32 index, u64 *value)
{
	(void)vm;
	(void)vcpu;
	record(false, index, 8, 0);
	*value = desk.msr_value;
	return !desk.msr_refused;
}

bool msr_emulate_write(struct vm *vm, struct vcpu *vcpu, u32 index, u64 value)
{
	(void)vm;
	(void)vcpu;
	record(true, index, 8, value);
	return !desk.msr_refused;
}

void housekeeping(void)
{
	assert_false(desk.vm.lock.held); /* it takes the locks of VMs, this one's too */
	desk.housekeepings++;
}

u32 clock_tsc_khz(void)
{
	return 2000000;
}

u32 clock_apic_khz(void)
{
	return 1000000;
}

void vm_end(struct vm *vm, enum vm_end_kind end, u32 code, const char *reason)
{
	assert_int_equal(vm->end, VM_RUNNING);
	vm->end = end;
	vm->end_code = code;
	vm->end_reason = reason;
}

/* --- Setting up --------------------------------------------------------------------------------- */

int desk_set_up(void **state)
{
	(void)state;
	captured_log_clear();
	memset(&desk, 0, sizeof(desk));
	guest_memory_make(&desk.vm, DESK_RAM, 0);
	strcpy(desk.vm.name, "vm0");
	desk.vcpu = &desk.vm.vcpu[0];
	desk.vm.vcpu_count = 1;
	desk.vcpu->vm = &desk.vm;
	desk.vcpu->signals = &desk.vm.signals[0];
	desk.vm.pci.trap_first = DESK_DEVICE;
	desk.vm.pci.trap_size = PAGE_SIZE;
	desk.vcpu->decoded = desk.vm.decoded[0];
	desk.vcpu->rip = DESK_CODE;
	desk.vcpu->rflags = RFLAGS_FIXED;
	desk.state.cr0 = CR0_PE | CR0_ET;
	desk.state.address_bits = 40;
	for (unsigned i = 0; i < SEGMENT_COUNT; i++)
		desk.state.segment[i] = (struct vcpu_segment){0x18, 0xc93, 0xffffffff, 0};
	desk.state.segment[SEGMENT_CS].attributes = 0xc9b;
	desk.next_read = 0x1122334455667788ull;
	services = (struct services){.cpu = &ops};
	return 0;
}

int desk_tear_down(void **state)
{
	(void)state;
	guest_memory_free();
	return 0;
}

u64 desk_peek(u64 address, u8 width)
{
	u64 value = 0;

	assert_true(vm_read(&desk.vm, gpa(address), &value, width));
	return value;
}

void desk_poke(u64 address, u8 width, u64 value)
{
	assert_true(vm_write(&desk.vm, gpa(address), &value, width));
}

void desk_code(const void *code, u64 size)
{
	assert_true(vm_write(&desk.vm, gpa(DESK_CODE), code, size));
}

void desk_map(u64 linear, u64 physical, u32 flags)
{
	u64 table = DESK_TABLES;
	u64 next_table =
		desk_peek(DESK_RAM - 8, 8); /* how many there are is kept in the last word */

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		u64 at = table + 8 * (linear >> shift & 511);

		if (!(desk_peek(at, 8) & PTE_P))
			desk_poke(at, 8,
				  (DESK_TABLES + ++next_table * PAGE_SIZE) | PTE_P | PTE_W | PTE_U);
		table = desk_peek(at, 8) & BITS(51, 12);
	}
	desk_poke(DESK_RAM - 8, 8, next_table);
	desk_poke(table + 8 * (linear >> 12 & 511), 8, flags ? physical | flags : 0);
}

void desk_long_mode(u8 cpl)
{
	desk.state.cr0 = CR0_PE | CR0_ET | CR0_WP | CR0_PG;
	desk.state.cr3 = DESK_TABLES;
	desk.state.cr4 = CR4_PAE;
	desk.state.efer = EFER_LME | EFER_LMA;
	desk.state.cpl = cpl;
	desk.state.segment[SEGMENT_CS].attributes = 0x29b;
	desk_map(DESK_CODE, DESK_CODE, PTE_P | PTE_U);
}

/* The next exit is at the same instruction again. */
void desk_count_skip(void)
{
	u64 length = desk.vcpu->rip - desk.rip;

	assert_true(length <= 15);
	desk.skipped += (u32)length;
	desk.skips += length != 0;
	desk.vcpu->rip = desk.rip;
}

void desk_fault(u64 address, bool write)
{
	desk.exit.kind = EXIT_NESTED_FAULT;
	desk.exit.nested.address = gpa(address);
	desk.exit.nested.write = write;
	desk.rip = desk.vcpu->rip;
	mmio_fault(&desk.vm, desk.vcpu, &desk.exit);
	desk_count_skip();
}
