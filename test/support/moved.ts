// A bucket whose lifecycle has moved what is in it: no server of the tests does that, so its listings are edited.
import type { Faults } from './faulty-handler.ts';

/** A server whose lifecycle has moved everything to `storageClass`, as its listings say. */
export const movedTo =
  (storageClass: string): Faults =>
  ({ operation }) =>
    operation !== 'ListObjectVersions'
      ? undefined
      : {
          edit: ({ headers, body }) => ({
            headers: Object.fromEntries(
              Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'content-length'),
            ),
            body: body
              .replaceAll(/<StorageClass>[^<]*<\/StorageClass>/g, '')
              .replaceAll('</Version>', `<StorageClass>${storageClass}</StorageClass></Version>`),
          }),
        };
