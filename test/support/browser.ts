// Chromium, driven by playwright-core: Debian's, with its sandbox wherever that can work.
import process from 'node:process';
import { chromium, type Browser } from 'playwright-core';
import { need } from '../needs/need.ts';

const program = need('chromium');

/** A browser of its own. The kernel grants root no sandbox. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: program(),
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
  });
}
