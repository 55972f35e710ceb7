# Starts MiniStack with what AWS does and MiniStack 1.5.33 does not, where the stack depends on it:
# - the Scheduler fills in <aws.scheduler.…> in the input of a target, and begins with a rate at once;
# - an alarm looks at the metric with its own dimensions alone, every few seconds, and knows breaching for want of data;
# - a change of an alarm's state is an event on the default bus;
# - an event that reaches a function is tried again, and goes to the function's dead-letter queue in the end;
# - each run of a function is counted in its metrics, however it was started, and so are the messages in queues;
# - an alarm over an expression can be made, though nobody calculates it;
# - a bucket of a stack has the Object Lock that its template says;
# - the CRC-32 of a whole object is compared at the end of its upload, not taken for one of the parts' checksums;
# - a version has tags though a delete marker hides it;
# - a range of a version is that range, not the whole object;
# - the loopback counts as TLS, which policies demand.
# The clock of a test may leap (libfaketime): then a sleep must not ask the clock, alarms wait for what would have been measured meanwhile,
# and what was due within the leap is left out; the Scheduler looks every second, so that a test need not wait for it.
# It ends with whoever started it: when its standard input is closed, it and the functions that it runs are killed.
import base64
import json
import os
import re
import select
import signal
import sys
import threading
import time
import zlib
from datetime import datetime, timedelta, timezone
from uuid import uuid4

sys.path.append(os.path.dirname(__file__))
time.sleep = lambda seconds: select.select([], [], [], seconds)

from ministack import app
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch, eventbridge, lambda_svc, s3, scheduler, sqs
from ministack.services.cloudformation import provisioners

import backup  # Of this folder; it takes in more types of resources.
import conditions  # Of this folder; it alters how requests are judged.
import formation  # Of this folder; it alters how stacks are made.
import recovery_points  # Of this folder; it alters what AWS Backup does.

# A new alarm without data is left alone for as long as CloudWatch needs to look at it first.
FIRST_LOOK_SECONDS = 60
# After a leap of the clock: more than the Scheduler needs to start what is due, and that to publish, on a busy machine.
AFTER_LEAP_SECONDS = 120
# Whatever has been due for longer when the Scheduler looks was leapt over.
LATE_SECONDS = 120
scheduler._SCHEDULE_TICK_INTERVAL = 1
leap = {"offset": time.time() - time.monotonic(), "quiet_until": 0.0}

invoke_target = eventbridge._invoke_target
tick_schedules = scheduler._tick_schedules
dispatch_alarm_actions = cloudwatch._dispatch_alarm_actions
apply_configurations = provisioners._s3_apply_configurations
get_whole_object = s3._get_object
complete_plain_upload = s3._complete_multipart_upload
function_handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
create_plain_function = function_handlers["create"]
alarm_record = provisioners._cw_metric_alarm_record
pin_origin = app.pin_request_origin
execute_plain_function = lambda_svc._execute_function_dispatch
emit_metrics = lambda_svc._emit_lambda_metrics


def due_minute(rule, event):
    """The minute for which a schedule is started: a cron's own one, however late it is."""
    fields = eventbridge._parse_cron_fields(rule.get("ScheduleExpression", ""))
    looked_at = datetime.fromtimestamp(event["Time"], tz=timezone.utc)
    if fields is None:
        return looked_at.replace(second=0, microsecond=0)
    return eventbridge._cron_next_fire(fields, looked_at - timedelta(seconds=LATE_SECONDS))


def invoke_target_of_schedule(target, event, rule, view=None):
    if event.get("Source") == "aws.scheduler" and "Input" in target:
        attributes = {
            "scheduled-time": due_minute(rule, event).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "schedule-arn": rule.get("Arn", ""),
            "execution-id": event["EventId"],
            "attempt-number": "1",
        }
        text = target["Input"]
        for name, value in attributes.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        target = {**target, "Input": text}
    return invoke_target(target, event, rule, view)


