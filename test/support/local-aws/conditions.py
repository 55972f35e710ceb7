# What requests carry that policies may ask for, where MiniStack does not know it: without these keys a policy would deny what AWS allows,
# or the other way round. What is refused is told in the log. A key is itself, by whatever alias it is named, and a path of parameters, a
# vault and a recovery point of AWS Backup are resources.
import json
import re
from datetime import datetime, timezone
from urllib.parse import unquote

from ministack.core import iam_actions, iam_evaluator
from ministack.services import kms

s3_service_context = iam_actions.s3_service_context
request_tag_context = iam_actions.request_tag_context
extract_resource_arn = iam_actions.extract_resource_arn
enforce = iam_evaluator.enforce
resolve_condition_key = iam_evaluator._resolve_condition_key


def context_of_object(action, query, path="", headers=None):
    context = s3_service_context(action, query, path, headers)
    if action == "s3:PutObject":
        query, headers = query or {}, headers or {}
        part = "partNumber" in query or "uploads" in query
        context["s3:ObjectCreationOperation"] = str(not part).lower()
        for header in ("if-none-match", "x-amz-server-side-encryption-aws-kms-key-id"):
            if headers.get(header):
                context[f"s3:{header}"] = headers[header]
    return context


def context_of_body(service, action, body, params):
    context = request_tag_context(service, action, body, params)
    if action == "cloudwatch:PutMetricData":
        context["cloudwatch:namespace"] = json.loads(body)["Namespace"]
    if action.startswith("kms:"):
        context["kms:ResourceAliases"] = aliases_of(body)
        request = json.loads(body)
        for name in ("SigningAlgorithm", "MessageType"):
            if name in request:
                context[f"kms:{name}"] = request[name]
    if action == "s3:PutObjectRetention":
        context.update(retention_of(body.decode()))
    return context


def key_of(body):
    """The key that a request to KMS names, by whatever name."""
    return kms._resolve_key(json.loads(body or "{}").get("KeyId", ""))


def aliases_of(body):
    key = key_of(body)
    if key is None:
        return []
    return [arn.split(":", 5)[5] for arn, target in kms._aliases.items() if target == key["KeyId"]]


def resource_of(*arguments):
    service, _, path, _, body, _, region, account = arguments[:8]
    if service == "backup":
        return resource_of_backup(path, body, f"arn:aws:backup:{region}:{account}") or extract_resource_arn(*arguments)
    key = key_of(body) if service == "kms" else None
    if key is not None:
        return key["Arn"]
    if service == "ssm" and "Path" in (request := json.loads(body or "{}")):
        return f"arn:aws:ssm:{region}:{account}:parameter/{request['Path'].lstrip('/')}"
    return extract_resource_arn(*arguments)


def resource_of_backup(path, body, prefix):
    """The recovery point, or else the vault, that a request to AWS Backup names; None for neither."""
    point = re.match("/backup-vaults/[^/]+/recovery-points/(.+)/restore-metadata$", path)
    if point is not None:
        return unquote(point.group(1))
    vault = re.match("/backup-vaults/([^/]+)", path)
    if vault is not None:
        return f"{prefix}:backup-vault:{vault.group(1)}"
    return json.loads(body or "{}").get("RecoveryPointArn")


def retention_of(xml):
    mode = re.search("<Mode>(.*?)</Mode>", xml)
    until = re.search("<RetainUntilDate>(.*?)</RetainUntilDate>", xml)
    context = {}
    if mode:
        context["s3:object-lock-mode"] = mode.group(1)
    if until:
        left = datetime.fromisoformat(until.group(1).replace("Z", "+00:00")) - datetime.now(timezone.utc)
        context["s3:object-lock-remaining-retention-days"] = str(round(left.total_seconds() / 86400))
    return context


def value_of(key, context):
    value = resolve_condition_key(key, context)
    if key.lower() != "aws:principalarn":
        return value
    # A session of a role counts as its role.
    session = re.fullmatch(r"arn:aws:sts::(\d+):assumed-role/(.*)/[^/]*", value)
    return f"arn:aws:iam::{session.group(1)}:role/{session.group(2)}" if session else value


def enforce_and_tell(access_key, action, service, region, resource_arn="*", service_context=None):
    refused = enforce(access_key, action, service, region, resource_arn, service_context)
    if refused:
        print("refused:", action, resource_arn, service_context, refused, flush=True)
    return refused


iam_evaluator.enforce = enforce_and_tell
iam_evaluator._resolve_condition_key = value_of
iam_actions.s3_service_context = context_of_object
iam_actions.request_tag_context = context_of_body
iam_actions.extract_resource_arn = resource_of
