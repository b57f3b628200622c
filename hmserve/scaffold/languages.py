"""What sets languages apart for a worker stub: a table beside the templates of workers/."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_COMMON: Final = "cost valid measure"
"""Names that templates give to something themselves."""

_C: Final = (
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while bool true false"
)
_CPP: Final = (
    "alignas alignof and asm catch class constexpr decltype delete explicit export friend "
    "mutable namespace new noexcept not nullptr operator or private protected public "
    "static_assert static_cast template this throw try typeid typename using virtual wchar_t "
    "xor bitand bitor compl and_eq or_eq xor_eq not_eq concept requires"
)


@dataclass(frozen=True, slots=True)
class Language:
    """How a language names, quotes and runs things.

    Args:
        suffix: Of the stub; its template is ``worker.SUFFIX.in``.
        programs: Programs that start the stub or build it, the usual one first.
        run: The command of the worker: ``{program}``, ``{file}``, ``{stem}``.
        build: The command that builds it; empty where there is nothing to build.
        reserved: Words that cannot be names, with blanks between.
        unsafe: A regular expression of further such words.
        quote: Around a text.
        escapes: What stands for a character within the quotes.
        listed: A parameter in a list of parameters.
        result: An objective in a list of results.
        separator: Between those.
        cost: The variable `cost` in a formula.
        failed: What says that an evaluation failed.
        nothing: What an inactive parameter is.
        false: What says that it was infeasible.
        other_names: Of the language.
    """

    suffix: str
    programs: tuple[str, ...]
    run: tuple[str, ...]
    build: str = ""
    reserved: str = ""
    unsafe: str = "(?!)"
    quote: str = '"'
    escapes: Mapping[str, str] = field(default_factory=lambda: {"\\": "\\\\"})
    listed: str = "{}"
    result: str = "{}"
    separator: str = ", "
    cost: str = "cost"
    failed: str = "NaN"
    nothing: str = "null"
    false: str = "false"
    other_names: tuple[str, ...] = ()

    def literal(self, text: str) -> str:
        """Return `text` as the language writes it."""
        escaped = "".join(self.escapes.get(character, character) for character in text)
        return f"{self.quote}{escaped}{self.quote}"


_PROGRAM: Final = ("./{stem}",)
_FILE: Final = ("{program}", "{file}")
_SINGLE: Final = {"\\": "\\\\", "'": "\\'"}

LANGUAGES: Final[Mapping[str, Language]] = {
    "c": Language(
        "c",
        ("cc", "gcc", "clang"),
        _PROGRAM,
        "{program} -O2 {file} -o {stem} -lm",
        _C,
        failed="NAN",
        nothing="0, or empty",
        false="0",
    ),
    "cpp": Language(
        "cpp",
        ("c++", "g++", "clang++"),
        _PROGRAM,
        "{program} -O2 {file} -o {stem}",
        f"{_C} {_CPP}",
        failed="NAN",
        nothing="0, or empty",
        other_names=("c++", "cxx"),
    ),
    "python": Language(
        "py",
        ("python3", "python"),
        _FILE,
        reserved="False None True and as assert async await break class continue def del elif "
        "else except finally for from global if import in is lambda nonlocal not or pass raise "
        "return try while with yield print int float list dict str sys",
        failed='float("nan")',
        nothing="None, or empty",
        false="False",
        other_names=("py", "python3"),
    ),
    "java": Language(
        "java",
        ("javac",),
        ("java", "-cp", ".", "{stem}"),
        "{program} -encoding UTF-8 {file}",
        reserved="abstract assert boolean break byte case catch char class const continue "
        "default do double else enum extends final finally float for goto if implements import "
        "instanceof int interface long native new package private protected public return "
        "short static strictfp super switch synchronized this throw throws transient try void "
        "volatile while true false null var record yield",
        failed="Double.NaN",
        nothing="null, or empty",
    ),
    "javascript": Language(
        "mjs",
        ("node", "nodejs"),
        _FILE,
        reserved="arguments async await break case catch class const continue debugger default "
        "delete do else enum eval export extends false finally for function if implements "
        "import in instanceof interface let new null package private protected public return "
        "static super switch this throw true try typeof var void while with yield",
        nothing="null, or empty",
        other_names=("js", "node", "nodejs"),
    ),
    "rust": Language(
        "rs",
        ("rustc",),
        _PROGRAM,
        "{program} --edition 2021 -O {file} -o {stem}",
        "as async await break const continue crate dyn else enum extern false fn for if impl "
        "in let loop match mod move mut pub ref return self Self static struct super trait "
        "true type unsafe use where while abstract become box do final macro override priv "
        "try typeof unsized virtual yield gen",
        failed="f64::NAN",
        nothing="None, or empty",
        false="0.0",
        other_names=("rs",),
    ),
    "go": Language(
        "go",
        ("go",),
        _PROGRAM,
        "{program} build -o {stem} {file}",
        "break case chan const continue default defer else fallthrough for func go goto if "
        "import interface map package range return select struct switch type var bufio fmt "
        "math os strconv strings true failed",
        unsafe="_+",
        failed="failed",
        nothing="0, or empty",
        other_names=("golang",),
    ),
    "fortran": Language(
        "f90",
        ("gfortran", "flang", "ifx"),
        _PROGRAM,
        "{program} -O2 {file} -o {stem}",
        quote="'",
        escapes={"'": "''"},
        failed="ieee_value(1d0, ieee_quiet_nan)",
        nothing="0, or empty",
        false=".false.",
        other_names=("f90", "gfortran"),
    ),
    "perl": Language(
        "pl",
        ("perl",),
        _FILE,
        quote="'",
        escapes=_SINGLE,
        listed="${}",
        result="${}",
        cost="$cost",
        failed="'nan'",
        nothing="undef, or empty",
        false="'false'",
        other_names=("pl",),
    ),
    "tcl": Language(
        "tcl",
        ("tclsh", "tclsh8.6"),
        _FILE,
        reserved="args",
        escapes={c: f"\\{c}" for c in "\\$[]{}"},
        listed="{}",
        result="${}",
        separator=" ",
        cost="$cost",
        failed="nan",
        nothing="empty",
        other_names=("tclsh",),
    ),
    "bash": Language(
        "sh",
        ("sh",),
        _FILE,
        reserved="word count names row rest cell cells case do done elif else esac fi for if "
        "in then until while function select time",
        unsafe="[A-Z_][A-Z0-9_]*",
        quote="'",
        escapes={"'": "'\\''"},
        result="${}",
        separator=",",
        failed="nan",
        nothing="empty",
        other_names=("sh", "shell", "dash"),
    ),
    "awk": Language(
        "awk",
        ("awk",),
        ("{program}", "-Winteractive", "-f", "{file}"),
        failed='"nan"',
        nothing="empty",
        false='"false"',
        other_names=("mawk", "gawk"),
    ),
    "lua": Language(
        "lua",
        ("lua", "lua5.4", "lua5.3", "lua5.2", "lua5.1", "luajit"),
        _FILE,
        reserved="and break do else elseif end false for function goto if in local nil not or "
        "repeat return then true until while",
        failed="0 / 0",
        nothing="nil, or empty",
    ),
    "ruby": Language(
        "rb",
        ("ruby",),
        _FILE,
        reserved="alias and begin break case class def defined do else elsif end ensure false "
        "for if in module next nil not or redo rescue retry return self super then true undef "
        "unless until when while yield",
        unsafe="[A-Z].*",
        quote="'",
        escapes=_SINGLE,
        listed="{}:",
        failed="Float::NAN",
        nothing="nil, or empty",
        other_names=("rb",),
    ),
    "r": Language(
        "R",
        ("Rscript",),
        _FILE,
        reserved="if else repeat while function for next break TRUE FALSE NULL Inf NaN NA in c",
        failed="NA",
        nothing="NA, or empty",
        false="FALSE",
        other_names=("rscript",),
    ),
    "octave": Language(
        "m",
        ("octave-cli", "octave"),
        ("{program}", "-qf", "{file}"),
        reserved="break case catch continue do else elseif end end_try_catch "
        "end_unwind_protect endfor endfunction endif endparfor endswitch endwhile for function "
        "global if otherwise parfor persistent return switch try until unwind_protect "
        "unwind_protect_cleanup while answer true",
        quote="'",
        escapes={"'": "''"},
        nothing="NaN, or empty",
        other_names=("matlab", "m"),
    ),
    "julia": Language(
        "jl",
        ("julia",),
        _FILE,
        reserved="abstract baremodule begin break catch const continue do else elseif end "
        "export false finally for function global if import in isa let local macro module "
        "mutable primitive quote return struct true try type using where while",
        escapes={"\\": "\\\\", "$": "\\$"},
        nothing="nothing, or empty",
        other_names=("jl",),
    ),
}


def reserved_words(language: Language) -> frozenset[str]:
    """Return the words that no parameter and no objective may be called in a stub."""
    return frozenset(f"{_COMMON} {language.reserved}".split())
