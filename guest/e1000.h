/* The 82540EM (e1000) and 82574L (e1000e): reset, rings and interrupt causes. */
#ifndef GUEST_E1000_H
#define GUEST_E1000_H

#include "guest/e1000_regs.h"
#include "guest/net/wire.h"

#define E1000_RX_COUNT	  128
#define E1000_TX_COUNT	  64
#define E1000_BUFFER_SIZE 2048

struct e1000_model {
	const char *name;
	u32 pci_id; /* device and vendor, as at configuration offset 0 */
	u64 eerd_done;
	u8 eerd_address_shift;
};

struct e1000 {
	const struct e1000_model *model;
	u64 registers;
	bool msix; /* causes have messages of their own */
	struct mac mac;
	volatile struct e1000_rx_descriptor *rx;
	volatile struct e1000_tx_descriptor *tx;
	u8 *rx_buffers;
	u8 *tx_buffers;
	u32 rx_next;	  /* the next that the device fills */
	u32 tx_next;	  /* the next that we fill */
	u32 tx_oldest;	  /* the first that the device may not have sent yet */
	bool rx_skipping; /* within a packet of several buffers, which is dropped */
	u64 rx_packets, rx_bytes, rx_dropped;
	u64 tx_packets, tx_bytes, tx_dropped;
};

/* The model with that PCI ID, or NULL. */
const struct e1000_model *e1000_model(u32 pci_id);

/* Resets the device, reads its MAC, sets up the rings. NULL, or the reason why not. */
const char *e1000_init(struct e1000 *nic);

/* Lets packets and interrupts in. What the interrupts lead to must be set up by now. */
void e1000_start(struct e1000 *nic);

/* For INTx and MSI: takes the causes that are there, which ends the interrupt. */
u32 e1000_take_causes(struct e1000 *nic);

/* For MSI-X: these causes' message has come, and may come again. */
void e1000_rearm(struct e1000 *nic, u32 causes);

bool e1000_link_up(const struct e1000 *nic);

/* Copies the frame. Dropped (and counted) if all descriptors are in use. */
void e1000_send(struct e1000 *nic, const u8 *frame, size_t size);

/*
 * The next frame that was received; it stays until e1000_receive_done(), which must follow. False
 * if there is none.
 */
bool e1000_receive(struct e1000 *nic, struct bytes *frame);
void e1000_receive_done(struct e1000 *nic);

#endif
