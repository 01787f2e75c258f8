import type { IncomingMessage, ServerResponse } from 'node:http'

/** Reads the body of a small request. @throws RangeError when it is long */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  // bound: one call: 16 KiB and one piece
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    chunks.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length > 16_384) throw new RangeError('the body is too long')
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Answers with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  { body, headers = {} }: { readonly body: object; readonly headers?: Readonly<Record<string, string>> },
): void {
  // With `writeHead` the headers would not be remembered, and could not be shown.
  response.statusCode = status
  const all = { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers }
  for (const [name, value] of Object.entries(all)) response.setHeader(name, value)
  response.end(JSON.stringify(body))
}
