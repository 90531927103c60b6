"""The template as CloudFormation gets it, without what the stand-in does not know.

Runs in the SAM CLI's virtual environment, where the translator is, and prints one JSON object: the document, which of
its resources were left out, and for which line of the table.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from transformed import Template

from deployed.left_out import left_out_as

Resources = dict[str, Any]

_METHODS = ("delete", "get", "head", "options", "patch", "post", "put")
_STREAMING = r"/response-streaming-invocations$"


def deployable(template: Path, code: dict[str, str]) -> dict[str, Any]:
    """`code` has the address of each archive, by what stands in `CodeUri`."""
    document = Template(template, code).document
    resources: Resources = document["Resources"]
    lines = {name: left_out_as(resource) for name, resource in resources.items()}
    gone = {name: line for name, line in lines.items() if line}
    for name in gone:
        del resources[name]
    for resource in resources.values():
        _forget(resource, gone)
        if resource["Type"] == "AWS::CloudWatch::Dashboard":
            _name_alarms(resource["Properties"]["DashboardBody"], gone)
    _rewrite(document)
    if named := _named(document["Resources"], set(gone)):
        raise SystemExit(
            f"what is left out is still named by others: {', '.join(sorted(named))}; say in infra/deployed/template.py "
            "what becomes of that"
        )
    # The document is transformed already.
    document.pop("Transform", None)
    return {"document": document, "left_out": gone}


def _forget(resource: dict[str, Any], gone: dict[str, str]) -> None:
    """How calls go over to new code is CodeDeploy's part, and a first deployment has no old code."""
    policy = resource.get("UpdatePolicy", {})
    if "CodeDeployLambdaAliasUpdate" in policy:
        del resource["UpdatePolicy"]
    needed = resource.get("DependsOn", [])
    needed = needed if isinstance(needed, list) else [needed]
    if kept := [name for name in needed if name not in gone]:
        resource["DependsOn"] = kept
    else:
        resource.pop("DependsOn", None)


def _rewrite(document: dict[str, Any]) -> None:
    """As `REWRITTEN` says."""
    for resource in document["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::ApiGateway::RestApi":
            for path in properties["Body"]["paths"].values():
                operation = path.pop("x-amazon-apigateway-any-method", None)
                for method in _METHODS if operation else ():
                    path.setdefault(method, operation)
                for operation in path.values():
                    uri = operation["x-amazon-apigateway-integration"]["uri"]
                    uri["Fn::Sub"] = re.sub(_STREAMING, "/invocations", uri["Fn::Sub"])
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Action"] == "ses:SendEmail":
                    statement["Resource"] = "*"
                    del statement["Condition"]
        scaling = properties.get("ScalingConfig", {})
        for name, value in scaling.items():
            if isinstance(value, dict):
                scaling[name] = int(document["Parameters"][value["Ref"]]["Default"])
    secrets = {
        name
        for name, resource in document["Resources"].items()
        if resource["Type"] == "AWS::SecretsManager::Secret"
    }
    for part in ("Resources", "Outputs"):
        document[part] = _by_id(document[part], secrets)


def _by_id(value: Any, secrets: set[str]) -> Any:
    if isinstance(value, list):
        return [_by_id(item, secrets) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("Ref") in secrets:
        return {"Fn::GetAtt": [value["Ref"], "Id"]}
    return {name: _by_id(item, secrets) for name, item in value.items()}


def _name_alarms(body: dict[str, str], gone: dict[str, str]) -> None:
    arn = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:"
    for name in gone:
        body["Fn::Sub"] = body["Fn::Sub"].replace(f"${{{name}.Arn}}", arn + name)


def _named(value: Any, names: set[str]) -> set[str]:
    """Which of the names a value refers to."""
    if isinstance(value, list):
        return set().union(*(_named(item, names) for item in value))
    if not isinstance(value, dict):
        return set()
    found = {value["Ref"]} & names if isinstance(value.get("Ref"), str) else set()
    attribute, text = value.get("Fn::GetAtt"), value.get("Fn::Sub")
    if isinstance(attribute, list):
        found |= {attribute[0]} & names
    text = text[0] if isinstance(text, list) else text
    if isinstance(text, str):
        found |= set(re.findall(r"\$\{([A-Za-z0-9]+)", text)) & names
    return found.union(*(_named(item, names) for item in value.values()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--code", type=json.loads, required=True)
    options = parser.parse_args()
    print(json.dumps(deployable(options.template, options.code), default=str))


if __name__ == "__main__":
    main()
