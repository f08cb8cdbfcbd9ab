"""What `check-format` says of a dataset's rows: labels, negatives, lengths, repeats; a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from embtune.data.found import Found, listed_places, rows_word
from embtune.data.label_counts import NumberRange
from embtune.data.repeats import Repeats
from embtune.data.role_lengths import PERCENTILES, RoleLengths
from embtune.data.row_sample import SampledRow
from embtune.data.survey import LONG
from embtune.pipeline.data_report import DataReport

_FEW = 6  # classes that are named one by one


def row_facts(report: DataReport) -> list[str]:
    """One line a fact, the label first; nothing of a dataset without a good row."""
    if report.found.summary is None:
        return []
    facts = [*_label(report), *_negatives(report), *_lengths(report), *_long(report), *_twins(report), *_again(report)]
    if not report.found.hashes.is_whole:
        facts.append(f"repeats were looked for in the first {len(report.found.hashes):,} rows")
    return facts


def _label(report: DataReport) -> Iterator[str]:
    summary, numbers = report.found.summary, report.found.numbers
    if summary is not None and summary.classes:
        yield _classes(summary.classes, report.found.unnamed)
    elif numbers is not None:
        yield _range(numbers, report.layout.label.value)


def _classes(classes: Mapping[str, Found], unnamed: int) -> str:
    sizes = {name: found.count for name, found in classes.items()}
    total = sum(sizes.values()) + unnamed
    ordered = sorted(sizes, key=lambda name: -sizes[name])
    if len(sizes) <= _FEW:
        return f"label: {', '.join(f'{name} {sizes[name]:,} ({sizes[name] / total:.0%})' for name in ordered)}"
    most, fewest = ordered[0], ordered[-1]
    middle = f"half of them {median(sizes.values()):g} or more"
    spread = f"of {sizes[fewest]:,} ({fewest}) to {sizes[most]:,} ({most}) rows, {middle}"
    alone = sum(size == 1 for size in sizes.values())
    more = f"; {alone:,} have one row" if alone else ""
    return f"label: {'more than ' if unnamed else ''}{len(sizes):,} classes {spread}{more}"


def _range(numbers: NumberRange, kind: str) -> str:
    line = f"label: {kind} from {numbers.lowest:g} to {numbers.highest:g}, mean {numbers.mean:.3g}"
    total = sum(numbers.tenths)
    if not total or numbers.lowest < 0 or numbers.highest > 1:
        return line
    return f"{line}; in tenths of 0 to 1: {' '.join(f'{count / total:.0%}' for count in numbers.tenths)}"


def _negatives(report: DataReport) -> Iterator[str]:
    counts = report.found.negatives
    if not any(counts):
        return
    fewest, most = min(counts), max(counts)
    if fewest == most:
        yield f"negatives: {most} in each row"
    else:
        mean = sum(number * rows for number, rows in counts.items()) / sum(counts.values())
        yield f"negatives: {fewest} to {most} a row, {mean:.1f} on average"


def _lengths(report: DataReport) -> Iterator[str]:
    """Tokens where a model is named; else characters."""
    if report.lengths:
        yield from (_tokens(each) for each in report.lengths)
        return
    for place, role in enumerate(report.layout.roles):
        yield f"{role}: {_characters(report.found.sample, place)}"
    if report.no_lengths:
        yield f"lengths in tokens are not known: {report.no_lengths}"


def _tokens(lengths: RoleLengths) -> str:
    spread = f"{lengths.role}: {_spread(lengths.percentiles, 'tokens')}"
    if lengths.limit is None:
        return f"{spread}; no text is cut"
    if not lengths.cut.count:
        return f"{spread}; none is cut at {lengths.limit:,}"
    return f"{spread}; {lengths.share:.1%} are cut at {lengths.limit:,} ({lengths.cut})"


def _characters(sample: Sequence[SampledRow], place: int) -> str:
    texts = (row.texts[place] for row in sample if place < len(row.texts))
    lengths = sorted(len(text) for text in texts if text is not None)
    if not lengths:
        return "no text"
    return _spread([lengths[(len(lengths) - 1) * percent // 100] for percent in PERCENTILES], "characters")


def _spread(percentiles: Sequence[int], unit: str) -> str:
    """`half up to 64 characters, 90% up to 113, 99% up to 176, longest 300`."""
    half, *others, longest = percentiles
    between = zip(PERCENTILES[1:-1], others, strict=True)
    parts = [f"half up to {half:,} {unit}", *(f"{percent}% up to {length:,}" for percent, length in between)]
    return ", ".join([*parts, f"longest {longest:,}"])


def _long(report: DataReport) -> Iterator[str]:
    for role, found in report.found.long.items():
        yield f"{role} of more than {LONG:,} characters, which many models cut: {rows_word(found.count)}, at {found}"


def _twins(report: DataReport) -> Iterator[str]:
    assert report.found.summary is not None
    for (first, second), found in report.found.summary.twins.items():
        if found.count:
            yield f"{second} that is the text of {first}: {rows_word(found.count)}, at {found}"


def _again(report: DataReport) -> Iterator[str]:
    first, twice = report.layout.roles[0], report.twice
    yield from _repeated("all texts as in an earlier row", twice.rows)
    yield from _repeated(f"{first} as in an earlier row", twice.queries)
    yield from _repeated(f"{first} as in an earlier row but for case, spaces and punctuation", twice.near)


def _repeated(what: str, found: Repeats) -> Iterator[str]:
    if found.found.count:
        places = listed_places(found.found.places, [f" as {earlier.line}" for earlier in found.earlier])
        yield f"{what}: {rows_word(found.found.count)}, at {places}"
