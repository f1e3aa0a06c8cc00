#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the figures of TIMING.md as SVG from the tables that clock_trace prints. Python's own library alone.

  ninja -C build/release clock_trace pair_trace
  (cd build/release/tests/unit/detection; ./clock_trace; pairs/pair_trace) | controller/detection/plots.py controller/detection
"""
import math
import pathlib
import sys

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 360, 70, 34, 16, 48
BLUE, GREY, RED = "#2166ac", "#888888", "#b2182b"


def read_tables(lines):
    """{name: list of rows}; a table begins with "# name: columns"."""
    tables, rows = {}, None
    for line in lines:
        if line.startswith("#"):
            rows = tables.setdefault(line[1:].split(":")[0].strip(), [])
        elif line.strip():
            rows.append([float(word) for word in line.split()])
    return tables


def ticks(low, high, wanted=6):
    step = 10 ** math.floor(math.log10((high - low) / wanted))
    step = min((step * k for k in (1, 2, 5, 10)), key=lambda s: abs((high - low) / s - wanted))
    first = math.ceil(low / step - 1e-9)
    return [round(step * k, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


class Plot:
    """One pair of axes; data are in its own units, logarithmic where asked."""

    def __init__(self, title, x, y, x_label, y_label, logarithmic=()):
        self.log = logarithmic
        self.x, self.y = x, y
        self.parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
                      self.text(WIDTH / 2, 20, title, "middle", 14),
                      self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_label, "middle"),
                      f'<g transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">'
                      + self.text(0, 0, y_label, "middle") + "</g>"]
        self.axes()

    @staticmethod
    def text(x, y, words, anchor="start", size=12, colour="black"):
        words = words.replace("&", "&amp;").replace("<", "&lt;")
        return (f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="{size}" fill="{colour}" '
                f'text-anchor="{anchor}">{words}</text>')

    def place(self, value, limits, axis):
        low, high = limits
        if axis in self.log:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return (value - low) / (high - low)

    def at(self, x, y):
        return (LEFT + self.place(x, self.x, "x") * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - self.place(y, self.y, "y") * (HEIGHT - TOP - BOTTOM))

    def marks(self, limits, axis):
        if axis not in self.log:
            return ticks(*limits)
        return [10.0 ** k for k in range(math.ceil(math.log10(limits[0]) - 1e-9),
                                         math.floor(math.log10(limits[1]) + 1e-9) + 1)]

    def axes(self):
        for value in self.marks(self.x, "x"):
            x, y = self.at(value, self.y[0])
            self.parts += [f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{y:.1f}" stroke="#dddddd"/>',
                           self.text(x, y + 16, f"{value:g}", "middle", 11)]
        for value in self.marks(self.y, "y"):
            x, y = self.at(self.x[0], value)
            self.parts += [f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>',
                           self.text(x - 5, y + 4, f"{value:g}", "end", 11)]
        self.parts.append(f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" '
                          f'height="{HEIGHT - TOP - BOTTOM}" fill="none" stroke="black"/>')

    def inside(self, x, y):
        return self.x[0] <= x <= self.x[1] and self.y[0] <= y <= self.y[1]

    def line(self, points, colour, width=1.5):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*p) for p in points if self.inside(*p)))
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')

    def dots(self, points, colour, radius=2):
        for x, y in (self.at(*p) for p in points if self.inside(*p)):
            self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def band(self, x, words):
        (left, _), (right, _) = self.at(x[0], self.y[0]), self.at(x[1], self.y[0])
        self.parts += [f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{HEIGHT - TOP - BOTTOM}" '
                       'fill="#000000" fill-opacity="0.08"/>', self.text((left + right) / 2, TOP + 16, words, "middle")]

    def note(self, row, words, colour):
        self.parts.append(self.text(WIDTH - RIGHT - 8, TOP + 18 + 16 * row, words, "end", 12, colour))

    def save(self, file):
        file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
                        f'viewBox="0 0 {WIDTH} {HEIGHT}">\n' + "\n".join(self.parts) + "\n</svg>\n")


def thinned(rows, most):
    return rows[:: max(1, len(rows) // most)]


def frequency(rows, file):
    """Error of the frequency that the clock reports, with its own error bar."""
    plot = Plot("Frequency of Bob's clock against Alice's: reported less true", (0, 12), (-0.002, 0.002),
                "light since slot 0 (s)", "error (ppm)")
    plot.band((3, 8), "dark")
    rows = thinned([r for r in rows if r[4]], 400)
    for low, high in ((0, 3.2), (8, 12)):
        part = [r for r in rows if low <= r[0] < high]
        for sign in (-1, 1):
            plot.line([(r[0], max(-0.002, min(0.002, sign * r[2]))) for r in part], GREY, 1)
        plot.dots([(r[0], r[1] - r[3]) for r in part], BLUE, 1.6)
    plot.note(0, "reported", BLUE)
    plot.note(1, "its sigma", GREY)
    plot.save(file)


def offset(rows, file):
    """What each batch of clicks moved the line by."""
    plot = Plot("Phase of each batch of clicks against the tracked line", (0, 12), (-0.3, 0.3),
                "light since slot 0 (s)", "innovation (ns)")
    plot.band((3, 8), "dark")
    plot.dots([(r[0], r[5]) for r in thinned([r for r in rows if r[4]], 500)], BLUE, 1.6)
    plot.save(file)


def jitter(bins, shape, file):
    """Arrivals about their slots, and the Gaussian over a background that the clock reports."""
    sigma, background = shape
    total, width = sum(count for _, count in bins), bins[1][0] - bins[0][0]
    plot = Plot("Arrivals about the start of their slots", (-5, 5), (0, 1.1 * max(c for _, c in bins)), "ns",
                f"tags in {width:.0f} ps")
    fitted = [(x / 1000, total * ((1 - background) * width / sigma / math.sqrt(2 * math.pi)
                                  * math.exp(-x * x / (2 * sigma * sigma)) + background / len(bins))) for x, _ in bins]
    plot.dots([(x / 1000, count) for x, count in bins], BLUE, 1.8)
    plot.line(fitted, RED)
    plot.note(0, "tags", BLUE)
    plot.note(1, f"reported: {sigma:.0f} ps, background {100 * background:.1f} %", RED)
    plot.save(file)


def acquisition(rows, file):
    """Light it takes from the first photon to the first slot that is kept."""
    plot = Plot("Light until the first slot that is kept", (1e3, 3e5), (1e-3, 2), "photons detected a second",
                "seconds", ("x", "y"))
    plot.dots([(r[0], r[2]) for r in rows], BLUE, 2)
    plot.line([(rate, 660 / rate) for rate in (1e3, 3e5)], GREY)
    plot.note(0, "12 runs a rate", BLUE)
    plot.note(1, "660 photons", GREY)
    plot.save(file)


def peak(rows, figures, file):
    """Coincidences about the line, the window that was fitted, and what chance gives as counted off the peak."""
    window, coincidences, accidentals, chance = figures
    plot = Plot("Coincidences of two free-running taggers", (-4, 4), (0.5, 2 * max(r[1] for r in rows)),
                "Bob less Alice, off the tracked line (ns)", f"pairs in {rows[1][0] - rows[0][0]:.0f} ps, 30 s", ("y",))
    plot.band((-window / 2000, window / 2000), "window")
    plot.line([(-4, chance), (4, chance)], RED)
    plot.dots([(x / 1000, count) for x, count in rows if count], BLUE, 1.8)
    plot.note(0, f"window {window:.0f} ps: {coincidences:.0f} pairs", BLUE)
    plot.note(1, f"off the peak, same window: {accidentals:.0f}", RED)
    plot.save(file)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    tables = read_tables(sys.stdin)
    frequency(tables["track"], folder / "timing-frequency.svg")
    offset(tables["track"], folder / "timing-phase.svg")
    jitter(tables["arrival"], tables["shape"][0], folder / "timing-jitter.svg")
    acquisition(tables["acquisition"], folder / "timing-acquisition.svg")
    peak(tables["peak"], tables["peak_window"][0], folder / "timing-coincidences.svg")


if __name__ == "__main__":
    main()
