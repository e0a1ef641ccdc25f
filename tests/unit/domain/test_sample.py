"""What is said of samples, read from text, from tables and from names."""

import time

import pytest

from spheroseg.adapters.re2_patterns import Re2Patterns
from spheroseg.domain.name_pattern import MAX_LENGTH, fields_of, require_fields, require_length
from spheroseg.domain.sample import one_line, replicate_of, tags_of, time_of, well_at, well_name
from spheroseg.domain.sample_table import read_table
from spheroseg.errors import InvalidPatternError, InvalidSampleError, InvalidTableError
from spheroseg.ports import Patterns
from tests.builders import an_id
from tests.fakes import InMemoryPatterns

# Fields


@pytest.mark.parametrize(
    ("text", "well"),
    [("b3", "B03"), (" B03 ", "B03"), ("P24", "P24"), ("AF48", "AF48"), ("aa1", "AA01"), ("H012", "H12")],
)
def test_a_well_has_one_name(text: str, well: str) -> None:
    assert well_name(text) == well


@pytest.mark.parametrize("text", ["", "B", "3", "B0", "B49", "AG1", "ABC1", "B3x", "Ä3", "B٣", "B-3", "0B3", "B1234"])
def test_what_no_plate_has_is_no_well(text: str) -> None:
    with pytest.raises(InvalidSampleError):
        well_name(text)


def test_a_well_is_told_by_row_and_column() -> None:
    assert [well_at("2", "03"), well_at("b", "3"), well_at("27", "1"), well_at("32", "48")] == [
        "B03",
        "B03",
        "AA01",
        "AF48",
    ]
    with pytest.raises(InvalidSampleError):
        well_at("33", "1")


@pytest.mark.parametrize("text", ["", "nan", "inf", "1e9", "24h", "-100001"])
def test_what_is_no_number_of_hours_is_refused(text: str) -> None:
    with pytest.raises(InvalidSampleError):
        time_of(text)


def test_numbers_and_lines() -> None:
    assert (time_of("-1.5"), replicate_of(" 3 "), one_line("  10 µM ")) == (-1.5, 3, "10 µM")
    for text in ("0", "1.5", "-1", "100001"):
        with pytest.raises(InvalidSampleError):
            replicate_of(text)
    for text in ("", "  ", "two\nlines", "x" * 101):
        with pytest.raises(InvalidSampleError):
            one_line(text)


def test_tags_are_each_there_once_and_ten_at_most() -> None:
    assert tags_of([" a ", "b", "a"]) == ("a", "b")
    assert len(tags_of([f"tag {number}" for number in range(10)])) == 10
    with pytest.raises(InvalidSampleError, match="11 tags"):
        tags_of([f"tag {number}" for number in range(11)])


# Tables


def test_a_table_is_read_as_spreadsheets_write_it() -> None:
    image_id = an_id()
    text = f'\ufeffname;id;well;tags;time_point_h;pixel_size_um\r\na.tif;;b3;"x|y";24;0.65\r\n\r\n;{image_id};;;"";\r\n'
    first, second = read_table(text)
    assert (first.number, first.name, first.image_id) == (2, "a.tif", None)
    assert first.fields == {"well": "B03", "tags": ("x", "y"), "time_point_h": 24.0, "pixel_size_um": 0.65}
    assert (second.number, second.name, second.image_id) == (4, None, image_id)
    assert second.fields == {"well": None, "tags": (), "time_point_h": None, "pixel_size_um": None}


def test_every_fault_is_told_with_its_row_and_column() -> None:
    text = "name,well,time_point_h\na.tif,Z99,24\nb.tif,B3,noon\nc.tif,B3\n,B4,1\n"
    with pytest.raises(InvalidTableError) as wrong:
        read_table(text)
    assert [(fault.row, fault.column) for fault in wrong.value.faults] == [
        (2, "well"),
        (3, "time_point_h"),
        (4, ""),
        (5, ""),
    ]
    assert str(wrong.value).startswith("Nothing was taken: row 2, column well:")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", ""),
        ("well\nB3\n", ""),
        ("name,wel\na,B3\n", "wel"),
        ("name,well,well\na,B3,B3\n", "well"),
        ('name,well\n"a,B3\n', ""),
        ("id,well\nnot-an-id,B3\n", "id"),
        ("name\n" + "a\n" * 10_001, ""),
    ],
    ids=["empty", "no key", "unknown", "twice", "no CSV", "no id", "too long"],
)
def test_what_is_no_table_is_refused(text: str, column: str) -> None:
    with pytest.raises(InvalidTableError) as wrong:
        read_table(text)
    assert wrong.value.faults[0].column == column


# Names


@pytest.fixture(params=[InMemoryPatterns, Re2Patterns])
def patterns(request: pytest.FixtureRequest) -> Patterns:
    made: Patterns = request.param()
    return made


def test_a_name_tells_what_the_pattern_finds(patterns: Patterns) -> None:
    pattern = patterns.compile(
        r"(?P<plate>P[0-9]+)_(?P<well>[A-P][0-9]+)_(?P<time_point_h>[0-9]+)h(_r(?P<replicate>[0-9]))?"
    )
    require_fields(pattern)
    assert fields_of(pattern, "Day 1/P7_b_P7_B3_24h.tif") == {"plate": "P7", "well": "B03", "time_point_h": 24.0}
    assert fields_of(pattern, "P7_B3_24h_r2.tif") == {
        "plate": "P7",
        "well": "B03",
        "time_point_h": 24.0,
        "replicate": 2,
    }
    assert fields_of(pattern, "notes.tif") is None


def test_row_and_column_make_a_well(patterns: Patterns) -> None:
    pattern = patterns.compile(r"r(?P<row>[0-9]{2})c(?P<column>[0-9]{2})")
    require_fields(pattern)
    assert fields_of(pattern, "r02c03f01.tif") == {"well": "B03"}
    with pytest.raises(InvalidSampleError):
        fields_of(pattern, "r99c03f01.tif")


@pytest.mark.parametrize("text", ["(", "[a", "(?P<well>a", "*"])
def test_what_is_no_pattern_is_refused(patterns: Patterns, text: str) -> None:
    with pytest.raises(InvalidPatternError):
        patterns.compile(text)


@pytest.mark.parametrize("text", ["a+", "(?P<who>a)", "(?P<row>a)", "(?P<row>a)(?P<column>b)(?P<well>c)"])
def test_groups_name_fields(patterns: Patterns, text: str) -> None:
    with pytest.raises(InvalidPatternError):
        require_fields(patterns.compile(text))


@pytest.mark.parametrize(
    "text", [r"(?P<well>a)\1", "(?=a)(?P<well>b)", "(?<=a)(?P<well>b)", "(?P<well>((a{100}){100}){100})"]
)
def test_what_cannot_be_run_safely_is_refused(text: str) -> None:
    with pytest.raises(InvalidPatternError):
        Re2Patterns().compile(text)


def test_a_pattern_that_would_take_for_ever_elsewhere_is_done_at_once() -> None:
    pattern = Re2Patterns().compile("(?P<well>(a+)+)$")
    begun = time.process_time()
    for _ in range(1000):
        assert pattern.search("a" * 254 + "b") is None
    assert time.process_time() - begun < 2


def test_a_pattern_has_a_length() -> None:
    require_length("a" * MAX_LENGTH)
    with pytest.raises(InvalidPatternError):
        require_length("a" * (MAX_LENGTH + 1))
