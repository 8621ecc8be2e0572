/*
 * Interrupt messages of the guest's making, put where a driver puts its own: into the MSI capability, or into
 * the MSI-X table. Then the device interrupts; that has come, if it comes, when these return.
 */
#ifndef TESTS_ATTACK_MESSAGES_H
#define TESTS_ATTACK_MESSAGES_H

#include "hv/base/types.h"

/* device: "edu", "nic" or "nvme", of which the first has MSI only and the last MSI-X only. */
void message_msi(const char *device, u64 address, u32 data);

/* wide: the table is written by eight bytes, not by four. */
void message_msix(const char *device, u64 address, u32 data, bool wide);

#endif
