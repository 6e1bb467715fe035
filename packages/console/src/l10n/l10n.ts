/** The console's words: `t('id', { values })`, in the first of the browser's languages that there is. */
import { FluentBundle, FluentResource, type FluentVariable } from '@fluent/bundle';
import en from './en.ftl?raw';

export type Values = Record<string, FluentVariable>;

const english = bundle('en', en);
let chosen = english;

function bundle(locale: string, text: string): FluentBundle {
  const made = new FluentBundle(locale, { useIsolating: false });
  made.addResource(new FluentResource(text));
  return made;
}

/** The language of the page: what was chosen here, or what the browser asks for. */
export function locale(): string {
  const wanted = localStorage.getItem('keymoor-language') ?? navigator.language;
  return wanted.startsWith('de') ? 'de' : 'en';
}

/** Loads the words of the page's language. Called before the first screen. */
export async function loadWords(): Promise<void> {
  document.documentElement.lang = locale();
  if (locale() === 'de') chosen = bundle('de', (await import('./de.ftl?raw')).default);
}

/** A message, in English if the chosen language lacks it. */
export function t(id: string, values?: Values): string {
  for (const words of [chosen, english]) {
    const pattern = words.getMessage(id)?.value;
    if (pattern) return words.formatPattern(pattern, values);
  }
  return id;
}