def tick_schedules_with_rates():
    fired = scheduler._schedule_last_fired
    looked_at = time.time()
    for key, schedule in list(scheduler._schedules._data.items()):
        if eventbridge._parse_rate_seconds(schedule["ScheduleExpression"]) is not None:
            fired.setdefault(key, 0)
        elif key in fired:
            fired[key] = max(fired[key], looked_at - LATE_SECONDS)
    tick_schedules()
    # Tests wait for this line to know that what was due has been started.
    print("schedules started until", int(looked_at * 1000), flush=True)


def dispatch_to_function(arn, payload):
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if function is None or config is None:
        return
    record = lambda_svc._execution_record_for_config(function, config)
    lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def execute_function(function, config, event, request_id, started):
    begin = time.monotonic()
    result = execute_plain_function(function, config, event, request_id, started)
    milliseconds = (time.monotonic() - begin) * 1000
    emit_metrics(config["FunctionName"], milliseconds, bool(result.get("error")), False)
    return result


def emit_throttles(name, duration_ms, error, throttle):
    if throttle:
        emit_metrics(name, duration_ms, error, throttle)


def points_of(alarm, seconds):
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    begin = time.time() - seconds
    return [point for point in cloudwatch._metrics.get(key) or [] if point["Timestamp"] >= begin]


COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


def state_without_data(alarm):
    if time.monotonic() < leap["quiet_until"]:
        return alarm["StateValue"]
    age = time.time() - alarm["AlarmConfigurationUpdatedTimestamp"]
    if age < FIRST_LOOK_SECONDS:
        return alarm["StateValue"]
    return {"breaching": "ALARM", "notBreaching": "OK", "ignore": alarm["StateValue"]}.get(
        alarm.get("TreatMissingData"), "INSUFFICIENT_DATA"
    )


def evaluate_alarm(alarm):
    notice_leap()
    points = points_of(alarm, alarm.get("Period", 60) * alarm.get("EvaluationPeriods", 1))
    if points:
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
        value = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
        operator, threshold = alarm["ComparisonOperator"], alarm["Threshold"]
        state = "ALARM" if COMPARISONS[operator](value, threshold) else "OK"
        reason = f"Threshold Crossed: {statistic} {value} {operator} {threshold}"
    else:
        state = state_without_data(alarm)
        reason = "Threshold Crossed: no datapoints were received"
    before = alarm["StateValue"]
    if state == before:
        return
    alarm["StateValue"] = state
    alarm["StateReason"] = reason
    alarm["StateUpdatedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)


def dispatch_alarm_actions_and_event(alarm, before, state, reason):
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    statistic = {
        "id": str(uuid4()),
        "metricStat": {
            "metric": {
                "namespace": alarm.get("Namespace"),
                "name": alarm.get("MetricName"),
                "dimensions": {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []},
            },
            "period": alarm.get("Period", 60),
            "stat": alarm.get("Statistic", "Average"),
        },
        "returnData": True,
    }
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": {"value": state, "reason": reason, "timestamp": now},
        "previousState": {"value": before, "timestamp": now},
        "configuration": {
            "description": alarm.get("AlarmDescription", ""),
            "metrics": [statistic],
        },
    }
    eventbridge._dispatch_event(
        {
            "EventId": str(uuid4()),
            "Source": "aws.cloudwatch",
            "DetailType": "CloudWatch Alarm State Change",
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": int(time.time()),
            "Resources": [alarm["AlarmArn"]],
            "Account": alarm["AlarmArn"].split(":")[4],
            "Region": alarm["AlarmArn"].split(":")[3],
        }
    )
    dispatch_alarm_actions(alarm, before, state, reason)


def count_messages():
    for queue in sqs._queues.values():
        sqs._refresh_counts(queue)
        cloudwatch.record_metric(
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            float(queue["attributes"]["ApproximateNumberOfMessages"]),
            "Count",
            {"QueueName": queue["name"]},
        )


def notice_leap():
    offset = time.time() - time.monotonic()
    if offset - leap["offset"] > 60:
        leap.update(offset=offset, quiet_until=time.monotonic() + AFTER_LEAP_SECONDS)


