#include "guest/e1000.h"

#include "guest/clock.h"
#include "guest/cpu.h"
#include "guest/dma.h"
#include "hv/base/string.h"

#define RING_ALIGN     128
#define RESET_POLLS    1000
#define RESET_DELAY_US 10
#define EEPROM_POLLS   100000

/* The first three EEPROM words are the MAC. */
static const struct e1000_model models[] = {
	{"e1000", 0x100E8086, BIT(4), 8},
	{"e1000e", 0x10D38086, BIT(1), 2},
};

const struct e1000_model *e1000_model(u32 pci_id)
{
	for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
		if (models[i].pci_id == pci_id)
			return &models[i];
	return NULL;
}

static u32 reg_read(const struct e1000 *nic, u32 reg)
{
	return mmio_read32(nic->registers + reg);
}

static void reg_write(struct e1000 *nic, u32 reg, u64 value)
{
	mmio_write32(nic->registers + reg, (u32)value);
}

/* Also undoes by hand what some emulated devices leave alone in a reset. */
static const char *reset(struct e1000 *nic)
{
	reg_write(nic, E1000_IMC, UINT32_MAX);
	reg_write(nic, E1000_RCTL, 0);
	reg_write(nic, E1000_TCTL, 0);
	reg_write(nic, E1000_CTRL, reg_read(nic, E1000_CTRL) | E1000_CTRL_RST);
	clock_delay_us(RESET_DELAY_US); /* the device must be left alone for a moment */
	for (unsigned i = 0; reg_read(nic, E1000_CTRL) & E1000_CTRL_RST; i++) {
		if (i == RESET_POLLS)
			return "the reset does not end";
		clock_delay_us(RESET_DELAY_US);
	}
	reg_write(nic, E1000_IMC, UINT32_MAX);
	(void)reg_read(nic, E1000_ICR);
	return NULL;
}

static bool eeprom_read(struct e1000 *nic, u8 word, u16 *value)
{
	reg_write(nic, E1000_EERD, (u32)word << nic->model->eerd_address_shift | E1000_EERD_START);
	for (unsigned i = 0; i < EEPROM_POLLS; i++) {
		u32 eerd = reg_read(nic, E1000_EERD);

		if (eerd & nic->model->eerd_done) {
			*value = (u16)(eerd >> E1000_EERD_DATA_SHIFT);
			return true;
		}
	}
	return false;
}

/* A reset loads the receive address from the EEPROM; not all emulators do that. */
static const char *read_mac(struct e1000 *nic)
{
	u32 low = reg_read(nic, E1000_RAL);
	u32 high = reg_read(nic, E1000_RAH);
	u16 word[3] = {(u16)low, (u16)(low >> 16), (u16)high};

	for (u8 i = 0; !low && i < 3; i++)
		if (!eeprom_read(nic, i, &word[i]))
			return "the EEPROM does not answer";
	for (unsigned i = 0; i < MAC_SIZE; i++)
		nic->mac.byte[i] = (u8)(word[i / 2] >> 8 * (i % 2));
	if (mac_is_multicast(nic->mac))
		return "the MAC is a group's";
	reg_write(nic, E1000_RAL, word[0] | (u32)word[1] << 16);
	reg_write(nic, E1000_RAH, word[2] | E1000_RAH_VALID);
	return NULL;
}

static const char *set_up_rx(struct e1000 *nic)
{
	nic->rx = dma_alloc(E1000_RX_COUNT * sizeof(*nic->rx), RING_ALIGN);
	nic->rx_buffers = dma_alloc(E1000_RX_COUNT * E1000_BUFFER_SIZE, PAGE_SIZE);
	if (!nic->rx || !nic->rx_buffers)
		return "no memory for the receive ring";
	for (unsigned i = 0; i < E1000_RX_COUNT; i++)
		nic->rx[i].address = dma_address(nic->rx_buffers + i * E1000_BUFFER_SIZE);
	for (unsigned i = 0; i < E1000_MTA_WORDS; i++)
		reg_write(nic, E1000_MTA + 4 * i, 0);
	reg_write(nic, E1000_RDBAL, dma_address((const void *)nic->rx));
	reg_write(nic, E1000_RDBAH, dma_address((const void *)nic->rx) >> 32);
	reg_write(nic, E1000_RDLEN, E1000_RX_COUNT * sizeof(*nic->rx));
	reg_write(nic, E1000_RDH, 0);
	reg_write(nic, E1000_RDT, 0);
	reg_write(nic, E1000_RDTR, 0);
	reg_write(nic, E1000_RXCSUM, 0);
	return NULL;
}

static const char *set_up_tx(struct e1000 *nic)
{
	nic->tx = dma_alloc(E1000_TX_COUNT * sizeof(*nic->tx), RING_ALIGN);
	nic->tx_buffers = dma_alloc(E1000_TX_COUNT * E1000_BUFFER_SIZE, PAGE_SIZE);
	if (!nic->tx || !nic->tx_buffers)
		return "no memory for the transmit ring";
	reg_write(nic, E1000_TDBAL, dma_address((const void *)nic->tx));
	reg_write(nic, E1000_TDBAH, dma_address((const void *)nic->tx) >> 32);
	reg_write(nic, E1000_TDLEN, E1000_TX_COUNT * sizeof(*nic->tx));
	reg_write(nic, E1000_TDH, 0);
	reg_write(nic, E1000_TDT, 0);
	reg_write(nic, E1000_TIPG, E1000_TIPG_IEEE);
	return NULL;
}

