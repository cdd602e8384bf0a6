"""Decisions in Airflow: questions about a night, under Required Actions, and what is done then.

``find_questions`` finds them once the night's files are loaded; each is one instance of ``decide``,
which waits without a worker. ``require_expected`` records the answers, loads the files that were
accepted, and goes on. Without an answer in time nothing is accepted. A backfill asks nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, get_current_context

from onestop import airflow_adapter, airflow_alerts
from onestop.airflow_adapter import Returned, night_of_run, settings_of_task
from onestop.language import log
from onestop.said import said, said_both, said_text
from onestop.schema.number_text import day
from onestop.schema.time_zone import LOCAL_ZONE
from onestop.settings import decision_time

if TYPE_CHECKING:
    from collections.abc import Collection

    from onestop.airflow_adapter import JsonBatch
    from onestop.decisions import ProvisionalReport, Question
    from onestop.said import Said

ACCEPT = "Chấp nhận / Accept"
REFUSE = "Không nhận / Refuse"
#: The field of the form with the reason.
BECAUSE = "because"
ISSUE = "Ban hành / Issue"
WAIT = "Chưa ban hành / Not yet"
_QUESTIONS = "questions"
_DUE, _ASKED, _RESTS_ON = "due", "asked", "rests_on"
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

_REPORT_BODY = """{title_vi}: kỳ báo cáo đến hết ngày {end_vi} mới hết, nên số liệu còn tạm tính;
hạn cuối {last_vi}. Ban hành trên số liệu của đêm {night}? Không ai trả lời trong {hours} giờ thì
báo cáo vẫn được ban hành, để kịp hạn; có thể ban hành lại với số tiếp theo.

{title_en}: its period ends on {end_en}, so that its figures are provisional; its last day is
{last_en}. Issue it on the figures of night {night}? Without an answer within {hours} hours it is
issued, to be in time; it can be issued again with the next number.
"""
_IN_TIME = "Không ai trả lời kịp: ban hành để kịp hạn / Nobody answered: issued to be in time"
_NOT_STATED = "Không nêu lý do / No reason given"

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
    with open_warehouse(settings.warehouse) as warehouse:
        record_noted_refusals(warehouse, settings.folders)
        questions = open_questions(warehouse, night)
    for question in questions:
        what = said_both(vi=question.what_vi, en=question.what_en)
        log(
            logger,
            logging.WARNING,
            said("{subject}: {what}", subject=question.subject, what=what),
        )
    if airflow_alerts.is_backfill():
        log(
            logger,
            logging.INFO,
            said("a backfill asks nobody; questions: {count}", count=len(questions)),
        )
        return []
    if questions:
        airflow_alerts.send_question_alert("decision_wanted")
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


def find_due_reports() -> Returned:
    """Find the reports that are due, and those of them that a person decides on.

    Before ``ONESTOP_PUBLISH_BY`` nobody is asked: the run of the morning asks. Nobody is asked
    again about the figures of a night on which a person held the report back.

    Returns:
        Subject and body of each question, for :func:`decide_on_reports`.
    """
    from onestop.decisions import held_back, provisional_reports
    from onestop.figures.issued import due_reports, last_night_up_to

    settings, night = settings_of_task(), night_of_run()
    due = due_reports(settings, night)
    rests_on = last_night_up_to(settings, night) if due else night
    provisional = provisional_reports(due, _day_after(night))
    held = held_back(settings, rests_on, [report.report_code for report in provisional])
    is_morning = dt.datetime.now(LOCAL_ZONE) >= settings.publishes_by(night)
    asked = [each for each in provisional if is_morning and each.report_code not in held]
    left = {report.report_code for report in provisional if report not in asked}
    due = [code for code in due if code not in left]
    log(logger, logging.INFO, said("due: {reports}", reports=_listed(due)))
    if left:
        waiting = said(
            "due, and not issued now: {reports}; people are asked from {hour:%H:%M} on, and once"
            " for each night",
            reports=_listed(left),
            hour=settings.publish_by,
        )
        log(logger, logging.INFO, waiting)
    instance = cast("Any", get_current_context()["ti"])
    instance.xcom_push(_DUE, due)
    instance.xcom_push(_RESTS_ON, rests_on.isoformat())
    instance.xcom_push(_ASKED, [report.report_code for report in asked])
    if not asked:
        return []
    airflow_alerts.send_question_alert("report_late")
    return [_asked_about(report, rests_on) for report in asked]


def decide_on_reports(questions: Any) -> Any:  # noqa: ANN401 - Airflow's classes are not typed for us
    """The task that waits for a person's answer, once for each report."""
    return HITLOperator.partial(
        task_id=_DECIDE,
        options=[ISSUE, WAIT],
        defaults=[ISSUE],
        params={BECAUSE: Param("", type="string", title="Lý do / Reason")},
        response_timeout=decision_time(),
    ).expand_kwargs(questions)


