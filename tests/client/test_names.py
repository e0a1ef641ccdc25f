import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from spheroseg_client.names import MAX_BYTES, result_names


def names(*paths: str) -> list[str]:
    return result_names([Path(path) for path in paths])


def test_a_name_is_the_files_own_without_its_suffix() -> None:
    assert names("/x/Well A1.png", "/x/plate.ome.tif", "/x/z.stack.tif") == ["Well A1", "plate", "z.stack"]


def test_files_that_share_a_stem_keep_their_suffix() -> None:
    assert names("/x/a.png", "/x/a.tif", "/x/b.png") == ["a.png", "a.tif", "b"]


def test_names_that_differ_in_case_only_are_told_apart() -> None:
    assert names("/x/a.png", "/x/A.tif") == ["a.png", "A.tif"]
    lower, upper = names("/x/a.png", "/x/A.png")
    assert lower.casefold() != upper.casefold()


def test_the_same_name_in_two_folders_gets_the_folder_before_it() -> None:
    assert names("/x/one/a.png", "/x/two/a.png") == ["one_a.png", "two_a.png"]
    assert names("/x/one/s/a.png", "/x/two/s/a.png") == ["one_s_a.png", "two_s_a.png"]


def test_composed_and_decomposed_letters_are_the_same_name() -> None:
    composed, decomposed = unicodedata.normalize("NFC", "/x/á.png"), unicodedata.normalize("NFD", "/y/á.png")
    first, second = names(composed, decomposed)
    assert unicodedata.normalize("NFC", first) != unicodedata.normalize("NFC", second)


def test_a_long_name_is_cut_and_stays_unique() -> None:
    long = "é" * 120
    first, second = names(f"/x/{long}1.png", f"/x/{long}2.png")
    assert first != second
    assert max(len(first.encode()), len(second.encode())) <= MAX_BYTES


def test_characters_and_words_that_a_file_system_refuses_are_replaced() -> None:
    assert names('/x/a:b?"c.png', "/x/con.png", "/x/..png", "/x/tab\there.png") == [
        "a_b__c",
        "_con",
        "image",
        "tab_here",
    ]


segment = st.text(st.characters(exclude_characters="/\x00"), min_size=1, max_size=12).filter(
    lambda text: text not in {".", ".."}
)
paths = st.lists(
    st.lists(segment, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)), max_size=12, unique=True
)


@given(paths)
def test_names_are_unique_and_safe_whatever_the_files_are_called(files: list[str]) -> None:
    found = names(*files)
    assert len({unicodedata.normalize("NFD", name).casefold() for name in found}) == len(files)
    for name in found:
        assert name
        assert not set(name) & set('/\\:*?"<>|\x00\n')
        assert not name.startswith(".")
        assert len(name.encode()) < 200
