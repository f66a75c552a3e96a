"""Actions, undo and redo, and what is on disk after each."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.app.history import LONGEST, State
from deocclude.app.journal import Journal
from deocclude.app.problems import ConflictError
from deocclude.errors import InputError


def values(state):
    return {key: entry.value for key, entry in state.entries.items()}


@pytest.fixture
def journal(tmp_path):
    return Journal.start(tmp_path / "project", {"name": "a"}, {"object/1": "cup"})


def test_an_action_is_on_disk_when_it_returns(journal):
    journal.act("Rename", {"object/1": "mug", "object/2": "spoon"})
    again = Journal.open(journal.folder)
    assert values(again.state) == {"object/1": "mug", "object/2": "spoon"}
    assert again.state.revision_of("object/1") == again.state.revision == 1
    assert again.facts == {"name": "a"}


def test_an_entry_knows_the_action_that_changed_it_last(journal):
    journal.act("Add", {"object/2": "spoon"})
    journal.act("Rename", {"object/2": "fork", "object/1": "cup"})
    assert journal.state.revision_of("object/1") == 0  # it was given the value that it had
    assert journal.state.revision_of("object/2") == 2
    assert journal.state.revision_of("object/9") == 0


def test_undo_and_redo_go_back_and_forth_and_survive_a_restart(journal):
    journal.act("Add", {"object/2": "spoon"})
    journal.act("Remove", {"object/1": None})
    journal.undo(2)
    journal.undo(3)
    assert values(journal.state) == {"object/1": "cup"}
    again = Journal.open(journal.folder)
    again.redo(4)
    assert values(again.state) == {"object/1": "cup", "object/2": "spoon"}
    assert again.state.next().label == "Remove"


def test_what_was_undone_is_forgotten_by_the_next_action(journal):
    journal.act("Add", {"object/2": "spoon"})
    journal.undo(1)
    journal.act("Add", {"object/3": "plate"})
    with pytest.raises(InputError, match="an action to do again"):
        journal.redo(journal.state.revision)
    names = {file.name for file in (journal.folder / "app" / "actions").iterdir()}
    assert names == {"000003.json"}


def test_undo_with_an_old_revision_is_refused(journal):
    journal.act("Add", {"object/2": "spoon"})
    with pytest.raises(ConflictError) as caught:
        journal.undo(0)
    assert caught.value.current == 1
    with pytest.raises(InputError, match="an action to undo"):
        Journal.start(journal.folder.parent / "other", {}, {}).undo(0)


def test_an_action_that_changes_nothing_is_none(journal):
    journal.act("Rename", {"object/1": "cup"})
    assert journal.state.revision == 0


def test_an_action_that_was_cut_off_never_happened(journal):
    journal.act("Add", {"object/2": "spoon"})
    (journal.folder / "app" / "actions" / "000002.json").write_text("{half")  # written, but the state was not
    again = Journal.open(journal.folder)
    again.act("Add", {"object/3": "plate"})
    again.undo(2)
    assert values(again.state) == {"object/1": "cup", "object/2": "spoon"}


def test_two_programs_on_one_folder_do_not_overwrite_each_other(journal):
    other = Journal.open(journal.folder)
    journal.act("Add", {"object/2": "spoon"})
    with pytest.raises(InputError, match="another 'deocclude app' has changed"):
        other.act("Add", {"object/3": "plate"})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "deocclude-session", "version": 2}', "[" * 100_000])
def test_a_damaged_journal_is_named(journal, text):
    (journal.folder / "app" / "state.json").write_text(text)
    with pytest.raises(InputError, match=r"state\.json"):
        Journal.open(journal.folder)


def test_old_actions_are_forgotten():
    state = State()
    for number in range(LONGEST + 5):
        state, _ = state.acted("Count", {"done": number})
    assert len(state.steps) == state.cursor == LONGEST


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, 1, 2])), max_size=20))
def test_undoing_everything_leads_back_to_the_start(changes):
    state, actions = State(), []
    for key, value in changes:
        state, action = state.acted(f"{key} {value}", {key: value})
        actions.append(action)
    end = values(state)
    for action in reversed(actions):
        state = state.undone(action)
    assert values(state) == {}
    for action in actions:
        state = state.redone(action)
    assert values(state) == end
    assert json.dumps(end)
