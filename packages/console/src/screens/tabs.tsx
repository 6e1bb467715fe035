/** Tabs: the arrows move, `Home` and `End` go to the ends. */
import type { KeyboardEvent } from 'react';

type Tab = readonly [id: string, words: string, count?: number | undefined];

export function Tabs({ tabs, current, onChange }: { tabs: readonly Tab[]; current: string; onChange: (id: string) => void }) {
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const at = tabs.findIndex(([id]) => id === current);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    const target = to === undefined ? undefined : tabs[(to + tabs.length) % tabs.length];
    if (!target) return;
    event.preventDefault();
    onChange(target[0]);
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${target[0]}"]`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" onKeyDown={move}>
      {tabs.map(([id, words, count]) => (
        <button
          key={id}
          type="button"
          role="tab"
          data-tab={id}
          aria-selected={id === current}
          tabIndex={id === current ? 0 : -1}
          onClick={() => onChange(id)}
        >
          {words} {count !== undefined && <span className="count">{count}</span>}
        </button>
      ))}
    </div>
  );
}
