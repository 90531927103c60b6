"""What CloudFormation makes of the transformed template with certain parameters: which resources, with which values.

It knows the functions that the template uses in conditions and rules, and refuses others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from transformed import Properties, Template

NO_VALUE = {"Ref": "AWS::NoValue"}
NAMES = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")

# Parameters in all the ways in which conditions tell them apart, beside the defaults. A check sees to it that each
# condition is met by some of them and not by others.
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/a"
DOMAIN = {"DomainName": "api.your-domain.com", "CertificateArn": CERTIFICATE}
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a-b"
VARIANTS: dict[str, dict[str, str]] = {
    "the defaults": {},
    "a firewall": {"Firewall": "on"},
    "a domain": DOMAIN,
    "a domain with its record": DOMAIN | {"HostedZoneId": "Z1"},
    "a domain and nothing beside it": DOMAIN | {"DefaultEndpoint": "off"},
    "a key": {"KmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/a"},
    "a canary": {"DeploymentType": "Canary10Percent5Minutes"},
    "alarms that somebody hears": {
        "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms"
    },
    "no dashboard": {"Dashboard": "off"},
    "access logs": {"AccessLogs": "on"},
    "Bedrock": {"BedrockModelArns": "arn:aws:bedrock:eu-central-1::foundation-model/a"},
    "S3 Vectors": {"VectorBucketName": "vectors"},
    "a Redis with a password": {"ResponseCacheSecretArn": SECRET},
    "a Qdrant with a key": {"QdrantKeySecretArn": SECRET},
    "one origin": {"AllowedOrigins": "https://app.your-domain.com"},
    "two origins": {
        "AllowedOrigins": "https://app.your-domain.com,https://b.your-domain.com"
    },
}
VARIANTS["everything"] = {
    name: value
    for variant in VARIANTS.values()
    for name, value in variant.items()
    if name != "Dashboard"
}
# What a rule must refuse before anything is made.
REFUSED: dict[str, dict[str, str]] = {
    "a domain without a certificate": {"DomainName": "api.your-domain.com"},
    "a record of no domain": {"HostedZoneId": "Z1"},
    "no address at all": {"DefaultEndpoint": "off"},
}


class Variant:
    """The template with certain parameters, and its defaults for the others."""

    def __init__(self, template: Template, parameters: dict[str, str]) -> None:
        self._values = {
            name: str(parameter.get("Default", "given"))
            for name, parameter in template.parameters.items()
        } | parameters
        self._conditions: Properties = template.source.get("Conditions", {})
        self._rules: Properties = template.source.get("Rules", {})
        self._parameters = template.parameters
        self.outputs = {
            name: self._resolved(output)
            for name, output in template.source.get("Outputs", {}).items()
            if self.has(output)
        }
        self.resources: dict[str, Properties] = {
            name: self._resolved(resource)
            for name, resource in template.resources.items()
            if self.has(resource)
        }

    def has(self, item: Properties) -> bool:
        return "Condition" not in item or self.holds(item["Condition"])

    def holds(self, condition: str) -> bool:
        return bool(self._value(self._conditions[condition]))

    def conditions(self) -> dict[str, bool]:
        return {name: self.holds(name) for name in self._conditions}

    def refusals(self) -> list[str]:
        """What the rules and the parameters' own patterns say against it."""
        against = [
            assertion["AssertDescription"]
            for rule in self._rules.values()
            if self._value(rule.get("RuleCondition", {"Fn::Equals": ["", ""]}))
            for assertion in rule["Assertions"]
            if not self._value(assertion["Assert"])
        ]
        for name, value in self._values.items():
            parameter = self._parameters[name]
            pattern = parameter.get("AllowedPattern")
            fits = (
                "Default" not in parameter
                or not pattern
                or re.fullmatch(pattern, value)
            )
            allowed = [
                str(choice) for choice in parameter.get("AllowedValues", [value])
            ]
            if not fits or value not in allowed:
                against.append(f"{name} can't be {value!r}")
        return against

    def dangling(self) -> Iterator[str]:
        """What refers to a resource that is not made."""
        known = self.resources.keys() | self._parameters.keys()
        for name, item in (
            self.resources
            | {f"output {key}": value for key, value in self.outputs.items()}
        ).items():
            for target in references(item):
                if target not in known:
                    yield f"{name} refers to {target}, which is not there"

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            resolved = [self._resolved(item) for item in value]
            return [item for item in resolved if item != NO_VALUE]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Fn::If"}:
            condition, one, other = value["Fn::If"]
            return self._resolved(one if self.holds(condition) else other)
        resolved = {key: self._resolved(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item != NO_VALUE}

    def _value(self, expression: Any) -> Any:
        """What a condition or a part of it comes to."""
        if not isinstance(expression, dict):
            return expression
        ((function, argument),) = expression.items()
        if function == "Ref":
            return self._values[argument]
        if function == "Condition":
            return self.holds(argument)
        if function == "Fn::Equals":
            one, other = map(self._value, argument)
            return str(one) == str(other)
        if function == "Fn::Not":
            return not self._value(argument[0])
        if function == "Fn::And":
            return all(map(self._value, argument))
        if function == "Fn::Or":
            return any(map(self._value, argument))
        if function == "Fn::Join":
            # The one list that is joined is a parameter, whose parts are the text itself.
            return self._value(argument[1])
        if function == "Fn::Split":
            return self._value(argument[1]).split(argument[0])
        if function == "Fn::Select":
            return self._value(argument[1])[int(argument[0])]
        raise ValueError(f"{function} in a condition: teach it to template_variants.py")


def references(value: Any) -> Iterator[str]:
    """The logical ids that something refers to, pseudo parameters left out."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == "Ref" and not item.startswith("AWS::"):
            yield item
        elif key == "Fn::GetAtt":
            yield (item if isinstance(item, list) else item.split("."))[0]
        elif key == "DependsOn":
            yield from item if isinstance(item, list) else [item]
        elif key == "Fn::Sub":
            text, given = item if isinstance(item, list) else (item, {})
            yield from (name for name in NAMES.findall(text) if name not in given)
            yield from references(given)
        else:
            yield from references(item)
