// What each error means and what to do about it, for `holdfast explain` and docs/errors.md.
import { inLines } from '../../config/schema/markdown-lines.ts';
import { ERRORS } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

/** The longer text behind an error code; every sentence is plain Markdown. */
export interface Explanation {
  /** What has happened, and what it says about the backups. */
  readonly meaning: string;
  /** What to do, in the order in which to try it. */
  readonly steps: readonly string[];
}

/** One explanation for each code of the table. */
export const EXPLANATIONS: Readonly<Record<ErrorCode, Explanation>> = {
  USAGE: {
    meaning:
      'A command, option or argument was not understood, or two of them contradict each other. Nothing was read or written.',
    steps: [
      'Run `holdfast <command> --help` to see what the command takes.',
      'Check the quotes around arguments that hold spaces or `*`: the shell may have changed them.',
    ],
  },
  CONFIG_INVALID: {
    meaning:
      'There is no configuration, it has faults, or something that it refers to (a variable, a key file) is not there. Nothing was backed up, and nothing stored was touched.',
    steps: [
      'Run `holdfast config validate`: it lists every fault with its line and what is allowed.',
      'Look the option up in `docs/configuration.md`.',
      'Where there is no configuration yet, run `holdfast init`.',
    ],
  },
  SOURCE_UNREADABLE: {
    meaning:
      'The folder of a source does not exist, cannot be opened, or holds no file although it should. No backup was made: an empty one would look like success. The usual reason is a disk that is not mounted. A database may refuse the connection, or the role may not read all of it.',
    steps: [
      'Check that the path of the source exists and can be read by the user who runs Holdfast.',
      'Check that everything is mounted that should be.',
      'If the source may be empty, set `allowEmpty: true` for it.',
      'For a database, check user, password and database in the URL, and what `pg_hba.conf` of the server lets in; `holdfast doctor` tries the connection.',
      'If the message says `permission denied` or names row security, give the role the rights in docs/postgres.md ("A role that may only read").',
    ],
  },
  SOURCE_UNAVAILABLE: {
    meaning:
      'The connection to a source, such as a database, could not be made or broke on the way, or what it needed was held by somebody else. No backup was made; nothing is wrong with the configuration as far as that can be told.',
    steps: [
      'Run the backup again: what passes by itself, such as a restart, a migration or a full pool of connections, may have passed.',
      'If it stays so, look at host, port, network and the log of the server; `holdfast doctor` tries the connection.',
    ],
  },
  SOURCE_INCOMPLETE: {
    meaning:
      'A backup was made, but some of the source is not in it: files changed while they were read, vanished, or could not be read. The backup is marked `partial` and lists each path.',
    steps: [
      'Run `holdfast show <backup>` to see which paths are missing and why.',
      'Correct the permissions of what could not be read, and back up again.',
      'Where such problems are normal, as with live logs, name the paths under `tolerate`.',
    ],
  },
  BACKUP_NOT_FOUND: {
    meaning:
      'The store holds no backup of this name, the backup holds no such path, or an object that a manifest names is gone.',
    steps: [
      'Run `holdfast list` to see the backups, and `holdfast show <backup>` to see what is in one.',
      'Check that `--store` and `HOLDFAST_STORE` lead to the store that is meant.',
      'If a backup was listed before and pruning does not explain its absence, run `holdfast log`.',
    ],
  },
  BACKUP_DAMAGED: {
    meaning:
      'Stored bytes are not what was signed: they were altered, cut off or lost after the backup was made. Nothing that failed its check was restored. Entries that are not named are intact.',
    steps: [
      'Run `holdfast verify <backup> --level content` to have every damaged entry named.',
      'Run `holdfast repair <backup>`: it takes what is damaged from another backup that holds the same content.',
      'Check the disk: damage seldom comes alone. Run `holdfast verify` on all backups.',
    ],
  },
  RESTORE_DIFFERS: {
    meaning:
      'What was restored was read again and is not what the backup recorded. Either something changed the files meanwhile, or the target cannot hold them (case, names, permissions, a full or failing disk).',
    steps: [
      'Look at the paths that the message or the record lists.',
      'Restore once more into an empty folder on another disk, with nothing else running there.',
      'Run `holdfast verify <backup> --level content`: if that passes, the backup is sound and the target is the problem.',
    ],
  },
  RESTORE_INCOMPLETE: {
    meaning:
      'Every byte was restored, but some entries lack their set-id bits, their owner, their mode or their time: the user who restores may not set them, or the file system of the target cannot keep them. Each such entry is named, and so is a second name of a file that became a copy because the target has no hard links. Owners that only root can set are named too, but they alone do not end a command with this code.',
    steps: [
      'Run the restore as root, or as the user that the files belong to.',
      'Check that the file system of the target keeps owners and modes: FAT and many network shares do not.',
      'With `--no-owner`, owners and set-id bits are left aside on purpose.',
    ],
  },
  UNTRUSTED: {
    meaning:
      'A manifest or record is not signed, its signature does not match, or the key that signed it may not vouch for this place. It may be forged, altered, or signed by a key that the configuration does not name yet.',
    steps: [
      'Find out which key signed it: the message names the key.',
      'If the key is yours, add its public half with the right prefixes under `trust`.',
      'If it is not, do not restore from this backup before you know where it comes from.',
    ],
  },
  FORMAT_UNSUPPORTED: {
    meaning:
      'The bytes are of a kind, a version or a required feature that this version does not know. Nothing was guessed.',
    steps: [
      'Update Holdfast: a newer version may have written the backup.',
      'A `.tar.gz` can always be restored by `tar -xzf`, whatever wrote it.',
      'Check that the file is what you think it is, with `file <name>`.',
    ],
  },
  PATH_UNSAFE: {
    meaning:
      'A path leads out of its place: an absolute path, one with `..`, or one through a link. Following it would write or read elsewhere, so nothing of it was done. In an archive, this is a sign of tampering.',
    steps: [
      'If you gave the path, give it relative and without `..`.',
      'If an archive holds it, treat the archive as hostile until you know where it comes from.',
      'If the target of a restore contains links, restore into a new folder.',
    ],
  },
  TARGET_REFUSED: {
    meaning:
      'The target of a restore holds something that would be lost: it is not empty, or has changes that are not committed. Nothing in it was touched.',
    steps: [
      'Restore into a folder that does not exist yet, with `--to <folder>`.',
      'Commit or stash what is not committed, then restore in place again.',
      'Run `holdfast restore --help` for the option that goes on all the same; a safety backup is made first.',
    ],
  },
  OTHER_SITE: {
    meaning:
      'The backups that the store holds under this name were made in another folder, on another machine or of another repository. Two sites that share a name would take each other’s backups for their own, so nothing was backed up or restored.',
    steps: [
      'If the site has moved, was renamed or has a new machine: `holdfast backup --moved`, once. From then on the new place is the right one.',
      'If these are two sites, such as staging and production: move the holdfast.yaml of this one away, then give it a system, a key and a store of its own, `holdfast init --system NAME --store PLACE`.',
      'To restore here what was backed up elsewhere: `holdfast restore … --to FOLDER`, or `--in-place --moved`.',
    ],
  },
  STORE_NOT_FOUND: {
    meaning:
      'The place that is named as the store holds none: the folder does not exist or has no `holdfast.json`, or the bucket has nothing under that prefix. The usual reasons are a disk that is not mounted and a path that is not quite right. Nothing was made there, and nothing was backed up.',
    steps: [
      'Mount the disk, or correct `store` in `holdfast.yaml`, `--store` or `HOLDFAST_STORE`; the message names a store nearby if there is one.',
      'If a new store shall begin there: `holdfast backup --create-store`, once. `holdfast init` does it for a new system.',
    ],
  },
  STORE_UNAVAILABLE: {
    meaning:
      'The store did not answer, or failed while reading or writing. Whatever had been written of this run is not listed as a backup; earlier backups are as they were.',
    steps: [
      'Run the same command again: the fault may have passed.',
      'Check that the disk of the store is mounted and sound, or that the network is up.',
      'Run `holdfast doctor`.',
    ],
  },
  STORE_DENIED: {
    meaning:
      'The store refused access, or a key file cannot be read or is open to others. A key that others can read could sign a forged backup.',
    steps: [
      'For a key file: `chmod 600` it, and check that its owner is the user who runs Holdfast.',
      'For a store: check the owner and the mode of its folder.',
      'Run `holdfast doctor` as the user that the schedule uses.',
    ],
  },
  STORE_CONFLICT: {
    meaning:
      'Something with this name and other content stands in the store already. Nothing is ever overwritten, so it was left as it is.',
    steps: [
      'Run `holdfast list`: another run of the same trigger may have made the backup already.',
      'If the store belongs to another system, choose another folder for this one.',
    ],
  },
  NO_SPACE: {
    meaning:
      'There was no room left for what had to be written. What had been written of this run is not listed as a backup; earlier backups are as they were.',
    steps: [
      'Run `holdfast status` to see how much the store holds, and `holdfast prune --dry-run` to see what may go.',
      'Make room, or move the store to a larger disk, and run the command again.',
      'For a restore, check the disk of the target and the one that holds temporary files.',
    ],
  },
  CLOCK_SKEW: {
    meaning:
      'This clock and that of the store differ by more than 5 minutes. A backup with a wrong time would be kept or released for the wrong reason, so none was made.',
    steps: [
      'Set the clock: `timedatectl` shows whether it is synchronised.',
      'If this clock is right, correct the one of the machine that holds the store.',
      'Run the command again.',
    ],
  },
  COMMAND_FAILED: {
    meaning:
      'A program that was asked for is missing, ended with an error or was stopped. What it was to prove is not proven.',
    steps: [
      'Read its output above: the last lines usually say why.',
      'Run the command by hand in the folder that the message names.',
      'Run `holdfast doctor` to see which tools are missing.',
    ],
  },
  DEPLOYMENT_REFUSED: {
    meaning:
      'What would be deployed replaces, deletes or leaves behind a bucket, a key or a vault of the stack: backups would lie where the stack no longer looks, or could no longer be read. Nothing was deployed.',
    steps: [
      'Compare `holdfast.yaml` with what was deployed last: the usual reason is another bucket in `store`, another `system`, or a database that was the last one.',
      'Run `holdfast deploy --dry-run` to see every change.',
      'If it is meant, name each resource with `--give-up`. What is left behind stays on AWS, with all that is in it.',
    ],
  },
  LOCKED: {
    meaning:
      'Another run is pruning this store, or restoring into this folder. Two at once could undo each other, so this one did nothing.',
    steps: [
      'Wait until the other run has ended, and run the command again.',
      'If no other run is there, the message says which process holds the lock and since when.',
    ],
  },
  CANCELLED: {
    meaning:
      'The run was interrupted, by Ctrl-C or by a signal. What had been written of it is not listed as a backup; earlier backups are as they were.',
    steps: [
      'Run the same command again: a backup starts over and reuses what is unchanged, and a restore continues where it stopped.',
    ],
  },
};

