import { AAuthError } from '@countersign/protocol'
import { isObject } from '@countersign/protocol/internal'
import { type Place, placesOf } from './place.js'
import { type JsonNode, readJson } from './read.js'

/**
 * The JSON text with nothing in it but what every one of the lists of pointers names. Other members go, other elements become `null`;
 * objects and arrays on the way stay, also where nothing is left in them. What is let through stays byte for byte.
 * @param bytes one JSON object or array in UTF-8, without byte order mark
 * @param lists the `fields` of each `data` condition; without lists the text is checked and stays
 * @throws AAuthError `policy_denied`, reason `answer_withheld`, for what is no such text, names a member twice or is deeper than 64
 * @see protocol §9
 * @example
 * ```ts
 * import { projectJson } from '@countersign/conditions'
 *
 * const text = new TextEncoder().encode('{"items":[{"id":1,"title":"a"}],"next":null}')
 * const projected = projectJson(text, [['/items/*\/title']]) // {"items":[{"title":"a"}]}
 * ```
 */
export function projectJson(bytes: Uint8Array, lists: ReadonlyArray<readonly string[]>): Uint8Array<ArrayBuffer> {
  const { text, root } = read(bytes)
  if (root.kind !== 'object' && root.kind !== 'array') throw withheld('the answer is neither an object nor an array')
  const pieces: string[] = []
  write(root, placesOf(lists), { text, pieces })
  return new TextEncoder().encode(pieces.join(''))
}

/** The refusal of an answer that cannot be shown in part: it was made, and none of it goes out. @see protocol §9 */
export function withheld(description: string): AAuthError {
  return new AAuthError('policy_denied', description, { reason: 'answer_withheld' })
}

function read(bytes: Uint8Array): ReturnType<typeof readJson> {
  try {
    return readJson(bytes)
  } catch {
    // Without the cause, which could say something of the answer.
    throw withheld('the answer is no JSON that can be read in one way only')
  }
}

interface Output {
  readonly text: string
  readonly pieces: string[]
}

/** Writes what is let through. @returns whether that was anything */
function write(node: JsonNode, place: Place, output: Output): boolean {
  const { text, pieces } = output
  if (place.kind === 'none') return false
  if (place.kind === 'whole') {
    pieces.push(text.slice(node.start, node.end))
    return true
  }
  if (node.kind === 'object') {
    pieces.push('{')
    const begin = pieces.length
    for (const { name, written, value } of node.members) {
      const mark = pieces.length
      pieces.push(mark === begin ? `${written}:` : `,${written}:`)
      if (!write(value, place.member(name), output)) pieces.length = mark
    }
    pieces.push('}')
    return true
  }
  if (node.kind !== 'array') return false
  pieces.push('[')
  for (const [index, element] of node.elements.entries()) {
    if (index > 0) pieces.push(',')
    if (!write(element, place.element(index), output)) pieces.push('null')
  }
  pieces.push(']')
  return true
}

/**
 * The same for a value that is parsed already, such as the `structuredContent` of an MCP tool result. The value itself is not changed.
 * @throws AAuthError as {@link projectJson} for what is neither an object nor an array, or is deeper than 64
 * @see protocol §9
 */
export function projectValue(value: unknown, lists: ReadonlyArray<readonly string[]>): unknown {
  if (!isObject(value) && !Array.isArray(value)) throw withheld('the answer is neither an object nor an array')
  const text = JSON.stringify(value)
  return JSON.parse(new TextDecoder().decode(projectJson(new TextEncoder().encode(text), lists)))
}
