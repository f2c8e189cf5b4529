"""The view trusts what is newest, whichever way it came."""

from __future__ import annotations

from typing import Any

from capacity_planner.surfaces.kube.names import POLICY
from capacity_planner.surfaces.kube.objects import Object
from capacity_planner.surfaces.kube.view import View


def _object(name: str, revision: int = 1, **metadata: Any) -> Object:
    own = {"name": name, "namespace": "jobs", "uid": f"uid-{name}", "resourceVersion": str(revision)}
    return Object(POLICY, {"metadata": own | metadata, "spec": {}})


def _seen(view: View) -> dict[str, int]:
    return {item.name: item.revision for item in view.of(POLICY)}


def test_what_is_told_is_seen_until_it_is_gone() -> None:
    view = View()
    view.told(_object("emails"), gone=False)
    assert view.news.is_set()
    assert _seen(view) == {"emails": 1}
    view.told(_object("emails", 2), gone=True)
    assert _seen(view) == {}


def test_an_older_word_does_not_replace_a_newer_one() -> None:
    view = View()
    view.told(_object("emails", 10), gone=False)
    view.told(_object("emails", 9), gone=False)
    view.listed(POLICY, [_object("emails", 8)], view.ids(POLICY))
    assert _seen(view) == {"emails": 10}


def test_a_list_removes_what_the_watch_has_lost() -> None:
    view = View()
    view.told(_object("emails"), gone=False)
    view.listed(POLICY, [_object("invoices")], view.ids(POLICY))
    assert _seen(view) == {"invoices": 1}


def test_a_list_does_not_remove_what_came_while_it_was_on_its_way() -> None:
    view = View()
    before = view.ids(POLICY)
    view.told(_object("emails"), gone=False)
    view.listed(POLICY, [], before)
    assert _seen(view) == {"emails": 1}


def test_a_list_does_not_bring_back_what_went_while_it_was_on_its_way() -> None:
    view = View()
    view.told(_object("emails"), gone=False)
    before = view.ids(POLICY)
    view.told(_object("emails", 2), gone=True)
    view.listed(POLICY, [_object("emails")], before)
    assert _seen(view) == {}


def test_an_object_of_the_same_name_is_another_one() -> None:
    view = View()
    view.told(_object("emails"), gone=False)
    view.told(_object("emails", 2), gone=True)
    view.told(_object("emails", 3, uid="uid-of-another"), gone=False)
    assert _seen(view) == {"emails": 3}


def test_what_a_change_of_ours_has_made_is_no_news() -> None:
    view = View()
    view.learned(_object("emails", 5))
    assert _seen(view) == {"emails": 5}
    assert not view.news.is_set()


def test_what_a_list_has_missed_comes_back_with_the_next_one() -> None:
    view = View()
    view.told(_object("emails"), gone=False)
    view.listed(POLICY, [], view.ids(POLICY))
    assert _seen(view) == {}
    view.listed(POLICY, [_object("emails")], view.ids(POLICY))
    assert _seen(view) == {"emails": 1}
