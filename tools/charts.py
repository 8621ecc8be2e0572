"""Flame graphs and timelines as SVG, which any browser shows; what a box is, it tells when pointed at."""

import hashlib
import html

WIDTH = 1200
ROW = 18
MARGIN = 10
NARROWEST = 0.3  # what would be narrower is left out
CHARACTER = 6.6  # a letter's width


def colour(name):
    """The same for the same name: from yellow to red."""
    digest = hashlib.sha256(name.encode()).digest()
    return f"rgb({205 + digest[0] % 50},{90 + digest[1] % 130},{digest[2] % 60})"


def box(x, y, width, name, told):
    """A rectangle with its name in it, as far as that fits."""
    fits = int((width - 4) / CHARACTER)
    text = html.escape(name if len(name) <= fits else name[: fits - 1] + "…") if fits > 2 else ""
    return (
        f'<g><title>{html.escape(told)}</title><rect x="{x:.2f}" y="{y}" width="{width:.2f}"'
        f' height="{ROW - 1}" fill="{colour(name)}"/>'
        f'<text x="{x + 2:.2f}" y="{y + ROW - 5}">{text}</text></g>'
    )


def document(height, title, parts):
    """The whole file."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 2 * MARGIN}" height="{height}"'
            ' font-family="monospace" font-size="11">',
            f'<text x="{MARGIN}" y="16" font-size="14">{html.escape(title)}</text>',
            *parts,
            "</svg>\n",
        ]
    )


def tree(stacks):
    """Of {(outermost, ..., innermost): weight} a tree: a node is [weight, {name: node}]."""
    root = [0, {}]
    for stack, weight in stacks.items():
        node = root
        node[0] += weight
        for name in stack:
            node = node[1].setdefault(name, [0, {}])
            node[0] += weight
    return root


def depth(node):
    """Rows of a tree below its root."""
    return max((1 + depth(child) for child in node[1].values()), default=0)


def flame(stacks, title, unit):
    """A flame graph of {(outermost, ..., innermost): weight}: the outermost at the bottom."""
    root = tree(stacks)
    rows, parts = depth(root), []

    def draw(node, x, level):
        for name, child in sorted(node[1].items(), key=lambda item: -item[1][0]):
            width = WIDTH * child[0] / root[0]
            if width >= NARROWEST:
                share = 100 * child[0] / root[0]
                told = f"{name}: {child[0]:,} {unit}, {share:.1f} %"
                parts.append(box(x, 30 + ROW * (rows - level - 1), width, name, told))
                draw(child, x, level + 1)
            x += width

    draw(root, MARGIN, 0)
    return document(30 + ROW * rows + MARGIN, f"{title}: {root[0]:,} {unit}", parts)


def timeline(lanes, title, unit):
    """Of {lane: [(start, length, name, told)]} a row each, all on the same scale."""
    spans = [span for row in lanes.values() for span in row]
    first = min((span[0] for span in spans), default=0)
    last = max((span[0] + span[1] for span in spans), default=1)
    scale = WIDTH / max(1, last - first)
    parts = []
    for index, (lane, row) in enumerate(sorted(lanes.items())):
        y = 30 + index * (2 * ROW + 4)
        parts.append(f'<text x="{MARGIN}" y="{y + ROW - 5}">{html.escape(lane)}</text>')
        for start, length, name, told in row:
            x = MARGIN + (start - first) * scale
            parts.append(box(x, y + ROW, max(NARROWEST, length * scale), name, told))
    height = 30 + len(lanes) * (2 * ROW + 4) + MARGIN
    return document(height, f"{title}: {last - first:,} {unit}", parts)
