import { domainToUnicode } from 'node:url'
import { authorityOf } from '@countersign/protocol'

/** How a page writes a host. */
export interface ShownHost {
  /** What to show: host and port. */
  readonly text: string
  /** As it is on the wire, where `text` is not: shown beside it. */
  readonly ascii?: string
}

/** Scripts a label may be in whole; right-to-left ones are left out, since they reorder the labels around them. */
const scripts: readonly RegExp[] = [
  // Latin as Western and Central Europe write it; not what is taken for another letter (dotless i, kra, long s, l with a dot).
  /^[a-z0-9\u00df-\u00f6\u00f8-\u0130\u0132-\u0137\u0139-\u013e\u0141-\u0148\u014a-\u017e-]+$/u,
  /^[\p{Script=Cyrillic}0-9-]+$/u,
  /^[\p{Script=Greek}0-9-]+$/u,
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30fc0-9-]+$/u,
  /^[\p{Script=Hangul}\p{Script=Han}0-9-]+$/u,
  /^[\p{Script=Thai}0-9-]+$/u,
  /^[\p{Script=Devanagari}0-9-]+$/u,
]
/** Labels of nothing but lookalikes: Cyrillic and Greek letters for Latin ones, Han and Kana for strokes. */
const lookalikes: readonly RegExp[] = [
  /^[асԁеһіјӏоԛрѕԝхугьбкмнтвп0-9-]+$/u,
  /^[αβγεηικμνορστυχω0-9-]+$/u,
  /^[ーノニヘへロー一二工口丨丶丿亅0-9-]+$/u,
]

/**
 * The host of an identifier as a reader can trust it: in its own script, if that is a single one without lookalikes, else as on
 * the wire (`xn--…`). Homographs: a host must not look like another.
 * @see protocol §6.3
 */
export function shownHost(id: string): ShownHost {
  const ascii = authorityOf(id)
  if (!ascii.includes('xn--')) return { text: ascii }
  const [host = '', port] = ascii.split(':')
  const text = domainToUnicode(host)
  const isPlain = text !== '' && text.split('.').every((label, index) => isPlainLabel(label, host.split('.')[index]))
  return isPlain ? { text: port === undefined ? text : `${text}:${port}`, ascii } : { text: ascii }
}

function isPlainLabel(label: string, ascii: string | undefined): boolean {
  if (label === ascii) return !label.startsWith('xn--')
  return scripts.some(script => script.test(label)) && !lookalikes.some(all => all.test(label))
}
