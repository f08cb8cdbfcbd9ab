"""Model folders from strangers: sound ones with some of their files changed, damaged, taken away or led elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

from fuzz_case import Case
from hypothesis import strategies as st
from model_templates import ARCHITECTURES, make_templates
from model_words import KEYS, SIZES, VALUES, WORDS

MODEL = "model"
_TEXTS = b"a man is playing\n\ntwo dogs run\n"
_DATA = b'{"anchor": "a man", "positive": "a person"}\n{"anchor": "two dogs", "positive": "dogs"}\n'
_CONFIG = """
output_dir: out
model: {name_or_path: model%s}
data: {train: [{path: data.jsonl}]}
loss: MultipleNegativesRankingLoss
train: {max_steps: 1, batch_size: 2, precision: fp32}
"""
_LARGEST_READ = 1 << 16  # bytes; what is larger is changed as bytes, not as JSON


class Folder:
    """A sound model's files, and which of them one would change."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.files = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
        self.json = [name for name in self.files if name.endswith(".json")]
        self.weights = [name for name in self.files if name.endswith(".safetensors")]

    def read(self, name: str) -> bytes:
        return (self.place / name).read_bytes()


@st.composite
def cases(draw: st.DrawFn, root: Path) -> Case:
    """A folder that was sound, what was done to it, and a command that loads it."""
    folder = Folder(
        root / draw(st.sampled_from(["whole", "whole", "whole", "static", "router", "adapter", *ARCHITECTURES]))
    )
    files: dict[str, bytes | None] = {}
    links: dict[str, str] = {}
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        name, content = draw(st.sampled_from([_json_change] * 6 + [_modules, _header, _bytes_change, _gone, _added]))(
            draw, folder
        )
        files[f"{MODEL}/{name}"] = content
    if not draw(st.integers(0, 14)):
        target = draw(st.sampled_from(["/dev/zero", "/dev/null", "/etc/passwd", "..", ".", "nowhere", "config.json"]))
        links[f"{MODEL}/{draw(st.sampled_from(folder.files))}"] = target
    code = ", trust_remote_code: true" if not draw(st.integers(0, 9)) else ""
    files |= {"c.yaml": (_CONFIG % code).encode(), "data.jsonl": _DATA}
    words = draw(st.sampled_from(
        [("encode", MODEL)] * 8
        + [("encode", MODEL, "--prompt", "query"), ("train", "c.yaml"), ("train", "c.yaml", "--dry-run")]
        + [("train", "c.yaml", "--set", "model.lora={}", "--dry-run")]
        + [("evaluate", MODEL, "c.yaml", "--set", "data.eval=[{path: data.jsonl}]")]
    ))  # fmt: skip
    return Case(words, files, links, (MODEL, folder.place), _TEXTS)


Change = tuple[str, bytes | None]


def _json_change(draw: st.DrawFn, folder: Folder) -> Change:
    """A settings file with another value somewhere."""
    small = [name for name in folder.json if (folder.place / name).stat().st_size < _LARGEST_READ]
    name = draw(st.sampled_from(small))
    value = json.loads(folder.read(name))
    return name, _dumped(_changed(draw, value))


def _changed(draw: st.DrawFn, value: object) -> object:
    """The value with something else at a random place in it."""
    if isinstance(value, dict):
        key = draw(st.sampled_from(sorted(value)) | KEYS) if value else draw(KEYS)
        if not draw(st.integers(0, 9)):
            return {each: below for each, below in value.items() if each != key}
        inside = value.get(key)
        deeper = isinstance(inside, dict | list) and draw(st.integers(0, 3))
        return value | {key: _changed(draw, inside) if deeper else draw(VALUES)}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], _changed(draw, value[at]), *value[at + draw(st.integers(0, 1)) :]]
    return draw(VALUES)


