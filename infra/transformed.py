"""template.yaml as AWS gets it: transformed as `sam deploy` would. Runs in the SAM CLI's virtual environment."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

# The translator speaks of switches that only AWS has.
logging.disable(logging.WARNING)

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

REPOSITORY = Path(__file__).resolve().parent.parent

Properties = dict[str, Any]
# Yields what is wrong and what to do about it.
Check = Callable[["Template"], Iterator[str]]


class Template:
    """The template as CloudFormation gets it."""

    def __init__(self, path: Path, code: dict[str, str] | None = None) -> None:
        """`code` has where `sam deploy` has put what `CodeUri` names; if left out that makes no difference."""
        self.source = yaml_parse(path.read_text())
        self.parameters: dict[str, Properties] = self.source.get("Parameters", {})
        # The logical id of each function, by the folder of its code in functions/.
        self.by_folder: dict[str, str] = {}
        for name, resource in self.source["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                properties = resource["Properties"]
                self.by_folder[properties["CodeUri"].split("/")[-1]] = name
                properties["CodeUri"] = (
                    code[properties["CodeUri"]] if code else "s3://bucket/key"
                )
        self.document: Properties = transform(self.source, {}, _ManagedPolicies())
        self.resources: dict[str, Any] = self.document["Resources"]
        self.body: Properties = self.of_type("AWS::ApiGateway::RestApi")["Api"]["Body"]

    def of_type(self, kind: str) -> dict[str, Properties]:
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def functions(self) -> dict[str, Properties]:
        return self.of_type("AWS::Lambda::Function")

    def function_of(self, reference: Any) -> str | None:
        """The function that a `!Ref` names, by itself or by an alias of it."""
        name = target_of(reference)
        alias = self.of_type("AWS::Lambda::Alias").get(name or "")
        return target_of(alias["FunctionName"]) if alias else name

    def called(self, integration: Properties) -> str | None:
        """The function that an integration calls."""
        name = re.search(r"functions/\$\{(\w+)(?:\.Arn)?\}", uri_of(integration))
        return self.function_of({"Ref": name[1]}) if name else None

    def integrations(self) -> Iterator[tuple[str, str, Properties]]:
        """Path, method and integration of every route."""
        for path, methods in self.body["paths"].items():
            for method, operation in methods.items():
                yield path, method, operation["x-amazon-apigateway-integration"]


class _ManagedPolicies:
    def load(self) -> dict[str, str]:
        names = ["AWSXrayWriteOnlyAccess", "service-role/AWSLambdaBasicExecutionRole"]
        return {
            name.split("/")[-1]: f"arn:aws:iam::aws:policy/{name}" for name in names
        }


def uri_of(integration: Properties) -> str:
    return str(integration["uri"].get("Fn::Sub", integration["uri"]))


def target_of(reference: Any) -> str | None:
    """The logical id that a `!Ref` or `!GetAtt` names."""
    if not isinstance(reference, dict):
        return None
    attribute = reference.get("Fn::GetAtt")
    return reference.get("Ref") or (attribute[0] if attribute else None)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
