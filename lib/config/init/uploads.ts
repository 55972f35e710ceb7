// Where a site says that it keeps what users send, if not in its own folder. Pure.
import type { LookedAt } from './looked-at.ts';

/** A variable that names a bucket. */
export interface FoundBucket {
  readonly variable: string;
  readonly toldBy: string;
}

const ENVIRONMENT = /(?:^|\/)\.env(?:rc|\.[\w.-]+)?$/;
const EXAMPLE = /\.(?:example|sample|template|dist|test|testing|ci)$/;
const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*['"]?([^\s'"#]+)/gm;
const SETTINGS = /(?:^|\/)settings(?:\/\w+|_\w+)?\.py$/;

/** Absolute paths that a file of variables, or settings of Django, give as the place of uploads. */
export function pathsOfUploads({ texts }: LookedAt): { path: string; toldBy: string }[] {
  return [...texts].flatMap(([toldBy, text]) => {
    const values = ENVIRONMENT.test(toldBy)
      ? [...text.matchAll(ASSIGNMENT)]
          .filter(([, name = '']) =>
            /(?:^|_)(?:UPLOADS?|MEDIA|STORAGE)_(?:DIR|PATH|FOLDER|ROOT)$/.test(name),
          )
          .map(([, , value = '']) => value)
      : SETTINGS.test(toldBy)
        ? [...text.matchAll(/^\s*MEDIA_ROOT\s*=\s*['"](\/[^'"]+)['"]/gm)].map(
            ([, value = '']) => value,
          )
        : [];
    return values
      .filter((value) => /^\/[^\0]+$/.test(value))
      .map((value) => ({ path: value.replace(/\/+$/, ''), toldBy }));
  });
}

/** Variables that name a bucket; not those of examples, which hold what nobody uses. */
export function bucketsIn({ texts }: LookedAt): FoundBucket[] {
  const found = [...texts].flatMap(([toldBy, text]) =>
    ENVIRONMENT.test(toldBy) && !EXAMPLE.test(toldBy)
      ? [...text.matchAll(ASSIGNMENT)]
          .map(([, variable = '']) => ({ variable, toldBy }))
          .filter(({ variable }) => /(?:^|_)BUCKET(?:_NAME)?$/.test(variable))
      : [],
  );
  return found.filter(
    ({ variable }, at) => found.findIndex((other) => other.variable === variable) === at,
  );
}
