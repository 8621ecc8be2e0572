/* The attacks: one function for each command, which takes what stands behind the command's "=". */
#ifndef TESTS_ATTACK_ATTACK_H
#define TESTS_ATTACK_ATTACK_H

#include "hv/vm/words.h"

/* The first count numbers in value, divided by commas. Ends the guest if there are fewer. */
void read_numbers(struct text value, u64 *numbers, unsigned count);

/* main.c: commands from the console, a line each, until the empty one. */
void run_console(struct text value);

/* dma.c: through an edu device. Addresses are what the device puts on the bus. */
void attack_own(struct text value);    /* a round trip within own memory, which must work */
void attack_to(struct text value);     /* ADDRESS: writes the pattern there */
void attack_wipe(struct text value);   /* ADDRESS: clears it there, in own memory */
void attack_from(struct text value);   /* ADDRESS: reads there, and tells what came */
void attack_storm(struct text value);  /* ADDRESS,COUNT: so many writes, one page after the other */
void attack_msi(struct text value);    /* ADDRESS,DATA: writes four bytes there, as an MSI is */
void attack_late(struct text value);   /* ADDRESS: begins to write the pattern, and ends the VM */
void attack_master(struct text value); /* turns bus mastering on, and tells whether it is */

/* left.c */
void attack_left(struct text value);  /* tells what the last guest left, and leaves something */
void attack_crash(struct text value); /* a triple fault */

/* ports.c */
void attack_ports(struct text value);	     /* reads all ports that are not the VM's own */
void attack_port_writes(struct text value);  /* writes to them */
void attack_port_strings(struct text value); /* both by string instructions, to the most of them */
void attack_out(struct text value);	     /* PORT,VALUE,WIDTH: writes to a port */
void attack_fwcfg(struct text value);	     /* lets QEMU's fw_cfg device write to memory */

/* cpu.c: by the CPU. */
void attack_msrs(struct text value);	 /* reads and writes all MSRs */
void attack_cr0(struct text value);	 /* VALUE: loads CR0 */
void attack_cr3(struct text value);	 /* VALUE: loads CR3 */
void attack_cr4(struct text value);	 /* FIRST,LAST: turns bits of CR4 over and back */
void attack_counters(struct text value); /* reads performance counters */
void attack_peek(struct text value);	 /* ADDRESS: reads four bytes of memory */
void attack_watch(struct text value); /* ADDRESS,DR7: a hardware breakpoint there, then an exit */
void attack_poke(struct text value);  /* ADDRESS,VALUE: writes four bytes of memory */

/* vectors.c */
void attack_vectors(struct text value); /* XSETBV, AVX, and what is in the registers */

/* instructions.c */
void attack_instructions(struct text value); /* those that a VM has no use for */
void attack_hypercalls(struct text value);   /* those of many hypervisors */

/* forms.c */
void attack_forms(struct text value); /* ADDRESS: accesses that are carried out, where nothing is */
void attack_form(struct text value);  /* NAME,ADDRESS: one that is not carried out */

/* tables.c: page tables that no kernel would make. */
void attack_recursive(
	struct text value); /* maps OUTSIDE at 0x80408000 through a table that is its own */
void attack_tables(struct text value); /* accesses that are carried out, through such tables */

/* faults.c */
void attack_fault(struct text value); /* NAME[,NUMBER]: a way to get lost */

/* apic.c */
void attack_ipis(struct text value);	  /* xapic or x2apic: all commands, to all CPUs */
void attack_lvts(struct text value);	  /* all that local vectors can say */
void attack_apic_base(struct text value); /* moves it, turns it off and on */
void attack_ioapic(struct text value);	  /* all that the IOAPIC's entries can say */

void attack_in_nmi(struct text value); /* takes commands in the handler of an NMI, for ever */

/* config.c */
void attack_functions(struct text value);    /* tells all functions that answer */
void attack_config(struct text value);	     /* VALUE: to all registers on bus 0 */
void attack_config_write(struct text value); /* BDF,REGISTER,VALUE */
void attack_config_read(struct text value);  /* BDF,REGISTER */
void attack_config_bus(struct text value); /* BUS,VALUE: to all registers of its first functions */
void attack_config_forms(struct text value);  /* BDF,REGISTER,VALUE: by every form of access */
void attack_config_toggle(struct text value); /* BDF,REGISTER,VALUE,COUNT: turned over, so often */

/* dma.c: through other devices. */
void attack_nic_own(struct text value);	  /* it reads a frame of its own VM's */
void attack_nic_to(struct text value);	  /* ADDRESS: a frame that comes goes there */
void attack_nic_from(struct text value);  /* ADDRESS: sends what lies there */
void attack_nic_rings(struct text value); /* ADDRESS: rings are there */
void attack_nvme_to(struct text value);	  /* ADDRESS: writes a page there */
void attack_nvme_from(struct text value); /* ADDRESS: reads eight bytes there, and tells them */
void attack_nvme_time(
	struct text value); /* ADDRESS: writes eight bytes there, as an MSI is written */
void attack_nic_ring(struct text value); /* ADDRESS: a descriptor is there for a frame that comes */
void attack_nic_late(struct text value); /* ADDRESS: frames that come go there, from now on */
void attack_nic_watch(struct text value); /* waits until its link is down */

/* forge.c: DEVICE,ADDRESS,DATA: such a message, as MSI or as entry 0 of MSI-X, and its interrupt. */
void attack_forge_msi(struct text value);
void attack_forge_msix(struct text value);
void attack_forge_msix_wide(struct text value); /* by writes of eight bytes */

/* neighbour.c: of the VM that must not notice anything. */
void attack_fill(struct text value);   /* fills 1 MiB of its memory */
void attack_filled(struct text value); /* and looks whether it is still so */
void attack_listen(struct text value); /* takes and counts interrupts from now on */
void attack_heard(struct text value);  /* tells how many there were */
void attack_guard(
	struct text value); /* all of that, and no more: what changes in it, others changed */
u32 interrupts_heard(void); /* since attack_listen() */
void attack_wait(struct text value); /* COUNT: so many exits, doing nothing */

#endif
