// What the demonstration prints: numbered sections, the figures, and each expectation as it is met.
import process from 'node:process';
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** What was expected of Holdfast did not come true; the demonstration ends with it. */
export class UnmetExpectation extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnmetExpectation';
  }
}

/** One line of the summary. */
export interface Proof {
  /** What was proven, in words that need no explanation. */
  readonly claim: string;
  readonly figures: string;
}

/** Tells the demonstration on standard output; a terminal is not needed. */
export class Story {
  readonly proofs: Proof[] = [];
  private sections = 0;

  section(title: string): void {
    this.sections++;
    this.line();
    this.line(paint('bold', `${this.sections}. ${title}`));
  }

  line(text = ''): void {
    process.stdout.write(text === '' ? '\n' : `${text}\n`);
  }

  /** A fact, indented below its section. */
  tell(text: string): void {
    this.line(`   ${text}`);
  }

  /**
   * Says that `claim` holds, or ends the demonstration because it does not.
   *
   * @param otherwise - what is the case instead
   */
  expect(holds: boolean, claim: string, otherwise: string): void {
    if (!holds) throw new UnmetExpectation(`expected: ${claim}; found: ${otherwise}`);
    this.line(`   ${paint('green', 'ok')}  ${claim}`);
  }

  /** Says that something could not be shown here, and why. */
  skip(text: string): void {
    this.line(`   ${paint('yellow', '--')}  ${text}`);
  }

  /** A line for the summary at the end. */
  proven(claim: string, figures: string): void {
    this.proofs.push({ claim, figures });
  }
}

/** Styled where standard output is a terminal that shows it, plain otherwise. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}
