import json
import math
import re
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmserve.document import (
    Problem,
    blanked,
    parse_json,
    plain,
    quote,
    read_text,
    report,
    show_path,
)
from hmserve.errors import ScenarioError

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def syntax_error(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        parse_json(text, "app.json")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ('{"a" 1}', "1:6", "expecting ':' delimiter"),
        ('{\n  "a": 1\n  "b": 2\n}', "3:3", "expecting ',' delimiter"),
        ('{\r\n  "a": oops\r\n}', "2:8", "expecting value"),
        ("{'a': 1}", "1:2", "JSON puts text in double quotes"),
        ('{"a": True}', "1:7", "JSON writes true, false and null"),
        ('{"a": 1 / one\n}', "1:9", "a comment begins with // or stands between /* and */"),
        ('{"a": 1 # one\n}', "1:9", "a comment begins with //"),
        ('{"a": 1} /* one\n', "1:10", "a comment that begins with /* ends with */"),
        ('{"a": 1 /*/ }', "1:9", "a comment that begins with /* ends with */"),
        ("{" + "/* " * 200_000, "1:2", "a comment that begins with /* ends with */"),
        ('{"a": /* one\n 1}', "1:7", "a comment that begins with /* ends with */"),
        ('{ // {\n /* "\n*/ "a": 1 "b"}', "3:11", "expecting ',' delimiter"),
        ('{"a": [1', "1:9", "the file ends before the JSON does"),
        ("", "1:1", "the file ends before the JSON does"),
        ("{} {}", "1:4", "extra data"),
        ('{"a": "b\n"}', "1:9", "a text must end on the line where it begins"),
        ('{"a": "b', "1:7", "a text must end on the line where it begins"),
    ],
)
def test_a_syntax_error_has_line_and_column_and_advice(
    text: str, place: str, message: str
) -> None:
    first, second, *_ = syntax_error(text).split("\n")
    assert first == "app.json: 1 error"
    assert second.startswith(f"  app.json:{place}: {message}")


@pytest.mark.parametrize("text", ["[,]", '{"a": 1,,}', '{"a": {, } }', "[1, // 2\n,]"])
def test_a_comma_without_an_entry_is_named(text: str) -> None:
    assert "a comma follows an entry" in syntax_error(text)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [1,\n2,\n]}', {"a": [1, 2]}),
        ('{"a": {"b": 2 , } , // c\n}', {"a": {"b": 2}}),
        ('// one\r\n{"a": "// no, ]" /* "two" */ /**/, /*\n*/}//', {"a": "// no, ]"}),
        ('{"a\\"//": "/*", "b": "*/"} // "', {'a"//': "/*", "b": "*/"}),
    ],
)
def test_comments_and_last_commas_are_passed_over(text: str, tree: object) -> None:
    assert parse_json(text, "app.json") == (tree, [])


