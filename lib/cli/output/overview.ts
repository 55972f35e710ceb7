// What `holdfast` alone prints: the main path, in the order in which a newcomer takes it.
import { VERSION } from '../../version.ts';

/** A screen of text, ending in a newline. */
export function overview(): string {
  return `Holdfast ${VERSION}: backs up web systems, and proves that the backups restore.

  holdfast init                               set up this folder: a key and a holdfast.yaml
  holdfast doctor                             what would stop a backup or a restore here
  holdfast backup                             back up, read back, prune
  holdfast status                             is each source protected as it should be
  holdfast list                               the backups, and what each is worth
  holdfast verify                             prove the newest backups, byte for byte
  holdfast restore-test                       restore them to a scratch folder, and compare
  holdfast restore site --to ../restored      restore the newest backup of the source "site"
  holdfast explain <CODE>                     what an error means and what to do

holdfast --help lists all commands, holdfast <command> --help the options of one.
`;
}
