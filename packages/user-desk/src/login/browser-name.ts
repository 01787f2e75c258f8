import { headerValues, type ReceivedMessage } from '@countersign/httpsig'

/** Characters of a `User-Agent` that are read. */
const longest = 500

const browsers: ReadonlyArray<readonly [mark: string, name: string]> = [
  ['Edg/', 'Edge'],
  ['EdgA/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['FxiOS/', 'Firefox'],
  ['CriOS/', 'Chrome'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
]

const systems: ReadonlyArray<readonly [mark: string, name: string]> = [
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Android', 'Android'],
  ['Windows', 'Windows'],
  ['CrOS', 'ChromeOS'],
  ['Macintosh', 'Mac'],
  ['Linux', 'Linux'],
]

/** The browser and system that a user knows a browser by, such as `Firefox, Linux`: what it says of itself. Empty where it says nothing known. */
export function browserNameOf(message: ReceivedMessage): string {
  const text = (headerValues(message, 'user-agent')[0] ?? '').slice(0, longest)
  const found = (names: typeof browsers): readonly string[] =>
    names.filter(([mark]) => text.includes(mark)).map(([, name]) => name)
  return [found(browsers)[0], found(systems)[0]].filter(name => name !== undefined).join(', ')
}
