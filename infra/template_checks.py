"""What must hold in template.yaml, or in the one that a path is given of, and what no linter checks. Runs in the SAM CLI's virtual environment.

The template is transformed first, as AWS would, because what is deployed is the outcome.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import tomlkit
from managed_instances import MADE
from template_alarms import CHECKS as ALARMS
from template_instances import CHECKS as INSTANCES
from template_operations import CHECKS as OPERATIONS
from transformed import (
    REPOSITORY,
    Check,
    Properties,
    Template,
    listed,
    target_of,
    uri_of,
)

LAYERS = REPOSITORY / "shared" / "src" / "http" / "layers.rs"
CONFIG = REPOSITORY / "shared" / "src" / "config.rs"

STREAM_MILLISECONDS = 300_000
# How much longer a function lives than the turn in it, to store the outcome and tell it.
TURN_RESERVE_SECONDS = 10
API_GATEWAY_SECONDS = 29

# What SAM gives every function: logs and traces. Both are for any resource, because AWS offers nothing narrower for
# traces, and because a function's log group may be named later than its role.
MANAGED_POLICIES = {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}
# What AWS offers for the role with which CodeDeploy moves aliases, and the one with which Lambda starts instances. No
# function has them.
OF_AWS = {
    "CodeDeployServiceRole": "AWSCodeDeployRoleForLambda",
    "TurnInstancesOperatorRole": "AWSLambdaManagedEC2ResourceOperator",
}
# What changes or deletes an item that is there.
CHANGING = {"BatchWriteItem", "DeleteItem", "PartiQLDelete", "PartiQLUpdate", "UpdateItem"}
# The policy of every function with a caller, and a key of a trail, for patterns.
CALLER_POLICY = "CallerPolicy"
TRAIL_KEY = "AUDIT#ten_0"
# Statements that may have a star, as (resource, Sid).
STARS = {("BucketPolicy", "OnlyOverTls"), ("BedrockListPolicy", "List")}
# Of Lambda and of lambda_http, not of ours.
FOREIGN_VARIABLES = {
    "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH",
    "MALLOC_MMAP_THRESHOLD_",
}
# Settings that only some functions have, because only they call what is named there.
OF_SOME = {"SEARCH_FUNCTION_NAME": {"chat", "run-worker"}}
KEPT_FOR_EVER = {"Table", "Bucket", "SigningKeys", "DataKeys"}
# The only role that may do more with a secret than read it, and with which secrets: those that rotate.
ROTATING_ROLE = "KeyRotationFunctionRole"
ROTATING = {"SigningKeys", "DataKeys"}
# The only role that sends mails.
MAILING_ROLE = "MailerFunctionRole"
SECRETS_MANAGER = "secretsmanager.amazonaws.com"
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "request_id"}
DEFAULT_RETENTION_SECONDS = 345_600
DEFAULT_VISIBILITY_SECONDS = 30

# What a gateway response can say to pages: the origin, if exactly one is listed.
ONE_ORIGIN = {
    "Fn::If": [
        "WithOneOrigin",
        {"Fn::Sub": "'${AllowedOrigins}'"},
        {"Ref": "AWS::NoValue"},
    ]
}

SECRET_LIKE = re.compile(
    r"AKIA[0-9A-Z]{16}|sk-[A-Za-z0-9_-]{16}|BEGIN [A-Z ]*PRIVATE KEY|eyJ[A-Za-z0-9_-]{20}|(?<![\w-])[A-Za-z0-9+/_-]{40,}={0,2}"
)


def chat_streams(template: Template) -> Iterator[str]:
    """Its function answers everything as a stream, so every route of it must be called so."""
    for path, method, integration in template.integrations():
        if template.called(integration) != template.by_folder["chat"]:
            continue
        route = f"{method} {path}"
        if integration.get("responseTransferMode") != "STREAM":
            yield f"{route} does not stream: its event needs `ResponseTransferMode: RESPONSE_STREAM`, no other word"
        if "/response-streaming-invocations" not in uri_of(integration):
            yield f"{route} does not call ChatFunction's streaming address: {uri_of(integration)}"
        if integration.get("timeoutInMillis") != STREAM_MILLISECONDS:
            yield f"{route} needs `TimeoutInMillis: {STREAM_MILLISECONDS}`"


def others_do_not_stream(template: Template) -> Iterator[str]:
    for path, method, integration in template.integrations():
        if (
            template.called(integration) != template.by_folder["chat"]
            and integration.get("responseTransferMode") == "STREAM"
        ):
            yield f"{method} {path} streams, but its function starts with `serve` and not `serve_streams`"


def a_turn_ends_before_its_function(template: Template) -> Iterator[str]:
    chat = template.functions()[template.by_folder["chat"]]
    turn = int(chat["Environment"]["Variables"]["TURN_TIMEOUT_SECONDS"])
    if turn + TURN_RESERVE_SECONDS > chat["Timeout"]:
        yield f"TURN_TIMEOUT_SECONDS must be {TURN_RESERVE_SECONDS} less than ChatFunction's Timeout"
    if chat["Timeout"] * 1000 > STREAM_MILLISECONDS:
        yield "ChatFunction's Timeout is longer than API Gateway waits for it: lower it or raise TimeoutInMillis"


def a_run_in_the_background_ends_before_its_worker(
    template: Template,
) -> Iterator[str]:
    worker = template.functions()[template.by_folder["run-worker"]]
    turn = int(worker["Environment"]["Variables"]["BACKGROUND_TIMEOUT_SECONDS"])
    if turn + TURN_RESERVE_SECONDS > worker["Timeout"]:
        yield f"BACKGROUND_TIMEOUT_SECONDS must be {TURN_RESERVE_SECONDS} less than RunWorkerFunction's Timeout"


def nothing_outlives_api_gateway(template: Template) -> Iterator[str]:
    for path, method, integration in template.integrations():
        name = template.called(integration)
        timeout = template.functions()[name].get("Timeout", 3) if name else 0
        if "responseTransferMode" not in integration and timeout > API_GATEWAY_SECONDS:
            yield f"{method} {path}: {name} may run longer than the {API_GATEWAY_SECONDS} s that API Gateway waits"


def each_function_has_its_own_role(template: Template) -> Iterator[str]:
    owners: dict[str | None, str] = {}
    for name, properties in template.functions().items():
        role = target_of(properties.get("Role"))
        if role not in template.resources:
            yield f"{name} has a role from elsewhere: give it Policies instead of a Role"
        if role in owners:
            yield f"{name} shares the role {role} with {owners[role]}: give each its own Policies"
        owners[role] = name


def nobody_may_do_everything(template: Template) -> Iterator[str]:
    for role, properties in template.of_type("AWS::IAM::Role").items():
        for arn in properties.get("ManagedPolicyArns", []):
            if target_of(arn) in template.resources:
                continue
            arn = arn.get("Fn::Sub", arn) if isinstance(arn, dict) else arn
            if (policy := str(arn).split("/")[-1]) == OF_AWS.get(role):
                continue
            if policy not in MANAGED_POLICIES:
                yield f"{role} has the managed policy {arn}: write out the actions that the function needs"
        for policy in properties.get("Policies", []):
            yield from _stars(role, policy["PolicyDocument"])
    for kind in (
        "AWS::IAM::ManagedPolicy",
        "AWS::S3::BucketPolicy",
        "AWS::SQS::QueuePolicy",
    ):
        for name, properties in template.of_type(kind).items():
            yield from _stars(name, properties["PolicyDocument"])


def _stars(owner: str, document: Properties) -> Iterator[str]:
    for statement in listed(document["Statement"]):
        if (owner, statement.get("Sid")) in STARS:
            continue
        actions, resources = (
            listed(statement.get("Action", "*")),
            listed(statement.get("Resource", "*")),
        )
        if any("*" in action for action in actions):
            yield f"{owner} allows {actions}: name each action"
        if any(
            resource == "*" or str(resource).startswith("arn:")
            for resource in resources
        ):
            yield f"{owner} allows {actions} on {resources}: refer to the resource"
        if "NotAction" in statement or "NotResource" in statement:
            yield f"{owner} has a statement that allows all but something: name what is allowed"


def _granted(template: Template) -> Iterator[tuple[str, Properties]]:
    """Every statement that allows something, of a role or of a policy that roles share, with whose it is."""
    for owner, statement in _statements(template):
        if statement["Effect"] == "Allow":
            yield owner, statement


def _statements(template: Template) -> Iterator[tuple[str, Properties]]:
    for role, properties in template.of_type("AWS::IAM::Role").items():
        for policy in properties.get("Policies", []):
            for statement in listed(policy["PolicyDocument"]["Statement"]):
                yield role, statement
    for name, properties in template.of_type("AWS::IAM::ManagedPolicy").items():
        for statement in listed(properties["PolicyDocument"]["Statement"]):
            yield name, statement


def nobody_reaches_the_whole_table(template: Template) -> Iterator[str]:
    for owner, statement in _granted(template):
        actions = {
            action.removeprefix("dynamodb:")
            for action in listed(statement.get("Action", []))
            if action.startswith("dynamodb:")
        }
        keys = (
            statement.get("Condition", {})
            .get("ForAllValues:StringLike", {})
            .get("dynamodb:LeadingKeys", [])
        )
        if actions and not keys:
            yield f"{owner} reaches the whole table: say which keys with dynamodb:LeadingKeys"
        if "Scan" in actions:
            yield f"{owner} may scan the table: take dynamodb:Scan out"
        for key in keys:
            if not fnmatchcase(TRAIL_KEY, key):
                continue
            if not key.startswith("AUDIT#"):
                yield f"{owner} may reach the audit trail by {key}: name the kind of key"
            if actions & CHANGING:
                yield f"{owner} may change the audit trail: it is only added to, with dynamodb:PutItem"


def trails_stay(template: Template) -> Iterator[str]:
    for owner, statement in _statements(template):
        denied = {
            action.removeprefix("dynamodb:")
            for action in listed(statement.get("Action", []))
        }
        keys = (
            statement.get("Condition", {})
            .get("ForAnyValue:StringLike", {})
            .get("dynamodb:LeadingKeys", [])
        )
        if (
            (owner, statement["Effect"]) == (CALLER_POLICY, "Deny")
            and denied >= CHANGING
            and keys == ["AUDIT#*"]
        ):
            return
    yield f"{CALLER_POLICY} must deny {', '.join(sorted(CHANGING))} on AUDIT#*, whatever else a function may do"


def only_the_rotation_writes_secrets(template: Template) -> Iterator[str]:
    for role, statement in _granted(template):
        actions = {
            action
            for action in listed(statement.get("Action", []))
            if action.startswith("secretsmanager:")
        } - {"secretsmanager:GetSecretValue"}
        secrets = {
            target_of(resource) for resource in listed(statement.get("Resource", []))
        }
        if actions and (role != ROTATING_ROLE or secrets != ROTATING):
            yield f"{role} allows {', '.join(sorted(actions))}: only {ROTATING_ROLE} may, on {', '.join(sorted(ROTATING))}"


def mails_come_from_the_sender(template: Template) -> Iterator[str]:
    for role, statement in _granted(template):
        actions = {
            action
            for action in listed(statement.get("Action", []))
            if action.startswith("ses:")
        }
        if not actions:
            continue
        if role != MAILING_ROLE or actions != {"ses:SendEmail"}:
            yield f"{role} allows {', '.join(sorted(actions))}: only {MAILING_ROLE} may, and only ses:SendEmail"
        if "*" in json.dumps(statement.get("Resource", "*")):
            yield f"{role} may send as any identity: name those of MailSender"
        sender = statement.get("Condition", {}).get("StringEquals", {})
        if sender.get("ses:FromAddress") != {"Ref": "MailSender"}:
            yield f"{role} may send as any address: it needs the condition ses:FromAddress"


def keys_rotate(template: Template) -> Iterator[str]:
    schedules = template.of_type("AWS::SecretsManager::RotationSchedule")
    rotating = {target_of(schedule["SecretId"]) for schedule in schedules.values()}
    if rotating != ROTATING:
        yield f"there must be one RotationSchedule for each of {', '.join(sorted(ROTATING))}"
    callers = {
        target_of(permission["FunctionName"]): permission
        for permission in template.of_type("AWS::Lambda::Permission").values()
        if permission["Principal"] == SECRETS_MANAGER
    }
    for name, schedule in schedules.items():
        permission = callers.get(target_of(schedule["RotationLambdaARN"]), {})
        if permission.get("SourceAccount") != {"Ref": "AWS::AccountId"}:
            yield f"{name}'s function needs a permission for {SECRETS_MANAGER} with this account as SourceAccount"


def queues_lose_nothing(template: Template) -> Iterator[str]:
    queues = template.of_type("AWS::SQS::Queue")
    dead_letters = {
        target_of(queue["RedrivePolicy"]["deadLetterTargetArn"])
        for queue in queues.values()
        if "RedrivePolicy" in queue
    }
    for name, queue in queues.items():
        if name in dead_letters:
            continue
        redrive = queue.get("RedrivePolicy")
        if not redrive:
            yield f"{name} has no dead-letter queue: give it a RedrivePolicy"
            continue
        if redrive["maxReceiveCount"] < 5:
            yield f"{name} gives up after {redrive['maxReceiveCount']} attempts: set maxReceiveCount to 5 or more"
        dead = queues.get(target_of(redrive["deadLetterTargetArn"]) or "", {})
        if dead.get("FifoQueue", False) != queue.get("FifoQueue", False):
            yield f"{name} and its dead-letter queue must both be FIFO queues or neither"
        if retention(dead) <= retention(queue):
            yield f"{name}'s dead-letter queue must keep messages longer than {name} does"


def queues_are_watched(template: Template) -> Iterator[str]:
    alarms = list(template.of_type("AWS::CloudWatch::Alarm").values())
    queues = template.of_type("AWS::SQS::Queue")
    dead_letters = {
        target_of(queue["RedrivePolicy"]["deadLetterTargetArn"])
        for queue in queues.values()
        if "RedrivePolicy" in queue
    }
    for name in queues:
        dead = name in dead_letters
        metric = (
            "ApproximateNumberOfMessagesVisible" if dead else "ApproximateAgeOfOldestMessage"
        )
        if not any(_watches(alarm, metric, name) for alarm in alarms):
            yield f"{name} needs an alarm on {metric}"
    told = [alarm for alarm in alarms if alarm.get("AlarmActions")]
    if len(told) != len(alarms):
        yield "every alarm needs AlarmActions, or nobody hears it"
    for name, source in template.of_type("AWS::Logs::MetricFilter").items():
        counted = source["MetricTransformations"][0]
        same = ("Namespace", "MetricName")
        wanted = (counted["MetricNamespace"], counted["MetricName"])
        if not any(tuple(alarm.get(key) for key in same) == wanted for alarm in alarms):
            yield f"{name} counts what no alarm watches"


def _watches(alarm: Properties, metric: str, queue: str) -> bool:
    dimensions = {
        dimension["Name"]: dimension["Value"]
        for dimension in alarm.get("Dimensions", [])
    }
    return (
        alarm.get("Namespace") == "AWS/SQS"
        and alarm.get("MetricName") == metric
        and alarm.get("ComparisonOperator") == "GreaterThanThreshold"
        and dimensions == {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}}
    )


def retention(queue: Properties) -> int:
    return int(queue.get("MessageRetentionPeriod", DEFAULT_RETENTION_SECONDS))


def consumers_have_time(template: Template) -> Iterator[str]:
    queues, functions = template.of_type("AWS::SQS::Queue"), template.functions()
    for name, source in template.of_type("AWS::Lambda::EventSourceMapping").items():
        queue, function = (
            target_of(source.get("EventSourceArn")),
            template.function_of(source["FunctionName"]),
        )
        if queue not in queues or function not in functions:
            continue
        visibility = int(
            queues[queue].get("VisibilityTimeout", DEFAULT_VISIBILITY_SECONDS)
        )
        if visibility < 6 * int(functions[function].get("Timeout", 3)):
            yield f"{queue}'s VisibilityTimeout must be at least six times the Timeout of {function}"
        if "ReportBatchItemFailures" not in source.get("FunctionResponseTypes", []):
            yield f"{name} needs `FunctionResponseTypes: [ReportBatchItemFailures]`"
        if not source.get("ScalingConfig", {}).get("MaximumConcurrency"):
            yield f"{name} needs `ScalingConfig: {{ MaximumConcurrency: … }}`"
        if functions[function].get("DeadLetterConfig"):
            yield f"{function} has a dead-letter queue of its own: {queue}'s is the one that keeps what failed"


def the_environment_has_no_secret(template: Template) -> Iterator[str]:
    hidden = {
        name
        for name, parameter in template.parameters.items()
        if parameter.get("NoEcho")
    }
    for name, properties in template.functions().items():
        for variable, value in properties["Environment"]["Variables"].items():
            if target_of(value) in hidden or any(
                f"${{{parameter}}}" in json.dumps(value) for parameter in hidden
            ):
                yield f"{name} gets a hidden parameter in {variable}: put it into a secret and pass the secret's ARN"
            if isinstance(value, str) and SECRET_LIKE.search(value):
                yield f"{name}'s {variable} looks like a secret: put it into a secret and pass the secret's ARN"
    for name, parameter in template.parameters.items():
        if SECRET_LIKE.search(str(parameter.get("Default", ""))):
            yield f"the default of {name} looks like a secret: take it out"
    for name, output in template.source.get("Outputs", {}).items():
        if target_of(output["Value"]) in hidden:
            yield f"the output {name} shows a hidden parameter: take it out"


def the_environment_is_what_config_reads(template: Template) -> Iterator[str]:
    reads = re.findall(
        r'(?:reader|self)\s*\.(?:optional|parsed|seconds|secret|url)\(\s*"([A-Z_]+)"',
        CONFIG.read_text(),
    )
    always = {*reads, "ALLOWED_ORIGINS", "LIMITS", "LOG_LEVEL", "PROVIDERS"}
    folders = {name: folder for folder, name in template.by_folder.items()}
    for name, properties in template.functions().items():
        some = {one for one, of in OF_SOME.items() if folders[name] in of}
        wanted = always - set(OF_SOME) | some
        given = set(properties["Environment"]["Variables"]) - FOREIGN_VARIABLES
        if given != wanted:
            odd = ", ".join(sorted(given ^ wanted))
            yield f"{name} and shared/src/config.rs disagree about {odd}: set what is read, and nothing else"
        if not FOREIGN_VARIABLES <= set(properties["Environment"]["Variables"]):
            yield f"{name} needs {', '.join(FOREIGN_VARIABLES)}, or it finds no route"


def the_gateway_answers_as_we_do(template: Template) -> Iterator[str]:
    constants = re.search(
        r"const SECURITY_HEADERS.*?\];", LAYERS.read_text(), re.DOTALL
    )
    pairs = re.findall(
        r'\(\s*([A-Z_]+),\s*HeaderValue::from_static\("([^"]*)"\)',
        constants[0] if constants else "",
    )
    wanted = {name.replace("_", "-").lower(): f"'{value}'" for name, value in pairs}
    wanted["content-type"] = "'application/problem+json'"
    wanted["vary"] = "'Origin'"
    responses = template.body["x-amazon-apigateway-gateway-responses"]
    for needed in {
        "DEFAULT_4XX",
        "DEFAULT_5XX",
        "MISSING_AUTHENTICATION_TOKEN",
        "THROTTLED",
    } - set(responses):
        yield f"GatewayResponses lacks {needed}"
    for name, response in responses.items():
        headers = {
            key.split(".")[-1].lower(): value
            for key, value in response["responseParameters"].items()
        }
        allowed = headers.get("access-control-allow-origin", {})
        if allowed != ONE_ORIGIN:
            yield f"the gateway response {name} may name the one origin that is listed, and no other"
        if wrong := [
            header for header, value in wanted.items() if headers.get(header) != value
        ]:
            yield f"the gateway response {name} must have the headers of shared/src/http/layers.rs: see {', '.join(wrong)}"
        try:
            problem = json.loads(response["responseTemplates"]["application/json"])
        except (KeyError, ValueError):
            yield f"the gateway response {name} needs a template application/json that is JSON"
            continue
        if (
            set(problem) != PROBLEM_MEMBERS
            or str(problem["status"]) != response["statusCode"]
        ):
            yield f"the gateway response {name} must have the members {', '.join(sorted(PROBLEM_MEMBERS))} and its own status"
        if problem.get("request_id") != "$context.requestId":
            yield f"the gateway response {name} must have $context.requestId as its request_id"


def logs_end(template: Template) -> Iterator[str]:
    groups = template.of_type("AWS::Logs::LogGroup")
    owners: dict[str | None, str] = {}
    for name, properties in template.functions().items():
        group = target_of(properties.get("LoggingConfig", {}).get("LogGroup"))
        if group not in groups or group in owners:
            yield f"{name} needs a log group of its own in LoggingConfig"
        owners[group] = name
    for name, properties in groups.items():
        if not properties.get("RetentionInDays"):
            yield f"{name} keeps logs for ever: set RetentionInDays"


def data_outlives_the_stack(template: Template) -> Iterator[str]:
    for name in sorted(KEPT_FOR_EVER):
        resource = template.resources[name]
        if {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")} != {
            "Retain"
        }:
            yield f"{name} needs `DeletionPolicy: Retain` and `UpdateReplacePolicy: Retain`"


def builds_are_not_cached(_: Template) -> Iterator[str]:
    settings = tomlkit.parse((REPOSITORY / "samconfig.toml").read_text())
    for environment, commands in settings.items():
        for command, table in commands.items() if isinstance(commands, dict) else ():
            if table.get("parameters", {}).get("cached"):
                yield f"samconfig.toml, {environment}.{command}: take `cached` out, it would keep old shared code"


CHECKS: list[tuple[str, Check]] = [
    ("what the function for chat answers is streamed", chat_streams),
    ("nothing else is", others_do_not_stream),
    ("a turn ends before its function does", a_turn_ends_before_its_function),
    (
        "a run in the background ends before its worker does",
        a_run_in_the_background_ends_before_its_worker,
    ),
    ("no function outlives the patience of API Gateway", nothing_outlives_api_gateway),
    ("each function has its own role", each_function_has_its_own_role),
    ("no role allows everything or on everything", nobody_may_do_everything),
    ("only the rotation writes secrets", only_the_rotation_writes_secrets),
    ("mails come from the sender", mails_come_from_the_sender),
    ("keys rotate", keys_rotate),
    (
        "nobody reaches the whole table, or changes an audit trail",
        nobody_reaches_the_whole_table,
    ),
    ("what is told to a trail stays", trails_stay),
    ("queues lose nothing", queues_lose_nothing),
    ("queues are watched", queues_are_watched),
    ("consumers of queues have time", consumers_have_time),
    (
        "no secret is in an environment, a default or an output",
        the_environment_has_no_secret,
    ),
    ("functions get the settings that they read", the_environment_is_what_config_reads),
    ("API Gateway's own errors look like ours", the_gateway_answers_as_we_do),
    ("logs are kept for a while and not for ever", logs_end),
    ("data outlives the stack", data_outlives_the_stack),
    ("builds are not cached", builds_are_not_cached),
]


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY / "template.yaml"
    template = Template(path)
    failed = False
    instances = INSTANCES if path.name == MADE.name else []
    for name, check in [*CHECKS, *ALARMS, *OPERATIONS, *instances]:
        faults = list(check(template))
        failed = failed or bool(faults)
        print(f"{'WRONG' if faults else 'ok   '} {name}")
        for fault in faults:
            print(f"      {fault}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
