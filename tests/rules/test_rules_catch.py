"""Each rule is shown a small bad sample and finds it, and a good one and lets it pass."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.rules.inspect_tree import RULES, inspect
from tests.rules.prose import check_prose, lay_out, split_sentences
from tests.rules.python_rules import check_copies, check_python, is_vague
from tests.rules.script_rules import check_script
from tests.rules.text_rules import MAX_FILE_BYTES, MAX_WEIGHT_BYTES, check_changelog, check_text
from tests.rules.tree import Breach, list_files, read_text
from tests.rules.words import (
    GLOSSARY,
    OLD_FORMATS,
    PARTICIPLES,
    check_class_names,
    check_function_names,
    check_words,
    find_retired,
)

NESTED = (
    "def draw(a):\n    if a:\n        for b in a:\n            while b:\n               "
    " if b: pass\n"
)
MANY = "def draw(a, b, c, d, e, f, g): pass\n"
VAGUE = "class LayerManager: pass\n"
SEED = "def draw(seed): return seed or 7\n"
OPEN = "def draw(**rest): pass\n"
TAKES = "def draw(callback): pass\n"
GIVES = "draw(callback=print)\n"
BARE = "def draw(): pass\n"

BAD_PYTHON = {
    "nested too deep": (NESTED,),
    "too many arguments": (
        MANY,
        "def draw(a, b, /, c, d, e, f, g): pass\n",
        "def draw(a, b, c, d, e, f, *g): pass\n",
    ),
    "packed arguments": (
        "def draw(place: tuple[int, Tensor]):\n    k, after = place\n",
        "def draw(place: tuple[A, A], b):\n    (c, d), e = place, b\n",
    ),
    "vague name": (
        VAGUE,
        "def get_info(): pass\n",
        "def process_layer(): pass\n",
        "class A:\n    def data(self): pass\n",
    ),
    "seed or default": (SEED, "def draw(layer): return layer.seed or 7\n"),
    "open keywords": (OPEN, "class Loop:\n    def __init__(self, **rest): pass\n"),
    "callback": (TAKES, GIVES, "draw(step_callback=print)\n"),
    "no docstring": (
        BARE,
        '"""A module."""\nclass Loop: pass\n',
        '"""A module."""\ndef draw(): pass\n',
    ),
    "not Python": ("def draw(:\n",),
}

THREE_OF_FOUR = (
    "def test_identity(): ...\ndef test_is_restored(): ...\ndef test_equation_4(): ...\n"
)

GOOD = '''"""A module."""

def draw(a, b, c, d, e, f):
    """Forty lines of documentation may stand here."""
    if a:
        for b in c:
            if b: pass
    elif b: pass
    elif c: pass
    elif d: pass
    return process.data

class Loop:
    """A loop."""
    def __call__(self, a, b, c, d, e, f): return a
    def _private(self, **rest): return 0 if a.seed is None else a.seed
'''

HOME = "/" + "home/someone/pictures"
MARK = "TO" + "DO"

BAD_TEXT = {
    "file too long": ("ui/web/main.js", "on(() => 1);\n" * 601),
    "machine path": ("README.md", f"see {HOME}"),
    "unfinished": ("backend/a.py", f"# {MARK} later"),
}


@pytest.mark.parametrize("rule", BAD_PYTHON)
def test_python_rule_catches(rule: str) -> None:
    for sample in BAD_PYTHON[rule]:
        assert rule in {
            breach.rule for breach in check_python("backend/scene/sample.py", sample)
        }, sample


def test_good_python_passes() -> None:
    assert list(check_python("backend/scene/sample.py", GOOD)) == []


@pytest.mark.parametrize(
    "sample",
    [
        "def draw(box: tuple[int, int, int, int]):\n    a, b, c, d = box\n",
        "def draw(place: tuple[int, Tensor]):\n    k, after = place\n    return place\n",
        "def draw(places: tuple[Tensor, ...]):\n    k, after = places\n",
    ],
)
def test_values_and_tuples_that_are_handed_on_pass(sample: str) -> None:
    found = {breach.rule for breach in check_python("backend/scene/sample.py", sample)}
    assert "packed arguments" not in found


def test_keyword_only_arguments_do_not_count() -> None:
    sample = "def draw(a, b, c, d, e, f, *, g, h): pass\n"
    assert "too many arguments" not in {
        breach.rule for breach in check_python("tests/a.py", sample)
    }


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ui/web/layers.css", ".a {}\n" * 601),
        ("backend/colours.py", "A = 1\n" * 601),
        ("backend/many.py", "def draw(): pass\n" * 600),
    ],
)
def test_style_sheets_tables_and_600_lines_pass(path: str, text: str) -> None:
    assert list(check_text(path, text)) == []


@pytest.mark.parametrize(
    "name", ["utils", "path_utils", "EventHandler", "helper", "scene_data", "process", "Info"]
)
def test_vague(name: str) -> None:
    assert is_vague(name)


@pytest.mark.parametrize(
    "name", ["data_uri", "processor", "inform", "DatabaseRow", "scene", "__init__", "preprocess"]
)
def test_not_vague(name: str) -> None:
    assert not is_vague(name)


@pytest.mark.parametrize("rule", BAD_TEXT)
def test_text_rule_catches(rule: str) -> None:
    path, text = BAD_TEXT[rule]
    assert [breach.rule for breach in check_text(path, text)] == [rule]


@pytest.mark.parametrize("word", ["sk" + "ip", "x" + "fail"])
def test_marks_that_leave_tests_out_are_caught(word: str) -> None:
    assert [breach.rule for breach in check_text("tests/a.py", f"@pytest.mark.{word}")] == [
        "unfinished"
    ]


def test_text_that_only_looks_bad_passes() -> None:
    assert (
        list(check_text("README.md", "skip it, example.org/work/of art, a todo list, ./root/"))
        == []
    )


@pytest.mark.parametrize(
    ("path", "text", "rule"),
    [
        ("ui/web/kernels/a.js", 'import { b } from "./b.js";', "kernels import nothing"),
        ("ui/web/kernels/a.js", 'export { b } from "./b.js";', "kernels import nothing"),
        ("ui/web/kernels/a.js", 'const b = await import("./b.js");', "kernels import nothing"),
        ("ui/web/model/a.js", "/* so */\ndocument.title = 1;", "document outside view"),
    ],
)
def test_script_rule_catches(path: str, text: str, rule: str) -> None:
    assert [breach.rule for breach in check_script(path, text)] == [rule]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("ui/web/view/a.js", "document.title = 1;"),
        ("ui/web/model/a.js", "// document.title\nconst n = scene.document.size; // import\n"),
        ("ui/web/kernels/a.js", "// import nothing\nexport const a = 1;\n"),
    ],
)
def test_good_script_passes(path: str, text: str) -> None:
    assert list(check_script(path, text)) == []


@pytest.mark.parametrize(
    "text", ["It is so. And so.", "It is\nso.", "- One. Two.", "- One of\n  them."]
)
def test_prose_that_is_not_one_sentence_a_line_is_caught(text: str) -> None:
    assert [breach.rule for breach in check_prose("README.md", text)] == ["one sentence a line"]
    assert list(check_prose("README.md", lay_out(text))) == []


def test_what_is_no_sentence_stays_as_it_is() -> None:
    text = "# A. B\n| A. B | C |\n```\nA. B\n```\n![A. B](c.png)\n- A\n- B\n\n"
    text += "See Gal et al. A `b. C` d."
    assert lay_out(text) == text
    assert lay_out(lay_out("A (b. C) d. .5 of e. *F* g? H")) == "A (b.\nC) d.\n.5 of e.\n*F* g?\nH"
    assert split_sentences("Sect. 4. Then Rombach et al. Again (so). “Quoted.” More") == [
        "Sect.",
        "4.",
        "Then Rombach et al. Again (so).",
        "“Quoted.”",
        "More",
    ]


def test_change_log() -> None:
    good = "# Changes\n## 0.1\n### Added\n### Changed\n### Fixed\n### Removed\n"
    assert list(check_changelog(good)) == []
    assert [breach.rule for breach in check_changelog(good.replace("### Fixed\n", ""))] == [
        "change log"
    ]
    assert [breach.rule for breach in check_changelog("# Changes\n")] == ["change log"]


RETIRED = find_retired(GLOSSARY.read_text(encoding="utf-8"))

BAD_WORDS = [
    ("backend/a.py", "def draw(freedom): pass\n", "freedom"),
    ("backend/a.py", "noise_map = 1\n", "noise map"),
    ("backend/a.py", "class SubjectLesson: pass\n", "lesson"),
    ("backend/a.py", "class Look: pass\n", "look"),
    ("backend/a.py", "class PartsMade: pass\n", "parts"),
    ("backend/a.py", "def take_apart(): pass\n", "apart"),
    ("backend/a.py", "self.drafts = ()\n", "drafts"),
    ("backend/a.py", "draw(side_paths=())\n", "side paths"),
    ("backend/a.py", "KIND = 'drafts_made'\n", "drafts"),
    ("backend/a.py", "ROWS = 'SELECT heard_from FROM layers'\n", "heard"),
    ("backend/a.py", "TITLE = 'Freedom'\n", "freedom"),
    ("backend/a.py", "raise Refusal('The pupil is too old.')\n", "pupil"),
    ("backend/engine/rivals.py", "", "rivals"),
    ("backend/studio/shelf/files.py", "", "shelf"),
    ("tests/studio/test_vault.py", "", "vault"),
    ("tests/a.py", "told = []\n", "told"),
    ("ui/web/view/desk.js", "", "desk"),
    ("ui/web/a.js", "const createShelf = () => 1;\n", "shelf"),
    ("ui/web/a.js", "const names = state.looks;\n", "looks"),
    ("ui/web/a.js", "const text = `${fresh.drafts} in all`;\n", "drafts"),
    ("ui/web/a.js", 'h("span", { class: "draft-lists" });\n', "draft"),
    ("ui/web/a.js", 'set(node, { text: "Noise of this layer" });\n', "noise"),
    ("ui/web/a.js", "set(value, { text: `free ${strength}` });\n", "free"),
    ("ui/web/types/a.d.ts", "export interface JobNews {}\n", "news"),
    ("ui/web/styles/a.css", ".lamina .draft-lists { color: red; }\n", "draft"),
    ("ui/web/styles/a.css", ".lamina { --desk-colour: red; }\n", "desk"),
]


@pytest.mark.parametrize(("path", "text", "word"), BAD_WORDS)
def test_retired_words_are_caught(path: str, text: str, word: str) -> None:
    breaches = [breach for breach in check_words(path, text, RETIRED) if breach.path == path]
    assert [breach.rule for breach in breaches] == ["retired word"]
    assert breaches[0].found.startswith(f"{word} in ")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("backend/a.py", '"""The freedom of a layer."""\n# heard\nnoise = draw(order, late=1)\n'),
        ("backend/a.py", "class LossTerm: pass\nclass LayerNoise: pass\n"),
        ("backend/a.py", "TITLE = 'DreamBooth, 3 GB free'\n"),
        ("tests/a.py", "def test_what_is_heard(): pass\nTEXT = 'the noise of a pupil'\n"),
        (
            "ui/web/a.js",
            '// the desk\n/* told */ set({ label: "Learned look" }); /No draft/.test(a);\n',
        ),
        ("ui/web/styles/a.css", "/* .draft */ .lamina .stage1 { color: red; }\n"),
        (OLD_FORMATS[0], "heard_from = 1\n"),
    ],
)
def test_words_that_are_the_fields_pass(path: str, text: str) -> None:
    assert list(check_words(path, text, RETIRED)) == []


@pytest.mark.parametrize(
    "sample", ["def told(): pass\n", "class A:\n    async def _laid_out(self): pass\n"]
)
def test_functions_named_by_participles_are_caught(sample: str) -> None:
    found = check_function_names("backend/a.py", ast.parse(sample))
    assert [breach.rule for breach in found] == ["function named by a participle"]


def test_values_and_verbs_pass_and_exceptions_are_few() -> None:
    good = "class A:\n    @property\n    def loaded(self): pass\ndef read_json(): pass\n"
    assert list(check_function_names("backend/a.py", ast.parse(good))) == []
    assert len(PARTICIPLES) <= 10


def test_a_class_name_is_used_once() -> None:
    texts = {
        "backend/a.py": "class Batch: pass\nclass A: pass\n",
        "backend/b.py": "def f():\n    class _Batch: pass\n",
        "tests/c.py": "class A: pass\n",
    }
    found = check_class_names({path: ast.parse(text) for path, text in texts.items()})
    assert [str(breach) for breach in found] == [
        "backend/b.py:2: class name used twice: Batch, also in backend/a.py"
    ]


def test_a_copied_field_that_nobody_declares_is_caught() -> None:
    texts = {
        "backend/a.py": "class Sheet(Record):\n    width_px: int\n",
        "tests/b.py": (
            'sheet.model_copy(update={"width_px": 1})\n'
            'sheet.model_copy(\n    update={"width": 1}\n)\n'
        ),
    }
    found = check_copies({path: ast.parse(text) for path, text in texts.items()})
    assert [str(breach) for breach in found] == [
        "tests/b.py:3: copied field that nobody declares: width"
    ]


def test_files_of_old_formats_exist() -> None:
    assert all(read_text(Path(name)) for name in OLD_FORMATS)


@pytest.fixture
def bad_tree(tmp_path: Path) -> Path:
    """A checkout without git in which every rule about files is broken once."""
    files = {
        "large.png": MAX_FILE_BYTES + 1,
        "assets/a.safetensors": MAX_WEIGHT_BYTES // 2 + 1,
        "assets/b.safetensors": MAX_WEIGHT_BYTES // 2 + 1,
        "assets/c.ckpt": 1,
        "build/ignored.ckpt": 1,
    }
    for name, size in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    for name, text in {
        "backend/controls/blend.py": '"""A control."""\n',
        "tests/controls/test_blend.py": THREE_OF_FOUR,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_tree_rules_catch(bad_tree: Path) -> None:
    breaches = list(inspect(bad_tree))
    found = {(breach.rule, breach.path) for breach in breaches}
    assert {
        ("pickle", "assets/c.ckpt"),
        ("weights too large", "."),
        ("file too large", "large.png"),
    } <= found
    assert Path("build/ignored.ckpt") not in list_files(bad_tree)
    lacking = [breach for breach in breaches if breach.rule == "control without its test"]
    assert [breach.found for breach in lacking] == ["test_blend.py: no test_…composition…"]


def test_every_rule_is_caught_above(bad_tree: Path) -> None:
    scripts = {"kernels import nothing", "document outside view", "one sentence a line"}
    words = {"function named by a participle", "class name used twice", "retired word"}
    words.add("copied field that nobody declares")
    tree = {breach.rule for breach in inspect(bad_tree)}
    assert set(BAD_PYTHON) | set(BAD_TEXT) | scripts | words | tree == set(RULES)


def test_a_breach_reads_like_a_compiler_message() -> None:
    assert str(Breach("a.py", 3, "vague name", "utils")) == "a.py:3: vague name: utils"
