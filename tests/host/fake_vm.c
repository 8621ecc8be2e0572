#include "tests/host/fake_vm.h"

#include "arch/x86/apic.h"
#include "arch/x86/delay.h"

struct fake_machine machine;
struct services services;

/* --- The VM ------------------------------------------------------------------------------------- */

enum status vm_map(struct vm *vm, const struct vm_region *region)
{
	assert_true(region->size && is_aligned(region->size, PAGE_SIZE));
	assert_true(is_aligned(region->start.v, PAGE_SIZE));
	assert_true(is_aligned(region->host.v, PAGE_SIZE));
	for (u32 n = 0; n < vm->region_count; n++)
		if (ranges_overlap(region->start.v, region->size, vm->region[n].start.v,
				   vm->region[n].size))
			return ERR_EXISTS;
	if (region->start.v >= BIT(48) || region->size > BIT(48) - region->start.v)
		return ERR_INVALID;
	if (machine.refuse_map && --machine.refuse_map == 0)
		return ERR_NO_MEMORY;
	if (vm->region_count == VM_MAX_REGIONS)
		return ERR_NO_MEMORY;
	vm->region[vm->region_count++] = *region;
	return OK;
}

enum status vm_unmap(struct vm *vm, gpa_t start, u64 size)
{
	for (u32 n = 0; n < vm->region_count; n++)
		if (vm->region[n].start.v == start.v && vm->region[n].size == size) {
			vm->region[n] = vm->region[--vm->region_count];
			return OK;
		}
	return ERR_NOT_FOUND;
}

void vm_end(struct vm *vm, enum vm_end_kind end, u32 code, const char *reason)
{
	vm->end = end;
	vm->end_code = code;
	vm->end_reason = reason;
}

/* One vCPU with physical ID 0 and logical ID 1. */
int vm_destination(const struct vm *vm, u32 destination, bool logical)
{
	(void)vm;
	if (destination == 0xff)
		return 0;
	return (logical ? destination & 1 : destination == 0) ? 0 : -1;
}

const struct vm_region *region_at(u64 address)
{
	for (u32 n = 0; n < machine.vm.region_count; n++)
		if (range_within(address, 1, machine.vm.region[n].start.v,
				 machine.vm.region[n].size))
			return &machine.vm.region[n];
	return NULL;
}

/* --- The IOMMU ---------------------------------------------------------------------------------- */

static enum status alloc(u16 count, struct fake_entry like, struct iommu_interrupts *interrupts)
{
	u16 first = 0;

	if (machine.refuse_alloc)
		return ERR_NO_MEMORY;
	while (machine.entry[first].allocated)
		first += count;
	assert_true(first + count <= FAKE_ENTRIES);
	for (u16 n = first; n < first + count; n++)
		machine.entry[n] = like;
	*interrupts = (struct iommu_interrupts){.first = first, .count = count};
	return OK;
}

static enum status interrupts_alloc(struct iommu_source source, u16 count,
				    struct iommu_interrupts *interrupts)
{
	return alloc(count, (struct fake_entry){.allocated = true, .requester = source.id},
		     interrupts);
}

static enum status interrupts_alloc_ioapic(u8 id, u16 count, struct iommu_interrupts *interrupts)
{
	assert_int_equal(id, FAKE_IOAPIC_ID);
	return alloc(count, (struct fake_entry){.allocated = true, .ioapic = true}, interrupts);
}

static enum status interrupts_free(struct iommu_interrupts *interrupts)
{
	for (u16 n = 0; n < interrupts->count; n++) {
		assert_true(machine.entry[interrupts->first + n].allocated);
		machine.entry[interrupts->first + n] = (struct fake_entry){0};
	}
	interrupts->count = 0;
	return OK;
}

static struct fake_entry *entry_of(const struct iommu_interrupts *interrupts, u16 n)
{
	assert_true(n < interrupts->count);
	assert_true(machine.entry[interrupts->first + n].allocated);
	return &machine.entry[interrupts->first + n];
}

static enum status interrupt_set(const struct iommu_interrupts *interrupts, u16 n,
				 const struct interrupt_target *target)
{
	struct fake_entry *entry = entry_of(interrupts, n);

	machine.sets++;
	if (machine.refuse_set)
		return ERR_TIMEOUT;
	assert_true(target->vector >= 32);
	assert_int_equal(target->apic_id, FAKE_APIC_ID);
	entry->set = true;
	entry->target = *target;
	return OK;
}

static enum status interrupt_clear(const struct iommu_interrupts *interrupts, u16 n)
{
	entry_of(interrupts, n)->set = false;
	return OK;
}

