// The shape of `notify`: who gets a message when something is wrong, and how.
import * as z from 'zod/mini';

import { ROTATION_SINCE } from '../../policy/rotation.ts';
import { WEEK_HOURS } from '../../policy/week-hours.ts';
import { duration, means, positiveDuration, reference, text, timeZone } from './values.ts';

const emailAddress = () =>
  text(/^[^\s@,;<>"]+@[^\s@,;<>".]+(\.[^\s@,;<>".]+)+$/, 'an e-mail address', 'me@example.com');

/** Names of sinks: they stand in messages and in keys of the store. */
const NAME = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/;

const url = (meaning: string, example: string) => means(reference('a URL', example), meaning);

const email = z.strictObject({
  kind: means(z.literal('email'), 'An e-mail through a mail server (SMTP).'),
  server: url(
    'Where the URL of the mail server is: `smtps://USER:PASSWORD@HOST` (port 465) or `smtp://USER:PASSWORD@HOST` (port 587), each with `:PORT` if it is another. A password is sent over TLS only.',
    'env:SMTP_URL',
  ),
  from: means(emailAddress(), 'The sender. Mail servers usually accept only addresses they know.'),
  to: means(z.array(emailAddress()).check(z.minLength(1), z.maxLength(50)), 'Who gets it.'),
});

const webhook = z.strictObject({
  kind: means(
    z.literal('webhook'),
    'A request with a signed JSON document to a server of yours. docs/alerting.md describes document and signature.',
  ),
  url: url('Where the URL is.', 'env:HOLDFAST_WEBHOOK'),
  secret: means(
    reference('a secret', 'env:HOLDFAST_WEBHOOK_SECRET'),
    'Where the secret is that signs each request (HMAC with SHA-256), so that the receiver can tell them from forged ones.',
  ),
});

const command = z.strictObject({
  kind: means(
    z.literal('command'),
    'A program of this machine. It gets the message on its standard input, and must end with 0 within 30 seconds.',
  ),
  run: means(
    z.array(text(/^[^\0]+$/, 'text', '/usr/local/bin/tell')).check(z.minLength(1), z.maxLength(50)),
    'The program and its arguments, without a shell. A relative path is relative to the file.',
  ),
});

const ntfy = z.strictObject({
  kind: means(z.literal('ntfy'), 'A push message through ntfy.'),
  url: url(
    'Where the URL of the topic is, such as https://ntfy.sh/a-name-that-nobody-guesses.',
    'env:NTFY_URL',
  ),
  token: means(
    z.optional(reference('an access token', 'env:NTFY_TOKEN')),
    'Where the access token is, for a topic that needs one.',
  ),
});

const slack = z.strictObject({
  kind: means(z.literal('slack'), 'A message in a channel of Slack.'),
  url: url('Where the URL of the incoming webhook is.', 'env:SLACK_URL'),
});

const teams = z.strictObject({
  kind: means(z.literal('teams'), 'A card in a channel of Microsoft Teams.'),
  url: url(
    'Where the URL of the workflow “Post to a channel when a webhook request is received” is.',
    'env:TEAMS_URL',
  ),
});

const pagerduty = z.strictObject({
  kind: means(z.literal('pagerduty'), 'An event for PagerDuty (Events API v2).'),
  routingKey: means(
    reference('an integration key', 'env:PAGERDUTY_KEY'),
    'Where the integration key of the service is.',
  ),
  server: means(
    z._default(z.enum(['us', 'eu']), 'us'),
    'The service region of the PagerDuty account.',
  ),
});

const sns = z.strictObject({
  kind: means(
    z.literal('sns'),
    'A message on a topic of Amazon SNS: everybody gets it who subscribes there, by e-mail or otherwise.',
  ),
  topic: means(
    z.optional(
      text(
        /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}$/,
        'the ARN of a topic that is no FIFO topic',
        'arn:aws:sns:eu-central-1:123456789012:on-call',
      ),
    ),
    'The topic. Without it, that of the stack, to which `notify.email` subscribes.',
  ),
});

const sms = z.strictObject({
  kind: means(
    z.literal('sms'),
    'A text message through Amazon SNS to the `phone` of each contact that has this sink.',
  ),
});

/** A way by which a message goes out: its `kind` decides which options it has. */
const sink = z.discriminatedUnion('kind', [
  email,
  webhook,
  command,
  ntfy,
  slack,
  teams,
  pagerduty,
  sns,
  sms,
]);

const names = (example: string) => text(NAME, 'a name that stands in this file', example);

const hours = (example: string) =>
  z
    .array(text(WEEK_HOURS, 'hours such as "Mon-Fri 08:00-18:00" or "22:00-07:00"', example))
    .check(z.minLength(1), z.maxLength(20));

const rotation = z.strictObject({
  contacts: means(
    z.array(names('on-call')).check(z.minLength(2), z.maxLength(50)),
    'Who takes turns, a week each, by the names under `contacts`; a name that stands twice takes two weeks.',
  ),
  since: means(
    text(ROTATION_SINCE, 'a day and time such as 2026-01-05T09:00', '2026-01-05T09:00'),
    'When the first one began, by the clock of `notify.timeZone`. Each week the next one follows on this day of the week, at this time.',
  ),
});

const contact = z.strictObject({
  role: means(
    text(/^[^\0\n\r]{1,100}$/, 'what this person or team does', 'On-call engineer'),
    'What this person or team does. Messages and records of the store name contacts by id and role only.',
  ),
  sinks: means(
    z._default(z.array(names('mail')).check(z.maxLength(10)), []),
    'By which sinks the contact is reached; two that fail independently are better than one.',
  ),
  rotation: means(
    z.optional(rotation),
    'In place of `sinks`: the contact stands for one of several, whose turn it is in this week.',
  ),
  email: means(
    z.optional(emailAddress()),
    'Where sinks of kind `email` reach this contact, in place of their own `to`.',
  ),
  phone: means(
    z.optional(reference('a phone number', 'env:EMERGENCY_PHONE')),
    'Where the phone number is: a reference, never the number itself. A sink of kind `sms` sends there, and one of kind `command` gets it in HOLDFAST_PHONE.',
  ),
  contract: means(
    z.optional(text(/^[^\0\n\r]{1,200}$/, 'text on one line', 'Support contract 4711')),
    'Of external help: what people need to name when they ask for it. It stands in the message.',
  ),
  hours: means(
    z.optional(hours('Mon-Fri 08:00-18:00')),
    'When the contact can be reached, such as `["Mon-Fri 08:00-18:00"]`, by the clock of `notify.timeZone`. Outside of these hours it gets no message, and where a step has nobody else, the next one follows at once. Without it, always.',
  ),
  lastVerified: means(
    z.optional(text(/^\d{4}-\d\d-\d\d$/, 'a date such as 2026-10-03', '2026-10-03')),
    'When somebody last made sure that this contact can be reached: `holdfast alert-test` sends the messages. `doctor` warns after 90 days.',
  ),
});

const step = z.strictObject({
  after: means(
    duration(),
    'How long after the incident began to escalate; later than the step before.',
  ),
  contacts: means(
    z.array(names('on-call')).check(z.minLength(1), z.maxLength(50)),
    'Who gets a message, by the names under `contacts`.',
  ),
  repeat: means(
    z.optional(positiveDuration()),
    'How often they get the message again while nobody acknowledges. Without it, they get it once.',
  ),
});

const escalation = z.strictObject({
  steps: means(
    z.array(step).check(z.minLength(1), z.maxLength(20)),
    'Who gets a message when, while nobody acknowledges. If nobody in a step could be reached, the next step follows at once.',
  ),
  resumeAfter: means(
    z.optional(positiveDuration()),
    'How long after an acknowledgement the escalation starts again if the incident is not resolved. Without it, never.',
  ),
  remindAfter: means(
    z.optional(positiveDuration()),
    'After how long without a word (`holdfast incident note`) the contacts of the first step are reminded of an acknowledged incident. Without it, never.',
  ),
});

const quietHours = z.strictObject({
  watch: means(
    z.optional(hours('20:00-08:00')),
    'For what is worth a look by day, such as a partial backup: `["20:00-08:00", "Sat-Sun 00:00-24:00"]`.',
  ),
  alarm: means(z.optional(hours('22:00-07:00')), 'For alarms. Without it, never.'),
});

/** Who gets messages. */
export const notify = z.strictObject({
  email: means(
    z._default(z.array(emailAddress()), []),
    'On AWS: who gets a message from the stack when something is wrong. Each address must confirm once, by the e-mail that AWS sends after the deployment.',
  ),
  success: means(
    z._default(z.enum(['never', 'daily', 'weekly']), 'never'),
    'Whether people get a report, also when all is well: each day at 08:00, or each Monday. On AWS, the stack sends it to `email`, by UTC. Without `aws`, `holdfast escalate --once` sends it through the sinks, by the clock of `timeZone`, but not to PagerDuty and commands, which call people.',
  ),
  heartbeat: means(
    z.optional(reference('a URL', 'ssm:/my-site/heartbeat')),
    'The URL that is called while all sources are well. The service behind it notices when the calls end, even when all else is silent. The command line also calls `URL/start` when a backup begins and `URL/fail` when something is wrong, as healthchecks.io has it.',
  ),
  sinks: means(
    z._default(
      z.record(
        text(NAME, 'a letter, then up to 39 of a-z, 0-9 and -, no - at the end', 'mail'),
        sink,
      ),
      {},
    ),
    'The ways to tell people about incidents, by name. With `aws`, the stack uses them; otherwise, the command line does. Use two that fail independently: what one cannot deliver, the others tell.',
  ),
  contacts: means(
    z._default(
      z.record(
        text(NAME, 'a letter, then up to 39 of a-z, 0-9 and -, no - at the end', 'on-call'),
        contact,
      ),
      {},
    ),
    'Who can get messages, by name.',
  ),
  recovery: means(
    z._default(z.enum(['once', 'off']), 'once'),
    'Whether Holdfast tries to end an incident by itself, once for each condition, by `holdfast escalate --once` or in the stack: it runs a backup that failed or is missing again, and repairs what is damaged. It writes new backups and changes none. People are told first. What came of it stands in the incident.',
  ),
  timeZone: means(
    z.optional(timeZone()),
    'The time zone of `quietHours`, and of the hours and rotations of contacts. Without it, that of `retention`.',
  ),
  quietHours: means(
    z.optional(quietHours),
    'When nobody gets a message about an incident, by how grave it is. The escalation stands still meanwhile: a step that comes after 30 minutes comes after 30 minutes that are not quiet. What a person opens is an alarm.',
  ),
  escalation: means(
    z.optional(escalation),
    'Who gets a message about an incident, and who is next while nobody acknowledges it. Without it, each sink gets one message when it begins and one when it is over. With `aws`, the function `escalate` carries it out; otherwise `holdfast escalate --once`, run every minute.',
  ),
});
