import type { HeaderLine, WireResponse } from './message.js'

/**
 * Takes a response apart.
 * @param method of the request: a response to HEAD has no body
 * @param ended whether the peer has closed the connection, which ends a body without a length
 * @returns undefined while more bytes must come
 * @throws Error where the bytes are no HTTP response
 */
export function readResponse(bytes: Buffer, method: string, ended: boolean): WireResponse | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1])
  if (Number.isNaN(status)) throw new Error('it is no HTTP response')
  const rest = bytes.subarray(end + 4)
  // 100 Continue and its like go before the response itself.
  if (status < 200 && status !== 101) return readResponse(rest, method, ended)
  const headers = lines.map(headerLine)
  const body = method === 'HEAD' || status === 204 || status === 304 ? Buffer.alloc(0) : readBody(rest, headers, ended)
  return body === undefined ? undefined : { status, headers, body }
}

function headerLine(line: string): HeaderLine {
  const colon = line.indexOf(':')
  if (colon < 1) throw new Error('a header line of the response has no name')
  return [line.slice(0, colon), line.slice(colon + 1).trim()]
}

function readBody(rest: Buffer, headers: readonly HeaderLine[], ended: boolean): Buffer | undefined {
  const value = (wanted: string): string | undefined => headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
  if (/\bchunked\b/i.test(value('transfer-encoding') ?? '')) return readChunks(rest)
  const length = value('content-length')
  if (length === undefined) return ended ? rest : undefined
  return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : undefined
}

function readChunks(rest: Buffer): Buffer | undefined {
  const chunks: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(rest.subarray(at, lineEnd).toString('latin1'), 16)
    if (Number.isNaN(size)) throw new Error('a chunk of the response has no size')
    const from = lineEnd + 2
    if (size === 0) return Buffer.concat(chunks)
    if (rest.length < from + size + 2) return undefined
    chunks.push(rest.subarray(from, from + size))
    at = from + size + 2
  }
}
