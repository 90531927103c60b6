"""template.yaml for Lambda Managed Instances: what waits for models runs there, many turns in one process.

It is a template of its own and no parameter, for two reasons. SAM takes no condition where a function is put on a capacity
provider. And how a function is computed is decided when it is made and can't be changed after that: so both functions
have other names here, and a stack that is deployed with one template and then the other gets new ones and drops the old.
"""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
TEMPLATE = REPOSITORY / "template.yaml"
# Beside template.yaml, because paths in it are relative to it. Git ignores it.
MADE = REPOSITORY / "template.instances.yaml"

# The functions that wait for models, as they are called in template.yaml and here.
MOVED = {
    "ChatFunction": "ChatInstancesFunction",
    "RunWorkerFunction": "RunWorkerInstancesFunction",
}

HEAD = """\
# Made of template.yaml by infra/managed-instances, which says what differs. Do not edit it.
"""

PARAMETERS = """\
  InstanceSubnetIds:
    Type: List<AWS::EC2::Subnet::Id>
    Description: >-
      The subnets in which the instances run, in several zones. From there they must reach the internet, or the model
      providers, DynamoDB, Amazon S3, Amazon SQS, Secrets Manager, CloudWatch Logs and X-Ray in other ways.
  InstanceSecurityGroupIds:
    Type: List<AWS::EC2::SecurityGroup::Id>
    Description: The security groups of the instances. They need no way in, and HTTPS out.
  InstanceConcurrency:
    Type: Number
    Description: How many turns one process works on at the same time at most.
    MinValue: 2
    MaxValue: 64
    Default: 16
  InstanceMaxVCpus:
    Type: Number
    Description: How many processors all instances have together at most, which bounds what they cost.
    MinValue: 2
    MaxValue: 15000
    Default: 12
"""

PROVIDER = """\
  # With which Lambda starts and ends instances. No function has it.
  TurnInstancesOperatorRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              Service: lambda.amazonaws.com
            Action: sts:AssumeRole
      ManagedPolicyArns:
        - !Sub arn:${AWS::Partition}:iam::aws:policy/AWSLambdaManagedEC2ResourceOperator

  # Whatever runs here is trusted by everything else that does: between functions there are only containers.
  TurnInstances:
    Type: AWS::Lambda::CapacityProvider
    Properties:
      VpcConfig:
        SubnetIds: !Ref InstanceSubnetIds
        SecurityGroupIds: !Ref InstanceSecurityGroupIds
      PermissionsConfig:
        CapacityProviderOperatorRoleArn: !GetAtt TurnInstancesOperatorRole.Arn
      InstanceRequirements:
        Architectures: [!Ref Architecture]
      CapacityProviderScalingConfig:
        MaxVCpuCount: !Ref InstanceMaxVCpus
        ScalingMode: Auto

"""

# What the functions have in template.yaml.
MEMORY = "      MemorySize: 256\n"
# The smallest that there is, with one processor: the programs have one thread for all turns.
PLACE = """\
      MemorySize: 2048
      CapacityProviderConfig:
        Arn: !GetAtt TurnInstances.Arn
        PerExecutionEnvironmentMaxConcurrency: !Ref InstanceConcurrency
        ExecutionEnvironmentMemoryGiBPerVCpu: 2
"""


class Changed(Exception):
    """template.yaml is not as this module knows it. Its text says what to look at."""


def on_instances(template: str) -> str:
    """The template with its functions for turns on managed instances."""
    text = _before(template, "  ProviderApiKeys:\n", PARAMETERS)
    text = _before(
        text,
        "        Metrics=${Metrics}\n",
        "        InstanceConcurrency=${InstanceConcurrency}\n",
    )
    text = _before(text, "  ChatFunction:\n", PROVIDER)
    for function, moved in MOVED.items():
        start = _place(text, f"  {function}:\n")
        memory = text.find(MEMORY, start)
        following = re.compile(r"^  \w+:$", re.MULTILINE).search(text, start + 3)
        if memory < 0 or (following and memory > following.start()):
            raise Changed(f"{function} has no `{MEMORY.strip()}`")
        text = text[:memory] + PLACE + text[memory + len(MEMORY) :]
        text = re.sub(rf"\b{function}", moved, text)
    return HEAD + text


def _before(text: str, anchor: str, added: str) -> str:
    place = _place(text, anchor)
    return text[:place] + added + text[place:]


def _place(text: str, anchor: str) -> int:
    if text.count(f"\n{anchor}") != 1:
        raise Changed(f"{anchor.strip()!r} must stand once in template.yaml")
    return text.index(f"\n{anchor}") + 1


def write(path: Path = MADE) -> Path:
    path.write_text(on_instances(TEMPLATE.read_text()))
    return path
