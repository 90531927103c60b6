"""Checks of the template that puts turns on Lambda Managed Instances. See template_checks.py and managed_instances.py."""

from __future__ import annotations

from collections.abc import Iterator

from managed_instances import MOVED
from transformed import REPOSITORY, Check, Properties, Template, target_of

# Lambda's smallest on managed instances, and the least for each processor.
LEAST_MEGABYTES = 2048
MEGABYTES_PER_GIBIBYTE = 1024
# How a function starts that serves one request after the other.
ONE_BY_ONE = "shared::lambda::serve("


def _placed(template: Template) -> dict[str, Properties]:
    """The functions on capacity providers, with how they are there."""
    return {
        name: properties["CapacityProviderConfig"][
            "LambdaManagedInstancesCapacityProviderConfig"
        ]
        for name, properties in template.functions().items()
        if "CapacityProviderConfig" in properties
    }


def turns_are_on_instances(template: Template) -> Iterator[str]:
    placed = _placed(template)
    if placed.keys() != set(MOVED.values()):
        yield f"on instances are {', '.join(sorted(placed))}, and not {', '.join(sorted(MOVED.values()))}"
    for folder, name in template.by_folder.items():
        main = REPOSITORY / "functions" / folder / "src" / "main.rs"
        if name in placed and ONE_BY_ONE in main.read_text():
            yield f"{name} serves one request at a time and refuses to start with several: take it off"
    for old in MOVED.keys() & template.resources.keys():
        yield f"{old} can't be put on instances where it is there already: give it another name"


def instances_hold_what_they_take(template: Template) -> Iterator[str]:
    for name, place in _placed(template).items():
        memory = template.functions()[name]["MemorySize"]
        if memory < LEAST_MEGABYTES:
            yield f"{name} needs {LEAST_MEGABYTES} MB, the least on instances"
        ratio = place.get("ExecutionEnvironmentMemoryGiBPerVCpu", 0)
        if ratio * MEGABYTES_PER_GIBIBYTE != memory:
            yield f"{name} has one thread: give it the memory of one processor"
        if place.get("PerExecutionEnvironmentMaxConcurrency") != {
            "Ref": "InstanceConcurrency"
        }:
            yield f"{name} takes as many turns as Lambda likes: set PerExecutionEnvironmentMaxConcurrency"


def instances_are_bounded(template: Template) -> Iterator[str]:
    providers = template.of_type("AWS::Lambda::CapacityProvider")
    for name, provider in providers.items():
        if not provider.get("CapacityProviderScalingConfig", {}).get("MaxVCpuCount"):
            yield f"{name} needs `MaxVCpuCount`, or nothing bounds what it costs"
        if provider.get("InstanceRequirements", {}).get("Architectures") != [
            {"Ref": "Architecture"}
        ]:
            yield f"{name} needs the Architecture that the functions are built for"
    for name, place in _placed(template).items():
        if target_of(place["CapacityProviderArn"]) not in providers:
            yield f"{name} is on a capacity provider from elsewhere, with others whom it would have to trust"


CHECKS: list[tuple[str, Check]] = [
    ("turns are on managed instances, and nothing else", turns_are_on_instances),
    ("instances hold what they take", instances_hold_what_they_take),
    ("what instances cost is bounded", instances_are_bounded),
]
