#include "drivers/nic_stats.h"

#define NIC_GPRC 0x4074 /* good packets received */
#define NIC_GPTC 0x4080 /* good packets transmitted */
#define NIC_GORCL                                                                                  \
	0x4088 /* good octets received: low half, the high one follows; read in this order */
#define NIC_GOTCL     0x4090
#define NIC_REGISTERS 0x4098

static const struct nic {
	u16 vendor_id;
	u16 device_id;
} nics[] = {
	{0x8086, 0x1008}, /* 82544EI */
	{0x8086, 0x100e}, /* 82540EM: QEMU's and Bochs's e1000 */
	{0x8086, 0x100f}, /* 82545EM */
	{0x8086, 0x10d3}, /* 82574L: QEMU's e1000e */
};

bool nic_stats_known(const struct pci_function *function)
{
	for (size_t i = 0; i < ARRAY_SIZE(nics); i++)
		if (nics[i].vendor_id == function->vendor_id &&
		    nics[i].device_id == function->device_id)
			return true;
	return false;
}

static u64 read_octets(const struct mmio *registers, u64 low_offset)
{
	u32 low = mmio_read32(registers, low_offset);
	u32 high = mmio_read32(registers, low_offset + 4);

	return (u64)high << 32 | low;
}

bool nic_stats_read(const struct pci_function *function, const struct mmio *registers,
		    struct nic_stats *stats)
{
	if (!nic_stats_known(function) || registers->size < NIC_REGISTERS)
		return false;
	stats->rx_packets = mmio_read32(registers, NIC_GPRC);
	stats->tx_packets = mmio_read32(registers, NIC_GPTC);
	stats->rx_bytes = read_octets(registers, NIC_GORCL);
	stats->tx_bytes = read_octets(registers, NIC_GOTCL);
	return true;
}
