/* Instructions by chance, from a table that has more of those that concern a hypervisor. */
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/random/forms.h"
#include "tests/random/random.h"

#define INSTRUCTION_MOST 15
#define UNIT_MOST	 64 /* an instruction and those that prepare it */

struct code {
	u8 *at;
	u8 bits;
	bool memory_only;
};

static void byte(struct code *code, u32 value)
{
	*code->at++ = (u8)value;
}

static void bytes(struct code *code, u64 value, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		byte(code, (u32)(value >> 8 * n));
}

/* MOV of a number to a register: all of it in 64-bit code, else 32 bits. */
static void load(struct code *code, unsigned reg, u64 value)
{
	if (code->bits == 64)
		byte(code, 0x48);
	if (code->bits == 16)
		byte(code, 0x66);
	byte(code, 0xb8 + reg);
	bytes(code, value, code->bits == 64 ? 8 : 4);
}

static void modrm_16(struct code *code, u32 modrm)
{
	u32 mod = modrm >> 6;

	byte(code, modrm);
	if (mod == 1)
		byte(code, random_below(256));
	else if (mod == 2 || (mod == 0 && (modrm & 7) == 6))
		bytes(code, random_value(), 2);
}

/* ModRM, SIB and displacement for an operation in the reg field. */
static void modrm(struct code *code, unsigned address_bits, u32 reg)
{
	u32 mod = code->memory_only || random_percent(75) ? random_below(3) : 3;
	/* Mostly not by registers that other instructions fill, nor the stack pointer as a destination. */
	u32 base = mod != 3 && random_percent(85) ? 5 + random_below(3) : random_below(8);

	if ((mod == 3 && base == 4) || reg == 4) {
		reg = random_percent(95) && reg == 4 ? 6 : reg;
		base = random_percent(95) && mod == 3 ? 7 : base;
	}
	u32 value = mod << 6 | reg << 3 | base;

	if (address_bits == 16 && mod != 3) {
		modrm_16(code, value);
		return;
	}
	byte(code, value);
	if (mod == 3)
		return;
	if (base == 4) {
		u32 sib = random_percent(92) ? 0x20 | random_below(8) : random_below(256);

		byte(code, sib);
		base = sib & 7;
	}
	if (mod == 1)
		byte(code, random_below(256));
	else if (mod == 2)
		bytes(code, random_percent(95) ? random_below(64) : random_value(), 4);
	else if (base == 5)
		bytes(code, random_percent(92) ? random_ram() : random_address(), 4);
}

static const struct form *choose(const struct code *code)
{
	u32 sum = 0;

	for (unsigned n = 0; n < form_count; n++)
		sum += forms[n].weight;
	for (;;) {
		const struct form *form = forms;
		u32 chance = random_below(sum);

		while (chance >= form->weight)
			chance -= form++->weight;
		if (code->bits != 64 || !(form->flags & NOT_64))
			return form;
	}
}

