#include "drivers/pci.h"
#include "drivers/pci_regs.h"
#include "hv/base/format.h"
#include "hv/base/log.h"

const char *sbdf_text(struct sbdf address, char text[SBDF_TEXT_MAX])
{
	unsigned bus = sbdf_bus(address);
	unsigned device = sbdf_device(address);
	unsigned function = sbdf_function(address);

	if (address.segment)
		(void)format_text(text, SBDF_TEXT_MAX, "%04x:%02x:%02x.%x", address.segment, bus,
				  device, function);
	else
		(void)format_text(text, SBDF_TEXT_MAX, "%02x:%02x.%x", bus, device, function);
	return text;
}

struct class_name {
	u16 class; /* class and subclass */
	const char *name;
};

static const struct class_name class_names[] = {
	{0x0100, "SCSI"},	 {0x0101, "IDE"},
	{0x0106, "SATA"},	 {0x0108, "NVMe"},
	{0x0200, "Ethernet"},	 {0x0280, "network"},
	{0x0300, "VGA"},	 {0x0302, "3D controller"},
	{0x0380, "display"},	 {0x0403, "audio"},
	{0x0600, "host bridge"}, {0x0601, "ISA bridge"},
	{0x0604, "PCI bridge"},	 {0x0607, "CardBus bridge"},
	{0x0700, "serial"},	 {0x0806, "IOMMU"},
	{0x0c03, "USB"},	 {0x0c05, "SMBus"},
};

static const char *class_name(u32 class_code)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_names); i++)
		if (class_names[i].class == class_code >> 8)
			return class_names[i].name;
	return "device";
}

static void print_bar(unsigned index, const struct pci_bar *bar)
{
	static const char *const kind[] = {"none", "I/O", "32-bit memory", "64-bit memory"};
	bool mib = bar->size >= MIB(1);
	bool kib = !mib && bar->size >= KIB(1);

	log_line("pci", "        BAR %u: %s at 0x%lx, %lu %s%s", index, kind[bar->kind],
		 bar->address,
		 bar->size >> (mib   ? 20
			       : kib ? 10
				     : 0),
		 mib   ? "MiB"
		 : kib ? "KiB"
		       : "bytes",
		 bar->prefetchable ? ", prefetchable" : "");
}

static void print_caps(const struct pci_function *function)
{
	char text[LOG_LINE_MAX];
	size_t length = 0;

	text[0] = 0;
	for (u8 i = 0; i < function->cap_count && length < sizeof(text); i++)
		length += format_text(text + length, sizeof(text) - length, " %02x@%02x",
				      function->cap[i].id, function->cap[i].offset);
	if (function->cap_count)
		log_line("pci", "        capabilities%s", text);
	if (function->msi)
		log_line("pci", "        MSI: %u vectors%s%s", function->msi_vectors,
			 function->msi_64 ? ", 64-bit" : "",
			 function->msi_maskable ? ", maskable" : "");
	if (function->msix)
		log_line("pci", "        MSI-X: %u vectors, table in BAR %u at 0x%x",
			 function->msix_vectors, function->msix_table_bar,
			 function->msix_table_offset);
}

static void print_function(const struct pci_function *function)
{
	char text[SBDF_TEXT_MAX];
	char buses[24] = "";
	char pin[8] = "";

	if (function->header_type == 1 || function->header_type == 2)
		(void)format_text(buses, sizeof(buses), ", buses %02x-%02x",
				  function->secondary_bus, function->subordinate_bus);
	if (function->interrupt_pin >= 1 && function->interrupt_pin <= 4)
		(void)format_text(pin, sizeof(pin), ", INT%c", 'A' + function->interrupt_pin - 1);
	log_line("pci", "%s %04x:%04x class %06x rev %02x %s%s%s",
		 sbdf_text(function->address, text), function->vendor_id, function->device_id,
		 function->class_code, function->revision, class_name(function->class_code), buses,
		 pin);
	for (u8 i = 0; i < function->bar_count; i++)
		if (function->bar[i].kind != PCI_BAR_NONE)
			print_bar(i, &function->bar[i]);
	print_caps(function);
}

void pci_print(const struct pci_topology *topology)
{
	for (u32 i = 0; i < topology->count; i++)
		print_function(&topology->function[i]);
	log_line("pci", "%u functions", topology->count);
	if (topology->dropped)
		log_line("pci", "%u more functions did not fit the table and are left out",
			 topology->dropped);
}
