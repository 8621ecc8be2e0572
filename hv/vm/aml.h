/*
 * A few words of AML, the byte code of ACPI's namespace (ACPI specification 6.4, chapter 20), enough for
 * devices with constant objects; and the resource descriptors that they have (6.4). Pure.
 */
#ifndef HV_VM_AML_H
#define HV_VM_AML_H

#include "hv/vm/emit.h"

/*
 * Objects that contain others: open returns what close wants, and what is emitted in between is inside.
 * At most 4095 bytes each (PkgLength of two bytes, 20.2.4).
 */
u32 aml_scope_open(struct emit *emit, const char *root_name); /* "_SB_": \_SB */
u32 aml_device_open(struct emit *emit, const char *name);     /* 4 characters */
u32 aml_package_open(struct emit *emit, u8 count);	      /* of count elements */
void aml_close(struct emit *emit, u32 opened);

/* Name (name, ...): the value follows. */
void aml_name(struct emit *emit, const char *name);

/* The shortest constant for a value. */
void aml_integer(struct emit *emit, u32 value);

/* A device's ID in compressed form, e.g. "PNP0A03" (6.1.5, EISA ID). */
void aml_eisa_id(struct emit *emit, const char *id);

/* A Buffer of resource descriptors; at most 255 bytes of them. */
u32 aml_resources_open(struct emit *emit);
void aml_resources_close(struct emit *emit, u32 opened);

/* Ports that a device decodes itself, 6.4.2.5. */
void aml_io(struct emit *emit, u16 first, u8 count);

/* One edge-triggered, active-high interrupt, 6.4.3.6. */
void aml_interrupt_edge(struct emit *emit, u32 gsi);

/* What a bridge passes on to those below it, both ends included, 6.4.3.5. */
void aml_window_bus(struct emit *emit, u16 first, u16 last);
void aml_window_io(struct emit *emit, u16 first, u16 last);
void aml_window_memory(struct emit *emit, u32 first, u32 last);
void aml_window_memory64(struct emit *emit, u64 first, u64 last);

#endif
