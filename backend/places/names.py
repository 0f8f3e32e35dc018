"""How alike two names are, as people type them: in Hangul or in Latin letters. Pure.

Hangul is compared by keystroke, so that one slip does not spoil a syllable, and letters that sound
alike today count as one. Latin spellings of the revised romanisation and of McCune-Reischauer fall
together, and a Hangul name answers to its romanisation.
"""

import re
import unicodedata
from difflib import SequenceMatcher
from itertools import combinations

import msgspec

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_MEDIALS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
"""The letters of a syllable in the order of Unicode (chapter 3.12)."""

_KEYS = {
    **dict(zip("qwertasdfgzxcv", "ㅂㅈㄷㄱㅅㅁㄴㅇㄹㅎㅋㅌㅊㅍ", strict=True)),
    **dict(zip("yuiophjklbnm", "ㅛㅕㅑㅐㅔㅗㅓㅏㅣㅠㅜㅡ", strict=True)),
}
"""The Korean keyboard (KS X 5002) without Shift, whose letters are folded away."""

_SHIFTED = dict(zip("ㅃㅉㄸㄲㅆㅒㅖ", "ㅂㅈㄷㄱㅅㅐㅔ", strict=True))
_STROKES = {
    **dict(
        zip("ㅘㅙㅚㅝㅞㅟㅢ", ("ㅗㅏ", "ㅗㅐ", "ㅗㅣ", "ㅜㅓ", "ㅜㅔ", "ㅜㅣ", "ㅡㅣ"), strict=True)
    ),
    **dict(
        zip(
            "ㄳㄵㄶㄺㄻㄼㄽㄾㄿㅀㅄ",
            (
                "ㄱㅅ",
                "ㄴㅈ",
                "ㄴㅎ",
                "ㄹㄱ",
                "ㄹㅁ",
                "ㄹㅂ",
                "ㄹㅅ",
                "ㄹㅌ",
                "ㄹㅍ",
                "ㄹㅎ",
                "ㅂㅅ",
            ),
            strict=True,
        )
    ),
    **_SHIFTED,
}
_SOUND_ALIKE = (("ㅐ", "ㅔ"), ("ㅗㅔ", "ㅚ"), ("ㅜㅔ", "ㅚ"), ("ㅗㅣ", "ㅚ"))

_LATIN_INITIALS = re.split(" ", "g kk n d tt r m b pp s ss  j jj ch k t p h")
_LATIN_MEDIALS = re.split(" ", "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i")
_LATIN_FINALS = re.split(" ", " k k k n n n t l k m l l l p l m p p t t ng t t k t p t")
"""Revised romanisation (2000), letter by letter."""

_SPELLINGS = (
    ("sh", "s"),
    ("ch", "j"),
    ("eo", "o"),
    ("eu", "u"),
    ("oo", "u"),
    ("ee", "i"),
    ("k", "g"),
    ("t", "d"),
    ("p", "b"),
    ("r", "l"),
)
"""Ways to write one sound in Latin letters."""

_LEAST_RATIO = 0.7
"""Below this, how much less does not matter."""

_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")
_HANGUL = re.compile("[가-힣ㄱ-ㅣ]")
_ONLY_INITIALS = re.compile(rf"[{_INITIALS}\d\W]*[{_INITIALS}][{_INITIALS}\d\W]*")


class Name(msgspec.Struct, frozen=True):
    """A name in the forms that it is compared in; each form is a tuple of words."""

    letters: str
    forms: tuple[tuple[str, ...], ...]
    initials: str
    numbers: frozenset[str]


class Typed(msgspec.Struct, frozen=True):
    """What somebody typed, as it is compared: as it stands, and on the other keyboard."""

    letters: str
    spelling: str
    retyped: str
    only_initials: bool
    numbers: frozenset[str]


def name(text: str) -> Name:
    """A name of a place, ready to be compared."""
    plain = _plain(text)
    forms = [_folded(plain)]
    if _HANGUL.search(plain):
        forms.append(_folded(_romanised(plain)))
    return Name(
        letters="".join(_WORD.findall(plain)),
        forms=tuple(forms),
        initials=_initials(plain),
        numbers=frozenset(_NUMBER.findall(plain)),
    )


def typed(text: str) -> Typed:
    """What somebody typed, ready to be compared with names."""
    plain = _plain(text)
    return Typed(
        letters="".join(_WORD.findall(plain)),
        spelling="".join(_folded(plain)),
        retyped="".join(_folded(_retyped(plain))),
        only_initials=_ONLY_INITIALS.fullmatch(plain) is not None,
        numbers=frozenset(_NUMBER.findall(plain)),
    )


