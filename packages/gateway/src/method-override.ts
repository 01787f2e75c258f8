import { headerValues, type ReceivedMessage } from '@countersign/httpsig'
import { queryOf } from '@countersign/httpsig/internal'
import type { AAuthError } from '@countersign/protocol'
import { foldedName, isObject, refusal } from '@countersign/protocol/internal'

/** A parameter that makes one of these an unsafe request would lead round what is asked of those: a replay, a user's approval. */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Names by which frameworks read another method than the one of the request, in the form of {@link parameterName}. */
const names: ReadonlySet<string> = new Set(['_method', 'x_http_method_override', 'x_http_method', 'x_method_override'])

/** Characters of the shortest of them: a million shorter names cost nothing. */
const shortest = 7

const lenient = new TextDecoder('utf-8')

/**
 * Finds a parameter that makes some frameworks run another method than the one that was judged: `POST /items/5?_method=DELETE`
 * (method override).
 * @param o.isOneRule whether the rule of the request holds for every method of its path: then only a safe request is looked at
 * @returns the refusal; undefined for a request without such a parameter
 */
export function overrideInQuery(
  { method, target }: ReceivedMessage,
  { isOneRule }: { readonly isOneRule: boolean },
): AAuthError | undefined {
  if (isOneRule && !safe.has(method)) return undefined
  const query = queryOf(target)
  return query !== undefined && hasOverride(namesInForm(query.slice(1))) ? overridden() : undefined
}

/** The same in the body: a member of a form or of a JSON object. */
export function overrideInBody(message: ReceivedMessage): AAuthError | undefined {
  const { body } = message
  if (safe.has(message.method) || body === undefined || body.length === 0) return undefined
  const types = headerValues(message, 'content-type')
  const kinds = kindsOf(types.length === 0 ? undefined : types.join())
  if (kinds.length === 0) return undefined
  if (headerValues(message, 'content-encoding').some(coding => coding.trim().toLowerCase() !== 'identity'))
    return refusal('body_compressed', { about: 'a member of it could name the method' })
  const text = lenient.decode(body)
  const found = kinds.map(kind => namesIn[kind](text))
  if (found.includes(undefined)) return refusal('json_malformed', { about: 'a member of it could name the method' })
  return found.some(one => one !== undefined && hasOverride(one)) ? overridden() : undefined
}

type Kind = 'form' | 'json' | 'multipart'

/** How frameworks may read a body of this type. Without a type some read a form. */
function kindsOf(type: string | undefined): readonly Kind[] {
  if (type === undefined) return ['form']
  const folded = type.toLowerCase()
  const kinds: Kind[] = []
  if (folded.includes('form-urlencoded')) kinds.push('form')
  if (folded.includes('json')) kinds.push('json')
  if (folded.includes('multipart')) kinds.push('multipart')
  return kinds
}

/** The names of parameters in a body; undefined for one that cannot be read. */
const namesIn: Readonly<Record<Kind, (text: string) => readonly string[] | undefined>> = {
  form: namesInForm,
  json: namesInJson,
  multipart: namesInMultipart,
}

/** Split at `;`, too, as some servers do. */
function namesInForm(text: string): readonly string[] {
  const found: string[] = []
  for (const piece of text.split(/[&;]/)) {
    const equals = piece.indexOf('=')
    const name = equals < 0 ? piece : piece.slice(0, equals)
    if (name.length >= shortest) found.push(decoded(name.replaceAll('+', ' ')))
  }
  return found
}

/** Not by the strict parser, which refuses what a lax one behind reads: here each name that any parser finds counts. */
function namesInJson(text: string): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? Object.keys(value) : []
  } catch {
    return undefined
  }
}

// `name=` and `name*=` of a part's header. An unterminated quote ends at a space or `;`, so that no text is read twice.
const nameParameter = /\bname[*\d]*[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^;\s]*)/gi

/** By the lines that can name a part, wherever they are: servers differ in where they see a boundary. */
function namesInMultipart(text: string): readonly string[] {
  const lines = text.replace(/\r?\n[ \t]+/g, ' ').split(/[\r\n]/)
  return lines
    .filter(line => /^[ \t]*content-disposition/i.test(line))
    .flatMap(line => [...line.matchAll(nameParameter)].map(([, value = '']) => decoded(nameOfPart(value))))
}

function nameOfPart(value: string): string {
  const plain = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value
  // An encoded word (RFC 2047) may be any name, and `charset'language'name` (RFC 8187) has its name at the end.
  return plain.includes('=?') ? '_method' : plain.slice(plain.lastIndexOf("'") + 1)
}

/** The text with its escapes decoded as leniently as any server does: `%5F`, and `%u005f` of older ones. */
function decoded(text: string): string {
  if (!text.includes('%')) return text
  const plain = text.replace(/%u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return plain.replace(/(?:%[0-9a-f]{2})+/gi, escapes => {
    const bytes = escapes.slice(1).split('%')
    return lenient.decode(Uint8Array.from(bytes, byte => Number.parseInt(byte, 16)))
  })
}

function hasOverride(found: readonly string[]): boolean {
  return found.some(name => names.has(parameterName(name)))
}

/** The name as PHP and others read it: without case and `[…]`, each other character as `_`. */
function parameterName(name: string): string {
  return foldedName(name)
    .replace(/(?<=.)\[.*/s, '')
    .replace(/[^a-z0-9]/g, '_')
}

function overridden(): AAuthError {
  return refusal('method_overridden')
}