def find_approved_reports() -> Returned:
    """Record what was decided on the due reports.

    Returns:
        The reports to issue, as :func:`onestop.airflow_adapter.issue_report` takes them: those that
        nobody held back or issued meanwhile, on the night that ``find_due_reports`` asked about.
    """
    from onestop.decisions import decide_on_report
    from onestop.figures.issued import complete_reports, due_reports, last_night_up_to

    settings = settings_of_task()
    instance = cast("Any", get_current_context()["ti"])
    due = list(instance.xcom_pull(task_ids="find_due", key=_DUE) or [])
    rests_on = instance.xcom_pull(task_ids="find_due", key=_RESTS_ON)
    if rests_on is None and due:  # an earlier release asked
        rests_on = last_night_up_to(settings, night_of_run()).isoformat()
    asked = instance.xcom_pull(task_ids="find_due", key=_ASKED) or []
    if asked:  # the question was open for hours
        still_due = due_reports(settings, night_of_run())
        due = [code for code in due if code in still_due]
    for number, code in enumerate(asked):
        if code not in due:
            issued = said("{report}: was issued while the question was open", report=code)
            log(logger, logging.INFO, issued)
            continue
        given = instance.xcom_pull(task_ids=_DECIDE, map_indexes=number) or {}
        user = given.get("responded_by_user")
        # a person's answer in the words of an earlier release does not issue it
        is_held = user is not None and given.get("chosen_options") != [ISSUE]
        because = _IN_TIME if user is None else _reason_of(given) or _NOT_STATED
        decide_on_report(
            settings,
            dt.date.fromisoformat(rests_on),
            code,
            is_issued=not is_held,
            because=because,
            decided_by=_name(user),
        )
        decided = said_text("held back" if is_held else "issued")
        log(
            logger,
            logging.INFO,
            said("{report}: {decided}: {because}", report=code, decided=decided, because=because),
        )
        if is_held:
            due.remove(code)
    if asked:
        complete_reports(settings)  # for readers of the decisions, also where nothing is issued
    return [{"report_code": code, "night": rests_on} for code in due]


def _listed(codes: Collection[str]) -> str | Said:
    return ", ".join(sorted(codes)) or said_text("nothing")


def _day_after(night: dt.date) -> dt.date:
    return night + dt.timedelta(days=1)


def _asked_about(report: ProvisionalReport, night: dt.date) -> dict[str, str]:
    texts = {
        "title_vi": report.title_vi,
        "title_en": report.title_en,
        "end_vi": day(report.period_end, "vi"),
        "end_en": day(report.period_end, "en"),
        "last_vi": day(report.last_day, "vi"),
        "last_en": day(report.last_day, "en"),
        "night": night,
        "hours": f"{decision_time().total_seconds() / 3600:g}",
    }
    subject = f"Ban hành {report.title_vi}? / Issue it? ({report.report_code})"
    return {"subject": _plain(subject), "body": _plain(_REPORT_BODY.format(**texts))}


def _reason_of(given: dict[str, Any]) -> str:
    """The reason that a person gave, without what identifies somebody; empty when none is given."""
    from onestop.decisions import checked_reason
    from onestop.marts.published import QuestionError

    stated = str((given.get("params_input") or {}).get(BECAUSE) or "").strip()
    if not stated:
        return ""
    try:
        return checked_reason(stated)
    except QuestionError:
        return _HIDDEN_REASON


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
    from onestop.decisions import answer

    given = given or {}
    user, because = given.get("responded_by_user"), _reason_of(given)
    is_accepted = user is not None and given.get("chosen_options") == [ACCEPT] and bool(because)
    if user is None:
        because = _NO_ANSWER
    elif not because:
        because = _NO_REASON if given.get("chosen_options") == [ACCEPT] else _NOT_STATED
    results = answer(
        settings_of_task(),
        night_of_run(),
        question,
        is_accepted=is_accepted,
        because=because,
        decided_by=_name(user),
    )
    decided = said_text("accepted") if is_accepted else said("refused: {because}", because=because)
    log(
        logger,
        logging.INFO,
        said("{subject}: {decided}", subject=question.subject, decided=decided),
    )
    for result in results:
        log(logger, logging.INFO, said("{result}", result=result))


def _name(user: Any) -> str | None:  # noqa: ANN401 - a mapping, or Airflow's own class
    if user is None:
        return None
    return str(user["name"] if isinstance(user, dict) else user.name)
