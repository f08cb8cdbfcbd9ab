"""Roles in tables that have each text in several languages: `en, de, fr` or `sentence1_en, sentence1_de, ...`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from embtune.data.columns import Cell, Column, columns_line
from embtune.data.layout import Assignment
from embtune.data.role_names import assignments_by_name

# ISO 639-1
_CODES = frozenset(
    re.findall(
        r"\w+",
        "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el "
        "en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it "
        "iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt "
        "my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl "
        "sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo "
        "za zh zu ",
    )
)
_NAME = re.compile(r"(?:(?P<stem>.+)[_.-])?(?P<code>[a-z]{2})", re.IGNORECASE)
_FEWEST = 3  # columns; two are a pair, which their values tell
_LIKELIEST = "en"

Languages = Mapping[str, str]  # code -> column, in the order of the table


def assignments_by_language(columns: Mapping[str, Column]) -> list[Assignment]:
    """A pair of the first two languages; where a row has several texts, all in one language. Empty elsewhere.

    Notes say which were taken and how others are.
    """
    stems = _by_stem(columns)
    if sum(map(len, stems.values())) < _FEWEST:
        return []
    if len(stems) == 1:
        return [_parallel(next(iter(stems.values())))]
    return _one_language(stems, columns)


def _by_stem(columns: Mapping[str, Column]) -> dict[str, dict[str, str]]:
    """What stands before the language (`sentence1`, or nothing) -> language -> column."""
    stems: dict[str, dict[str, str]] = {}
    for name, column in columns.items():
        match = _NAME.fullmatch(name)
        if match and column.cell is Cell.TEXT and match["code"].lower() in _CODES:
            stems.setdefault(match["stem"] or "", {})[match["code"].lower()] = name
    return {stem: languages for stem, languages in stems.items() if len(languages) > 1}


def _parallel(languages: Languages) -> Assignment:
    codes = sorted(languages, key=lambda code: code != _LIKELIEST)
    first, second = (languages[code] for code in codes[:2])
    why = {"anchor": f"its name is a language, {codes[0]}", "positive": f"its name is a language, {codes[1]}"}
    other = columns_line({"anchor": first, "positive": languages[codes[-1]]})
    every = columns_line({f"text_{i}": languages[code] for i, code in enumerate(codes, start=1)})
    notes = (
        f"the rows are in {len(codes)} languages ({', '.join(codes)}), and {codes[0]} with {codes[1]} was taken; "
        f"another pair is declared so: {other}",
        f"all of them, for a loss with a teacher: {every}",
    )
    return Assignment({"anchor": first, "positive": second}, why, notes=notes)


def _one_language(stems: Mapping[str, Languages], columns: Mapping[str, Column]) -> list[Assignment]:
    """The columns of one language under their names without it."""
    shared = [code for code in next(iter(stems.values())) if all(code in languages for languages in stems.values())]
    if not shared:
        return []
    code = _LIKELIEST if _LIKELIEST in shared else shared[0]
    taken = {column for languages in stems.values() for column in languages.values()}
    chosen = {stem: replace(columns[languages[code]], name=stem) for stem, languages in stems.items()}
    rest = {name: column for name, column in columns.items() if name not in taken}
    found = assignments_by_name({**chosen, **rest})
    return [_renamed(each, stems, code, shared) for each in found]


def _renamed(found: Assignment, stems: Mapping[str, Languages], code: str, shared: list[str]) -> Assignment:
    """The assignment with the table's own names, and a note on the other languages."""
    columns = {role: stems[stem][code] if stem in stems else stem for role, stem in found.columns.items()}
    other = next(each for each in reversed(shared) if each != code)
    declared = {role: stems[stem][other] if stem in stems else stem for role, stem in found.columns.items()}
    label = {} if found.label is None else {"label": found.label.name}
    note = (
        f"the texts are in {len(shared)} languages ({', '.join(shared)}), and {code} was taken; another, or two of "
        f"them, are declared so: {columns_line(declared | label)}"
    )
    return replace(found, columns=columns, notes=(*found.notes, note))
