#include "guest/args.h"

#include "hv/base/string.h"

/* A decimal number of at most max, up to the first other character, where *text is left. */
static bool read_digits(const char **text, u32 max, u32 *value)
{
	u64 sum = 0;

	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		sum = sum * 10 + (u64)(**text - '0');
		if (sum > max)
			return false;
	}
	*value = (u32)sum;
	return true;
}

static bool read_number(const char *text, u32 max, u32 *value)
{
	return read_digits(&text, max, value) && !*text;
}

/* Four numbers with dots between; *text is left behind them. */
static bool read_dotted(const char **text, u32 *address)
{
	u32 sum = 0;

	for (unsigned i = 0; i < 4; i++) {
		u32 octet;

		if (i > 0 && *(*text)++ != '.')
			return false;
		if (!read_digits(text, 255, &octet))
			return false;
		sum = sum << 8 | octet;
	}
	*address = sum;
	return true;
}

bool args_read_address(const char *text, u32 *address)
{
	return read_dotted(&text, address) && !*text;
}

static bool take_file(struct args *args, const char *value)
{
	args->file = value;
	return *value;
}

static bool take_sha256(struct args *args, const char *value)
{
	args->has_digest = true;
	return sha256_from_text(value, args->digest);
}

static bool take_tftp(struct args *args, const char *value)
{
	return args_read_address(value, &args->tftp) && args->tftp;
}

static bool take_ip(struct args *args, const char *value)
{
	u32 prefix;

	if (!read_dotted(&value, &args->address) || *value++ != '/')
		return false;
	if (!read_number(value, 32, &prefix))
		return false;
	args->mask = prefix ? ~0u << (32 - prefix) : 0;
	return args->address;
}

static bool take_gw(struct args *args, const char *value)
{
	return args_read_address(value, &args->gateway);
}

static bool take_ping(struct args *args, const char *value)
{
	if (strcmp(value, "none") == 0) {
		args->ping_none = true;
		return true;
	}
	return args_read_address(value, &args->ping) && args->ping;
}

static bool take_pings(struct args *args, const char *value)
{
	return read_number(value, ARGS_PINGS_MAX, &args->pings) && args->pings;
}

static bool take_serve(struct args *args, const char *value)
{
	return read_number(value, UINT32_MAX, &args->serve);
}

static bool take_udpecho(struct args *args, const char *value)
{
	return read_number(value, UINT32_MAX, &args->udpecho);
}

static bool take_timeout(struct args *args, const char *value)
{
	return read_number(value, UINT32_MAX, &args->timeout_s);
}

static bool take_idle(struct args *args, const char *value)
{
	return read_number(value, UINT32_MAX, &args->idle_s);
}

static bool take_irq(struct args *args, const char *value)
{
	static const char *const names[] = {
		[IRQ_INTX] = "intx", [IRQ_MSI] = "msi", [IRQ_MSIX] = "msix"};

	for (unsigned i = IRQ_INTX; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			args->irq = (enum irq_kind)i;
			return true;
		}
	}
	return false;
}

static bool take_apic(struct args *args, const char *value)
{
	if (strcmp(value, "xapic") == 0)
		args->apic = APIC_XAPIC;
	else if (strcmp(value, "x2apic") == 0)
		args->apic = APIC_X2APIC;
	return args->apic != APIC_ANY;
}

static bool take_dma(struct args *args, const char *value)
{
	args->dma_high = strcmp(value, "high") == 0;
	return args->dma_high || strcmp(value, "low") == 0;
}

static const struct {
	const char *key;
	bool (*take)(struct args *args, const char *value);
} rows[] = {
	{"file", take_file},	   {"sha256", take_sha256}, {"tftp", take_tftp},
	{"ip", take_ip},	   {"gw", take_gw},	    {"ping", take_ping},
	{"pings", take_pings},	   {"serve", take_serve},   {"udpecho", take_udpecho},
	{"timeout", take_timeout}, {"idle", take_idle},	    {"irq", take_irq},
	{"apic", take_apic},	   {"dma", take_dma},
};

/* Cuts the next word off *line; NULL when none is left. */
static char *next_word(char **line)
{
	char *word = *line;
	char *end;

	while (*word == ' ' || *word == '\t')
		word++;
	if (!*word)
		return NULL;
	for (end = word; *end && *end != ' ' && *end != '\t'; end++)
		;
	*line = *end ? end + 1 : end;
	*end = 0;
	return word;
}

/* False for a bad value. */
static bool take_word(struct args *args, const char *word, args_warn_t warn)
{
	const char *value = strchr(word, '=');

	for (unsigned i = 0; value && i < ARRAY_SIZE(rows); i++) {
		size_t length = strlen(rows[i].key);

		if (length == (size_t)(value - word) && strncmp(word, rows[i].key, length) == 0)
			return rows[i].take(args, value + 1);
	}
	warn(word);
	return true;
}

bool args_parse(char *line, struct args *args, args_warn_t warn, const char **bad)
{
	bool first = true;
	char *word;

	*args = (struct args){.pings = 3, .timeout_s = 60};
	for (; (word = next_word(&line)); first = false) {
		if (first && !strchr(word, '='))
			continue; /* the program's name */
		*bad = word;
		if (!take_word(args, word, warn))
			return false;
	}

	*bad = NULL;
	if (args->has_digest && !args->file)
		*bad = "sha256= without file=";
	else if (args->gateway && !args->address)
		*bad = "gw= without ip=";
	else if (args->file && args->address && !args->tftp)
		*bad = "file= and ip= without tftp=";
	return !*bad;
}
