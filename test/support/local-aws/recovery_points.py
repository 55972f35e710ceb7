# AWS Backup where MiniStack 1.5.33 does less than AWS: the recovery points that jobs have made are listed, an order with the token of
# an earlier one is that job, and the end of a job is an event on the default bus. Nothing is really copied, and nothing restored.
import json
import time
from uuid import uuid4

from ministack.core.responses import get_account_id, get_region
from ministack.services import backup, eventbridge

start_job = backup._start_job

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
    detail = {
        "backupJobId": job["BackupJobId"],
        "backupVaultArn": job["BackupVaultArn"],
        "backupVaultName": job["BackupVaultName"],
        "resourceArn": job["ResourceArn"],
        "resourceType": job["ResourceType"],
        "state": job["State"],
    }
    eventbridge._dispatch_event(
        {
            "EventId": str(uuid4()),
            "Source": "aws.backup",
            "DetailType": "Backup Job State Change",
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": int(time.time()),
            "Resources": [job["RecoveryPointArn"]],
            "Account": get_account_id(),
            "Region": get_region(),
        }
    )


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
