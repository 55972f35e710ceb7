// Property lists of launchd, which starts programs by the clock on macOS. Pure.
import { baseName, commandOf, markOf, TIMERS, type Start, type Timer } from './timers.ts';

/** Where those of the system are, or those of a user. */
export function agentFolder(isRoot: boolean, home: string): string {
  return isRoot ? '/Library/LaunchDaemons' : `${home}/Library/LaunchAgents`;
}

/** `dev.holdfast-shop.run-due` */
export function agentLabel(
  start: Pick<Start, 'system' | 'store'>,
  { verb }: Pick<Timer, 'verb'>,
): string {
  return `dev.${baseName(start)}.${verb}`;
}

/** The files, by their names. */
export function agentFiles(start: Start): Map<string, string> {
  return new Map(
    TIMERS.map((timer) => [`${agentLabel(start, timer)}.plist`, propertyList(start, timer)]),
  );
}

function propertyList(start: Start, timer: Timer): string {
  const isRare = timer.everyMinutes === 15;
  const command = commandOf(start, timer, { quiet: !isRare });
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by \`holdfast schedule install\`; \`holdfast schedule remove\` removes it. -->
<!-- ${markOf(start)} -->
<plist version="1.0">
<dict>
  <key>Label</key>
  ${string(agentLabel(start, timer))}
  <key>ProgramArguments</key>
  <array>
${command.map((word) => `    ${string(word)}`).join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    ${string(start.searchPath)}
  </dict>
${isRare ? QUARTERS : '  <key>StartInterval</key>\n  <integer>60</integer>'}
  <key>ProcessType</key>
  <string>Background</string>
</dict>
</plist>
`;
}

/** Unlike intervals, times of the calendar that a sleep has skipped are made up for, once. */
const QUARTERS = `  <key>StartCalendarInterval</key>
  <array>
${[0, 15, 30, 45]
  .map(
    (minute) =>
      `    <dict>\n      <key>Minute</key>\n      <integer>${minute}</integer>\n    </dict>`,
  )
  .join('\n')}
  </array>`;

function string(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<string>${escaped}</string>`;
}
