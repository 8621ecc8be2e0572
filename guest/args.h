/* The command line: what to do, and how. README.md has the list for users. */
#ifndef GUEST_ARGS_H
#define GUEST_ARGS_H

#include "guest/apic.h"
#include "guest/sha256.h"
#include "hv/base/types.h"

enum irq_kind {
	IRQ_ANY, /* the best that the device has */
	IRQ_INTX,
	IRQ_MSI,
	IRQ_MSIX,
};

#define ARGS_PINGS_MAX 1000

struct args {
	const char *file; /* NULL: fetch nothing */
	bool has_digest;
	u8 digest[SHA256_SIZE];
	u32 tftp; /* IPv4 addresses in host byte order; 0: not given */
	u32 address;
	u32 mask;
	u32 gateway;
	bool ping_none;
	u32 ping;
	u32 pings;
	u32 serve;
	u32 udpecho;
	u32 timeout_s; /* 0: no limit */
	u32 idle_s;
	enum irq_kind irq;
	enum apic_mode apic;
	bool dma_high;
};

/* Called for every word that means nothing to the guest. */
typedef void (*args_warn_t)(const char *word);

/*
 * Cuts line into its words (args keeps pointers into it) and reads them. The first word may be the
 * program's name. False for a bad value; then *bad is the word, or what is missing.
 */
bool args_parse(char *line, struct args *args, args_warn_t warn, const char **bad);

/* "10.0.2.15", and all of text. */
bool args_read_address(const char *text, u32 *address);

#endif
