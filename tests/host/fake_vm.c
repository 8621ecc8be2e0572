#include "tests/host/fake_vm.h"

#include "arch/x86/apic.h"

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

static enum status interrupts_alloc(struct sbdf requester, u16 count,
				    struct iommu_interrupts *interrupts)
{
	return alloc(count, (struct fake_entry){.allocated = true, .requester = requester},
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
	assert_true(target->vector >= 16);
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

void ioapic_eoi(u32 gsi, u8 vector)
{
	machine.eois[gsi]++;
	if ((machine.pin[gsi] & IOAPIC_ENTRY_VECTOR) == vector)
		machine.pin[gsi] &= ~IOAPIC_ENTRY_REMOTE_IRR;
}

void apic_send_fixed(u32 apic_id, u8 vector)
{
	machine.ipis++;
	machine.ipi_apic_id = apic_id;
	machine.ipi_vector = vector;
}

/* --- The functions ------------------------------------------------------------------------------ */

static enum status map_registers(u64 address, u64 size)
{
	assert_true(range_within(address, size, FAKE_REGISTERS, FAKE_REGISTERS_SIZE));
	return machine.refuse_mmio ? ERR_INVALID : OK;
}

static u64 read_register(u64 address, u8 width)
{
	u64 value = 0;

	memcpy(&value, machine.registers + (address - FAKE_REGISTERS), width);
	return value;
}

/* True if the word is the message of an MSI-X entry that is not masked. */
static bool is_live_message(u64 address)
{
	for (unsigned f = 0; f < ARRAY_SIZE(machine.function); f++) {
		const struct pci_function *function = &machine.function[f];
		u64 table = function->bar[function->msix_table_bar].address +
			    function->msix_table_offset;

		if (function->msix &&
		    range_within(address, 4, table, 16ull * function->msix_vectors) &&
		    (address - table) % 16 < 12)
			return !(read_register(align_down(address, 16) + 12, 4) & 1);
	}
	return false;
}

static void write_register(u64 address, u8 width, u64 value)
{
	if (is_live_message(address))
		machine.live_writes++;
	memcpy(machine.registers + (address - FAKE_REGISTERS), &value, width);
}

u32 register_get(u64 address)
{
	return (u32)read_register(address, 4);
}

static void make_writable(struct fake_function *fake, u16 offset, u32 mask)
{
	memcpy(fake->writable + offset, &mask, 4);
}

static struct fake_function *start(enum fake_kind kind, struct sbdf address, u16 device_id)
{
	struct pci_function *function = &machine.function[kind];
	struct fake_function *fake = fake_pci_add(address, 0x80860000u | device_id, 0x020000);

	*function = (struct pci_function){
		.address = address,
		.vendor_id = 0x8086,
		.device_id = device_id,
		.class_code = 0x020000,
		.interrupt_pin = 1,
		.bar_count = PCI_MAX_BARS,
	};
	fake_pci_put(fake, PCI_SUBSYSTEM_VENDOR, 4, 0x11001af4);
	fake_pci_put(fake, PCI_INTERRUPT_LINE, 2, 0x010b);
	fake_pci_put(fake, PCI_ROM, 4, 0xe0f00001);
	return fake;
}

static void bar(enum fake_kind kind, u8 n, u8 bar_kind, u64 address, u64 size)
{
	u32 flags = bar_kind == PCI_BAR_IO ? 1 : bar_kind == PCI_BAR_MEM64 ? 0xc : 0;

	machine.function[kind].bar[n] = (struct pci_bar){
		.kind = bar_kind,
		.prefetchable = bar_kind == PCI_BAR_MEM64,
		.address = address,
		.size = size,
	};
	fake_pci_bar(&fake_pci[kind], n, (u32)address | flags, (u32) ~(size - 1));
	if (bar_kind == PCI_BAR_MEM64)
		fake_pci_bar(&fake_pci[kind], n + 1, (u32)(address >> 32), ~0u);
}

static void cap(enum fake_kind kind, u8 id, u8 offset)
{
	struct pci_function *function = &machine.function[kind];

	fake_pci_cap(&fake_pci[kind], id, offset);
	function->cap[function->cap_count++] = (struct pci_cap){id, offset};
}

static void msi(enum fake_kind kind, u8 offset, u8 vectors, bool maskable)
{
	struct pci_function *function = &machine.function[kind];
	struct fake_function *fake = &fake_pci[kind];

	cap(kind, PCI_CAP_MSI, offset);
	function->msi = offset;
	function->msi_vectors = vectors;
	function->msi_64 = true;
	function->msi_maskable = maskable;
	make_writable(fake, offset, 0x00710000);
	make_writable(fake, offset + 4, ~3u);
	make_writable(fake, offset + 8, ~0u);
	make_writable(fake, offset + 0xc, 0xffff);
	if (maskable)
		make_writable(fake, offset + 0x10, ~0u);
	/* As firmware may leave it. */
	fake_pci_put(fake, offset + 2, 2, 0x0081);
}

static void msix(enum fake_kind kind, u8 offset, u16 vectors, u8 table_bar, u32 pending)
{
	struct pci_function *function = &machine.function[kind];
	struct fake_function *fake = &fake_pci[kind];

	cap(kind, PCI_CAP_MSIX, offset);
	function->msix = offset;
	function->msix_vectors = vectors;
	function->msix_table_bar = function->msix_pba_bar = table_bar;
	function->msix_table_offset = kind == FAKE_NVME ? 0x2000 : 0;
	function->msix_pba_offset = pending;
	fake_pci_put(fake, offset + 2, 2, 0x8000u | (vectors - 1u));
	make_writable(fake, offset, 0xc0000000);
	fake_pci_put(fake, offset + 4, 4, function->msix_table_offset | table_bar);
	fake_pci_put(fake, offset + 8, 4, pending | table_bar);
}

static void make_functions(void)
{
	fake_pci_clear();
	start(FAKE_E1000, SBDF(0, 0, 6, 0), 0x100e);
	bar(FAKE_E1000, 0, PCI_BAR_MEM32, FAKE_REGISTERS, 0x20000);
	bar(FAKE_E1000, 1, PCI_BAR_IO, 0xd000, 0x40);

	start(FAKE_E1000E, SBDF(0, 1, 0, 0), 0x10d3);
	bar(FAKE_E1000E, 0, PCI_BAR_MEM32, FAKE_REGISTERS + 0x20000, 0x20000);
	bar(FAKE_E1000E, 2, PCI_BAR_IO, 0xd040, 0x20);
	bar(FAKE_E1000E, 3, PCI_BAR_MEM32, FAKE_REGISTERS + 0x40000, 0x4000);
	cap(FAKE_E1000E, PCI_CAP_PM, 0xc8);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xca, 2, 0xc822);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xcc, 2, 0x2008);
	make_writable(&fake_pci[FAKE_E1000E], 0xcc, 0x0103);
	msi(FAKE_E1000E, 0xd0, 1, false);
	cap(FAKE_E1000E, 0x09, 0x70); /* vendor's own */
	cap(FAKE_E1000E, PCI_CAP_PCIE, 0xe0);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xe2, 2, 0x0001);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xe4, 4, 0x10008cc1);
	fake_pci_put(&fake_pci[FAKE_E1000E], 0xe8, 2, 0x2010);
	make_writable(&fake_pci[FAKE_E1000E], 0xe8, 0xffff);
	msix(FAKE_E1000E, 0xa0, 5, 3, 0x2000);

	start(FAKE_NVME, SBDF(0, 2, 0, 0), 0x5845);
	bar(FAKE_NVME, 0, PCI_BAR_MEM64, FAKE_REGISTERS + 0x50000, 0x4000);
	msix(FAKE_NVME, 0x40, 200, 0, 0x2d00);

	start(FAKE_SMALL, SBDF(0, 3, 0, 0), 0x0001);
	bar(FAKE_SMALL, 0, PCI_BAR_MEM32, FAKE_REGISTERS + 0x60100, 0x100);
	bar(FAKE_SMALL, 5, PCI_BAR_MEM32, FAKE_REGISTERS + 0x60020, 0x10);
	msi(FAKE_SMALL, 0x50, 32, true);

	machine.platform.pci = (struct pci_topology){machine.function, 4, 4, 0};
	machine.platform.boot.memory.count = 1;
	machine.platform.boot.memory.range[0] = (struct memory_range){hpa(0), GIB(2), MEMORY_RAM};
	machine.platform.mcfg.window_count = 1;
	machine.platform.mcfg.window[0] = (struct mcfg_window){hpa(0xb0000000), 0, 0, 255};
}

