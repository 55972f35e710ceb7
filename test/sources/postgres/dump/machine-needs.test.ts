// What of a definition a server has to have, told from the text that pg_dump writes of it.
import { expect, test } from '@jest/globals';
import { needsOf } from '../../../../lib/sources/postgres/dump/machine-needs.ts';

const DICTIONARY = `--
-- Name: simple_fr; Type: TEXT SEARCH DICTIONARY; Schema: public; Owner: postgres
--

CREATE TEXT SEARCH DICTIONARY public.simple_fr (
    TEMPLATE = pg_catalog.simple,
    stopwords = 'french' );


ALTER TEXT SEARCH DICTIONARY public.simple_fr OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

`;

test('settings for the object that follows are no options of a dictionary', () => {
  const object = { type: 'TEXT SEARCH DICTIONARY', name: 'simple_fr' };
  const [need] = needsOf(object, DICTIONARY);
  expect(need?.sql).toContain(`"stopwords" = 'french'`);
  expect(need?.sql).not.toContain('default_');
});
