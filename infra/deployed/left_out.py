"""What of the template the stand-in does not have, or takes in another form only. Everything else is made there as it
is, or the deployment fails.
"""

from __future__ import annotations

from typing import Any

# A type of resource, or a type and a property with which alone it is left out, and why. One that the stand-in has come
# to know must not stand here, nor one that the template no longer has: both fail the deployment.
LEFT_OUT = {
    "AWS::CloudWatch::Alarm with Metrics": "the stand-in can't compute with metrics; alarms on one metric "
    "are made, and the dashboard shows the others as if they were",
    "AWS::CodeDeploy::Application": "the stand-in has no CodeDeploy; aliases go over to new versions at once",
    "AWS::CodeDeploy::DeploymentGroup": "as the application that it belongs to",
    "AWS::SecretsManager::RotationSchedule": "the stand-in does not call the function that rotates; infra/rotate does "
    "on the local stack",
}

# What means the same and is said in another way, and why. infra/deployed/template.py does it.
REWRITTEN = (
    "routes for any method: named for each method, because the stand-in's import of the API passes over the short form",
    "integrations that stream: with the address for invocations, because the stand-in finds no function by the other",
    "ScalingConfig of the queues' mappings: a number, because the stand-in compares the parameter as text",
    "Ref of secrets: GetAtt Id, because the stand-in gives their name where AWS gives their ARN",
    "the permission to send mails: of any sender, because the stand-in does not see of whom a mail is",
    "UpdatePolicy of aliases: without it, because it names CodeDeploy",
)

# What is driven in another way than on AWS, or not at all.
NOT_AS_ON_AWS = (
    "streams: the stand-in hands an answer on when it is whole, with its head before it, which infra/deploy-local "
    "takes off",
    "conditions of policies on the keys of rows (dynamodb:LeadingKeys): the stand-in does not know them; actions and "
    "resources are held, and tests/promises holds the keys",
    "what API Gateway answers by itself: the stand-in does not import GatewayResponses",
    "schedules, limits of API Gateway, X-Ray, alarms and dashboard: made, and not tried",
    "rotations: the function is called once for each ring, and finds nothing left to do",
)


def left_out_as(resource: dict[str, Any]) -> str | None:
    """Which line of the table is a resource's."""
    kind = resource["Type"]
    lines = [kind, *(f"{kind} with {name}" for name in resource.get("Properties", {}))]
    return next((line for line in lines if line in LEFT_OUT), None)
