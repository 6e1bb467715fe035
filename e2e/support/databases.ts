import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client } from 'pg';
import { postgresUrl } from './settings.ts';

export const DATABASES = ['sqlite', 'postgres'] as const;
export type DatabaseKind = (typeof DATABASES)[number];

/** An empty database. */
export interface Database {
  /** For `KEYMOOR_DATABASE_URL`. */
  url: string;
  drop(): Promise<void>;
}

/** @param directory - Where an SQLite file goes; it is deleted with the directory. */
export async function createDatabase(kind: DatabaseKind, directory: string): Promise<Database> {
  if (kind === 'sqlite') return { url: `sqlite://${join(directory, 'keymoor.db')}`, drop: async () => {} };
  const name = `keymoor_e2e_${randomBytes(6).toString('hex')}`;
  await administrate(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'`);
  const url = new URL(postgresUrl());
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administrate(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function administrate(statement: string): Promise<void> {
  const client = new Client({ connectionString: postgresUrl() });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
