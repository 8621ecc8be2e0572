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
