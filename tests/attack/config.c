/* Attacks through PCI configuration space: all of it, by ports 0xCF8 and 0xCFC. */
#include "guest/console.h"
#include "guest/cpu.h"
#include "hv/base/bits.h"
#include "tests/attack/attack.h"

#define ADDRESS_PORT   0xCF8
#define DATA_PORT      0xCFC
#define ADDRESS_ENABLE BIT(31)
#define FUNCTIONS      0x10000 /* bus, device and function */
#define REGISTERS      256

#define FUNCTIONS_OF_FIRST 16 /* of devices 0 and 1 */
#define ADDRESS_FORMS	   6

static u32 config_read(u32 bdf, u32 reg)
{
	port_out32(ADDRESS_PORT, (u32)ADDRESS_ENABLE | bdf << 8 | reg);
	return port_in32(DATA_PORT);
}

static void config_write(u32 bdf, u32 reg, u32 value)
{
	port_out32(ADDRESS_PORT, (u32)ADDRESS_ENABLE | bdf << 8 | reg);
	port_out32(DATA_PORT, value);
}

/* Tells all functions that answer, on all buses. */
void attack_functions(struct text value)
{
	unsigned count = 0;

	(void)value;
	for (u32 bdf = 0; bdf < FUNCTIONS; bdf++) {
		u32 id = config_read(bdf, 0);

		if (id == ~0u)
			continue;
		count++;
		print("function %02x:%02x.%x: %08x\n", bdf >> 8, bdf >> 3 & 31, bdf & 7, id);
	}
	print("functions: %u\n", count);
}

/* Writes VALUE to each register of each function of bus 0. */
void attack_config(struct text value)
{
	u64 number;

	read_numbers(value, &number, 1);
	for (u32 bdf = 0; bdf < 0x100; bdf++)
		for (u32 reg = 0; reg < REGISTERS; reg += 4)
			config_write(bdf, reg, (u32)number);
}

/* BDF,REGISTER,VALUE: writes one. */
void attack_config_write(struct text value)
{
	u64 numbers[3];

	read_numbers(value, numbers, 3);
	config_write((u32)numbers[0], (u32)numbers[1], (u32)numbers[2]);
}

/* BDF,REGISTER: tells one. */
void attack_config_read(struct text value)
{
	u64 numbers[2];

	read_numbers(value, numbers, 2);
	print("config: %#x\n", config_read((u32)numbers[0], (u32)numbers[1]));
}

/* Where bridges lead; the first devices there are the only ones that ports have. */
void attack_config_bus(struct text value)
{
	u64 numbers[2];

	read_numbers(value, numbers, 2);
	for (u32 function = 0; function < FUNCTIONS_OF_FIRST; function++)
		for (u32 reg = 0; reg < REGISTERS; reg += 4)
			config_write((u32)numbers[0] << 8 | function, reg, (u32)numbers[1]);
}

/* The address register, as no driver writes it: by bytes, by halves, across its neighbours. */
static void write_address(unsigned form, u32 address)
{
	port_out32(ADDRESS_PORT, 0); /* nobody's, if the form is no way to write it */
	for (u16 i = 0; i < 4 && form == 0; i++)
		port_out8(ADDRESS_PORT + i, (u8)(address >> 8 * i));
	for (u16 i = 0; i < 4 && form == 1; i += 2)
		port_out16(ADDRESS_PORT + i, (u16)(address >> 8 * i));
	if (form == 2)
		port_out32(ADDRESS_PORT - 2, address << 16);
	if (form == 3)
		port_out32(ADDRESS_PORT, address | 3);
	if (form == 4)
		port_out32(ADDRESS_PORT, address | (u32)BITS(30, 24));
	if (form >= 5)
		port_out32(ADDRESS_PORT, address);
}

/* True if anything but all ones was read. */
static bool access_data(u32 value)
{
	bool answered = port_in32(DATA_PORT) != ~0u;
	const u32 *from = &value;

	for (u16 i = 0; i < 4; i++) {
		answered |= port_in8(DATA_PORT + i) != 0xFF;
		port_out8(DATA_PORT + i, (u8)value);
		port_out16(DATA_PORT + i, (u16)value);
		port_out32(DATA_PORT + i, value);
	}
	__asm__ volatile("outsl" : "+S"(from) : "d"(DATA_PORT) : "memory");
	return answered;
}

void attack_config_forms(struct text value)
{
	u64 numbers[3];
	unsigned answered = 0;

	read_numbers(value, numbers, 3);
	for (unsigned form = 0; form < ADDRESS_FORMS; form++) {
		write_address(form, (u32)(ADDRESS_ENABLE | numbers[0] << 8 | numbers[1]));
		answered += access_data((u32)numbers[2]);
	}
	print("forms: %u answered\n", answered);
}

/* Between VALUE and what was there, so often: what follows it is changed as often. */
void attack_config_toggle(struct text value)
{
	u64 numbers[4];
	u32 before;

	read_numbers(value, numbers, 4);
	before = config_read((u32)numbers[0], (u32)numbers[1]);
	for (u64 i = 0; i < numbers[3]; i++) {
		config_write((u32)numbers[0], (u32)numbers[1], (u32)numbers[2]);
		config_write((u32)numbers[0], (u32)numbers[1], before);
	}
}
