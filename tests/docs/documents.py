"""The documents as their readers use them: commands to type, links to follow, files to open."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SHELLS = {"sh", "bash"}

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_OPERATORS = re.compile(r"[|&;()<>]+")
_TYPED = re.compile(r"(?:[A-Z_]+=\S+ )*(?:make|(?:\S*/)?python3?(?:\.\d+)? -m) ")


@dataclass(frozen=True)
class Command:
    """A command as a reader types it: settings before it, then its words."""

    document: Path
    settings: tuple[str, ...]
    words: tuple[str, ...]

    def __str__(self):
        return f"{self.document.relative_to(ROOT)}: {shlex.join((*self.settings, *self.words))}"


def blocks(document):
    """The shell blocks of a document, without the indentation of a list."""
    found = _FENCE.findall(document.read_text(encoding="utf-8"))
    return [re.sub(rf"(?m)^{indent}", "", body) for indent, kind, body in found if kind in SHELLS]


def prose(document):
    """A document without its blocks."""
    return _FENCE.sub("", document.read_text())


def commands(document):
    """Every command of the shell blocks, and every make or python command in the prose."""
    typed = [line for block in blocks(document) for line in block.replace("\\\n", " ").splitlines()]
    typed += [code for code in _CODE.findall(prose(document)) if _TYPED.match(code + " ")]
    return [found for line in typed for found in _simple(document, line)]


def _simple(document, line):
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;()<>")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        return  # a quotation that goes on in the next line holds no command of ours
    command = []
    for word in [*words, ";"]:
        if not _OPERATORS.fullmatch(word):
            command.append(word)
            continue
        count = next((n for n, each in enumerate(command) if not _ASSIGNMENT.match(each)), len(command))
        if command[count:]:
            yield Command(document, tuple(command[:count]), tuple(command[count:]))
        command = []


def links(document):
    """The targets of a document's links that lead into the repository."""
    return [target for target in _LINK.findall(document.read_text()) if not re.match(r"[a-z]+:", target)]


def anchors(document):
    """The anchors of a document's headings, as GitHub writes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in _HEADING.findall(prose(document))
    }


def named_files(document):
    """Paths of the repository that stand in code of the prose."""
    rooms = "|".join(re.escape(path.name) for path in ROOT.iterdir() if path.is_dir() and path.name[0] != ".")
    path = re.compile(rf"(?:{rooms})/[\w./-]*")
    return [code for code in _CODE.findall(prose(document)) if path.fullmatch(code)]
