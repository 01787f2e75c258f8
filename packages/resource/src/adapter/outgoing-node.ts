import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { HeaderFields } from '@countersign/protocol'
import { framingFields, framingOf } from '@countersign/protocol/internal'
import type { AnswerHead } from '../guard/handed-on.js'
import { dropBody, type NodeRequest } from './incoming-node.js'
import type { WhileOpen } from './revocable.js'

/** A response as Node shows it. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** As much of both kinds as is used here. */
type Outgoing = Pick<ServerResponse, 'getHeader' | 'getHeaderNames' | 'removeHeader' | 'setHeader'> & {
  writeHead(status: number, reason?: unknown, headers?: unknown): unknown
}

/** Where a response whose answer is held keeps the function that lets answers go out as they are again. */
export const release: unique symbol = Symbol('countersign.release')

/** Sends the response of a guard, which is short; without its body for HEAD. */
export async function answerNode(answer: Response, request: NodeRequest, to: NodeResponse): Promise<void> {
  const body = await bodyOf(answer)
  releaseAnswer(to)
  to.statusCode = answer.status
  for (const [name, value] of fieldsOf(answer)) to.setHeader(name, value)
  const { method = '' } = request
  const { hasBody, length } = framingOf({ method, status: answer.status, given: null, bytes: body?.length ?? 0 })
  if (length !== undefined) to.setHeader('content-length', length)
  if (!(await dropBody(request)) && request.httpVersionMajor < 2) to.setHeader('connection', 'close')
  if (hasBody && body !== undefined) to.end(body)
  else to.end()
}

/** The body of a guard's response; undefined for one that has none. */
export async function bodyOf(answer: Response): Promise<Buffer | undefined> {
  return answer.body === null ? undefined : Buffer.from(await answer.arrayBuffer())
}

/** What a guard says by itself goes out as it is: a challenge for a handler's call, the refusal of a second guard. */
export function releaseAnswer(response: NodeResponse & { [release]?: () => void }): void {
  response[release]?.()
}

/** Headers as Node sets them: each Set-Cookie on its own line, and none that says how long the answer is. */
export function fieldsOf({ headers }: Response): Array<readonly [name: string, value: string | string[]]> {
  const cookies = headers.getSetCookie()
  const fields = [...headers].filter(([name]) => name !== 'set-cookie' && !framingFields.has(name))
  return cookies.length === 0 ? fields : [...fields, ['set-cookie', cookies]]
}

/**
 * Has `set` change the headers at the moment they go out, whether the handler calls `writeHead`, streams, or throws and leaves the
 * response to error handlers.
 * @returns a function that undoes it
 */
export function whenSent(response: NodeResponse, set: (head: AnswerHead) => void): () => void {
  const outgoing = response as Outgoing
  const { writeHead } = outgoing
  const undo = (): void => {
    outgoing.writeHead = writeHead
  }
  outgoing.writeHead = (status, ...rest) => {
    undo()
    const [reason] = rest
    for (const [name, value] of linesOf(rest)) outgoing.setHeader(name, value)
    set({ status, headers: fieldsIn(outgoing) })
    return typeof reason === 'string' ? writeHead.call(response, status, reason) : writeHead.call(response, status)
  }
  return undo
}

/** The headers that `writeHead` was given beside a phrase: an object, or names and values in turn, where a name may come again. */
export function linesOf([phrase, headers]: readonly unknown[]): Array<[name: string, value: string | string[]]> {
  const given = typeof phrase === 'string' ? headers : (headers ?? phrase)
  if (!Array.isArray(given)) return Object.entries((given ?? {}) as OutgoingHttpHeaders) as Array<[string, string]>
  const flat = given.flat() as string[]
  const lines = new Map<string, string[]>()
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const name = String(flat[at]).toLowerCase()
    lines.set(name, [...(lines.get(name) ?? []), String(flat[at + 1])])
  }
  return [...lines].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values])
}

export function fieldsIn(
  outgoing: Pick<Outgoing, 'getHeader' | 'getHeaderNames' | 'removeHeader' | 'setHeader'>,
): HeaderFields {
  return {
    get(name) {
      const value = outgoing.getHeader(name)
      if (value === undefined) return null
      return Array.isArray(value) ? value.join(', ') : String(value)
    },
    set: (name, value) => void outgoing.setHeader(name, value),
    delete: name => outgoing.removeHeader(name),
    keys: () => outgoing.getHeaderNames(),
  }
}

/** Remembers the headers that are set now. @returns a function that restores them and removes later ones */
export function headersNow(response: NodeResponse): () => void {
  const outgoing = response as Outgoing
  const before = new Map(outgoing.getHeaderNames().map(name => [name, outgoing.getHeader(name) ?? '']))
  return () => {
    for (const name of outgoing.getHeaderNames()) if (!before.has(name)) outgoing.removeHeader(name)
    for (const [name, value] of before) outgoing.setHeader(name, value)
  }
}

/** Cuts a response off when its grant is revoked: an event stream would go on for as long as its caller likes (REV-09). */
export function endWhenRevoked(response: NodeResponse, whileOpen: WhileOpen): void {
  response.once(
    'close',
    whileOpen(() => response.destroy()),
  )
}
