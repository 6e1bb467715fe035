/** The parts that screens are built from. */
import { KeymoorApiError } from '@keymoor/api-client';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Dialog as AriaDialog, Modal, ModalOverlay } from 'react-aria-components';
import { correlationOf } from './api.ts';
import { Icon, type IconName } from './icons.tsx';
import { locale, t } from './l10n/l10n.ts';

export type Tone = 'none' | 'sea' | 'green' | 'amber' | 'red' | 'grey';

/** One glyph for every state: the shape carries the meaning. */
export function Ring({ tone, shape }: { tone: Tone; shape: 'empty' | 'dashed' | 'half' | 'dot' | 'struck' | 'cross' }) {
  return (
    <svg className="ring" data-tone={tone} viewBox="0 0 12 12" aria-hidden="true">
      <circle cx="6" cy="6" r="4.5" {...(shape === 'dashed' && { strokeDasharray: '2.1 1.43' })} />
      {shape === 'dot' && <circle className="fill" cx="6" cy="6" r="2" />}
      {shape === 'half' && <path className="fill" d="M6 1.5a4.5 4.5 0 0 1 0 9z" />}
      {shape === 'struck' && <path d="m2.9 9.1 6.2-6.2" />}
      {shape === 'cross' && <path d="m4 4 4 4M8 4 4 8" />}
    </svg>
  );
}

export function Status(props: Parameters<typeof Ring>[0] & { children: ReactNode }) {
  return (
    <span className="status">
      <Ring {...props} />
      {props.children}
    </span>
  );
}

/** An id with its copy button. Shortened in the middle unless `whole`. */
export function Id({ value, what, whole = false }: { value: string; what: string; whole?: boolean }) {
  const short = whole || value.length < 14 ? value : `${value.slice(0, 4)}…${value.slice(-6)}`;
  return (
    <span className="id" title={value}>
      <code aria-hidden="true">{short}</code>
      <span className="visually-hidden">{value}</span>
      <Copy value={value} what={what} />
    </span>
  );
}

export function Copy({ value, what }: { value: string; what: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <button className="copy" type="button" aria-label={t('copy', { what })} onClick={() => void copy()}>
      <Icon name={isCopied ? 'check' : 'copy'} />
      <span className="visually-hidden" role="status">
        {isCopied ? t('copied') : ''}
      </span>
    </button>
  );
}

export function Code({ value, what }: { value: string; what: string }) {
  return (
    <div className="code">
      {/* biome-ignore lint: it scrolls */}
      <pre tabIndex={0} role="group" aria-label={what}>
        {value}
      </pre>
      <Copy value={value} what={what} />
    </div>
  );
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;

/** A time, relative up to 30 days; the absolute one on hover. */
export function Time({ at }: { at: string }) {
  const date = new Date(at);
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 60_000);
    return () => clearInterval(timer);
  }, []);
  const seconds = (date.getTime() - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' });
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  const isFar = Math.abs(seconds) > 30 * 86_400;
  const words = isFar
    ? date.toLocaleDateString(locale(), { dateStyle: 'medium' })
    : unit
      ? format.format(Math.round(seconds / unit[1]), unit[0])
      : format.format(0, 'second');
  return (
    <time dateTime={at} title={date.toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'long' })}>
      {words}
    </time>
  );
}

export function Button({
  children,
  icon,
  kind = '',
  isPending = false,
  pending,
  onPress,
  type = 'button',
  isDisabled = false,
  label,
}: {
  children?: ReactNode;
  icon?: IconName;
  kind?: string;
  isPending?: boolean;
  pending?: string;
  onPress?: () => void;
  type?: 'button' | 'submit';
  isDisabled?: boolean;
  label?: string;
}) {
  return (
    <button
      className={label ? `icon-button ${kind}` : `button ${kind}`}
      type={type}
      aria-label={label}
      aria-disabled={isPending || undefined}
      disabled={isDisabled}
      onClick={(event) => {
        // A press that is under way can't be repeated.
        if (isPending) event.preventDefault();
        else onPress?.();
      }}
    >
      {icon && <Icon name={icon} />}
      {isPending ? (pending ?? t('loading')) : children}
    </button>
  );
}

/** What the server said, and the correlation id. */
export function ErrorBanner({ error, title }: { error: unknown; title?: string }) {
  if (!error) return null;
  const isApi = error instanceof KeymoorApiError;
  const id = correlationOf(error);
  return (
    <div className="banner red" role="alert">
      <Icon name="info" />
      <div>
        <strong>{title ?? t('not-saved')}</strong>{' '}
        {isApi ? (error.status === 404 ? t('gone') : `${error.status} ${error.message}`) : t('network-error')}
        {id && (
          <div className="faint">
            {t('correlation')} <Id value={id} what={t('correlation')} whole />
          </div>
        )}
      </div>
    </div>
  );
}

/** What the server said about one field, such as `identity.display_name`. */
export function fieldError(error: unknown, field: string): string | undefined {
  if (!(error instanceof KeymoorApiError)) return undefined;
  for (const detail of error.details) {
    if (detail.type !== 'FieldViolations') continue;
    const found = detail.field_violations.find((violation) => violation.field.startsWith(field));
    if (found) return found.description;
  }
  return undefined;
}

