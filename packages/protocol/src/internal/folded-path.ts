import { foldedText } from './folded-name.js'

const ending = /[. ](?:\/|$)|:\$/

/**
 * A path folded like {@link foldedText}, without the parts of segments that Windows ignores: dots and spaces at the end, and the names
 * of NTFS streams (`::$DATA`, `:$I30:$INDEX_ALLOCATION`).
 * @returns undefined when nothing is left of a segment; `.` and `..` stay, for the caller to resolve or refuse
 */
export function foldedPath(path: string): string | undefined {
  const folded = foldedText(path)
  if (!ending.test(folded)) return folded
  const segments: string[] = []
  for (const segment of folded.split('/')) {
    const name = segment === '.' || segment === '..' ? segment : trimmedEnd(withoutStream(segment))
    if (name === '' && segment !== '') return undefined
    segments.push(name)
  }
  return segments.join('/')
}

/**
 * A path with each segment cut at its first colon: Windows opens the same file for `name:stream` with any name of a stream.
 * A drive at the beginning (`C:`) stays.
 */
export function withoutStreams(path: string): string {
  const [drive = ''] = /^\/?[a-z]:(?=\/|$)/i.exec(path) ?? []
  return `${drive}${path.slice(drive.length).replace(/:[^/]*/g, '')}`
}

/**
 * The folders of a path in which it has a short name of Windows (`PRIVAT~1`): that may be any file in the folder.
 * @param from segments that end before this index do not count
 */
export function shortNameFolders(path: string, from = 0): readonly string[] {
  const names = [...path.matchAll(/\/[^/]{0,7}~\d{1,6}(?:\.[^/]{0,3})?(?=\/|$)/g)]
  return names
    .filter(([name], at) => (names[at]?.index ?? 0) + name.length > from)
    .map(({ index }) => path.slice(0, index + 1))
}

function withoutStream(segment: string): string {
  const at = segment.indexOf(':$')
  if (at < 0) return segment
  return segment.slice(0, segment[at - 1] === ':' ? at - 1 : at)
}

function trimmedEnd(segment: string): string {
  let end = segment.length
  while (segment[end - 1] === '.' || segment[end - 1] === ' ') end -= 1
  return segment.slice(0, end)
}