/** The code that `text` names, in any case, or undefined. */
export function errorCodeOf(text: string): ErrorCode | undefined {
  const wanted = text.toUpperCase().replaceAll('-', '_');
  return (Object.keys(ERRORS) as ErrorCode[]).find((code) => code === wanted);
}

function section(code: ErrorCode): string {
  const { about, exit, retry } = ERRORS[code];
  const { meaning, steps } = EXPLANATIONS[code];
  const again = retry
    ? 'The same run may succeed later.'
    : 'The same run fails again until something is changed.';
  const list = steps.map((step, index) => `${index + 1}. ${step}`).join('\n');
  return `## ${code}\n\n${about.charAt(0).toUpperCase()}${about.slice(1)}. Exit code ${exit}. ${again}\n\n${meaning}\n\n${list}\n`;
}

/** The whole of docs/errors.md. */
export function errorsDocument(): string {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const rows = codes.map((code) => {
    const { about, exit, retry } = ERRORS[code];
    return `| [${code}](#${code.toLowerCase()}) | ${exit} | ${retry ? 'yes' : 'no'} | ${about} |`;
  });
  return inLines(`# Errors

<!-- Generated by \`npm run docs\` from lib/errors.ts and lib/cli/output/explanations.ts: change it there. -->

Every failure has one of these codes. \`holdfast explain <CODE>\` prints the same text. The exit code of a command is that of the
failure that ended it: 0 is success, and 3 also means a partial backup.

| code | exit code | may succeed later | meaning |
| --- | --- | --- | --- |
${rows.join('\n')}

${codes.map(section).join('\n')}`);
}
