#include "hv/vm/nic_report.h"

#include "hv/base/log.h"
#include "hv/vm/vm.h"

void nic_report_take(struct vm *vm)
{
	for (u32 i = 0; i < vm->device_count; i++) {
		struct vm_device *device = &vm->device[i];
		const struct pci_bar *bar = &device->function->bar[0];
		struct mmio registers;

		if (nic_stats_known(device->function) &&
		    mmio_map(hpa(bar->address), bar->size, &registers) == OK)
			device->has_stats =
				nic_stats_read(device->function, &registers, &device->stats);
	}
}

void nic_report_print(const struct vm *vm)
{
	for (u32 i = 0; i < vm->device_count; i++) {
		const struct vm_device *device = &vm->device[i];
		char text[SBDF_TEXT_MAX];

		if (device->has_stats)
			log_line(vm->name,
				 "%s: received %lu packets, %lu bytes; sent %lu packets, %lu bytes",
				 sbdf_text(device->function->address, text),
				 device->stats.rx_packets, device->stats.rx_bytes,
				 device->stats.tx_packets, device->stats.tx_bytes);
	}
}
