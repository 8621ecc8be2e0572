/*
 * Configuration space as a guest sees it: a table of the fields it can read, and by what rule. What is
 * in no row reads 0 and ignores writes. Of the capabilities only those with rows are shown; the list
 * that links them is made anew, and the extended space can't be reached by ports at all.
 */
#include "hv/vm/vpci_device.h"

#include "hv/vm/vm.h"

enum rule {
	RULE_ZERO, /* as without a row, but on purpose */
	RULE_REAL, /* the hardware's value, through the row's mask; read only */
	RULE_COMMAND,
	RULE_STATUS,
	RULE_BAR,
	RULE_CAP_POINTER,
	RULE_LINE,
	RULE_PIN,
	RULE_MSI,
	RULE_MSIX,
};

struct field {
	u8 cap;	   /* capability ID, 0 for the header */
	u8 offset; /* in it */
	u8 size;   /* bytes; a field never crosses a dword */
	u8 rule;   /* enum rule */
	u32 mask;  /* RULE_REAL */
	const char *reason;
};

#define ALL ~0u

/* PCI 3.0 6.1; PCI power management 1.2, 3.2; PCI Express 5.0, 7.5.3; PCI 3.0 6.8. */
static const struct field policy[] = {
	{0, 0x00, 4, RULE_REAL, ALL, "vendor and device tell which driver fits"},
	{0, 0x04, 2, RULE_COMMAND, 0, "only bus master and INTx disable reach the hardware"},
	{0, 0x06, 2, RULE_STATUS, 0, "errors stay the hypervisor's to clear"},
	{0, 0x08, 4, RULE_REAL, ALL, "revision and class tell which driver fits"},
	{0, 0x0c, 4, RULE_ZERO, 0, "an endpoint of one function; no self test, no cache lines"},
	{0, 0x10, 4, RULE_BAR, 0, "the hypervisor owns the physical BARs"},
	{0, 0x14, 4, RULE_BAR, 0, "likewise"},
	{0, 0x18, 4, RULE_BAR, 0, "likewise"},
	{0, 0x1c, 4, RULE_BAR, 0, "likewise"},
	{0, 0x20, 4, RULE_BAR, 0, "likewise"},
	{0, 0x24, 4, RULE_BAR, 0, "likewise"},
	{0, 0x2c, 4, RULE_REAL, ALL, "subsystem IDs tell drivers of board variants"},
	{0, 0x30, 4, RULE_ZERO, 0, "ROMs are not handed out"},
	{0, 0x34, 1, RULE_CAP_POINTER, 0, "the list holds what has rows here"},
	{0, 0x3c, 1, RULE_LINE, 0, "the guest's note to itself, at first the IOAPIC pin"},
	{0, 0x3d, 1, RULE_PIN, 0, "which pin it uses; none if it leads nowhere"},

	{PCI_CAP_PM, 0x02, 2, RULE_REAL, 0x0027, "no power states but D0, no wake-up events"},
	{PCI_CAP_PM, 0x04, 2, RULE_REAL, 0x0008, "always in D0: elsewhere it would lose its BARs"},

	{PCI_CAP_PCIE, 0x02, 2, RULE_REAL, ALL, "version and port type"},
	{PCI_CAP_PCIE, 0x04, 4, RULE_REAL, ~(u32)BIT(28), "no function reset: it clears BARs"},
	{PCI_CAP_PCIE, 0x08, 2, RULE_REAL, 0x7fff, "payload sizes must fit the whole hierarchy"},
	{PCI_CAP_PCIE, 0x0a, 2, RULE_REAL, ALL, "errors stay the hypervisor's to clear"},
	{PCI_CAP_PCIE, 0x0c, 4, RULE_REAL, ALL, "drivers report the link's speed"},
	{PCI_CAP_PCIE, 0x10, 2, RULE_REAL, ALL, "the link is shared with the port above"},
	{PCI_CAP_PCIE, 0x12, 2, RULE_REAL, ALL, "drivers report the link's speed"},
	{PCI_CAP_PCIE, 0x24, 4, RULE_REAL, ALL, "information only"},
	{PCI_CAP_PCIE, 0x28, 2, RULE_REAL, ALL, "time-outs and atomics depend on ports above"},
	{PCI_CAP_PCIE, 0x2c, 4, RULE_REAL, ALL, "information only"},
	{PCI_CAP_PCIE, 0x30, 2, RULE_REAL, ALL, "the link is shared with the port above"},
	{PCI_CAP_PCIE, 0x32, 2, RULE_REAL, ALL, "information only"},

	{PCI_CAP_MSI, 0x02, 2, RULE_MSI, 0, "the hypervisor owns the physical messages"},
	{PCI_CAP_MSI, 0x04, 4, RULE_MSI, 0, "likewise"},
	{PCI_CAP_MSI, 0x08, 4, RULE_MSI, 0, "likewise"},
	{PCI_CAP_MSI, 0x0c, 4, RULE_MSI, 0, "likewise"},
	{PCI_CAP_MSI, 0x10, 4, RULE_MSI, 0, "likewise"},
	{PCI_CAP_MSI, 0x14, 4, RULE_MSI, 0, "likewise"},

	{PCI_CAP_MSIX, 0x02, 2, RULE_MSIX, 0, "the hypervisor owns the physical messages"},
	{PCI_CAP_MSIX, 0x04, 4, RULE_MSIX, 0, "BAR numbers stay, only addresses are virtual"},
	{PCI_CAP_MSIX, 0x08, 4, RULE_MSIX, 0, "likewise"},
};

