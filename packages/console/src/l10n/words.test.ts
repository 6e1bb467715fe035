import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FluentBundle, FluentResource } from '@fluent/bundle';

const SOURCES = join(import.meta.dirname, '..');

function words(language: string): FluentBundle {
  const made = new FluentBundle(language, { useIsolating: false });
  const text = readFileSync(join(import.meta.dirname, `${language}.ftl`), 'utf8');
  assert.deepEqual(made.addResource(new FluentResource(text)), [], `${language}.ftl`);
  return made;
}

/** The ids that the screens ask for in so many words. */
function asked(): Set<string> {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => /(?<!\.test)\.tsx?$/.test(file));
  const ids = files.flatMap((file) => [...readFileSync(join(SOURCES, file), 'utf8').matchAll(/\bt\('([\w-]+)'/g)].map(([, id]) => id as string));
  return new Set(ids);
}

test('every_message_that_a_screen_asks_for_is_written', () => {
  const english = words('en');
  const ids = asked();
  assert(ids.size > 100);
  assert.deepEqual([...ids].filter((id) => !english.hasMessage(id)), []);
});

test('german_has_the_messages_and_the_values_of_english', () => {
  const [english, german] = [words('en'), words('de')];
  const values = (text: string) => [...text.matchAll(/\{ (\$\w+) \}/g)].map(([, name]) => name).sort();
  const lines = (language: string) =>
    new Map(
      readFileSync(join(import.meta.dirname, `${language}.ftl`), 'utf8')
        .split('\n')
        .filter((line) => line.includes(' = '))
        .map((line) => [line.slice(0, line.indexOf(' = ')), line] as const),
    );
  const written = lines('en');
  for (const [id, line] of lines('de')) {
    assert(english.hasMessage(id), id);
    assert.deepEqual(values(line), values(written.get(id) ?? ''), id);
  }
  const missing = [...asked()].filter((id) => !german.hasMessage(id));
  // Names that are the same in both.
  assert.deepEqual(
    missing.filter((id) => !/^(keymoor|app-external|app-config|app-tokens)$/.test(id)),
    [],
  );
});
