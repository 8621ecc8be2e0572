/* Numbers that mean something to the CPU or to the hypervisor. */
#include "hv/base/bits.h"
#include "tests/random/random.h"

#define PICK(array) (array)[random_below(ARRAY_SIZE(array))]

struct machine machine;

u64 random_ram(void)
{
	const u64 places[] = {
		PLAY + random_below(PLAY_SIZE),
		PLAY + random_below(PLAY_SIZE),
		PLAY + random_below(PLAY_SIZE),
		PLAY + 0x1000 * random_below(PLAY_SIZE / 0x1000) + 0xff8 + random_below(16),
		PLAY_CODE + random_below(0x1000),
		LOW_PLAY + random_below(0x80000),
		PLAY + PLAY_SIZE + random_below(0x100000),
	};

	return PICK(places);
}

u64 random_address(void)
{
	const u64 places[] = {
		TABLES + 8 * random_below(0x4000),	SYSTEM_GDT + 8 * random_below(GDT_ENTRIES),
		0xfee00000 + 0x10 * random_below(0x40), 0xfee00000 + 0x10 * random_below(0x40),
		0xfee00000 + random_below(0x1000),	0xfec00000 + 0x10 * random_below(2),
		0xfec00000 + 0x10 * random_below(2),	0xfec00000 + random_below(0x100),
		machine.bar + 4 * random_below(64),	machine.bar + random_below(0x1000),
		machine.ram_end - 8 + random_below(16), 0xb0000000 + random_below(0x100000),
		0xc0000000 + random_below(0x3ec00000),	0xa0000 + random_below(0x60000),
		0xfffffff0 + random_below(32),		random_number() >> random_below(64),
	};

	return PICK(places);
}

u64 random_value(void)
{
	const u64 values[] = {
		0,
		1,
		random_below(0x100),
		random_below(0x10000),
		BIT(random_below(64)),
		~0ull,
		~BIT(random_below(64)),
		0x7fffffffffffffff,
		random_number(),
		random_number() >> 32,
		random_ram(),
		random_ram(),
		random_ram(),
		random_address(),
	};

	return PICK(values);
}

u32 random_msr(void)
{
	const u32 msrs[] = {
		0x10,
		0x1b,
		0x1b,
		0x3a,
		0x79,
		0x8b,
		0xc1,
		0xfe,
		0x174,
		0x175,
		0x176,
		0x179,
		0x186,
		0x1a0,
		0x1d9,
		0x200,
		0x250,
		0x277,
		0x2ff,
		0x345,
		0x38f,
		0x3f1,
		0x480 + random_below(0x20),
		0x6e0,
		0x800 + random_below(0x40),
		0x830,
		0x83f,
		0xda0,
		0x40000000,
		0xc0000080,
		0xc0000080,
		0xc0000081,
		0xc0000082,
		0xc0000083,
		0xc0000084,
		0xc0000100,
		0xc0000101,
		0xc0000102,
		0xc0000103,
		0xc0010015,
		0xc0010010,
		0xc0010114,
		0xc0010117,
		(u32)random_number(),
	};

	return PICK(msrs);
}

u16 random_port(void)
{
	const u16 ports[] = {
		0xcf8,
		0xcf8,
		(u16)(0xcf8 + random_below(8)),
		0xcfc,
		0xcfc,
		0x3f8,
		0x3f9,
		(u16)(0x3f8 + random_below(8)),
		0x608,
		0x60a,
		0x20,
		0x21,
		0x40,
		0x43,
		0x60,
		0x64,
		0x70,
		0x71,
		0x92,
		0xb2,
		0xcf9,
		0x510,
		0x514,
		0x604,
		0xb004,
		0x8900,
		0xffff,
		(u16)random_number(),
	};
	u16 port = PICK(ports);

	/* The one that ends the VM is left to chance. */
	return port == 0xf4 ? 0xf5 : port;
}
