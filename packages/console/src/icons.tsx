/** The console's icons, 16 by 16, drawn in the colour of the text. */
const PATHS = {
  home: 'M2.5 7.5 8 3l5.5 4.5V13a.5.5 0 0 1-.5.5H9.8V10H6.2v3.5H3a.5.5 0 0 1-.5-.5z',
  person: 'M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM3 13.5c.4-2.4 2.4-3.75 5-3.75s4.6 1.35 5 3.75',
  app: 'M2.5 3.5h11v9h-11zM2.5 6.25h11M4.5 4.9h.01M6.3 4.9h.01',
  link: 'M6.75 9.25a2.6 2.6 0 0 0 3.7 0l2.2-2.2a2.6 2.6 0 0 0-3.7-3.7l-.7.7M9.25 6.75a2.6 2.6 0 0 0-3.7 0l-2.2 2.2a2.6 2.6 0 0 0 3.7 3.7l.7-.7',
  events: 'M2 8h2.5l2-4.75 3 9.5L11.5 8H14',
  plus: 'M8 3v10M3 8h10',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  key: 'M5.25 13.25a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM7.5 8.25l6-5.5M11 5l2 2.25',
  laptop: 'M3.5 3.5h9v6.5h-9zM1.5 12.5h13',
  browser: 'M2 3h12v10H2zM2 6h12',
  mail: 'M2 3.5h12v9H2zM2.2 4.2 8 8.75l5.8-4.55',
  qr: 'M2.75 2.75h4v4h-4zM9.25 2.75h4v4h-4zM2.75 9.25h4v4h-4zM9.5 9.5h1.25v1.25M13 9.5v1.75M9.5 13.25h1.75M13.25 13.25h-.5',
  resend: 'M13 8a5 5 0 1 1-1.6-3.7M13.25 2.25v3h-3',
  ban: 'M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM4.2 4.2l7.6 7.6',
  check: 'M3 8.5 6.5 12 13 4.5',
  eye: 'M1.5 8C3 5 5.3 3.5 8 3.5S13 5 14.5 8C13 11 10.7 12.5 8 12.5S3 11 1.5 8zM8 9.75a1.75 1.75 0 1 0 0-3.5 1.75 1.75 0 0 0 0 3.5z',
  right: 'M6.25 4 10 8l-3.75 4',
  left: 'M9.75 4 6 8l3.75 4',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4l3.35 3.35',
  menu: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h11',
  out: 'M6.5 3H3v10h10V9.5M9 2.75h4.25V7M13 3 7.5 8.5',
  trash: 'M2.75 4.25h10.5M6 4.25V2.75h4v1.5M4 4.25l.6 9h6.8l.6-9M6.75 7v3.75M9.25 7v3.75',
  edit: 'M3 13l.6-2.9 7.3-7.3 2.3 2.3-7.3 7.3z',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.25V11M8 5h.01',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.75V8l2.25 1.5',
  moon: 'M13 9.75A5.5 5.5 0 0 1 6.25 3 5.5 5.5 0 1 0 13 9.75z',
  panel: 'M2 3h12v10H2zM10 3v10',
  send: 'M13.75 2.25 7 9M13.75 2.25 9.5 13.75 7 9 2.25 6.5z',
  server: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  terminal: 'M2 3h12v10H2zM4.5 6l2 2-2 2M8 10.25h3',
  updown: 'M5 6.25 8 3.25l3 3M5 9.75l3 3 3-3',
  warn: 'M8 2.25 14.25 13.25H1.75zM8 6.5v3M8 11.4h.01',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  x: 'M4 4l8 8M12 4l-8 8',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: a ring, and a rope around it. */
export function Mark() {
  return (
    <svg className="mark" width="24" height="24" viewBox="0 0 24 24" strokeWidth="2.2" aria-hidden="true">
      <path d="M5.23 13.57A7.7 7.7 0 1 1 8.56 16.79" />
      <path d="M1.3 20.6C8.2 20.6 7 10 11.9 10c2.4 0 3.2 1.8 4.1 3.5M18.5 17.3c1.1 2.1 2.3 3.3 4.2 3.3" />
      <path strokeLinecap="round" d="M1.3 20.6h0M22.7 20.6h0" />
    </svg>
  );
}