def likeness(wanted: Typed, known: Name) -> float:
    """From 0 to 1: how well a name, or some words of it, answers to what was typed.

    A number that the name does not have is no slip: exit 3 is not exit 10.
    """
    if known.numbers and not wanted.numbers <= known.numbers:
        return 0.0
    if wanted.only_initials:
        begins = len(wanted.letters) > 1 and known.initials.startswith(wanted.letters)
        return 0.9 if begins else 0.0
    if _are_exchanged(wanted.letters, known.letters):
        return 0.85
    return max(
        max(_alike(wanted.spelling, form), 0.95 * _alike(wanted.retyped, form))
        for form in known.forms
    )


def _alike(spelling: str, form: tuple[str, ...]) -> float:
    """From 0 to 1, by spelling alone."""
    whole = "".join(form)
    if not spelling or not whole:
        return 0.0
    if spelling == whole:
        return 1.0
    if len(spelling) > 1 and spelling in whole:
        return 0.95 if whole.startswith(spelling) else 0.9
    spans = {"".join(form[a:b]) for a, b in combinations(range(len(form) + 1), 2)}
    matcher = SequenceMatcher(None, "", spelling, autojunk=False)
    return 0.9 * max(_ratio(matcher, span) for span in {whole[: len(spelling)], *spans})


def _ratio(matcher: SequenceMatcher[str], span: str) -> float:
    """How much of a span is what was typed; 0 when it is clearly too little."""
    matcher.set_seq1(span)
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < _LEAST_RATIO:
        return 0.0
    return matcher.ratio()


def _are_exchanged(mine: str, letters: str) -> bool:
    """Whether a name begins with what was typed but for two neighbours that changed places.

    In Hangul they are whole syllables, and each is several strokes.
    """
    wrong = [
        spot
        for spot, (letter, right) in enumerate(zip(mine, letters, strict=False))
        if letter != right
    ]
    if len(mine) > len(letters) or len(wrong) != 2 or wrong[1] - wrong[0] != 1:  # noqa: PLR2004
        return False
    first, second = wrong
    return mine[first] == letters[second] and mine[second] == letters[first]


def _plain(text: str) -> str:
    """Small letters without accents; Hangul in whole syllables."""
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text.casefold())
        if unicodedata.category(letter) != "Mn"
    )
    return "".join(map(_stray, unicodedata.normalize("NFC", bare)))


def _stray(letter: str) -> str:
    """A letter that stands alone, which NFKD made one of a syllable, as it is typed."""
    if unicodedata.category(letter) == "Lo" and unicodedata.name(letter, "").startswith("HANGUL"):
        for first, letters in ((0x1100, _INITIALS), (0x1161, _MEDIALS), (0x11A7, _FINALS)):
            if first <= ord(letter) < first + len(letters):
                return letters[ord(letter) - first]
    return letter


def _folded(plain: str) -> tuple[str, ...]:
    """The words of a name, as they are compared."""
    for spelling, sound in _SPELLINGS:
        plain = plain.replace(spelling, sound)
    strokes = "".join(map(_strokes, plain))
    for letter, sound in _SOUND_ALIKE:
        strokes = strokes.replace(letter, sound)
    return tuple(_WORD.findall(strokes))


def _strokes(letter: str) -> str:
    """The keys that a Hangul syllable is typed with; any other letter as it is."""
    return "".join(_STROKES.get(each, each) for each in _parts(letter))


def _parts(letter: str) -> tuple[str, ...]:
    """Initial, medial and final of a syllable; any other letter alone."""
    if not "가" <= letter <= "힣":
        return (letter,)
    number, final = divmod(ord(letter) - ord("가"), len(_FINALS))
    initial, medial = divmod(number, len(_MEDIALS))
    return _INITIALS[initial], _MEDIALS[medial], _FINALS[final]


def _romanised(plain: str) -> str:
    return "".join(map(_latin, plain))


def _latin(letter: str) -> str:
    if not "가" <= letter <= "힣":
        return letter
    initial, medial, final = _parts(letter)
    return (
        _LATIN_INITIALS[_INITIALS.index(initial)]
        + _LATIN_MEDIALS[_MEDIALS.index(medial)]
        + _LATIN_FINALS[_FINALS.index(final)]
    )


def _initials(plain: str) -> str:
    """The first letter of each syllable, and digits."""
    return "".join(
        _parts(letter)[0] for letter in plain if letter.isdigit() or "가" <= letter <= "힣"
    )


def _retyped(plain: str) -> str:
    """What the same keys give on the other keyboard, Korean or Latin."""
    if _HANGUL.search(plain):
        keys = {stroke: key for key, stroke in _KEYS.items()}
        return "".join(keys.get(stroke, stroke) for letter in plain for stroke in _strokes(letter))
    return "".join(_KEYS.get(letter, letter) for letter in plain)
