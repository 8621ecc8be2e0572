/* Page tables of the guest's that no kernel would make: for accesses that are to be carried out through them. */
#ifndef TESTS_ATTACK_TABLES_H
#define TESTS_ATTACK_TABLES_H

/* Linear addresses that tables.c makes; assembly knows them. */
#define TABLES_WINDOW 0x240000000ull /* the PT's: pages of tables.c's own */

/* Maps the window by a page directory that is where nothing is. For faults.asm. */
void tables_operand_outside(void);

/*
 * Runs an instruction on device registers whose last bytes are on a page that is mapped no more, or
 * elsewhere, though the CPU does not know yet. For faults.asm.
 */
void tables_forget_code(void);
void tables_move_code(void);

#endif
