import type { Describe, DescribedRequest } from './describe.js'
import { type DisplayValue, display } from './display.js'
import { NotShowable } from './not-showable.js'

/** Reads one value of a request. */
type Read = (request: DescribedRequest) => unknown

/**
 * Describes requests by a text with places for values, where no function can be written: in a configuration file.
 * - `{path/2}`: a segment of the path, decoded; of `/messages/5` the second is `5`. Every later one must be shown, too.
 * - `{query/to}`: a parameter of the query, which must be there once
 * - `{body/items/0/title}`: a place in the JSON body, as a JSON pointer; of an MCP tool call, in its arguments
 *
 * A value that is missing, or no text, number or truth value, refuses the request. So does everything in the body and the query that has
 * no place in the text, unless `unshown` of the route names it. `{{` and `}}` are braces.
 * @throws TypeError for another place, and for a brace that stands alone
 * @see protocol §9.4
 * @example
 * ```ts
 * import { describeBy } from '@countersign/resource'
 *
 * const describe = describeBy('Move message {path/2} to {body/folder}')
 * ```
 */
export function describeBy(template: string): Describe {
  const words: string[] = []
  const values: Read[] = []
  let text = ''
  for (const part of template.split(/(\{\{|\}\}|\{[^{}]*\})/)) {
    if (part === '{{' || part === '}}') text += part[0]
    else if (part.startsWith('{') && part.endsWith('}')) {
      words.push(text)
      text = ''
      values.push(shownAt(part.slice(1, -1), valueAt(part.slice(1, -1))))
    } else if (/[{}]/.test(part)) throw new TypeError('a template has a brace that stands alone: write {{ or }}')
    else text += part
  }
  const all = Object.assign([...words, text], { raw: [] })
  // What is no text, number or truth value, `display` refuses.
  return request => display(all, ...values.map(read => read(request) as DisplayValue))
}

function valueAt(place: string): Read {
  const [, kind, rest = ''] = /^(path|query|body)\/(.*)$/s.exec(place) ?? []
  if (kind === 'path' && /^[1-9][0-9]?$/.test(rest)) return request => request.segment(Number(rest))
  if (kind === 'query' && rest !== '') return request => request.parameter(rest)
  if (kind === 'body' && !/~(?![01])/.test(rest)) {
    const keys = rest.split('/').map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    return request => memberAt(request.json(), keys)
  }
  throw new TypeError(`a template names a place that is none of {path/2}, {query/name} and {body/member}: {${place}}`)
}

function memberAt(value: unknown, keys: readonly string[]): unknown {
  let found = value
  for (const key of keys) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = Reflect.get(found, key)
  }
  return found
}

/** One value, with its place in the error: the words of the operator, never of the request. */
function shownAt(place: string, read: Read): Read {
  return request => {
    const value = read(request)
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
    throw new NotShowable(`it has no text, number or truth value at {${place}}`)
  }
}
