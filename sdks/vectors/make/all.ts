/** Writes the vectors: `node sdks/vectors/make/all.ts`. Signed ones get new keys each time. */
import { writeFileSync } from 'node:fs';
import { bridge } from './bridge.ts';
import { ceremonies, errors, REQUIRED_ANSWERS } from './ceremonies.ts';
import { destinations, domains, json, links } from './links.ts';
import { jws, REQUIRED_CLAIMS, requests } from './signed.ts';

const files = { links, destinations, domains, json, jws, requests, ceremonies, errors, bridge };
for (const [name, cases] of Object.entries(files)) {
  const lines = cases.map((one) => JSON.stringify(one));
  writeFileSync(new URL(`../${name}.json`, import.meta.url), `[\n${lines.join(',\n')}\n]\n`);
}
const required = [...REQUIRED_ANSWERS, ...['alg', 'kid', 'jku'].map((name) => `header.${name}`), ...REQUIRED_CLAIMS.map((path) => `request.${path}`)];
writeFileSync(new URL('../required.json', import.meta.url), `${JSON.stringify(required, null, 1)}\n`);
