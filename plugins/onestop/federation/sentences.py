"""What a run of the federation did, as sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onestop.federation.federating import REPEATED
from onestop.said import said, said_count, said_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onestop.federation.federating import Federated, PackageOutcome
    from onestop.federation.publishing import NationState
    from onestop.said import Said


def federated_sentences(done: Federated) -> Iterator[Said]:
    """Each file that is new or refused, the counts of files, then the nation's state."""
    for outcome in done.outcomes:
        if outcome.state != REPEATED:
            yield outcome_sentence(outcome)
    yield counts_sentence(done)
    yield from nation_sentences(done)


def counts_sentence(done: Federated) -> Said:
    """How many files were taken in, held before and refused."""
    return said(
        "{files} read: {new} taken in, {repeated} held before, {refused} refused",
        files=said_count(len(done.outcomes), "file"),
        new=said_number(len(done.outcomes) - len(done.repeated) - len(done.refused)),
        repeated=said_number(len(done.repeated)),
        refused=said_number(len(done.refused)),
    )


def nation_sentences(done: NationState) -> Iterator[Said]:
    """What was published, or why nothing was, and whose packages are late or missing."""
    if done.night is None:
        yield said("no package is in force yet")
        return
    facts = {
        "night": done.night,
        "are_in": done.states["in"] + done.states["ahead"],
        "total": sum(done.states.values()),
    }
    if done.publication_id is not None:
        yield said(
            "the nation's night {night} is published with {are_in} of {total} provinces", **facts
        )
    elif done.later is not None:
        yield said(
            "the nation's night {night} can no longer be published: night {later} is",
            later=done.later,
            **facts,
        )
    elif done.waits_for:
        yield said(
            "the nation's night {night} waits for {provinces}: {are_in} of {total} are in",
            provinces=said_count(done.waits_for, "more province"),
            **facts,
        )
    else:
        yield said(
            "nothing new is published for the nation's night {night}: {are_in} of {total}"
            " provinces are in",
            **facts,
        )
    for code, state, held in done.not_in:
        if state == "late":
            yield said("{province} is late: its last night is {night}", province=code, night=held)
        else:
            yield said("{province} is missing: no package so far", province=code)


def outcome_sentence(outcome: PackageOutcome) -> Said:
    """What became of a file; for a refused one also what to do."""
    if outcome.refusal is not None:
        return said(
            "{file}: refused, {rule}: {reason}; {remedy}",
            file=outcome.place,
            rule=outcome.refusal.code,
            reason=outcome.refusal.why,
            remedy=outcome.refusal.remedy,
        )
    if outcome.replaces_night is not None:
        return said(
            "{file}: {province}, night {night}; it replaces night {earlier} and restates {figures}",
            file=outcome.place,
            province=outcome.province_code,
            night=outcome.night,
            earlier=outcome.replaces_night,
            figures=said_count(outcome.restated, "figure"),
        )
    return said(
        "{file}: {province}, night {night}",
        file=outcome.place,
        province=outcome.province_code,
        night=outcome.night,
    )