@given(TREES, st.sampled_from([None, 1]), st.data())
def test_comments_between_tokens_change_nothing_and_keep_every_place(
    tree: object, indent: int | None, data: st.DataObject
) -> None:
    text = json.dumps(tree, indent=indent)
    assert blanked(text) == text
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|\s+|[^\s"]', text)
    comments = st.sampled_from(["", "", "//\n", '// "{,\n', "/**/", "/* ' \n// */"])
    # Between the characters of a number there is no place for one.
    marked = "".join(
        token + (data.draw(comments) if token[-1] in '{}[],:" \n' else "") for token in tokens
    )
    assert repr(parse_json(marked, "app.json")) == repr((json.loads(text), []))
    assert [len(line) for line in blanked(marked).split("\n")] == [
        len(line) for line in marked.split("\n")
    ]


def test_lines_and_columns_of_a_text_with_comments_are_its_own() -> None:
    text = '{ // "a": 0\n/* "a"\n */ "a": [1, // 2\n 3,],\n"a": 4}'
    problems = parse_json(text, "app.json")[1]
    assert [(p.message, p.line) for p in problems] == [("the same key is in line 3 already", 5)]
    assert "app.json:4: $.a[1]: three" in report("app.json", [Problem(("a", 1), "three")], text)


def test_a_syntax_error_quotes_the_line_and_points_at_the_column() -> None:
    message = syntax_error('{\n\t"a": nope,\n}')
    assert message.split("\n")[2:] == ['     "a": nope,', "          ^"]
    long = syntax_error('{"a": "' + "x" * 5000 + '", oops}')
    line, pointer = long.split("\n")[2:]
    assert len(line) < 220
    assert line[pointer.index("^")] == "o"


def test_what_cannot_be_read_as_json_at_all_is_a_scenario_error() -> None:
    assert "nested too deep" in syntax_error("[" * 100_000)
    assert "more digits than can be read" in syntax_error("9" * 10_000)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_text_is_utf8_with_or_without_a_mark(tmp_path: Path, mark: bytes) -> None:
    file = tmp_path / "app.json"
    file.write_bytes(mark + '{"größe": 1}\r\n'.encode())
    tree, problems = parse_json(read_text(str(file)), "app.json")
    assert tree == {"größe": 1}
    assert problems == []


def test_a_file_that_is_missing_or_in_another_encoding_is_a_scenario_error(
    tmp_path: Path,
) -> None:
    with pytest.raises(ScenarioError, match=r"none\.json: cannot be read: No such file"):
        read_text(str(tmp_path / "none.json"))
    (tmp_path / "wide.json").write_text("{}", encoding="utf-16")
    with pytest.raises(ScenarioError, match="expected UTF-8, got the byte 0xff at offset 0"):
        read_text(str(tmp_path / "wide.json"))


@pytest.mark.parametrize("number", [10**400, -(10**309)])
def test_a_number_that_no_double_can_hold_is_refused(number: int) -> None:
    tree, (problem,) = plain({"a": [1, number], "b": 10**308})
    assert (tree["b"], problem.path) == (10**308, ("a", 1))
    assert problem.message.startswith("expected a number up to 1e308, got ")


def test_a_repeated_key_with_the_same_value_leaves_no_doubt() -> None:
    assert parse_json('{"a": 1, "b": [{}], "a": 1}', "a.json") == ({"a": 1, "b": [{}]}, [])
    for other in ("true", "1.0", '"1"'):
        assert len(parse_json(f'{{"a": 1, "a": {other}}}', "a.json")[1]) == 1


def test_a_repeated_key_is_reported_with_both_lines_at_any_depth() -> None:
    text = '{\n"a": {"x": 1, "y": [{"z": 1,\n"z": 2}]},\n"b": 2,\n"a": {"x": 3}\n}'
    tree, problems = parse_json(text, "app.json")
    assert tree == {"a": {"x": 3}, "b": 2}
    assert [(show_path(p.path), p.message, p.line) for p in problems] == [
        ("$.a.y[0].z", "the same key is in line 2 already", 3),
        ("$.a", "the same key is in line 2 already", 5),
    ]


@given(TREES, st.sampled_from([None, 1, "\t"]))
def test_json_text_is_read_as_python_reads_it(tree: object, indent: int | str | None) -> None:
    text = json.dumps(tree, indent=indent)
    assert repr(parse_json(text, "app.json")) == repr((json.loads(text), []))


@given(st.recursive(st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_every_place_is_found_on_its_line(tree: object) -> None:
    text = json.dumps(tree, indent=1)
    lines = text.split("\n")
    path: tuple[str, ...] = ()
    while isinstance(tree, dict) and tree:
        key, tree = list(tree.items())[-1]
        path = (*path, key)
        message = report("app.json", [Problem(path, "wrong")], text).split("\n", 1)[1]
        line = int(message.split(":", 2)[1])
        assert json.dumps(key) in lines[line - 1]


def test_a_report_goes_from_top_to_bottom() -> None:
    text = '{\n"a": 1,\n"b": [\n2,\n3]\n}'
    problems = [
        Problem(("b", 1), "three"),
        Problem(("b", "missing"), "inside b"),
        Problem((), "all of it"),
        Problem(("a",), "one"),
    ]
    assert report("app.json", problems, text) == (
        "app.json: 4 errors\n"
        "  app.json:1: $: all of it\n"
        "  app.json:2: $.a: one\n"
        "  app.json:3: $.b.missing: inside b\n"
        "  app.json:5: $.b[1]: three"
    )


def test_a_report_without_text_has_no_lines() -> None:
    problem = Problem(("a b", 0), "wrong")
    assert report("<mapping>", [problem]) == '<mapping>: 1 error\n  $["a b"][0]: wrong'


def test_python_containers_become_json_ones() -> None:
    given = MappingProxyType({"a": (1, [2.5, {"b": None}]), "c": True})
    tree, problems = plain(given)
    assert tree == {"a": [1, [2.5, {"b": None}]], "c": True}
    assert type(tree) is dict
    assert problems == []


@pytest.mark.parametrize(
    ("tree", "path", "message"),
    [
        ({"a": [1, math.nan]}, "$.a[1]", "expected a finite number, got NaN"),
        ({"a": -math.inf}, "$.a", "expected a finite number, got -Infinity"),
        ({"a": {1: 2}}, "$.a", "expected text as a key, got 1"),
        ({"a": 1j}, "$.a", "expected a JSON value, got 1j (complex)"),
    ],
)
def test_what_json_does_not_have_is_a_problem(tree: object, path: str, message: str) -> None:
    assert [(show_path(p.path), p.message) for p in plain(tree)[1]] == [(path, message)]


def test_a_quotation_is_cut_at_two_hundred_characters() -> None:
    assert quote("ä") == '"ä"'
    assert quote("a\u2028\ud800") == r'"a\u2028\ud800"'
    assert len(quote(["x"] * 1000)) == 203
