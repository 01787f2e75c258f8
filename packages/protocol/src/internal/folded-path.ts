const plain = /^[\0-\x7f]*$/
const ending = /[. ](?:\/|$)|:\$/
const ignorable = /\p{Default_Ignorable_Code_Point}/gu

/**
 * One text for all that a file system or a web server may take for the same name: without case, compatibility forms and invisible
 * characters. It decides which names could be confused; a name is never replaced by it.
 */
export function foldedName(text: string): string {
  if (plain.test(text)) return text.toLowerCase()
  const folded = text.normalize('NFKC').replace(ignorable, '').toUpperCase().toLowerCase()
  // What Turkish letters, and a sigma at the end of a word, leave when they change their case.
  return folded.replaceAll('i\u0307', 'i').replaceAll('ς', 'σ').normalize('NFKC')
}

/**
 * A path as {@link foldedName} has it, its segments without what Windows leaves out: dots and spaces at their end, and the names of
 * NTFS streams (`::$DATA`, `:$I30:$INDEX_ALLOCATION`).
 * @returns nothing for a segment of which nothing is left; `.` and `..` stay, for the caller to resolve or refuse
 */
export function foldedPath(path: string): string | undefined {
  const folded = foldedName(path)
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
 * A path whose segments end at their first colon: Windows opens the same file for `name:stream`, whatever the stream is called.
 * A drive at the beginning (`C:`) stays.
 */
export function withoutStreams(path: string): string {
  const [drive = ''] = /^\/?[a-z]:(?=\/|$)/i.exec(path) ?? []
  return `${drive}${path.slice(drive.length).replace(/:[^/]*/g, '')}`
}

/**
 * The folders of a path in which it names a file as Windows may have shortened it (`PRIVAT~1`): a short name may stand for any
 * name in its folder.
 * @param from segments that end before it do not count
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
