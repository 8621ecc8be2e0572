/*
 * The ACPI tables that a VM's kernel finds (ACPI specification 6.4, chapter 5): its CPUs, its IOAPIC, its
 * PCI bus with the interrupts' routing, its console. It is a "hardware-reduced" machine: there are no
 * power-management ports, no PIC and no PIT. Pure.
 */
#ifndef HV_VM_VACPI_H
#define HV_VM_VACPI_H

#include "hv/vm/emit.h"

struct vm;

#define VACPI_RSDP_SIZE 36
#define VACPI_TABLE_MAX 2048 /* bytes that each of them takes at most */

/* Each writes one whole table, checksum included; addresses are guest-physical. */
void vacpi_make_dsdt(const struct vm *vm, struct emit *emit);
void vacpi_make_madt(const struct vm *vm, struct emit *emit);
void vacpi_make_fadt(u32 dsdt, struct emit *emit);
void vacpi_make_rsdt(u32 fadt, u32 madt, struct emit *emit);
void vacpi_make_xsdt(u32 fadt, u32 madt, struct emit *emit);
void vacpi_make_rsdp(u32 rsdt, u32 xsdt, struct emit *emit);

#endif
