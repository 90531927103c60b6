"""Breaks the template in one place after the other: the check that is for it must say so, or it checks nothing.

Runs in the SAM CLI's virtual environment, after template_checks.py has found nothing.
"""

from __future__ import annotations

import copy
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import managed_instances
import template_alarms as alarms
import template_checks
import template_instances as instances
import template_operations as operations
from transformed import REPOSITORY, Check, Template

# What is broken, by whom it must be found, and how.
Break = tuple[str, Check, Callable[[Template], Any]]


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template.resources[name]["Properties"]
    return found


def integration(template: Template, path: str) -> dict[str, Any]:
    (operation,) = template.body["paths"][path].values()
    found: dict[str, Any] = operation["x-amazon-apigateway-integration"]
    return found


def version_of(template: Template, function: str) -> dict[str, Any]:
    (name,) = (
        name
        for name in template.resources
        if name.startswith(f"{function}Version") and "Permission" not in name
    )
    return properties(template, name)


def rename(template: Template, name: str, new: str) -> None:
    template.resources[new] = template.resources.pop(name)


def board(template: Template, old: str, new: str) -> None:
    body = properties(template, "Overview")["DashboardBody"]
    assert old in body["Fn::Sub"], old
    body["Fn::Sub"] = body["Fn::Sub"].replace(old, new)


def allow(template: Template, role: str, action: str, resource: str) -> None:
    policy = properties(template, role)["Policies"][0]["PolicyDocument"]
    reference = {"Ref": resource}
    policy["Statement"].append(
        {"Effect": "Allow", "Action": action, "Resource": reference}
    )


def overrides(template: Template) -> list[Any]:
    found: list[Any] = properties(template, "Wall")["Rules"][2]["Statement"][
        "ManagedRuleGroupStatement"
    ]["RuleActionOverrides"]
    return found


