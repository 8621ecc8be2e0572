/*
 * DMA attacks. The pattern is made in memory, taken into the device and wiped in memory, so that
 * wherever it is found afterwards, the device has put it there.
 */
#include "guest/console.h"
#include "guest/cpu.h"
#include "guest/exit.h"
#include "guest/sha256.h"
#include "hv/base/bits.h"
#include "hv/base/string.h"
#include "tests/attack/attack.h"
#include "tests/attack/edu.h"
#include "tests/attack/nic.h"
#include "tests/attack/nvme.h"

#define PATTERN_SIZE 1024

static u8 buffer[PATTERN_SIZE] __attribute__((aligned(PAGE_SIZE)));

static u64 address_of_buffer(void)
{
	return (u64)(uintptr_t)buffer;
}

/* The tests know the pattern too: the upper halves of a linear congruential generator's numbers. */
static void make_pattern(void)
{
	u32 number = 0x5EED;

	for (unsigned i = 0; i < PATTERN_SIZE; i++) {
		number = number * 1664525 + 1013904223;
		buffer[i] = (u8)(number >> 24);
	}
}

static void arm(void)
{
	edu_init();
	make_pattern();
	edu_transfer(EDU_READS, address_of_buffer(), PATTERN_SIZE);
	memset(buffer, 0, sizeof(buffer));
}

static void print_digest(const char *what, u64 address)
{
	struct sha256 sha;
	u8 digest[SHA256_SIZE];
	char text[SHA256_TEXT];

	sha256_begin(&sha);
	sha256_add(&sha, buffer, sizeof(buffer));
	sha256_end(&sha, digest);
	sha256_to_text(digest, text);
	print("%s: %#llx: %u bytes, first %02x, sha256 %s\n", what, (unsigned long long)address,
	      PATTERN_SIZE, buffer[0], text);
}

void attack_own(struct text value)
{
	(void)value;
	arm();
	edu_transfer(EDU_WRITES, address_of_buffer(), PATTERN_SIZE);
	print_digest("own", address_of_buffer());
}

void attack_to(struct text value)
{
	u64 address;

	read_numbers(value, &address, 1);
	arm();
	edu_transfer(EDU_WRITES, address, PATTERN_SIZE);
}

void attack_wipe(struct text value)
{
	u64 address;

	read_numbers(value, &address, 1);
	memset((void *)(uintptr_t)address, 0, PATTERN_SIZE);
}

void attack_from(struct text value)
{
	u64 address;

	read_numbers(value, &address, 1);
	arm();
	edu_transfer(EDU_READS, address, PATTERN_SIZE);
	edu_transfer(EDU_WRITES, address_of_buffer(), PATTERN_SIZE);
	print_digest("from", address);
	memset(buffer, 0, sizeof(buffer));
}

void attack_storm(struct text value)
{
	u64 numbers[2];

	read_numbers(value, numbers, 2);
	arm();
	for (u64 i = 0; i < numbers[1]; i++)
		edu_transfer(EDU_WRITES, numbers[0] + i * PAGE_SIZE, PATTERN_SIZE);
}

void attack_msi(struct text value)
{
	u64 numbers[2];
	u32 data;

	read_numbers(value, numbers, 2);
	edu_init();
	data = (u32)numbers[1];
	memcpy(buffer, &data, sizeof(data));
	edu_transfer(EDU_READS, address_of_buffer(), sizeof(data));
	edu_transfer(EDU_WRITES, numbers[0], sizeof(data));
}

void attack_late(struct text value)
{
	u64 address;

	read_numbers(value, &address, 1);
	arm();
	edu_start(EDU_WRITES, address, PATTERN_SIZE);
	machine_exit(EXIT_OK);
}

void attack_master(struct text value)
{
	(void)value;
	edu_init();
	print("master: %s\n", edu_master() ? "on" : "off");
}

/* --- Other devices --- */

static u64 read_address(struct text value)
{
	u64 address;

	read_numbers(value, &address, 1);
	return address;
}

void attack_nic_own(struct text value)
{
	(void)value;
	nic_own();
}

void attack_nic_to(struct text value)
{
	nic_to(read_address(value));
}

void attack_nic_from(struct text value)
{
	nic_from(read_address(value));
}

void attack_nic_rings(struct text value)
{
	nic_rings(read_address(value));
}

void attack_nvme_to(struct text value)
{
	nvme_to(read_address(value));
}

void attack_nvme_from(struct text value)
{
	nvme_from(read_address(value));
}

void attack_nvme_time(struct text value)
{
	nvme_time(read_address(value));
}

void attack_nic_ring(struct text value)
{
	nic_ring(read_address(value));
}

void attack_nic_late(struct text value)
{
	nic_late(read_address(value));
}

void attack_nic_watch(struct text value)
{
	(void)value;
	nic_watch();
}
