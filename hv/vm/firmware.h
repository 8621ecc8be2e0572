/*
 * The firmware tables that a VM's kernel finds where a PC has its BIOS: ACPI from 0xE0000 on, the MP
 * table at 0xF0000.
 */
#ifndef HV_VM_FIRMWARE_H
#define HV_VM_FIRMWARE_H

#include "hv/base/status.h"
#include "hv/base/types.h"

struct vm;

#define FIRMWARE_START	  0xe0000ull /* the RSDP */
#define FIRMWARE_MP_TABLE 0xf0000ull
#define FIRMWARE_END	  0x100000ull

/*
 * Writes them all into the VM's RAM; its vCPUs, IOAPIC and PCI devices must be set up. *rsdp is where the
 * RSDP is. ERR_INVALID: the RAM does not reach there; ERR_NO_MEMORY: a table got too long.
 */
enum status firmware_tables_write(struct vm *vm, gpa_t *rsdp);

#endif
