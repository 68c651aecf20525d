"""Themes: the bundled ones are whole, a wrong one is told with file and line and spoils no other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpi_tui.model.errors import ConfigError
from vpi_tui.ui.style_names import REQUIRED, STYLE_NAMES
from vpi_tui.ui.theme import Palette, load_themes, pick_theme, textual_theme, theme_dirs

PACKAGE = Path(__file__).resolve().parents[2] / "vpi_tui"
THEMES = load_themes(theme_dirs())
each = pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)


def test_the_promised_themes_are_there():
    """Default dark, light, high contrast, colour-blind-safe, sixteen colours, mono."""
    assert set(THEMES) >= {"slate", "daylight", "contrast", "okabe-ito", "sixteen", "mono"}
    assert not THEMES["daylight"].dark


@each
def test_every_style_of_a_bundled_theme_can_be_drawn(theme):
    assert set(theme.styles) == set(STYLE_NAMES)
    assert theme.description
    assert textual_theme(theme).name == theme.name
    palette = Palette(theme)
    for surface in ("background", "panel", "selection"):
        drawn = {name: palette.on(name, surface) for name in STYLE_NAMES}
        assert (
            palette.on("no such style", surface)
            == drawn["background" if surface == "background" else surface]
        )


@each
def test_severities_can_be_told_apart(theme):
    palette = Palette(theme)
    assert len({str(palette.on(f"severity.{level}")) for level in ("high", "medium", "low")}) == 3


def _luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [t for t in THEMES.values() if not t.ansi], ids=lambda theme: theme.name)
def test_text_can_be_read(theme):
    """A contrast of 4.5 to 1 for what is read (WCAG AA), 7 to 1 in the theme made for it. Where the
    terminal's own palette rules there is nothing to measure."""
    ground = _luminance(theme.styles["background"].ground)
    least = 7.0 if theme.name == "contrast" else 4.5
    for name in (
        "text",
        "severity.high",
        "severity.medium",
        "severity.low",
        "good",
        "warning",
        "error",
        "accent",
    ):
        color = _luminance(theme.styles[name].color)
        high, low = max(color, ground), min(color, ground)
        assert (high + 0.05) / (low + 0.05) >= least, name


def test_mono_has_no_colour():
    styles = THEMES["mono"].styles.values()
    assert {spec.color for spec in styles} | {spec.ground for spec in styles} <= {"", "default"}


def test_which_theme_is_taken():
    assert pick_theme("", THEMES, {"COLORTERM": "truecolor"}).name == "slate"
    assert pick_theme("", THEMES, {"TERM": "linux"}).name == "sixteen"
    assert pick_theme("dusk", THEMES, {"NO_COLOR": "1"}).name == "mono"
    assert pick_theme("dusk", THEMES, {}).name == "dusk"
    with pytest.raises(ConfigError, match="There is no theme named 'dsuk'"):
        pick_theme("dsuk", THEMES, {})


def test_every_style_that_the_code_names_exists():
    """An unknown name is drawn as plain text, so that nobody would notice."""
    families = {name.partition(".")[0] for name in STYLE_NAMES if "." in name}
    for path in [*(PACKAGE / "ui").rglob("*.py"), *(PACKAGE / "view").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                family, dot, rest = node.value.partition(".")
                if dot and family in families and rest.replace(".", "").replace("-", "").isalnum():
                    assert node.value in STYLE_NAMES, f"{path.name}:{node.lineno}: {node.value}"


def test_fallbacks_end_at_what_a_theme_must_set():
    for start in STYLE_NAMES:
        chain = [start]
        while chain[-1] not in REQUIRED:
            chain.append(STYLE_NAMES[chain[-1]].fallback)
            assert chain[-1] not in chain[:-1]


# Files of users -------------------------------------------------------------------------------


def problems(folder: Path, text: str | bytes) -> str:
    """What is said about one more theme beside the bundled ones, all of which stay."""
    (folder / "mine.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    errors: list[ConfigError] = []
    themes = load_themes([*theme_dirs(), folder], errors)
    assert set(themes) >= set(THEMES)
    return " ".join(map(str, errors))


def test_a_theme_may_extend_another(tmp_path):
    (tmp_path / "mine.yaml").write_text('name: mine\nextends: slate\nstyles: {accent: "bold #f80"}\n')
    themes = load_themes(theme_dirs(tmp_path))
    assert themes["mine"].styles["accent"].color == "#ff8800"
    assert themes["mine"].styles["text"] == themes["slate"].styles["text"]


def test_a_user_may_replace_a_bundled_theme(tmp_path):
    (tmp_path / "slate.yaml").write_text("name: slate\nextends: dusk\ndescription: mine\n")
    assert load_themes(theme_dirs(tmp_path))["slate"].description == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x\nstlyes: {}\n", "mine.yaml:2: unknown key 'stlyes'. Did you mean 'styles'?"),
        (
            "extends: slate\nstyles:\n  acccent: red\n",
            "mine.yaml:3: unknown style 'acccent'. Did you mean 'accent'?",
        ),
        ("extends: slate\nstyles:\n  accent: reed\n", "mine.yaml:3: unknown colour or attribute 'reed'"),
        ("extends: slat\n", "unknown theme 'slat'. Did you mean 'slate'?"),
        ("name: a\nextends: a\n", "extend each other"),
        ("name: x\nstyles: {text: red}\n", "are missing"),
        ("- a\n", "a theme is a mapping"),
        ("name: [1]\n", "expected one line of text"),
        ("styles: 5\n", "expected a mapping"),
        ("dark: perhaps\n", "expected true or false"),
        ("name: x\ndark: 'x\n", "mine.yaml:3: not YAML"),
        ("name: a\x07b\n", "not YAML"),
        (b"\xff\xfe\x00", "cannot be read"),
        ("[" * 2_000, "nested"),
        ("? [a, b]\n: c\n", "unknown key"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, text, said):
    assert said in problems(tmp_path, text)


_WORDS = (
    "name styles colors extends dark : { } [ ] - #fff #12345 bold on red slate accent &a *a !!int ' ? | ~"
)


@given(st.lists(st.sampled_from([*_WORDS.split(), ": ", "\n", "  ", "- "]), max_size=20).map("".join))
def test_any_file_is_a_theme_or_a_problem(tmp_path_factory, text):
    folder = tmp_path_factory.getbasetemp() / "themes"
    folder.mkdir(exist_ok=True)
    (folder / "mine.yaml").write_text(text)
    errors: list[ConfigError] = []
    themes = load_themes([folder], errors)
    assert bool(themes) != bool(errors)