#define HEADER_SIZE  0x40
#define ORDINARY_END 0x100

#define PCIE_VERSION_MASK 0xf
#define PCIE_SIZE_1	  0x14 /* an endpoint's part of version 1 */
#define PCIE_SIZE_2	  0x3c

/* The header, or one capability. */
struct part {
	u8 cap; /* 0 for the header */
	u16 start;
	u16 size; /* 0: there is none */
};

static u16 msi_size(const struct pci_function *function)
{
	return (u16)(0x0c + (function->msi_64 ? 4 : 0) + (function->msi_maskable ? 8 : 0));
}

/* Bytes of a capability that is shown, 0 for one that is not. */
static u16 cap_size(const struct pci_function *function, const struct pci_cap *cap)
{
	switch (cap->id) {
	case PCI_CAP_PM:
		return 8;
	case PCI_CAP_MSI:
		return cap->offset == function->msi ? msi_size(function) : 0;
	case PCI_CAP_MSIX:
		return cap->offset == function->msix ? 12 : 0;
	case PCI_CAP_PCIE:
		return (pci_read(function->address, cap->offset + 2, 2) & PCIE_VERSION_MASK) < 2
			       ? PCIE_SIZE_1
			       : PCIE_SIZE_2;
	default:
		return 0;
	}
}

/* A capability's part; its size is 0 where it is not shown, or firmware bytes make no sense of it. */
static struct part cap_part(const struct pci_function *function, unsigned n)
{
	const struct pci_cap *cap = &function->cap[n];
	struct part part = {.cap = (u8)cap->id, .start = cap->offset};

	if (cap->offset < HEADER_SIZE || cap->offset >= ORDINARY_END || cap->offset % 4)
		return part;
	part.size = cap_size(function, cap);
	if (part.size > ORDINARY_END - part.start)
		part.size = 0;
	return part;
}

/* The first shown capability from number n on, as an offset; 0 at the list's end. */
static u8 shown_from(const struct pci_function *function, unsigned n)
{
	for (; n < function->cap_count; n++) {
		struct part part = cap_part(function, n);

		if (part.size)
			return (u8)part.start;
	}
	return 0;
}

