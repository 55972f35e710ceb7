// node scripts/backup.js [--full | --content | --config] [options of `holdfast backup`]
//
// Backs up the whole site, its content or its configuration. --full reads every file again, whatever the last backup says.
import process from 'node:process';
import { holdfast } from './holdfast.js';

const PARTS = {
  '--full': ['site', '--full'],
  '--content': ['content'],
  '--config': ['configuration'],
};

const given = process.argv.slice(2);
const parts = given.filter((one) => Object.hasOwn(PARTS, one)).flatMap((one) => PARTS[one]);
const options = given.filter((one) => !Object.hasOwn(PARTS, one));

holdfast(['backup', ...(parts.length > 0 ? parts : ['site']), ...options]);