static struct msi_message msi_message(const struct iommu_interrupts *interrupts, u16 n)
{
	return (struct msi_message){0xfee00018 | (u64)interrupts->first << 5, n};
}

static u64 ioapic_entry(const struct iommu_interrupts *interrupts, u16 n,
			const struct interrupt_target *target, bool active_low, bool masked)
{
	return (u64)(interrupts->first + n) << 49 | BIT(48) | target->vector |
	       (target->level ? IOAPIC_ENTRY_LEVEL : 0) |
	       (active_low ? IOAPIC_ENTRY_ACTIVE_LOW : 0) | (masked ? IOAPIC_ENTRY_MASKED : 0);
}

static const struct iommu_ops fake_ops = {
	.name = "fake",
	.interrupts_alloc = interrupts_alloc,
	.interrupts_alloc_ioapic = interrupts_alloc_ioapic,
	.interrupts_free = interrupts_free,
	.interrupt_set = interrupt_set,
	.interrupt_clear = interrupt_clear,
	.msi_message = msi_message,
	.ioapic_entry = ioapic_entry,
};

/* --- Interrupt controllers ---------------------------------------------------------------------- */

bool gsi_find(u32 gsi, struct gsi_pin *pin)
{
	if (gsi >= FAKE_GSIS)
		return false;
	*pin = (struct gsi_pin){.ioapic_id = FAKE_IOAPIC_ID, .pin = (u8)gsi};
	return true;
}

u64 ioapic_read_entry(u32 gsi)
{
	return machine.pin[gsi];
}

/* Remote IRR stays with a level pin and goes with an edge pin. */
void ioapic_write_entry(u32 gsi, u64 entry)
{
	u64 remote_irr = machine.pin[gsi] & IOAPIC_ENTRY_REMOTE_IRR;

	machine.pin[gsi] = entry | (entry & IOAPIC_ENTRY_LEVEL ? remote_irr : 0);
}

void ioapic_eoi(u32 gsi)
{
	machine.eois[gsi]++;
	machine.pin[gsi] &= ~IOAPIC_ENTRY_REMOTE_IRR;
}

void apic_send_fixed(u32 apic_id, u8 vector)
{
	machine.ipis++;
	machine.ipi_apic_id = apic_id;
	machine.ipi_vector = vector;
}

/* --- Time --------------------------------------------------------------------------------------- */

struct deadline deadline_in(u64 us)
{
	return (struct deadline){us};
}

bool deadline_passed(struct deadline deadline)
{
	machine.waited += deadline.tsc;
	if (machine.while_waiting)
		machine.while_waiting();
	return true;
}

/* --- Setting up ---------------------------------------------------------------------------------- */

static void make_vm(void)
{
	struct vm *vm = &machine.vm;

	strcpy(vm->name, "net");
	vm->vcpu_count = 1;
	vm->vcpu[0].apic_id = FAKE_APIC_ID;
	vm->memory = FAKE_RAM;
	vm->region_count = 1;
	vm->region[0] =
		(struct vm_region){gpa(0), FAKE_RAM, hpa(GIB(1)), PT_READ | PT_WRITE, true, true};
	vioapic_init(&vm->vioapic);
}

int fake_vm_setup(void **state)
{
	(void)state;
	captured_log_clear();
	memset(&machine, 0, sizeof(machine));
	fake_vm_make_functions();
	make_vm();
	services = (struct services){.platform = &machine.platform, .iommu = &fake_ops};
	return 0;
}

struct vpci_device *fake_vm_add(enum fake_kind kind, u8 pin)
{
	const struct pci_function *function = &machine.function[kind];
	u32 number = machine.vm.pci.device_count;

	assert_int_equal(vpci_add(&machine.vm, function, FAKE_SOURCE(function), pin), OK);
	assert_int_equal(machine.vm.pci.device_count, number + 1);
	return &machine.vm.pci.device[number];
}

static void select_register(u8 device, u8 offset)
{
	vpci_port_write(&machine.vm, VPCI_ADDRESS_PORT, 4,
			(u32)BIT(31) | (u32)device << 11 | (offset & 0xfcu));
}

u32 config_get(u8 device, u8 offset, u8 width)
{
	select_register(device, offset);
	return vpci_port_read(&machine.vm, VPCI_DATA_PORT + (offset & 3), width);
}

void config_set(u8 device, u8 offset, u8 width, u32 value)
{
	select_register(device, offset);
	vpci_port_write(&machine.vm, VPCI_DATA_PORT + (offset & 3), width, value);
}
