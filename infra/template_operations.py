"""Checks of what a deployment chooses and how it goes over: settings, aliases, firewall, domain, key. See template_checks.py."""

from __future__ import annotations

import json
from collections.abc import Iterator

import tomlkit
from template_variants import REFUSED, VARIANTS, Variant, references
from transformed import REPOSITORY, Check, Properties, Template, listed, target_of

READY = REPOSITORY / "events" / "health" / "ready.json"

# Functions that no alias leads to, each with who calls it.
WITHOUT_ALIAS = {"KeyRotationFunction": "secretsmanager.amazonaws.com"}
# Of AWS's rules those that look into bodies. Here they only count: template.yaml says why.
BODY_RULES = {
    "AWSManagedRulesCommonRuleSet": {
        "CrossSiteScripting_BODY",
        "EC2MetaDataSSRF_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "SizeRestrictions_BODY",
    },
    "AWSManagedRulesKnownBadInputsRuleSet": {
        "JavaDeserializationRCE_BODY",
        "Log4JRCE_BODY",
        "ReactJSRCE_BODY",
    },
}
# What is encrypted with the key of the deployment, and where it stands in each.
ENCRYPTED = {
    "AWS::DynamoDB::Table",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
}


def callers_call_aliases(template: Template) -> Iterator[str]:
    """A deployment that goes over bit by bit moves nobody who calls the function itself."""
    aliases = {
        target_of(alias["FunctionName"]): name
        for name, alias in template.of_type("AWS::Lambda::Alias").items()
    }
    for function in template.functions():
        if (function in aliases) == (function in WITHOUT_ALIAS):
            yield f"{function} needs `AutoPublishAlias: live`, or a reason in WITHOUT_ALIAS"
        policy = template.resources.get(aliases.get(function, ""), {}).get(
            "UpdatePolicy"
        )
        if function in aliases and not policy:
            yield f"{function} needs the DeploymentPreference of Globals"
    for name, resource in template.resources.items():
        calls = resource["Type"] in {
            "AWS::Lambda::EventSourceMapping",
            "AWS::Lambda::Permission",
            "AWS::Events::Rule",
        }
        allowed = (
            WITHOUT_ALIAS
            if resource.get("Properties", {}).get("Principal") in WITHOUT_ALIAS.values()
            else {}
        )
        for target in references(resource.get("Properties", {})) if calls else ():
            if target in template.functions() and target not in allowed:
                yield f"{name} calls {target} itself: it must call `{target}.Alias`"
    for path, method, integration in template.integrations():
        for target in references(integration):
            if target in template.functions():
                yield f"{method} {path} calls {target} itself and not its alias"


def only_turns_call_search(template: Template) -> Iterator[str]:
    """It believes nobody, but whoever may call it may have it work."""
    search = template.by_folder["search"]
    alias = next(
        name
        for name, one in template.of_type("AWS::Lambda::Alias").items()
        if target_of(one["FunctionName"]) == search
    )
    wanted = {template.by_folder[folder] for folder in ("chat", "run-worker")}
    calling = set()
    for role, properties in template.of_type("AWS::IAM::Role").items():
        for policy in properties.get("Policies", []):
            for statement in listed(policy["PolicyDocument"]["Statement"]):
                if "lambda:InvokeFunction" not in listed(statement.get("Action", [])):
                    continue
                calling.add(role.removesuffix("Role"))
                if [target_of(one) for one in listed(statement["Resource"])] != [alias]:
                    yield f"{role} may call other functions than {alias}"
    for function in sorted(calling ^ wanted):
        yield f"{function} may call {search} if it runs turns, and only then"
    for function in sorted(wanted):
        given = template.functions()[function]["Environment"]["Variables"]
        if target_of(given.get("SEARCH_FUNCTION_NAME")) != alias:
            yield f"{function}'s SEARCH_FUNCTION_NAME must be {alias}"
    for name, permission in template.of_type("AWS::Lambda::Permission").items():
        if target_of(permission["FunctionName"]) in {search, alias}:
            yield f"{name} lets others call {search}: only roles of functions may"


def settings_reach_functions(template: Template) -> Iterator[str]:
    """A new value of a parameter publishes a version only if the parameter stands in Settings."""
    content = template.resources["Settings"]["Properties"]["Content"]
    known = set(references(content))
    for function, properties in template.functions().items():
        if function in WITHOUT_ALIAS:
            continue
        used = set(references(properties)) & template.parameters.keys()
        for parameter in sorted(used - known):
            yield f"{function} gets {parameter}: put it into Settings too, or a new value has no effect"
    for name, version in template.of_type("AWS::Lambda::Version").items():
        if "Settings" not in references(version):
            yield f"{name} needs `VersionDescription: !Sub Settings ${{Settings.VersionNumber}}`"
    for name, resource in template.source["Resources"].items():
        properties = resource["Properties"]
        if "AutoPublishAlias" in properties and not properties.get(
            "AutoPublishAliasAllProperties"
        ):
            yield f"{name} needs `AutoPublishAliasAllProperties: true`, or a change but of code has no effect"