/* Which part the dword at offset is in; *next is what a capability's next pointer holds. */
static struct part part_at(const struct pci_function *function, u8 offset, u8 *next)
{
	if (offset < HEADER_SIZE)
		return (struct part){0, 0, HEADER_SIZE};
	for (unsigned n = 0; n < function->cap_count; n++) {
		struct part part = cap_part(function, n);

		if (range_within(offset, 4, part.start, part.size)) {
			*next = shown_from(function, n + 1);
			return part;
		}
	}
	return (struct part){0};
}

/* A row that has its say in the dword at `at` of a part. */
static bool covers(const struct field *field, const struct part *part, u8 at)
{
	return field->cap == part->cap && align_down(field->offset, 4) == at;
}

static u32 status_read(const struct pci_function *function)
{
	u32 status = pci_read(function->address, PCI_STATUS, 2) & ~(u32)PCI_STATUS_CAP_LIST;

	return shown_from(function, 0) ? status | PCI_STATUS_CAP_LIST : status;
}

/* The field's value; that of MSI and MSI-X is the whole dword's part that it covers. */
static u32 field_read(const struct vpci_device *device, const struct field *field,
		      const struct part *part)
{
	const struct pci_function *function = device->function;
	u8 dword = field->offset & ~3;
	unsigned shift = 8 * (field->offset & 3);

	switch (field->rule) {
	case RULE_REAL:
		return pci_read(function->address, part->start + field->offset, field->size) &
		       field->mask;
	case RULE_COMMAND:
		return vpci_command_read(device);
	case RULE_STATUS:
		return status_read(function);
	case RULE_BAR:
		return vpci_bar_read(device, (field->offset - PCI_BAR0) / 4);
	case RULE_CAP_POINTER:
		return shown_from(function, 0);
	case RULE_LINE:
		return device->guest_line;
	case RULE_PIN:
		return device->pin == VPCI_NO_PIN ? 0 : function->interrupt_pin;
	case RULE_MSI:
		return vpci_msi_read(device, dword) >> shift;
	case RULE_MSIX:
		return vpci_msix_read(device, dword) >> shift;
	default:
		return 0;
	}
}

u32 vpci_config_read(const struct vpci_device *device, u8 offset)
{
	u8 next = 0;
	struct part part = part_at(device->function, offset, &next);
	u8 at = (u8)(offset - part.start);
	u32 value = 0;

	if (!part.size)
		return 0;
	if (part.cap && at == 0)
		value = (u32)(part.cap | next << 8);
	for (unsigned n = 0; n < ARRAY_SIZE(policy); n++)
		if (covers(&policy[n], &part, at))
			value |= field_read(device, &policy[n], &part)
				 << 8 * (policy[n].offset & 3);
	return value;
}

static void command_write(struct vm *vm, struct vpci_device *device, u16 value, u16 mask)
{
	mask &= VPCI_COMMAND_GUEST;
	device->command = (device->command & ~mask) | (value & mask);
	vpci_command_apply(device);
	vpci_bars_follow(vm);
}

void vpci_config_write(struct vm *vm, struct vpci_device *device, u8 offset, u32 value, u32 mask)
{
	u8 next;
	struct part part = part_at(device->function, offset, &next);
	u8 at = (u8)(offset - part.start);

	for (unsigned n = 0; part.size && n < ARRAY_SIZE(policy); n++) {
		const struct field *field = &policy[n];

		if (!covers(field, &part, at))
			continue;
		switch (field->rule) {
		case RULE_COMMAND:
			command_write(vm, device, (u16)value, (u16)mask);
			break;
		case RULE_BAR:
			vpci_bar_write(device, (field->offset - PCI_BAR0) / 4, value, mask);
			vpci_bars_follow(vm);
			break;
		case RULE_LINE:
			device->guest_line = (u8)((device->guest_line & ~mask) | (value & mask));
			break;
		case RULE_MSI:
			vpci_msi_write(vm, device, at, value, mask);
			break;
		case RULE_MSIX:
			vpci_msix_write(vm, device, at, value, mask);
			break;
		default:
			break;
		}
	}
}
