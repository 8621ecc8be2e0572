/* Configuration space registers that more than one file names. PCI 3.0 chapter 6, PCIe 5.0 chapter 7. */
#ifndef DRIVERS_PCI_REGS_H
#define DRIVERS_PCI_REGS_H

#define PCI_VENDOR_ID		 0x00
#define PCI_DEVICE_ID		 0x02
#define PCI_COMMAND		 0x04
#define PCI_COMMAND_IO		 0x0001
#define PCI_COMMAND_MEMORY	 0x0002
#define PCI_COMMAND_MASTER	 0x0004
#define PCI_COMMAND_INTX_DISABLE 0x0400
#define PCI_STATUS		 0x06
#define PCI_STATUS_CAP_LIST	 0x0010
#define PCI_REVISION		 0x08
#define PCI_CLASS		 0x09 /* 3 bytes: interface, subclass, class */
#define PCI_CACHE_LINE		 0x0c
#define PCI_LATENCY		 0x0d
#define PCI_HEADER_TYPE		 0x0e
#define PCI_HEADER_MULTIFUNCTION 0x80
#define PCI_BAR0		 0x10
#define PCI_BAR_IO_SPACE	 0x1
#define PCI_BAR_TYPE_64		 0x4
#define PCI_BAR_PREFETCH	 0x8
#define PCI_PRIMARY_BUS		 0x18
#define PCI_SECONDARY_BUS	 0x19
#define PCI_SUBORDINATE_BUS	 0x1a
#define PCI_SUBSYSTEM_VENDOR	 0x2c
#define PCI_SUBSYSTEM_ID	 0x2e
#define PCI_ROM			 0x30
#define PCI_BRIDGE_ROM		 0x38
#define PCI_CAP_POINTER		 0x34
#define PCI_INTERRUPT_LINE	 0x3c
#define PCI_INTERRUPT_PIN	 0x3d
#define PCI_BRIDGE_CONTROL	 0x3e

#define PCI_CAP_PM   0x01
#define PCI_CAP_MSI  0x05
#define PCI_CAP_PCIE 0x10
#define PCI_CAP_MSIX 0x11
#define PCI_CAP_AF   0x13

#define PCI_CAP_BASE	 0x40
#define PCI_EXT_CAP_BASE 0x100
#define PCI_EXT_CAP_END	 0x1000
#define PCI_EXT_CAP_ACS	 0x0d
#define PCI_EXT_CAP_ATS	 0x0f

/* Access control services, PCIe 5.0 7.7.8: the bits of both registers. */
#define PCI_ACS_CAPABILITY	0x04
#define PCI_ACS_CONTROL		0x06
#define PCI_ACS_END		0x08
#define PCI_ACS_VALIDATION	0x0001 /* source validation */
#define PCI_ACS_NO_TRANSLATED	0x0002 /* translation blocking */
#define PCI_ACS_REDIRECT	0x0004 /* P2P request redirect */
#define PCI_ACS_REDIRECT_ANSWER 0x0008 /* P2P completion redirect */
#define PCI_ACS_UPSTREAM	0x0010 /* upstream forwarding */
#define PCI_ACS_EGRESS		0x0020 /* P2P egress control */
#define PCI_ACS_DIRECT		0x0040 /* direct translated P2P */

/* Address translation services, PCIe 5.0 10.5.1. */
#define PCI_ATS_CAPABILITY 0x04
#define PCI_ATS_QUEUE	   4, 0 /* invalidations that it can hold; 0: 32 */
#define PCI_ATS_CONTROL	   0x06
#define PCI_ATS_ENABLE	   0x8000
#define PCI_ATS_END	   0x08

#define PCI_CLASS_HOST_BRIDGE 0x0600 /* class and subclass */

/* PCI Express, PCIe 5.0 7.5.3.2: the Device/Port Type of the capabilities register. */
#define PCI_PCIE_CAPABILITIES	 0x02
#define PCI_PCIE_DEVICE		 0x04 /* device capabilities, 4 bytes */
#define PCI_PCIE_PHANTOM	 4, 3 /* phantom functions supported */
#define PCI_PCIE_CONTROL	 0x08 /* device control */
#define PCI_PCIE_CONTROL_PHANTOM 0x0200
#define PCI_PCIE_CONTROL_END	 0x0a
#define PCI_PCIE_ENDPOINT	 0x0
#define PCI_PCIE_LEGACY_ENDPOINT 0x1
#define PCI_PCIE_ROOT_PORT	 0x4
#define PCI_PCIE_UPSTREAM	 0x5
#define PCI_PCIE_DOWNSTREAM	 0x6
#define PCI_PCIE_TO_PCI		 0x7
#define PCI_PCIE_FROM_PCI	 0x8
#define PCI_PCIE_RC_ENDPOINT	 0x9
#define PCI_PCIE_RC_EVENT	 0xa
#define PCI_PCIE_NONE		 0xff /* no such capability */

/* MSI, PCI 3.0 6.8.1: offsets within the capability. */
#define PCI_MSI_CONTROL		 0x02
#define PCI_MSI_ENABLE		 0x0001
#define PCI_MSI_MULTIPLE_CAPABLE 0x000e
#define PCI_MSI_MULTIPLE_ENABLE	 0x0070
#define PCI_MSI_64		 0x0080
#define PCI_MSI_MASKABLE	 0x0100
#define PCI_MSI_ADDRESS		 0x04
#define PCI_MSI_ADDRESS_HIGH	 0x08

/* MSI-X, PCI 3.0 6.8.2. */
#define PCI_MSIX_CONTROL       0x02
#define PCI_MSIX_TABLE_SIZE    0x07ff
#define PCI_MSIX_FUNCTION_MASK 0x4000
#define PCI_MSIX_ENABLE	       0x8000
#define PCI_MSIX_TABLE	       0x04
#define PCI_MSIX_PBA	       0x08
#define PCI_MSIX_BAR	       0x7 /* of both: which BAR; the rest is the offset in it */
#define PCI_MSIX_ENTRY_SIZE    16
#define PCI_MSIX_ENTRY_MASKED  0x1 /* in the entry's vector control */

#endif