const char *e1000_init(struct e1000 *nic)
{
	const char *problem = reset(nic);
	u64 ctrl;

	if (!problem)
		problem = read_mac(nic);
	if (!problem)
		problem = set_up_rx(nic);
	if (!problem)
		problem = set_up_tx(nic);
	if (problem)
		return problem;
	ctrl = reg_read(nic, E1000_CTRL) &
	       ~(E1000_CTRL_LRST | E1000_CTRL_ILOS | E1000_CTRL_VME | E1000_CTRL_PHY_RST);
	reg_write(nic, E1000_CTRL, ctrl | E1000_CTRL_SLU | E1000_CTRL_ASDE);
	reg_write(nic, E1000_ITR, 0);
	return NULL;
}

void e1000_start(struct e1000 *nic)
{
	u64 causes =
		E1000_INT_TXDW | E1000_INT_LSC | E1000_INT_RXDMT0 | E1000_INT_RXO | E1000_INT_RXT0;

	if (nic->msix) {
		causes = E1000_INT_RXQ0 | E1000_INT_TXQ0 | E1000_INT_OTHER | E1000_INT_LSC |
			 E1000_INT_RXO;
		reg_write(nic, E1000_CTRL_EXT,
			  reg_read(nic, E1000_CTRL_EXT) | E1000_CTRL_EXT_PBA_CLR);
		reg_write(nic, E1000_IVAR,
			  E1000_IVAR_RXQ0(0) | E1000_IVAR_TXQ0(1) | E1000_IVAR_OTHER(2) |
				  E1000_IVAR_TX_ALL);
		reg_write(nic, E1000_EIAC, E1000_INT_RXQ0 | E1000_INT_TXQ0);
	}
	reg_write(nic, E1000_IMS, causes);
	reg_write(nic, E1000_TCTL,
		  E1000_TCTL_EN | E1000_TCTL_PSP | E1000_TCTL_CT | E1000_TCTL_COLD);
	reg_write(nic, E1000_RCTL,
		  E1000_RCTL_EN | E1000_RCTL_BAM | E1000_RCTL_BSIZE_2048 | E1000_RCTL_SECRC);
	reg_write(nic, E1000_RDT, E1000_RX_COUNT - 1);
}

/* Reading clears; the 82574 under some settings wants the bits written, too, which harms nobody. */
u32 e1000_take_causes(struct e1000 *nic)
{
	u32 causes = reg_read(nic, E1000_ICR);

	if (nic->msix)
		reg_write(nic, E1000_ICR, causes & ~(E1000_INT_RXQ0 | E1000_INT_TXQ0));
	else if (causes)
		reg_write(nic, E1000_ICR, causes);
	return causes;
}

void e1000_rearm(struct e1000 *nic, u32 causes)
{
	reg_write(nic, E1000_IMS, causes);
}

bool e1000_link_up(const struct e1000 *nic)
{
	return reg_read(nic, E1000_STATUS) & E1000_STATUS_LU;
}

static void reclaim_sent(struct e1000 *nic)
{
	while (nic->tx_oldest != nic->tx_next &&
	       (nic->tx[nic->tx_oldest].status & E1000_TX_STATUS_DD))
		nic->tx_oldest = (nic->tx_oldest + 1) % E1000_TX_COUNT;
}

void e1000_send(struct e1000 *nic, const u8 *frame, size_t size)
{
	u32 next = (nic->tx_next + 1) % E1000_TX_COUNT;
	volatile struct e1000_tx_descriptor *tx = &nic->tx[nic->tx_next];
	u8 *buffer = nic->tx_buffers + nic->tx_next * E1000_BUFFER_SIZE;

	reclaim_sent(nic);
	if (next == nic->tx_oldest || size > E1000_BUFFER_SIZE) {
		nic->tx_dropped++;
		return;
	}
	memcpy(buffer, frame, size);
	tx->address = dma_address(buffer);
	tx->length = (u16)size;
	tx->status = 0;
	tx->command = E1000_TX_COMMAND_EOP | E1000_TX_COMMAND_IFCS | E1000_TX_COMMAND_RS;
	nic->tx_next = next;
	nic->tx_packets++;
	nic->tx_bytes += size;
	memory_barrier();
	reg_write(nic, E1000_TDT, next);
}

void e1000_receive_done(struct e1000 *nic)
{
	nic->rx[nic->rx_next].status = 0;
	memory_barrier();
	reg_write(nic, E1000_RDT, nic->rx_next);
	nic->rx_next = (nic->rx_next + 1) % E1000_RX_COUNT;
}

bool e1000_receive(struct e1000 *nic, struct bytes *frame)
{
	for (unsigned i = 0; i < E1000_RX_COUNT; i++) {
		volatile struct e1000_rx_descriptor *rx = &nic->rx[nic->rx_next];
		u8 status = rx->status;
		u16 length = rx->length;
		bool last = status & E1000_RX_STATUS_EOP;

		if (!(status & E1000_RX_STATUS_DD))
			return false;
		memory_barrier();
		if (last && !nic->rx_skipping && !rx->errors && length <= E1000_BUFFER_SIZE) {
			*frame = (struct bytes){nic->rx_buffers + nic->rx_next * E1000_BUFFER_SIZE,
						length};
			nic->rx_packets++;
			nic->rx_bytes += length;
			return true;
		}
		nic->rx_skipping = !last;
		nic->rx_dropped++;
		e1000_receive_done(nic);
	}
	return false;
}
