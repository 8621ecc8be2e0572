/* Between the files of the scan. */
#ifndef DRIVERS_PCI_SCAN_H
#define DRIVERS_PCI_SCAN_H

#include "drivers/pci.h"

/* Sizes the BARs and the ROM. Needs address, class_code and header_type. */
void pci_read_bars(struct pci_function *function);

/* Lists the capabilities and decodes MSI, MSI-X, PCI Express and ATS. Needs ecam, header_type and the BARs. */
void pci_read_caps(struct pci_function *function);

#endif
