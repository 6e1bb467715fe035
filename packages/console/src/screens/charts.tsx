/** The figures of a realm's last thirty days. */
import type { StatisticsOfDay } from '@keymoor/api-client';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useId, useState } from 'react';
import { api } from '../api.ts';
import { locale, t } from '../l10n/l10n.ts';
import { Button, ErrorBanner } from '../ui.tsx';

const DAYS = 30;
const WIDTH = 300;
const HEIGHT = 112;
const COLUMN = WIDTH / DAYS;
/** Neighbours in a stack must not touch. */
const GAP = 0.6;

interface Series {
  name: string;
  colour: 'sea' | 'green' | 'amber' | 'red';
  of: (day: StatisticsOfDay) => number;
}

export default function Charts({ realm }: { realm: string }) {
  const query = useQuery({ queryKey: ['statistics', realm], queryFn: () => api().getStatistics({ realm_id: realm, days: DAYS }), refetchInterval: 60_000 });
  const days = query.data?.days;
  if (query.isError) return <ErrorBanner error={query.error} title={t('list-error')} />;
  if (!days) return null;
  const total = (of: Series['of']) => days.reduce((sum, day) => sum + of(day), 0);
  const bound = total((day) => day.ended_credential_binding_jobs.COMPLETE);
  const ended = bound + total((day) => day.ended_credential_binding_jobs.EXPIRED + day.ended_credential_binding_jobs.REVOKED);
  return (
    <div className="charts section" role="group" aria-label={t('chart-days')}>
      <Chart
        title={t('chart-sign-ins')}
        figure={total((day) => day.sign_ins.allowed)}
        words={t('chart-days')}
        days={days}
        line
        series={[
          { name: t('chart-allowed'), colour: 'sea', of: (day) => day.sign_ins.allowed },
          { name: t('chart-refused'), colour: 'red', of: (day) => day.sign_ins.denied + day.sign_ins.failed },
        ]}
      />
      <Chart
        title={t('chart-passkeys')}
        figure={total(({ new_passkeys: { JWT, WEBAUTHN, FIDO2 } }) => JWT + WEBAUTHN + FIDO2)}
        words={t('chart-days')}
        days={days}
        series={[
          { name: t('key-device'), colour: 'sea', of: (day) => day.new_passkeys.WEBAUTHN + day.new_passkeys.FIDO2 },
          { name: t('key-software'), colour: 'amber', of: (day) => day.new_passkeys.JWT },
        ]}
      />
      <Chart
        title={t('chart-jobs')}
        figure={ended}
        words={ended ? t('chart-jobs-share', { share: Math.round((bound / ended) * 100) }) : t('chart-days')}
        days={days}
        series={[
          { name: t('stop-bound'), colour: 'green', of: (day) => day.ended_credential_binding_jobs.COMPLETE },
          { name: t('stop-expired'), colour: 'amber', of: (day) => day.ended_credential_binding_jobs.EXPIRED },
          { name: t('stop-revoked'), colour: 'red', of: (day) => day.ended_credential_binding_jobs.REVOKED },
        ]}
      />
    </div>
  );
}

/** The next round number: 1, 2 or 5 with zeros. Even, so that the middle line is a number too. */
function top(highest: number): number {
  for (let step = 2; ; step *= 10) for (const round of [step, step * 2.5, step * 5]) if (round >= highest) return Math.ceil(round / 2) * 2;
}

