// Where `~` leads. A container or a service may run as a number without an entry among the users, and without HOME.
import os from 'node:os';
import { errorCode } from '../error-code.ts';

/** The home of this user; empty where there is none. */
export function homeFolder(): string {
  try {
    return os.homedir();
  } catch (error) {
    if (errorCode(error) === 'ERR_SYSTEM_ERROR') return '';
    throw error;
  }
}
