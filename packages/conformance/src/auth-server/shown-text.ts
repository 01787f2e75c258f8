/** The texts of a page, one for each piece between two tags, without what differs between any two pages: numbers, and these names. */
export function textsOf(page: string, names: readonly string[]): readonly string[] {
  const texts = piecesOf(page).filter(piece => !piece.startsWith('<'))
  return texts.map(text => withoutNames(text, names)).filter(text => text !== '')
}

/** The same, with the kinds of the tags: a mark may be a picture or a class. */
export function shownBy(page: string, names: readonly string[]): string {
  const pieces = piecesOf(page).map(piece => (piece.startsWith('<') ? kindOf(piece) : piece))
  return pieces.map(piece => withoutNames(piece, names)).join('')
}

function piecesOf(page: string): readonly string[] {
  return page.split(/(<[^>]*>)/)
}

/** What a reader may see of a tag: its name, its class and its labels. */
function kindOf(tag: string): string {
  const [name = ''] = /^<\/?[a-z0-9]*/i.exec(tag) ?? []
  const seen = tag.match(/\s(?:class|title|alt|aria-label)=(?:"[^"]*"|'[^']*'|[^\s>]+)/gi) ?? []
  return `${name}${seen.join('')}>`
}

function withoutNames(text: string, names: readonly string[]): string {
  const named = names.reduce((left, name) => left.replaceAll(name, '…'), text)
  return named.replace(/\d+/g, '0').replace(/\s+/g, ' ').trim()
}