def place(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = properties(template, CHAT_ON_INSTANCES)[
        "CapacityProviderConfig"
    ]["LambdaManagedInstancesCapacityProviderConfig"]
    return found


CHAT_ON_INSTANCES = managed_instances.MOVED["ChatFunction"]
CHAT = "/api/v1/conversations/{conversation_id}/messages"
MODELS = "/api/v1/models"
BREAKS: list[Break] = [
    (
        "a route of chat that waits",
        template_checks.chat_streams,
        lambda t: next(
            one for _, _, one in t.integrations() if t.called(one) == "ChatFunction"
        ).pop("responseTransferMode"),
    ),
    (
        "a route that streams and whose function does not",
        template_checks.others_do_not_stream,
        lambda t: integration(t, MODELS).update(responseTransferMode="STREAM"),
    ),
    (
        "a function that API Gateway does not wait for",
        template_checks.nothing_outlives_api_gateway,
        lambda t: properties(t, "ModelsFunction").update(Timeout=30),
    ),
    (
        "a worker whose message comes back too early",
        template_checks.consumers_have_time,
        lambda t: properties(t, "JobQueue").update(VisibilityTimeout=1799),
    ),
    (
        "a queue that gives up at once",
        template_checks.queues_lose_nothing,
        lambda t: properties(t, "JobQueue")["RedrivePolicy"].update(maxReceiveCount=1),
    ),
    (
        "CodeDeploy's rights for a function",
        template_checks.nobody_may_do_everything,
        lambda t: properties(t, "ChatFunctionRole")["ManagedPolicyArns"].append(
            "arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"
        ),
    ),
    (
        "a function without turns that has searches made",
        operations.only_turns_call_search,
        lambda t: allow(
            t, "JobsFunctionRole", "lambda:InvokeFunction", "SearchFunctionAliaslive"
        ),
    ),
    (
        "turns that are not told what searches",
        operations.only_turns_call_search,
        lambda t: properties(t, "ChatFunction")["Environment"]["Variables"].update(
            SEARCH_FUNCTION_NAME="search"
        ),
    ),
    (
        "another function that writes secrets",
        template_checks.only_the_rotation_writes_secrets,
        lambda t: allow(
            t, "ChatFunctionRole", "secretsmanager:PutSecretValue", "DataKeys"
        ),
    ),
    (
        "an alarm without a runbook",
        alarms.alarms_have_runbooks,
        lambda t: rename(t, "TrailAlarm", "TrailsAlarm"),
    ),
    (
        "an alarm that names none",
        alarms.alarms_have_runbooks,
        lambda t: properties(t, "TrailAlarm").update(
            AlarmDescription="A trail is broken"
        ),
    ),
    (
        "a runbook without an alarm",
        alarms.alarms_have_runbooks,
        lambda t: t.resources.pop("TrailAlarm"),
    ),
    (
        "a metric that nobody writes",
        alarms.alarms_can_be_evaluated,
        lambda t: properties(t, "FirstTokenAlarm").update(MetricName="FirstWord"),
    ),
    (
        "a metric with dimensions that it has not",
        alarms.alarms_can_be_evaluated,
        lambda t: properties(t, "FirstTokenAlarm")["Dimensions"].append(
            {"Name": "Route", "Value": "/"}
        ),
    ),
    (
        "an alarm of eleven metrics",
        alarms.alarms_can_be_evaluated,
        lambda t: properties(t, "LatencyAlarm")["Metrics"].extend(
            properties(t, "LatencyAlarm")["Metrics"][1:] * 2
        ),
    ),
    (
        "an alarm of two results",
        alarms.alarms_can_be_evaluated,
        lambda t: properties(t, "LatencyAlarm")["Metrics"][1].update(ReturnData=True),
    ),
    (
        "a function whose failures nobody hears",
        alarms.every_function_is_watched,
        lambda t: t.resources.pop("RotationFailedAlarm"),
    ),
    (
        "an alarm that is not shown",
        alarms.the_dashboard_shows_what_is_there,
        lambda t: board(t, '"${TrailAlarm.Arn}",', ""),
    ),
    (
        "a dashboard that is no JSON",
        alarms.the_dashboard_shows_what_is_there,
        lambda t: board(t, '"widgets"', "widgets"),
    ),
    (
        "a dashboard of metrics that nobody writes",
        alarms.the_dashboard_shows_what_is_there,
        lambda t: board(t, '"Turns"', '"Rounds"'),
    ),
    (
        "a search for a metric with dimensions that it has not",
        alarms.the_dashboard_shows_what_is_there,
        lambda t: board(t, "{Chatter,Queue,Stage}", "{Chatter,Route,Stage}"),
    ),
    (
        "a queue that calls the function itself",
        operations.callers_call_aliases,
        lambda t: properties(t, "JobQueueMapping").update(
            FunctionName={"Ref": "JobWorkerFunction"}
        ),
    ),
    (
        "a route that calls the function itself",
        operations.callers_call_aliases,
        lambda t: integration(t, MODELS).update(
            uri={
                "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${ModelsFunction.Arn}/invocations"
            }
        ),
    ),
    (
        "a permission for the function itself",
        operations.callers_call_aliases,
        lambda t: properties(t, "ModelsFunctionModelsPermissionStage").update(
            FunctionName={"Ref": "ModelsFunction"}
        ),
    ),
    (
        "an alias that goes over without CodeDeploy",
        operations.callers_call_aliases,
        lambda t: t.resources["ModelsFunctionAliaslive"].pop("UpdatePolicy"),
    ),
    (
        "a setting that publishes no version",
        operations.settings_reach_functions,
        lambda t: properties(t, "Settings")["Content"].update(
            {
                "Fn::Sub": properties(t, "Settings")["Content"]["Fn::Sub"].replace(
                    "${LogLevel}", "info"
                )
            }
        ),
    ),
    (
        "a version that knows no settings",
        operations.settings_reach_functions,
        lambda t: version_of(t, "ModelsFunction").pop("Description"),
    ),
    (
        "a function that a changed timeout does not reach",
        operations.settings_reach_functions,
        lambda t: t.source["Resources"]["ModelsFunction"]["Properties"].pop(
            "AutoPublishAliasAllProperties"
        ),
    ),
    (
        "an API that keeps the origins of before",
        operations.the_api_is_always_deployed,
        lambda t: t.source["Resources"]["Api"]["Properties"].pop("AlwaysDeploy"),
    ),
    (
        "a function of another architecture",
        operations.one_architecture,
        lambda t: properties(t, "ModelsFunction").update(Architectures=["arm64"]),
    ),
    (
        "a stage without a burst",
        operations.floods_are_bounded,
        lambda t: properties(t, "ApiStage")["MethodSettings"][0].pop(
            "ThrottlingBurstLimit"
        ),
    ),
    (
        "something always there that needs what is not",
        operations.every_choice_works,
        lambda t: t.resources["DomainMapping"].pop("Condition"),
    ),
    (
        "an output of what is not there",
        operations.every_choice_works,
        lambda t: t.source["Outputs"]["DomainTarget"].pop("Condition"),
    ),
    (
        "a condition that is never met",
        operations.every_choice_works,
        lambda t: t.source["Conditions"].update(WithKey={"Fn::Equals": ["a", "b"]}),
    ),
    (
        "a domain without a certificate",
        operations.every_choice_works,
        lambda t: t.source["Rules"].pop("ADomainHasACertificate"),
    ),
    (
        "a firewall that refuses long messages",
        operations.the_firewall_lets_bodies_through,
        lambda t: overrides(t).pop(),
    ),
    (
        "a firewall that only counts",
        operations.the_firewall_lets_bodies_through,
        lambda t: properties(t, "Wall")["Rules"][1].update(
            OverrideAction={"Count": {}}
        ),
    ),
    (
        "a firewall that costs by default",
        operations.the_firewall_lets_bodies_through,
        lambda t: t.resources["Wall"].pop("Condition"),
    ),
    (
        "a domain with old TLS",
        operations.the_domain_is_safe,
        lambda t: properties(t, "Domain").update(SecurityPolicy="TLS_1_0"),
    ),
    (
        "an address that stays open",
        operations.the_domain_is_safe,
        lambda t: t.body.pop("servers"),
    ),
    (
        "a log group with a key of AWS",
        operations.a_key_encrypts_all,
        lambda t: properties(t, "ChatLogGroup").pop("KmsKeyId"),
    ),
    (
        "a queue with two keys",
        operations.a_key_encrypts_all,
        lambda t: properties(t, "JobQueue").update(SqsManagedSseEnabled=True),
    ),
    (
        "a role that may not use the key",
        operations.a_key_encrypts_all,
        lambda t: properties(t, "KeyPolicy")["Roles"].pop(),
    ),
    (
        "a key that roles use by themselves",
        operations.a_key_encrypts_all,
        lambda t: properties(t, "KeyPolicy")["PolicyDocument"]["Statement"][0].pop(
            "Condition"
        ),
    ),
    (
        "a canary that nothing takes back",
        operations.deployments_are_taken_back,
        lambda t: properties(t, "ModelsFunctionDeploymentGroup").pop(
            "AlarmConfiguration"
        ),
    ),
    (
        "a mending that alarms keep from going out",
        operations.deployments_are_taken_back,
        lambda t: t.source["Conditions"].update(
            WithGradualDeployment={"Fn::Equals": ["a", "a"]}
        ),
    ),
    (
        "a schedule that asks for something else",
        operations.readiness_is_asked_as_by_a_client,
        lambda t: properties(t, "HealthFunctionReadiness")["Targets"][0].update(
            Input=properties(t, "HealthFunctionReadiness")["Targets"][0][
                "Input"
            ].replace('"GET"', '"POST"')
        ),
    ),
    (
        "no schedule",
        operations.readiness_is_asked_as_by_a_client,
        lambda t: properties(t, "HealthFunctionReadiness")["Targets"][0].pop("Input"),
    ),
    (
        "an environment of a parameter that there is not",
        operations.environments_exist,
        lambda t: t.parameters.pop("LogRetentionDays"),
    ),
    (
        "a stage without an environment",
        operations.environments_exist,
        lambda t: t.parameters["StageName"]["AllowedValues"].append("test"),
    ),
    (
        "a function on instances that serves one request at a time",
        instances.turns_are_on_instances,
        lambda t: properties(t, "ModelsFunction").update(
            CapacityProviderConfig=properties(t, CHAT_ON_INSTANCES)[
                "CapacityProviderConfig"
            ]
        ),
    ),
    (
        "a function that is there already and can't be moved",
        instances.turns_are_on_instances,
        lambda t: rename(t, CHAT_ON_INSTANCES, "ChatFunction"),
    ),
    (
        "a process with more processors than threads",
        instances.instances_hold_what_they_take,
        lambda t: properties(t, CHAT_ON_INSTANCES).update(MemorySize=4096),
    ),
    (
        "a process that takes any number of turns",
        instances.instances_hold_what_they_take,
        lambda t: place(t).pop("PerExecutionEnvironmentMaxConcurrency"),
    ),
    (
        "instances without end",
        instances.instances_are_bounded,
        lambda t: properties(t, "TurnInstances").pop("CapacityProviderScalingConfig"),
    ),
    (
        "a capacity provider of others",
        instances.instances_are_bounded,
        lambda t: place(t).update(CapacityProviderArn="arn:aws:lambda:a"),
    ),
]


def main() -> int:
    whole = Template(REPOSITORY / "template.yaml")
    with tempfile.TemporaryDirectory() as folder:
        moved = Template(managed_instances.write(Path(folder) / "template.yaml"))
    of_instances = [check for _, check in instances.CHECKS]
    failed = False
    for what, check, break_it in BREAKS:
        broken = copy.deepcopy(moved if check in of_instances else whole)
        break_it(broken)
        if not list(check(broken)):
            failed = True
            print(f"WRONG {check.__name__} does not find {what}")
    for name, check in [*alarms.CHECKS, *operations.CHECKS, *instances.CHECKS]:
        if check not in [tested for _, tested, _ in BREAKS]:
            failed = True
            print(
                f"WRONG nothing breaks what holds that {name}: add it to infra/template_selftest.py"
            )
    if not failed:
        print(f"ok    checks find {len(BREAKS)} things that are broken on purpose")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
