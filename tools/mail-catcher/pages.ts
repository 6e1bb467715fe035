import { linksIn, type Mail } from './mailbox.ts';

export const STYLE = `
body { margin: 2rem auto; max-width: 48rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #0e1b26; background: #fbfcfd }
a { color: #0f5c73 }
table { width: 100%; border-collapse: collapse }
th, td { padding: .5rem; border-bottom: 1px solid #c9d3da; text-align: left; font-variant-numeric: tabular-nums }
pre { padding: 1rem; border: 1px solid #c9d3da; white-space: pre-wrap; overflow-wrap: anywhere }
iframe { width: 100%; height: 32rem; border: 1px solid #c9d3da; background: #fff }
@media (prefers-color-scheme: dark) { body { color: #e6edf2; background: #0e1b26 } a { color: #7cc4da } }
`;

export function listPage(mails: Mail[]): string {
  const rows = mails.toReversed().map(
    (mail) => `<tr><td>${escape(mail.received.slice(11, 19))}</td><td>${escape(mail.to.join(', '))}</td>
      <td><a href="/mails/${mail.id}">${escape(mail.subject || '(no subject)')}</a></td></tr>`,
  );
  const table = `<table><thead><tr><th>Time (UTC)</th><th>To</th><th>Subject</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  const nothing = '<p>No mail yet. This page looks again every five seconds.</p>';
  return page('Caught mail', mails.length > 0 ? table : nothing, '<meta http-equiv="refresh" content="5">');
}

export function mailPage(mail: Mail): string {
  const html = mail.html === null ? '' : `<h2>As HTML</h2><iframe src="/mails/${mail.id}/html" title="The mail as HTML"></iframe>`;
  return page(
    mail.subject || '(no subject)',
    `<p><a href="/">All mail</a></p>
    <p>From ${escape(mail.from)} to ${escape(mail.to.join(', '))}, ${escape(mail.received)}</p>
    <h2>As text</h2><pre>${linked(mail.text)}</pre>${html}`,
  );
}

function page(title: string, body: string, head = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
    <title>${escape(title)}</title><link rel="stylesheet" href="/style.css">${head}</head>
    <body><h1>${escape(title)}</h1>${body}</body></html>`;
}

/** Only web addresses become links: a mail may not hand the reader a `javascript:` one. */
function linked(text: string): string {
  let html = '';
  let rest = text;
  for (const link of linksIn(text).filter((address) => /^https?:/i.test(address))) {
    const [before = '', ...after] = rest.split(link);
    html += `${escape(before)}<a href="${escape(link)}" rel="noreferrer">${escape(link)}</a>`;
    rest = after.join(link);
  }
  return html + escape(rest);
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
