#include "drivers/ega.h"

#define EGA_CELL      2
#define EGA_ATTRIBUTE 0x07 /* light grey on black */
#define EGA_BLANK     (EGA_ATTRIBUTE << 8 | ' ')
#define EGA_TAB	      8

static struct {
	volatile u16 *cells; /* NULL: none */
	u32 columns;
	u32 rows;
	u32 stride; /* cells from line to line */
	u32 column;
	u32 row;
} ega;

static void clear_row(u32 row)
{
	for (u32 i = 0; i < ega.columns; i++)
		ega.cells[row * ega.stride + i] = EGA_BLANK;
}

static void scroll(void)
{
	for (u32 row = 1; row < ega.rows; row++)
		for (u32 i = 0; i < ega.columns; i++)
			ega.cells[(row - 1) * ega.stride + i] = ega.cells[row * ega.stride + i];
	clear_row(ega.rows - 1);
}

enum status ega_init(void *cells, u32 columns, u32 rows, u32 pitch)
{
	if (!cells || !columns || !rows || columns > pitch / EGA_CELL)
		return ERR_INVALID;
	ega.cells = cells;
	ega.columns = columns;
	ega.rows = rows;
	ega.stride = pitch / EGA_CELL;
	ega.column = 0;
	ega.row = 0;
	for (u32 row = 0; row < rows; row++)
		clear_row(row);
	return OK;
}

static void new_line(void)
{
	ega.column = 0;
	if (ega.row + 1 < ega.rows)
		ega.row++;
	else
		scroll();
}

static void put(char c)
{
	/* Only when the next one comes, so that a line as wide as the screen leaves no empty one. */
	if (ega.column >= ega.columns)
		new_line();
	ega.cells[ega.row * ega.stride + ega.column++] = (u16)(EGA_ATTRIBUTE << 8 | (u8)c);
}

void ega_sink(const char *text, size_t length)
{
	if (!ega.cells)
		return;
	for (size_t i = 0; i < length; i++) {
		switch (text[i]) {
		case '\n':
			new_line();
			break;
		case '\r':
			ega.column = 0;
			break;
		case '\t':
			do
				put(' ');
			while (ega.column % EGA_TAB && ega.column < ega.columns);
			break;
		default:
			put(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
		}
	}
}
