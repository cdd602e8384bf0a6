"""Decisions in Airflow: questions about a night, under Required Actions, and what is done then.

``find_questions`` finds them once the night's files are loaded; each is one instance of ``decide``,
which waits without a worker. ``require_expected`` records the answers, loads the files that were
accepted, and goes on. Without an answer in time nothing is accepted. A backfill asks nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, get_current_context

from onestop import airflow_adapter, airflow_alerts
from onestop.airflow_adapter import Returned, night_of_run, settings_of_task
from onestop.settings import decision_time

if TYPE_CHECKING:
    from onestop.airflow_adapter import JsonBatch
    from onestop.decisions import Question

ACCEPT = "Chấp nhận / Accept"
REFUSE = "Không nhận / Refuse"
#: The field of the form with the reason.
BECAUSE = "because"
_QUESTIONS = "questions"
_DECIDE = "decide"
_NO_ANSWER = "Không ai trả lời kịp / Nobody answered in time"
_NO_REASON = "Không nêu lý do nên không được chấp nhận / Without a reason it is not accepted"
_HIDDEN_REASON = (
    "Lý do không được lưu vì có địa chỉ email hoặc số của cá nhân"
    " / The reason is not kept: it holds an e-mail address or a person's number"
)
_BODY = """{what_vi}

Hỏi đơn vị xuất dữ liệu trước khi quyết định. Chấp nhận: tệp được nạp cho đêm {night}, không so với
số dòng thường ngày. Không nhận, hoặc không ai trả lời trong {hours} giờ: tệp vẫn bị từ chối.

{what_en}

Ask the exporting office first. Accepted: the file is loaded for night {night}, and its number of
rows is not compared. Refused, or not answered within {hours} hours: the file stays refused.
"""

logger = logging.getLogger(__name__)


def find_questions() -> Returned:
    """Find what a person has to decide about the night, and send that somebody is asked.

    Returns:
        Subject and body of each question, for :func:`decide`.
    """
    from onestop.decisions import open_questions
    from onestop.record.refusals import record_noted_refusals
    from onestop.warehouse import open_warehouse

    settings, night = settings_of_task(), night_of_run()
    folders = settings.folders
    with open_warehouse(settings.warehouse) as warehouse:
        record_noted_refusals(
            warehouse, folders.refusals, staging=folders.staging, locks=folders.locks
        )
        questions = open_questions(warehouse, night)
    for question in questions:
        logger.warning("%s: %s", question.subject, question.what_en)
    if airflow_alerts.is_backfill():
        logger.info("a backfill asks nobody; questions: %d", len(questions))
        return []
    if questions:
        airflow_alerts.send_question_alert()
    instance = cast("Any", get_current_context()["ti"])
    instance.xcom_push(_QUESTIONS, [question.to_json() for question in questions])
    return [_asked(question, str(night)) for question in questions]


def decide(questions: Any) -> Any:  # noqa: ANN401 - Airflow's classes are not typed for us
    """The task that waits for a person's answer, once for each question."""
    return HITLOperator.partial(
        task_id=_DECIDE,
        options=[ACCEPT, REFUSE],
        defaults=[REFUSE],
        params={BECAUSE: Param("", type="string", title="Lý do / Reason")},
        response_timeout=decision_time(),
    ).expand_kwargs(questions)


def require_expected(found: list[JsonBatch] | None) -> None:
    """Do what was decided, then fail unless all expected deliveries of the night are loaded.

    Args:
        found: what ``discover_deliveries`` returned; None when it failed.
    """
    from onestop.decisions import Question

    instance = cast("Any", get_current_context()["ti"])
    asked = instance.xcom_pull(task_ids="find_questions", key=_QUESTIONS) or []
    for number, question in enumerate(asked):
        given = instance.xcom_pull(task_ids=_DECIDE, map_indexes=number)
        _answer(Question.from_json(question), given)
    airflow_adapter.require_expected(found)


def _asked(question: Question, night: str) -> dict[str, str]:
    hours = f"{decision_time().total_seconds() / 3600:g}"
    body = _BODY.format(
        what_vi=question.what_vi, what_en=question.what_en, night=night, hours=hours
    )
    subject = f"{night}: số dòng của {question.subject} có đúng không? / is it right?"
    return {"subject": _plain(subject), "body": _plain(body)}


def _plain(text: str) -> str:
    """A text that is no template and no HTML: it holds names of files."""
    return text.replace("{", "(").replace("}", ")").replace("<", "‹")


def _answer(question: Question, given: dict[str, Any] | None) -> None:
    """Record an answer, and load what it accepts."""
    from onestop.decisions import answer, checked_reason
    from onestop.marts.published import QuestionError

    user = (given or {}).get("responded_by_user")
    is_accepted = user is not None and (given or {}).get("chosen_options") == [ACCEPT]
    because = str(((given or {}).get("params_input") or {}).get(BECAUSE) or "")
    if user is None:
        because = _NO_ANSWER
    elif is_accepted and not because.strip():
        is_accepted, because = False, _NO_REASON
    try:
        checked_reason(because or "–")
    except QuestionError:
        because = _HIDDEN_REASON
    results = answer(
        settings_of_task(),
        night_of_run(),
        question,
        is_accepted=is_accepted,
        because=because or "–",
        decided_by=_name(user),
    )
    logger.info("%s: %s", question.subject, "accepted" if is_accepted else f"refused: {because}")
    for result in results:
        logger.info("%s", result)


def _name(user: Any) -> str | None:  # noqa: ANN401 - a mapping, or Airflow's own class
    if user is None:
        return None
    return str(user["name"] if isinstance(user, dict) else user.name)
