# Resources of AWS Backup that MiniStack does not know: they are kept as they come, so that a stack with them is made, changed and deleted.
# Nothing acts on them: no job is started by a selection, and nothing is restored for a test.
from ministack.services.cloudformation import provisioners


def record(name_of, attributes_of):
    """Handlers of a type whose resources are called as `name_of` says, and have the attributes that `attributes_of` gives."""

    def create(logical_id, props, stack_name):
        name = name_of(logical_id, props)
        return name, attributes_of(name, props)

    def update(physical_id, old_props, new_props, stack_name):
        return physical_id, attributes_of(physical_id, new_props)

    def delete(physical_id, props):
        """There is nothing to take away."""

    return {"create": create, "update": update, "delete": delete}


def plan_arn(name, props):
    return {
        "RestoreTestingPlanName": name,
        "RestoreTestingPlanArn": f"arn:aws:backup:us-east-1:000000000000:restore-testing-plan:{name}-local",
    }


provisioners._RESOURCE_HANDLERS.update(
    {
        "AWS::Backup::BackupSelection": record(
            lambda logical_id, props: f"{props['BackupPlanId']}|{logical_id}",
            lambda name, props: {
                "Id": name,
                "SelectionId": name.split("|")[1],
                "BackupPlanId": props["BackupPlanId"],
            },
        ),
        "AWS::Backup::RestoreTestingPlan": record(
            lambda logical_id, props: props["RestoreTestingPlanName"], plan_arn
        ),
        "AWS::Backup::RestoreTestingSelection": record(
            lambda logical_id, props: props["RestoreTestingSelectionName"],
            lambda name, props: {"RestoreTestingSelectionName": name},
        ),
    }
)