/* Prefixes; returns the width of addresses. */
static unsigned prefixes(struct code *code, const struct form *form)
{
	static const u8 segments[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
	unsigned address_bits = code->bits;

	if (form->flags & NO_PREFIX)
		return address_bits;
	if (random_percent(4)) {
		byte(code, 0x67);
		address_bits = address_bits == 32 ? 16 : 32;
	}
	if (random_percent(code->bits == 16 ? 30 : 10))
		byte(code, 0x66);
	if (random_percent(6))
		byte(code, segments[random_below(sizeof(segments))]);
	if (random_percent(3))
		byte(code, 0xf0);
	if (random_percent(3))
		byte(code, random_percent(50) ? 0xf2 : 0xf3);
	if (code->bits == 64 && random_percent(40))
		byte(code, 0x40 | (random_percent(50) ? 8 : random_below(16)));
	return address_bits;
}

static bool has_66(const u8 *start, const struct code *code)
{
	for (const u8 *at = start; at < code->at && at < start + 5; at++)
		if (*at == 0x66)
			return true;
	return false;
}

/* A configuration address: mostly the host bridge's or the VM's own device's. */
static u32 pci_address(void)
{
	u32 device = random_percent(60) ? random_below(8) : random_below(32);
	u32 reg = random_percent(70) ? random_below(0x20) * 4 : random_below(0x40) * 4;

	if (random_percent(5))
		return (u32)random_number();
	return 0x80000000 | device << 11 | (random_percent(10) ? random_below(8) << 8 : 0) | reg |
	       (random_percent(5) ? random_below(4) : 0);
}

static void pci(struct code *code)
{
	static const u8 accesses[] = {0xec, 0xed, 0xee, 0xef, 0xed, 0xef};

	load(code, 2, 0xcf8);
	load(code, 0, pci_address());
	if (code->bits == 16)
		byte(code, 0x66);
	byte(code, 0xef);
	load(code, 2, 0xcfc + (random_percent(30) ? random_below(4) : 0));
	load(code, 0, random_percent(40) ? random_address() : random_value());
	if (random_percent(code->bits == 16 ? 70 : 10))
		byte(code, 0x66);
	byte(code, accesses[random_below(sizeof(accesses))]);
}

static void toggle(struct code *code, unsigned bit)
{
	if (code->bits == 64)
		byte(code, 0x48);
	if (code->bits == 16)
		byte(code, 0x66);
	bytes(code, 0xf8ba0f, 3); /* BTC eax, bit */
	byte(code, bit);
}

/* Half of the time a bit that makes a difference. */
static unsigned control_bit(unsigned reg)
{
	static const u8 bits_0[] = {1, 2, 3, 4, 5, 16, 18, 29, 30, 0, 31};
	static const u8 bits_4[] = {0,	1,  2,	3,  4,	6,  7,	8,  9,	10, 11,
				    12, 13, 14, 16, 17, 18, 20, 21, 22, 23};

	if (random_percent(30))
		return random_below(32);
	/* The last two are the end of most bursts. */
	if (reg == 0)
		return bits_0[random_below(random_percent(10) ? 11 : 9)];
	return random_percent(5) ? 5 : bits_4[random_below(sizeof(bits_4))];
}

static void control_toggle(struct code *code, unsigned reg)
{
	bytes(code, 0x200f, 2);
	byte(code, 0xc0 | reg << 3);
	toggle(code, control_bit(reg));
	bytes(code, 0x220f, 2);
	byte(code, 0xc0 | reg << 3);
}

static void efer_toggle(struct code *code)
{
	load(code, 1, 0xc0000080);
	bytes(code, 0x320f, 2);
	toggle(code, random_percent(70) ? random_below(16) : random_below(32));
	bytes(code, 0x300f, 2);
}

static void control_any(struct code *code)
{
	u32 direction = random_below(4);
	u32 reg = direction == 2 && random_percent(60) ? 3 : random_below(8);

	if (direction == 2 && reg == 3)
		load(code, 0, random_percent(60) ? burst->cr3 : random_address());
	else if (direction >= 2 && random_percent(60))
		load(code, 0, random_value());
	if (code->bits == 64 && random_percent(20))
		byte(code, 0x44);
	byte(code, 0x0f);
	byte(code, 0x20 + direction);
	byte(code, 0xc0 | reg << 3);
}

/* What must be in registers first. */
static void prepare(struct code *code, const struct form *form)
{
	static const u32 leaves[] = {0,	   1,	       4,	   7,	       0xd,
				     0x15, 0x40000000, 0x40000010, 0x80000000, 0x80000001};

	switch (form->shape) {
	case PORT_DX:
		load(code, 2, random_port());
		break;
	case MSR:
		load(code, 1, random_msr());
		load(code, 0, random_value());
		load(code, 2, random_percent(50) ? 0 : random_value());
		break;
	case CPUID:
		load(code, 0,
		     random_percent(80) ? leaves[random_below(ARRAY_SIZE(leaves))]
					: random_value());
		load(code, 1, random_below(70));
		break;
	case XCR:
		load(code, 1, random_percent(80) ? 0 : random_below(3));
		load(code, 0, random_percent(60) ? random_below(8) : random_value());
		load(code, 2, random_percent(80) ? 0 : random_value());
		break;
	default:
		break;
	}
}

/* What faults or ends anything by itself has no place in noise; nor what leaves interrupts off. */
static bool is_bad_noise(u8 value)
{
	return value == 0xfa || value == 0xf4 || value == 0x9d || value == 0xcf || value == 0xeb ||
	       value == 0xe9 || (value & 0xf0) == 0x70;
}

static void noise(struct code *code)
{
	for (u32 n = 1 + random_below(12); n; n--) {
		u8 value = (u8)random_number();

		byte(code, is_bad_noise(value) ? 0x0f : value);
	}
}

/* Kinds of access that drivers use, and are emulated; and a few that aren't. */
static void away(struct code *code)
{
	static const u16 accesses[] = {
		0x8b,	0x8b, 0x89, 0x89,   0x8a,   0x88,   0x01,   0x0b,   0x23,
		0x31,	0x39, 0x85, 0xb60f, 0xb70f, 0xbe0f, 0x87,   0xb10f, 0xc10f,
		0xab0f, 0xff, 0xfe, 0xd1,   0x12,   0xa30f, 0x100f, 0x50ff,
	};
	bool common = random_percent(98);
	u16 access = accesses[random_below(common ? 16 : ARRAY_SIZE(accesses))];

	load(code, 3, random_address());
	if (code->bits == 16)
		byte(code, 0x67);
	if (random_percent(code->bits == 16 ? 70 : 8))
		byte(code, 0x66);
	if (random_percent(5))
		byte(code, 0xf0);
	if (code->bits == 64 && random_percent(20))
		byte(code, 0x48);
	bytes(code, access, access > 0xff ? 2 : 1);
	byte(code, random_below(8) << 3 | 3);
}

static void operands(struct code *code, const struct form *form, unsigned address_bits, bool small)
{
	unsigned z = small ? 2 : 4;

	code->memory_only = form->flags & MEMORY;
	switch (form->shape) {
	case MODRM:
	case MODRM_I8:
	case MODRM_IZ:
		modrm(code, address_bits, random_below(8));
		break;
	case SYSTEM_GROUP:
		/* No LTR: with a null selector, which CPUs refuse, QEMU ends at the next interrupt. */
		modrm(code, address_bits, (4 + random_below(7)) & 7);
		break;
	case GROUP:
		modrm(code, address_bits, form->reg & 7);
		break;
	case SHORT:
		byte(code, random_below(20));
		break;
	case MOFFS:
		bytes(code, random_percent(50) ? random_ram() : random_address(), address_bits / 8);
		break;
	case FAR_ADDRESS:
		bytes(code, random_address(), z);
		bytes(code, 8 * random_below(GDT_ENTRIES) + random_below(8), 2);
		break;
	default:
		break;
	}
	if (form->shape == MODRM_I8 || form->shape == I8)
		byte(code, random_below(256));
	if (form->shape == MODRM_IZ || form->shape == IZ)
		bytes(code, random_value(), z);
}

static void instruction(struct code *code)
{
	const struct form *form = choose(code);
	const u8 *start;
	unsigned address_bits;

	prepare(code, form);
	switch (form->shape) {
	case PCI:
		pci(code);
		return;
	case CR_TOGGLE:
		control_toggle(code, form->reg);
		return;
	case CR:
		control_any(code);
		return;
	case EFER_TOGGLE:
		efer_toggle(code);
		return;
	case AWAY:
		away(code);
		return;
	case NOISE:
		noise(code);
		return;
	default:
		break;
	}
	start = code->at;
	address_bits = prefixes(code, form);
	for (unsigned n = 0; n < form->size; n++)
		byte(code, form->opcode[n]);
	operands(code, form, address_bits, has_66(start, code) == (code->bits != 16));
}

/*
 * The end, if there is room: UD2, behind which nothing is left; before it sometimes a while in which interrupts
 * can come. They may be off for good, so that it must come to an end by itself.
 */
static void finish(const struct burst_kind *kind, u8 *at)
{
	struct code code = {.at = at, .bits = kind->bits};

	if (kind->code_end - at < 16)
		return;
	if (random_percent(20)) {
		load(&code, 1, 0x1000 + random_below(0x4000));
		bytes(&code, 0xfee2, 2); /* LOOP to itself */
	}
	bytes(&code, 0x0b0f, 2);
}

/*
 * Each instruction is made elsewhere first, so that the last one is cut at the end of the room. Boundaries are
 * those of units: what faults takes what prepares the next one with it.
 */
void code_make(const struct burst_kind *kind)
{
	u8 unit[UNIT_MOST];
	u8 *at = kind->code;
	u32 count = 0;
	u32 most = 1 + random_below(BOUNDARIES_MAX - 3);

	while (at < kind->code_end && count < most) {
		struct code code = {.at = unit, .bits = kind->bits};
		size_t size;

		instruction(&code);
		size = (size_t)(code.at - unit);
		if (size > (size_t)(kind->code_end - at))
			size = (size_t)(kind->code_end - at);
		memcpy(at, unit, size);
		burst->boundary[++count] = (u64)(uintptr_t)at - kind->code_base;
		at += size;
	}
	finish(kind, at);
	burst->boundary[count + 1] = ~0ull;
}
