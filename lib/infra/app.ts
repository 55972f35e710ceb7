// The app in which `holdfast deploy` and `cdk deploy` find the stack. Its settings are those of cdk.json, wherever it runs.
import { App, Stack } from 'aws-cdk-lib';
import settings from '../../cdk.json' with { type: 'json' };

/**
 * An app that nobody else synthesizes: at the end of the process, as others are, it would be synthesized after a fault, too.
 * @param outdir - where templates and code go; the folder that the CDK names in its environment otherwise
 */
export function holdfastApp(outdir?: string): App {
  return new App({
    autoSynth: false,
    analyticsReporting: settings.versionReporting,
    postCliContext: settings.context,
    ...(outdir !== undefined && { outdir }),
  });
}

/** The names of the templates of every stack in `app`, those of nested ones included. */
export function templateFiles(app: App): string[] {
  return app.node
    .findAll()
    .filter((one) => Stack.isStack(one))
    .map((stack) => stack.templateFile);
}
