# AWS Backup where MiniStack 1.5.33 does less than AWS: the recovery points that jobs have made are listed, an order with the token of
# an earlier one is that job, and the end of a job is an event on the default bus. Nothing is really copied, and nothing restored: a
# restore job says that what its metadata name was restored, and the test has made that. What is said of its validation is kept.
import json
import time
from urllib.parse import unquote
from uuid import uuid4

from ministack.core.responses import get_account_id, get_region
from ministack.services import backup, eventbridge

start_job = backup._start_job
handle_request = backup.handle_request
restore_jobs = {}

# As AWS Backup calls the kinds, by the service in their ARNs.
TYPES = {
    "dynamodb": "DynamoDB",
    "s3": "S3",
    "elasticfilesystem": "EFS",
    "ec2": "EBS",
    "rds": "RDS",
}


def type_of(resource):
    return TYPES.get((resource.split(":") + [""] * 3)[2], "")


def start_job_once(body):
    token = body.get("IdempotencyToken")
    for job in list(backup._jobs.values()):
        if token and job.get("IdempotencyToken") == token:
            return backup._ok({"BackupJobId": job["BackupJobId"], "RecoveryPointArn": job["RecoveryPointArn"]})
    answer = start_job(body)
    if answer[0] == 200:
        job = backup._jobs[json.loads(answer[2])["BackupJobId"]]
        job["ResourceType"] = type_of(job["ResourceArn"])
        job["Lifecycle"] = body.get("Lifecycle", {})
        tell(job)
    return answer


def tell(job):
    tell_of(
        "Backup Job State Change",
        job["RecoveryPointArn"],
        {
            "backupJobId": job["BackupJobId"],
            "backupVaultArn": job["BackupVaultArn"],
            "backupVaultName": job["BackupVaultName"],
            "resourceArn": job["ResourceArn"],
            "resourceType": job["ResourceType"],
            "state": job["State"],
        },
    )


def tell_of(detail_type, resource, detail):
    eventbridge._dispatch_event(
        {
            "EventId": str(uuid4()),
            "Source": "aws.backup",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": int(time.time()),
            "Resources": [resource],
            "Account": get_account_id(),
            "Region": get_region(),
        }
    )


# What a restore is said to have made, by its metadata. The plan of a test stands there, too: AWS Backup itself would know it.
CREATED = {
    "DynamoDB": lambda said: f"arn:aws:dynamodb:{get_region()}:{get_account_id()}:table/{said['targetTableName']}",
    "S3": lambda said: f"arn:aws:s3:::{said['DestinationBucketName']}",
}
TESTING_PLAN = "restoreTestingPlanArn"


def start_restore(body):
    points = [one for one in backup._jobs.values() if one["RecoveryPointArn"] == body["RecoveryPointArn"]]
    if not points:
        return backup._not_found(f"Recovery point '{body['RecoveryPointArn']}' not found.")
    metadata, now = body["Metadata"], int(time.time())
    job = {
        "RestoreJobId": str(uuid4()).upper(),
        "RecoveryPointArn": body["RecoveryPointArn"],
        "RecoveryPointCreationDate": points[0]["CreationDate"],
        "SourceResourceArn": points[0]["ResourceArn"],
        "ResourceType": body["ResourceType"],
        "IamRoleArn": body["IamRoleArn"],
        "CreatedResourceArn": CREATED[body["ResourceType"]](metadata),
        "CreationDate": now,
        "CompletionDate": now,
        "Status": "COMPLETED",
        "PercentDone": "100.00%",
    }
    detail = {
        "restoreJobId": job["RestoreJobId"],
        "createdResourceArn": job["CreatedResourceArn"],
        "resourceType": job["ResourceType"],
        "status": job["Status"],
    }
    if TESTING_PLAN in metadata:
        job["CreatedBy"] = {"RestoreTestingPlanArn": metadata[TESTING_PLAN]}
        job["ValidationStatus"] = "VALIDATING"
        detail[TESTING_PLAN] = metadata[TESTING_PLAN]
    restore_jobs[job["RestoreJobId"]] = job
    tell_of("Restore Job State Change", job["RecoveryPointArn"], detail)
    return backup._ok({"RestoreJobId": job["RestoreJobId"]})


# What AWS records of how a recovery point can be restored.
RECORDED = {
    "DynamoDB": lambda arn: {"originalTableName": arn.split("/")[-1], "encryptionType": "Default"},
    "S3": lambda arn: {"BucketName": arn.split(":")[-1]},
}


def restore_metadata(vault, point):
    for job in backup._jobs.values():
        if job["RecoveryPointArn"] == unquote(point) and job["BackupVaultName"] == vault:
            recorded = RECORDED[job["ResourceType"]](job["ResourceArn"])
            return backup._ok({"RecoveryPointArn": job["RecoveryPointArn"], "RestoreMetadata": recorded})
    return backup._not_found(f"Recovery point '{point}' not found.")


def describe_restore(job):
    if job not in restore_jobs:
        return backup._not_found(f"Restore job '{job}' not found.")
    return backup._ok(restore_jobs[job])


async def handle_request_of_restores(method, path, headers, body, query):
    parts = path.strip("/").split("/")
    if method != "PUT" or parts[0] != "restore-jobs":
        return await handle_request(method, path, headers, body, query)
    said = json.loads(body)
    if len(parts) == 1:
        return start_restore(said)
    restore_jobs[parts[1]].update(said)
    return 204, {}, b""


def point_of(job):
    kept = job.get("Lifecycle", {}).get("DeleteAfterDays")
    until = {} if kept is None else {"DeleteAt": job["CreationDate"] + kept * 86400}
    return {
        "RecoveryPointArn": job["RecoveryPointArn"],
        "BackupVaultName": job["BackupVaultName"],
        "BackupVaultArn": job["BackupVaultArn"],
        "ResourceArn": job["ResourceArn"],
        "ResourceType": job["ResourceType"],
        "Status": "COMPLETED",
        "CreationDate": job["CreationDate"],
        "CompletionDate": job["CompletionDate"],
        "BackupSizeInBytes": job["BackupSizeInBytes"],
        "CalculatedLifecycle": until,
    }


def list_recovery_points(vault, query):
    if vault not in backup._vaults:
        return backup._not_found(f"Vault '{vault}' not found.")
    wanted = query.get("resourceArn")
    points = [
        point_of(job)
        for job in list(backup._jobs.values())
        if job["BackupVaultName"] == vault and wanted in (None, "", job["ResourceArn"])
    ]
    return backup._paginate(points, query, "RecoveryPoints")


backup._start_job = start_job_once
backup._list_recovery_points_by_vault = list_recovery_points
backup._get_recovery_point_restore_metadata = restore_metadata
backup._describe_restore_job = describe_restore
backup.handle_request = handle_request_of_restores
