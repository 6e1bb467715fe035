/** A QR code as one path. */
import qrcode from 'qrcode-generator';
import { t } from '../l10n/l10n.ts';

export function Qr({ text }: { text: string }) {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  let path = '';
  for (let row = 0; row < size; row++) for (let column = 0; column < size; column++) if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`;
  return (
    <svg className="qr" viewBox={`-2 -2 ${size + 4} ${size + 4}`} role="img" aria-label={t('qr')} shapeRendering="crispEdges">
      <path d={path} />
    </svg>
  );
}