export function Field({
  label,
  error,
  hint,
  isOptional,
  lines,
  ...rest
}: {
  label: string;
  error?: string | undefined;
  hint?: string;
  isOptional?: boolean;
  lines?: number;
  name: string;
  defaultValue?: string;
  placeholder?: string;
  autoFocus?: boolean;
  type?: string;
  required?: boolean;
}) {
  const id = useId();
  const described = [error && `${id}-e`, hint && `${id}-h`].filter(Boolean).join(' ') || undefined;
  const shared = { id, 'aria-describedby': described, 'aria-invalid': error ? true : undefined, ...rest };
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} {isOptional && <span className="optional">{t('optional')}</span>}
      </label>
      {lines ? <textarea className="input mono" spellCheck={false} rows={lines} {...shared} /> : <input className="input" {...shared} />}
      {hint && (
        <span className="hint" id={`${id}-h`}>
          {hint}
        </span>
      )}
      {error && (
        <span className="error" id={`${id}-e`}>
          {error}
        </span>
      )}
    </div>
  );
}

export function Choice({
  label,
  name,
  options,
  defaultValue,
  hint,
  onChange,
}: {
  label: string;
  name: string;
  options: readonly (readonly [value: string, words: string])[];
  defaultValue?: string;
  hint?: string;
  onChange?: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select className="input" id={id} name={name} defaultValue={defaultValue} onChange={(event) => onChange?.(event.target.value)}>
        {options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
      {hint && <span className="hint">{hint}</span>}
    </div>
  );
}

/** A dialog. `isLocked` while something is under way that Escape must not hide. */
export function Dialog({
  title,
  lede,
  children,
  foot,
  onClose,
  size = '',
  role = 'dialog',
  isLocked = false,
}: {
  title: string;
  lede?: ReactNode;
  children: ReactNode;
  foot: ReactNode;
  onClose: () => void;
  size?: 'small' | 'large' | '';
  role?: 'dialog' | 'alertdialog';
  isLocked?: boolean;
}) {
  return (
    <ModalOverlay
      className="scrim"
      isOpen
      isDismissable={!isLocked && role === 'dialog'}
      isKeyboardDismissDisabled={isLocked}
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className="modal">
        <AriaDialog className={`dialog ${size}`} role={role} aria-label={title}>
          <div className="head">
            <div>
              <h2>{title}</h2>
              {lede && <p>{lede}</p>}
            </div>
            {role === 'dialog' && !isLocked && (
              <button className="icon-button" type="button" aria-label={t('close')} onClick={onClose}>
                <Icon name="x" />
              </button>
            )}
          </div>
          <div className="body">{children}</div>
          <div className="foot">{foot}</div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/** Says what it will do, and does it once. `word` must be typed where nothing brings the thing back. */
export function ConfirmDialog({
  title,
  children,
  keep,
  action,
  pending,
  word,
  act,
  onClose,
}: {
  title: string;
  children: ReactNode;
  keep: string;
  action: string;
  pending: string;
  word?: string;
  act: () => Promise<unknown>;
  onClose: () => void;
}) {
  const [isPending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const [typed, setTyped] = useState('');
  const begun = useRef(false);
  const confirm = async () => {
    // State changes with the next rendering; two presses may come before.
    if (begun.current) return;
    begun.current = true;
    setPending(true);
    try {
      await act();
      onClose();
    } catch (error) {
      setError(error);
      begun.current = false;
      setPending(false);
    }
  };
  return (
    <Dialog
      title={title}
      size="small"
      role="alertdialog"
      isLocked={isPending}
      onClose={onClose}
      foot={
        <>
          <Button onPress={onClose} isDisabled={isPending}>
            {keep}
          </Button>
          <Button
            kind="danger"
            isPending={isPending}
            pending={pending}
            isDisabled={word !== undefined && typed !== word}
            onPress={() => void confirm()}
          >
            {action}
          </Button>
        </>
      }
    >
      <ErrorBanner error={error} />
      {children}
      {word !== undefined && (
        <label className="field">
          <span>{t('delete-type', { word })}</span>
          <input className="input" value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" />
        </label>
      )}
    </Dialog>
  );
}

export function Empty({ title, text, children }: { title: string; text: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p>{text}</p>
      {children && <div className="actions">{children}</div>}
    </div>
  );
}

/** A list's error and its way out. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <section className="card pad">
      <ErrorBanner error={error} title={t('list-error')} />
      <p>
        <Button icon="resend" onPress={onRetry}>
          {t('retry')}
        </Button>
      </p>
    </section>
  );
}

export function Loading() {
  return (
    <p className="muted pad" role="status">
      {t('loading')}
    </p>
  );
}

export function PageHead({ title, facts, children, count }: { title: string; facts?: ReactNode; children?: ReactNode; count?: number | undefined }) {
  useEffect(() => {
    document.title = `${title} · ${t('keymoor')}`;
  }, [title]);
  return (
    <header className="page-head">
      <div>
        <h1>
          {title} {count !== undefined && <span className="count">{count.toLocaleString(locale())}</span>}
        </h1>
        {facts && <div className="facts">{facts}</div>}
      </div>
      {children && <div className="actions">{children}</div>}
    </header>
  );
}

/** The lines of a text area. */
export function linesOf(form: FormData, name: string): string[] {
  return textOf(form, name)
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
