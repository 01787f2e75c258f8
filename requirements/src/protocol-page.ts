/** What docs/protocol.md says at one clause. */
export interface ClausePlace {
  /** Section of the page, e.g. `3.4`. */
  readonly section: string
  /** The sentences of the paragraph, bullet or row that has the clause's mark. A row is one sentence. */
  readonly sentences: readonly string[]
  /** Sentences next to it that have no mark: every must is a clause, or part of the one beside it. */
  readonly beside: readonly string[]
}

/** What the page says at each clause, by its id. Code blocks are examples and belong to no clause. */
export function readPlaces(page: string): ReadonlyMap<string, ClausePlace> {
  const blocks = readBlocks(page)
  const places = new Map<string, ClausePlace>()
  for (const [at, block] of blocks.entries()) {
    const { section, sentences, clauses } = block
    const before = unmarked(block, blocks.slice(0, at).reverse()).reverse()
    const beside = [...before, ...unmarked(block, blocks.slice(at + 1))].flatMap(one => one.sentences)
    for (const id of clauses) places.set(id, { section, sentences, beside })
  }
  return places
}

/** The sentences of a place that hold these words, spelt as on the page; its emphasis may be left out. */
export function sentencesWith(place: ClausePlace, words: string): readonly string[] {
  const plain = plainText(words)
  return [...place.sentences, ...place.beside].filter(sentence => sentence.includes(plain))
}

/** A heading, paragraph, list item or table row. */
interface Block {
  readonly kind: 'heading' | 'text' | 'row'
  readonly section: string
  readonly clauses: readonly string[]
  readonly sentences: readonly string[]
}

function readBlocks(page: string): readonly Block[] {
  const blocks: Block[] = []
  let section = ''
  for (const text of pieces(page)) {
    const kind = text.startsWith('#') ? 'heading' : text.startsWith('|') ? 'row' : 'text'
    if (kind === 'heading') section = /^#+ (\d+(?:\.\d+)?)/.exec(text)?.[1] ?? section
    const clauses = [...text.matchAll(/<sub>(.*?)<\/sub>/g)].map(([, id = '']) => id)
    blocks.push({ kind, section, clauses, sentences: kind === 'heading' ? [] : sentencesOf(text, kind) })
  }
  return blocks
}

/** The page, cut before each heading, paragraph, list item and table row. */
function pieces(page: string): string[] {
  return page
    .replace(/^ *```[\s\S]*?^ *```$/gm, '')
    .replace(/^\|[-|]+\|$/gm, '')
    .split(/\n\s*\n|\n(?=#|\||\s*(?:-|\d+\.) )/)
    .map(piece => piece.trim())
    .filter(piece => piece !== '')
}

function sentencesOf(text: string, kind: Block['kind']): string[] {
  if (kind === 'row') return [plainText(text)]
  const whole = plainText(text.replace(/^(?:-|\d+\.) /, ''))
  return whole.split(/(?<=(?<!^\d)\.[)”"]?) (?=[^a-z])/).filter(sentence => /\w/.test(sentence))
}

/** The blocks that follow in one direction, up to the next mark. Under the caption of a table that is the whole table. */
function unmarked(from: Block, blocks: readonly Block[]): Block[] {
  const found: Block[] = []
  for (const block of blocks) {
    if (block.section !== from.section) break
    if (block.clauses.length === 0) found.push(block)
    else if (block.kind !== 'row' || from.kind === 'row') break
  }
  return found
}

function plainText(text: string): string {
  return text
    .replace(/<sub>.*?<\/sub>|(?:\*\*)?\[c\](?:\*\*)?|\*\*/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\s+/g, ' ')
    .replace(/ (?=[.,;:])/g, '')
    .trim()
}
