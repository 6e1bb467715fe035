import { startMailCatcher } from './catcher.ts';

const catcher = await startMailCatcher({
  smtp: Number(process.env['SMTP_PORT'] ?? 0),
  web: Number(process.env['WEB_PORT'] ?? 0),
});
console.log(`Mail sent to ${catcher.smtpUrl} is shown at ${catcher.webUrl}`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void catcher.stop().then(() => process.exit(0)));
}