function Chart({ title, figure, words, days, series, line = false }: { title: string; figure: number; words: string; days: readonly StatisticsOfDay[]; series: readonly Series[]; line?: boolean }) {
  const id = useId();
  const [isTable, setTable] = useState(false);
  const bars = line ? series.slice(1) : series;
  const heights = days.map((day) => Math.max(line ? (series[0]?.of(day) ?? 0) : 0, bars.reduce((sum, one) => sum + one.of(day), 0)));
  const highest = top(Math.max(...heights));
  const short = new Intl.NumberFormat(locale(), { notation: 'compact' });
  const dates = new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short', timeZone: 'UTC' });
  const date = (day: StatisticsOfDay | undefined) => (day ? dates.format(new Date(day.date)) : '');
  const best = days[heights.indexOf(Math.max(...heights))];
  return (
    <section className="chart" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      <p className="figure">
        <strong>{figure.toLocaleString(locale())}</strong>
        <span>{words}</span>
      </p>
      {isTable ? (
        <Table title={title} days={days} series={series} date={date} />
      ) : (
        <div className="plot">
          <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t('chart-words', { title, total: figure, date: date(best), count: Math.max(...heights) })}>
            <path className="grid-line" d={`M0 0.5H${WIDTH}`} />
            <path className="grid-line" d={`M0 ${HEIGHT / 2}H${WIDTH}`} />
            <path className="base-line" d={`M0 ${HEIGHT}H${WIDTH}`} />
            {line && series[0] && <Line values={days.map(series[0].of)} highest={highest} />}
            {days.map((day, i) => {
              let y = HEIGHT;
              return bars.map((one): ReactNode => {
                const tall = (one.of(day) / highest) * HEIGHT;
                if (tall === 0) return null;
                const bar = <path key={one.name + day.date} className={`f-${one.colour}`} d={`M${i * COLUMN + 1.5} ${y}v-${tall}h7v${tall}z`} />;
                y -= tall + GAP;
                return bar;
              });
            })}
          </svg>
          <div className="y" aria-hidden="true">
            <span>{short.format(highest)}</span>
            <span>{short.format(highest / 2)}</span>
            <span>0</span>
          </div>
          <div className="x" aria-hidden="true">
            <span>{date(days[0])}</span>
            <span>{date(days[Math.floor(days.length / 2)])}</span>
            <span>{t('chart-today')}</span>
          </div>
        </div>
      )}
      <ul className="legend">
        {series.map((one, i) => (
          <li key={one.name}>
            <svg viewBox="0 0 10 10" aria-hidden="true">
              {line && i === 0 ? <path className="series c-sea" d="M0 5h10" /> : <path className={`f-${one.colour}`} d="M1 1h8v8H1z" />}
            </svg>
            {one.name} <b>{days.reduce((sum, day) => sum + one.of(day), 0).toLocaleString(locale())}</b>
          </li>
        ))}
        <li className="push">
          <Button kind="small quiet" onPress={() => setTable(!isTable)}>
            {t(isTable ? 'chart-chart' : 'chart-table')}
          </Button>
        </li>
      </ul>
    </section>
  );
}

/** Today is not over: its part is dotted. */
function Line({ values, highest }: { values: readonly number[]; highest: number }) {
  const step = WIDTH / (values.length - 1);
  const points = values.map((value, i) => `${(i * step).toFixed(1)} ${(HEIGHT - (value / highest) * HEIGHT).toFixed(1)}`);
  const until = points.slice(0, -1);
  return (
    <>
      <path className="area f-sea" d={`M${until.join('L')}L${until.at(-1)?.split(' ')[0]} ${HEIGHT}L0 ${HEIGHT}Z`} />
      <path className="series c-sea" d={`M${until.join('L')}`} />
      <path className="series open c-sea" d={`M${until.at(-1)}L${points.at(-1)}`} />
    </>
  );
}

function Table({ title, days, series, date }: { title: string; days: readonly StatisticsOfDay[]; series: readonly Series[]; date: (day: StatisticsOfDay) => string }) {
  return (
    // biome-ignore lint: it scrolls
    <div className="chart-table" tabIndex={0} role="group" aria-label={title}>
      <table aria-label={title}>
        <thead>
          <tr>
            <th>{t('chart-day')}</th>
            {series.map(({ name }) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...days].reverse().map((day) => (
            <tr key={day.date}>
              <td>{date(day)}</td>
              {series.map((one) => (
                <td key={one.name}>{one.of(day).toLocaleString(locale())}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
