/* The dual 8259 interrupt controller: out of the way, as the IOAPICs do its work. */
#ifndef DRIVERS_PIC_H
#define DRIVERS_PIC_H

/* Where its 16 interrupts would come, if one (a spurious 7 or 15) still did. */
#define PIC_VECTOR_BASE 0x20

/* Moves the interrupts off the CPU's exception vectors and masks all. */
void pic_disable(void);

#endif
