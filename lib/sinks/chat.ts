// Messages in chats: Slack by an incoming webhook, Microsoft Teams by a workflow. Both read markup, so all of it is escaped.
import { post } from './request.ts';
import { ANSWER_MS, type Sink, type SinkMessage } from './sink.ts';

export interface ChatOptions {
  readonly name: string;
  readonly url: string;
  /** @default 15_000 */
  readonly answerMs?: number;
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
export function slackSink({ name, url, answerMs = ANSWER_MS }: ChatOptions): Sink {
  return {
    name,
    kind: 'slack',
    send: (message, signal) =>
      post({ url, headers: JSON_TYPE, body: JSON.stringify(slackBody(message)), answerMs }, signal),
  };
}

/** What a link to answer by is called. */
const ANSWER = 'Show the incident, and acknowledge it';

/** A section takes 3000 characters; `plain_text` is shown as it is, without links and mentions. */
const SLACK_SECTION = 2900;

/** The body that Slack gets. */
export function slackBody({ subject, text, link }: SinkMessage): object {
  const section = (content: string) => ({
    type: 'section',
    text: { type: 'plain_text', text: content, emoji: false },
  });
  const answer = { type: 'section', text: { type: 'mrkdwn', text: `<${link}|${ANSWER}>` } };
  return {
    // For notifications and screen readers; it is read as markup, in which these three begin links and mentions.
    text: subject.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    blocks: [
      section(subject),
      ...(link === undefined ? [] : [answer]),
      section(text.slice(0, SLACK_SECTION)),
    ],
    // Nobody opens the link but whoever answers.
    ...{ unfurl_links: false, unfurl_media: false },
  };
}

/** https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using */
export function teamsSink({ name, url, answerMs = ANSWER_MS }: ChatOptions): Sink {
  return {
    name,
    kind: 'teams',
    send: (message, signal) =>
      post({ url, headers: JSON_TYPE, body: JSON.stringify(teamsBody(message)), answerMs }, signal),
  };
}

/** A message takes 28 KB. */
const TEAMS_TEXT = 8000;

/** The body that Teams gets: an Adaptive Card, whose runs of text know no markup. */
export function teamsBody({ subject, text, link }: SinkMessage): object {
  const run = (content: string, more: object) => ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text: content, ...more }],
  });
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            run(subject, { weight: 'bolder' }),
            ...text
              .slice(0, TEAMS_TEXT)
              .split('\n')
              .filter((line) => line !== '')
              .map((line) => run(line, { fontType: 'monospace' })),
          ],
          ...(link !== undefined && {
            actions: [{ type: 'Action.OpenUrl', title: ANSWER, url: link }],
          }),
        },
      },
    ],
  };
}
