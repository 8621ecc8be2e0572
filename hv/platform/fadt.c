/* The FADT: fixed hardware (ACPI specification 6.4, section 5.2.9). */
#include "hv/platform/acpi.h"

/* Table 5.9: offsets. */
#define FADT_DSDT	  40 /* u32 */
#define FADT_SCI_INT	  46 /* u16 */
#define FADT_PM1A_CNT_BLK 64 /* u32 */
#define FADT_PM_TMR_BLK	  76 /* u32 */
#define FADT_PM_TMR_LEN	  91
#define FADT_FLAGS	  112 /* u32 */
#define FADT_SIZE_V1	  116
#define FADT_RESET_REG	  116 /* generic address */
#define FADT_RESET_VALUE  128
#define FADT_X_DSDT	  140 /* u64 */
#define FADT_X_PM1A_CNT	  172 /* generic address */
#define FADT_X_PM_TMR	  208 /* generic address */

/* 5.2.3.2: the generic address structure. */
#define GAS_SPACE    0
#define GAS_SPACE_IO 1
#define GAS_ADDRESS  4 /* u64 */
#define GAS_SIZE     12

/* A field that the table's end cuts is as absent as one past it. */
static u64 field_u64(struct bytes table, size_t offset)
{
	return bytes_u64(bytes_slice(table, offset, 8), 0);
}

/* The I/O port of a block, from its 64-bit field if that is set, else from the old one; 0: none. */
static u16 block_port(struct bytes table, size_t old, size_t extended)
{
	struct bytes gas = bytes_slice(table, extended, GAS_SIZE);
	u64 address = bytes_u64(gas, GAS_ADDRESS);

	if (!address)
		address = bytes_u32(table, old);
	else if (bytes_u8(gas, GAS_SPACE) != GAS_SPACE_IO)
		return 0;
	return address <= UINT16_MAX ? (u16)address : 0;
}

static void parse_pm_registers(struct bytes table, struct fadt *fadt)
{
	if (fadt->flags & FADT_HW_REDUCED_ACPI)
		return;
	fadt->sci_gsi = bytes_u16(table, FADT_SCI_INT);
	fadt->pm1a_control_port = block_port(table, FADT_PM1A_CNT_BLK, FADT_X_PM1A_CNT);
	/* 4.8.3.3: the length is 4 where there is a timer, else 0. */
	if (bytes_u8(table, FADT_PM_TMR_LEN) == 4)
		fadt->pm_timer_port = block_port(table, FADT_PM_TMR_BLK, FADT_X_PM_TMR);
	fadt->pm_timer_32bit = fadt->pm_timer_port && fadt->flags & FADT_TMR_VAL_EXT;
}

static void parse_reset_register(struct bytes table, struct fadt *fadt)
{
	if (!(fadt->flags & FADT_RESET_REG_SUP) || !bytes_has(table, FADT_RESET_VALUE, 1))
		return;
	fadt->reset_space = bytes_u8(table, FADT_RESET_REG + GAS_SPACE);
	fadt->reset_address = bytes_u64(table, FADT_RESET_REG + GAS_ADDRESS);
	fadt->reset_value = bytes_u8(table, FADT_RESET_VALUE);
}

enum status fadt_parse(struct bytes table, struct fadt *fadt, struct acpi_error *error)
{
	enum status status = acpi_table_check(&table, "FACP", FADT_SIZE_V1, error);

	if (status != OK)
		return status;
	*fadt = (struct fadt){
		.flags = bytes_u32(table, FADT_FLAGS),
		.dsdt = field_u64(table, FADT_X_DSDT),
	};
	if (!fadt->dsdt)
		fadt->dsdt = bytes_u32(table, FADT_DSDT);
	parse_pm_registers(table, fadt);
	parse_reset_register(table, fadt);
	return OK;
}
