#include "drivers/pic.h"

#include "arch/x86/mmio.h"

/* Intel 8259A data sheet: the initialization command words ICW1-4 and the mask OCW1. */
#define PIC_MASTER_COMMAND 0x20
#define PIC_MASTER_DATA	   0x21
#define PIC_SLAVE_COMMAND  0xa0
#define PIC_SLAVE_DATA	   0xa1

#define PIC_ICW1_INIT	  0x11 /* edge triggered, cascaded, ICW4 follows */
#define PIC_ICW3_MASTER	  0x04 /* the slave is on input 2 */
#define PIC_ICW3_SLAVE	  0x02
#define PIC_ICW4_8086	  0x01
#define PIC_OCW1_MASK_ALL 0xff

static void init_one(u16 command, u16 data, u8 vector, u8 icw3)
{
	port_write8(command, PIC_ICW1_INIT);
	port_write8(data, vector);
	port_write8(data, icw3);
	port_write8(data, PIC_ICW4_8086);
	port_write8(data, PIC_OCW1_MASK_ALL);
}

void pic_disable(void)
{
	port_write8(PIC_MASTER_DATA, PIC_OCW1_MASK_ALL);
	port_write8(PIC_SLAVE_DATA, PIC_OCW1_MASK_ALL);
	init_one(PIC_MASTER_COMMAND, PIC_MASTER_DATA, PIC_VECTOR_BASE, PIC_ICW3_MASTER);
	init_one(PIC_SLAVE_COMMAND, PIC_SLAVE_DATA, PIC_VECTOR_BASE + 8, PIC_ICW3_SLAVE);
}