def _dumped(value: object) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _modules(draw: st.DrawFn, folder: Folder) -> Change:
    """A list of modules, or the routes of a Router, that loops, leaves the folder or makes no model."""
    types = st.sampled_from(
        ["Transformer", "Pooling", "Dense", "Normalize", "Router", "Asym", "StaticEmbedding", "CNN", "LSTM"]
    )
    prefix = st.sampled_from(["sentence_transformers.models.", "sentence_transformers.base.modules.", "evil.", ""])
    paths = (
        st.sampled_from(
            [
                "",
                ".",
                "..",
                "../model",
                "/",
                "1_Pooling",
                "2_Dense",
                "query_0_StaticEmbedding",
                "router",
                "./././1_Pooling",
                "a\0b",
                "x" * 300,
                "~",
            ]
        )
        | WORDS
    )
    if "router_config.json" in folder.files and draw(st.booleans()):
        routes = st.lists(paths, max_size=3)
        structure = draw(st.dictionaries(st.sampled_from(["query", "document", "doc", "x"]), routes, max_size=3))
        named = draw(st.dictionaries(paths, st.builds("{}{}".format, prefix, types), max_size=3))
        return "router_config.json", _dumped({"types": named, "structure": structure, "parameters": draw(VALUES)})
    entry = st.fixed_dictionaries(
        {"idx": SIZES, "name": WORDS, "path": paths, "type": st.builds("{}{}".format, prefix, types)}
    )
    return "modules.json", _dumped(
        draw(st.lists(entry, max_size=4) | st.integers(1, 3000).map(lambda depth: _deep(depth)))
    )


def _deep(depth: int) -> object:
    value: object = "x"
    for _ in range(min(depth, 900)):
        value = [value]
    return value


def _header(draw: st.DrawFn, folder: Folder) -> Change:
    """Weights whose header says something else than what is there."""
    name = draw(st.sampled_from(folder.weights))
    content = folder.read(name)
    length = int.from_bytes(content[:8], "little")
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    tensor = draw(st.sampled_from(sorted(header)))
    kind = draw(st.sampled_from(["value", "rename", "length", "body", "text"]))
    if kind == "value":
        header[tensor] = _changed(draw, header[tensor])
    elif kind == "rename":
        header[draw(WORDS)] = header.pop(tensor)
    elif kind == "body":
        body = bytes([draw(st.sampled_from([0, 0x7F, 0xFF]))]) * len(body)
    text = b"[" * 5000 if kind == "text" else _dumped(header)
    said = draw(SIZES.filter(lambda size: size == size and 0 <= size < 2**64)) if kind == "length" else len(text)
    return name, int(said).to_bytes(8, "little") + text + body


def _bytes_change(draw: st.DrawFn, folder: Folder) -> Change:
    """A file with some bytes changed, more, or cut off."""
    name = draw(st.sampled_from(folder.files))
    content = folder.read(name)
    at = draw(st.integers(0, len(content)))
    rest = draw(st.sampled_from([b"", content[at:], content[at + 1 :], content[at + 100 :]]))
    return name, content[:at] + draw(st.binary(max_size=8)) + rest


def _gone(draw: st.DrawFn, folder: Folder) -> Change:
    return draw(st.sampled_from(folder.files)), None


def _added(draw: st.DrawFn, folder: Folder) -> Change:
    """A file that makes the folder look like another kind."""
    name = draw(st.sampled_from([
        "modules.json", "config.json", "adapter_config.json", "router_config.json", "pytorch_model.bin",
        "model.safetensors.index.json", "config_sentence_transformers.json",
        "sentence_bert_config.json", "generation_config.json", "preprocessor_config.json", "vocab.txt", "vocab.json",
        "merges.txt", "spiece.model", "evil.py", "chat_template.jinja",
        "special_tokens_map.json", "added_tokens.json", "1_Pooling/config.json", "tokenizer.json",
    ]))  # fmt: skip
    index = st.dictionaries(WORDS, WORDS, max_size=2).map(lambda found: _dumped({"weight_map": found}))
    return name, draw(st.binary(max_size=30) | VALUES.map(_dumped) | index)


IMPORTED = tuple(
    f"transformers.models.{name}.modeling_{name}" for name in ("bert", "modernbert", "qwen3", "t5", "deberta_v2")
)


def prepare(root: Path) -> None:
    """Make the sound folders."""
    make_templates(root)
