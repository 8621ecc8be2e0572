/* Registers of the 16550. Sections of the PC16550D data sheet (National Semiconductor, June 1995), 8.0. */
#ifndef HV_VM_VUART_REGS_H
#define HV_VM_VUART_REGS_H

#define VUART_RBR 0 /* read */
#define VUART_THR 0 /* write */
#define VUART_DLL 0 /* with LCR.DLAB */
#define VUART_DLM 1 /* with LCR.DLAB */

#define VUART_IER	1 /* 8.7 */
#define VUART_IER_RX	0x01
#define VUART_IER_THRE	0x02
#define VUART_IER_LINE	0x04
#define VUART_IER_MODEM 0x08
#define VUART_IER_MASK	0x0f

#define VUART_IIR	  2 /* read, 8.6; in falling order of priority: */
#define VUART_IIR_LINE	  0x06
#define VUART_IIR_RX	  0x04
#define VUART_IIR_TIMEOUT 0x0c
#define VUART_IIR_THRE	  0x02
#define VUART_IIR_MODEM	  0x00
#define VUART_IIR_NONE	  0x01
#define VUART_IIR_FIFOS	  0xc0 /* set while FCR.ENABLE is */

#define VUART_FCR	   2 /* write, 8.5 */
#define VUART_FCR_ENABLE   0x01
#define VUART_FCR_RX_RESET 0x02
#define VUART_FCR_KEPT	   0xc9 /* trigger level, DMA mode, enable */

#define VUART_LCR      3 /* 8.1 */
#define VUART_LCR_DLAB 0x80

#define VUART_MCR      4 /* 8.8 */
#define VUART_MCR_DTR  0x01
#define VUART_MCR_RTS  0x02
#define VUART_MCR_OUT1 0x04
#define VUART_MCR_OUT2 0x08 /* on PCs: gates the interrupt line */
#define VUART_MCR_LOOP 0x10
#define VUART_MCR_MASK 0x1f

#define VUART_LSR	  5 /* 8.4 */
#define VUART_LSR_DATA	  0x01
#define VUART_LSR_OVERRUN 0x02
#define VUART_LSR_THRE	  0x20
#define VUART_LSR_TEMT	  0x40

#define VUART_MSR      6    /* 8.9 */
#define VUART_MSR_TERI 0x04 /* a trailing edge only: RI went from 1 to 0 */
#define VUART_MSR_CTS  0x10
#define VUART_MSR_DSR  0x20
#define VUART_MSR_RI   0x40
#define VUART_MSR_DCD  0x80

#define VUART_SCR 7

#endif
