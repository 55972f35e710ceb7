# What CloudFormation does and MiniStack does not, where a first deployment fails: the resource that a test names cannot be made, a stack
# within a stack takes away what it has made when it fails, and a bucket that is not empty cannot be deleted.
import os

from ministack.services import s3
from ministack.services.cloudformation import _stacks, provisioners, stacks

provision = provisioners._provision_resource
nested = provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"]
create_nested = nested["create"]
delete_nested = nested["delete"]
bucket_handlers = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
delete_bucket = bucket_handlers["delete"]


def wanted_to_fail():
    """The logical id in the file that the test writes; empty when nothing is to fail."""
    path = os.environ.get("HOLDFAST_FAILS")
    if not path or not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def provision_or_fail(resource_type, logical_id, *rest):
    if logical_id == wanted_to_fail():
        raise ValueError("Resource handler returned message: the test wants this to fail")
    return provision(resource_type, logical_id, *rest)


def create_or_take_back(logical_id, props, stack_name):
    before = set(_stacks)
    try:
        return create_nested(logical_id, props, stack_name)
    except Exception:
        for name in [one for one in _stacks if one not in before]:
            delete_nested(name, {})
        raise


def delete_empty_bucket(name, props):
    if s3._buckets.get(name, {}).get("objects") or s3._bucket_has_versions(name):
        raise ValueError(f"The bucket you tried to delete is not empty: {name}")
    delete_bucket(name, props)


provisioners._provision_resource = provision_or_fail
stacks._provision_resource = provision_or_fail
nested["create"] = create_or_take_back
bucket_handlers["delete"] = delete_empty_bucket