static void make_vm(void)
{
	struct vm *vm = &machine.vm;

	strcpy(vm->name, "net");
	vm->vcpu_count = 1;
	vm->vcpu[0].apic_id = FAKE_APIC_ID;
	vm->memory = FAKE_RAM;
	vm->region_count = 1;
	vm->region[0] = (struct vm_region){gpa(0), FAKE_RAM, hpa(GIB(1)), PT_READ | PT_WRITE, true};
	vioapic_init(&vm->vioapic);
}

int fake_vm_setup(void **state)
{
	(void)state;
	captured_log_clear();
	memset(&machine, 0, sizeof(machine));
	make_functions();
	make_vm();
	fake_regs = (struct fake_regs){
		.map = map_registers, .read = read_register, .write = write_register};
	services = (struct services){.platform = &machine.platform, .iommu = &fake_ops};
	return 0;
}

int fake_vm_setup_identity(void **state)
{
	(void)fake_vm_setup(state);
	services.iommu = NULL;
	machine.vm.identity = true;
	return 0;
}

struct vpci_device *fake_vm_add(enum fake_kind kind, u8 pin)
{
	const struct pci_function *function = &machine.function[kind];
	u32 number = machine.vm.pci.device_count;

	assert_int_equal(vpci_add(&machine.vm, function, function->address, pin), OK);
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
