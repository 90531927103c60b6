"""Checks of what those who run Chatter watch: alarms, their runbooks, the dashboard. See template_checks.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from transformed import REPOSITORY, Check, Template, target_of

RUNBOOKS = REPOSITORY / "docs" / "runbooks"
OPERATIONS = REPOSITORY / "docs" / "operations.md"
HEADINGS = ["## What it means", "## Look", "## Do", "## When it is over"]

# A number of metrics that CloudWatch takes in one alarm.
METRICS_OF_AN_ALARM = 10
# Metrics that functions write into their logs, with the sets of dimensions that they have beside Stage.
REQUESTS = [{"Function"}, {"Function", "Route"}]
TURNS: list[set[str]] = [set(), {"Model"}]
METRICS = {
    "Requests": REQUESTS,
    "ServerErrors": REQUESTS,
    "ClientErrors": REQUESTS,
    "Latency": REQUESTS,
    "Turns": TURNS,
    "TurnErrors": TURNS,
    "FirstToken": TURNS,
    "InputTokens": TURNS,
    "OutputTokens": TURNS,
    "CostMicroDollars": TURNS,
    "QueueAge": [{"Queue"}],
}


def kebab(alarm: str) -> str:
    """The name of an alarm's runbook."""
    return re.sub(r"(?<!^)([A-Z])", r"-\1", alarm.removesuffix("Alarm")).lower()


def alarms_have_runbooks(template: Template) -> Iterator[str]:
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    listed = OPERATIONS.read_text()
    for name, alarm in alarms.items():
        runbook, description = f"{kebab(name)}.md", alarm.get("AlarmDescription")
        text = description.get("Fn::Sub", "") if isinstance(description, dict) else ""
        if not text.endswith(f"Runbook: ${{RunbookBase}}/{runbook}"):
            yield f"{name}'s AlarmDescription must be a !Sub that ends with `Runbook: ${{RunbookBase}}/{runbook}`"
        if not (RUNBOOKS / runbook).exists():
            yield f"{name} has no runbook: write docs/runbooks/{runbook}"
        if f"(runbooks/{runbook})" not in listed:
            yield f"docs/operations.md does not list {name}'s runbook"
    for path in sorted(RUNBOOKS.glob("*.md")):
        if path.stem not in map(kebab, alarms):
            yield f"docs/runbooks/{path.name} is of no alarm: delete it"
        found = [
            line for line in path.read_text().splitlines() if line.startswith("## ")
        ]
        if found != HEADINGS:
            yield f"docs/runbooks/{path.name} must have the headings {', '.join(HEADINGS)}"
        for link in re.findall(r"\]\(([a-z-]+\.md)\)", path.read_text()):
            if not (RUNBOOKS / link).exists():
                yield f"docs/runbooks/{path.name} leads to {link}, which is not there"


def alarms_can_be_evaluated(template: Template) -> Iterator[str]:
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        metrics = alarm.get("Metrics", [])
        stats = [metric["MetricStat"] for metric in metrics if "MetricStat" in metric]
        if len(stats) > METRICS_OF_AN_ALARM:
            yield f"{name} has {len(stats)} metrics: CloudWatch takes {METRICS_OF_AN_ALARM} in an alarm"
        if metrics and [metric["ReturnData"] for metric in metrics].count(True) != 1:
            yield f"{name} must have exactly one metric with ReturnData"
        if alarm.get("TreatMissingData") != "notBreaching":
            yield f"{name} needs `TreatMissingData: notBreaching`: where nothing happens nothing is wrong"
        for metric in [stat["Metric"] for stat in stats] or [alarm]:
            if metric["Namespace"] == "Chatter":
                dimensions = {one["Name"] for one in metric.get("Dimensions", [])}
                yield from _metric(name, metric["MetricName"], dimensions)


def every_function_is_watched(template: Template) -> Iterator[str]:
    watched = set()
    for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
        stats = [
            one["MetricStat"] for one in alarm.get("Metrics", []) if "MetricStat" in one
        ]
        for metric in [stat["Metric"] for stat in stats] or [alarm]:
            if (metric["Namespace"], metric["MetricName"]) == ("AWS/Lambda", "Errors"):
                watched |= {target_of(one["Value"]) for one in metric["Dimensions"]}
    for function in sorted(template.functions().keys() - watched):
        yield f"{function} needs an alarm on its Errors"


def _metric(owner: str, name: str, dimensions: set[str]) -> Iterator[str]:
    if name not in METRICS:
        yield f"{owner} speaks of the metric {name}, which nothing writes"
    elif dimensions - {"Stage"} not in METRICS[name] or "Stage" not in dimensions:
        yield f"{owner}: nothing writes {name} with the dimensions {', '.join(sorted(dimensions))}"


def the_dashboard_shows_what_is_there(template: Template) -> Iterator[str]:
    boards = template.of_type("AWS::CloudWatch::Dashboard")
    text = boards["Overview"]["DashboardBody"]["Fn::Sub"]
    try:
        widgets = json.loads(text)["widgets"]
    except ValueError as error:
        yield f"the dashboard is no JSON: {error}"
        return
    shown = [
        alarm for widget in widgets for alarm in widget["properties"].get("alarms", [])
    ]
    for alarm in template.of_type("AWS::CloudWatch::Alarm"):
        if f"${{{alarm}.Arn}}" not in shown:
            yield f"the dashboard does not show {alarm}"
    for widget in widgets:
        title = f"the dashboard's {widget['properties'].get('title', 'text')!r}"
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict):
                searched = re.match(
                    r"SEARCH\('\{Chatter,([A-Za-z,]+)\} MetricName=\"(\w+)\"",
                    metric[0]["expression"],
                )
                if not searched:
                    yield f"{title} searches for something unknown: {metric[0]['expression']}"
                    continue
                yield from _metric(title, searched[2], set(searched[1].split(",")))
            elif metric[0] == "Chatter":
                names = [part for part in metric[2:] if isinstance(part, str)][::2]
                yield from _metric(title, metric[1], set(names))
    for function in template.functions():
        if f"${{{function}}}" not in text:
            yield f"the dashboard does not show {function}"


CHECKS: list[tuple[str, Check]] = [
    ("alarms have runbooks, and runbooks alarms", alarms_have_runbooks),
    ("alarms can be evaluated", alarms_can_be_evaluated),
    ("every function is watched", every_function_is_watched),
    ("the dashboard shows what is there", the_dashboard_shows_what_is_there),
]