def watch_alarms():
    while True:
        time.sleep(1)
        notice_leap()
        for account, region in {key[:2] for key in list(cloudwatch._alarms._data)}:
            set_request_account_id(account)
            set_request_region(region)
            count_messages()
            cloudwatch._evaluate_all_alarms()


def apply_with_lock(name, props, old_props=None):
    apply_configurations(name, props, old_props)
    if props.get("ObjectLockEnabled") in (True, "true"):
        rule = props.get("ObjectLockConfiguration", {}).get("Rule", {})
        s3._bucket_object_lock[name] = {
            "enabled": True,
            "default_retention": rule.get("DefaultRetention"),
        }


def get_object(bucket, key, headers, query=None):
    status, answer, body = get_whole_object(bucket, key, headers, query)
    if status != 200 or "versionId" not in (query or {}) or not headers.get("range"):
        return status, answer, body
    wanted = s3._parse_range(headers["range"], len(body))
    if wanted is None:
        return s3._error("InvalidRange", "The requested range is not satisfiable", 416)
    begin, end = wanted
    answer = {name: value for name, value in answer.items() if not name.startswith("x-amz-checksum")}
    answer["Content-Range"] = f"bytes {begin}-{end}/{len(body)}"
    answer["Content-Length"] = str(end - begin + 1)
    return 206, answer, body[begin : end + 1]


def complete_upload(bucket, key, body, query, headers=None):
    headers = dict(headers or {})
    upload = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
    if upload is not None and headers.get("x-amz-checksum-type") == "FULL_OBJECT":
        given = headers.pop("x-amz-checksum-crc32", None)
        crc = 0
        for number in sorted(int(one) for one in re.findall(rb"<PartNumber>(\d+)<", body)):
            crc = zlib.crc32(upload["parts"].get(number, {}).get("body", b""), crc)
        if given and given != base64.b64encode(crc.to_bytes(4, "big")).decode():
            return s3._error("BadDigest", "The CRC32 you specified did not match the calculated checksum.", 400)
        upload["checksum_algorithm"] = None
    return complete_plain_upload(bucket, key, body, query, headers)


def tagging_of_any_version(plain):
    def tagging(bucket, key, *rest):
        objects = s3._buckets.get(bucket, {}).get("objects", {})
        if key in objects or "versionId" not in (rest[-1] or {}):
            return plain(bucket, key, *rest)
        # It asks for the current object first, and then looks at the version.
        objects[key] = {}
        try:
            return plain(bucket, key, *rest)
        finally:
            del objects[key]

    return tagging


def create_function(logical_id, props, stack_name):
    name, attributes = create_plain_function(logical_id, props, stack_name)
    letters = props.get("DeadLetterConfig")
    if letters:
        lambda_svc._functions[name]["config"]["DeadLetterConfig"] = letters
    return name, attributes


def alarm_over_expression(name, props):
    if not props.get("Metrics"):
        return alarm_record(name, props)
    # It is there and has no data: expressions are not calculated here.
    return alarm_record(name, {**props, "Metrics": None, "MetricName": "expression", "Namespace": "expression"})


def pin_request_origin(address, _):
    pin_origin(address, True)


def end_with_parent():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


eventbridge._invoke_target = invoke_target_of_schedule
eventbridge._dispatch_to_lambda = dispatch_to_function
scheduler._tick_schedules = tick_schedules_with_rates
cloudwatch._evaluate_alarm = evaluate_alarm
cloudwatch._dispatch_alarm_actions = dispatch_alarm_actions_and_event
provisioners._s3_apply_configurations = apply_with_lock
function_handlers["create"] = create_function
provisioners._cw_metric_alarm_record = alarm_over_expression
s3._get_object = get_object
s3._complete_multipart_upload = complete_upload
s3._get_object_tagging = tagging_of_any_version(s3._get_object_tagging)
s3._put_object_tagging = tagging_of_any_version(s3._put_object_tagging)
app.pin_request_origin = pin_request_origin
lambda_svc._execute_function_dispatch = execute_function
lambda_svc._emit_lambda_metrics = emit_throttles
threading.Thread(target=watch_alarms, daemon=True).start()
threading.Thread(target=end_with_parent, daemon=True).start()
app.main()