def the_api_is_always_deployed(template: Template) -> Iterator[str]:
    """SAM does not see that a parameter in the API's body has another value."""
    for name, resource in template.source["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Api":
            if not resource["Properties"].get("AlwaysDeploy"):
                yield f"{name} needs `AlwaysDeploy: true`, or parameters in it have no effect"


def one_architecture(template: Template) -> Iterator[str]:
    found = {
        json.dumps(function.get("Architectures"))
        for function in template.functions().values()
    }
    if len(found) != 1:
        yield f"functions are built for {' and '.join(sorted(found))}: set it once, in Globals"


def floods_are_bounded(template: Template) -> Iterator[str]:
    for name, stage in template.of_type("AWS::ApiGateway::Stage").items():
        bounds = [
            setting
            for setting in stage.get("MethodSettings", [])
            if (setting["ResourcePath"], setting["HttpMethod"]) == ("/*", "*")
        ]
        if (
            not bounds
            or not {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= bounds[0].keys()
        ):
            yield f"{name} needs MethodSettings for /* with a rate and a burst"


def every_choice_works(template: Template) -> Iterator[str]:
    """Nothing refers to what is not made, whatever is chosen, and each condition makes a difference."""
    met: dict[str, set[bool]] = {}
    for name, parameters in VARIANTS.items():
        variant = Variant(template, parameters)
        for condition, holds in variant.conditions().items():
            met.setdefault(condition, set()).add(holds)
        for fault in [*variant.dangling(), *variant.refusals()]:
            yield f"with {name}: {fault}"
    for condition, outcomes in met.items():
        if len(outcomes) != 2:
            yield f"{condition} is always {outcomes.pop()} in VARIANTS of template_variants.py: add what it is for"
    for name, parameters in REFUSED.items():
        if not Variant(template, parameters).refusals():
            yield f"{name} is not refused: add a rule"


def _chosen(template: Template, name: str) -> dict[str, Properties]:
    return Variant(template, VARIANTS[name]).resources


def the_firewall_lets_bodies_through(template: Template) -> Iterator[str]:
    resources = _chosen(template, "a firewall")
    if "AWS::WAFv2::WebACL" in {
        one["Type"] for one in _chosen(template, "the defaults").values()
    }:
        yield "the firewall costs money: it must be off by default"
    seen = set()
    for rule in resources["Wall"]["Properties"]["Rules"]:
        group = rule["Statement"].get("ManagedRuleGroupStatement")
        if not group:
            continue
        seen.add(group["Name"])
        counted = {
            override["Name"]
            for override in group.get("RuleActionOverrides", [])
            if "Count" in override["ActionToUse"]
        }
        for missing in sorted(BODY_RULES.get(group["Name"], set()) - counted):
            yield f"{rule['Name']} must only count {missing}: messages and files would be refused"
        if "None" not in rule.get("OverrideAction", {}):
            yield f"{rule['Name']} only counts: it needs `OverrideAction: None`"
    for missing in sorted(BODY_RULES.keys() - seen):
        yield f"the firewall lacks {missing}"
    if not any(
        "RateBasedStatement" in rule["Statement"]
        for rule in resources["Wall"]["Properties"]["Rules"]
    ):
        yield "the firewall bounds no address: it needs a RateBasedStatement"


def the_domain_is_safe(template: Template) -> Iterator[str]:
    resources = _chosen(template, "a domain")
    if resources["Domain"]["Properties"].get("SecurityPolicy") != "TLS_1_2":
        yield "Domain needs `SecurityPolicy: TLS_1_2`"
    for name, closed in (("a domain", False), ("a domain and nothing beside it", True)):
        body = _chosen(template, name)["Api"]["Properties"]["Body"]
        if ('"disableExecuteApiEndpoint": true' in json.dumps(body)) != closed:
            yield f"with {name} the address of execute-api must be {'closed' if closed else 'open'}"


def a_key_encrypts_all(template: Template) -> Iterator[str]:
    with_key, without = _chosen(template, "a key"), _chosen(template, "the defaults")
    for name, resource in with_key.items():
        if resource["Type"] in ENCRYPTED and "KmsKeyArn" not in references(resource):
            yield f"{name} is not encrypted with KmsKeyArn"
        if (
            resource["Type"] == "AWS::SQS::Queue"
            and "SqsManagedSseEnabled" in resource["Properties"]
        ):
            yield f"{name} has two kinds of keys: leave out SqsManagedSseEnabled with KmsKeyArn"
    for name, resource in without.items():
        if "KmsKeyArn" in references(resource):
            yield f"{name} refers to a key where none is given"
    for name, queue in template.of_type("AWS::SQS::Queue").items():
        if not without[name]["Properties"].get("SqsManagedSseEnabled"):
            yield f"{name} is not encrypted where no key is given"
    users = set(references(with_key["KeyPolicy"]["Properties"]["Roles"]))
    for function, properties in template.functions().items():
        if target_of(properties["Role"]) not in users:
            yield f"{function}'s role may not use the key: add it to KeyPolicy"
    for statement in with_key["KeyPolicy"]["Properties"]["PolicyDocument"]["Statement"]:
        if "kms:ViaService" not in statement.get("Condition", {}).get(
            "StringEquals", {}
        ):
            yield "KeyPolicy must be bound to services with kms:ViaService"


def deployments_are_taken_back(template: Template) -> Iterator[str]:
    for name, watched in (("a canary", True), ("the defaults", False)):
        for group, resource in _chosen(template, name).items():
            if resource["Type"] != "AWS::CodeDeploy::DeploymentGroup":
                continue
            alarms = (
                resource["Properties"].get("AlarmConfiguration", {}).get("Alarms", [])
            )
            if bool(alarms) != watched:
                yield f"with {name} {group} must have {'alarms' if watched else 'no alarms, so that what mends their cause can go out'}"
            for alarm in alarms:
                if (
                    template.resources[target_of(alarm["Name"])]["Type"]
                    != "AWS::CloudWatch::Alarm"
                ):
                    yield f"{group} watches something that is no alarm"


def readiness_is_asked_as_by_a_client(template: Template) -> Iterator[str]:
    """The schedule sends what API Gateway would, so it must have the form of the sample that tests send."""
    targets = [
        target
        for rule in template.of_type("AWS::Events::Rule").values()
        for target in rule["Targets"]
        if "Input" in target
    ]
    if len(targets) != 1:
        yield "there must be one schedule that asks for /readyz"
    for target in targets:
        sent, sample = json.loads(target["Input"]), json.loads(READY.read_text())
        for part in ("httpMethod", "path", "resource"):
            if sent.get(part) != sample[part]:
                yield f"the schedule asks with another {part} than events/health/ready.json"
        if sent["requestContext"]["identity"].keys() != sample["requestContext"][
            "identity"
        ].keys() or (
            sent.keys() != sample.keys()
            or sent["requestContext"].keys() != sample["requestContext"].keys()
        ):
            yield "the schedule's Input must have the members of events/health/ready.json"


def environments_exist(template: Template) -> Iterator[str]:
    settings = tomlkit.parse((REPOSITORY / "samconfig.toml").read_text()).unwrap()
    stages, stacks = set(), []
    for environment, commands in settings.items():
        if not isinstance(commands, dict) or "deploy" not in commands:
            continue
        deploy = commands["deploy"]["parameters"]
        stacks.append(deploy.get("stack_name"))
        given = dict(
            entry.split("=", 1) for entry in deploy.get("parameter_overrides", [])
        )
        stages.add(given.get("StageName"))
        if environment != "default" and given.get("StageName") != environment:
            yield f"samconfig.toml, {environment}: StageName must be {environment}"
        for name, value in given.items():
            parameter = template.parameters.get(name)
            if parameter is None:
                yield f"samconfig.toml, {environment}: template.yaml has no parameter {name}"
            elif value not in map(str, parameter.get("AllowedValues", [value])):
                yield f"samconfig.toml, {environment}: {name} can't be {value}"
            elif parameter.get("NoEcho"):
                yield f"samconfig.toml, {environment}: {name} is a secret, give it on the command line"
    for stage in sorted(
        set(template.parameters["StageName"]["AllowedValues"]) - stages
    ):
        yield f"samconfig.toml has no environment for the stage {stage}"
    if len(set(stacks)) != len(stacks):
        yield "two environments of samconfig.toml are the same stack"


CHECKS: list[tuple[str, Check]] = [
    ("whoever calls a function calls its alias", callers_call_aliases),
    ("only what runs turns calls what searches", only_turns_call_search),
    ("new settings reach functions", settings_reach_functions),
    ("new settings reach the API", the_api_is_always_deployed),
    ("functions are built for one architecture", one_architecture),
    ("floods are bounded", floods_are_bounded),
    ("every choice of parameters works", every_choice_works),
    ("the firewall lets messages and files through", the_firewall_lets_bodies_through),
    ("the domain is safe", the_domain_is_safe),
    ("a key encrypts all or nothing", a_key_encrypts_all),
    ("deployments that go over bit by bit are taken back", deployments_are_taken_back),
    ("readiness is asked as a client asks", readiness_is_asked_as_by_a_client),
    ("there is an environment for each stage", environments_exist),
]
