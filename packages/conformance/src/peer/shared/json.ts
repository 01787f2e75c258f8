/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Reads JSON in which no object has a member twice.
 * @param depth how deep objects and arrays may stand in one another
 * @throws SyntaxError
 */
export function parseJson(text: string, depth = 64): unknown {
  const value: unknown = JSON.parse(text)
  // The text is JSON, so these tokens are all that matters of it.
  const open: Array<{ readonly names?: Set<string>; isNameNext: boolean }> = []
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    const inside = open.at(-1)
    if (token === '{') open.push({ names: new Set(), isNameNext: true })
    else if (token === '[') open.push({ isNameNext: false })
    else if (token === '}' || token === ']') open.pop()
    else if (token === ',') open[open.length - 1] = { ...inside, isNameNext: inside?.names !== undefined }
    else if (inside?.isNameNext === true) {
      const name = String(JSON.parse(token))
      if (inside.names?.has(name) === true) throw new SyntaxError('a member comes twice')
      inside.names?.add(name)
      inside.isNameNext = false
    }
    if (open.length > depth) throw new SyntaxError('it is too deep')
  }
  return value
}

/** Reads bytes as UTF-8 without a byte order mark. @throws TypeError */
export function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(one => typeof one === 'string')
}
