/*
 * Registers of the 82540EM (8254x Software Developer's Manual, section 13) and the 82574L (82574
 * datasheet, section 10), which are the same where no model is named.
 */
#ifndef GUEST_E1000_REGS_H
#define GUEST_E1000_REGS_H

#include "hv/base/bits.h"

/* 13.4.1 device control */
#define E1000_CTRL	   0x0000
#define E1000_CTRL_LRST	   BIT(3)
#define E1000_CTRL_ASDE	   BIT(5)
#define E1000_CTRL_SLU	   BIT(6)
#define E1000_CTRL_ILOS	   BIT(7)
#define E1000_CTRL_RST	   BIT(26)
#define E1000_CTRL_VME	   BIT(30)
#define E1000_CTRL_PHY_RST BIT(31)

/* 13.4.2 device status */
#define E1000_STATUS	0x0008
#define E1000_STATUS_LU BIT(1)

/* 13.4.4 EEPROM read; address and done bit differ by model, see e1000.c */
#define E1000_EERD	      0x0014
#define E1000_EERD_START      BIT(0)
#define E1000_EERD_DATA_SHIFT 16

/* 13.4.6 extended device control; 82574 only: */
#define E1000_CTRL_EXT	       0x0018
#define E1000_CTRL_EXT_PBA_CLR BIT(31) /* clears the MSI-X pending bits when a message went out */

/* 13.4.17 to 13.4.21 interrupt causes: read and clear, moderation, set mask, clear mask */
#define E1000_ICR	 0x00C0
#define E1000_ITR	 0x00C4
#define E1000_IMS	 0x00D0
#define E1000_IMC	 0x00D8
#define E1000_INT_TXDW	 BIT(0)	 /* a descriptor with RS was sent */
#define E1000_INT_LSC	 BIT(2)	 /* the link came or went */
#define E1000_INT_RXDMT0 BIT(4)	 /* few receive descriptors are left */
#define E1000_INT_RXO	 BIT(6)	 /* a packet came and none was left */
#define E1000_INT_RXT0	 BIT(7)	 /* packets were received */
#define E1000_INT_RXQ0	 BIT(20) /* 82574, MSI-X: receive queue 0 */
#define E1000_INT_TXQ0	 BIT(22) /* 82574, MSI-X: transmit queue 0 */
#define E1000_INT_OTHER	 BIT(24) /* 82574, MSI-X: any other */

/* 82574: causes that sending their MSI-X message clears; and which message a cause sends */
#define E1000_EIAC	    0x00DC
#define E1000_IVAR	    0x00E4
#define E1000_IVAR_VALID    BIT(3)
#define E1000_IVAR_RXQ0(v)  ((E1000_IVAR_VALID | (v)))
#define E1000_IVAR_TXQ0(v)  ((E1000_IVAR_VALID | (v)) << 8)
#define E1000_IVAR_OTHER(v) ((E1000_IVAR_VALID | (v)) << 16)
#define E1000_IVAR_TX_ALL   BIT(31) /* on every write-back */

/* 13.4.22 receive control */
#define E1000_RCTL	      0x0100
#define E1000_RCTL_EN	      BIT(1)
#define E1000_RCTL_BAM	      BIT(15) /* take broadcasts */
#define E1000_RCTL_BSIZE_2048 0
#define E1000_RCTL_SECRC      BIT(26) /* leave the checksum off */

/* 13.4.25 to 13.4.30 receive ring */
#define E1000_RDBAL 0x2800
#define E1000_RDBAH 0x2804
#define E1000_RDLEN 0x2808
#define E1000_RDH   0x2810
#define E1000_RDT   0x2818
#define E1000_RDTR  0x2820 /* interrupt delay */

/* 13.4.33, 13.4.34 transmit control and gap */
#define E1000_TCTL	0x0400
#define E1000_TCTL_EN	BIT(1)
#define E1000_TCTL_PSP	BIT(3) /* pad short packets */
#define E1000_TCTL_CT	((u64)0x0F << 4)
#define E1000_TCTL_COLD ((u64)0x40 << 12)
#define E1000_TIPG	0x0410
#define E1000_TIPG_IEEE 0x0060200A

/* 13.4.36 to 13.4.40 transmit ring */
#define E1000_TDBAL 0x3800
#define E1000_TDBAH 0x3804
#define E1000_TDLEN 0x3808
#define E1000_TDH   0x3810
#define E1000_TDT   0x3818

/* 13.4.42 receive checksum control: 0 leaves checking to software */
#define E1000_RXCSUM 0x5000

/* 13.5.1, 13.5.2 multicast table and first receive address */
#define E1000_MTA	0x5200
#define E1000_MTA_WORDS 128
#define E1000_RAL	0x5400
#define E1000_RAH	0x5404
#define E1000_RAH_VALID BIT(31)

/* 3.2.3 legacy receive descriptor */
struct e1000_rx_descriptor {
	u64 address;
	u16 length;
	u16 checksum;
	u8 status;
	u8 errors;
	u16 special;
};

#define E1000_RX_STATUS_DD  BIT(0)
#define E1000_RX_STATUS_EOP BIT(1)

_Static_assert(sizeof(struct e1000_rx_descriptor) == 16, "3.2.3");
_Static_assert(offsetof(struct e1000_rx_descriptor, status) == 12, "3.2.3");

/* 3.3.3 legacy transmit descriptor */
struct e1000_tx_descriptor {
	u64 address;
	u16 length;
	u8 checksum_offset;
	u8 command;
	u8 status;
	u8 checksum_start;
	u16 special;
};

#define E1000_TX_COMMAND_EOP  BIT(0)
#define E1000_TX_COMMAND_IFCS BIT(1) /* append the checksum */
#define E1000_TX_COMMAND_RS   BIT(3) /* report when sent */
#define E1000_TX_STATUS_DD    BIT(0)

_Static_assert(sizeof(struct e1000_tx_descriptor) == 16, "3.3.3");
_Static_assert(offsetof(struct e1000_tx_descriptor, status) == 12, "3.3.3");

#endif
