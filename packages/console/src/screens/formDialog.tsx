/** A dialog with a form. What was typed stays when the server refuses it. */
import { type FormEvent, type ReactNode, useId, useRef, useState } from 'react';
import { t } from '../l10n/l10n.ts';
import { Button, Dialog, ErrorBanner, fieldError, textOf } from '../ui.tsx';

export function FormDialog({
  title,
  lede,
  action,
  pending,
  save,
  children,
  onClose,
  extra,
}: {
  title: string;
  lede?: ReactNode;
  action: string;
  pending?: string;
  save: (value: (name: string) => string, form: FormData) => Promise<unknown>;
  children: (error: (field: string) => string | undefined) => ReactNode;
  onClose: () => void;
  extra?: ReactNode;
}) {
  const id = useId();
  const [error, setError] = useState<unknown>();
  const [isPending, setPending] = useState(false);
  const begun = useRef(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    if (begun.current) return;
    begun.current = true;
    setPending(true);
    setError(undefined);
    try {
      await save((name) => textOf(form, name), form);
      onClose();
    } catch (error) {
      setError(error);
    }
    begun.current = false;
    setPending(false);
  };
  return (
    <Dialog
      title={title}
      lede={lede}
      onClose={onClose}
      isLocked={isPending}
      foot={
        <>
          {extra && <span className="push">{extra}</span>}
          <Button onPress={onClose} isDisabled={isPending}>
            {t('cancel')}
          </Button>
          <button className="button primary" type="submit" form={id} aria-disabled={isPending || undefined}>
            {isPending ? (pending ?? t('saving')) : action}
          </button>
        </>
      }
    >
      <ErrorBanner error={error} />
      <form id={id} className="stack" onSubmit={(event) => void submit(event)}>
        {children((field) => fieldError(error, field))}
      </form>
    </Dialog>
  );
}
