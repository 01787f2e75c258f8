import { isDeepStrictEqual } from 'node:util'

/** Whether a text is this JSON value, in whatever order its members stand. */
export function isJson(text: string, value: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(text), value)
  } catch {
    return false
  }
}

/**
 * Whether the names, strings and numbers of a JSON text stand in the whole one in this order, each written as there. Elements that
 * became `null` stand nowhere.
 */
export function isPartOf(text: string, whole: string): boolean {
  const words = wordsIn(whole)
  let at = 0
  return wordsIn(text).every(word => {
    const found = words.indexOf(word, at)
    if (found !== -1) at = found + 1
    return found !== -1 || word === 'null'
  })
}

const scalar = /"(?:[^"\\]|\\.)*"|[-+.\w]+/g
const named = /"(?:[^"\\]|\\.)*":(?:"(?:[^"\\]|\\.)*"|[-+.\w]+)?|"(?:[^"\\]|\\.)*"|[-+.\w]+/g

/** The names with their scalars, and the scalars in lists, without spaces between them. */
function wordsIn(json: string): readonly string[] {
  const tokens = json.match(new RegExp(`${scalar.source}|[{}[\\],:]`, 'g')) ?? []
  return tokens.join('').match(named) ?? []
}
